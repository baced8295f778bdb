// The projector view of a page: one section a screen.  `?present`, or Shift+P; Escape ends it.
(() => {
  const root = document.documentElement;
  const article = document.querySelector("article[role=main]");
  if (!article) return;
  const sections = [...article.querySelectorAll("section")].filter((each) =>
    each.querySelector(":scope > :is(h1, h2, h3)"));
  // One that holds only a heading and sections is no slide: its first one shows the heading too.
  const groups = sections.filter((each) => [...each.children].every((child) =>
    child.matches("h1, h2, h3") || sections.includes(child)));
  const slides = sections.filter((each) => !groups.includes(each));
  if (!slides.length) return;
  for (const group of groups) group.classList.add("pr-group");
  for (const slide of slides) {
    slide.classList.add("pr-slide");
    // Its first paragraph stays on the screen; the others are the speaker's.
    slide.querySelector(":scope > p:not(.reading)")?.classList.add("pr-lead");
  }
  const LARGEST = 2;
  const ROOM = 0.62; // of the screen, for a figure
  let at = 0;

  const make = (tag, options, ...children) => {
    const made = Object.assign(document.createElement(tag), options);
    made.append(...children);
    return made;
  };
  const control = (text, label, action) => {
    const made = make("button", { type: "button", ariaLabel: label, title: label }, text);
    made.addEventListener("click", () => action());
    return made;
  };

  const enlarge = (figure) => {
    figure.style.zoom = "";
    const { height, width } = figure.getBoundingClientRect();
    const room = figure.closest(".pr-now").clientWidth;
    const factor = Math.min(LARGEST, (ROOM * innerHeight) / height, room / width);
    if (height && factor > 1) figure.style.zoom = factor.toFixed(2);
  };
  const firstOf = (section) => slides.findIndex((slide) => section.contains(slide));
  const show = (number) => {
    at = Math.max(0, Math.min(slides.length - 1, number));
    for (const old of article.querySelectorAll(".pr-path")) old.classList.remove("pr-path");
    slides.forEach((slide, i) => slide.classList.toggle("pr-now", i === at));
    for (const group of groups) group.firstElementChild.classList.toggle("pr-title", firstOf(group) === at);
    for (let above = slides[at].parentElement; above !== article.parentElement; above = above.parentElement) {
      above.classList.add("pr-path");
    }
    for (const figure of slides[at].querySelectorAll("svg.lfg")) enlarge(figure);
    root.scrollTo({ top: 0, behavior: "instant" });
    place.textContent = `${at + 1} / ${slides.length}`;
  };
  // What does not fit on the screen comes before the next section.
  const forward = () => {
    const rest = root.scrollHeight - innerHeight - scrollY;
    if (rest > 8) root.scrollTo({ top: scrollY + Math.min(rest, 0.8 * innerHeight), behavior: "instant" });
    else show(at + 1);
  };
  const backward = () => {
    if (scrollY > 8) root.scrollTo({ top: scrollY - 0.8 * innerHeight, behavior: "instant" });
    else show(at - 1);
  };
  const on = () => root.classList.contains("pr-on");
  const start = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const asked = groups.includes(target) ? firstOf(target)
      : slides.findLastIndex((slide) => target && slide.contains(target));
    const seen = slides.findLastIndex((slide) => slide.getBoundingClientRect().top < innerHeight / 2);
    const number = asked >= 0 ? asked : scrollY ? seen : 0;
    root.classList.add("pr-on");
    show(number);
  };
  // What a reader has left does not come back with a reload.
  const forget = () => {
    const address = new URL(location);
    for (const key of ["present", "step"]) address.searchParams.delete(key);
    try {
      history.replaceState(history.state, "", address);
    } catch {
      // a browser may refuse where the site is opened from a folder: the page goes on
    }
  };
  const end = () => {
    forget();
    root.classList.remove("pr-on", "pr-notes", "pr-code");
    for (const figure of article.querySelectorAll("svg.lfg")) figure.style.zoom = "";
    slides[at].scrollIntoView({ behavior: "instant" });
  };
  const place = make("span", { ariaLive: "polite" });
  const bar = make("div", { className: "pr-bar", role: "group", ariaLabel: say("Projector view") },
    control("‹", say("Back"), backward), place, control("›", say("On"), forward), control("×", say("Leave the projector view"), end));
  article.append(bar);

  // Keys that a control on the page has a use for stay with it.
  const BUSY = "input, textarea, select, .lfg-player, [role=slider], [contenteditable]";
  const keys = {
    ArrowRight: forward, PageDown: forward,
    ArrowLeft: backward, PageUp: backward,
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
    const act = keys[event.key] ?? keys[event.key.toLowerCase()];
    if ((busy && event.key !== "Escape") || !act) return;
    event.preventDefault();
    act();
  });
  // `&step=5` puts the player of the section at that step.
  const query = new URLSearchParams(location.search);
  const begin = () => {
    start();
    const slider = query.has("step") && slides[at].querySelector(".lfg-player input");
    if (!slider) return;
    slider.value = query.get("step");
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  };
  // The players and the pages to touch have drawn their figures by then.
  if (query.has("present")) {
    if (document.readyState === "complete") begin();
    else addEventListener("load", begin);
  }
})();
