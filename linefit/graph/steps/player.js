// Show the steps of a recorded graph one by one.  All that is shown, words and numbers, was written
// by linefit.graph; without this script the finished figure and the list of steps stand there.
"use strict";
(() => {
  const READING = 70; // milliseconds for a character
  const AT_LEAST = 1500;

  function wire(player) {
    if (player.dataset.wired) return;
    player.dataset.wired = "yes";
    const find = (selector) => player.querySelector(selector);
    const svg = find("svg.lfg");
    const controls = find(".lfg-controls");
    const slider = find("input");
    const words = find(".lfg-words");
    const bar = find(".lfg-bar");
    const scroll = find(".lfg-scroll");
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

    const last = steps.length - 1;
    let at = 0;
    let timer = null;

    function show(to, quietly) {
      at = Math.max(0, Math.min(last, to));
      const step = steps[at];
      for (const [name, texts] of changes) {
        let text = "";
        for (const [i, later] of texts) if (i <= at) text = later;
        line(name).textContent = text;
      }
      for (const [name, i] of first) part(name).classList.toggle("lfg-later", i > at);
      for (const old of svg.querySelectorAll(".lfg-now")) old.classList.remove("lfg-now");
      for (const name of step.now) part(name).classList.add("lfg-now");
      steps.forEach(({ item }, i) => {
        if (i === at) item.setAttribute("aria-current", "step");
        else item.removeAttribute("aria-current");
      });
      slider.value = at + 1;
      slider.setAttribute("aria-valuetext", step.label);
      words.replaceChildren(document.createElement("b"), step.words);
      words.firstChild.textContent = step.label;
      for (const name of ["start", "back"]) button[name].setAttribute("aria-disabled", at === 0);
      for (const name of ["next", "end"]) button[name].setAttribute("aria-disabled", at === last);
      if (!quietly) follow(step.now);
    }

    // Bring what the step is about into view: beside the scroll bar, and above the buttons.
    function follow(names) {
      const box = names.map(part).find((each) => each.querySelector(".lfg-box"));
      if (!box) return;
      const inner = box.getBoundingClientRect();
      const outer = scroll.getBoundingClientRect();
      if (inner.left < outer.left || inner.right > outer.right) {
        scroll.scrollLeft += (inner.left + inner.right - outer.left - outer.right) / 2;
      }
      const floor = Math.min(bar.getBoundingClientRect().top, window.innerHeight);
      if (inner.top < 0 || inner.bottom > floor) {
        window.scrollBy(0, (inner.top + inner.bottom - floor) / 2);
      }
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

    bar.hidden = false;
    show(0, true);
  }

  function wireAll() {
    document.querySelectorAll(".lfg-player").forEach(wire);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", wireAll);
  else wireAll();
})();
