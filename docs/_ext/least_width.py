"""Keep the text of matplotlib's figures legible on a phone.

A figure shrinks with its page until its text would be too small; from there on it keeps its width
and scrolls sideways in a box of its own, as a recorded graph does, with whose classes it is done.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.typing import ExtensionMetadata
from sphinx_gallery.directives import imgsgnode

LEGIBLE = 10.9  # pixels of a letter's size
POINTS = 10  # the size of the figures' text, font.size in matplotlibrc
COLUMN = 328  # pixels of text beside each other on a phone of 360
STEP = 80  # pixels between the widths of the classes lfg-w1, lfg-w2, … in figure.css


def least_width(path: Path) -> float:
    """Return the pixels of width at which a figure's text is just legible."""
    with Image.open(path) as image:
        inches = float(image.width / image.info["dpi"][0])
    return inches * 72 / POINTS * LEGIBLE


def width_class(path: Path) -> str | None:
    """Return the class that keeps a figure so wide; None where a phone is wide enough."""
    width = least_width(path)
    return f"lfg-w{math.ceil(width / STEP)}" if width > COLUMN else None


class KeepLegible(SphinxPostTransform):
    """Give figures their least width, and those of the gallery a box to scroll in."""

    default_priority = 900  # after MyST-NB has chosen among the forms of an output
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Add a class to each figure that needs one."""
        source = Path(self.env.srcdir)
        for image in list(self.document.findall(imgsgnode)):
            if least := width_class(source / image["uri"].lstrip("/")):
                image["class"] = [" ".join([*(image["class"] or []), least])]
                box = nodes.container("", classes=["figure-box"])
                image.replace_self(box)
                box += image
        for output in self.document.findall(_is_output):
            for image in output.findall(nodes.image):
                if least := width_class(source / image["uri"].lstrip("/")):
                    image["classes"].append(least)


def _is_output(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and "cell_output" in node["classes"]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.add_post_transform(KeepLegible)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
