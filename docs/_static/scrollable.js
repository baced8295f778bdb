// What scrolls sideways can be reached with the keyboard, in every browser.  All boxes are measured
// before the first is changed: the page is then laid out once.
{
  const kinds = "pre, div.math, .cell_output, .figure-box, .lfg-figure, .table-wrapper";
  const boxes = [...document.querySelectorAll(kinds)];
  for (const box of boxes.filter((each) => each.scrollWidth > each.clientWidth)) box.tabIndex = 0;
}
