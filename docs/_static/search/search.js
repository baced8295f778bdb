// Search the site's text in the browser: every page and section is in searchtext.js.
/* global MiniSearch, EnglishStemmer, searchText */
"use strict";

(() => {
  const PAGES = 20; // how many are shown
  const WORST = 0.05; // how good a page must be, compared with the best
  const EXCERPT = 220; // characters
  const AROUND = 40; // characters, of which an excerpt may end earlier, at a space
  const WORD = /\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{N}_])+/gu;
  const HAN = /^\p{Script=Han}/u;
  const FIELDS = { title: 3, heading: 4, terms: 8, text: 1, code: 0.4 };

  const stemmer = new EnglishStemmer();
  const stems = new Map();

  /** Return a word as the index has it, each word worked out once. */
  function stem(word) {
    let found = stems.get(word);
    if (found === undefined) {
      found = stemmer.stemWord(word.toLowerCase());
      stems.set(word, found);
    }
    return found;
  }

  const joined = (text) => text.replace(/\b(in)[- ](place)\b/gi, "$1$2");

  /** Return where the words of a text are, as [start, end]; Chinese gives each pair of characters. */
  function spans(text) {
    return [...text.matchAll(WORD)].flatMap(({ 0: word, index: start }) => {
      if (!HAN.test(word)) return [[start, start + word.length]];
      const pairs = Math.max(1, word.length - 1);
      return Array.from({ length: pairs }, (_, at) => [start + at, start + Math.min(at + 2, word.length)]);
    });
  }

  const cut = (text) => spans(text).map(([start, end]) => text.slice(start, end));
  const words = (text) => cut(joined(text));

  /** Return the words of a text, and the parts of a name such as zero_grad. */
  function tokenize(text) {
    return words(text).flatMap((word) =>
      word.includes("_") ? [word, ...word.split("_").filter(Boolean)] : [word],
    );
  }

  const sections = searchText.flatMap(([page, title, weight, parts]) =>
    parts.map(([anchor, heading, terms, text, code]) => ({
      page, title, weight, anchor, heading, terms, text, code,
    })),
  );
  sections.forEach((section, id) => (section.id = id));

  const index = new MiniSearch({
    fields: Object.keys(FIELDS),
    tokenize,
    processTerm: stem,
    searchOptions: { boost: FIELDS },
  });
  index.addAll(sections);

  /** Return the stems of a section between spaces, to look up words that are neighbors. */
  function row(section) {
    section.row ??= ` ${words(Object.keys(FIELDS).map((name) => section[name]).join(" "))
      .map(stem)
      .join(" ")} `;
    return section.row;
  }

  /** Whether the glossary sends a reader who looks up these very words to a section. */
  function explains(section, wanted) {
    const terms = section.terms ? section.terms.split(". ") : [];
    return terms.some((term) => words(term).map(stem).join(" ") === wanted.join(" "));
  }

  const isBeginning = (word) => word.length > 2 || HAN.test(word);
  const share = (list, test) => (list.length ? list.filter(test).length / list.length : 0);

  /** Return the pages that fit a query, the best first, each with its best section. */
  function search(query) {
    const wanted = words(query).map(stem);
    const pairs = wanted.slice(1).map((word, at) => `${wanted[at]} ${word}`);
    const prefix = (term, at, all) => at === all.length - 1 && isBeginning(term);
    let found = index.search(query, { prefix });
    if (!found.length) found = index.search(query, { fuzzy: 0.2 }); // a slip of the keys
    for (const hit of found) {
      const section = sections[hit.id];
      const covered = share(wanted, (word) => row(section).includes(` ${word}`));
      const near = share(pairs, (pair) => row(section).includes(` ${pair}`));
      hit.rank = hit.score * (0.2 + covered) * (1 + 1.5 * near) * section.weight;
      if (explains(section, wanted)) hit.rank *= 2;
    }
    found.sort((one, other) => other.rank - one.rank);
    const pages = new Map();
    for (const hit of found) {
      const section = sections[hit.id];
      const page = pages.get(section.page) || { section, rank: 0, hits: 0 };
      page.rank += page.hits === 0 ? hit.rank : page.hits < 4 ? 0.15 * hit.rank : 0;
      page.hits += 1;
      pages.set(section.page, page);
    }
    const ranked = [...pages.values()].sort((one, other) => other.rank - one.rank);
    return ranked.filter((page) => page.rank >= WORST * ranked[0].rank);
  }

  /** Return where in a text the words of a query are, as [start, end]. */
  function places(text, wanted) {
    const exact = new Set(wanted);
    const last = wanted.at(-1);
    return spans(text).filter(([start, end]) => {
      const word = stem(text.slice(start, end));
      return exact.has(word) || (isBeginning(last) && word.startsWith(last));
    });
  }

  /** Return the stretch of a text that has the most different words of a query. */
  function stretch(text, found) {
    let best = [0, -1];
    for (const [start] of found) {
      const inside = found.filter(([from, to]) => from >= start && to <= start + EXCERPT);
      const kinds = new Set(inside.map(([from, to]) => stem(text.slice(from, to)))).size;
      if (kinds > best[1]) best = [start, kinds];
    }
    let start = Math.max(0, best[0] - AROUND);
    if (start) start += text.slice(start, best[0]).indexOf(" ") + 1;
    let end = Math.min(text.length, start + EXCERPT);
    const space = text.lastIndexOf(" ", end);
    if (end < text.length && space > end - AROUND) end = space;
    return [start, end];
  }

  /** Return the same places, those that overlap as one. */
  function merged(found) {
    const apart = [];
    for (const [from, to] of found) {
      if (apart.length && from < apart.at(-1)[1]) apart.at(-1)[1] = to;
      else apart.push([from, to]);
    }
    return apart;
  }

  /** Return an excerpt with the words marked. */
  function excerpt(text, wanted) {
    const line = document.createElement("p");
    const found = places(text, wanted);
    const [start, end] = stretch(text, found);
    let at = start;
    line.append(start ? "… " : "");
    for (const [from, to] of merged(found.filter(([from, to]) => from >= start && to <= end))) {
      const mark = document.createElement("mark");
      mark.append(text.slice(from, to));
      line.append(text.slice(at, from), mark);
      at = to;
    }
    line.append(text.slice(at, end), end < text.length ? " …" : "");
    return line;
  }

  const field = document.getElementById("search-words");
  const list = document.getElementById("search-results");
  const status = document.getElementById("search-status");

  function item({ section }, wanted) {
    const link = document.createElement("a");
    link.href = `${section.page}.html${section.anchor ? `#${section.anchor}` : ""}`;
    link.append(section.title);
    if (section.heading !== section.title) {
      const part = document.createElement("span");
      part.className = "found-section";
      part.append(` › ${section.heading}`);
      link.append(part);
    }
    const entry = document.createElement("li");
    entry.append(link, excerpt(section.text, wanted));
    return entry;
  }

  function show() {
    const query = field.value.trim();
    const wanted = words(query).map(stem);
    const found = wanted.length ? search(query) : [];
    const none = query !== "" && found.length === 0;
    list.replaceChildren(...found.slice(0, PAGES).map((page) => item(page, wanted)));
    document.getElementById("search-nothing").hidden = !none;
    const { none: nothing, one, many } = status.dataset;
    const sentence = none ? nothing.replace("{words}", query) : found.length === 1 ? one : many;
    status.textContent = query ? sentence.replace("{number}", found.length) : "";
  }

  /** Keep the words in the address, so that a reload or a copied address finds the same. */
  function remember() {
    const address = new URL(location);
    address.searchParams.set("q", field.value);
    history.replaceState(null, "", address);
  }

  let pause = 0;
  field.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => {
      show();
      remember();
    }, 150);
  });
  document.getElementById("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(pause);
    show();
    remember();
  });
  document.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    const links = [field, ...list.querySelectorAll("a")];
    const here = links.indexOf(document.activeElement);
    if (here < 0 || !(event.key in steps)) return;
    event.preventDefault();
    links[Math.min(links.length - 1, Math.max(0, here + steps[event.key]))].focus();
  });

  field.value = new URLSearchParams(location.search).get("q") || "";
  show();
  if (!field.value) field.focus();
})();
