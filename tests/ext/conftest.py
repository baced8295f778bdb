"""A tiny site in a folder of its own, for what needs an application."""

from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.pofile import write_po
from sphinx.testing.util import SphinxTestApp


@pytest.fixture
def site(tmp_path):
    """Return a function that writes pages and returns the application that builds them."""
    apps = []

    def make(extensions, pages, *, buildername="html", **settings):
        docs = tmp_path / "docs"
        docs.mkdir(exist_ok=True)
        (docs / "conf.py").touch()
        for name, text in pages.items():
            (docs / name).write_text(text, encoding="utf-8")
        # Extensions add to this dictionary: the default one would be shared by all applications.
        settings |= {"extensions": extensions, "source_suffix": {".rst": "restructuredtext"}}
        app = SphinxTestApp(buildername, srcdir=docs, confoverrides=settings)
        apps.append(app)
        return app

    yield make
    for app in apps:
        app.cleanup()


@pytest.fixture
def furnished(site):
    """Return a function that builds pages in the theme, with the templates and what they use."""
    extensions = ["myst_parser", "descriptions", "page_markdown", "provenance", "published"]
    extensions += ["reading", "security", "theme_words", "valid_html"]

    def build(pages, **settings):
        usual = {
            "project": "demo",
            "author": "Some authors",
            "html_theme": "furo",
            "story": {"Start": ["start"]},
            "templates_path": [str(Path(__file__).parents[2] / "docs" / "_templates")],
            "html_additional_pages": {"404": "404.html"},
        }
        app = site(extensions, pages, **usual | settings)
        app.build()
        return app

    return build


@pytest.fixture
def translate(tmp_path):
    """Return a function that writes what a site's texts are in a language."""

    def write(language, catalog, texts):
        made = Catalog(locale=language)
        for text, translation in texts.items():
            made.add(text, translation)
        path = tmp_path / "docs" / "locales" / language / "LC_MESSAGES" / f"{catalog}.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, made)

    return write
