// The small one on the landing page: the post's run, played.
"use strict";
(() => {
  const { line } = globalThis.linefitPlay;
  const PLAYED = 7000; // milliseconds

  function wire(root) {
    const points = JSON.parse(document.querySelector("[data-lp-post]").dataset.lpPost);
    const run = line.descent(points, { lr: 2e-9, clear: false });
    run.advance();
    run.loss = run.loss.map((half) => 2 * half); // the loop above takes the mean without the half
    run.settings = { ...run.settings, clear: true }; // the curve without the energy
    const words = { step: root.dataset.sayStep };
    const name = root.dataset.sayLoss;
    const left = line.pointsPanel(root.querySelector("#lp-mini-points"));
    const right = line.curvePanel(root.querySelector("#lp-mini-loss"));
    const button = root.querySelector("button");
    const low = run.loss.indexOf(Math.min(...run.loss));
    let at = low;
    let playing = null;

    function draw() {
      const normal = line.toNormal("slope", run.p[at], run.q[at]);
      left.draw({ points, normal, lowest: null, vertical: false, selected: -1 });
      right.draw({ run, at, log: true, full: null, floorLoss: NaN, words, name });
    }

    function pause() {
      playing = null;
      button.setAttribute("aria-label", root.dataset.sayPlay);
      button.classList.remove("lp-playing");
    }

    function frame(now) {
      if (!playing) return;
      playing.began ??= now;
      at = Math.min(999, playing.from + Math.floor(((now - playing.began) / PLAYED) * 999));
      draw();
      if (at === 999) pause();
      else requestAnimationFrame(frame);
    }

    button.addEventListener("click", () => {
      if (playing) return pause();
      playing = { from: at === 999 || at === low ? 0 : at };
      button.setAttribute("aria-label", root.dataset.sayPause);
      button.classList.add("lp-playing");
      requestAnimationFrame(frame);
    });
    root.hidden = false;
    document.body.classList.add("lp-has-mini");
    new ResizeObserver(draw).observe(root);
    draw();
  }

  const start = () => document.querySelectorAll(".lp-mini").forEach(wire);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
