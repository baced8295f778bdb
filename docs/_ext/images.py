"""Make figures small: lossless WebP, sized, and lazy below the first one of a page.

Cells and scripts draw PNGs with two dots for each pixel, and notebooks keep them; a page shows
what this module makes of them.  The gallery's thumbnails are one file, of which each card shows
its part.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.typing import ExtensionMetadata
from sphinx_gallery.directives import imgsgnode

DENSITY = 2  # dots for each pixel of the page
OPACITIES = 31  # what is left of 255 where a figure is neither empty nor opaque
SHADES = 8  # the distance of two shades there
THUMBNAIL = (320, 224)  # dots: twice the least size of a card
THUMBNAILS = "thumbnails.webp"
VERSION = f"1 {OPACITIES} {SHADES} {THUMBNAIL}"


class figure_image(nodes.General, nodes.Inline, nodes.Element):  # noqa: N801 (docutils writes nodes in lower case)
    """An image in the form that pages show."""


class thumbnail(nodes.General, nodes.Inline, nodes.Element):  # noqa: N801 (likewise)
    """A part of the file with all thumbnails."""


class ShowSmallImages(SphinxPostTransform):
    """Replace the PNGs of a page."""

    formats = ("html",)
    default_priority = 950  # other extensions have given figures their classes by then

    def run(self, **kwargs: Any) -> None:
        """Replace each image; the first is wanted at once, the others when they come into view."""
        found = [n for n in self.document.findall() if isinstance(n, nodes.image | imgsgnode)]
        drawn = [(node, path) for node in found if (path := self._source(node)).suffix == ".png"]
        cards = [pair for pair in drawn if pair[1].parent.name == "thumb"]
        for node, path in cards:
            node.replace_self(thumbnail("", path=path))
        for number, (node, path) in enumerate(pair for pair in drawn if pair not in cards):
            classes = node.get("classes") or node.get("class") or []
            shown = {"alt": node.get("alt", ""), "classes": classes}
            node.replace_self(figure_image("", path=path, lazy=number > 0, **shown))

    def _source(self, node: nodes.Element) -> Path:
        """Return the file of an image: of those for several screens, the one with most dots."""
        if node.get("srcset"):
            uri = node["srcset"].split(",")[-1].split()[0]
        else:
            candidates: dict[str, str] = node.get("candidates") or {}
            uri = candidates.get("*", node["uri"])
        return Path(self.env.srcdir, uri.lstrip("/"))


def small(path: Path, folder: Path) -> Path:
    """Return a small file that looks like a PNG, made once for the same dots."""
    content = path.read_bytes()
    name = hashlib.sha256(VERSION.encode() + content).hexdigest()
    made = folder / f"{name}.webp"
    if not made.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made.write_bytes(encoded(softened(content)))
    return made


def together(paths: list[Path], folder: Path) -> Path:
    """Return a file with some thumbnails, one below the other, made once for the same ones."""
    contents = [path.read_bytes() for path in paths]
    name = hashlib.sha256(VERSION.encode() + b"".join(contents)).hexdigest()
    made = folder / f"{name}.webp"
    if not made.exists():
        whole = Image.new("RGBA", (THUMBNAIL[0], THUMBNAIL[1] * len(contents)))
        for place, content in enumerate(contents):
            with Image.open(io.BytesIO(content)) as image:
                card = image.convert("RGBA").resize(THUMBNAIL, Image.Resampling.LANCZOS)
            whole.paste(card, (0, THUMBNAIL[1] * place))
        file = io.BytesIO()
        whole.save(file, "PNG")
        folder.mkdir(parents=True, exist_ok=True)
        made.write_bytes(encoded(softened(file.getvalue())))
    return made


def softened(png: bytes) -> np.ndarray[Any, Any]:
    """Return the dots of an image with fewer shades at the edges of what is drawn.

    An edge fades over one dot; nobody tells 31 opacities there from 255.  What is opaque, and with
    it every color scale, stays exact.
    """
    with Image.open(io.BytesIO(png)) as image:
        dots = np.array(image.convert("RGBA")).astype(float)
    opacity = dots[..., 3]
    edge = (opacity > 0) & (opacity < 255)
    dots[edge, :3] = np.minimum(np.round(dots[edge, :3] / SHADES) * SHADES, 255)
    dots[edge, 3] = np.round(np.round(opacity[edge] / 255 * OPACITIES) / OPACITIES * 255)
    dots[dots[..., 3] == 0] = 0
    return dots.astype(np.uint8)


def encoded(dots: np.ndarray[Any, Any]) -> bytes:
    """Return an image as lossless WebP, the same bytes for the same dots."""
    file = io.BytesIO()
    Image.fromarray(dots).save(file, "WEBP", lossless=True, quality=80, method=4)
    return file.getvalue()


def visit_html(self: Any, node: figure_image) -> None:
    """Write the image's tag, and the file into the site."""
    path: Path = node["path"]
    made = small(path, cache(self.builder))
    with Image.open(made) as image:
        width, height = (round(dots / DENSITY) for dots in image.size)
    source = place(self.builder, made, f"{path.stem.replace('_2_00x', '')}{made.suffix}")
    size = {"width": width, "height": height}
    lazy = {"loading": "lazy"} if node["lazy"] else {}
    self.body.append(self.emptytag(node, "img", "", src=source, alt=node["alt"], **size, **lazy))
    raise nodes.SkipNode


def visit_thumbnail(self: Any, node: thumbnail) -> None:
    """Write a drawing that shows a part of the file; the link beside it has the words."""
    paths = sorted(Path(self.builder.srcdir, "auto_gallery").glob("**/images/thumb/*.png"))
    source = place(self.builder, together(paths, cache(self.builder)), THUMBNAILS)
    width, height = THUMBNAIL
    self.body.append(
        f'<svg class="thumbnail" viewBox="0 {height * paths.index(node["path"])} {width} {height}" '
        f'width="{width // DENSITY}" height="{height // DENSITY}" aria-hidden="true">'
        f'<image href="{source}" width="{width}"/></svg>'
    )
    raise nodes.SkipNode


def cache(builder: Any) -> Path:
    """Return the folder that keeps what was made."""
    return Path(builder.confdir, "_build", "images")


def place(builder: Any, made: Path, name: str) -> str:
    """Copy a file into the site; return its address from the page that is being written."""
    target = Path(builder.outdir, builder.imagedir, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, target)
    return posixpath.join(builder.imgpath, name)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.add_node(figure_image, html=(visit_html, None))
    app.add_node(thumbnail, html=(visit_thumbnail, None))
    app.add_post_transform(ShowSmallImages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
