"""What the theme says on every page, in the language of the site."""

import re

import pytest
from bs4 import BeautifulSoup

import theme_words

LANGUAGE = "eo"
WRITTEN = re.compile(r'aria-label="([^"{]+)"|<title>([^<{]+)</title>')
SAID = {
    "Skip to content": "Al la enhavo",
    "Toggle site navigation sidebar": "Montru la paĝojn",
    "Toggle navigation of {page}": "Montru sub {page}",
    "Menu": "Menuo",
    "There is nothing at this address.": "Tie ĉi estas nenio.",
}
CONTENTS = """\
# Start

Menu

```{toctree}
learn
start
errors
glossary
```
"""
NAMES = ("learn", "start", "errors", "glossary", "under")
PAGES = {"index.md": CONTENTS, **{f"{name}.md": f"# {name}\n\nThis is {name}.\n" for name in NAMES}}
PAGES["learn.md"] += "\n```{toctree}\nunder\n```\n"


@pytest.fixture
def page(furnished, translate):
    """Return a function that gives a page of a site whose theme is translated."""
    translate(LANGUAGE, "sphinx", SAID)
    app = furnished(
        PAGES,
        language=LANGUAGE,
        locale_dirs=["locales"],
        page_descriptions={"404": "There is nothing at this address."},
    )

    def soup(name):
        return BeautifulSoup((app.outdir / f"{name}.html").read_text("utf-8"), "html.parser")

    return soup


def test_theme_has_no_other_words_of_its_own():
    """Whatever label or title the theme's templates hold in English, a translator is asked for."""
    paths = [*theme_words.TEMPLATES, theme_words.THEME / "partials" / "icons.html"]
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert {label or title for label, title in WRITTEN.findall(text)} == set(theme_words.UNMARKED)


def test_theme_speaks_the_language(page):
    """Its links, its switches and its drawings are called in the language; the text is left."""
    start = page("index")
    assert start.select_one(".skip-to-content").text == SAID["Skip to content"]
    assert start.select_one("#__navigation")["aria-label"] == "Montru la paĝojn"
    assert start.select_one("#svg-menu title").text == "Menuo"
    assert start.select_one(".toctree-checkbox")["aria-label"] == "Montru sub learn"
    assert start.select_one("article p").text == "Menu"


def test_generated_page_is_described_in_the_language(page):
    """What conf.py says of a page without a source is a message too."""
    description = page("404").find("meta", attrs={"name": "description"})
    assert description["content"] == SAID["There is nothing at this address."]
