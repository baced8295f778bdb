"""What is repaired in the theme's pages for a screen reader."""

import pytest

from accessibility import AFTER_THE_THEME, repair, setup

CAPTION = '<p class="caption" role="heading">In depth</p>'
SUMMARY = '<summary aria-label="Toggle hidden content"><p>Show code cell source</p></summary>'


@pytest.mark.parametrize("key", ["body", "furo_navigation_tree"])
def test_captions_have_a_level(key):
    """A heading that the theme declares gets the level that a heading needs."""
    context = {key: f"{CAPTION}<ul></ul>{CAPTION}"}
    repair(None, "page", "page.html", context, None)
    repaired = CAPTION.replace('role="heading"', 'role="heading" aria-level="2"')
    assert context == {key: f"{repaired}<ul></ul>{repaired}"}


def test_hidden_cells_are_called_what_they_show():
    """The label that covered the text of a folded cell is gone, and the text is left."""
    context = {"body": SUMMARY}
    repair(None, "page", "page.html", context, None)
    assert context["body"] == "<summary><p>Show code cell source</p></summary>"


def test_nothing_else_is_touched():
    """Other entries, and pages without a body, stay as they are."""
    context = {"title": CAPTION, "meta": None}
    repair(None, "search", "search.html", context, None)
    assert context == {"title": CAPTION, "meta": None}


def test_repair_comes_after_the_theme():
    """Sphinx calls the repair after furo, which fills its navigation tree at 500."""
    connected = []

    class App:
        def connect(self, event, callback, priority=500):
            connected.append((event, callback, priority))

    assert setup(App())["parallel_read_safe"]
    assert connected == [("html-page-context", repair, AFTER_THE_THEME)]
    assert AFTER_THE_THEME > 500
