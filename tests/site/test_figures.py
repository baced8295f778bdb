"""The recorded graphs of the built site."""

from legible import figures, overlapping
from sources import NAMES


def test_no_two_texts_of_a_figure_overlap(html):
    """In every recorded graph of the site each text stands alone."""
    found = {name: figures((html / f"{name}.html").read_text(encoding="utf-8")) for name in NAMES}
    assert sum(map(len, found.values())) > 20
    bad = {name: [pairs for pairs in map(overlapping, f) if pairs] for name, f in found.items()}
    assert {name: pairs for name, pairs in bad.items() if pairs} == {}
