// Make styles and scripts small: {name: text} on stdin, the same with less text on stdout.
const fs = require("node:fs");
const esbuild = require(process.argv[2]);

const files = JSON.parse(fs.readFileSync(0, "utf8"));
const small = ([name, text]) => {
  const options = { loader: name.split(".").pop(), minify: true, charset: "utf8" };
  return [name, esbuild.transformSync(text, options).code];
};
process.stdout.write(JSON.stringify(Object.fromEntries(Object.entries(files).map(small))));
