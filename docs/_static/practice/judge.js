// Judge an answer: no page is touched here.
const exJudge = {
  close: (value, wanted, tolerance) =>
    Math.abs(value - wanted) <= tolerance * (Math.abs(wanted) || 1),

  alike: (values, wanted, tolerance) =>
    values.length === wanted.length &&
    values.every((value, i) => exJudge.close(value, wanted[i], tolerance)),

  // What people mean by a number: 1/4, -0.5, −0.5, 0,5, 2e-3, 8 000, tensor(3.), x = 3, 25 %.
  // A comma can be read in two ways, so there may be two; there is none where it is no number.
  numbers(text, unit = "") {
    const part = "[+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:e[+-]?\\d+)?";
    const form = new RegExp(`^(${part})(?:/(${part}))?(%?)$`, "i");
    let plain = text.trim().slice(0, 60)
      .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
      .replace(/[\u2010-\u2014\u2212]/g, "-")
      .replace(/\u2044/g, "/");
    if (unit && plain.toLowerCase().endsWith(unit.toLowerCase())) plain = plain.slice(0, -unit.length);
    plain = plain.replace(/^[a-z_][\w.]*\s*=/i, "").trim()
      .replace(/^tensor\(([^,]*).*\)$/i, "$1")
      .replace(/(\d)[\s_'\u2019](?=\d{3}(?!\d))/g, "$1") // groups of three digits
      .replace(/\s*([-+/%*\u00b7\u00d7^]|e(?=[-+]?\d))\s*/gi, "$1").trim()
      .replace(/(\d)[*\u00b7\u00d7]10\^/, "$1e");
    const decimal = plain.replace(/^([^,.]*),([^,.]*)$/, "$1.$2").replace(/^([^,.]*),([^,.]*)\//, "$1.$2/");
    const grouped = /^[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/.test(plain) ? plain.replace(/,/g, "") : decimal;
    return [...new Set([decimal, grouped])].map((each) => {
      const found = each.match(form);
      return found ? Number(found[1]) / Number(found[2] ?? 1) / (found[3] ? 100 : 1) : NaN;
    }).filter((value) => !Number.isNaN(value));
  },

  // Return "right", the number of a usual mistake, or "wrong".  A number is given as all its readings.
  judge(kind, given, facts) {
    const { answer, wrong, tolerance } = facts;
    const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
    const is = {
      number: (wanted) => given.some((value) => exJudge.close(value, wanted, tolerance)),
      pick: (wanted) => given === wanted,
      node: (wanted) => wanted.includes(given),
      order: (wanted) => wanted.some((order) => same(given, order)),
      code: (wanted) => Array.isArray(given) && Array.isArray(wanted)
        ? exJudge.alike(given, wanted, tolerance) : given === wanted,
    }[kind];
    if (is(answer)) return "right";
    const mistake = wrong.findIndex(is);
    return mistake < 0 ? "wrong" : mistake;
  },
};
window.exJudge = exJudge;
