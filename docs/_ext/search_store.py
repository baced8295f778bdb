"""Gather what readers search in one script, because a page on a disk cannot fetch anything else.

The script holds the words of every section, which also serve as excerpts; MiniSearch builds its
index from them in the browser.  Code gives its names, and what it printed is left out.
A glossary's term is a section of its own, and a keyword of the pages to which its entry sends you.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sphinx
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import docname_join
from sphinx.util.typing import ExtensionMetadata

ROOT = Path(__file__).parents[2]
NPM = Path(os.environ.get("LINEFIT_NPM") or ROOT / ".nox" / "npm")
FILE = "searchtext.js"
NAME = re.compile(r"[A-Za-z]\w*_\w+")
COMMENTED = re.compile(r"#.*")
COMMENT = re.compile(r"^\s*/\*\*.*?\*/\n", re.DOTALL | re.MULTILINE)
SILENT = (nodes.Invisible, nodes.raw, nodes.system_message, nodes.math_block, addnodes.toctree)
CODE = {"literal_block", "doctest_block", "code_links_block"}  # the last one is Sphinx-Gallery's
ASIDE = {"reading", "sphx-glr-footer", "sphx-glr-download-link-note", "sphx-glr-script-out"}
ASIDE |= {"ex-hint", "ex-answer", "ex-sheet"}  # a search must not tell what a reader works out


def sections(tree: nodes.document) -> list[dict[str, Any]]:
    """Return the sections of a page, those of its terms and of its functions among them."""
    found: list[dict[str, Any]] = []
    for node in tree.findall(nodes.Element):
        if _is_section(node):
            text = " ".join("".join(words(node)).split())
            code = sorted({*names(node)} - set(NAME.findall(text)))
            entry = {"ids": anchors(node), "heading": heading(node), "text": text}
            found.append(entry | {"code": " ".join(code)})
    return found


def _is_section(node: nodes.Element) -> bool:
    """Whether a part of a page is found, and linked to, by itself."""
    if isinstance(node, nodes.definition_list_item):
        return isinstance(node.parent.parent, addnodes.glossary)
    named = isinstance(node, addnodes.desc) and bool(anchors(node))
    return named or isinstance(node, nodes.section) or node.tagname == "exercise"


def anchors(node: nodes.Element) -> list[str]:
    """Return where a link to a section can lead, the usual place first."""
    own = isinstance(node, nodes.section) or node.tagname == "exercise"
    holder = node if own else node[0]
    return list(holder["ids"]) if isinstance(holder, nodes.Element) else []


def heading(node: nodes.Element) -> str:
    """Return the heading of a section: a function's is its name."""
    first = node[0]
    name = first.get("fullname", "") if isinstance(first, addnodes.desc_signature) else ""
    return str(name or first.astext())


def words(section: nodes.Element) -> Iterator[str]:
    """Yield the prose of a section, without its heading and its subsections."""
    for child in section.children[1:]:
        yield from _words(child)


def _words(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Text):
        yield str(node)
    elif isinstance(node, nodes.Element) and not _is_passed_by(node):
        yield "" if isinstance(node, nodes.Inline) else " "
        for child in node.children:
            yield from _words(child)
        yield "" if isinstance(node, nodes.Inline) else " "


def _is_passed_by(node: nodes.Element) -> bool:
    """Whether a part of a section holds no prose of its own."""
    return isinstance(node, SILENT) or node.tagname in CODE or _is_aside(node)


def _is_aside(node: nodes.Element) -> bool:
    printed = node.get("nb_element") == "cell_code_output"
    return printed or bool(ASIDE & set(node["classes"])) or _is_section(node)


def names(node: nodes.Node) -> Iterator[str]:
    """Yield the names of several words in a section's code, such as ``zero_grad``."""
    for child in node.children:
        if isinstance(child, nodes.Element) and not _is_aside(child):
            if child.tagname in CODE:
                yield from NAME.findall(COMMENTED.sub("", child.astext()))
            yield from names(child)


def terms(tree: nodes.document, page: str) -> dict[str, list[str]]:
    """Return the terms of a glossary by the pages and ``#labels`` to which it sends you."""
    found: dict[str, list[str]] = {}
    for item in tree.findall(nodes.definition_list_item):
        if not isinstance(item.parent.parent, addnodes.glossary):
            continue
        names = [term.astext() for term in item.findall(nodes.term)]
        for link in item.findall(addnodes.pending_xref):
            if link["reftype"] in {"doc", "myst"}:
                target = link["reftarget"]
                key = docname_join(page, target) if link["reftype"] == "doc" else f"#{target}"
                found.setdefault(key, []).extend(names)
    return found


def weight(weights: dict[str, float], page: str) -> float:
    """Return the weight of a page: that of the longest beginning of its name that has one."""
    fitting = [start for start in weights if page.startswith(start)]
    return weights[max(fitting, key=len)] if fitting else 1.0


def start(app: Sphinx) -> None:
    """Put the library and the stemmer among the static files, and leave Sphinx's index out."""
    app.builder.search = False  # type: ignore[attr-defined]
    assets = app.confdir / "_build" / "search"
    shutil.rmtree(assets, ignore_errors=True)
    (assets / "search").mkdir(parents=True)
    library = NPM / "node_modules" / "minisearch"
    code = COMMENT.sub("", (library / "dist" / "umd" / "index.js").read_text(encoding="utf-8"))
    terms_of_use = (library / "LICENSE.txt").read_text(encoding="utf-8")
    _write(assets / "search" / "minisearch.js", f"/*!\n{terms_of_use}*/\n{code}")
    stemmers = Path(sphinx.__file__).parent / "search" / "minified-js"
    files = [stemmers / f"{name}-stemmer.js" for name in ("base", "english")]
    _write(assets / "search" / "stemmer.js", "\n".join(f.read_text("utf-8") for f in files))
    app.config.html_static_path.append(str(assets))


def read(app: Sphinx, tree: nodes.document) -> None:
    """Note the terms that a page explains."""
    app.env.metadata[app.env.docname]["terms"] = terms(tree, app.env.docname)


def keep(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Keep the sections of a page that is written, for builds that do not write it again."""
    if app.builder.format == "html":
        target = _kept(app, page)
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, json.dumps(sections(tree), ensure_ascii=False))


def _kept(app: Sphinx, page: str) -> Path:
    return Path(app.doctreedir, "search", f"{page}.json")


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the script that holds all sections."""
    if error is None and app.builder.format == "html":
        text = json.dumps(store(app, app.env), ensure_ascii=False, separators=(",", ":"))
        _write(Path(app.outdir, FILE), f"var searchText = {text};\n")


def store(app: Sphinx, env: BuildEnvironment) -> list[list[Any]]:
    """Return for each page its name, title, weight and sections."""
    weights = {page: weight(app.config.search_weights, page) for page in sorted(env.found_docs)}
    keywords = explained(env)
    rows = []
    for page in (page for page, value in weights.items() if value and _kept(app, page).exists()):
        parts = json.loads(_kept(app, page).read_text(encoding="utf-8"))
        parts = parts[:1] if page in app.config.search_tops else parts
        for number, part in enumerate(parts):
            keys = [*((page, each) for each in part["ids"]), *([(page, "")] if number == 0 else [])]
            part["id"] = next(iter(part["ids"]), "")
            part["terms"] = ". ".join(term for key in keys for term in keywords.get(key, []))
        body = [[part[key] for key in ("id", "heading", "terms", "text", "code")] for part in parts]
        rows.append([page, env.titles[page].astext(), weights[page], body])
    return rows


def explained(env: BuildEnvironment) -> dict[tuple[str, str], list[str]]:
    """Return the terms that each page and each section explains."""
    labels = env.domains.standard_domain.anonlabels
    found: dict[tuple[str, str], list[str]] = {}
    for page in sorted(env.found_docs):
        for target, names in env.metadata[page].get("terms", {}).items():
            label = labels.get(target.removeprefix("#"), (target, ""))
            key = label if target.startswith("#") else (target, "")
            found.setdefault((key[0], key[1]), []).extend(names)
    return found


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.add_config_value("search_weights", {}, "html", dict)
    app.add_config_value("search_tops", [], "html", list)
    app.connect("builder-inited", start)
    app.connect("doctree-read", read)
    app.connect("doctree-resolved", keep)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
