// The few lines of PyTorch that do what the controls say; a test runs those of every preset.
"use strict";
(() => {
  const float = (value) => (/^-?\d+$/.test(String(value)) ? `${value}.0` : String(value));
  const leaf = (name, value) =>
    `${name} = torch.tensor(${value}, dtype=torch.float64, requires_grad=True)`;

  function list(values) {
    const lines = [""];
    for (const value of values) {
      const text = `${float(value)}, `;
      if (lines.at(-1).length + text.length > 76) lines.push("");
      lines[lines.length - 1] += text;
    }
    return `[\n    ${lines.map((line) => line.trim()).join("\n    ")}\n]`;
  }

  const own = ({ x, y }) => [
    `x = torch.tensor(${list(x)}, dtype=torch.float64)`,
    `y = torch.tensor(${list(y)}, dtype=torch.float64)`,
  ];

  const CENTER = ["x, y = x - x.mean(), y - y.mean()"];
  const SCALED = ["size = (x.square() + y.square()).mean().sqrt()", "x, y = x / size, y / size"];
  const FRAMES = { raw: [], center: CENTER, scale: [...CENTER, ...SCALED] };

  function lossLines({ form, loss, batch }) {
    const [x, y] = batch ? ["x[pick]", "y[pick]"] : ["x", "y"];
    const angle = form === "angle";
    const miss = angle ? `theta.sin() * ${x} - theta.cos() * ${y} + c` : `a * ${x} - ${y} + b`;
    const length = loss === "vertical" ? angle && "theta.cos()" : !angle && "(a**2 + 1).sqrt()";
    const lines = [`miss = ${miss}`];
    if (loss !== "huber") {
      const square = loss === "vertical" ? "theta.cos() ** 2" : "(a**2 + 1)";
      return [...lines, `loss = miss.square().mean() / ${length ? `(2 * ${square})` : "2"}`];
    }
    const distance = length ? `(miss / ${length})` : "miss";
    lines.push(`d = ${distance}.abs()`, "near = d.clamp(max=1)");
    return [...lines, "loss = (near * (d - near / 2)).mean()"];
  }

  const SCHEDULES = {
    step: ({ steps }) => `StepLR(optimizer, step_size=${Math.max(1, Math.floor(steps / 3))}, gamma=0.1)`,
    exponential: ({ steps }) => `ExponentialLR(optimizer, gamma=0.01 ** (1 / ${steps}))`,
    cosine: ({ steps }) => `CosineAnnealingLR(optimizer, T_max=${steps})`,
  };

  function makers(settings, [p, q]) {
    const { decay, momentum, lr } = settings;
    if (!momentum && decay === "none") return [];
    const brake = momentum ? `, momentum=${momentum}` : "";
    const lines = [`optimizer = torch.optim.SGD([${p}, ${q}], lr=${lr}${brake})`];
    if (decay !== "none") {
      lines.push(`scheduler = torch.optim.lr_scheduler.${SCHEDULES[decay](settings)}`);
    }
    return lines;
  }

  function updates(settings, [p, q], never) {
    const { decay, momentum, lr, clear } = settings;
    const plain = !momentum && decay === "none";
    const move = [p, q].map((name) => `    ${name} -= ${lr} * ${name}.grad`);
    const lines = plain ? ["with torch.no_grad():", ...move] : ["optimizer.step()"];
    if (decay !== "none") lines.push("scheduler.step()");
    if (clear) lines.push(plain ? `${p}.grad = ${q}.grad = None` : "optimizer.zero_grad()");
    else lines.push(`# ${never}`);
    return lines;
  }

  // source is the code of a named set of points, or null; the two comments are the page's words.
  function code(settings, points, source, { never, kept }) {
    const angle = settings.form === "angle";
    const names = angle ? ["theta", "c"] : ["a", "b"];
    const start = globalThis.linefitPlay.line.fromSlope(settings.form, ...settings.start);
    const tell = angle ? "theta.tan().item(), (c / theta.cos()).item()" : "a.item(), b.item()";
    const body = [
      ...(settings.batch ? [`pick = torch.randint(len(x), (${settings.batch},), generator=draws)`] : []),
      ...lossLines(settings),
      `history.append((loss.item(), ${tell}))`,
      "loss.backward()",
      ...updates(settings, names, never),
    ];
    return [
      "import torch",
      ...(source ? source.split("\n") : ["", ...own(points)]),
      ...FRAMES[settings.scale],
      "",
      ...names.map((name, i) => leaf(name, float(start[i]))),
      ...makers(settings, names),
      ...(settings.batch ? ["draws = torch.Generator().manual_seed(0)"] : []),
      `history = []  # ${kept}`,
      `for step in range(${settings.steps}):`,
      ...body.map((line) => `    ${line}`),
    ].join("\n");
  }

  globalThis.linefitPlay.line.code = code;
})();
