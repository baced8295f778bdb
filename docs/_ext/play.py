"""Link to a state of the page to touch: ``{play}`the run that works <post>```."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import ReferenceRole
from sphinx.util.typing import ExtensionMetadata

PAGE = "play/line"


class Play(ReferenceRole):
    """Link to a preset of the page; on that page the link is also where its address leads."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link, relative to the page, with the state in its fragment."""
        fragment = f"preset={self.target}"
        here = self.env.docname == PAGE
        page = "" if here else "../" * self.env.docname.count("/") + f"{PAGE}.html"
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
