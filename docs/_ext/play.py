"""Link to a state of a page to touch: ``{play}`the run that works <post>```.

A graph's is ``{play}`a value used twice <graph:twice>```.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import ReferenceRole
from sphinx.util.typing import ExtensionMetadata

FOLDER = "play"
USUAL = "line"


class Play(ReferenceRole):
    """Link to a preset of a page; on that page the link is also where its address leads."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link, relative to the page, with the state in its fragment."""
        before, _, preset = self.target.rpartition(":")
        name = f"{FOLDER}/{before or USUAL}"
        fragment = f"preset={preset}"
        here = self.env.docname == name
        page = "" if here else "../" * self.env.docname.count("/") + f"{name}.html"
        link = nodes.reference(self.rawtext, self.title, internal=True)
        link["refuri"] = f"{page}#{fragment}"
        ids = self.inliner.document.ids
        if here and fragment not in ids:
            link["ids"] = [fragment]
            ids[fragment] = link
        return [link], []


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.add_role("play", Play())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
