// What follows the interpreter in the worker: it runs a reader's code and sends back numbers.
const MOST = 2000; // bytes of what the code prints
// The tape and what judges the code have names of their own: a reader may call a variable `sum`.
const SETUP = `
import json
_tape = {"__name__": "tape"}
exec(_text, _tape)
_scope = {_name: _tape[_name] for _name in _tape if _name[0] != "_"}
_scope["__name__"] = "exercise"
def _run(code):
    exec(compile(code, "your code", "exec"), _scope)
def _flat(value):
    return sum([_flat(part) for part in value], []) if isinstance(value, (list, tuple)) else [float(value)]
def _value(text):
    return json.dumps([str(number) for number in _flat(eval(text, _scope))])
`;
// Of a traceback the line of the reader's code that was reached last, and the error.
const told = (error) => {
  const lines = String(error.message || error).trim().split("\n");
  const reached = lines.findLast((line) => line.startsWith('  File "your code"'));
  const last = lines.findLastIndex((line) => line.startsWith("  File "));
  return { error: lines.slice(last + 1).join("\n"), line: reached?.match(/line (\d+)/)[1] };
};
self.onmessage = async ({ data }) => {
  const bytes = [];
  let all = 0;
  const stdout = ([byte]) => { if (all++ < MOST) bytes.push(byte); };
  const printed = () => ({ printed: new TextDecoder().decode(new Uint8Array(bytes)), more: all - bytes.length });
  try {
    const options = { heapsize: 4 << 20, pystack: 8192, wasm: data.wasm, stdout, linebuffer: false };
    const python = await loadMicroPython(options);
    self.postMessage({ ready: true });
    python.globals.set("_text", data.tape);
    python.runPython(SETUP);
    const [run, value] = ["_run", "_value"].map((name) => python.globals.get(name));
    const numbers = (text) => JSON.parse(value(text.trim())).map(Number);
    run(data.code);
    const result = numbers(data.result);
    const nudge = data.nudge ? numbers(data.nudge) : null;
    self.postMessage({ result, nudge, ...printed() });
  } catch (error) {
    self.postMessage({ ...told(error), ...printed() });
  }
};
