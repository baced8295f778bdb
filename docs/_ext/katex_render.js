// Render formulas: [[TeX, display?], ...] on stdin, [{html} or {error}, ...] on stdout.
const fs = require("node:fs");
const katex = require(process.argv[2]);

function render([tex, displayMode]) {
  const options = { displayMode, output: "htmlAndMathml", strict: "error", throwOnError: true };
  try {
    return { html: katex.renderToString(tex, options) };
  } catch (error) {
    return { error: error.message };
  }
}

const formulas = JSON.parse(fs.readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(formulas.map(render)));
