// Judge an answer: no page is touched here.
const exJudge = {
  close: (value, wanted, tolerance) =>
    Math.abs(value - wanted) <= tolerance * (Math.abs(wanted) || 1),

  alike: (values, wanted, tolerance) =>
    values.length === wanted.length &&
    values.every((value, i) => exJudge.close(value, wanted[i], tolerance)),

  // A number as people type it: 1/4, -0.5, −0.5, 0,5, 2e-3.
  number(text) {
    const plain = text.trim().replace(/[\u2212\u2013]/g, "-").replace(",", ".").replace(/\s+/g, "");
    const part = "[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?";
    const found = plain.match(new RegExp(`^(${part})(?:/(${part}))?$`));
    return found ? Number(found[1]) / Number(found[2] ?? 1) : NaN;
  },

  // Return "right", the number of a usual mistake, or "wrong".
  judge(kind, given, facts) {
    const { answer, wrong, tolerance } = facts;
    const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
    const is = {
      number: (wanted) => exJudge.close(given, wanted, tolerance),
      pick: (wanted) => given === wanted,
      node: (wanted) => wanted.includes(given),
      order: (wanted) => same(given, wanted),
      code: (wanted) => Array.isArray(given) && Array.isArray(wanted)
        ? exJudge.alike(given, wanted, tolerance) : given === wanted,
    }[kind];
    const right = kind === "order" ? answer.some(is) : is(answer);
    if (right) return "right";
    const mistake = wrong.findIndex(is);
    return mistake < 0 ? "wrong" : mistake;
  },
};
window.exJudge = exJudge;
