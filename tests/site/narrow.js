// What is wrong with a page in the window of a phone, by kind of fault.
() => {
  const LEGIBLE = 10.9; // pixels: the text of a plot at 10 points, of a recorded graph at 12 pixels
  const all = (selector) => [...document.querySelectorAll(selector)];
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length;

  // Figures whose text has become too small.
  const plots = all(".cell_output img, img.sphx-glr-single-img").filter((image) => image.width)
    .map((e) => [e.alt, (e.width * (e.srcset ? 100 : 200)) / e.naturalWidth / 7.2]);
  const graphs = all("svg.lfg").filter((graph) => graph.clientWidth)
    .map((e) => {
      const { width, height } = e.viewBox.baseVal;
      return [e.ariaLabel, 12 * Math.min(e.clientWidth / width, e.clientHeight / height)];
    });
  const illegible = [...plots, ...graphs].filter(([, size]) => size < LEGIBLE);

  // Formulas that run into their number.
  const covered = all("div.math > .eqno").filter((number) => {
    const box = number.getBoundingClientRect();
    const parts = [...number.parentElement.querySelectorAll(".katex-html .base")];
    return parts.map((part) => part.getBoundingClientRect()).some((part) =>
      part.left < box.right && box.left < part.right && part.top < box.bottom && box.top < part.bottom);
  }).map((number) => number.parentElement.id);

  // What scrolls sideways and cannot be reached by keyboard.
  const stuck = all("article *")
    .filter((box) => box.scrollWidth > box.clientWidth && box.clientWidth && box.tabIndex !== 0)
    .filter((box) => ["auto", "scroll"].includes(getComputedStyle(box).overflowX))
    .filter((box) => ![...box.querySelectorAll("a, button, input, select, [tabindex='0']")].some(seen))
    .map((box) => box.outerHTML.slice(0, 90));

  // Controls and menus too small for a finger; the label of one belongs to it.
  const menu = ".toc-tree a, .sidebar-tree a";
  const small = all(`button, input, select, summary, ${menu}`)
    .filter((e) => seen(e) && (e.matches(menu) || getComputedStyle(e).display !== "inline"))
    .filter((e) => !e.matches(".sidebar-toggle, [type=hidden]"))
    .filter((e) => {
      const { width, height } = (e.closest("label") ?? e).getBoundingClientRect();
      return width && (width < 24 || height < 24);
    })
    .map((e) => e.outerHTML.slice(0, 90));

  // Titles that break within a word.
  const broken = [];
  const title = document.querySelector("h1")?.firstChild;
  const range = document.createRange();
  const words = title?.nodeType === Node.TEXT_NODE ? title.textContent.matchAll(/[\p{L}\p{N}]+/gu) : [];
  for (const word of words) {
    range.setStart(title, word.index);
    range.setEnd(title, word.index + word[0].length);
    if (range.getClientRects().length > 1) broken.push(word[0]);
  }

  // Code, folded or not, that is printed too small.
  for (const each of all("details")) each.open = true;
  const tiny = all("article pre").filter((e) => parseFloat(getComputedStyle(e).fontSize) < 11)
    .map((e) => e.textContent.slice(0, 40));
  const found = { illegible, covered, stuck, small, broken, tiny };
  return Object.fromEntries(Object.entries(found).filter(([, each]) => each.length));
}
