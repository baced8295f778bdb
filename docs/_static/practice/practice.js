// Exercises that check themselves.  Without this script the question and a folded answer are there.
(() => {
  const KEY = "linefit-practice";
  const HERE = document.currentScript.src.replace(/[^/]*$/, "");
  const SECONDS = 5;
  const WORDS = {
    right: "Right.",
    wrong: "Not yet.",
    again: "Try once more, or open the answer.",
    notNumber: "Type one number, such as 0.5, −2, 1/3 or 1e-3.",
    choose: "Choose one first.",
    reset: "Forget which exercises of this site you have solved?",
    loading: "Starting Python in this page…",
    running: "Running…",
    endless: `Your code did not end within ${SECONDS} seconds, so it was stopped. Is there an endless loop?`,
    blocked: "This browser does not run Python here. The page's notebook has the same exercise.",
  };

  const make = (tag, options = {}, ...children) => {
    const { label, ...rest } = options;
    const element = Object.assign(document.createElement(tag), rest);
    if (label) element.setAttribute("aria-label", label);
    element.append(...children);
    return element;
  };
  const button = (text, action, options = {}) => {
    const made = make("button", { type: "button", ...options }, text);
    made.addEventListener("click", action);
    return made;
  };

  // Progress: in this browser only, and not at all where it may not be kept.
  let solved = {};
  const read = () => {
    try { solved = { ...JSON.parse(localStorage.getItem(KEY)) }; } catch { /* works without */ }
  };
  const keep = () => {
    try { localStorage.setItem(KEY, JSON.stringify(solved)); } catch { /* works without */ }
  };
  const note = (id, state) => {
    if (solved[id] === "solved") return;
    solved[id] = state;
    keep();
    show();
  };
  const all = [...document.querySelectorAll("[data-exercise]")];
  const bar = make("div", { className: "ex-progress", role: "group", label: "Your progress" });
  const show = () => {
    for (const each of all) each.classList.toggle("ex-solved", solved[each.dataset.exercise] === "solved");
    if (!bar.firstChild) return;
    const done = Object.values(solved).filter((state) => state === "solved").length;
    const here = all.filter((each) => solved[each.dataset.exercise] === "solved").length;
    bar.firstChild.textContent = all.length
      ? `Solved on this page: ${here} of ${all.length}; in all: ${done}`
      : `Solved so far: ${done}`;
  };
  const exported = () => {
    const lines = Object.keys(solved).sort().map((id) => `${id}\t${solved[id]}`);
    const text = ["My progress in linefit's practice", ...lines].join("\n") + "\n";
    const link = make("a", { download: "linefit-practice.txt" });
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const reset = () => {
    if (!confirm(WORDS.reset)) return;
    solved = {};
    keep();
    show();
  };
  const startBar = () => {
    read();
    // A page that only ends with an exercise or two has no need of it.
    if (!document.querySelector(".ex-sheets, .ex-counts")) return show();
    const words = make("span");
    bar.append(words, button("Save as text", exported), button("Start over", reset));
    (document.querySelector("h1 + p.reading") ?? document.querySelector("article h1"))?.after(bar);
    show();
  };

  // What an exercise says after a try.
  const speaker = (box) => {
    const said = make("div", { className: "ex-said", role: "status" });
    return [said, (state, ...words) => {
      said.dataset.state = state;
      said.replaceChildren(...words);
    }];
  };
  const hint = (box, number) => {
    const copy = box.querySelector(`:scope > .ex-hint[data-wrong="${number}"]`).cloneNode(true);
    copy.hidden = false;
    copy.classList.add("ex-shown");
    return copy;
  };
  const answer = (box, say, given, extra = []) => {
    const facts = JSON.parse(box.dataset.facts);
    const found = exJudge.judge(box.dataset.kind, given, facts);
    if (found === "right") {
      say("right", make("p", {}, make("strong", {}, WORDS.right)), ...extra);
      box.querySelector(".ex-answer").open = true;
    } else {
      const words = found === "wrong" ? make("p", {}, WORDS.again) : hint(box, found);
      say("wrong", make("p", {}, make("strong", {}, WORDS.wrong)), words, ...extra);
    }
    note(box.dataset.exercise, found === "right" ? "solved" : "tried");
  };
  const controls = (box, ...parts) => {
    const form = make("form", { className: "ex-form" });
    const [said, say] = speaker(box);
    form.append(...parts);
    box.querySelector(".ex-answer").before(form, said);
    return [form, say];
  };
  const onSubmit = (form, action) => form.addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
  const check = () => make("button", { type: "submit", className: "ex-check" }, "Check");
  const title = (box) => box.querySelector(".ex-title").textContent.trim();

  const kinds = {
    number(box) {
      const input = make("input", { type: "text", autocomplete: "off", size: 12, label: `Your answer: ${title(box)}` });
      input.setAttribute("inputmode", "text");
      const unit = box.dataset.unit ? [make("span", {}, box.dataset.unit)] : [];
      const [form, say] = controls(box, input, ...unit, check());
      onSubmit(form, () => {
        const values = exJudge.numbers(input.value, box.dataset.unit);
        if (values.length) answer(box, say, values);
        else say("wrong", make("p", {}, WORDS.notNumber));
      });
    },

    pick(box) {
      const facts = JSON.parse(box.dataset.facts);
      const list = box.querySelector(".ex-options");
      const items = [...list.children];
      list.setAttribute("role", "radiogroup");
      list.setAttribute("aria-label", title(box));
      items.forEach((item, i) => {
        const radio = make("input", { type: "radio", name: `ex-${box.dataset.exercise}`, value: String(facts.shown[i]) });
        const label = make("label", {}, radio, make("span", {}, ...item.childNodes));
        item.setAttribute("role", "presentation");
        item.replaceChildren(label);
      });
      const [form, say] = controls(box, check());
      form.prepend(list);
      onSubmit(form, () => {
        const chosen = form.querySelector("input:checked");
        if (chosen) answer(box, say, Number(chosen.value));
        else say("wrong", make("p", {}, WORDS.choose));
      });
    },

    order(box) {
      const facts = JSON.parse(box.dataset.facts);
      const list = box.querySelector(".ex-lines");
      [...list.children].forEach((item, i) => {
        item.dataset.line = String(facts.shown[i] + 1);
        const words = item.textContent.trim();
        const move = (by) => (event) => {
          const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
          if (other) other[by < 0 ? "before" : "after"](item);
          event.currentTarget.focus();
          const place = [...list.children].indexOf(item) + 1;
          say("moved", make("p", {}, `Line ${place} of ${list.children.length}: ${words}`));
        };
        item.append(make("span", { className: "ex-moves" },
          button("↑", move(-1), { label: `Move up: ${words}` }),
          button("↓", move(1), { label: `Move down: ${words}` })));
      });
      const [form, say] = controls(box, check());
      form.prepend(list);
      onSubmit(form, () => answer(box, say, [...list.children].map((item) => Number(item.dataset.line))));
    },

    node(box) {
      const figure = box.querySelector("svg.lfg");
      figure.setAttribute("role", "group");
      const [, say] = controls(box);
      for (const group of figure.querySelectorAll("g[id]")) {
        const number = group.id.match(/-n(\d+)$/);
        if (!number) continue;
        const choose = () => {
          figure.querySelectorAll("[aria-pressed=true]").forEach((e) => e.setAttribute("aria-pressed", "false"));
          group.setAttribute("aria-pressed", "true");
          answer(box, say, Number(number[1]));
        };
        group.setAttribute("role", "button");
        group.setAttribute("tabindex", "0");
        group.setAttribute("aria-pressed", "false");
        group.addEventListener("click", choose);
        group.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          choose();
        });
      }
    },

    code(box) {
      const start = box.querySelector(".ex-start");
      const text = start.querySelector("pre").textContent.trimEnd();
      const editor = make("textarea", { className: "ex-editor", value: text, spellcheck: false, label: `Your code: ${title(box)}` });
      editor.rows = text.split("\n").length + 2;
      editor.setAttribute("autocapitalize", "off");
      editor.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.isComposing) return;
        event.preventDefault();
        if (event.ctrlKey || event.metaKey) return editor.form.requestSubmit(run);
        const line = editor.value.slice(0, editor.selectionStart).split("\n").pop();
        const indent = line.match(/^ */)[0] + (line.trimEnd().endsWith(":") ? "    " : "");
        editor.setRangeText(`\n${indent}`, editor.selectionStart, editor.selectionEnd, "end");
      });
      start.replaceWith(editor);
      const again = button("Start again", () => { editor.value = text; });
      const run = make("button", { type: "submit", className: "ex-check" }, "Run and check");
      const [form, say] = controls(box, run, again);
      form.prepend(editor);
      onSubmit(form, async () => {
        if (run.disabled) return;
        run.disabled = true;
        say("running", make("p", {}, WORDS.loading));
        const { result, nudge } = box.dataset;
        const came = await python({ code: editor.value, result, nudge }, () => say("running", make("p", {}, WORDS.running)));
        run.disabled = false;
        judged(box, say, came);
      });
    },
  };

  const judged = (box, say, came) => {
    if (came.problem) return say("wrong", make("p", {}, WORDS[came.problem]));
    const more = came.more ? [make("p", {}, `… and ${came.more.toLocaleString("en")} characters more.`)] : [];
    const output = came.printed ? [make("p", {}, "Your code prints:"), make("pre", {}, came.printed), ...more] : [];
    const facts = JSON.parse(box.dataset.facts);
    if (came.error) {
      const kind = came.error.match(/^\w+/)?.[0];
      const known = facts.wrong.indexOf(kind);
      const words = known < 0 ? [] : [hint(box, known)];
      const where = came.line ? `Python stopped in line ${came.line} of your code:` : "Python stopped where your code is used:";
      note(box.dataset.exercise, "tried");
      return say("wrong", make("p", {}, where), make("pre", {}, came.error), ...words, ...output);
    }
    const list = (values) => values.map((v) => String(Number(v.toPrecision(5))).replace("-", "\u2212")).join(", ");
    const rows = [["Your code", came.result], ["Finite differences", came.nudge], ["PyTorch", facts.answer]];
    const table = make("table", { className: "ex-numbers" }, make("caption", {}, box.dataset.what),
      ...rows.filter(([, values]) => values).map(([name, values]) =>
        make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, list(values)))));
    answer(box, say, came.result, [table, ...output]);
  };

  // MicroPython, loaded when code is first run, in a worker that can be stopped.
  const script = (name) => new Promise((resolve, reject) => {
    document.head.append(make("script", { src: HERE + name, onload: resolve, onerror: reject }));
  });
  const load = async () => {
    const inFolder = location.protocol === "file:"; // where a worker may not be a file
    await Promise.all([script("micropython.js"), inFolder && script("micropython-worker.js")]);
    const { wasm, tape } = window.exMicroPython;
    const packed = Uint8Array.from(atob(wasm), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const text = inFolder && new Blob([`(${window.exWorker})();`], { type: "text/javascript" });
    return { bytes, tape, url: text ? URL.createObjectURL(text) : `${HERE}micropython-worker.js` };
  };
  let loading = null;
  const python = async (task, started) => {
    let files, worker;
    try {
      files = await (loading ??= load());
      worker = new Worker(files.url);
    } catch {
      loading = null;
      return { problem: "blocked" };
    }
    return new Promise((resolve) => {
      let timer = null;
      const end = (found) => { clearTimeout(timer); worker.terminate(); resolve(found); };
      timer = setTimeout(() => end({ problem: "blocked" }), 4 * SECONDS * 1000);
      worker.onerror = () => end({ problem: "blocked" });
      worker.onmessage = ({ data }) => {
        if (!data.ready) return end(data);
        started();
        clearTimeout(timer);
        timer = setTimeout(() => end({ problem: "endless" }), SECONDS * 1000);
      };
      worker.postMessage({ ...task, wasm: files.bytes, tape: files.tape });
    });
  };

  startBar();
  for (const box of all) kinds[box.dataset.kind](box);
  document.documentElement.classList.add("ex-on");
})();
