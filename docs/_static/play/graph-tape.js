// Read a small program of tensors, run it on a tape, and go backward as autograd's engine does.
// Pure functions: nothing here knows of the page, but for the language in which errors are told.
// What must agree with PyTorch is compared with it by tests/site/test_play_graph.py.
"use strict";
(() => {
  const LIMITS = { characters: 20000, name: 40, depth: 200, nodes: 20000, elements: 10000 };
  const FUNCTIONS = ["sum", "mean", "sqrt", "exp", "log", "sin", "cos", "tanh", "relu", "abs"];
  const KEYWORDS = new Set(
    ("False None True and as assert async await break class continue def del elif else except " +
      "finally for from global if import in is lambda nonlocal not or pass raise return try while " +
      "with yield torch print").split(" "),
  );
  const HINTS = {
    "_": say("a name begins with a letter"),
    "^": say("a power is written **"),
    "²": say("a power is written **"),
    "³": say("a power is written **"),
    ".": say("a function is written in front, as in sum(x)"),
    ";": say("each line is a statement of its own"),
    "×": say("a product is written *"),
    "·": say("a product is written *"),
    "−": say("a minus is written -"),
    "÷": say("a quotient is written /"),
    "[": say("write numbers in brackets in the value of an input, and its name here"),
    "@": say("use sum(x*y) for a product of two vectors"),
  };

  class ProgramError extends Error {
    constructor(message, line, column) {
      super(message);
      this.line = line;
      this.column = column;
    }
  }

  // Tensors: a shape and its numbers in row-major order

  const written = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const count = (shape) => shape.reduce((product, size) => product * size, 1);
  const scalar = (value) => ({ shape: [], data: Float64Array.of(value) });
  const full = (shape, value) => ({ shape, data: new Float64Array(count(shape)).fill(value) });

  // Numbers, or texts of them, in nested lists or typed arrays.
  function tensor(value) {
    const wrong = say("expected a number, or lists of numbers of equal length");
    const isList = (part) => Array.isArray(part) || ArrayBuffer.isView(part);
    const shape = [];
    for (let inner = value; isList(inner); inner = inner[0]) shape.push(inner.length);
    const numbers = [];
    const visit = (part, depth) => {
      if (isList(part)) {
        if (part.length !== shape[depth]) throw new TypeError(wrong);
        for (const each of part) visit(each, depth + 1);
        return;
      }
      const text = typeof part === "string";
      const number = text ? Number(part.trim() || NaN) : part;
      if (depth !== shape.length || typeof number !== "number") throw new TypeError(wrong);
      if (text && Number.isNaN(number)) throw new TypeError(wrong);
      numbers.push(number);
    };
    visit(value, 0);
    return { shape, data: Float64Array.from(numbers) };
  }

  function nested({ shape, data }) {
    if (!shape.length) return data[0];
    const step = count(shape.slice(1));
    const row = (i) => ({ shape: shape.slice(1), data: data.subarray(i * step, (i + 1) * step) });
    return Array.from({ length: shape[0] }, (_, i) => nested(row(i)));
  }

  function broadcast(one, other) {
    const rank = Math.max(one.length, other.length);
    const size = (shape, i) => shape[shape.length - rank + i] ?? 1;
    return Array.from({ length: rank }, (_, i) => {
      const [a, b] = [size(one, i), size(other, i)];
      if (a !== b && a !== 1 && b !== 1) return null;
      return a === 1 ? b : a;
    });
  }

  // The place in a smaller tensor of each element of a larger shape.
  function places(shape, into) {
    const strides = new Array(into.length).fill(0);
    for (let i = shape.length - 1, step = 1; i >= 0; step *= shape[i], i -= 1) {
      strides[into.length - shape.length + i] = shape[i] === 1 ? 0 : step;
    }
    const at = new Array(into.length).fill(0);
    const found = new Uint32Array(count(into));
    for (let k = 0, place = 0; k < found.length; k += 1) {
      found[k] = place;
      for (let i = into.length - 1; i >= 0; i -= 1) {
        at[i] += 1;
        place += strides[i];
        if (at[i] < into[i]) break;
        place -= strides[i] * into[i];
        at[i] = 0;
      }
    }
    return found;
  }

  const map = ({ shape, data }, f) => ({ shape, data: data.map((x) => f(x)) });

  function zip(one, other, f) {
    const shape = broadcast(one.shape, other.shape);
    const [i, j] = [places(one.shape, shape), places(other.shape, shape)];
    const data = new Float64Array(i.length);
    for (let k = 0; k < data.length; k += 1) data[k] = f(one.data[i[k]], other.data[j[k]]);
    return { shape, data };
  }

  function sumTo(value, shape) {
    if (sameShape(value.shape, shape)) return value;
    const into = full(shape, 0);
    const at = places(shape, value.shape);
    for (let k = 0; k < at.length; k += 1) into.data[at[k]] += value.data[k];
    return into;
  }

  const sameShape = (one, other) =>
    one.length === other.length && one.every((size, i) => size === other[i]);
  const same = (one, other) =>
    sameShape(one.shape, other.shape) &&
    one.data.every((x, i) => x === other.data[i] || (x !== x && other.data[i] !== other.data[i]));
  const total = ({ data }) => data.reduce((sum, x) => sum + x, 0);
  const times = (one, other) => zip(one, other, (a, b) => a * b);
  const plus = (one, other) => zip(one, other, (a, b) => a + b);

  // C's power differs from JavaScript's where the base is 1 or −1.
  function power(x, y) {
    if (x === 1 || (x === -1 && Math.abs(y) === Infinity)) return 1;
    return x ** y;
  }

  // Operations: the name of the backward node, what it saves, the value, the gradient of each input.
  // x and y are operands' values, r the result's, g the incoming gradient.

  const pow = (x, y) => zip(x, y, power);
  const zeroWhere = (condition, value, otherwise) =>
    zip(condition, value, (is, v) => (is ? otherwise : v));

  function powSelf(g, x, y) {
    const less = map(y, (v) => v - 1);
    const product = times(g, times(y, pow(x, less)));
    return zeroWhere(map(y, (v) => Number(v === 0)), product, 0);
  }

  function powExponent(g, x, y, r) {
    const slope = times(r, map(x, Math.log));
    return times(g, zeroWhere(zip(x, y, (a, b) => Number(a === 0 && b >= 0)), slope, 0));
  }

  const UNARY = {
    neg: ["Neg", [], (x) => -x, (g) => map(g, (v) => -v)],
    reciprocal: ["Reciprocal", ["result"], (x) => 1 / x,
      (g, x, r) => zip(g, r, (v, q) => -v * (q * q))],
    sqrt: ["Sqrt", ["result"], Math.sqrt, (g, x, r) => zip(g, r, (v, q) => v / (2 * q))],
    exp: ["Exp", ["result"], Math.exp, (g, x, r) => times(g, r)],
    log: ["Log", ["self"], Math.log, (g, x) => zip(g, x, (v, a) => v / a)],
    sin: ["Sin", ["self"], Math.sin, (g, x) => zip(g, x, (v, a) => v * Math.cos(a))],
    cos: ["Cos", ["self"], Math.cos, (g, x) => zip(g, x, (v, a) => v * -Math.sin(a))],
    tanh: ["Tanh", ["result"], Math.tanh, (g, x, r) => zip(g, r, (v, q) => v * (1 - q * q))],
    relu: ["Relu", ["result"], (x) => (x > 0 || x !== x ? x : 0),
      (g, x, r) => zip(g, r, (v, q) => (q <= 0 ? 0 : v))],
    abs: ["Abs", ["self"], Math.abs, (g, x) => zip(g, x, (v, a) => v * sign(a))],
  };
  const sign = (x) => Number(x > 0) - Number(x < 0);

  const REDUCTIONS = {
    sum: ["Sum", (x) => scalar(total(x)), (g, x) => full(x.shape, g.data[0])],
    mean: ["Mean", (x) => scalar(total(x) / x.data.length),
      (g, x) => full(x.shape, g.data[0] / x.data.length)],
  };

  // What comes back for each of two inputs; those of a number are not computed.
  const BINARY = {
    add: ["AddBackward0", (a, b) => a + b, [(g) => g, (g) => g]],
    sub: ["SubBackward0", (a, b) => a - b, [(g) => g, (g) => map(g, (v) => -v)]],
    mul: ["MulBackward0", (a, b) => a * b, [(g, x, y) => times(g, y), (g, x) => times(g, x)]],
    div: ["DivBackward0", (a, b) => a / b, [
      (g, x, y) => zip(g, y, (v, b) => v / b),
      (g, x, y) => times(map(g, (v) => -v), zip(x, y, (a, b) => a / b / b)),
    ]],
    pow: ["PowBackward1", power, [powSelf, powExponent]],
  };
  const SAVED = {
    // which of them, by whether a gradient is wanted for the first and for the second operand
    mul: (first, second) => [first && "other", second && "self"],
    div: (first, second) => ["other", second && "self"],
    pow: () => ["exponent", "result", "self"],
  };

  // Python's arithmetic of plain numbers, which autograd does not see.
  function plain(op, a, b, fail) {
    if (op === "div" && b === 0) fail(say("Python divides no number by zero: ZeroDivisionError"));
    if (op === "pow" && a === 0 && b < 0) fail(say("Python raises 0 to no negative power: ZeroDivisionError"));
    const result = op === "neg" ? -a : BINARY[op][1](a, b);
    if (result !== result) fail(say("Python makes a complex number of this; expected a real one"));
    if (!Number.isFinite(result)) fail(say("this number is too large: OverflowError"));
    return result === 0 ? 0 : result;
  }

  const isNode = (value) => typeof value === "object";
  const valueOf = (operand) => (isNode(operand) ? operand.value : scalar(operand));

  // The tape: nodes in the order in which they were made
  class Tape {
    constructor(inputs, constants) {
      this.inputs = inputs;
      this.constants = new Set(constants);
      this.leaves = new Map();
      this.nodes = [];
    }

    leaf(name) {
      if (!this.leaves.has(name)) {
        const tracked = !this.constants.has(name);
        const node = { op: tracked ? "leaf" : "constant", name, value: this.inputs[name],
          operands: [], inputs: [], saved: [], tracked, isLeaf: true,
          backward: tracked ? "AccumulateGrad" : null, grad: null, sequence: Infinity };
        this.leaves.set(name, node);
      }
      return this.leaves.get(name);
    }

    // Record an operation; ``written`` are the operands of its name in a sentence where they differ.
    record(op, operands, value, backward, rules, saved, written) {
      const tracked = operands.some((each) => isNode(each) && each.tracked);
      for (const each of operands) {
        if (isNode(each) && !each.placed) {
          each.placed = true;
          this.nodes.push(each);
        }
      }
      const node = { op, name: null, value, operands, written: written || operands, tracked,
        placed: true,
        isLeaf: !tracked, backward: tracked ? backward : null, grad: null, released: false,
        rules, inputs: [], saved: tracked ? saved.filter(Boolean) : [], sequence: this.nodes.length };
      this.nodes.push(node);
      return node;
    }

    unary(op, x) {
      if (op in REDUCTIONS) {
        const [name, forward, back] = REDUCTIONS[op];
        return this.record(op, [x], forward(x.value), `${name}Backward0`, [back], []);
      }
      const [name, saved, forward, back] = UNARY[op];
      const node = this.record(op, [x], map(x.value, forward), `${name}Backward0`,
        [(g) => back(g, x.value, node.value)], saved);
      return node;
    }

    binary(op, x, y) {
      if (!isNode(x)) {
        if (op === "add" || op === "mul") return this.binary(op, y, x);
        if (op === "div") return this.quotient(x, y);
      }
      let [name, forward, rules] = BINARY[op];
      const value = zip(valueOf(x), valueOf(y), forward);
      const wants = [isNode(x) && x.tracked, isNode(y) && y.tracked];
      let saved = SAVED[op] ? SAVED[op](...wants) : [];
      if (op === "pow" && !isNode(y)) [name, saved] = ["PowBackward0", ["self"]];
      if (op === "pow" && !isNode(x)) [name, saved] = ["PowBackward2", ["exponent", "result"]];
      if (op === "sub" && !isNode(x)) name = "RsubBackward1";
      return this.record(op, [x, y], value, name, rules, saved);
    }

    // number / tensor: torch multiplies the number by the reciprocal.
    quotient(x, y) {
      if (!y.tracked) {
        return this.record("div", [x, y], map(y.value, (v) => (1 / v) * x), null, [], []);
      }
      const inverse = this.unary("reciprocal", y);
      inverse.written = null; // the user has written no call of it
      const value = map(inverse.value, (v) => v * x);
      const rules = [null, (g) => map(g, (v) => v * x)];
      return this.record("div", [x, inverse], value, "MulBackward0", rules, ["other"], [x, y]);
    }
  }

  function gradientFor(node, i, g) {
    const [x, y] = [valueOf(node.operands[0]), valueOf(node.operands[1] ?? node.operands[0])];
    const product = node.rules[i](g, x, y, node.value);
    return sumTo(product, node.operands[i].value.shape);
  }

  // The engine

  const RELEASED =
    "Trying to backward through the graph a second time (or directly access saved tensors after " +
    "they have already been freed). Saved intermediate values of the graph are freed when you call " +
    ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the " +
    "graph a second time or if you need to access saved tensors after calling backward.";
  const NO_GRAD = "element 0 of tensors does not require grad and does not have a grad_fn";
  const NOT_SCALAR = "grad can be implicitly created only for scalar outputs";

  // Whether backward() may begin at a node: torch's message where it may not, else null.
  function refusal(node) {
    if (!node.tracked) return NO_GRAD;
    return node.value.data.length === 1 ? null : NOT_SCALAR;
  }

  // Run the backward pass from a node; the newest node that is ready runs first, a leaf before all.
  // Returns the runs in their order, and torch's message if a node's saved tensors were released.
  function backward(root, retain) {
    const awaited = new Map();
    const seen = new Set([root]);
    const stack = [root];
    while (stack.length) {
      for (const each of stack.pop().operands) {
        if (!isNode(each) || !each.tracked) continue;
        awaited.set(each, (awaited.get(each) ?? 0) + 1);
        if (!seen.has(each)) {
          seen.add(each);
          stack.push(each);
        }
      }
    }
    const incoming = new Map([[root, full(root.value.shape, 1)]]);
    const ready = [root];
    const runs = [];
    while (ready.length) {
      const best = ready.reduce((b, each, i) => (each.sequence > ready[b].sequence ? i : b), 0);
      const [node] = ready.splice(best, 1);
      const g = incoming.get(node);
      if (node.isLeaf) {
        const before = node.grad;
        node.grad = before ? plus(before, g) : g;
        runs.push({ node, received: node.grad, before });
        continue;
      }
      if (node.released && node.saved.length) return { runs, error: RELEASED, failed: node, arrived: g };
      const sent = node.operands.map((each, i) =>
        isNode(each) && each.tracked ? gradientFor(node, i, g) : null);
      node.released = node.released || !retain;
      runs.push({ node, received: g, sent, kept: retain });
      node.operands.forEach((each, i) => {
        if (!sent[i]) return;
        incoming.set(each, incoming.has(each) ? plus(incoming.get(each), sent[i]) : sent[i]);
        awaited.set(each, awaited.get(each) - 1);
        if (awaited.get(each) === 0) ready.push(each);
      });
    }
    return { runs, error: null };
  }

  // The language: Python's expressions of + − * / **, parentheses and a few functions

  function tokens(line, number) {
    const found = [];
    let at = 0;
    while (at < line.length) {
      const rest = line.slice(at, at + 400);
      const [match] = /^(\s+|#.*|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[A-Za-z]\w*|\*\*|[-+*/(),=])/.exec(rest) ?? [];
      if (!match) {
        const sign = [...rest][0];
        const letter = /\p{L}/u.test(sign) ? say("names have the letters a to z") : "";
        const passed = /^\.backward\b/.test(rest) ? say("the page runs the backward pass itself, so leave this line out") : "";
        const hint = passed || (HINTS[sign] ?? letter);
        const message = hint ? say("“{sign}” is not part of this language: {hint}", { sign, hint })
          : say("“{sign}” is not part of this language", { sign });
        throw new ProgramError(message, number, at + 1);
      }
      if (match[0] === "#") break;
      if (match.trim()) {
        const kind = /^[\d.]/.test(match) ? "number" : /^\w/.test(match) ? "name" : "sign";
        if (kind === "name" && match.length > LIMITS.name) {
          throw new ProgramError(say("a name has at most {most} letters here", { most: LIMITS.name }), number, at + 1);
        }
        found.push({ kind, text: match, column: at + 1 });
      }
      at += match.length;
    }
    found.push({ kind: "end", text: say("the end of the line"), column: at + 1 });
    return found;
  }

  // Go through a program and build what it says: ``make`` has input and apply.
  function parse(program, make) {
    if (program.length > LIMITS.characters) {
      throw new ProgramError(say("a program has at most {most} characters, and this one {count}", { most: LIMITS.characters, count: program.length }), 1, 1);
    }
    const given = new Map();
    const used = new Set();
    let last = null;
    program.split("\n").forEach((text, i) => {
      const line = i + 1;
      const found = tokens(text, line);
      if (found.length === 1) return;
      let at = 0;
      let depth = 0;
      const fail = (message, token = found[at]) => {
        throw new ProgramError(message, line, token.column);
      };
      const shown = (token) => (token.kind === "end" ? token.text : `“${token.text.slice(0, LIMITS.name)}”`);
      const take = (sign) => found[at].kind === "sign" && found[at].text === sign && found[at++];
      const need = (sign, why) => take(sign) || fail(say("expected {what}, found {found}", { what: why, found: shown(found[at]) }));
      const nest = (inner) => {
        depth += 1;
        if (depth > LIMITS.depth) fail(say("more than {most} levels within each other", { most: LIMITS.depth }));
        const value = inner();
        depth -= 1;
        return value;
      };
      const apply = (op, token, ...operands) =>
        make.apply(op, operands, (message) => fail(message, token));

      function primary() {
        const token = found[at];
        if (take("(")) {
          const value = nest(sum);
          need(")", say("an operator or “)”"));
          return value;
        }
        if (token.kind === "number") {
          at += 1;
          if (/^0\d/.test(token.text) && /^\d+$/.test(token.text) && Number(token.text)) fail(say("Python writes no zeros before a whole number"), token);
          const value = Number(token.text);
          if (!Number.isFinite(value)) fail(say("a number in float64 is at most 1.8e308"), token);
          if (found[at].kind === "name" || found[at].kind === "number" || found[at].text === "(") {
            fail(say("expected an operator such as * before {found}", { found: shown(found[at]) }));
          }
          return value;
        }
        if (token.kind === "name") return nameOrCall(token);
        return fail(say("expected a number, a name or “(”, found {found}", { found: shown(token) }));
      }

      function nameOrCall(token) {
        at += 1;
        if (KEYWORDS.has(token.text)) fail(say("“{name}” means something to Python; expected a name of yours", { name: token.text }), token);
        if (FUNCTIONS.includes(token.text)) {
          need("(", say("“(” after {name}", { name: token.text }));
          const value = nest(sum);
          if (found[at].text === ",") fail(say("expected “)”: {name} takes one tensor here", { name: token.text }));
          need(")", say("an operator or “)”"));
          return apply(token.text, token, value);
        }
        if (found[at].text === "(") {
          fail(say("there is no function “{name}”; expected one of {functions}", { name: token.text, functions: FUNCTIONS.join(", ") }), token);
        }
        if (given.has(token.text)) return given.get(token.text);
        used.add(token.text);
        return make.input(token.text, (message) => fail(message, token));
      }

      function raised() {
        const base = primary();
        const token = take("**");
        return token ? apply("pow", token, base, nest(signed)) : base;
      }

      function signed() {
        const token = found[at];
        if (take("-")) return apply("neg", token, nest(signed));
        if (take("+")) return nest(signed);
        return raised();
      }

      const chain = (inner, ops) => () => {
        let value = inner();
        while (found[at].kind === "sign" && ops[found[at].text]) {
          const token = found[at++];
          value = apply(ops[token.text], token, value, inner());
        }
        return value;
      };
      const product = chain(signed, { "*": "mul", "/": "div" });
      const sum = chain(product, { "+": "add", "-": "sub" });

      let name = null;
      if (found[0].kind === "name" && found[1].text === "=") {
        name = found[0].text;
        if (KEYWORDS.has(name) || FUNCTIONS.includes(name)) fail(say("“{name}” has a meaning already; expected another name", { name }), found[0]);
        if (used.has(name)) fail(say("“{name}” is an input of an earlier line; expected a new name", { name }), found[0]);
        at = 2;
        if (found[at].text === "=") fail(say("expected an expression after “=”"));
      }
      const value = sum();
      if (found[at].kind !== "end") {
        const what = found[at].text === "=" ? say("a name alone before “=”") : say("an operator or the end of the line");
        fail(say("expected {what}, found {found}", { what, found: shown(found[at]) }));
      }
      if (name !== null) {
        if (used.has(name)) fail(say("“{name}” is used before it is given; expected a new name", { name }), found[0]);
        given.set(name, value);
      }
      last = { name, value, line, column: found[0].column };
    });
    if (!last) throw new ProgramError(say("expected an expression such as sum(x*y + z)"), 1, 1);
    return { given, inputs: [...used], last };
  }

  // The names of the inputs, in the order of their first use.
  function inputsOf(program) {
    const nothing = () => null;
    return parse(program, { input: nothing, apply: nothing }).inputs;
  }

  function run(program, values, constants = []) {
    const known = Object.create(null);
    for (const [name, value] of Object.entries(values)) {
      try {
        known[name] = tensor(value);
      } catch (error) {
        throw new TypeError(say("The value of {name}: {message}.", { name, message: error.message }));
      }
    }
    const tape = new Tape(known, constants);
    const parsed = parse(program, {
      input(name, fail) {
        if (!Object.hasOwn(known, name)) fail(say("“{name}” has no value", { name }));
        return tape.leaf(name);
      },
      apply(op, operands, fail) {
        if (tape.nodes.length > LIMITS.nodes) fail(say("more than {most} operations", { most: LIMITS.nodes }));
        const [x, y] = operands;
        if (!operands.some(isNode)) {
          if (op === "neg" || y !== undefined) return plain(op, x, y, fail);
          fail(say("{operation} takes a tensor, and this is the plain number {value}", { operation: op, value: x }));
        }
        if (y === undefined) return tape.unary(op, x);
        const [one, other] = [valueOf(x).shape, valueOf(y).shape];
        const shape = broadcast(one, other);
        if (shape.includes(null)) {
          fail(say("shapes {one} and {other} do not fit together", { one: written(one), other: written(other) }));
        }
        if (count(shape) > LIMITS.elements) fail(say("a tensor has at most {most} elements here", { most: LIMITS.elements }));
        return tape.binary(op, x, y);
      },
    });
    const { given, last } = parsed;
    for (const [name, value] of given) if (isNode(value)) value.name ??= name;
    if (!isNode(last.value)) {
      throw new ProgramError(say("the result is the plain number {value}: expected an input in it", { value: last.value }), last.line, last.column);
    }
    if (last.name === null) {
      const taken = new Set([...parsed.inputs, ...given.keys()]);
      Object.assign(last, { name: "result", bare: true });
      for (let i = 2; taken.has(last.name); i += 1) last.name = `result${i}`;
      if (last.value.name === null) last.value.name = last.name;
    }
    return { tape, ...parsed, result: last.value };
  }

  // The contract: values of all names, and gradients of the inputs, for the last line's result.
  function grad(program, values = {}, { constants = [] } = {}) {
    const done = run(program, values, constants);
    const refused = refusal(done.result);
    if (refused) throw new ProgramError(refused, done.last.line, done.last.column);
    backward(done.result, false);
    const found = { values: {}, grads: {} };
    for (const name of Object.keys(values)) {
      const leaf = done.tape.leaf(name);
      found.values[name] = nested(leaf.value);
      found.grads[name] = leaf.grad && nested(leaf.grad);
    }
    for (const [name, value] of [...done.given, [done.last.name, done.result]]) {
      found.values[name] = isNode(value) ? nested(value.value) : value;
    }
    return found;
  }

  globalThis.linefitPlay = Object.assign(globalThis.linefitPlay ?? {}, {
    grad,
    graph: {
      FUNCTIONS, RELEASED, NO_GRAD, NOT_SCALAR, ProgramError, inputsOf, run, backward, refusal,
      isNode, valueOf, tensor, nested, scalar, broadcast, map, zip, pow, sumTo, same, plus, times, total, sign, count, written,
    },
  });
})();
