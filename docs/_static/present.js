// The projector view of a page: one section a screen.  `?present`, or Shift+P; Escape ends it.
(() => {
  const root = document.documentElement;
  const article = document.querySelector("article[role=main]");
  if (!article) return;
  const slides = [...article.querySelectorAll("section")].filter((each) =>
    each.querySelector(":scope > :is(h1, h2, h3)"));
  let at = 0;

  const show = (number) => {
    at = Math.max(0, Math.min(slides.length - 1, number));
    slides.forEach((slide, i) => slide.classList.toggle("pr-now", i === at));
    scrollTo(0, 0);
    place.textContent = `${at + 1} / ${slides.length}`;
  };
  const on = () => root.classList.contains("pr-on");
  const start = () => {
    const target = slides.findLastIndex((slide) => slide.getBoundingClientRect().top < innerHeight / 2);
    root.classList.add("pr-on");
    show(location.hash ? slides.findIndex((s) => `#${s.id}` === location.hash) : target);
  };
  const end = () => {
    root.classList.remove("pr-on");
    slides[at].scrollIntoView();
  };
  const place = document.createElement("p");
  place.className = "pr-place";
  place.setAttribute("aria-live", "polite");
  article.append(place);

  // Keys that a control on the page has a use for stay with it.
  const BUSY = "input, textarea, select, .lfg-player, [role=button], [role=slider], [contenteditable]";
  const keys = {
    ArrowRight: () => show(at + 1), PageDown: () => show(at + 1),
    ArrowLeft: () => show(at - 1), PageUp: () => show(at - 1),
    Home: () => show(0), End: () => show(slides.length - 1),
    n: () => root.classList.toggle("pr-notes"),
    c: () => root.classList.toggle("pr-code"),
    Escape: end,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const busy = event.target.closest?.(BUSY);
    if (!on()) {
      if (event.key === "P" && event.shiftKey && !busy) start();
      return;
    }
    if ((busy && event.key !== "Escape") || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  if (new URLSearchParams(location.search).has("present")) start();
})();
