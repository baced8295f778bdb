"""Where the texts of a figure are, and which of them cover each other."""

import re
from itertools import combinations

from bs4 import BeautifulSoup

SIZES = {"lfg-function": 10, "lfg-part": 11}  # pixels, as in figure.css; all other texts have 12
FIGURE = re.compile(r'<svg\b[^>]*\bclass="lfg[ "].*?</svg>', re.DOTALL)
ADVANCE = 0.602  # width of a character in DejaVu Sans Mono, in sizes


def figures(html):
    """Return the texts of each recorded graph on a page, or in an SVG."""
    # Parsing whole pages for their figures alone would take ten times as long.
    parsed = [BeautifulSoup(svg, "html.parser") for svg in FIGURE.findall(html)]
    return [[text_box(text) for text in svg.find_all("text")] for svg in parsed]


def text_box(text):
    """Return the bounding box of a text as left, top, right and bottom, and the text."""
    (role,) = text["class"]
    size = SIZES.get(role, 12)
    width = len(text.text) * ADVANCE * size
    shift = {"start": 0, "end": width}.get(text.get("text-anchor"), width / 2)
    x, y = float(text["x"]), float(text["y"])
    return x - shift, y - 0.8 * size, x - shift + width, y + 0.2 * size, text.text


def overlapping(boxes):
    """Return the pairs of texts that cover each other."""
    return [
        (one[4], other[4])
        for one, other in combinations(boxes, 2)
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]
