// The PyTorch program beside a page to touch: its colors, and a button that copies it.
"use strict";
(() => {
  // Pygments' classes for what stands out: the site's style colors them.
  const TOKEN =
    /(?<c1>#.*)|(?<kn>\b(?:import|from)\b)|(?<k>\b(?:for|in|with|None|True)\b)|(?<mf>\b\d[\d.]*(?:e[-+]?\d+)?\b)/g;

  function colored(text) {
    const parts = [];
    let at = 0;
    for (const match of text.matchAll(TOKEN)) {
      const [kind] = Object.entries(match.groups).find(([, found]) => found !== undefined);
      const span = document.createElement("span");
      span.className = kind;
      span.textContent = match[0];
      parts.push(text.slice(at, match.index), span);
      at = match.index + match[0].length;
    }
    return [...parts, text.slice(at)];
  }

  function copies(button, code, says) {
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch {
        getSelection().selectAllChildren(code);
        document.execCommand("copy");
      }
      button.textContent = says.copied;
      setTimeout(() => (button.textContent = says.copy), 1500);
    });
  }

  // The words of a page: the templates that it holds, with {names} in place of what is filled in.
  function wordsOf(root) {
    const says = {};
    for (const each of root.querySelector("template").content.querySelectorAll("[data-say]")) {
      says[each.dataset.say] = each.textContent.trim();
    }
    return says;
  }

  // Examples stand on the page as a list of links with a sentence or two: show them as a row, with
  // the sentences of the chosen one below.  Returns what marks the chosen one.
  function presets(list) {
    const links = [...list.querySelectorAll("a[href^='#preset=']")];
    const said = document.createElement("p");
    said.className = "lp-said";
    for (const link of links) {
      link.dataset.preset = link.getAttribute("href").slice("#preset=".length);
      const story = document.createElement("span");
      story.className = "lp-story";
      while (link.nextSibling) story.append(link.nextSibling);
      link.after(story);
    }
    links[0].closest("ul").after(said);
    list.classList.add("lp-on");
    return (chosen) => {
      for (const link of links) {
        const now = link.dataset.preset === chosen;
        if (now) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
        if (now) said.replaceChildren(...link.nextSibling.cloneNode(true).childNodes);
      }
      return links.find((link) => link.dataset.preset === chosen);
    };
  }

  // The address holds the state: read() loads what it says, remember() writes a change, a moment
  // later.  What a reader has put there in that moment is loaded, not written over.
  function address(write, load) {
    let seen = null;
    let written = "";
    let timer = 0;

    function read() {
      clearTimeout(timer);
      seen = location.hash;
      load(seen.slice(1));
      written = write();
    }

    function remember() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const text = write();
        if (location.hash !== seen || text === written) return;
        written = text;
        try {
          history.replaceState(null, "", `#${text}`);
        } catch {
          // a browser may refuse where it thinks that too much is written: the page goes on
        }
        seen = location.hash;
      }, 300);
    }

    window.addEventListener("hashchange", () => location.hash === seen || read());
    return { read, remember };
  }

  const linefitPlay = globalThis.linefitPlay ?? {};
  const program = { address, colored, copies, wordsOf, presets };
  globalThis.linefitPlay = Object.assign(linefitPlay, { program });
})();
