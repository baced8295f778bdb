"""What the theme and the extensions write is repaired where HTML does not allow it."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

import valid_html

FOLD = (
    '<summary class="a"><p class="collapsed">Show</p><p class="expanded">Hide</p></summary><p>x</p>'
)
DRAWN = '<svg class="lfg lfg-w1" id="gab12cd34"><g id="gab12cd34-n0"></g></svg>'


def test_a_summary_has_no_paragraphs():
    """The words of a fold stand in spans with the same classes; paragraphs elsewhere stay."""
    spans = '<span class="collapsed">Show</span><span class="expanded">Hide</span>'
    assert valid_html.repaired(FOLD) == f'<summary class="a">{spans}</summary><p>x</p>'


def test_a_graph_drawn_twice_has_other_ids():
    """The second drawing of a graph, and the third, have ids of their own, as have their parts."""
    first, second, third = valid_html.repaired(DRAWN * 3).split("</svg>")[:3]
    assert first + "</svg>" == DRAWN
    assert 'id="gab12cd34x2"' in second
    assert 'id="gab12cd34x2-n0"' in second
    assert 'id="gab12cd34x3"' in third


def test_the_gallerys_lists_of_tags_are_gone():
    """Sphinx-Gallery's empty lists, all with the same id, are left out."""
    assert valid_html.repaired(f"<p>a</p>{valid_html.EMPTY_TAGS * 2}") == "<p>a</p>"


@pytest.mark.parametrize(("kind", "keeps"), [(nodes.math_block, False), (nodes.table, True)])
def test_a_box_and_what_is_in_it_share_no_id(kind, keeps):
    """Of a formula and its box the box keeps the id; a table keeps its own."""
    inner = kind("", ids=["a"])
    tree = new_document("page")
    tree += nodes.container("", inner, ids=["a"])
    valid_html.UniqueIds(tree).run()
    assert (inner["ids"], tree[0]["ids"]) == ((["a"], []) if keeps else ([], ["a"]))


def test_page_keeps_one_viewport():
    """The theme says how wide a page is on a phone; what docutils says beside it goes."""
    context = {"metatags": '<meta name="viewport" content="width=device-width" />\n<meta name="a">'}
    valid_html.repair(SimpleNamespace(), "a", "page.html", context, None)
    assert context["metatags"] == '\n<meta name="a">'


def test_buttons_of_the_theme_send_nothing():
    """The theme's buttons say that they send no form."""
    assert 'type="button"' in context_valid('<button class="theme-toggle" aria-label="a">')


def context_valid(text):
    """Return a part of the theme as the template writes it."""
    context = {}
    valid_html.repair(SimpleNamespace(), "a", "page.html", context, None)
    return context["valid"](text)
