// The line and its descent, in numbers: losses, gradients, curvature, one step, schedules, a run.
// Pure functions in float64, in the order of operations of linefit.descend; nothing here draws.
"use strict";
(() => {
  const MOST = 1e7; // steps of a run that is kept
  const DELTA = 1; // the distance beyond which the Huber loss grows linearly
  const LOSSES = ["perpendicular", "vertical", "huber"];
  const DECAYS = ["none", "step", "exponential", "cosine"];
  const SCALES = ["raw", "center", "scale"];
  const FORMS = ["slope", "angle"];
  const DEFAULTS = {
    loss: "perpendicular",
    lr: 2e-5,
    steps: 1000,
    momentum: 0,
    clear: true,
    decay: "none",
    start: [0, 0],
    scale: "raw",
    batch: 0,
    form: "slope",
  };

  // ---- The points, in the coordinates in which the descent sees them

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  function frame(points, scale) {
    const { x, y } = points;
    if (scale === "raw" || !x.length) return { x, y, cx: 0, cy: 0, unit: 1 };
    const cx = mean(x);
    const cy = mean(y);
    const u = x.map((value) => value - cx);
    const v = y.map((value) => value - cy);
    if (scale === "center") return { x: u, y: v, cx, cy, unit: 1 };
    const unit = Math.sqrt(mean(u.map((value, i) => value * value + v[i] * v[i])));
    return { x: u.map((t) => t / unit), y: v.map((t) => t / unit), cx, cy, unit };
  }

  function moments(x, y) {
    const mx = mean(x);
    const my = mean(y);
    let xx = 0;
    let xy = 0;
    let yy = 0;
    for (let i = 0; i < x.length; i++) {
      xx += (x[i] - mx) ** 2;
      xy += (x[i] - mx) * (y[i] - my);
      yy += (y[i] - my) ** 2;
    }
    const n = x.length;
    return { n, mx, my, xx: xx / n, xy: xy / n, yy: yy / n };
  }

  // ---- A line as the two parameters of a descent, and as angle and offset

  const toNormal = (form, p, q) =>
    form === "angle" ? [p, q] : [Math.atan(p), q / Math.sqrt(p * p + 1)];
  const toSlope = (form, p, q) => (form === "angle" ? [Math.tan(p), q / Math.cos(p)] : [p, q]);
  const fromSlope = (form, a, b) =>
    form === "angle" ? [Math.atan(a), b * Math.cos(Math.atan(a))] : [a, b];

  // From the coordinates of a frame to those of the points, for angle and offset; and back.
  function outOf({ cx, cy, unit }, angle, offset) {
    return [angle, offset * unit + cy * Math.cos(angle) - cx * Math.sin(angle)];
  }

  // ---- The loss and its derivatives

  // A miss is r = alpha x − beta y + gamma, and a distance d = r / length = A x + B y + C.
  // d1 and d2 are the derivatives of (A, B, C) over the first and the second parameter.
  function line(form, vertical, p, q) {
    if (form === "angle") {
      const s = Math.sin(p);
      const c = Math.cos(p);
      const r = { alpha: s, beta: c, gamma: q };
      if (!vertical) return { ...r, length: 1, d1: [c, s, 0], d2: 1 };
      return { ...r, length: c, d1: [1 / (c * c), 0, (q * s) / (c * c)], d2: 1 / c };
    }
    const r = { alpha: p, beta: 1, gamma: q };
    if (vertical) return { ...r, length: 1, d1: [1, 0, 0], d2: 1 };
    const w = 1 / Math.sqrt(p * p + 1);
    return { ...r, length: Math.sqrt(p * p + 1), d1: [w ** 3, p * w ** 3, -p * q * w ** 3], d2: w };
  }

  // The second derivatives of (A, B, C): over the first parameter twice, and the mixed one of C.
  function second(form, vertical, p, q) {
    if (form === "angle") {
      const s = Math.sin(p);
      const c = Math.cos(p);
      if (!vertical) return { d11: [-s, c, 0], d12: 0 };
      return { d11: [(2 * s) / c ** 3, 0, q * (1 / c + (2 * s * s) / c ** 3)], d12: s / c ** 2 };
    }
    if (vertical) return { d11: [0, 0, 0], d12: 0 };
    const w = 1 / Math.sqrt(p * p + 1);
    const bend = (1 - 2 * p * p) * w ** 5;
    return { d11: [-3 * p * w ** 5, bend, -q * bend], d12: -p * w ** 3 };
  }

  // Return [loss, its derivative over the first parameter, over the second].
  function gradient(settings, x, y, p, q, pick) {
    const vertical = settings.loss === "vertical";
    const { alpha, beta, gamma, length, d1, d2 } = line(settings.form, vertical, p, q);
    const n = pick ? pick.length : x.length;
    const huber = settings.loss === "huber";
    let total = 0;
    let s1 = 0;
    let sx = 0;
    let sy = 0;
    for (let k = 0; k < n; k++) {
      const i = pick ? pick[k] : k;
      const r = alpha * x[i] - beta * y[i] + gamma;
      let pull = r;
      if (huber) {
        const d = r / length;
        const size = Math.abs(d);
        const near = Math.min(size, DELTA);
        total += near * (size - near / 2);
        pull = d < 0 ? -near : near;
      } else total += r * r;
      s1 += pull;
      sx += pull * x[i];
      sy += pull * y[i];
    }
    const per = huber ? n : n * length;
    const loss = huber ? total / n : total / n / (2 * length * length);
    return [loss, (d1[0] * sx + d1[1] * sy + d1[2] * s1) / per, (d2 * s1) / per];
  }

  // Return the Hessian as [over the first twice, mixed, over the second twice].
  function hessian(settings, x, y, p, q) {
    const vertical = settings.loss === "vertical";
    const { alpha, beta, gamma, length, d1, d2 } = line(settings.form, vertical, p, q);
    const { d11, d12 } = second(settings.form, vertical, p, q);
    let aa = 0;
    let ab = 0;
    let bb = 0;
    for (let i = 0; i < x.length; i++) {
      const d = (alpha * x[i] - beta * y[i] + gamma) / length;
      const far = settings.loss === "huber" && Math.abs(d) > DELTA;
      const pull = far ? Math.sign(d) * DELTA : d;
      const first = d1[0] * x[i] + d1[1] * y[i] + d1[2];
      aa += (far ? 0 : first * first) + pull * (d11[0] * x[i] + d11[1] * y[i] + d11[2]);
      ab += (far ? 0 : first * d2) + pull * d12;
      bb += far ? 0 : d2 * d2;
    }
    return [aa / x.length, ab / x.length, bb / x.length];
  }

  function largestCurvature([aa, ab, bb]) {
    return (aa + bb) / 2 + Math.hypot((aa - bb) / 2, ab);
  }

  // ---- Where the loss is lowest, and the saddle; as angle and offset, null where there is none

  const through = (m, angle) => [angle, m.my * Math.cos(angle) - m.mx * Math.sin(angle)];
  const steepest = (m) => Math.atan2(2 * m.xy, m.xx - m.yy) / 2;

  function minimum(loss, x, y) {
    if (x.length < 2) return null;
    const m = moments(x, y);
    if (loss === "vertical") return m.xx > 0 ? through(m, Math.atan(m.xy / m.xx)) : null;
    const spread = m.xx + m.yy;
    const round = Math.hypot(m.xx - m.yy, 2 * m.xy) <= 1e-12 * spread;
    if (!(spread > 0) || !Number.isFinite(spread) || (round && loss !== "huber")) return null;
    if (loss === "perpendicular") return through(m, steepest(m));
    return robust(x, y, m);
  }

  // Weighted fits in turn: a point at distance d beyond delta has the weight delta / d.
  function robust(x, y, m) {
    let best = null;
    let lowest = Infinity;
    for (let turn = 0; turn < 6; turn++) {
      const found = reweighted(x, y, through(m, steepest(m) + (turn * Math.PI) / 6));
      const [value] = gradient({ loss: "huber", form: "angle" }, x, y, ...found);
      if (value < lowest) [best, lowest] = [found, value];
    }
    return best && Number.isFinite(lowest) ? best : null;
  }

  function reweighted(x, y, [angle, offset]) {
    for (let k = 0; k < 60; k++) {
      const s = Math.sin(angle);
      const c = Math.cos(angle);
      let [w, mx, my, xx, xy, yy] = [0, 0, 0, 0, 0, 0];
      const weight = (i) => DELTA / Math.max(DELTA, Math.abs(x[i] * s - y[i] * c + offset));
      for (let i = 0; i < x.length; i++) {
        w += weight(i);
        mx += weight(i) * x[i];
        my += weight(i) * y[i];
      }
      [mx, my] = [mx / w, my / w];
      for (let i = 0; i < x.length; i++) {
        xx += weight(i) * (x[i] - mx) ** 2;
        xy += weight(i) * (x[i] - mx) * (y[i] - my);
        yy += weight(i) * (y[i] - my) ** 2;
      }
      const before = [angle, offset];
      [angle, offset] = through({ mx, my }, Math.atan2(2 * xy, xx - yy) / 2);
      if (Math.abs(angle - before[0]) + Math.abs(offset - before[1]) < 1e-13) break;
    }
    return [angle, offset];
  }

  // The worst of all lines through the mean, for the perpendicular loss.
  function saddle(loss, x, y) {
    const best = loss === "perpendicular" ? minimum(loss, x, y) : null;
    if (!best) return null;
    return through(moments(x, y), best[0] + (best[0] > 0 ? -1 : 1) * (Math.PI / 2));
  }

  // ---- The loss on a grid: columns along the first parameter, rows along the second

  function grid(settings, x, y, firsts, seconds) {
    const values = new Float64Array(firsts.length * seconds.length);
    const m = moments(x, y);
    const u = settings.loss === "huber" ? new Float64Array(x.length) : null;
    firsts.forEach((p, column) => {
      const [angle] = toNormal(settings.form, p, 0);
      const s = Math.sin(angle);
      const c = Math.cos(angle);
      const shrink = settings.form === "angle" ? 1 : c; // from intercept to offset
      const across = s * s * m.xx - 2 * s * c * m.xy + c * c * m.yy;
      const share = settings.loss === "vertical" ? 2 * c * c : 2;
      if (u) for (let i = 0; i < u.length; i++) u[i] = x[i] * s - y[i] * c;
      for (let row = 0; row < seconds.length; row++) {
        const offset = seconds[row] * shrink;
        const height = u
          ? huberMean(u, offset)
          : (across + (m.mx * s - m.my * c + offset) ** 2) / share;
        values[row * firsts.length + column] = height;
      }
    });
    return values;
  }

  function huberMean(u, offset) {
    let total = 0;
    for (let i = 0; i < u.length; i++) {
      const size = Math.abs(u[i] + offset);
      total += size < DELTA ? (size * size) / 2 : DELTA * (size - DELTA / 2);
    }
    return total / u.length;
  }

  // ---- Minibatches: torch.randint(n, (batch,), generator=torch.Generator().manual_seed(0))

  function twister(seed) {
    const state = new Uint32Array(624);
    state[0] = seed;
    for (let i = 1; i < 624; i++) {
      state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    }
    let at = 624;
    return () => {
      if (at === 624) {
        for (let i = 0; i < 624; i++) {
          const both = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
          state[i] = state[(i + 397) % 624] ^ (both >>> 1) ^ (both & 1 ? 0x9908b0df : 0);
        }
        at = 0;
      }
      let word = state[at++];
      word ^= word >>> 11;
      word ^= (word << 7) & 0x9d2c5680;
      word ^= (word << 15) & 0xefc60000;
      return (word ^ (word >>> 18)) >>> 0;
    };
  }

  // ---- Schedules: the learning rate of a step, from the one before

  function nextRate(decay, lr, step, steps) {
    if (decay === "step") return step % Math.max(1, Math.floor(steps / 3)) ? lr : lr * 0.1;
    if (decay === "exponential") return lr * 0.01 ** (1 / steps);
    if (decay !== "cosine") return lr;
    const wave = (k) => 1 + Math.cos((Math.PI * k) / steps);
    return (wave(step) / wave(step - 1)) * lr;
  }

  // ---- One step of torch.optim.SGD, on what was recorded so far

  function update(state, settings, [, first, second_]) {
    const keep = settings.clear ? 0 : 1;
    state.gradient = [keep * state.gradient[0] + first, keep * state.gradient[1] + second_];
    state.velocity = state.velocity.map((v, i) => settings.momentum * v + state.gradient[i]);
    state.p -= state.lr * state.velocity[0];
    state.q -= state.lr * state.velocity[1];
  }

  // A run in slices: advance(enough) goes on until enough() says so, and tells whether it is done.
  function descent(points, given) {
    const settings = { ...DEFAULTS, ...given };
    const { x, y, ...where } = frame(points, settings.scale);
    const { steps, batch } = settings;
    const [p, q] = fromSlope(settings.form, ...settings.start);
    const state = { p, q, lr: settings.lr, gradient: [0, 0], velocity: [0, 0] };
    const draw = twister(0);
    const kept = () => new Float64Array(steps);
    const out = { settings, x, y, frame: where, loss: kept(), p: kept(), q: kept(), rate: kept() };
    out.count = 0;
    out.diverged = null;
    out.done = !x.length;

    function once() {
      const pick = batch ? Array.from({ length: batch }, () => draw() % x.length) : null;
      const found = gradient(settings, x, y, state.p, state.q, pick);
      const k = out.count;
      if (!Number.isFinite(found[0])) {
        out.diverged = { step: k, loss: found[0] };
        return true;
      }
      out.loss[k] = found[0];
      out.p[k] = state.p;
      out.q[k] = state.q;
      out.rate[k] = state.lr;
      out.count = k + 1;
      update(state, settings, found);
      state.lr = nextRate(settings.decay, state.lr, k + 1, steps);
      return out.count === steps;
    }

    out.advance = (enough = () => false) => {
      while (!out.done && !enough()) out.done = once();
      return out.done;
    };
    return out;
  }

  // ---- The contract: points and settings in, a history out

  // Settings as they come from outside: what is left out has its usual value, and texts, as an
  // address has them, are read as what they say.
  function settled(given) {
    const known = Object.entries(given ?? {}).filter(([, value]) => (value ?? null) !== null);
    const settings = { ...DEFAULTS, ...Object.fromEntries(known) };
    for (const key of ["lr", "steps", "momentum", "batch"]) settings[key] = numeral(settings[key]);
    const { start, clear } = settings;
    settings.start = Array.from(typeof start === "string" ? start.split(",") : start, numeral);
    if (clear === "yes" || clear === "no") settings.clear = clear === "yes";
    return settings;
  }

  const numeral = (value) => (typeof value === "string" && value.trim() ? Number(value) : value);

  function check(points, settings) {
    const { x, y } = points;
    const finite = (values) => values.every((value) => Number.isFinite(value));
    if (!x.length || x.length !== y.length || !finite(x) || !finite(y)) {
      throw new RangeError("points must have as many finite x as finite y, and at least one.");
    }
    const { lr, steps, momentum, batch, start, clear } = settings;
    if (!(lr > 0 && lr < Infinity)) throw new RangeError(`lr must be positive, not ${lr}.`);
    if (!(Number.isInteger(steps) && steps > 0 && steps <= MOST)) {
      throw new RangeError(`steps must be a whole number from 1 to ${MOST}, not ${steps}.`);
    }
    if (!(momentum >= 0 && momentum < Infinity)) {
      throw new RangeError(`momentum must be 0 or positive, not ${momentum}.`);
    }
    if (!(Number.isInteger(batch) && batch >= 0)) {
      throw new RangeError(`batch must be a whole number, or 0 for all points, not ${batch}.`);
    }
    if (!(start.length === 2 && finite(start))) {
      throw new RangeError(`start must be a finite slope and intercept, not ${start}.`);
    }
    if (typeof clear !== "boolean") throw new RangeError(`clear must be true or false, not ${clear}.`);
    const choices = { loss: LOSSES, decay: DECAYS, scale: SCALES, form: FORMS };
    for (const [key, allowed] of Object.entries(choices)) {
      if (!allowed.includes(settings[key])) {
        throw new RangeError(`${key} must be one of ${allowed.join(", ")}, not ${settings[key]}.`);
      }
    }
  }

  // Return loss, slope and intercept of every step, before its update, as Descent.history has them;
  // of a run that diverges, the steps before.
  function run(points, given) {
    const settings = settled(given);
    const copy = { x: Array.from(points?.x ?? [], numeral), y: Array.from(points?.y ?? [], numeral) };
    check(copy, settings);
    const done = descent(copy, settings);
    done.advance();
    const lines = Array.from({ length: done.count }, (_, k) =>
      toSlope(settings.form, done.p[k], done.q[k]),
    );
    return {
      loss: Array.from(done.loss.subarray(0, done.count)),
      slope: lines.map(([a]) => a),
      intercept: lines.map(([, b]) => b),
    };
  }

  globalThis.linefitPlay = Object.assign(globalThis.linefitPlay ?? {}, {
    run,
    line: {
      ...{ DEFAULTS, LOSSES, DECAYS, SCALES, FORMS, DELTA },
      ...{ frame, moments, toNormal, toSlope, fromSlope, outOf, gradient, hessian },
      ...{ largestCurvature, minimum, saddle, grid, nextRate, twister, descent },
    },
  });
})();
