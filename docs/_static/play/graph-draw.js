// Lay out a graph in layers and draw it, as linefit/graph/draw does, and make the player around it.
// tests/site/test_play_graph.py compares places and texts with those of Graph.layout().
"use strict";
(() => {
  const { brief, kind, title, part, gradients, altText } = globalThis.linefitPlay.graph;
  const SIZE = 12;
  const SIZES = { function: 10, part: 11 };
  const ADVANCE = 0.61;
  const pairs = (items) => items.slice(1).map((each, i) => [items[i], each]);
  const range = (end, start = 0) => Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
  const lists = (length) => Array.from({ length }, () => []);
  const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = (values) => values.reduce((a, b) => a + b, 0);

  // The order of the vertices in each layer: linefit/graph/draw/order.py

  function order(layer, edges) {
    const [above, below] = [lists(layer.length), lists(layer.length)];
    for (const [source, target] of edges) {
      below[source].push(target);
      above[target].push(source);
    }
    let best = null;
    const several = Math.max(1, Math.floor(2000 / layer.length));
    for (const start of startsOf(above, below).slice(0, several)) {
      let rows = lists(most(layer) + 1);
      for (const vertex of start) rows[layer[vertex]].push(vertex);
      rows = improved(rows, above, below);
      const found = [crossings(rows, below), reversals(rows, above), rows];
      if (!best || found[0] < best[0] || (found[0] === best[0] && found[1] < best[1])) best = found;
    }
    return best[2];
  }

  function startsOf(above, below) {
    const every = range(above.length);
    const results = every.filter((v) => !below[v].length);
    const inputs = every.filter((v) => !above[v].length);
    const mirrored = above.map((operands) => [...operands].reverse());
    return [
      depthFirst(results, above),
      depthFirst([...results].reverse(), mirrored),
      depthFirst(inputs, below),
      every,
    ];
  }

  function depthFirst(starts, neighbors) {
    const seen = new Set();
    const stack = [...starts].reverse();
    while (stack.length) {
      const vertex = stack.pop();
      if (seen.has(vertex)) continue;
      seen.add(vertex);
      stack.push(...[...neighbors[vertex]].reverse());
    }
    return [...seen];
  }

  function improved(rows, above, below) {
    const position = new Array(above.length).fill(0);
    rows.forEach((row) => place(row, position));
    let fewest = crossings(rows, below);
    let best = rows.map((row) => [...row]);
    let idle = 0;
    for (let sweep = 0; sweep < 24 && fewest && idle < 8; sweep += 1) {
      const mirrored = Math.floor(sweep / 2) % 2 === 1;
      if (sweep % 2) sweepOver(rows, above, position, mirrored);
      else sweepOver([...rows].reverse(), below, position, mirrored);
      swap(rows, above, below, position);
      const found = crossings(rows, below);
      idle += 1;
      if (found < fewest) {
        fewest = found;
        best = rows.map((row) => [...row]);
        idle = 0;
      }
    }
    return best;
  }

  const place = (row, position) => row.forEach((vertex, i) => (position[vertex] = i));

  function sweepOver(rows, near, position, mirrored) {
    for (const row of rows) {
      const places = range(row.length).filter((i) => near[row[i]].length);
      const moving = places.map((i) => row[i]);
      const center = new Map(moving.map((v) => [v, total(near[v].map((n) => position[n])) / near[v].length]));
      if (mirrored) moving.reverse();
      moving.sort((a, b) => center.get(a) - center.get(b));
      places.forEach((i, k) => (row[i] = moving[k]));
      place(row, position);
    }
  }

  function swap(rows, above, below, position) {
    let waiting = new Set(range(rows.length));
    for (let round = 0; round < 10 && waiting.size; round += 1) {
      const changed = [...waiting].sort((a, b) => a - b)
        .filter((i) => swapIn(rows[i], above, below, position));
      waiting = new Set(changed.flatMap((i) => [i - 1, i, i + 1]).filter((i) => rows[i]));
    }
  }

  function swapIn(row, above, below, position) {
    const before = row.join();
    const ends = (near) => near.map((n) => position[n]).sort((a, b) => a - b);
    const up = new Map(row.map((v) => [v, ends(above[v])]));
    const down = new Map(row.map((v) => [v, ends(below[v])]));
    for (let i = 0; i + 1 < row.length; i += 1) {
      const [one, other] = [row[i], row[i + 1]];
      const now = between(up.get(one), up.get(other)) + between(down.get(one), down.get(other));
      const then = between(up.get(other), up.get(one)) + between(down.get(other), down.get(one));
      if (now && then < now) [row[i], row[i + 1]] = [other, one];
    }
    place(row, position);
    return row.join() !== before;
  }

  const between = (left, right) => total(left.map((end) => right.filter((each) => each < end).length));
  const inversions = (numbers) =>
    total(numbers.map((each, i) => numbers.slice(0, i).filter((before) => before > each).length));

  function crossings(rows, below) {
    return total(pairs(rows).map(([upper, lower]) => {
      const position = new Map(lower.map((vertex, i) => [vertex, i]));
      return inversions(upper.flatMap((v) => below[v].map((n) => position.get(n)).sort((a, b) => a - b)));
    }));
  }

  function reversals(rows, above) {
    const position = new Map(rows.flatMap((row) => row.map((vertex, i) => [vertex, i])));
    return total(above.map((operands) => inversions(operands.map((each) => position.get(each)))));
  }

  // The places of boxes and bends: linefit/graph/draw/layers.py

  const GAP = 12;
  const SWEEPS = 30;
  const LONG = 4;

  function arrange(widths, edges, pulls, bend, labels) {
    const layer = layersOf(widths.length, edges);
    let chains = edges.map((edge) => cut(edge, layer));
    const short = chains.flatMap(pairs);
    const group = groups(layer.length, short);
    let rows = order(layer, short).map((row) => [...row].sort((a, b) => group[a] - group[b]));
    const strong = chains.map((chain, i) => pulls[i] * (chain.length > 2 ? LONG : 1));
    const labelled = new Set(chains.filter((_, i) => labels[i]).map((chain) => layer[chain.at(-1)]));
    let labelLayers;
    [rows, chains, labelLayers] = withLabels(rows, chains, layer, labelled);
    const carriers = chains.map((chain, i) => [chain.at(-2), i]).filter(([, i]) => labels[i]);
    const springs = chains.flatMap((chain, i) => pairs(chain).map((pair) => [...pair, strong[i]]));
    const half = bend / 2;
    const vertices = total(rows.map((row) => row.length));
    const extents = range(vertices).map((v) => (v < widths.length ? [widths[v] / 2, widths[v] / 2] : [half, half]));
    for (const [v, i] of carriers) extents[v] = [half + labels[i] / 2, half + labels[i] / 2];
    const sides = sidesOf(placed(rows, extents, springs), edges, chains, labels);
    for (const [v, i] of carriers) extents[v] = sides[i] < 0 ? [labels[i], half] : [half, labels[i]];
    const x = placed(rows, extents, springs);
    const layers = new Array(vertices);
    rows.forEach((row, i) => row.forEach((vertex) => (layers[vertex] = i)));
    return { x, layer: layers, chains, labelLayers, sides };
  }

  function withLabels(rows, chains, layer, labelled) {
    const at = new Map(rows.flatMap((row) => row.map((vertex, i) => [vertex, i])));
    const longer = chains.map((chain) => [...chain]);
    let next = layer.length;
    const passing = new Map();
    chains.forEach((chain, i) => {
      for (const [upper, lower] of pairs(chain)) {
        if (!labelled.has(layer[lower])) continue;
        longer[i].splice(longer[i].indexOf(lower), 0, next);
        if (!passing.has(layer[lower])) passing.set(layer[lower], []);
        passing.get(layer[lower]).push([at.get(lower), at.get(upper), next]);
        next += 1;
      }
    });
    const all = [];
    const labelLayers = new Set();
    rows.forEach((row, i) => {
      if (labelled.has(i)) {
        labelLayers.add(all.length);
        const sorted = passing.get(i).sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
        all.push(sorted.map(([, , vertex]) => vertex));
      }
      all.push(row);
    });
    return [all, longer, labelLayers];
  }

  function sidesOf(x, edges, chains, labels) {
    const labelled = range(edges.length).filter((i) => labels[i]);
    const leaving = (source) => labelled.filter((i) => edges[i][0] === source).length;
    const fans = new Map();
    for (const i of labelled) {
      const [source, target] = edges[i];
      const key = leaving(source) > 1 ? `from ${source}` : `to ${target}`;
      if (!fans.has(key)) fans.set(key, []);
      fans.get(key).push(i);
    }
    const sides = new Array(edges.length).fill(1);
    for (const fan of fans.values()) {
      fan.sort((a, b) => x[chains[a].at(-2)] - x[chains[b].at(-2)]);
      fan.forEach((i, k) => {
        const turn = x[chains[i].at(-2)] - x[edges[i][0]];
        sides[i] = (2 * k - (fan.length - 1) || turn) < 0 ? -1 : 1;
      });
    }
    return sides;
  }

  function layersOf(count, edges) {
    const above = new Array(count).fill(0);
    for (const box of range(count).reverse()) {
      above[box] = Math.max(0, most(edges.filter((e) => e[0] === box).map((e) => above[e[1]] + 1)));
    }
    const highest = most(above);
    return above.map((steps) => highest - steps);
  }

  function cut([source, target], layer) {
    const first = layer.length;
    layer.push(...range(layer[target], layer[source] + 1));
    return [source, ...range(layer.length, first), target];
  }

  function groups(count, edges) {
    const near = lists(count);
    for (const [one, other] of edges) {
      near[one].push(other);
      near[other].push(one);
    }
    const group = new Array(count).fill(-1);
    for (const first of range(count)) {
      const stack = group[first] < 0 ? [first] : [];
      while (stack.length) {
        const vertex = stack.pop();
        if (group[vertex] >= 0) continue;
        group[vertex] = first;
        stack.push(...near[vertex]);
      }
    }
    return group;
  }

  function placed(rows, extents, springs) {
    const x = new Array(extents.length).fill(0);
    const group = groups(extents.length, springs);
    const used = rows.map(() => -GAP);
    for (const number of [...new Set(group)].sort((a, b) => a - b)) {
      const mine = rows.map((row) => row.filter((v) => group[v] === number));
      const inner = springs.filter(([source]) => group[source] === number);
      straighten(mine.filter((row) => row.length), extents, inner, x);
      const shift = most(mine.map((row, i) =>
        row.length ? used[i] + GAP - (x[row[0]] - extents[row[0]][0]) : -Infinity));
      mine.forEach((row, i) => {
        for (const v of row) x[v] += shift;
        if (row.length) used[i] = x[row.at(-1)] + extents[row.at(-1)][1];
      });
    }
    const left = -most(x.map((value, v) => extents[v][0] - value));
    return x.map((value) => Math.round((value - left) * 100) / 100);
  }

  function straighten(rows, extents, springs, x) {
    const [above, below] = [lists(extents.length), lists(extents.length)];
    const weights = new Array(extents.length).fill(0);
    for (const [source, target, pull] of springs) {
      above[target].push([source, pull]);
      below[source].push([target, pull]);
      weights[source] = Math.max(weights[source], pull);
      weights[target] = Math.max(weights[target], pull);
    }
    for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
      const down = sweep % 2;
      const both = sweep >= SWEEPS - 2;
      for (const row of down ? rows : [...rows].reverse()) {
        const wanted = row.map((v) => {
          let near = (down ? above : below)[v];
          if (both || !near.length) near = [...above[v], ...below[v]];
          if (!near.length) return x[v];
          return total(near.map(([n, pull]) => x[n] * pull)) / total(near.map(([, pull]) => pull));
        });
        move(row, extents, x, wanted, row.map((v) => weights[v] || 1));
      }
    }
  }

  // Least squares under x[i + 1] − x[i] ≥ room: isotonic regression once the rooms are taken off.
  function move(row, extents, x, wanted, weights) {
    const rooms = [0];
    for (const [one, other] of pairs(row)) rooms.push(rooms.at(-1) + extents[one][1] + extents[other][0] + GAP);
    const blocks = [];
    wanted.forEach((want, i) => {
      let [mean, mass, count] = [want - rooms[i], weights[i], 1];
      while (blocks.length && blocks.at(-1)[0] > mean) {
        const [before, heavy, several] = blocks.pop();
        mean = (mean * mass + before * heavy) / (mass + heavy);
        mass += heavy;
        count += several;
      }
      blocks.push([mean, mass, count]);
    });
    const means = blocks.flatMap(([mean, , count]) => new Array(count).fill(mean));
    row.forEach((vertex, i) => (x[vertex] = means[i] + rooms[i]));
  }

  // The geometry in pixels: linefit/graph/draw/layout.py and labels.py

  const [LINE, LABEL_LINE, LAYER_GAP, LABEL_GAP, ASIDE, MARGIN, CUT, TIP] = [16, 13, 36, 22, 6, 8, 9, 3];
  const PULLS = { operation: 1, leaf: 0.2, constant: 0.001 };
  const BEND = 10;

  const widthOf = ({ role, text }) => [...text].length * ADVANCE * (SIZES[role] ?? SIZE);
  const widest = (lines) => most(lines.map(widthOf));

  function textLines(node) {
    const lines = [{ role: "title", text: title(node) }];
    if (node.op === "number") return lines;
    if (kind(node) === "operation") lines.push({ role: "function", text: node.backward });
    lines.push({ role: "value", text: brief(node.value) });
    for (const text of gradients(node.reached, node.accumulated)) lines.push({ role: "grad", text });
    return lines;
  }

  function layOut({ nodes, edges }) {
    const lines = nodes.map(textLines);
    const widths = nodes.map((n, i) => Math.max(26, widest(lines[i]) + 14) + (kind(n) === "leaf" ? 10 : 0));
    const heights = lines.map((texts) => texts.length * LINE + 10);
    const ends = edges.map(({ source, target }) => [source.index, target.index]);
    const fan = (source) => edges.filter((e) => e.input !== null && e.source === source).length;
    const labels = edges.map((edge) =>
      edge.grad && fan(edge.source) > 1 ? [{ role: "part", text: part(edge.grad) }] : []);
    const rooms = labels.map((label) => (label.length ? ASIDE + widest(label) : 0));
    const arranged = arrange(widths, ends, edges.map((e) => PULLS[kind(e.source)]), BEND, rooms);
    const rows = rowsOf(arranged, heights, labels);
    const boxes = nodes.map((node, i) => {
      const [top, bottom] = rows[arranged.layer[i]];
      const y = (top + bottom) / 2;
      return { node, x: MARGIN + arranged.x[i], y, width: widths[i], height: heights[i], lines: lines[i] };
    });
    const routes = routesOf(boxes, edges, labels, arranged, rows);
    return { boxes, routes, ...areaOf(boxes, routes), words: altText({ nodes }) };
  }

  function rowsOf(arranged, heights, labels) {
    const tallest = new Array(most(arranged.layer) + 1).fill(0);
    heights.forEach((height, i) => {
      tallest[arranged.layer[i]] = Math.max(tallest[arranged.layer[i]], height);
    });
    arranged.chains.forEach((chain, i) => {
      const layer = arranged.layer[chain.at(-2)];
      if (arranged.labelLayers.has(layer)) tallest[layer] = Math.max(tallest[layer], LABEL_LINE * labels[i].length);
    });
    let top = MARGIN;
    return tallest.map((height, layer) => {
      const near = arranged.labelLayers.has(layer) || arranged.labelLayers.has(layer - 1);
      if (layer) top += near ? LABEL_GAP : LAYER_GAP;
      const row = [top, top + height];
      top += height;
      return row;
    });
  }

  function ports(box, count) {
    const step = Math.min(20, (box.width - 14) / Math.max(1, count));
    return range(count).map((i) => box.x + (i - (count - 1) / 2) * step);
  }

  function routesOf(boxes, edges, labels, arranged, rows) {
    const [starts, ends] = [lists(boxes.length), lists(boxes.length)];
    arranged.chains.forEach((chain, i) => {
      starts[chain[0]].push([arranged.x[chain[1]], i]);
      ends[chain.at(-1)].push([arranged.x[chain.at(-2)], i]);
    });
    const [leave, arrive] = [[], []];
    const sorted = (meeting) => meeting.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    boxes.forEach((box, index) => {
      const [out, into] = [sorted(starts[index]), sorted(ends[index])];
      ports(box, out.length).forEach((x, k) => (leave[out[k][1]] = [x, box.y + box.height / 2]));
      ports(box, into.length).forEach((x, k) => (arrive[into[k][1]] = [x, box.y - box.height / 2]));
    });
    return arranged.chains.map((chain, i) => {
      const [first, last] = [rows[arranged.layer[chain[0]]], rows[arranged.layer[chain.at(-1)]]];
      const points = [leave[i], [leave[i][0], first[1]]];
      for (const vertex of chain.slice(1, -1)) {
        for (const y of rows[arranged.layer[vertex]]) points.push([MARGIN + arranged.x[vertex], y]);
      }
      points.push([arrive[i][0], last[0]], arrive[i]);
      const side = arranged.sides[i];
      let labelAt = [0, 0];
      if (labels[i].length) {
        const [[x, top], [, bottom]] = points.slice(-4, -2);
        labelAt = [x + ASIDE * side, (top + bottom) / 2 - LABEL_LINE * (labels[i].length / 2 - 0.8)];
      }
      return { edge: edges[i], points, lines: labels[i], labelAt, side };
    });
  }

  function areaOf(boxes, routes) {
    const rims = boxes.map((b) => [b.x - b.width / 2, b.x + b.width / 2]);
    for (const { points, lines, labelAt: [x], side } of routes) {
      const xs = points.map((point) => point[0]);
      if (lines.length) xs.push(x, x + side * widest(lines));
      rims.push([-most(xs.map((v) => -v)), most(xs)]);
    }
    const left = Math.min(0, -most(rims.map(([low]) => -low)) - MARGIN);
    const width = most(rims.map(([, high]) => high)) - left + MARGIN;
    return { left, width, height: most(boxes.map((b) => b.y + b.height / 2)) + MARGIN };
  }

  // The figure as SVG: linefit/graph/draw/svg.py

  const SVG = "http://www.w3.org/2000/svg";
  const PREFIX = "gp";

  function svg(name, attributes, ...children) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function figure(layout) {
    const size = [layout.width.toFixed(0), layout.height.toFixed(0)];
    const least = Math.min(20, Math.floor((layout.width * 0.7) / 80));
    return svg("svg", {
      class: `lfg lfg-w${least}`, id: PREFIX, role: "img", "aria-label": layout.words,
      viewBox: `${layout.left.toFixed(0)} 0 ${size[0]} ${size[1]}`, width: size[0], height: size[1],
    }, ...layout.routes.map(routeOf), ...layout.boxes.map(boxOf), ...layout.routes.flatMap(labelOf));
  }

  function boxOf(box) {
    const first = box.y - ((box.lines.length - 1) * LINE) / 2;
    const texts = box.lines.map(({ role, text }, i) =>
      svg("text", { class: `lfg-${role}`, x: box.x.toFixed(1), y: (first + i * LINE + 4).toFixed(1) }, text));
    return svg("g", { class: `lfg-${kind(box.node)}`, id: `${PREFIX}-n${box.node.index}` }, outline(box), ...texts);
  }

  function outline({ node, x, y, width, height }) {
    const [left, right, top, bottom] = [x - width / 2, x + width / 2, y - height / 2, y + height / 2];
    if (kind(node) !== "leaf") {
      return svg("rect", { class: "lfg-box", x: left.toFixed(1), y: top.toFixed(1), width: width.toFixed(1),
        height: height.toFixed(1), rx: kind(node) === "constant" ? 0 : 5 });
    }
    const corners = [[left + CUT, top], [right - CUT, top], [right + TIP, y], [right - CUT, bottom],
      [left + CUT, bottom], [left - TIP, y]];
    const path = corners.map(([a, b]) => `${a.toFixed(1)} ${b.toFixed(1)}`).join("L");
    return svg("path", { class: "lfg-box", d: `M${path}Z` });
  }

  function routeOf({ edge, points }, index) {
    const f = (value) => value.toFixed(1);
    const path = pairs(points).map(([[x, y], [toX, toY]]) => {
      const middle = f((y + toY) / 2);
      return Math.abs(x - toX) < 0.05 ? `V${f(toY)}` : `C${f(x)} ${middle} ${f(toX)} ${middle} ${f(toX)} ${f(toY)}`;
    });
    const [x, y] = points.at(-1);
    return svg("g", { class: edge.input === null ? "lfg-untracked" : "lfg-tracked", id: `${PREFIX}-e${index}` },
      svg("path", { class: "lfg-edge", d: `M${f(points[0][0])} ${f(points[0][1])}${path.join("")}` }),
      svg("path", { class: "lfg-tip", d: `M${f(x - 3.5)} ${f(y - 7)}h7L${f(x)} ${f(y)}Z` }));
  }

  function labelOf({ lines, labelAt, side }, index) {
    return lines.map(({ role, text }) => svg("text", { class: `lfg-${role}`, id: `${PREFIX}-l${index}`,
      "text-anchor": side < 0 ? "end" : "start", x: labelAt[0].toFixed(1), y: labelAt[1].toFixed(1) }, text));
  }

  // The player: linefit/graph/steps/player.py

  // What a step writes in the figure: "n3:2" is the third line of node 3.
  function changesOf(layout, step) {
    const set = {};
    if (step.phase === "inputs" || step.phase === "forward") {
      for (const node of step.nodes) {
        layout.boxes[node.index].lines.forEach(({ role, text }, i) => {
          if (role === "value") set[`n${node.index}:${i}`] = text;
        });
      }
    }
    for (const [node, grad, accumulated] of step.grads) {
      const { lines } = layout.boxes[node.index];
      const rows = range(lines.length).filter((i) => lines[i].role === "grad");
      const texts = gradients(grad, accumulated);
      if (texts.length > rows.length && rows.length) {
        texts.splice(rows.length - 1, Infinity, texts.slice(rows.length - 1).join(", "));
      }
      rows.forEach((row, i) => (set[`n${node.index}:${row}`] = texts[i] ?? ""));
    }
    step.parts.forEach(([edge, grad]) => {
      const i = layout.routes.findIndex((route) => route.edge === edge);
      if (layout.routes[i].lines.length) set[`l${i}`] = part(grad);
    });
    return set;
  }

  // Make a player from one that the build has made, with its buttons and words.
  function player(model, layout, steps, words) {
    const made = model.cloneNode(true);
    delete made.dataset.wired;
    made.dataset.starts = layout.routes.map(({ edge }) => `n${edge.source.index}`).join(" ");
    made.querySelector("svg.lfg").replaceWith(figure(layout));
    made.querySelector(".lfg-words").replaceChildren();
    made.querySelector("input").max = steps.length;
    made.querySelector("summary").textContent = words.list.replace("{count}", steps.length);
    made.querySelector(".lfg-steps").replaceChildren(...steps.map((step, i) => {
      const item = document.createElement("li");
      item.textContent = step.words;
      item.dataset.label = words.step.replace("{number}", i + 1).replace("{count}", steps.length);
      const edges = step.edges.map((edge) => layout.routes.findIndex((route) => route.edge === edge));
      item.dataset.now = [...step.nodes.map((n) => `n${n.index}`), ...edges.map((e) => `e${e}`)].join(" ");
      item.dataset.set = JSON.stringify(changesOf(layout, step));
      return item;
    }));
    return made;
  }

  Object.assign(globalThis.linefitPlay.graph, { layOut, figure, player });
})();
