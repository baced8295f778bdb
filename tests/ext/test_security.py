"""The policy of a page, and a theme that keeps to it."""

import re
from pathlib import Path

import furo
from bs4 import BeautifulSoup

import security

THEME = Path(furo.__file__).parent / "theme" / "furo"


def test_a_page_allows_its_own_and_nothing_else():
    """All kinds are closed but those that the site has, and nothing inline may run."""
    policy = dict(part.split(" ", 1) for part in security.policy("<p>a</p>").split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in " ".join(policy.values())


def test_python_in_a_page_may_run():
    """A page whose exercises run code allows WebAssembly, and workers made of a blob."""
    policy = security.policy('<section data-kind="code">')
    assert "script-src 'self' 'wasm-unsafe-eval'" in policy
    assert "worker-src 'self' blob:" in policy
    assert "wasm" not in security.policy('<section data-kind="number">')


def test_nothing_inline_is_left_of_the_theme():
    """What furo and its icons bring inline is the same without a script or a style attribute."""
    text = (THEME / "base.html").read_text("utf-8")
    text = text[text.index("<body>") :] + (THEME / "partials" / "icons.html").read_text("utf-8")
    assert re.search(r'style="|<script>\s*document', text)
    soup = BeautifulSoup(security.without_inline(text), "html.parser")
    assert soup.select("[style], style, script:not([src])") == []
    assert soup.select_one("svg.icons")


def test_index_pages_have_classes():
    """The tables of the general index, and the fold of the module index, need no style."""
    columns = '<table style="width: 100%" class="i"><td style="width: 33%; vertical-align: top;">'
    fold = '<img style="display: none" alt="-" />'
    assert "style" not in security.without_inline(columns + fold)
