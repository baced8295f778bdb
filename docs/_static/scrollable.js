// What scrolls sideways can be reached with the keyboard, in every browser.  All boxes are measured
// before the first is changed: the page is then laid out once.
{
  const boxes = [...document.querySelectorAll("pre, div.math, .cell_output, .table-wrapper")];
  for (const box of boxes.filter((each) => each.scrollWidth > each.clientWidth)) box.tabIndex = 0;
}
