// What scrolls sideways can be reached with the keyboard, in every browser.
for (const box of document.querySelectorAll("pre, div.math, .cell_output, .figure-box, .lfg-figure, .table-wrapper")) {
  if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
