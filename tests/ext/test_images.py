"""Figures as pages show them: small, the same to the eye, sized and lazy."""

import io

import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib import pyplot as plt
from PIL import Image

import images


def drawn(seed=0):
    """Return a figure as a cell draws it: transparent, with text, lines and a color scale."""
    points = np.random.default_rng(seed).normal(size=(2, 50))
    with plt.rc_context({"savefig.facecolor": "none", "axes.facecolor": "none"}):
        fig, (left, right) = plt.subplots(1, 2, figsize=(4, 2))
        left.scatter(*points, alpha=0.5)
        left.set(title="points")
        right.imshow(np.outer(points[0], points[1]), cmap="cividis")
        file = io.BytesIO()
        fig.savefig(file, dpi=100)
        plt.close(fig)
    return file.getvalue()


def dots(image_bytes):
    """Return the dots of an image."""
    with Image.open(io.BytesIO(image_bytes)) as image:
        return np.array(image.convert("RGBA")).astype(float)


@pytest.mark.parametrize("ground", [255, 19])
def test_a_small_figure_looks_the_same(ground):
    """On a light and on a dark ground no dot differs by more than an eye can tell."""
    png = drawn()
    before, after = dots(png), dots(images.encoded(images.softened(png)))
    shown = [
        d[..., :3] * d[..., 3:] / 255 + ground * (1 - d[..., 3:] / 255) for d in (before, after)
    ]
    assert np.abs(shown[0] - shown[1]).max() <= images.SHADES
    opaque = before[..., 3] == 255
    assert np.array_equal(before[opaque], after[opaque])


def test_a_small_figure_is_small_and_the_same_each_time(tmp_path):
    """The file is much smaller than the PNG, made once, with the same bytes in every build."""
    path = tmp_path / "figure.png"
    path.write_bytes(drawn())
    made = images.small(path, tmp_path / "one")
    assert made.stat().st_size < 0.7 * path.stat().st_size
    assert images.small(path, tmp_path / "two").read_bytes() == made.read_bytes()
    made.write_bytes(b"kept")
    assert images.small(path, tmp_path / "one").read_bytes() == b"kept"


@pytest.fixture
def page(site, tmp_path):
    """Return the built page of a site with some pictures."""

    def build(text):
        docs = tmp_path / "docs"
        thumbs = docs / "auto_gallery" / "line" / "images" / "thumb"
        thumbs.mkdir(parents=True)
        for seed, path in enumerate(
            [docs / "a.png", docs / "b.png", thumbs / "one.png", thumbs / "two.png"]
        ):
            path.write_bytes(drawn(seed))
        (docs / "b_2_00x.png").write_bytes(drawn(1))
        app = site(["sphinx_gallery.load_style", "images"], {"index.rst": text})
        app.add_directive("image-sg", images_directive(), override=True)
        app.build()
        html = (app.outdir / "index.html").read_text(encoding="utf-8")
        return BeautifulSoup(html, "html.parser").select_one("[role=main]"), app.outdir

    return build


def images_directive():
    """Return Sphinx-Gallery's directive, which an application without a gallery lacks."""
    from sphinx_gallery.directives import ImageSg

    return ImageSg


def test_pictures_have_sizes_and_all_but_the_first_wait(page):
    """A page has WebP alone, with width and height in pixels of the page, and the alt text."""
    text = """\
A
=

.. image:: /a.png
   :alt: points

.. image-sg:: /b.png
   :alt: more points
   :srcset: /b.png, /b_2_00x.png 2.00x
   :class: sphx-glr-single-img
"""
    body, out = page(text)
    first, second = body.find_all("img")
    assert first["src"] == "_images/a.webp"
    assert (first["width"], first["height"], first["alt"]) == ("200", "100", "points")
    assert "loading" not in first.attrs
    assert second["src"] == "_images/b.webp"
    assert second["loading"] == "lazy"
    assert second["class"] == ["sphx-glr-single-img"]
    assert sorted(path.name for path in (out / "_images").iterdir()) == ["a.webp", "b.webp"]


def test_cards_share_a_file(page):
    """Each card shows its part of one file, and needs no words as its link has them."""
    thumb = ".. image:: /auto_gallery/line/images/thumb/{}.png\n   :alt:\n\n"
    body, out = page("A\n=\n\n" + thumb.format("two") + thumb.format("one"))
    height = images.THUMBNAIL[1]
    two, one = body.select("svg.thumbnail")
    assert [card["viewbox"].split()[1] for card in (two, one)] == [str(height), "0"]
    assert two["aria-hidden"] == "true"
    assert [path.name for path in (out / "_images").iterdir()] == [images.THUMBNAILS]
    with Image.open(out / "_images" / images.THUMBNAILS) as image:
        assert image.size == (images.THUMBNAIL[0], 2 * height)
