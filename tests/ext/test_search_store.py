"""What the search finds: the words of each section, and the terms that a glossary explains."""

import json

import pytest

import search_store

INDEX = """\
Start
=====

The first words, with *emphasis* and ``code``.

.. toctree::

   other
   glossary

.. code-block:: python

   # nothing of a comment
   optimizer.zero_grad(set_to_none=True)

A part
------

Words of the part: :math:`a`.

.. math:: b^2

.. raw:: html

   <p>unseen</p>
"""
OTHER = """\
Other
=====

.. _exhibit:

An exhibit
----------

See it.

.. py:function:: fit(x)

   Return the line.
"""
GLOSSARY = """\
Glossary
========

.. glossary::

   gradient
   slope of many dimensions
     All derivatives. See :doc:`/other`.

   leaf
     A tensor without a past.
"""


@pytest.fixture
def build(site):
    """Return a function that builds three pages and returns what is searched."""

    def built(**options):
        pages = {"index.rst": INDEX, "other.rst": OTHER, "glossary.rst": GLOSSARY}
        app = site(["search_store"], pages, **options)
        app.build()
        return app

    return built


def found(app):
    """Return the rows of the script, by page."""
    text = (app.outdir / search_store.FILE).read_text("utf-8")
    start = "var searchText = "
    assert text.startswith(start)
    return {row[0]: row for row in json.loads(text.removeprefix(start).rstrip(";\n"))}


def test_each_section_has_its_own_words(build):
    """Prose is kept as it is read; code gives its names; formulas that stand apart nothing."""
    name, title, weight, parts = found(build())["index"]
    assert (name, title, weight) == ("index", "Start", 1.0)
    assert parts == [
        ["start", "Start", "", "The first words, with emphasis and code.",
         "set_to_none zero_grad"],
        ["a-part", "A part", "", "Words of the part: a.", ""],
    ]  # fmt: skip


def test_functions_and_terms_are_sections(build):
    """A function is found by its name, a term of a glossary by itself."""
    rows = found(build())
    assert [part[:2] for part in rows["other"][3]] == [
        ["other", "Other"], ["an-exhibit", "An exhibit"], ["fit", "fit"]
    ]  # fmt: skip
    terms = {part[1]: part[3] for part in rows["glossary"][3]}
    assert terms["leaf"] == "A tensor without a past."
    assert "gradient" in terms


def test_terms_are_keywords_of_the_page_that_explains_them(build):
    """All names of an entry lead to the page that it tells you to see."""
    parts = found(build())["other"][3]
    assert parts[0][2] == "gradient. slope of many dimensions"
    assert parts[1][2] == ""


def test_term_can_lead_to_a_section(build):
    """An entry that links to a label gives its terms to the labelled section."""
    app = build()
    app.env.metadata["glossary"]["terms"] = {"#exhibit": ["shown"]}
    parts = {row[0]: row for row in search_store.store(app, app.env)}["other"][3]
    assert [part[2] for part in parts] == ["", "shown", ""]


def test_pages_have_weights(build):
    """The longest beginning of a page's name decides; a page of weight 0 is not searched."""
    rows = found(build(search_weights={"o": 0.5, "oth": 0.25, "glossary": 0}))
    assert rows["other"][2] == 0.25
    assert "glossary" not in rows
    assert rows["index"][2] == 1.0


def test_only_the_top_of_some_pages_is_searched(build):
    """What stands below the first heading of such a page is left out."""
    rows = found(build(search_tops=["other"]))
    assert [part[:2] for part in rows["other"][3]] == [["other", "Other"]]
    assert len(rows["index"][3]) == 2


def test_pages_that_are_not_written_again_stay(build):
    """A build that changes one page keeps the words of the others."""
    app = build()
    before = found(app)
    (app.srcdir / "other.rst").write_text(OTHER.replace("See it.", "Changed."), "utf-8")
    app.build()
    after = found(app)
    assert after["index"] == before["index"]
    assert after["other"][3][1][3] == "Changed."


def test_sphinx_keeps_no_index_of_its_own(build):
    """There is one index, with its library and stemmer, and the library tells its license."""
    app = build()
    assert not (app.outdir / "searchindex.js").exists()
    folder = app.outdir / "_static" / "search"
    library = (folder / "minisearch.js").read_text("utf-8")
    assert "Permission is hereby granted" in library
    assert library.count("/**") == 0
    assert "EnglishStemmer" in (folder / "stemmer.js").read_text("utf-8")
