// The reader's choice of light or dark, before anything is drawn.
try {
  document.body.dataset.theme = localStorage.getItem("theme") || "auto";
} catch {
  document.body.dataset.theme = "auto"; // where the browser keeps nothing
}
