"""Give each page a description for those who find it elsewhere: search engines, previews, lists.

It is what the front matter says, or else the page's promise: the sentences that it opens with,
as many as fit.  A script's are its question and its answer.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

from editions import SOURCE

logger = logging.getLogger(__name__)
SHORTEST, LONGEST = 50, 160
LABEL = re.compile(r"^(?:Question|Answer)\.\s+")
SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")
CLAUSE = re.compile(r"[,;:]\s")


def description(tree: nodes.document) -> str:
    """Return the description of a page."""
    for node in tree.findall(nodes.meta):
        if node.get("name") == "description":
            return str(node["content"])
    text = ""
    for paragraph in tree.findall(nodes.paragraph):
        apart = isinstance(paragraph.parent, nodes.Admonition) or "reading" in paragraph["classes"]
        if not apart and len(text) < SHORTEST:
            text = f"{text} {opening(paragraph)}".strip()
    return fitting(text)


def opening(paragraph: nodes.paragraph) -> str:
    """Return the words of a paragraph on one line, without a script's labels."""
    return LABEL.sub("", " ".join(paragraph.astext().split()))


def fitting(text: str) -> str:
    """Return as many sentences as fit, or the clauses of the first that do."""
    kept = ""
    for sentence in SENTENCE.split(text):
        longer = f"{kept} {sentence}".strip()
        if len(longer) > LONGEST:
            break
        kept = longer
    if len(kept) >= SHORTEST or len(text) <= LONGEST:
        return kept
    ends = [found.start() for found in CLAUSE.finditer(text) if found.start() < LONGEST - 1]
    return f"{text[: max(ends)]} …" if ends else kept


def read(app: Sphinx, tree: nodes.document) -> None:
    """Note the description of a page."""
    app.env.metadata[app.env.docname]["description"] = description(tree)


def check(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn about a page whose description is missing, too short, too long or another page's."""
    seen: dict[str, str] = {}
    found = {page: env.metadata[page]["description"] for page in sorted(env.found_docs)}
    for page, text in (found | app.config.page_descriptions).items():
        measured = app.config.language == SOURCE  # another language has other lengths
        if measured and not SHORTEST <= len(text) <= LONGEST:
            message = "the description has %s characters, not %s to %s: %r"
            logger.warning(message, len(text), SHORTEST, LONGEST, text, location=page)
        elif text in seen:
            logger.warning(
                "the description is also that of %s: %r", seen[text], text, location=page
            )
        seen[text] = page


def describe(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Put the description into a page's head, and tell it to the template."""
    about = app.env.metadata.get(page, {})
    text = about.get("description", "")
    if page in app.config.page_descriptions:
        text = _(app.config.page_descriptions[page])
    context["description"] = text
    if not text:
        logger.warning("the page has no description", location=page)
    elif 'name="description"' not in (tags := context.get("metatags") or ""):
        context["metatags"] = f'{tags}\n<meta name="description" content="{escape(text)}">'


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.add_config_value("page_descriptions", {}, "html", dict)
    app.connect("doctree-read", read)
    app.connect("env-check-consistency", check)
    app.connect("html-page-context", describe, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
