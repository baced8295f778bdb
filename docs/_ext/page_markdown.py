"""Write each page as Markdown beside its HTML, results included, and list them in llms.txt."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag
from markdownify import MarkdownConverter
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from published import address

LISTING = "llms.txt"
LANGUAGE = re.compile(r"^highlight-(\w+)$")
PYTHON = {"ipython3", "ipython", "Python", "python3", "pycon"}
PAGE = re.compile(r"^(?![a-z]+:)([^#?]*)(?<!-sheet)(?<!-answers)\.html(?:#.*)?$")  # not for paper
BLANK = re.compile(r"\n{3,}")
DRAWING = re.compile(r"<svg\b(?P<head>[^>]*)>(?P<body>.*?)</svg>", re.DOTALL)
NAMED = re.compile(r'aria-label="([^"]*)"|<title[^>]*>(.*?)</title>', re.DOTALL)
LEFT_OUT = (
    "script, style, template, noscript, form, button, .headerlink, .katex-html, .reading, "
    ".ex-progress, .sphx-glr-footer, .sphx-glr-download-link-note, .take-along"
)
AFTER_ALL = 950  # when the body is complete


class Converter(MarkdownConverter):
    """Turn the HTML of a page into Markdown."""

    def convert_math(self, element: Tag, text: str, parent_tags: set[str]) -> str:
        """Return a formula as the TeX that it was written in."""
        written = element.find("annotation")
        tex = written.get_text().strip() if written else text
        return f"\n\n$$\n{tex}\n$$\n\n" if element.get("display") == "block" else f"${tex}$"

    def convert_a(self, element: Tag, text: str, parent_tags: set[str]) -> str:
        """Return a link to another page as one to its Markdown, one within the page as text."""
        target = str(element.get("href", ""))
        if not target or target.startswith("#") or not text.strip():
            return text
        element["href"] = PAGE.sub(r"\1.md", target)
        return str(super().convert_a(element, text, parent_tags))  # type: ignore[misc]


def markdown(body: str) -> str:
    """Return the Markdown of a page's content."""
    soup = BeautifulSoup(DRAWING.sub(_described, body), "html.parser")
    for element in soup.select(LEFT_OUT):
        element.decompose()
    converter = Converter(
        heading_style="ATX",
        bullets="-",
        code_language_callback=_language,
        escape_underscores=False,
    )
    return BLANK.sub("\n\n", str(converter.convert_soup(soup))).strip() + "\n"


def _described(drawing: re.Match[str]) -> str:
    """Return a drawing's description in its place."""
    named = NAMED.search(drawing["head"]) or NAMED.search(drawing["body"])
    words = (named[1] or named[2] or "").strip() if named else ""
    return f"<p><em>{words}</em></p>" if words else ""


def _language(pre: Tag) -> str:
    for parent in pre.parents:
        for name in parent.get("class") or []:
            if (found := LANGUAGE.match(name)) and found[1] != "none":
                return "python" if found[1] in PYTHON else str(found[1])
    return ""


def write_page(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Write a page's Markdown, and tell its template where that is."""
    context["markdown"] = None
    if tree is None or app.builder.format != "html":
        return
    context["markdown"] = f"{page}.md"
    target = Path(app.outdir, f"{page}.md")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(markdown(context["body"]), encoding="utf-8")


def write_listing(app: Sphinx, error: Exception | None) -> None:
    """Write the list of all pages in the form of llms.txt."""
    if error is None and app.builder.format == "html":
        Path(app.outdir, LISTING).write_text(listing(app), encoding="utf-8")


def listing(app: Sphinx) -> str:
    """Return the list: the pages of the story by level, then the others."""
    told = app.env.metadata
    base = address(app)
    root = app.config.root_doc
    story: dict[str, list[str]] = dict(app.config.story)
    known = {page for pages in story.values() for page in pages} | {root}
    story["Others"] = sorted(app.env.found_docs - known)
    lines = [f"# {app.config.project}", "", f"> {told[root]['description']}"]
    for level, pages in story.items():
        lines += ["", f"## {level}", ""]
        for page in (page for page in pages if page in app.env.found_docs):
            title = app.env.titles[page].astext()
            lines.append(f"- [{title}]({urljoin(base, page)}.md): {told[page]['description']}")
    return "\n".join([*lines, ""])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.connect("html-page-context", write_page, priority=AFTER_ALL)
    app.connect("build-finished", write_listing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
