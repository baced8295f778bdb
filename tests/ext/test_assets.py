"""The styles and scripts of a page: those of all pages together, others where they are needed."""

from types import SimpleNamespace

import pytest

import assets


def files(*names):
    """Return style sheets as Sphinx holds them."""
    return [SimpleNamespace(filename=f"_static/{name}") for name in names]


@pytest.fixture
def chosen(monkeypatch):
    """Return a function that says which of some files a page with a text keeps."""
    monkeypatch.setattr(assets, "write", lambda *_: None)

    def choose(text, *names):
        context = {"css_files": files(*names), "script_files": [], "body": text}
        context["furo_pygments"] = {}
        assets.choose(None, "a", "page.html", context, None)
        return [file.filename.removeprefix("_static/") for file in context["css_files"]]

    return choose


def test_what_is_in_a_bundle_is_not_asked_for_again(chosen):
    """A page asks for the bundles, and for nothing that they hold."""
    names = [name for held in assets.BUNDLES.values() for name in held]
    assert chosen("<p>a</p>", *names, *assets.BUNDLES, "own.css") == [*assets.BUNDLES, "own.css"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cells.css", '<div class="cell docutils">'),
        ("katex/katex.min.css", '<span class="katex">'),
        ("sphinx-design.min.css", '<div class="a sd-card">'),
        ("design-tabs.js", '<div class="sd-tab-set">'),
        ("sg_gallery.css", '<div class="sphx-glr-thumbnails">'),
        ("player.js", '<figure class="lfg-player graph">'),
    ],
)
def test_a_file_comes_where_it_is_needed(name, text, chosen):
    """A page without what a style or a script is for does not ask for it."""
    assert chosen("<p>class cell katex sd-card</p>", name) == []
    assert chosen(text, name) == [name]


@pytest.mark.parametrize(
    "name", ["mystnb.0123.css", "sg_gallery-binder.css", "scripts/furo-extensions.js"]
)
def test_a_file_that_is_for_nothing_never_comes(name, chosen):
    """What holds nothing for this site is on no page."""
    assert chosen('<div class="sphx-glr-thumbnails lfg-player">', name) == []


def test_a_bundle_refers_to_no_file(tmp_path):
    """An address within a style would lead elsewhere from the bundle, so it is an error."""
    (tmp_path / "good.css").write_text("a{b:url('data:c')}\n/*# sourceMappingURL=good.css.map */\n")
    (tmp_path / "bad.css").write_text("a{b:url(c.svg)}")
    assert assets.content(tmp_path, "good.css").strip() == "a{b:url('data:c')}"
    with pytest.raises(ValueError, match=r"bad.css refers to a file: 'url\(c.svg\)}'"):
        assets.content(tmp_path, "bad.css")


def test_order_of_the_styles_is_that_of_the_extensions():
    """The theme comes first, then what extensions bring, then what overrides both."""
    added = {}
    app = SimpleNamespace(
        add_css_file=lambda name, priority: added.update({name: priority}),
        add_js_file=lambda name, priority: added.update({name: priority}),
    )
    assets.register(app)
    assert set(added) == {*assets.BUNDLES, "cells.css"}
    extensions, theme, own = 500, 600, 800
    assert added["base.css"] < extensions
    assert theme < added["site.css"] < own


def test_palette_is_left_out_of_the_style_of_cells():
    """A terminal's 256 colors are in no page's output; its eight named ones, and all else, stay."""
    style = assets.CELLS.read_text("utf-8")
    kept = assets.PALETTE.sub("", style)
    assert "-C255]" in style
    assert "-C255]" not in kept
    assert len(kept) < len(style) / 3
    for rule in (".-Color[class*=-Red]", "div.cell", "div.cell_output", ".tag_scroll-input"):
        assert kept.count(rule) == style.count(rule) > 0
