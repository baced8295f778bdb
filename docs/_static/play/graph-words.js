// The steps of a graph and their sentences, as linefit/graph/steps and linefit/graph/sentences.py
// have them.  tests/site/test_play_graph.py compares every word with Graph.steps().
"use strict";
(() => {
  const { isNode, nested, scalar, written, zip, plus, times, map, pow, sumTo, same, sign } = globalThis.linefitPlay.graph;

  // Numbers as Python writes them: exact ties go to the even digit, and zero keeps its sign.

  // The decimal digits of a positive number, rounded to so many, and its power of ten.
  function digitsOf(value, length) {
    const [mantissa, power] = value.toExponential(100).split("e");
    const exact = mantissa.replace(".", "");
    const rest = exact.slice(length);
    let kept = BigInt(exact.slice(0, length));
    const half = `5${"0".repeat(rest.length - 1)}`;
    if (rest > half || (rest === half && kept % 2n)) kept += 1n;
    const text = String(kept);
    return [text.slice(0, length), Number(power) + text.length - length];
  }

  function general(value, length) {
    if (value === 0) return "0";
    const [digits, power] = digitsOf(value, length);
    const bare = digits.replace(/0+$/, "");
    if (power < -4 || power >= length) {
      return `${bare[0]}${bare.length > 1 ? `.${bare.slice(1)}` : ""}e${power}`;
    }
    if (power < 0) return `0.${"0".repeat(-power - 1)}${bare}`;
    const whole = bare.slice(0, power + 1).padEnd(power + 1, "0");
    return bare.length > power + 1 ? `${whole}.${bare.slice(power + 1)}` : whole;
  }

  function number(value, length = 4) {
    if (value !== value) return "nan";
    const minus = value < 0 || Object.is(value, -0) ? "−" : "";
    const size = Math.abs(value);
    if (size === Infinity) return `${minus}inf`;
    if (size >= 10 ** length && size < 1e6) {
      const down = Math.floor(size);
      const up = size - down > 0.5 || (size - down === 0.5 && down % 2);
      return `${minus}${down + Number(up)}`;
    }
    return minus + general(size, length).replace("e-", "e−");
  }

  const writtenOut = (value) =>
    Array.isArray(value) ? `[${value.map(writtenOut).join(", ")}]` : number(value);

  // Labels

  const [FEW, WIDE] = [6, 24];

  function rangeOf({ data }) {
    const known = data.filter((x) => x === x);
    if (!known.length) return say("all nan");
    const [least, most] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
    const [low, high] = [number(least, 3), number(most, 3)];
    let text = `${low} … ${high}`;
    if (low === high) text = least === most ? say("all {number}", { number: low }) : say("all ≈ {number}", { number: low });
    const nans = data.length - known.length;
    return nans ? `${text}, ${nans} nan` : text;
  }

  function brief(tensor) {
    if (tensor.data.length <= FEW) {
      const text = writtenOut(nested(tensor));
      if (text.length <= WIDE) return text;
    }
    return `${written(tensor.shape)} ${rangeOf(tensor)}`;
  }

  function spoken(tensor) {
    const text = brief(tensor);
    const [, shape, least, most] = /^(\(.*?\)) (.*) … (.*)$/.exec(text) ?? [];
    return shape ? say("{shape} from {least} to {most}", { shape, least, most }) : text;
  }

  function kind(node) {
    if (node.backward === null) return "constant";
    return node.isLeaf ? "leaf" : "operation";
  }

  function title(node) {
    if (node.op === "number") return brief(node.value);
    if (node.op === "leaf" || node.op === "constant") return node.name;
    return node.name ? `${node.name} = ${node.op}` : node.op;
  }

  const nameOf = (node) => (node.op === "number" ? title(node) : node.name || node.op);
  const part = (grad) => say("grad {value}", { value: brief(grad) });

  function gradients(grad, accumulated) {
    const lines = grad ? [part(grad)] : [];
    if (accumulated && !(grad && same(accumulated, grad))) lines.push(`.grad ${brief(accumulated)}`);
    return lines;
  }

  const FEW_OPERATIONS = [
    say("no operations"), say("one operation"), say("two operations"), say("three operations"),
    say("four operations"), say("five operations"), say("six operations"), say("seven operations"),
    say("eight operations"), say("nine operations"), say("ten operations"),
  ];

  function altText({ nodes }) {
    const made = nodes.filter((node) => kind(node) === "operation");
    const named = made.filter((node) => node.name).at(-1);
    const reached = nodes
      .filter((node) => kind(node) === "leaf" && node.reached)
      .map((node) => say("the gradient reaching {name} is {value}", { name: node.name, value: spoken(node.reached) }));
    if (reached.length > 6) reached.splice(6, Infinity, say("and {number} more leaves have gradients", { number: reached.length - 6 }));
    const many = FEW_OPERATIONS[made.length] ?? say("{number} operations", { number: made.length });
    const end = named ? [say("{name} is {value}", { name: named.name, value: spoken(named.value) })] : [];
    return say("Computational graph: {facts}.", { facts: [many, ...end, ...reached].join("; ") });
  }

  // Local derivatives: a formula and its value for each input of a backward node.  {x}, {y} and {r}
  // are the names of the operands and of the result.

  const one = () => ({ shape: [], data: Float64Array.of(1) });
  const minusOne = () => ({ shape: [], data: Float64Array.of(-1) });
  const negative = (x) => map(x, (v) => -v);
  const ONE = ["1", one];
  const MINUS_ONE = ["−1", minusOne];
  const square = (v) => v * v;
  const RULES = {
    Add: [ONE, ONE],
    Sub: [ONE, MINUS_ONE],
    Rsub: [MINUS_ONE, ONE],
    Mul: [["{y}", (x, y) => y], ["{x}", (x) => x]],
    Div: [
      ["1 / {y}", (x, y) => map(y, (v) => 1 / v)],
      ["−{x} / {y}²", (x, y) => zip(x, y, (a, b) => -a / square(b))],
    ],
    Pow: [
      ["{y} · {x}^({y} − 1)", (x, y) => times(y, pow(x, map(y, (v) => v - 1)))],
      ["{r} · ln {x}", (x, y, r) => times(r, map(x, Math.log))],
    ],
    Neg: [MINUS_ONE],
    Exp: [["{r}", (x, y, r) => r]],
    Log: [["1 / {x}", (x) => map(x, (v) => 1 / v)]],
    Sin: [["cos {x}", (x) => map(x, Math.cos)]],
    Cos: [["−sin {x}", (x) => map(x, (v) => -Math.sin(v))]],
    Tanh: [["1 − {r}²", (x, y, r) => map(r, (v) => 1 - square(v))]],
    Relu: [[say("1 where {x} > 0, else 0"), (x) => map(x, (v) => Number(v > 0))]],
    Abs: [[say("the sign of {x}"), (x) => map(x, sign)]],
    Sqrt: [["1 / (2 · {r})", (x, y, r) => map(r, (v) => 1 / (2 * v))]],
    Reciprocal: [["−{r}²", (x, y, r) => negative(map(r, square))]],
    Sum: [ONE],
    Mean: [["1 / N", (x) => map(one(), () => 1 / x.data.length)]],
  };

  // The derivative along an edge: from the table, whether or not a gradient has come.
  function derivative(node, into, edge) {
    const rules = RULES[node.backward.replace(/Backward\d*$/, "")];
    const tracked = new Map(into.filter((e) => e.input !== null).map((e) => [e.input, e.source]));
    const others = into.filter((e) => e.input === null).map((e) => e.source);
    const operands = into.map((_, i) => tracked.get(i) ?? others.shift()).filter(Boolean);
    let [x, y] = [operands[0], operands.at(-1)];
    let rule = rules[edge.input];
    if (node.backward === "PowBackward2") [rule, x, y] = [rules[1], y, x]; // the base is a number
    const names = { x: nameOf(x), y: nameOf(y), r: node.name || say("the result") };
    const formula = rule[0].replace(/\{(\w)\}/g, (_, key) => names[key]);
    return { formula, value: rule[1](x.value, y.value, node.value) };
  }

  // The same, as far as the package's table has it, and only where it gives what was sent.
  function factor(node, into, edge, incoming, outgoing) {
    if (node.backward === "PowBackward2") return null;
    const { formula, value } = derivative(node, into, edge);
    let product = times(incoming, value);
    const summed = product.data.length > outgoing.data.length;
    if (product.shape.length < outgoing.shape.length || product.data.length < outgoing.data.length) {
      product = zip(product, outgoing, (a) => a);
    }
    product = sumTo(product, outgoing.shape);
    const close = 1e3 * Number.EPSILON;
    const size = product.data.reduce((most, v) => Math.max(most, Number.isFinite(v) ? Math.abs(v) : 0), 0);
    const agrees = product.data.every((v, i) => {
      const other = outgoing.data[i];
      if (v === other || (v !== v && other !== other)) return true;
      return Number.isFinite(v) && Number.isFinite(other) &&
        Math.abs(v - other) <= close * size + close * Math.abs(other);
    });
    return agrees ? { formula, value, summed } : null;
  }

  // Sentences

  const list = (items) => (items.length < 2 ? items.join("")
    : say("{first} and {last}", { first: items.slice(0, -1).join(", "), last: items.at(-1) }));
  const grouped = (text) => (text.startsWith("−") ? `(${text})` : text);
  const withValue = (node) => `${nameOf(node)} = ${spoken(node.value)}`;
  const operand = (value) => (isNode(value) ? nameOf(value) : number(value));

  function call(node) {
    if (node.name || !node.written) return nameOf(node);
    return node.operands.length ? `${node.op}(${node.written.map(operand).join(", ")})` : nameOf(node);
  }

  function inputs(given) {
    const leaves = given.filter((node) => kind(node) === "leaf").map(withValue);
    const others = given.filter((n) => kind(n) === "constant" && n.op !== "number").map(withValue);
    const parts = [];
    if (leaves.length === 1) parts.push(say("{name} requires a gradient.", { name: leaves[0] }));
    else if (leaves.length) parts.push(say("{names} require gradients.", { names: list(leaves) }));
    if (others.length === 1) parts.push(say("{name} is a constant.", { name: others[0] }));
    else if (others.length) parts.push(say("{names} are constants.", { names: list(others) }));
    if (!parts.length) return say("The inputs are plain numbers.");
    return say("The inputs: {facts}", { facts: parts.join(" ") });
  }

  function savedName(node, name) {
    if (name === "result") return say("its result");
    const both = node.operands.every(isNode);
    const own = { self: 0, other: 1, exponent: 1 }[name];
    const source = both ? node.operands[own] : node.operands.find(isNode);
    if (name === "other" && !both) return number(node.operands.find((each) => !isNode(each)));
    return nameOf(source);
  }

  const keeps = (node) => [...new Set(node.saved.map((name) => savedName(node, name)))];

  function forward(node, into) {
    const operands = into.map(({ source }) => nameOf(source)).join(", ");
    const made = `${node.name ? `${node.name} = ` : ""}${node.op}(${operands})`;
    const words = say("Forward: {call} = {value}.", { call: made, value: spoken(node.value) });
    const names = list(keeps(node));
    const records = node.backward === null ? say("Nothing is recorded.")
      : names ? say("Autograd records {node} and keeps {names}.", { node: node.backward, names })
      : say("Autograd records {node}.", { node: node.backward });
    return `${words} ${records}`;
  }

  const seed = (node, grad) => say("A backward pass enters the graph at {name} with the gradient {value}.",
    { name: call(node), value: spoken(grad) });

  function product(incoming, found, outgoing) {
    if (!found) return outgoing;
    const value = spoken(found.value);
    const plain = [value, "1", "−1"].includes(found.formula.replaceAll(" ", ""));
    const by = plain ? grouped(value) : `(${found.formula} = ${value})`;
    const text = `${grouped(incoming)} × ${by} → ${outgoing}`;
    return found.summed ? say("{product}, the sum over what was repeated", { product: text }) : text;
  }

  function backward(node, run, sent, factors) {
    const incoming = spoken(run.received);
    const words = [say("Backward: {node} gets {value}.", { node: node.backward, value: incoming })];
    sent.forEach(([edge, grad], i) => {
      const sends = product(incoming, factors[i], spoken(grad));
      words.push(say("For {name}: {product}.", { name: call(edge.source), product: sends }));
    });
    if (node.saved.length) {
      words.push(run.kept ? say("What it has saved stays for another pass.") : say("What it has saved is freed."));
    }
    return words.join(" ");
  }

  function addUp(node, parts, total, uses) {
    const result = `${parts.map((each) => grouped(spoken(each))).join(" + ")} = ${spoken(total)}`;
    const told = { name: call(node), number: parts.length, result };
    return parts.length === uses ? say("{name} was used {number} times: its gradient is the sum {result}.", told)
      : say("{name} gets {number} parts of a gradient: their sum is {result}.", told);
  }

  function write(leaf, before, after) {
    const name = nameOf(leaf);
    if (!before) return say("AccumulateGrad writes {name}.grad: it is {after}.", { name, after: spoken(after) });
    if (same(before, after)) return say("{name} is reached; its .grad stays {after}.", { name, after: spoken(after) });
    return say("AccumulateGrad adds to {name}.grad: it was {before} and is {after}.",
      { name, before: spoken(before), after: spoken(after) });
  }

  // The graph: nodes, each after its inputs, with a node for each plain number; edges by their end

  function graphOf(tape) {
    const nodes = [];
    const edges = [];
    const add = (node) => nodes.push(Object.assign(node, { index: nodes.length }));
    for (const node of tape.nodes) {
      const sources = node.operands.map((value) => {
        if (isNode(value)) return value;
        const one = { op: "number", name: null, value: scalar(value),
          operands: [], saved: [], tracked: false, isLeaf: true, backward: null };
        add(one);
        return one;
      });
      add(node);
      const both = node.operands.every(isNode);
      sources.forEach((source, operand) => {
        const tracked = node.tracked && source.tracked;
        edges.push({ source, target: node, operand, input: tracked ? (both ? operand : 0) : null });
      });
    }
    return { nodes, edges };
  }

  // What has reached a node: the parts of a pass, then the passes, in the order in which torch adds.
  class Arrived {
    constructor() {
      Object.assign(this, { task: null, earlier: null, pass: null, grad: null });
    }

    receive(grad, task, whole = false) {
      if (task !== this.task) Object.assign(this, { task, earlier: this.grad, pass: null });
      this.pass = this.pass === null || whole ? grad : plus(this.pass, grad);
      this.grad = this.earlier === null ? this.pass : plus(this.earlier, this.pass);
    }
  }

  const get = (map, key, make) => {
    if (!map.has(key)) map.set(key, make());
    return map.get(key);
  };

  // The steps of a graph after some backward passes, each a list of runs of nodes.  Afterwards each
  // node has in ``reached``, and each edge in ``grad``, what has come in all passes together.
  function stepsOf(graph, passes) {
    if (!graph.nodes.length) return [];
    const into = new Map(graph.nodes.map((node) => [node, []]));
    for (const edge of graph.edges) into.get(edge.target).push(edge);
    const uses = new Map();
    for (const { source, input } of graph.edges) {
      if (input !== null) uses.set(source, (uses.get(source) ?? 0) + 1);
    }
    const given = graph.nodes.filter((node) => !into.get(node).length && kind(node) !== "operation");
    const made = graph.nodes.filter((node) => !given.includes(node));
    const steps = given.length ? [{ phase: "inputs", nodes: given, words: inputs(given) }] : [];
    for (const node of made) {
      const edges = into.get(node);
      steps.push({ phase: "forward", nodes: [node], edges, words: forward(node, edges) });
    }
    const sums = new Map();
    const accumulated = new Map();
    const sumOf = (node) => get(sums, node, () => new Arrived());
    const reached = (node) => [node, sumOf(node).grad, accumulated.get(node) ?? null];
    passes.forEach((runs, task) => {
      const sentBy = ({ node, sent }) => (sent ? into.get(node).filter((e) => e.input !== null && sent[e.operand])
        .map((edge) => [edge, sent[edge.operand]]) : []);
      const awaited = new Map();
      for (const run of runs) {
        for (const [{ source }] of sentBy(run)) awaited.set(source, (awaited.get(source) ?? 0) + 1);
      }
      const parts = new Map();
      for (const run of runs) {
        const { node } = run;
        if (node.isLeaf) {
          accumulated.set(node, run.received);
          const words = write(node, run.before, run.received);
          steps.push({ phase: "write", nodes: [node], grads: [reached(node)], words });
          continue;
        }
        sumOf(node).receive(run.received, task, true);
        const grads = [[node, sumOf(node).grad, null]];
        if (!parts.has(node)) {
          steps.push({ phase: "seed", nodes: [node], grads, words: seed(node, run.received) });
        }
        const sent = sentBy(run);
        for (const [edge, grad] of sent) {
          sumOf(edge.source).receive(grad, task);
          get(parts, edge.source, () => []).push(grad);
          edge.grad = edge.grad ? plus(edge.grad, grad) : grad;
        }
        const outputs = [...new Set(sent.map(([edge]) => edge.source))];
        const alone = outputs.filter((source) => awaited.get(source) === 1).map(reached);
        const factors = sent.map(([edge, grad]) => factor(node, into.get(node), edge, run.received, grad));
        steps.push({
          phase: "backward",
          nodes: [node],
          edges: sent.map(([edge]) => edge),
          grads: [...grads, ...alone],
          parts: sent.map(([edge]) => [edge, edge.grad]),
          words: backward(node, run, sent, factors),
        });
        for (const source of outputs) {
          const terms = parts.get(source);
          if (terms.length !== awaited.get(source) || terms.length < 2) continue;
          const words = addUp(source, terms, terms.reduce(plus), uses.get(source));
          steps.push({ phase: "sum", nodes: [source], grads: [reached(source)], words });
        }
      }
    });
    for (const node of graph.nodes) {
      node.reached = sums.get(node)?.grad ?? null;
      node.arrived = sums.get(node)?.pass ?? null; // in the last pass that came here
      node.accumulated = accumulated.get(node) ?? null;
    }
    return steps.map((step) => ({ edges: [], grads: [], parts: [], ...step }));
  }

  // Run a program and its backward passes: "once"; "keep" and "clear" run two with retain_graph, of
  // which the latter sets each .grad to None between them; "twice" runs two without.  A graph of more
  // nodes than ``most`` has no steps: their sentences would be as long as its sums.
  function tell(program, values, { constants = [], passes = "once", most = Infinity } = {}) {
    const { run, backward, refusal } = globalThis.linefitPlay.graph;
    const done = run(program, values, constants);
    const graph = graphOf(done.tape);
    const runs = [];
    let error = refusal(done.result);
    let failed = null;
    for (let pass = 0; !error && pass < (passes === "once" ? 1 : 2); pass += 1) {
      if (pass && passes === "clear") for (const leaf of done.tape.leaves.values()) leaf.grad = null;
      const found = backward(done.result, passes !== "once" && passes !== "twice" && !pass);
      ({ error, failed } = { failed: null, ...found });
      runs.push(found.runs);
    }
    const steps = graph.nodes.length > most ? [] : stepsOf(graph, runs);
    return { ...done, graph, steps, error, failed };
  }

  Object.assign(globalThis.linefitPlay.graph, {
    tell, number, writtenOut, brief, spoken, kind, title, nameOf, part, gradients, altText, derivative,
    call, keeps, list, graphOf, stepsOf, RULES,
  });
})();
