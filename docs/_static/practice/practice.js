// Exercises that check themselves.  Without this script the question and a folded answer are there.
(() => {
  const KEY = "linefit-practice";
  const HERE = document.currentScript.src.replace(/[^/]*$/, "");
  const SECONDS = 5;
  const WORDS = {
    right: say("Right."),
    wrong: say("Not yet."),
    again: say("Try once more, or open the answer."),
    notNumber: say("Type one number, such as 0.5, −2, 1/3 or 1e-3."),
    choose: say("Choose one first."),
    reset: say("Forget which exercises of this site you have solved, and clear this page?"),
    loading: say("Starting Python in this page…"),
    running: say("Running…"),
    endless: say("Your code did not end within {seconds} seconds, so it was stopped. Is there an endless loop?", { seconds: SECONDS }),
    blocked: say("This browser does not run Python here. The page's notebook has the same exercise."),
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
  const bar = document.querySelector(".ex-progress"); // where a page only ends with an exercise or two, none
  const show = () => {
    for (const each of all) each.classList.toggle("ex-solved", solved[each.dataset.exercise] === "solved");
    if (!bar) return;
    const done = Object.values(solved).filter((state) => state === "solved").length;
    const here = all.filter((each) => solved[each.dataset.exercise] === "solved").length;
    bar.firstChild.textContent = all.length
      ? say("Solved on this page: {here} of {all}; in all: {done}", { here, all: all.length, done })
      : say("Solved so far: {done}", { done });
  };
  const exported = () => {
    const lines = Object.keys(solved).sort().map((id) => `${id}\t${solved[id]}`);
    const text = [say("My progress in linefit's practice"), ...lines].join("\n") + "\n";
    const link = make("a", { download: "linefit-practice.txt" });
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const clear = (box) => {
    box.querySelectorAll("form").forEach((form) => form.reset());
    box.querySelectorAll("[aria-pressed=true]").forEach((e) => e.setAttribute("aria-pressed", "false"));
    box.querySelector(".ex-answer").open = false;
    const said = box.querySelector(".ex-said");
    delete said.dataset.state;
    said.replaceChildren();
  };
  const reset = () => {
    if (!confirm(WORDS.reset)) return;
    solved = {};
    keep();
    show();
    all.forEach(clear);
  };
  const startBar = () => {
    read();
    const [save, over] = bar?.querySelectorAll("button") ?? [];
    save?.addEventListener("click", exported);
    over?.addEventListener("click", reset);
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
  const answer = (box, tell, given, extra = []) => {
    const facts = JSON.parse(box.dataset.facts);
    const found = exJudge.judge(box.dataset.kind, given, facts);
    if (found === "right") {
      tell("right", make("p", {}, make("strong", {}, WORDS.right)), ...extra);
      box.querySelector(".ex-answer").open = true;
    } else {
      const words = found === "wrong" ? make("p", {}, WORDS.again) : hint(box, found);
      tell("wrong", make("p", {}, make("strong", {}, WORDS.wrong)), words, ...extra);
    }
    note(box.dataset.exercise, found === "right" ? "solved" : "tried");
  };
  const controls = (box, ...parts) => {
    const form = make("form", { className: "ex-form" });
    const [said, tell] = speaker(box);
    form.append(...parts);
    box.querySelector(".ex-answer").before(form, said);
    return [form, tell];
  };
  const onSubmit = (form, action) => form.addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
  const check = () => make("button", { type: "submit", className: "ex-check" }, say("Check"));
  const title = (box) => box.querySelector(".ex-title").textContent.trim();

  const kinds = {
    number(box) {
      const input = make("input", { type: "text", autocomplete: "off", size: 12, label: say("Your answer: {title}", { title: title(box) }) });
      input.setAttribute("inputmode", "text");
      const unit = box.dataset.unit ? [make("span", {}, box.dataset.unit)] : [];
      const [form, tell] = controls(box, input, ...unit, check());
      onSubmit(form, () => {
        const values = exJudge.numbers(input.value, box.dataset.unit);
        if (values.length) answer(box, tell, values);
        else tell("wrong", make("p", {}, WORDS.notNumber));
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
      const [form, tell] = controls(box, check());
      form.prepend(list);
      onSubmit(form, () => {
        const chosen = form.querySelector("input:checked");
        if (chosen) answer(box, tell, Number(chosen.value));
        else tell("wrong", make("p", {}, WORDS.choose));
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
          tell("moved", make("p", {}, say("Line {place} of {count}: {code}", { place, count: list.children.length, code: words })));
        };
        item.append(make("span", { className: "ex-moves" },
          button("↑", move(-1), { label: say("Move up: {code}", { code: words }) }),
          button("↓", move(1), { label: say("Move down: {code}", { code: words }) })));
      });
      const [form, tell] = controls(box, check());
      form.prepend(list);
      onSubmit(form, () => answer(box, tell, [...list.children].map((item) => Number(item.dataset.line))));
    },

    node(box) {
      const figure = box.querySelector("svg.lfg");
      figure.setAttribute("role", "group");
      const [, tell] = controls(box);
      for (const group of figure.querySelectorAll("g[id]")) {
        const number = group.id.match(/-n(\d+)$/);
        if (!number) continue;
        const choose = () => {
          figure.querySelectorAll("[aria-pressed=true]").forEach((e) => e.setAttribute("aria-pressed", "false"));
          group.setAttribute("aria-pressed", "true");
          answer(box, tell, Number(number[1]));
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
      const editor = make("textarea", { className: "ex-editor", defaultValue: text, spellcheck: false, label: say("Your code: {title}", { title: title(box) }) });
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
      const again = button(say("Start again"), () => { editor.value = text; });
      const run = make("button", { type: "submit", className: "ex-check" }, say("Run and check"));
      const [form, tell] = controls(box, run, again);
      form.prepend(editor);
      onSubmit(form, async () => {
        if (run.disabled) return;
        run.disabled = true;
        tell("running", make("p", {}, WORDS.loading));
        const { result, nudge } = box.dataset;
        const came = await python({ code: editor.value, result, nudge }, () => tell("running", make("p", {}, WORDS.running)));
        run.disabled = false;
        judged(box, tell, came);
      });
    },
  };

  const judged = (box, tell, came) => {
    if (came.problem) return tell("wrong", make("p", {}, WORDS[came.problem]));
    const more = came.more ? [make("p", {}, say("… and {number} characters more.", { number: came.more.toLocaleString(document.documentElement.lang) }))] : [];
    const output = came.printed ? [make("p", {}, say("Your code prints:")), make("pre", {}, came.printed), ...more] : [];
    const facts = JSON.parse(box.dataset.facts);
    if (came.error) {
      const kind = came.error.match(/^\w+/)?.[0];
      const known = facts.wrong.indexOf(kind);
      const words = known < 0 ? [] : [hint(box, known)];
      const where = came.line
        ? say("Python stopped in line {line} of your code:", { line: came.line })
        : say("Python stopped where your code is used:");
      note(box.dataset.exercise, "tried");
      return tell("wrong", make("p", {}, where), make("pre", {}, came.error), ...words, ...output);
    }
    const list = (values) => values.map((v) => String(Number(v.toPrecision(5))).replace("-", "\u2212")).join(", ");
    const rows = [[say("Your code"), came.result], [say("Finite differences"), came.nudge], ["PyTorch", facts.answer]];
    const table = make("table", { className: "ex-numbers" }, make("caption", {}, box.dataset.what),
      ...rows.filter(([, values]) => values).map(([name, values]) =>
        make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, list(values)))));
    answer(box, tell, came.result, [table, ...output]);
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
