// Show the steps of a recorded graph one by one.  All that is shown, words and numbers, was written
// by linefit.graph; without this script the finished figure and the list of steps stand there.
"use strict";
(() => {
  const READING = 70; // milliseconds for a character
  const AT_LEAST = 1500;

  // Begin at a step, and stop listening when the signal says that the player is gone.
  function wire(player, { at: begin = 0, signal } = {}) {
    if (player.dataset.wired) return;
    player.dataset.wired = "yes";
    const find = (selector) => player.querySelector(selector);
    const svg = find("svg.lfg");
    const controls = find(".lfg-controls");
    const slider = find("input");
    const words = find(".lfg-words");
    const bar = find(".lfg-bar");
    const scroll = find(".lfg-scroll");
    const list = find("details");
    const button = {};
    for (const each of controls.querySelectorAll("button")) button[each.dataset.go] = each;

    const part = (name) => svg.querySelector(`[id="${svg.id}-${name}"]`);
    const line = (name) => {
      const [box, number] = name.split(":");
      return number === undefined ? part(box) : part(box).querySelectorAll("text")[number];
    };
    const steps = [...player.querySelectorAll(".lfg-steps > li")].map((item) => ({
      item,
      words: item.textContent,
      label: item.dataset.label,
      now: item.dataset.now.split(" ").filter(Boolean),
      set: JSON.parse(item.dataset.set),
    }));

    // When each text changes, and when each box and edge is first there.
    const changes = new Map();
    const first = new Map();
    steps.forEach((step, i) => {
      for (const [name, text] of Object.entries(step.set)) {
        if (!changes.has(name)) changes.set(name, []);
        changes.get(name).push([i, text]);
      }
      for (const name of step.now) if (!first.has(name)) first.set(name, i);
    });

    // The outlines, each with its lines of text and the edges that begin at its lower side.
    const edges = new Map();
    player.dataset.starts.split(" ").filter(Boolean).forEach((name, i) => {
      const edge = part(`e${i}`).querySelector(".lfg-edge");
      if (!edges.has(name)) edges.set(name, []);
      edges.get(name).push([edge, edge.getAttribute("d")]);
    });
    const outlines = [...svg.querySelectorAll(".lfg-box")].map((outline) => {
      const texts = [...outline.parentNode.querySelectorAll("text")];
      const [one, two] = texts.map((text) => Number(text.getAttribute("y")));
      return {
        outline,
        texts,
        line: two - one,
        height: Number(outline.getAttribute("height")),
        path: outline.getAttribute("d"),
        edges: edges.get(outline.parentNode.id.slice(svg.id.length + 1)) || [],
      };
    });

    // A box is as high as what is written in it: it grows as its value and its gradient come.
    function grow({ outline, texts, line, height, path, edges }) {
      const empty = texts.length - 1 - texts.findLastIndex((text) => text.textContent);
      const less = empty && empty * line;
      if (path) {
        const ys = path.match(/ [\d.]+/g).map(Number);
        const top = Math.min(...ys);
        const scale = 1 - less / (Math.max(...ys) - top);
        const lift = (y) => ` ${top + (y - top) * scale}`;
        outline.setAttribute("d", path.replace(/ [\d.]+/g, lift));
      } else outline.setAttribute("height", height - less);
      for (const [edge, way] of edges) {
        edge.setAttribute("d", way.replace(/ [\d.]+/, (y) => ` ${y - less}`));
      }
    }

    const last = steps.length - 1;
    let at = 0;
    let timer = null;

    function say(place, step) {
      place.replaceChildren(document.createElement("b"), step.words);
      place.firstChild.textContent = step.label;
    }

    function show(to, quietly) {
      at = Math.max(0, Math.min(last, to));
      const step = steps[at];
      for (const [name, texts] of changes) {
        let text = "";
        for (const [i, later] of texts) if (i <= at) text = later;
        line(name).textContent = text;
      }
      outlines.forEach(grow);
      for (const [name, i] of first) part(name).classList.toggle("lfg-later", i > at);
      for (const old of svg.querySelectorAll(".lfg-now")) old.classList.remove("lfg-now");
      for (const name of step.now) part(name).classList.add("lfg-now");
      steps.forEach(({ item }, i) => {
        if (i === at) item.setAttribute("aria-current", "step");
        else item.removeAttribute("aria-current");
      });
      slider.value = at + 1;
      slider.setAttribute("aria-valuetext", step.label);
      say(words, step);
      for (const name of ["start", "back"]) button[name].setAttribute("aria-disabled", at === 0);
      for (const name of ["next", "end"]) button[name].setAttribute("aria-disabled", at === last);
      follow(quietly);
    }

    // Bring what the step is about into the middle of the frame, and the frame into view: but only
    // for a reader who steps, as one to whom it is played may be reading on.
    function follow(quietly) {
      const boxes = steps[at].now.map(part).filter((each) => each.querySelector(".lfg-box"));
      if (!boxes.length) return;
      const areas = boxes.map((box) => box.getBoundingClientRect());
      const inner = areas.reduce((one, two) => (two.top < one.top ? two : one)); // the upper one
      const outer = scroll.getBoundingClientRect();
      const middle = (from, to, start, room) => (from + to - room) / 2 - start;
      const top = scroll.scrollTop + middle(inner.top, inner.bottom, outer.top, scroll.clientHeight);
      const left = scroll.scrollLeft + middle(inner.left, inner.right, outer.left, scroll.clientWidth);
      scroll.scrollTo({ top, left, behavior: quietly ? "instant" : "auto" });
      if (quietly || timer !== null) return;
      const moved = Math.max(0, Math.min(scroll.scrollHeight - scroll.clientHeight, top));
      const above = inner.top + scroll.scrollTop - moved;
      const header = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) || 0;
      if (above < header || above + inner.height > window.innerHeight) {
        window.scrollBy(0, bar.getBoundingClientRect().bottom - window.innerHeight);
      }
    }

    // Tell the style sheet how high the figure, the sentences and the buttons are: frame and
    // sentence share a height that stays, so that the buttons keep their place on the screen.
    let width = 0;
    function fit() {
      if (words.clientWidth === width) return;
      width = words.clientWidth;
      const rulers = steps.map((step) => {
        const ruler = words.cloneNode();
        ruler.removeAttribute("role");
        say(ruler, step);
        return ruler;
      });
      words.after(...rulers);
      const heights = rulers.map((ruler) => ruler.offsetHeight); // all in one layout of the page
      for (const ruler of rulers) ruler.remove();
      const sizes = {
        figure: svg.getBoundingClientRect().height + scroll.offsetHeight - scroll.clientHeight,
        least: Math.min(...heights),
        most: Math.max(...heights),
        bar: bar.offsetHeight,
      };
      for (const [name, size] of Object.entries(sizes)) {
        player.style.setProperty(`--lfg-${name}`, `${Math.ceil(size)}px`);
      }
      follow(true);
    }

    function pause() {
      clearTimeout(timer);
      timer = null;
      button.play.setAttribute("aria-label", button.play.dataset.play);
      button.play.title = button.play.dataset.play;
      button.play.classList.remove("lfg-playing");
    }

    function advance() {
      if (at === last) return pause();
      timer = setTimeout(() => {
        show(at + 1);
        advance();
      }, Math.max(AT_LEAST, READING * steps[at].words.length));
    }

    function play() {
      if (timer !== null) return pause();
      if (at === last) show(0);
      button.play.setAttribute("aria-label", button.play.dataset.pause);
      button.play.title = button.play.dataset.pause;
      button.play.classList.add("lfg-playing");
      advance();
    }

    const go = {
      start: () => show(0),
      back: () => show(at - 1),
      play,
      next: () => show(at + 1),
      end: () => show(last),
    };
    for (const [name, act] of Object.entries(go)) {
      button[name].addEventListener("click", () => {
        if (name !== "play") pause();
        act();
      });
    }
    slider.addEventListener("input", () => {
      pause();
      show(slider.value - 1);
    });

    const keys = { ArrowLeft: "back", ArrowRight: "next", Home: "start", End: "end" };
    player.addEventListener("keydown", (event) => {
      const name = keys[event.key];
      const scrolls = event.target === scroll && scroll.scrollWidth > scroll.clientWidth;
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (event.target === slider || scrolls) return; // they have the arrows for themselves
      if (name) {
        pause();
        go[name]();
        event.preventDefault();
      } else if (event.key === " " && event.target === scroll) {
        play();
        event.preventDefault();
      }
    });

    // On paper there are the finished figure and all steps.
    let before = null;
    const beforePrint = () => {
      before = before || { at, open: list.open };
      pause();
      show(last, true);
      list.open = true;
    };
    const afterPrint = () => {
      if (!before) return;
      list.open = before.open;
      show(before.at, true);
      before = null;
    };
    window.addEventListener("beforeprint", beforePrint, { signal });
    window.addEventListener("afterprint", afterPrint, { signal });

    bar.hidden = false;
    show(begin, true);
    fit();
    const sizes = new ResizeObserver(() => requestAnimationFrame(fit));
    sizes.observe(player);
    if (signal) {
      signal.addEventListener("abort", () => {
        pause();
        sizes.disconnect();
      });
    }
  }

  function wireAll() {
    for (const player of document.querySelectorAll(".lfg-player")) wire(player);
  }

  globalThis.linefitPlayer = { wire };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", wireAll);
  else wireAll();
})();
