// What scrolls sideways can be reached with the keyboard, in every browser.  A box is looked at when it
// gets another width, as when it is unfolded or the phone turned, and all when the fonts have come.
{
  const kinds = "pre, div.math, .cell_output, .figure-box, .lfg-figure, .table-wrapper";
  const boxes = [...document.querySelectorAll(kinds)];
  const reach = (some) => { // measures all before it changes any: the page is laid out once
    for (const box of some.filter((each) => each.scrollWidth > each.clientWidth)) box.tabIndex = 0;
  };
  const observer = new ResizeObserver((found) => reach(found.map(({ target }) => target)));
  for (const box of boxes) observer.observe(box);
  document.fonts.ready.then(() => reach(boxes));
}
