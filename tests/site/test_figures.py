"""The figures of the built site: recorded graphs, plots and formulas."""

import pytest

from legible import figures, overlapping
from sources import NAMES

PHONE = {"viewport": {"width": 390, "height": 844}}
LEGIBLE = 10.9  # pixels: the text of a plot at 10 points, of a recorded graph at 12 pixels
SIZES = """() => [...document.querySelectorAll('.cell_output img, img.sphx-glr-single-img')]
    .filter(image => image.width)
    .map(image => [image.alt, image.width * (image.srcset ? 100 : 200) / image.naturalWidth / 7.2])
    .concat([...document.querySelectorAll('svg.lfg')]
        .filter(graph => graph.clientWidth)
        .map(graph => [graph.ariaLabel, 12 * graph.clientWidth / graph.viewBox.baseVal.width]))
    .filter(([name, size]) => size < LEGIBLE)"""
COVERED = """() => [...document.querySelectorAll('div.math > .eqno')]
    .map(number => [number, number.parentElement.querySelector('.katex-html')])
    .filter(([number, formula]) => {
        const bases = [...formula.querySelectorAll('.base')].map(b => b.getBoundingClientRect())
        const box = number.getBoundingClientRect()
        return bases.some(base => base.left < box.right && box.left < base.right
            && base.top < box.bottom && box.top < base.bottom)
    }).map(([number]) => number.parentElement.id)"""


@pytest.fixture(scope="module")
def phone(browser):
    """Return the window of a phone."""
    context = browser.new_context(**PHONE)
    yield context
    context.close()


@pytest.mark.parametrize("name", NAMES)
def test_figures_can_be_read_on_a_phone(name, phone, html):
    """No text of a figure is too small, and no formula runs into its number."""
    page = phone.new_page()
    page.goto((html / f"{name}.html").as_uri())
    assert page.evaluate(SIZES.replace("LEGIBLE", str(LEGIBLE))) == []
    assert page.evaluate(COVERED) == []
    for box in page.locator(".cell_output, .figure-box, .lfg-figure").all():
        if box.evaluate("box => box.scrollWidth > box.clientWidth"):
            assert box.get_attribute("tabindex") == "0"
    page.close()


def test_no_two_texts_of_a_figure_overlap(html):
    """In every recorded graph of the site each text stands alone."""
    found = {name: figures((html / f"{name}.html").read_text(encoding="utf-8")) for name in NAMES}
    assert sum(map(len, found.values())) > 20
    bad = {name: [pairs for pairs in map(overlapping, f) if pairs] for name, f in found.items()}
    assert {name: pairs for name, pairs in bad.items() if pairs} == {}
