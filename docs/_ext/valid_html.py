"""Repair what the theme and the extensions write that HTML does not allow."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.typing import ExtensionMetadata

SUMMARY = re.compile(r"(?<=<summary)[^>]*>.*?(?=</summary>)", re.DOTALL)
PARAGRAPH = re.compile(r"<(/?)p\b")
FIGURE = re.compile(r'<svg\b[^>]*\bclass="lfg [^>]*\bid="([^"]+)".*?</svg>', re.DOTALL)
EMPTY_TAGS = "<div id='sg-tag-list' class='sphx-glr-tag-list'></div>"  # once for each topic
VIEWPORT = re.compile(r'<meta name="viewport"[^>]*>')  # docutils writes one beside the theme's
THEME = {'<button class="theme-toggle"': '<button type="button" class="theme-toggle"'}


class UniqueIds(SphinxPostTransform):
    """Take the ids of a formula from it where the theme has given them to a box around it."""

    default_priority = 501  # right after the theme
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Leave the ids of a formula to its box; a table keeps those its title links to."""
        for box in self.document.findall(nodes.container):
            for inner in box.children:
                if isinstance(inner, nodes.math_block) and inner["ids"]:
                    inner["ids"] = [name for name in inner["ids"] if name not in box["ids"]]
                elif isinstance(inner, nodes.table):
                    box["ids"] = [name for name in box["ids"] if name not in inner["ids"]]


def repaired(body: str) -> str:
    """Return the text of a page without what HTML does not allow."""
    body = SUMMARY.sub(lambda found: PARAGRAPH.sub(r"<\1span", found[0]), body)
    return numbered(body.replace(EMPTY_TAGS, ""))


def numbered(body: str) -> str:
    """Return a text in which a graph that is drawn twice has other ids the second time."""
    seen: Counter[str] = Counter()

    def renamed(found: re.Match[str]) -> str:
        name = found[1]
        seen[name] += 1
        if seen[name] == 1:
            return found[0]
        return found[0].replace(f' id="{name}', f' id="{name}x{seen[name]}')

    return FIGURE.sub(renamed, body)


def of_theme(page: str) -> str:
    """Return the theme's part of a page without what HTML does not allow."""
    for found, wanted in THEME.items():
        page = page.replace(found, wanted)
    return page


def repair(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Repair a page's text, and give its template what repairs the theme."""
    context["valid"] = of_theme
    if "body" in context:
        context["body"] = repaired(context["body"])
    if context.get("metatags"):
        context["metatags"] = VIEWPORT.sub("", context["metatags"])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.add_post_transform(UniqueIds)
    app.connect("html-page-context", repair, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
