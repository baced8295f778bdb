// A text for the reader, with its {blanks} filled in, in the language of the site.
globalThis.say = (text, blanks = {}) =>
  (globalThis.linefitWords?.[text] ?? text).replace(/\{(\w+)\}/g, (blank, name) => blanks[name] ?? blank);
// The reader's choice of light or dark, before anything is drawn.
try {
  document.body.dataset.theme = localStorage.getItem("theme") || "auto";
} catch {
  document.body.dataset.theme = "auto"; // where the browser keeps nothing
}
// The fonts of formulas, which stand in their style: a browser waits for them before it first draws.
for (const font of ["1em KaTeX_Main", "italic 1em KaTeX_Math"]) document.fonts.load(font);
