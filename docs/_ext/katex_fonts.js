// Make KaTeX's fonts smaller and write them to a folder: {font: characters to keep} on stdin, with
// those of all other fonts under the empty name.  What fits outlines to coarse pixels is left out, as
// it is a quarter of a font, and today's browsers hardly heed it.
const fs = require("node:fs");
const path = require("node:path");
const [katex, target] = process.argv.slice(2);
const subset = require(path.join(katex, "..", "subset-font"));

async function main() {
  const characters = JSON.parse(fs.readFileSync(0, "utf8"));
  const source = path.join(katex, "dist", "fonts");
  const made = `${target}.new`;
  fs.mkdirSync(made, { recursive: true });
  for (const name of fs.readdirSync(source).filter((each) => each.endsWith(".woff2"))) {
    const font = fs.readFileSync(path.join(source, name));
    const letters = characters[path.parse(name).name] ?? characters[""];
    const kept = await subset(font, letters, { targetFormat: "woff2", noHinting: true });
    fs.writeFileSync(path.join(made, name), kept);
  }
  fs.renameSync(made, target);
}

main();
