// The state of the page: what the address says, what the controls say, and what follows from both.
// All words are the page's: it holds them as templates with {names} in place of the numbers.
"use strict";
(() => {
  const { line, program, run: runAll } = globalThis.linefitPlay;
  const LONGEST = 65536; // characters of an address that are read
  const MOST = { steps: 100000, points: 2000 };
  const SLICE = 8; // milliseconds of a frame that a run may take
  const LONG = 60; // frames after which the page says that a run goes on
  const PLAYED = 6000; // milliseconds in which a long run is played
  const SLOWEST = 700; // and for one step of a short one
  const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i;

  // ---- The address: text in, settings out; what makes no sense is named and left alone

  function number(text) {
    const value = NUMBER.test(text.trim()) ? Number(text) : NaN;
    return Number.isFinite(value) && Math.abs(value) <= 1e100 ? value : undefined;
  }

  function within(low, high, whole) {
    return (text) => {
      const value = number(text);
      const good = value >= low && value <= high && (!whole || Number.isInteger(value));
      return good ? value : undefined;
    };
  }

  const oneOf = (allowed) => (text) => (allowed.includes(text) ? text : undefined);

  function pair(text) {
    const values = text.split(",").map(number);
    return values.length === 2 && !values.includes(undefined) ? values : undefined;
  }

  function list(text) {
    if (text === "none") return { x: [], y: [] };
    const pairs = text.split(";").map(pair);
    if (pairs.includes(undefined) || pairs.length > MOST.points) return undefined;
    return { x: pairs.map(([x]) => x), y: pairs.map(([, y]) => y) };
  }

  const READ = {
    loss: oneOf(line.LOSSES),
    lr: within(1e-15, 1e6, false),
    steps: within(1, MOST.steps, true),
    momentum: within(0, 1, false),
    clear: (text) => ({ yes: true, no: false })[oneOf(["yes", "no"])(text)],
    decay: oneOf(line.DECAYS),
    start: pair,
    scale: oneOf(line.SCALES),
    batch: within(0, 1000, true),
    form: oneOf(line.FORMS),
    curve: oneOf(["linear", "log"]),
    map: oneOf(["landscape", "path"]),
  };
  const WRITE = { clear: (value) => (value ? "yes" : "no"), start: (value) => value.join(",") };
  const VIEW = { curve: "log", map: "landscape", points: "post" };

  // Read a fragment; sets are the named sets of points, presets the named fragments.
  function parse(text, sets, presets) {
    if (text.length > LONGEST) return { ...preset("post"), problems: ["*"] };
    const given = new URLSearchParams(text.replaceAll("+", "%2B"));
    const name = given.get("preset") ?? "post";
    const known = Object.hasOwn(presets, name);
    const state = known ? preset(name) : preset("post");
    const problems = known ? [] : ["preset"];
    for (const [key, value] of given) {
      if (key === "preset") continue;
      if (key === "points") {
        if (Object.hasOwn(sets, value)) Object.assign(state, { points: value, own: null });
        else if (list(value)) Object.assign(state, { points: "own", own: list(value) });
        else problems.push(key);
      } else if (Object.hasOwn(READ, key) && READ[key](value) !== undefined) {
        state.settings[key] = READ[key](value);
      } else problems.push(Object.hasOwn(READ, key) ? key : "?");
    }
    return { ...state, problems };

    function preset(which) {
      const settings = { ...line.DEFAULTS, curve: VIEW.curve, map: VIEW.map };
      const found = { preset: which, settings, points: VIEW.points, own: null };
      for (const [key, value] of new URLSearchParams(presets[which])) {
        if (key === "points") found.points = value;
        else settings[key] = READ[key](value);
      }
      return found;
    }
  }

  // Write what differs from the preset.
  function write(state, sets, presets) {
    const plain = parse(`preset=${state.preset}`, sets, presets);
    const parts = [`preset=${state.preset}`];
    const text = (key, value) => (WRITE[key] ?? String)(value);
    for (const key of Object.keys(READ)) {
      const value = text(key, state.settings[key]);
      if (value !== text(key, plain.settings[key])) parts.push(`${key}=${value}`);
    }
    if (state.points !== plain.points) {
      const { x, y } = state.own ?? {};
      const pairs = state.own ? x.map((v, i) => `${v},${y[i]}`).join(";") || "none" : state.points;
      parts.push(`points=${pairs}`);
    }
    return parts.join("&");
  }

  const chop = (value) => (Math.abs(value) < 1e-13 ? 0 : value); // what rounding has left

  // ---- What a run came to: the key of a sentence, and its numbers

  function verdict(run, points, best) {
    const n = points.x.length;
    if (!n) return ["none", {}];
    const [x0, y0] = [points.x[0], points.y[0]];
    if (points.x.every((x, i) => x === x0 && points.y[i] === y0)) return ["one", {}];
    if (run.diverged) {
      return run.diverged.step ? ["diverged", { step: run.diverged.step }] : ["wild", {}];
    }
    if (!best.place) return ["round", {}];
    const steep = Math.abs(Math.tan(best.place[0])) > 1e9;
    if (steep && run.settings.form === "slope") return ["upright", {}];
    const { settings, count } = run;
    const last = count - 1;
    let low = 0;
    for (let k = 1; k < count; k++) if (run.loss[k] < run.loss[low]) low = k;
    const told = (k) => {
      const [slope, intercept] = line.toSlope(settings.form, run.p[k], run.q[k]);
      return { step: k, loss: run.loss[k], slope: chop(slope), intercept: chop(intercept) };
    };
    const [first, end, floor] = [run.loss[0], run.loss[last], best.loss];
    const numbers = { ...told(last), low, least: run.loss[low], at: told(low).slope, floor };
    numbers.first = first;
    const goal = line.toSlope("angle", ...best.place);
    numbers.rest = goal[1];
    if (settings.batch) return ["noisy", numbers];
    let turns = 0;
    const from = Math.max(2, Math.floor(count * 0.6));
    for (let k = from; k < count; k++) {
      turns += (run.p[k] - run.p[k - 1]) * (run.p[k - 1] - run.p[k - 2]) < 0;
    }
    const above = end - floor;
    const scale = Math.max(first - floor, 1e-300);
    const jumping = count > 8 && turns > 0.8 * (count - from);
    if (jumping && above > 1e-6 * scale) return ["jumps", numbers];
    if (Math.abs(numbers.slope) > 20 * (1 + Math.abs(Math.tan(best.place[0])))) return ["left", numbers];
    if (end > 10 * run.loss[low] && low < last && low > 0) return ["passed", numbers];
    const [a, b] = settings.start;
    const close = (from, to, goal) => Math.abs(to - goal) < 1e-3 * Math.abs(from - goal);
    const there = close(a, numbers.slope, goal[0]) && close(b, numbers.intercept, goal[1]);
    if (there || above < 1e-9 * scale || above < 1e-12 * Math.abs(floor)) return ["settled", numbers];
    numbers.gain = `${line.short(chop((100 * (first - end)) / first), 2)} %`;
    if (end > 0.9 * first) return ["stuck", numbers];
    if (above < 0.01 * scale) return ["near", numbers];
    return ["way", numbers];
  }

  // ---- The page

  function wire(root) {
    const find = (selector) => root.querySelector(selector);
    const all = (selector) => [...root.querySelectorAll(selector)];
    const data = JSON.parse(document.querySelector("[data-lp-presets]").dataset.lpPresets);
    const { sets, presets } = data;
    const says = program.wordsOf(root);
    const phrase = (key, values = {}) =>
      says[key].replace(/\{(\w+)\}/g, (_, name) => {
        const value = values[name];
        return typeof value === "number" ? line.short(value) : String(value ?? "");
      });
    const words = new Proxy({}, { get: (_, key) => says[key] });

    const pointsPanel = line.pointsPanel(find(".lp-points svg"));
    const mapPanel = line.mapPanel(find(".lp-map svg"), find(".lp-map canvas"));
    const curvePanel = line.curvePanel(find(".lp-loss svg"));
    const controls = all("[data-key]");
    const [slider, play] = [find(".lp-step"), find("[data-go=play]")];

    let state;
    let run;
    let best = {};
    let at = 0;
    let selected = 0;
    let dragging = null; // "points" or "start" while one is held
    let fresh = true; // the landscape has changed
    let showEnd = true; // the view follows the end of the run
    let playing = null;
    let frameAsked = false;
    let frames = 0; // since the run began
    let typed = null; // the field in which the reader is typing
    let full = null;

    const points = () => state.own ?? sets[state.points];

    function own() {
      const { x, y } = points();
      if (!state.own) Object.assign(state, { points: "own", own: { x: [...x], y: [...y] } });
      return state.own;
    }

    // Start the run that the state asks for, and find out about its landscape.
    function restart() {
      const given = points();
      const { settings } = state;
      run = line.descent(given, settings);
      const lowest = line.minimum(settings.loss, run.x, run.y);
      best = { place: lowest, saddle: line.saddle(settings.loss, run.x, run.y) };
      const angle = { ...settings, form: "angle" };
      best.loss = lowest ? line.gradient(angle, run.x, run.y, ...lowest)[0] : NaN;
      const here = lowest && line.fromSlope(settings.form, ...line.toSlope("angle", ...lowest));
      const bend = here && line.hessian(settings, run.x, run.y, ...here);
      best.bound = bend ? 2 / line.largestCurvature(bend) : NaN;
      full = settings.batch
        ? (k) => line.gradient(settings, run.x, run.y, run.p[k], run.q[k])[0]
        : null;
      fresh = true;
      frames = 0;
    }

    function changed(quietly) {
      stop();
      restart();
      showEnd = true;
      fill();
      ask();
      if (!quietly) address.remember();
    }

    function ask() {
      if (frameAsked) return;
      frameAsked = true;
      requestAnimationFrame(frame);
    }

    function frame(now) {
      frameAsked = false;
      if (!run.done) {
        const end = performance.now() + SLICE;
        let count = 0;
        run.advance(() => (++count & 15) === 0 && performance.now() > end);
        ask();
        frames += 1;
        if (frames === LONG) find(".lp-verdict").textContent = phrase("busy", run.settings);
      }
      if (playing) advance(now);
      else if (showEnd) at = Math.max(0, run.count - 1);
      draw();
      if (run.done && !dragging && !playing) announce();
    }

    function draw() {
      const given = points();
      const k = Math.min(at, run.count - 1);
      const place = k >= 0 ? line.toNormal(run.settings.form, run.p[k], run.q[k]) : null;
      pointsPanel.draw({
        points: given,
        normal: place && line.outOf(run.frame, ...place),
        lowest: best.place && line.outOf(run.frame, ...best.place),
        vertical: run.settings.loss === "vertical",
        selected,
        frozen: dragging === "points",
        label: (i) => phrase("point", { number: i + 1, x: given.x[i], y: given.y[i] }),
      });
      const { place: lowest, saddle } = best;
      const zoom = state.settings.map;
      const [a, b] = run.settings.start;
      const startLabel = phrase("start", { slope: a, intercept: b });
      const held = { fresh, frozen: Boolean(dragging) };
      mapPanel.draw({ run, at, lowest, saddle, zoom, words, startLabel, ...held });
      fresh = false;
      const log = state.settings.curve === "log";
      const name = log ? says.logloss : says.loss;
      curvePanel.draw({ run, at, log, full, floorLoss: best.loss, words, name });
      readout(k);
    }

    function readout(k) {
      slider.max = Math.max(0, run.settings.steps - 1);
      slider.value = at;
      if (k < 0) return (find(".lp-readout").textContent = "");
      const [slope, intercept] = line.toSlope(run.settings.form, run.p[k], run.q[k]);
      const loss = full ? full(k) : run.loss[k];
      const place = { slope: chop(slope), intercept: chop(intercept) };
      const text = phrase("readout", { step: k, loss, ...place });
      find(".lp-readout").textContent = text;
      slider.setAttribute("aria-valuetext", text);
    }

    let timer = 0;
    function announce() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (!run.done || playing) return;
        const [key, values] = verdict(run, points(), best);
        const text = phrase(key, values);
        const box = find(".lp-verdict");
        if (box.textContent !== text) box.textContent = text;
      }, find(".lp-verdict").textContent ? 250 : 0);
    }

    // ---- Playing a run

    function stop() {
      if (!playing) return;
      playing = null;
      play.setAttribute("aria-label", says.play);
      play.classList.remove("lp-playing");
    }

    function advance(now) {
      const last = run.settings.steps - 1;
      playing.began ??= now;
      const rate = Math.max(1 / SLOWEST, last / PLAYED);
      at = Math.floor(playing.from + (now - playing.began) * rate);
      if (run.done) at = Math.min(at, run.count - 1);
      else at = Math.min(at, Math.max(0, run.count - 1));
      if (run.done && at === run.count - 1) {
        stop();
        showEnd = true;
      }
      ask();
    }

    const go = {
      reset: () => {
        stop();
        showEnd = false;
        at = 0;
      },
      play: () => {
        if (playing) return stop();
        if (at >= run.count - 1) at = 0;
        showEnd = false;
        playing = { from: at };
        play.setAttribute("aria-label", says.pause);
        play.classList.add("lp-playing");
      },
      step: () => {
        stop();
        showEnd = false;
        at = Math.min(run.count - 1, at + 1);
      },
    };
    for (const [name, act] of Object.entries(go)) {
      find(`[data-go=${name}]`).addEventListener("click", () => {
        act();
        ask();
      });
    }
    slider.addEventListener("input", () => {
      stop();
      showEnd = false;
      at = Number(slider.value);
      ask();
    });

    // ---- The controls

    function fill() {
      const { settings } = state;
      for (const control of controls) {
        const { key } = control.dataset;
        if (control === typed) continue;
        control.removeAttribute("aria-invalid");
        if (key === "lrpower") control.value = Math.log10(settings.lr);
        else if (key === "start0" || key === "start1") control.value = settings.start[key.at(-1)];
        else if (key === "points") control.value = state.points;
        else if (control.type === "checkbox") control.checked = settings[key];
        else if (control.type === "radio") control.checked = settings[key] === control.value;
        else control.value = settings[key];
      }
      const power = find("[data-key=lrpower]");
      power.setAttribute("aria-valuetext", line.short(settings.lr, 3));
      const [low, high] = [Number(power.min), Number(power.max)];
      const place = (Math.log10(best.bound) - low) / (high - low);
      const tick = find(".lp-bound");
      tick.hidden = !(place >= 0 && place <= 1);
      tick.style.setProperty("--lp-place", place);
      const share = settings.lr / best.bound;
      find(".lp-stable").textContent = Number.isFinite(share)
        ? phrase("share", { rate: line.short(settings.lr, 3), share: line.short(share, 3), bound: line.short(best.bound, 3) })
        : "";
      find(".lp-beta").textContent = line.short(settings.momentum);
      if (dragging) return; // the program waits until the point is let go
      const given = points();
      const source = state.own ? null : sets[state.points].code;
      const text = line.code(settings, given, source, { never: says.never, kept: says.kept });
      find(".lp-code code").replaceChildren(...program.colored(text));
      choose(state.preset);
      const plain = write(state, sets, presets) === `preset=${state.preset}`;
      find("[data-go=restore]").hidden = plain;
      selected = Math.min(selected, Math.max(0, given.x.length - 1));
    }

    function take(control) {
      const { key } = control.dataset;
      const { settings } = state;
      if (control.type === "number") typed = control;
      if (key === "points") {
        if (control.value === "own") own();
        else Object.assign(state, { points: control.value, own: null });
      } else if (key === "lrpower") {
        settings.lr = Number((10 ** Number(control.value)).toPrecision(3));
      } else if (key === "start0" || key === "start1") {
        const value = number(control.value);
        if (value === undefined) return refuse(control);
        settings.start = settings.start.map((old, i) => (i === Number(key.at(-1)) ? value : old));
      } else if (control.type === "checkbox") settings[key] = control.checked;
      else {
        const value = READ[key](control.value);
        if (value === undefined) return refuse(control);
        settings[key] = value;
      }
      control.removeAttribute("aria-invalid");
      tell([]);
      changed();
    }

    function refuse(control) {
      control.setAttribute("aria-invalid", "true");
      problem(phrase("expected", { names: says[`key-${control.dataset.key}`] }));
    }

    // The reader leaves a field: a value that was refused goes back to the one that counts.
    function leave(control) {
      if (control.hasAttribute("aria-invalid")) tell([]);
      typed = null;
      fill();
    }

    for (const control of controls) {
      const event = control.type === "range" || control.type === "number" ? "input" : "change";
      control.addEventListener(event, () => take(control));
      control.addEventListener("blur", () => leave(control));
    }
    find("[data-go=restore]").addEventListener("click", () => {
      load(`preset=${state.preset}`);
      address.remember();
      choose(state.preset).focus();
    });

    // ---- Points and start: mouse, touch and keyboard

    const tidy = (value, size) => {
      const digits = 10 ** (Math.floor(Math.log10(size || 1)) - 3);
      return Number((Math.round(value / digits) * digits).toPrecision(12));
    };
    const under = (panel, event) => {
      const box = panel.svg.getBoundingClientRect();
      const [x0, x1, y0, y1] = panel.range;
      const [x, y] = panel.at(event.clientX - box.left, event.clientY - box.top);
      return [tidy(x, x1 - x0), tidy(y, y1 - y0)];
    };

    let grabbed = false; // the last press took a point, which may lag behind the pointer
    function drag(panel, target, name, move) {
      target.addEventListener("pointerdown", (event) => {
        const held = target === panel.svg ? panel.circles.indexOf(event.target) : 0;
        grabbed = held >= 0;
        if (held < 0 || event.button) return;
        event.preventDefault();
        event.target.setPointerCapture(event.pointerId);
        dragging = name;
        if (name === "points") selected = held;
        event.target.focus({ preventScroll: true });
        const follow = (moved) => move(held, under(panel, moved));
        const end = () => {
          target.removeEventListener("pointermove", follow);
          dragging = null;
          changed();
        };
        target.addEventListener("pointermove", follow);
        target.addEventListener("pointerup", end, { once: true });
        target.addEventListener("pointercancel", end, { once: true });
      });
    }

    function movePoint(i, [x, y]) {
      const mine = own();
      [mine.x[i], mine.y[i]] = [x, y];
      changed(dragging);
    }

    function moveStart(_, [p, q]) {
      const [a, b] = line.toSlope(state.settings.form, p, q);
      const range = mapPanel.range;
      state.settings.start = [tidy(a, range[1] - range[0]), tidy(b, range[3] - range[2])];
      changed(dragging);
    }

    function add(x, y) {
      const mine = own();
      if (mine.x.length >= MOST.points) return;
      mine.x.push(x);
      mine.y.push(y);
      selected = mine.x.length - 1;
      changed();
    }

    function remove() {
      const mine = own();
      mine.x.splice(selected, 1);
      mine.y.splice(selected, 1);
      changed();
    }

    drag(pointsPanel, pointsPanel.svg, "points", movePoint);
    drag(mapPanel, mapPanel.start, "start", moveStart);
    pointsPanel.svg.addEventListener("click", (event) => {
      if (!grabbed) add(...under(pointsPanel, event));
    });
    pointsPanel.svg.addEventListener("dblclick", (event) => {
      const i = pointsPanel.circles.indexOf(event.target);
      if (i < 0) return;
      selected = i;
      remove();
    });
    mapPanel.svg.addEventListener("click", (event) => {
      if (event.target !== mapPanel.start) moveStart(0, under(mapPanel, event));
    });

    const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const nudge = (panel, event) => {
      const way = ARROWS[event.key];
      if (!way || event.altKey || event.ctrlKey || event.metaKey) return null;
      event.preventDefault();
      const [x0, x1, y0, y1] = panel.range;
      const far = event.shiftKey ? 0.1 : 0.01;
      return [way[0] * far * (x1 - x0), way[1] * far * (y1 - y0)];
    };
    function focusPoint() {
      draw();
      pointsPanel.circles[selected]?.focus({ preventScroll: true });
    }

    // on the box: a browser takes an svg with this listener for something to focus
    find(".lp-points").addEventListener("focusin", (event) => {
      const i = pointsPanel.circles.indexOf(event.target);
      if (i >= 0 && i !== selected) {
        selected = i;
        ask();
      }
    });
    pointsPanel.svg.addEventListener("keydown", (event) => {
      const given = points();
      const moved = nudge(pointsPanel, event);
      if (moved && given.x.length) {
        const [x0, x1, y0, y1] = pointsPanel.range;
        const to = [given.x[selected] + moved[0], given.y[selected] + moved[1]];
        movePoint(selected, [tidy(to[0], x1 - x0), tidy(to[1], y1 - y0)]);
        return;
      }
      const turn = { PageDown: 1, PageUp: -1 }[event.key];
      if (turn) {
        event.preventDefault();
        selected = (selected + turn + given.x.length) % given.x.length;
        focusPoint();
      } else if (event.key === "Delete" || event.key === "Backspace") {
        event.preventDefault();
        remove();
        focusPoint();
      } else if (event.key === "Insert" || event.key === "Enter") {
        event.preventDefault();
        find("[data-go=add]").click();
        focusPoint();
      }
    });
    mapPanel.start.addEventListener("keydown", (event) => {
      const moved = nudge(mapPanel, event);
      if (!moved) return;
      const here = line.fromSlope(state.settings.form, ...state.settings.start);
      moveStart(0, [here[0] + moved[0], here[1] + moved[1]]);
    });
    find("[data-go=add]").addEventListener("click", () => {
      const [x0, x1, y0, y1] = pointsPanel.range;
      const { x, y } = points();
      const near = x.length ? [x[selected] + (x1 - x0) / 20, y[selected]] : [x0 / 2 + x1 / 2, y0 / 2 + y1 / 2];
      add(tidy(near[0], x1 - x0), tidy(near[1], y1 - y0));
    });
    find("[data-go=remove]").addEventListener("click", () => points().x.length && remove());

    program.copies(find("[data-go=copy]"), find(".lp-code code"), says);

    // ---- The address

    const address = program.address(() => write(state, sets, presets), load);

    function tell(problems) {
      const known = problems.filter((key) => Object.hasOwn(READ, key) || says[`key-${key}`]);
      const names = [...new Set(known.map((key) => says[`key-${key}`] ?? key))].join("; ");
      const key = problems.includes("*") ? "long" : names ? "wrong" : "strange";
      problem(problems.length ? phrase(key, { names }) : "");
    }

    const problem = (text) => (find(".lp-problem").textContent = text);

    function load(fragment) {
      clearTimeout(timer);
      state = parse(fragment, sets, presets);
      selected = 0;
      typed = null;
      tell(state.problems);
      changed(true);
    }

    const choose = program.presets(document.querySelector(".lp-presets"));
    const ground = () => {
      find(".lp-map canvas").dataset.ground = getComputedStyle(document.body).backgroundColor;
      ask();
    };
    new MutationObserver(ground).observe(document.body, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ground);
    new ResizeObserver(ask).observe(root);

    root.hidden = false;
    address.read();
    ground();
    line.cost = () => mapPanel.cost;
  }

  Object.assign(line, { parse, write, verdict });
  globalThis.linefitPlay.run = runAll;
  const start = () => document.querySelectorAll(".lp-app").forEach(wire);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
