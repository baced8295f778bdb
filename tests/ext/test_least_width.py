"""The width that a figure keeps on a phone, so that its text can be read."""

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from PIL import Image

from least_width import COLUMN, LEGIBLE, POINTS, STEP, least_width, width_class

PAGE = """\
Figures
=======

.. container:: cell_output

   .. image:: wide.png
      :alt: a wide one

.. container:: cell_output

   .. image:: narrow.png
      :alt: a narrow one

.. image:: wide.png
   :alt: not a figure

.. image-sg:: /wide.png
   :alt: one of the gallery
   :srcset: /wide.png, /wide.png 2.00x
   :class: sphx-glr-single-img

.. image-sg:: /narrow.png
   :alt: a narrow one of the gallery
   :srcset: /narrow.png, /narrow.png 2.00x
   :class: sphx-glr-single-img
"""


def figure(path, inches, dpi=100):
    """Save an empty figure of so many inches, and return its path."""
    Image.new("RGB", (round(inches * dpi), 10)).save(path, dpi=(dpi, dpi))
    return path


def name_outputs(app, tree):
    """Name the containers as MyST-NB does; reStructuredText makes a hyphen of an underscore."""
    for box in tree.findall(nodes.container):
        box["classes"] = ["cell_output"]


@pytest.mark.parametrize("dpi", [100, 200])
def test_least_width_is_where_the_text_is_legible(dpi, tmp_path):
    """Its text is as high as that of so many points in inches; the resolution does not matter."""
    path = figure(tmp_path / "figure.png", 6, dpi)
    scale = least_width(path) / 6  # pixels per inch
    assert scale * POINTS / 72 == pytest.approx(LEGIBLE, rel=1e-3)


def test_a_figure_that_fits_keeps_no_width(tmp_path):
    """A narrow figure has no class; that of a wider one is the next step that is wide enough."""
    inches = COLUMN / LEGIBLE * POINTS / 72
    assert width_class(figure(tmp_path / "fits.png", 0.99 * inches)) is None
    wide = width_class(figure(tmp_path / "wide.png", 6))
    steps = int(wide.removeprefix("lfg-w"))
    assert (steps - 1) * STEP < least_width(tmp_path / "wide.png") <= steps * STEP


def test_figures_of_a_page_get_their_class_and_box(site, tmp_path):
    """The wide figures of cells and scripts have a class, those of scripts a box; no other has."""
    app = site(["least_width", "sphinx_gallery.load_style"], {"index.rst": PAGE})
    app.connect("doctree-read", name_outputs)
    figure(tmp_path / "docs" / "wide.png", 6)
    figure(tmp_path / "docs" / "narrow.png", 4)
    app.build()
    html = BeautifulSoup((app.outdir / "index.html").read_text(encoding="utf-8"), "html.parser")
    classes = {image["alt"]: image.get("class", []) for image in html.select("[role=main] img")}
    assert classes == {
        "a wide one": ["lfg-w6"],
        "a narrow one": [],
        "not a figure": [],
        "one of the gallery": ["sphx-glr-single-img", "lfg-w6"],
        "a narrow one of the gallery": ["sphx-glr-single-img"],
    }
    assert [box.img["alt"] for box in html.select("div.figure-box")] == ["one of the gallery"]
