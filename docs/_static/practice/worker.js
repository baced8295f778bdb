
// What follows the interpreter in the worker: it runs a reader's code and sends back numbers.
self.onmessage = async ({ data }) => {
  const printed = [];
  const options = { heapsize: 4 << 20, wasm: data.wasm, stdout: (line) => printed.push(line) };
  try {
    const python = await loadMicroPython(options);
    self.postMessage({ ready: true });
    python.runPython(data.tape);
    python.runPython(data.code);
    const flat = "def _flat(v):\n return sum([_flat(p) for p in v], []) if isinstance(v, (list, tuple)) else [float(v)]\n";
    const value = (text) => {
      python.runPython(`${flat}import json\n_found = json.dumps([str(v) for v in _flat(${text.trim()})])`);
      return JSON.parse(python.globals.get("_found")).map(Number);
    };
    const result = value(data.result);
    const nudge = data.nudge ? value(data.nudge) : null;
    self.postMessage({ result, nudge, printed: printed.join("\n") });
  } catch (error) {
    self.postMessage({ error: String(error.message || error), printed: printed.join("\n") });
  }
};
