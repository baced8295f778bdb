// The page on which a reader types a graph: its state, its address, its controls.
// All words are the page's, except the steps' (graph-words.js) and a program's errors (graph-tape.js).
"use strict";
(() => {
  const { graph, program: shared } = globalThis.linefitPlay;
  const LONGEST = 65536; // characters of an address that are read
  const PASSES = ["once", "keep", "clear", "twice"];
  const MOST = { nodes: 60, quick: 30, elements: 200, dimensions: 3, characters: 4000, grads: 6 };
  const PAUSE = 300; // milliseconds without typing for which a large graph waits
  const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/g;

  // ---- Values: text in, numbers or nested lists out

  const minus = (text) => text.replaceAll("−", "-"); // as this page writes it

  // The value that a text says, or else what is wrong with it: the key of a sentence.
  function readValue(text) {
    const bare = minus(text.trim());
    if (bare.length > MOST.characters) return { wrong: "many" };
    if (!bare || !/^[\d\s.,eE+\-[\]]+$/.test(bare)) return { wrong: "value" };
    const json = bare.replace(NUMBER, (each) => ` ${Number(each)} `);
    if (json.includes("Infinity")) return { wrong: "huge" };
    try {
      const list = !bare.startsWith("[") && bare.includes(",");
      const value = JSON.parse(list ? `[${json}]` : json);
      const { shape, data } = graph.tensor(value);
      if (!data.length) return { wrong: "value" };
      return data.length <= MOST.elements && shape.length <= MOST.dimensions ? { value } : { wrong: "many" };
    } catch {
      return { wrong: "value" };
    }
  }

  const valueOf = (text) => readValue(text).value;

  // ---- The address

  function preset(name, presets) {
    const given = new URLSearchParams(presets[name]);
    return {
      preset: name,
      program: given.get("program"),
      values: listed(given.get("values")),
      fixed: new Set(names(given.get("fixed") ?? "")),
      backward: given.get("backward") ?? "once",
      step: null,
    };
  }

  const names = (text) => text.split(",").filter(Boolean);

  // "x:1,2;a:[3]" as a map; undefined if a part of it is no value.
  function listed(text) {
    const found = new Map();
    for (const part of text.split(";").filter(Boolean)) {
      const [, name, value] = /^([A-Za-z]\w*):(.*)$/s.exec(part) ?? [];
      if (name === undefined || valueOf(value) === undefined) return undefined;
      found.set(name, value.trim().replace(/,\s*/g, ", "));
    }
    return found;
  }

  function parse(text, presets) {
    if (text.length > LONGEST) return { ...preset("sum", presets), problems: ["*"] };
    const given = new URLSearchParams(text.replaceAll("+", "%2B"));
    const name = given.get("preset") ?? "sum";
    const known = Object.hasOwn(presets, name);
    const state = preset(known ? name : "sum", presets);
    const problems = known ? [] : ["preset"];
    const read = {
      preset: () => true,
      program: (value) => (state.program = value),
      values(value) {
        const found = listed(value);
        if (found) state.values = new Map([...state.values, ...found]);
        return found;
      },
      fixed(value) {
        const good = names(value).every((each) => /^[A-Za-z]\w*$/.test(each));
        if (good) state.fixed = new Set(names(value));
        return good;
      },
      backward: (value) => PASSES.includes(value) && (state.backward = value),
      step(value) {
        const good = /^[1-9]\d{0,3}$/.test(value);
        if (good) state.step = Number(value);
        return good;
      },
    };
    for (const [key, value] of given) {
      if (!Object.hasOwn(read, key)) problems.push("?");
      else if (!read[key](value) && key !== "program") problems.push(key);
    }
    return { ...state, problems };
  }

  // Write what differs from the preset.
  function write(state, presets, inputs) {
    const plain = preset(state.preset, presets);
    const parts = [["preset", state.preset]];
    if (state.program !== plain.program) parts.push(["program", state.program]);
    const bare = (values, name) => minus(values.get(name) ?? "").replace(/\s/g, "");
    const changed = inputs.filter((name) => bare(state.values, name) !== bare(plain.values, name));
    if (changed.length) {
      parts.push(["values", changed.map((name) => `${name}:${bare(state.values, name)}`).join(";")]);
    }
    const fixed = (set) => inputs.filter((name) => set.has(name)).join(",");
    if (fixed(state.fixed) !== fixed(plain.fixed)) parts.push(["fixed", fixed(state.fixed)]);
    if (state.backward !== plain.backward) parts.push(["backward", state.backward]);
    if (state.step !== null) parts.push(["step", state.step]);
    return parts.map(([key, value]) => `${key}=${encode(String(value))}`).join("&");
  }

  // An address that a reader can still read: only what would be misread is encoded.
  const encode = (text) => encodeURIComponent(text).replace(/%(?:3A|3B|2C|2F|3D|5B|5D|2A)/g, decodeURIComponent);

  // ---- The same in PyTorch; the comments are the page's words

  function float(value) {
    if (Array.isArray(value)) return `[${value.map(float).join(", ")}]`;
    const text = Object.is(value, -0) ? "-0" : String(value);
    return /^-?\d+$/.test(text) ? `${text}.0` : text;
  }

  function code({ program, fixed, backward }, values, model, comments) {
    const called = new RegExp(`\\b(${graph.FUNCTIONS.join("|")})(?=\\s*\\()`, "g");
    const lines = program.split("\n").map((line) => line.trim().replace(called, "torch.$1"));
    const { last } = model;
    if (last.bare) lines[last.line - 1] = `${last.name} = ${lines[last.line - 1]}`;
    const inputs = Object.keys(values);
    const wanted = inputs.filter((name) => !fixed.has(name));
    const passes = {
      once: [`${last.name}.backward()`],
      keep: [`${last.name}.backward(retain_graph=True)`, `${last.name}.backward()  # ${comments.adds}`],
      clear: [
        `${last.name}.backward(retain_graph=True)`,
        ...(wanted.length ? [`${wanted.map((name) => `${name}.grad`).join(" = ")} = None`] : []),
        `${last.name}.backward()`,
      ],
      twice: [`${last.name}.backward()`, `${last.name}.backward()`],
    }[backward];
    if (model.error) passes[passes.length - 1] += `  # ${comments.raises}`;
    return [
      "import torch",
      "",
      "torch.set_default_dtype(torch.float64)",
      ...inputs.map((name) =>
        `${name} = torch.tensor(${float(values[name])}${fixed.has(name) ? "" : ", requires_grad=True"})`),
      "",
      ...lines.filter(Boolean),
      "",
      ...passes,
      ...(wanted.length ? [`print(${wanted.map((name) => `${name}.grad`).join(", ")})`] : []),
    ].join("\n");
  }

  // ---- The page

  function wire(root) {
    const find = (selector) => root.querySelector(selector);
    const presets = JSON.parse(document.querySelector("[data-gp-presets]").dataset.gpPresets);
    const says = shared.wordsOf(root);
    const phrase = (key, values = {}) => says[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
    const built = document.querySelector(".gp-built");
    const modelPlayer = built.querySelector(".lfg-player");
    const [program, passes, place] = [find("#gp-program"), find("#gp-backward"), find(".gp-figure")];
    const [nodes, about] = [find("#gp-node"), find(".gp-about")];
    const choose = shared.presets(document.querySelector(".gp-presets"));

    let state;
    let inputs = [];
    let model = null;
    let pause = 0;
    let ended = null; // ends the listening of the player that is shown

    const address = shared.address(() => write(state, presets, inputs), load);

    const set = (element, text) => {
      if (element.textContent !== text) element.textContent = text;
    };

    // ---- From the state to everything that is shown

    function update() {
      clearTimeout(pause);
      const found = check();
      choose(state.preset);
      if (found) {
        model = found;
        draw();
      } else {
        set(find(".lp-verdict"), place.hasChildNodes() ? says.stale : says.broken);
        set(find(".gp-message"), "");
      }
      place.classList.toggle("gp-stale", !found);
      for (const panel of [find(".gp-nodes"), find(".gp-code")]) {
        panel.hidden = !found || (panel.matches(".gp-nodes") && !place.hasChildNodes());
      }
      const plain = write(state, presets, inputs) === `preset=${state.preset}`;
      find("[data-go=restore]").hidden = plain;
      address.remember();
    }

    // A large graph takes a while, so it waits until its reader has stopped typing.
    function updateInPause() {
      if (!model || model.graph.nodes.length <= MOST.quick) return update();
      clearTimeout(pause);
      pause = setTimeout(update, PAUSE);
    }

    // Read the program and the values; null where one of them is wrong, which is then told.
    function check() {
      try {
        inputs = graph.inputsOf(state.program);
        inputs.forEach((name, i) => {
          if (!state.values.has(name)) state.values.set(name, String(i + 1));
        });
        fillInputs();
        wrong(null);
        const values = {};
        for (const name of inputs) {
          values[name] = valueOf(state.values.get(name));
          if (values[name] === undefined) return null;
        }
        const constants = inputs.filter((name) => state.fixed.has(name));
        return { ...graph.tell(state.program, values, { constants, passes: state.backward, most: MOST.nodes }), values };
      } catch (error) {
        if (!(error instanceof graph.ProgramError)) throw error;
        wrong(error);
        return null;
      }
    }

    // Show where a program is wrong, and what is expected there.
    function wrong(error) {
      const where = find(".gp-where");
      where.hidden = !error;
      if (error) program.setAttribute("aria-invalid", "true");
      else program.removeAttribute("aria-invalid");
      set(find(".gp-error"), error ? phrase("error", error) : "");
      if (!error) return;
      const line = state.program.split("\n")[error.line - 1] ?? "";
      const from = Math.max(0, error.column - 41);
      const mark = document.createElement("mark");
      mark.textContent = line[error.column - 1] ?? " ";
      where.replaceChildren(line.slice(from, error.column - 1), mark, line.slice(error.column, error.column + 40));
    }

    function fillInputs() {
      const body = find(".gp-inputs tbody");
      const shown = [...body.rows].map((row) => row.dataset.name);
      if (shown.join() !== inputs.join()) body.replaceChildren(...inputs.map((name) => rowOf(name)));
      for (const row of body.rows) {
        const [value, wants] = row.querySelectorAll("input");
        const text = state.values.get(row.dataset.name);
        if (value.value !== text) value.value = text;
        wants.checked = !state.fixed.has(row.dataset.name);
        mark(value, valueOf(text) === undefined);
      }
      const told = ["value", "many", "huge"].map((wrong) => {
        const bad = inputs.filter((name) => readValue(state.values.get(name)).wrong === wrong);
        return bad.length ? phrase(wrong, { ...MOST, names: bad.join(", ") }) : "";
      });
      set(find(".gp-bad"), told.filter(Boolean).join(" "));
    }

    const mark = (input, bad) =>
      bad ? input.setAttribute("aria-invalid", "true") : input.removeAttribute("aria-invalid");

    function rowOf(name) {
      const row = find(".gp-row").content.firstElementChild.cloneNode(true);
      row.dataset.name = name;
      row.querySelector("th").textContent = name;
      const [value, wants] = row.querySelectorAll("input");
      value.setAttribute("aria-label", phrase("valueof", { name }));
      wants.setAttribute("aria-label", phrase("wants", { name }));
      value.addEventListener("input", () => {
        state.values.set(name, value.value);
        updateInPause();
      });
      value.addEventListener("keydown", (event) => {
        const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        nudge(value, way * (event.shiftKey ? 10 : 1));
      });
      for (const button of row.querySelectorAll("button")) {
        const way = Number(button.dataset.way);
        button.setAttribute("aria-label", phrase(way < 0 ? "less" : "more", { name }));
        button.addEventListener("click", () => nudge(value, way));
      }
      wants.addEventListener("change", () => {
        if (wants.checked) state.fixed.delete(name);
        else state.fixed.add(name);
        update();
      });
      return row;
    }

    // Change the number at the cursor by so many tenths.
    function nudge(field, tenths) {
      const at = field.selectionStart;
      const numbers = [...minus(field.value).matchAll(NUMBER)];
      const hit = numbers.find((m) => at <= m.index + m[0].length) ?? numbers.at(-1);
      if (!hit) return;
      const next = String(Number((Number(hit[0]) + tenths / 10).toPrecision(12)));
      field.value = field.value.slice(0, hit.index) + next + field.value.slice(hit.index + hit[0].length);
      field.setSelectionRange(hit.index + next.length, hit.index + next.length);
      field.scrollLeft = (hit.index / field.value.length) * field.scrollWidth; // what changes is seen
      field.dispatchEvent(new Event("input"));
    }

    function draw() {
      const { steps } = model;
      const drawn = model.graph.nodes.length && model.graph.nodes.length <= MOST.nodes;
      ended?.abort();
      ended = new AbortController();
      if (drawn) {
        const layout = graph.layOut(model.graph);
        const player = graph.player(modelPlayer, layout, steps, { list: says.list, step: says.step });
        const open = place.querySelector("details")?.open;
        player.querySelector("details").open = Boolean(open);
        place.replaceChildren(player);
        const at = state.step === null ? steps.length - 1 : Math.min(state.step, steps.length) - 1;
        globalThis.linefitPlayer.wire(player, { at, signal: ended.signal });
        const slider = player.querySelector("input[type=range]");
        watch.disconnect();
        watch.observe(slider, { attributeFilter: ["aria-valuetext"] });
      } else place.replaceChildren();
      fillNodes(drawn);
      set(find(".lp-verdict"), verdict());
      const text = code(state, model.values, model, says);
      find(".lp-code code").replaceChildren(...shared.colored(text));
    }

    // Steps of the player are part of the address.
    const watch = new MutationObserver(([{ target }]) => {
      const at = Number(target.value);
      state.step = at === model.steps.length ? null : at;
      address.remember();
    });

    // ---- What it came to

    function verdict() {
      const { error, failed, result, last, tape } = model;
      const count = model.graph.nodes.length;
      const leaves = [...tape.leaves.values()];
      const told = (leaf) => `${leaf.name}.grad = ${leaf.grad ? graph.spoken(leaf.grad) : "None"}`;
      const each = leaves.filter((leaf) => leaf.tracked).map(told);
      if (each.length > MOST.grads + 1) each.splice(MOST.grads, Infinity, phrase("others", { count: each.length - MOST.grads }));
      const grads = graph.list(each) || "";
      set(find(".gp-message"), error ? phrase("message", { message: error }) : "");
      const values = { result: `${last.name} = ${graph.spoken(result.value)}`, grads,
        count, size: result.value.data.length, name: last.name, leaf: result.name, most: MOST.nodes,
        node: failed?.backward };
      const large = count > MOST.nodes;
      const key = { [graph.RELEASED]: "released", [graph.NO_GRAD]: "nograd", [graph.NOT_SCALAR]: "notscalar" }[error] ??
        (count ? "done" : "empty");
      const found = [phrase(key, values)];
      if (large) found.push(phrase("large", values));
      const twice = state.backward !== "once" && (key === "done" || key === "released");
      if (twice && !large) found.push(phrase("together", values));
      if (key !== "done") return found.join(" ");
      if (state.backward === "keep") found.push(phrase("kept", values));
      if (state.backward === "clear") found.push(phrase("cleared", values));
      if (state.backward === "twice") found.push(phrase("nothing", values));
      const finite = (leaf) => !leaf.grad || leaf.grad.data.every(Number.isFinite);
      if (!leaves.every(finite) || !result.value.data.every(Number.isFinite)) found.push(phrase("infinite", values));
      return found.join(" ");
    }

    // ---- A node and its local derivatives

    function fillNodes(drawn) {
      if (!drawn) return;
      const kept = picked ? model.graph.nodes[Number(nodes.value)] : undefined;
      nodes.replaceChildren(...model.graph.nodes.map((node) => {
        const option = document.createElement("option");
        option.value = node.index;
        option.textContent = node.name || node.op === "number" ? graph.title(node) : graph.call(node);
        return option;
      }));
      picked = Boolean(kept);
      pick((kept ?? model.result).index);
    }

    let picked = false; // whether the reader has chosen the node
    function pick(index) {
      const node = model.graph.nodes[index];
      nodes.value = index;
      for (const box of place.querySelectorAll(".gp-picked")) box.classList.remove("gp-picked");
      if (picked) place.querySelector(`[id="gp-n${index}"]`).classList.add("gp-picked");
      about.replaceChildren(...aboutNode(node).map((text) => {
        const item = document.createElement("li");
        item.textContent = text;
        return item;
      }));
    }

    function aboutNode(node) {
      const name = graph.nameOf(node);
      const kind = graph.kind(node);
      if (node.op === "number") return [phrase("number", { name })];
      if (kind === "leaf") return [phrase("leaf", { name }), ...arrival(node)];
      const into = model.graph.edges.filter((edge) => edge.target === node);
      if (!into.length) return [phrase("constant", { name })];
      if (kind === "constant") return [phrase("unrecorded", { name })];
      const saved = graph.keeps(node);
      const found = into.filter((edge) => edge.input !== null).map((edge) => {
        const { formula, value } = graph.derivative(node, into, edge);
        const number = graph.spoken(value);
        const known = [number, "1", "−1"].includes(formula.replaceAll(" ", ""));
        return phrase("derivative", { result: graph.call(node), by: graph.call(edge.source),
          formula: known ? number : `${formula} = ${number}` });
      });
      found.push(saved.length ? phrase("saves", { node: node.backward, saved: graph.list(saved) })
        : phrase("savesnot", { node: node.backward }));
      return [...found, ...arrival(node)];
    }

    // What arrived at a node: in its last pass, and in both where the figure adds them up.
    function arrival(node) {
      if (!node.reached) return [];
      const { arrived, reached, backward, isLeaf } = node;
      const values = { node: isLeaf ? graph.nameOf(node) : backward, grad: graph.spoken(arrived), sum: graph.spoken(reached) };
      return [phrase(arrived === reached ? "arrives" : "arrivestwice", values)];
    }

    nodes.addEventListener("change", () => {
      picked = true;
      pick(Number(nodes.value));
    });
    place.addEventListener("click", (event) => {
      const box = event.target.closest("[id^='gp-n']");
      if (!box) return;
      picked = true;
      pick(Number(box.id.slice("gp-n".length)));
    });

    // ---- The controls

    function fill() {
      if (program.value !== state.program) program.value = state.program;
      program.rows = Math.min(12, Math.max(3, state.program.split("\n").length));
      passes.value = state.backward;
    }

    program.addEventListener("input", () => {
      state.program = program.value;
      fill();
      updateInPause();
    });
    passes.addEventListener("change", () => {
      state.backward = passes.value;
      update();
    });
    find("[data-go=restore]").addEventListener("click", () => {
      load(`preset=${state.preset}`);
      choose(state.preset).focus();
    });
    shared.copies(find("[data-go=copy]"), find(".lp-code code"), says);

    // ---- The address

    function load(fragment) {
      state = parse(fragment, presets);
      picked = false;
      const { problems } = state;
      const known = [...new Set(problems.filter((key) => says[`key-${key}`]).map((key) => says[`key-${key}`]))];
      const key = problems.includes("*") ? "long" : known.length ? "unusable" : "strange";
      set(find(".lp-problem"), problems.length ? phrase(key, { names: known.join(", ") }) : "");
      fill();
      update();
    }

    built.hidden = true;
    root.hidden = false;
    address.read();
  }

  Object.assign(graph, { parse, write, valueOfText: valueOf, programOf: code });
  const start = () => document.querySelectorAll(".gp-app").forEach(wire);
  // The player's script comes later on the page than this one.
  if (document.readyState === "complete") start();
  else document.addEventListener("DOMContentLoaded", start);
})();
