"""What Sphinx-Gallery asks of this site, by dotted name: figures, their order, the pages."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata
from sphinx_gallery.scrapers import matplotlib_scraper
from sphinx_gallery.sorting import ExplicitOrder

logger = logging.getLogger(__name__)
SECTIONS = ("graphs", "autograd", "line", "scale", "gpu")
subsection_order = ExplicitOrder([*(f"../gallery/{section}" for section in SECTIONS), "*"])

MATPLOTLIBRC = Path(__file__).parents[1] / "matplotlibrc"
ALT = re.compile(r"^[ \t]*# Alt: (.*(?:\n[ \t]*#  +.*)*)", re.MULTILINE)
ALT_LINES = re.compile(ALT.pattern + r"\n?", re.MULTILINE)
ALT_OPTION = re.compile(r"(?<=:alt: ).*")
ZIPPED = re.compile(
    r"^ *\.\. container:: sphx-glr-download sphx-glr-download-zip\n\n *:download:.*\n?",
    re.MULTILINE,
)
CARD = re.compile(r'(?<=tooltip=")[^"]*')
HIDDEN_TITLE = re.compile(r'\s*<div class="sphx-glr-thumbnail-title">.*?</div>')


def reset_matplotlib(gallery_conf: dict[str, Any], script: str | None) -> None:
    """Give each script the style of the site's figures, whatever the one before it set."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    plt.close("all")
    mpl.use("agg")
    mpl.rcdefaults()
    mpl.rc_file(MATPLOTLIBRC)
    mpl.rcParams["savefig.dpi"] = 100  # image_srcset adds one with twice as many dots


def leave_assets_to_the_page(gallery_conf: dict[str, Any], script: str | None) -> None:
    """Let the recorded graphs of a script rely on the style and script of the site."""
    from linefit import graph

    graph.set_display(assets="page")


def scrape_figures(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save a cell's figures; a comment ``# Alt: ...`` in the cell says what each one shows."""
    rst: str = matplotlib_scraper(block, block_vars, gallery_conf)
    texts = [" ".join(re.split(r"\s*\n[ \t]*#\s+", text)) for text in ALT.findall(block[1])]
    if rst and len(texts) != rst.count(":alt: "):
        logger.warning(
            "%d figures but %d comments '# Alt: what it shows'",
            rst.count(":alt: "),
            len(texts),
            location=(block_vars["src_file"], block[2]),
        )
        return rst
    remaining = iter(texts)
    return ALT_OPTION.sub(lambda _: next(remaining), rst)


def without_alt(code: str) -> str:
    """Remove the comments that describe figures: on a page, the figures have those texts."""
    return ALT_LINES.sub("", code)


def clean_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Show a script's code without its descriptions of figures, and offer no archive of it.

    One archive holds all scripts and notebooks, ready to run.
    """
    if docname.startswith("auto_gallery/"):
        source[0] = ZIPPED.sub("", without_alt(source[0]))


class DescribeCards(SphinxPostTransform):
    """Let a card tell what describes its page, in the language of the site, under its link alone.

    What Sphinx-Gallery writes there no translation reaches.
    """

    default_priority = 5  # while the link still names the page
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Describe each card, and leave out its second title, which its link says already."""
        for node in list(self.document.findall(nodes.raw)):
            text = HIDDEN_TITLE.sub("", node.astext())
            if CARD.search(text) and (
                link := node.next_node(addnodes.pending_xref, siblings=True, ascend=True)
            ):
                about = self.env.metadata[link["reftarget"].lstrip("/")]
                text = escape(about["description"]).join(CARD.split(text))
            if text != node.astext():
                node.replace_self(nodes.raw("", text, format="html"))


def remove_orphans(app: Sphinx) -> None:
    """Remove what was made of scripts that have gone, or have another name now."""
    built, scripts = Path(app.srcdir, "auto_gallery"), app.confdir.parent / "gallery"
    for path in built.rglob("plot_*"):
        script = scripts / path.relative_to(built).with_name(path.name.split(".")[0] + ".py")
        if not script.exists():
            path.unlink()


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx, before Sphinx-Gallery writes its files and when its pages are read."""
    app.connect("builder-inited", remove_orphans, priority=100)
    app.connect("source-read", clean_page)
    app.add_post_transform(DescribeCards)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
