"""Tell each page's level and how long it takes to read, and keep the pages in order.

The time is a model, not a measurement: prose at 200 words a minute, 4 seconds for a line of code
that stands open, and as long for a displayed formula.  A formula within a line is a word.
Outputs and whatever is folded away take no time, because a reader may pass them by.
An exercise adds the minutes that its node asks for.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.locale import _
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import docname_join, logging
from sphinx.util.docutils import SphinxRole
from sphinx.util.typing import ExtensionMetadata

logger = logging.getLogger(__name__)
WORDS_A_MINUTE = 200
SECONDS_A_LINE = 4
LONG = 100  # minutes that are better told in hours
WORD = re.compile(r"\S*\w\S*")
NEEDS = "You need:"
SILENT = (nodes.Invisible, nodes.raw, nodes.system_message, addnodes.toctree)
CONTENTS = re.compile(r"^```\{toctree\}\n:caption: (.+)\n(?::.*\n)*\n((?:.+\n)+?)```", re.MULTILINE)
OUTPUTS = {"sphx-glr-script-out", "sphx-glr-download-link-note", "sphx-glr-footer"}

Story = dict[str, list[str]]
"""The pages of each level, in the order in which they are to be read."""


class Length(NamedTuple):
    """What there is to read: words of prose, and lines of code or formulas that stand apart.

    Exercises take minutes of thought beside.
    """

    words: int = 0
    lines: int = 0
    thought: int = 0

    @property
    def minutes(self) -> int:
        """The whole minutes that it takes, at least one."""
        seconds = self.words * 60 / WORDS_A_MINUTE + self.lines * SECONDS_A_LINE
        return max(1, self.thought + round(seconds / 60))


class Place(NamedTuple):
    """Where a page stands in the story."""

    number: int
    level: str


def story_of(landing: str) -> Story:
    """Return the captions of a landing page's tables of contents as levels, with their pages."""
    return {caption: pages.split() for caption, pages in CONTENTS.findall(landing)}


def length(node: nodes.Node) -> Length:
    """Return how much there is to read in a part of a page."""
    if _is_passed_by(node):
        return Length()
    match node:
        case nodes.Text():
            return Length(words=len(WORD.findall(node)))
        case nodes.math():
            return Length(words=1)
        case nodes.math_block():
            return Length(lines=1)
        case nodes.literal_block() | nodes.doctest_block():
            return Length(lines=sum(not line.isspace() for line in node.astext().splitlines(True)))
    parts = [length(child) for child in node.children]
    thought = int(node.get("thought", 0)) if isinstance(node, nodes.Element) else 0
    return Length(
        sum(part.words for part in parts),
        sum(part.lines for part in parts),
        sum((part.thought for part in parts), start=thought),
    )


def _is_passed_by(node: nodes.Node) -> bool:
    """Whether a part of a page is not shown, is folded away or is what code has printed."""
    if isinstance(node, SILENT) or not isinstance(node, nodes.Element):
        return not isinstance(node, nodes.Text)
    folded = str(node.get("hide_mode", "")).startswith(("all", "input"))
    printed = node.get("nb_element") == "cell_code_output" or OUTPUTS & set(node["classes"])
    return folded or bool(printed) or node.get("design_component") == "dropdown"


def place(story: Story, page: str) -> Place | None:
    """Return where a page stands; a page in the folder of an index stands where the index does."""
    listed = [(level, name) for level, names in story.items() for name in names]
    for number, (level, name) in enumerate(listed):
        folder = name.removesuffix("index")
        if page == name or (folder.endswith("/") and page.startswith(folder)):
            return Place(number, level)
    return None


def needs(tree: nodes.document, page: str) -> list[str]:
    """Return the pages that a page links to where it says what you need."""
    paragraphs = tree.findall(nodes.paragraph)
    wanted = (p for p in paragraphs if p.astext().startswith(NEEDS))
    links = (link for p in wanted for link in p.findall(addnodes.pending_xref))
    return [docname_join(page, link["reftarget"]) for link in links if link["reftype"] == "doc"]


def aim(story: Story, page: str, text: str) -> str:
    """Return the level or the page that a role on a page means."""
    return text if text in story else docname_join(page, text)


def minutes(env: BuildEnvironment, target: str) -> str:
    """Return the time that a page takes, or all pages of a level, in words.

    Raises
    ------
    KeyError
        If there is no such page or level.
    """
    pages = env.config.story.get(target, [target])
    if missing := set(pages) - env.found_docs:
        raise KeyError(", ".join(sorted(missing)))
    total = sum(env.metadata[page]["minutes"] for page in pages)
    if total < LONG:
        return _("{number} min").format(number=total)
    return _("{number} hours").format(number=f"{round(total / 30) / 2:g}")


class minutes_of(nodes.Inline, nodes.TextElement):  # noqa: N801 (docutils writes nodes in lower case)
    """Stand in for the minutes of a page that may not have been read yet."""


class Minutes(SphinxRole):
    """Show how long a page takes, or a level: ``{minutes}`learn/graphs```, ``{minutes}`Start```."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return a node that is replaced once all pages have been read."""
        target = aim(self.config.story, self.env.docname, self.text)
        node = minutes_of(self.rawtext, target=target)
        self.set_source_info(node)
        return [node], []


class ShowMinutes(SphinxPostTransform):
    """Put the minutes where they were asked for."""

    default_priority = 10

    def run(self, **kwargs: Any) -> None:
        """Replace each node of the role."""
        for node in list(self.document.findall(minutes_of)):
            try:
                text = minutes(self.env, node["target"])
            except KeyError as error:
                logger.warning("no page or level has the name %s", error, location=node)
                text = "?"
            node.replace_self(nodes.inline(node.rawsource, text, classes=["minutes"]))


def read(app: Sphinx, tree: nodes.document) -> None:
    """Note what a page takes and needs, and write level and minutes below its title."""
    page = app.env.docname
    about = app.env.metadata[page]
    about["minutes"] = length(tree).minutes
    about["needs"] = needs(tree, page)
    about["minutes_of"] = [node["target"] for node in tree.findall(minutes_of)]
    found = place(app.config.story, page)
    title = next(tree.findall(nodes.title), None)
    if found and title:
        time = _("1 minute")
        if about["minutes"] != 1:
            time = _("{number} minutes").format(number=about["minutes"])
        text = f"{_(found.level)} \N{MIDDLE DOT} {time}"
        title.parent.insert(
            title.parent.index(title) + 1, nodes.paragraph("", text, classes=["reading"])
        )


def changed(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Return the pages that show another page's minutes, where these are no longer the same."""
    found = []
    for page, about in list(env.metadata.items()):
        targets = about.get("minutes_of", [])
        pages = [name for target in targets for name in env.config.story.get(target, [target])]
        now = [env.metadata[name]["minutes"] for name in pages if name in env.found_docs]
        if now != about.get("minutes_shown", []):
            about["minutes_shown"] = now
            found.append(page)
    return found


def check(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn about a page that needs a later one."""
    story: Story = app.config.story
    for page in sorted(env.found_docs):
        here = place(story, page)
        for needed in env.metadata[page]["needs"]:
            before = place(story, needed)
            if here and (before is None or before.number >= here.number):
                message = "the page needs %s, which the story does not have before it"
                logger.warning(message, needed, location=page)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.add_config_value("story", {}, "env", dict)
    app.add_node(minutes_of)
    app.add_role("minutes", Minutes())
    app.add_post_transform(ShowMinutes)
    app.connect("doctree-read", read)
    app.connect("env-updated", changed)
    app.connect("env-check-consistency", check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
