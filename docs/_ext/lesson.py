"""Link from a plan of a lesson to what is to be shown, and check that it is there.

``{show}`the gradients meet <learn/graphs#a-value-that-is-used-twice@21>``` opens a section in the
projector view, with its player at that step; ``{sheet}`for each student <chain-rule>``` is what
``{doc}`` would be for a sheet of exercises.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole
from sphinx.util.typing import ExtensionMetadata

logger = logging.getLogger(__name__)
FORM = re.compile(r"(?P<page>[\w/-]+)(?:#(?P<place>[\w-]+))?(?:@(?P<step>\d+))?")


class Show(ReferenceRole):
    """Link to a section in the projector view."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link, relative to the page, and note what has to be there."""
        form = FORM.fullmatch(self.target)
        if form is None:
            message = self.inliner.reporter.error(f"not a page#section@step: {self.target}")
            return [], [message]
        page, place, step = form["page"], form["place"], form["step"]
        noted = self.env.metadata[self.env.docname].setdefault("shown", [])
        noted.append((page, place, step))
        query = "present" + f"&step={step}" * bool(step)
        up = "../" * self.env.docname.count("/")
        uri = f"{up}{page}.html?{query}" + f"#{place}" * bool(place)
        return [nodes.reference(self.rawtext, self.title, internal=True, refuri=uri)], []


class Sheet(ReferenceRole):
    """Link to the sheet of a page of exercises."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link, relative to the page."""
        page = f"practice/{self.target}"
        self.env.metadata[self.env.docname].setdefault("shown", []).append((page, None, None))
        uri = "../" * self.env.docname.count("/") + f"{page}-sheet.html"
        return [nodes.reference(self.rawtext, self.title, internal=True, refuri=uri)], []


def check(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn about a link to a page, a section or a step that is not there."""
    for page, about in env.metadata.items():
        for aim, place, step in about.get("shown", []):
            if aim not in env.found_docs:
                logger.warning("there is no page %s to show", aim, location=page)
                continue
            found = [n for n in env.get_doctree(aim).findall(nodes.Element) if place in n["ids"]]
            if place and not found:
                logger.warning("%s has no section %s to show", aim, place, location=page)
            elif step and not any(_steps(node) >= int(step) for node in found):
                logger.warning("%s#%s has no step %s", aim, place, step, location=page)


def _steps(section: nodes.Element) -> int:
    """Return the number of steps of the first player in a section."""
    players = (raw for raw in section.findall(nodes.raw) if "lfg-player" in raw.astext())
    return next((raw.astext().count("data-label=") for raw in players), 0)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.add_role("show", Show())
    app.add_role("sheet", Sheet())
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
