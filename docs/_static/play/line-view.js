// What the page draws: the points and the line, the loss over its two parameters, the loss curve.
// Each panel is made once and then draws what it is given; it knows nothing of controls or address.
"use strict";
(() => {
  const model = globalThis.linefitPlay.line;
  const SVG = "http://www.w3.org/2000/svg";
  const EDGE = { left: 46, right: 12, top: 24, bottom: 34 };
  const MOST = 1500; // places of a long path or curve that are drawn

  function make(name, attributes = {}, parent = null) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (parent) parent.append(node);
    return node;
  }

  function short(value, digits = 4) {
    if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "?";
    const whole = Number.isInteger(value) && Math.abs(value) < 1e6;
    const text = String(whole ? value : Number(value.toPrecision(digits)));
    return text.replace("-", "−").replace("e−", "e-").replace("e+", "e");
  }

  function ticks(low, high, count) {
    const raw = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw);
    const found = [];
    if (!(step > 0) || !Number.isFinite(step)) return found;
    const first = Math.ceil(low / step);
    for (let k = first; k * step <= high && found.length < 20; k++) found.push(k * step);
    return found;
  }

  // An area with axes: from data to pixels and back.
  function plane(svg) {
    const clip = `${svg.id}-clip`;
    const defs = make("defs", {}, svg);
    const cut = make("rect", {}, make("clipPath", { id: clip }, defs));
    const axes = make("g", { class: "lp-axes", "aria-hidden": "true" }, svg);
    const inner = make("g", { "clip-path": `url(#${clip})` }, svg);
    const here = { svg, inner, width: 0, height: 0, range: [0, 1, 0, 1] };
    here.x = (value) => {
      const [low, high] = here.range;
      return EDGE.left + ((value - low) / (high - low)) * (here.width - EDGE.left - EDGE.right);
    };
    here.y = (value) => {
      const [, , low, high] = here.range;
      const room = here.height - EDGE.top - EDGE.bottom;
      return EDGE.top + ((high - value) / (high - low)) * room;
    };
    here.at = (px, py) => {
      const [x0, x1, y0, y1] = here.range;
      const right = (px - EDGE.left) / (here.width - EDGE.left - EDGE.right);
      const up = 1 - (py - EDGE.top) / (here.height - EDGE.top - EDGE.bottom);
      return [x0 + right * (x1 - x0), y0 + up * (y1 - y0)];
    };
    let resized = true;
    new ResizeObserver(() => {
      resized = true;
    }).observe(svg);
    here.measure = () => {
      if (!resized) return; // to ask for the box makes the browser lay out the page at once
      resized = false;
      const box = svg.getBoundingClientRect();
      here.width = Math.max(120, Math.round(box.width));
      here.height = Math.max(100, Math.round(box.height));
      svg.setAttribute("viewBox", `0 0 ${here.width} ${here.height}`);
      cut.setAttribute("x", EDGE.left);
      cut.setAttribute("y", EDGE.top);
      cut.setAttribute("width", here.width - EDGE.left - EDGE.right);
      cut.setAttribute("height", here.height - EDGE.top - EDGE.bottom);
    };
    let drawn = "";
    here.axes = ({ xLabel, yLabel, xTicks, yTicks, xText = short, yText = short }) => {
      const key = [here.range, here.width, here.height, xLabel, yLabel, xTicks, yTicks].join("|");
      if (key === drawn) return;
      drawn = key;
      axes.replaceChildren();
      const [left, right] = [EDGE.left, here.width - EDGE.right];
      const [top, bottom] = [EDGE.top, here.height - EDGE.bottom];
      make("path", { d: `M${left} ${top}V${bottom}H${right}` }, axes);
      for (const tick of xTicks) {
        const px = here.x(tick);
        make("path", { d: `M${px} ${bottom}v4` }, axes);
        make("text", { x: px, y: bottom + 15, "text-anchor": "middle" }, axes).textContent = xText(tick);
      }
      for (const tick of yTicks) {
        const py = here.y(tick);
        make("path", { d: `M${left} ${py}h-4` }, axes);
        make("text", { x: left - 6, y: py + 4, "text-anchor": "end" }, axes).textContent = yText(tick);
      }
      const named = { x: (left + right) / 2, y: here.height - 4, "text-anchor": "middle" };
      make("text", { ...named, class: "lp-name" }, axes).textContent = xLabel;
      const up = { x: 4, y: 12, class: "lp-name" };
      make("text", up, axes).textContent = yLabel;
    };
    return here;
  }

  const span = (values, share, least) => {
    const low = Math.min(...values);
    const high = Math.max(...values);
    const pad = (high - low || least) * share;
    return [low - pad, high + pad];
  };

  // ---- The points and the line

  function pointsRange({ x, y }, width, height) {
    if (!x.length) return [0, 10, 0, 10];
    const least = Math.max(1, Math.abs(x[0]), Math.abs(y[0])) * 0.5;
    let [x0, x1, y0, y1] = [...span(x, 0.08, least), ...span(y, 0.08, least)];
    const [w, h] = [width - EDGE.left - EDGE.right, height - EDGE.top - EDGE.bottom];
    const ratio = (x1 - x0) / w / ((y1 - y0) / h);
    if (ratio > 1 / 5 && ratio < 5) {
      const unit = Math.max((x1 - x0) / w, (y1 - y0) / h);
      const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
      [x0, x1] = [cx - (unit * w) / 2, cx + (unit * w) / 2];
      [y0, y1] = [cy - (unit * h) / 2, cy + (unit * h) / 2];
    }
    return [x0, x1, y0, y1];
  }

  function pointsPanel(svg) {
    const area = plane(svg);
    const misses = make("path", { class: "lp-misses" }, area.inner);
    const best = make("path", { class: "lp-best" }, area.inner);
    const fit = make("path", { class: "lp-fit" }, area.inner);
    const group = make("g", {}, area.inner);
    const circles = [];
    const at = new WeakMap(); // where each was drawn last
    let placed = "";

    function through(angle, offset) {
      const [x0, x1, y0, y1] = area.range;
      const [s, c] = [Math.sin(angle), Math.cos(angle)];
      const mid = [(x0 + x1) / 2, (y0 + y1) / 2];
      const off = mid[0] * s - mid[1] * c + offset; // the distance of the middle, along (s, −c)
      const foot = [mid[0] - off * s, mid[1] + off * c];
      const far = 2 * (x1 - x0 + (y1 - y0));
      const [a, b] = [-far, far].map((t) => [foot[0] + t * c, foot[1] + t * s]);
      const ends = [area.x(a[0]), area.y(a[1]), area.x(b[0]), area.y(b[1])];
      return ends.every((end) => Math.abs(end) < 1e6) ? `M${ends[0]} ${ends[1]}L${ends[2]} ${ends[3]}` : "";
    }

    function segments({ x, y }, angle, offset, vertical) {
      const [s, c] = [Math.sin(angle), Math.cos(angle)];
      let path = "";
      for (let i = 0; i < x.length; i++) {
        const d = x[i] * s - y[i] * c + offset;
        const [fx, fy] = vertical ? [x[i], y[i] + d / c] : [x[i] - d * s, y[i] + d * c];
        const [px, py] = [area.x(fx), area.y(fy)];
        if (Math.abs(px) < 1e5 && Math.abs(py) < 1e5) {
          path += `M${area.x(x[i]).toFixed(1)} ${area.y(y[i]).toFixed(1)}L${px.toFixed(1)} ${py.toFixed(1)}`;
        }
      }
      return path;
    }

    area.circles = circles;
    area.draw = ({ points, normal, lowest, vertical, selected, label, frozen, xLabel = "x", yLabel = "y" }) => {
      area.measure();
      if (!frozen) area.range = pointsRange(points, area.width, area.height);
      const [x0, x1, y0, y1] = area.range;
      const xTicks = ticks(x0, x1, 5);
      area.axes({ xLabel, yLabel, xTicks, yTicks: ticks(y0, y1, 6) });
      while (circles.length > points.x.length) circles.pop().remove();
      while (circles.length < points.x.length) {
        const more = label ? { role: "button", tabindex: -1 } : {};
        circles.push(make("circle", { r: 4, class: "lp-point", ...more }, group));
      }
      const frame = [area.range, area.width, area.height].join();
      const same = frame === placed;
      placed = frame;
      circles.forEach((circle, i) => {
        const now = i === selected;
        if (label && circle.classList.contains("lp-selected") !== now) {
          circle.classList.toggle("lp-selected", now);
          circle.setAttribute("tabindex", now ? 0 : -1);
        }
        const [x, y] = [points.x[i], points.y[i]];
        const last = at.get(circle);
        if (same && last && last[0] === x && last[1] === y && last[2] === i) return;
        at.set(circle, [x, y, i]);
        circle.setAttribute("cx", area.x(x).toFixed(1));
        circle.setAttribute("cy", area.y(y).toFixed(1));
        if (label) circle.setAttribute("aria-label", label(i));
      });
      fit.setAttribute("d", normal ? through(...normal) : "");
      best.setAttribute("d", lowest ? through(...lowest) : "");
      misses.setAttribute("d", normal ? segments(points, ...normal, vertical) : "");
    };
    return area;
  }

  // ---- The loss over the two parameters

  function sampled(count) {
    const stride = Math.max(1, Math.ceil(count / MOST));
    const found = [];
    for (let k = 0; k < count; k += stride) found.push(k);
    if (count && found.at(-1) !== count - 1) found.push(count - 1);
    return found;
  }

  // Minimum and saddle in the parameters of the form; by angle, both repeat at each half turn.
  function places(form, found) {
    if (!found) return [];
    if (form === "slope") return [model.toSlope("angle", ...found)];
    return [-2, -1, 0, 1, 2].map((k) => [found[0] + k * Math.PI, k % 2 ? -found[1] : found[1]]);
  }

  function mapRange({ run, lowest, saddle, zoom }) {
    const { form } = run.settings;
    const start = model.fromSlope(form, ...run.settings.start);
    const spots = [start];
    if (lowest) spots.push(form === "angle" ? lowest : model.toSlope("angle", ...lowest));
    const pass = saddle && (form === "angle" ? saddle : model.toSlope("angle", ...saddle));
    if (zoom !== "path" && pass && Math.abs(pass[0]) < 20 * (1 + Math.abs(spots.at(-1)[0]))) spots.push(pass);
    const good = spots.filter((spot) => spot.every((v) => Math.abs(v) < 1e12));
    if (!good.length) return [-1, 1, -1, 1];
    const path = sampled(run.count);
    const m = run.x.length ? model.moments(run.x, run.y) : { xx: 1, yy: 1 };
    const share = zoom === "path" ? 0.01 : 0.5;
    const least = [share, share * (Math.sqrt(m.xx + m.yy) || 1)];
    return [0, 1].flatMap((axis) => {
      const values = good.map((spot) => spot[axis]);
      if (form === "angle" && !axis && zoom !== "path") values.push(-Math.PI / 2, Math.PI / 2);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const reach = (zoom === "path" ? 4 : 1) * (high - low || 1);
      const way = axis ? run.q : run.p;
      for (const k of path) {
        values.push(Math.max(low - reach, Math.min(high + reach, way[k])));
      }
      const [from, to] = span(values.filter(Number.isFinite), 0.1, 2);
      const more = Math.max(0, least[axis] - (to - from)) / 2;
      return [from - more, to + more];
    });
  }

  function contourPath(levels, values, columns, rows, px, py) {
    const path = new Path2D();
    const corner = [0, 0, 0, 0];
    for (let row = 0; row + 1 < rows; row++) {
      for (let column = 0; column + 1 < columns; column++) {
        const base = row * columns + column;
        corner[0] = values[base];
        corner[1] = values[base + 1];
        corner[2] = values[base + columns + 1];
        corner[3] = values[base + columns];
        const low = Math.min(corner[0], corner[1], corner[2], corner[3]);
        const high = Math.max(corner[0], corner[1], corner[2], corner[3]);
        for (const level of levels) {
          if (level <= low || level > high) continue;
          let open = false;
          for (let side = 0; side < 4; side++) {
            const [v, w] = [corner[side], corner[(side + 1) & 3]];
            if (v < level === w < level) continue;
            const t = (level - v) / (w - v);
            const right = side === 0 ? t : side === 1 ? 1 : side === 2 ? 1 - t : 0;
            const down = side === 0 ? 0 : side === 1 ? t : side === 2 ? 1 : 1 - t;
            const [cx, cy] = [px(column + right), py(row + down)];
            if (open) path.lineTo(cx, cy);
            else path.moveTo(cx, cy);
            open = !open;
          }
        }
      }
    }
    return path;
  }

  function shade(heights, low, high) {
    const least = 1e-4 * (high - low) || 1;
    const bottom = Math.log(least);
    const top = Math.log(high - low + least);
    return heights.map((value) => {
      const t = (Math.log(Math.max(0, value - low) + least) - bottom) / (top - bottom);
      return Number.isFinite(t) ? Math.min(t, 1.2) : 1.2;
    });
  }

  function mapPanel(svg, canvas) {
    const area = plane(svg);
    const path = make("path", { class: "lp-path" }, area.inner);
    const marks = make("g", { "aria-hidden": "true" }, area.inner);
    const start = make("circle", { r: 7, class: "lp-start", role: "button", tabindex: 0 }, area.inner);
    const now = make("circle", { r: 5, class: "lp-now", "aria-hidden": "true" }, area.inner);
    const tiles = document.createElement("canvas");
    let painted = "";
    area.start = start;
    area.cost = 0; // milliseconds of the last time the landscape was painted

    function paint({ run, fresh }) {
      const key = [area.range, area.width, area.height, canvas.dataset.ground].join("|");
      if (key === painted && !fresh) return;
      painted = key;
      const began = performance.now();
      const ratio = Math.min(2, window.devicePixelRatio || 1);
      canvas.width = area.width * ratio;
      canvas.height = area.height * ratio;
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      const coarse = run.settings.loss === "huber" && run.x.length > 100;
      const [columns, rows] = coarse ? [64, 48] : [120, 90];
      const [x0, x1, y0, y1] = area.range;
      const place = (low, high, count) =>
        Float64Array.from({ length: count }, (_, k) => low + ((high - low) * k) / (count - 1));
      if (!run.x.length) return;
      const firsts = place(x0, x1, columns);
      const heights = model.grid(run.settings, run.x, run.y, firsts, place(y1, y0, rows));
      const finite = heights.filter(Number.isFinite).sort();
      if (!finite.length || finite[0] === finite.at(-1)) return;
      const levels = shade(heights, finite[0], finite[Math.floor(0.97 * (finite.length - 1))]);
      fill(context, levels, columns, rows);
      const [left, top] = [area.x(x0), area.y(y1)];
      const px = (k) => left + ((area.x(x1) - left) * k) / (columns - 1);
      const py = (k) => top + ((area.y(y0) - top) * k) / (rows - 1);
      context.strokeStyle = getComputedStyle(canvas).color;
      context.globalAlpha = 0.45;
      context.lineWidth = 0.8;
      const steps = Array.from({ length: 14 }, (_, k) => (k + 0.5) / 14);
      context.stroke(contourPath(steps, levels, columns, rows, px, py));
      area.cost = performance.now() - began;
    }

    function fill(context, levels, columns, rows) {
      tiles.width = columns;
      tiles.height = rows;
      const brush = tiles.getContext("2d");
      const image = brush.createImageData(columns, rows);
      levels.forEach((t, k) => {
        image.data.set([0, 114, 178, Math.round(150 * Math.max(0, 1 - t))], 4 * k);
      });
      brush.putImageData(image, 0, 0);
      const [x0, x1, y0, y1] = area.range;
      const [left, top] = [area.x(x0), area.y(y1)];
      context.drawImage(tiles, left, top, area.x(x1) - left, area.y(y0) - top);
    }

    function mark(spots, shape) {
      const [x0, x1, y0, y1] = area.range;
      for (const [p, q] of spots) {
        if (p < x0 || p > x1 || q < y0 || q > y1) continue;
        const at = `translate(${area.x(p)} ${area.y(q)})`;
        const node = make("g", { class: "lp-mark", transform: at }, marks);
        make("path", { d: shape.path }, node);
        const right = area.x(p) > area.width - 90;
        const text = { x: right ? -10 : 10, y: -8, "text-anchor": right ? "end" : "start" };
        make("text", text, node).textContent = shape.name;
      }
    }

    area.draw = (state) => {
      const { run, at, lowest, saddle, words, frozen, startLabel } = state;
      area.measure();
      if (!frozen) area.range = mapRange(state);
      const { form } = run.settings;
      const angle = form === "angle";
      const [x0, x1, y0, y1] = area.range;
      const turn = 180 / Math.PI;
      const degrees = ticks(x0 * turn, x1 * turn, 6).map((d) => d / turn);
      area.axes({
        xLabel: angle ? words.angle : words.slope,
        yLabel: angle ? words.offset : words.intercept,
        xTicks: angle ? degrees : ticks(x0, x1, 6),
        yTicks: ticks(y0, y1, 6),
        xText: angle ? (v) => `${short(v * turn, 3)}°` : short,
      });
      paint(state);
      const [wide, high] = [area.width * 4, area.height * 4];
      const steps = sampled(Math.min(run.count, at + 1));
      path.setAttribute(
        "d",
        steps
          .map((k) => {
            const px = Math.max(-wide, Math.min(wide, area.x(run.p[k])));
            const py = Math.max(-high, Math.min(high, area.y(run.q[k])));
            return `${px.toFixed(1)} ${py.toFixed(1)}`;
          })
          .map((text, k) => (k ? "L" : "M") + text)
          .join(""),
      );
      path.classList.toggle("lp-few", steps.length <= 100);
      marks.replaceChildren();
      mark(places(form, saddle), { path: "M-5 -5L5 5M-5 5L5 -5", name: words.saddle });
      mark(places(form, lowest), { path: "M-7 0H7M0 -7V7", name: words.minimum });
      const [p, q] = model.fromSlope(form, ...run.settings.start);
      start.setAttribute("cx", area.x(p));
      start.setAttribute("cy", area.y(q));
      start.setAttribute("aria-label", startLabel);
      const shown = run.count > 0;
      now.setAttribute("cx", shown ? area.x(run.p[Math.min(at, run.count - 1)]) : -99);
      now.setAttribute("cy", shown ? area.y(run.q[Math.min(at, run.count - 1)]) : -99);
    };
    return area;
  }

  // ---- The loss curve, and the energy of a ball

  // Loss plus energy of motion at a step, from the places before and after it; null at both ends.
  function energy(run, k) {
    if (k < 1 || k + 1 >= run.count) return null;
    const [dp, dq] = [run.p[k + 1] - run.p[k - 1], run.q[k + 1] - run.q[k - 1]];
    return run.loss[k] + (dp * dp + dq * dq) / 8 / run.rate[k];
  }

  // Ticks of a logarithmic axis, as powers of ten: whole ones, or 1, 2, 5, or even steps.
  function powers(low, high) {
    if (high - low < 0.7) return ticks(10 ** low, 10 ** high, 4).map(Math.log10);
    if (high - low > 2) return ticks(low, high, 5).filter(Number.isInteger);
    const whole = [Math.floor(low), Math.floor(low) + 1, Math.floor(low) + 2];
    const found = whole.flatMap((k) => [1, 2, 5].map((n) => k + Math.log10(n)));
    return found.filter((t) => t >= low && t <= high);
  }

  function curvePanel(svg) {
    const area = plane(svg);
    const dots = make("path", { class: "lp-draws" }, area.inner);
    const floor = make("path", { class: "lp-best" }, area.inner);
    const motion = make("path", { class: "lp-energy" }, area.inner);
    const curve = make("path", { class: "lp-curve" }, area.inner);
    const cursor = make("path", { class: "lp-cursor" }, area.inner);
    const spot = make("circle", { r: 5, class: "lp-now" }, area.inner);
    const legend = make("text", { class: "lp-legend", y: 12, "text-anchor": "end" }, svg);

    const trace = (values) =>
      values
        .filter(([, value]) => Number.isFinite(value))
        .map(([k, value], i) => `${i ? "L" : "M"}${area.x(k).toFixed(1)} ${area.y(value).toFixed(1)}`)
        .join("");

    area.draw = ({ run, at, log, full, floorLoss, words, name }) => {
      area.measure();
      const { clear, momentum, batch, steps } = run.settings;
      const rolls = (momentum > 0 || !clear) && !batch;
      const lift = (value) => (log ? Math.log10(Math.max(value, 1e-300)) : value);
      const ks = sampled(run.count);
      const losses = ks.map((k) => [k, lift(full ? full(k) : run.loss[k])]);
      const energies = rolls ? ks.map((k) => [k, energy(run, k)]).filter(([, e]) => e !== null) : [];
      const lifted = energies.map(([k, e]) => [k, lift(e)]);
      const all = [...losses, ...lifted].map(([, v]) => v).filter((v) => Number.isFinite(v) && v > -200);
      const [low, high] = all.length ? span(all, 0.06, log ? 0.5 : Math.abs(all[0]) || 1) : [0, 1];
      area.range = [0, Math.max(1, steps - 1), log ? low : Math.min(0, low), high];
      area.axes({
        xLabel: words.step,
        yLabel: name,
        xTicks: ticks(0, Math.max(1, steps - 1), 5).filter(Number.isInteger),
        yTicks: log ? powers(low, high) : ticks(area.range[2], high, 4),
        yText: log ? (v) => short(10 ** v, 3) : short,
      });
      curve.setAttribute("d", trace(losses));
      motion.setAttribute("d", trace(lifted));
      dots.setAttribute(
        "d",
        full ? ks.map((k) => `M${area.x(k).toFixed(1)} ${area.y(lift(run.loss[k])).toFixed(1)}h.01`).join("") : "",
      );
      const lowest = Number.isFinite(floorLoss) ? lift(floorLoss) : NaN;
      const edge = [[0, lowest], [Math.max(1, steps - 1), lowest]];
      floor.setAttribute("d", trace(edge));
      const k = Math.min(at, run.count - 1);
      const value = k >= 0 ? lift(full ? full(k) : run.loss[k]) : NaN;
      const there = Number.isFinite(value);
      cursor.setAttribute("d", there ? `M${area.x(k)} ${EDGE.top}V${area.height - EDGE.bottom}` : "");
      spot.setAttribute("cx", there ? area.x(k) : -99);
      spot.setAttribute("cy", there ? area.y(value) : -99);
      legend.setAttribute("x", area.width - EDGE.right);
      legend.textContent = lifted.length ? words.energy : full ? words.draws : "";
    };
    return area;
  }

  Object.assign(model, { pointsPanel, mapPanel, curvePanel, short, energy });
})();
