"""What a page says of its level and its minutes, and the order that the pages keep."""

import pytest
from bs4 import BeautifulSoup
from docutils import nodes

from reading import SECONDS_A_LINE, WORDS_A_MINUTE, Length, length, place, story_of

STORY = {"Start": ["first", "more/second"], "Look up": ["ref/index"]}
PROSE = "word " * WORDS_A_MINUTE
INDEX = """\
# Here

{minutes}`first`, {minutes}`/more/second`, {minutes}`Start`

```{toctree}
first
more/second
ref/index
```
"""
CELL = """\
```{{code-cell}}
:tags: [{tags}]

{code}
```
"""
NOTEBOOK = """\
---
file_format: mystnb
kernelspec: {name: python3}
---

"""


def page(title, text):
    """Return a page that is executed, with a title of one word."""
    return f"{NOTEBOOK}# {title}\n\n{text}\n"


@pytest.fixture
def build(site, tmp_path):
    """Return a function that builds a story of three pages, some of them with a text given."""
    for folder in ("more", "ref"):
        (tmp_path / "docs" / folder).mkdir(parents=True)

    def built(story=STORY, **texts):
        pages = {
            "index.md": texts.get("index", INDEX),
            "first.md": page("First", texts.get("first", PROSE * 2)),
            "more/second.md": page("Second", texts.get("second", PROSE)),
            "ref/index.md": page("Reference", "{doc}`part`\n\n```{toctree}\npart\n```"),
            "ref/part.md": page("Part", ""),
        }
        settings = {
            "nb_execution_mode": "off",
            "myst_enable_extensions": ["amsmath", "dollarmath"],
            "story": story,
        }
        app = site(["myst_nb", "sphinx_design", "reading"], pages, **settings)
        app.build()
        return app

    return built


def texts(app, name, selector):
    """Return the texts that a selector finds on a built page."""
    html = (app.outdir / f"{name}.html").read_text(encoding="utf-8")
    return [found.text for found in BeautifulSoup(html, "html.parser").select(selector)]


def warnings(app):
    """Return what the build warned of."""
    return app.warning.getvalue()


@pytest.mark.parametrize(
    ("words", "lines", "minutes"),
    [
        (0, 0, 1),
        (10 * WORDS_A_MINUTE, 0, 10),
        (0, 10 * 60 // SECONDS_A_LINE, 10),
        (4 * WORDS_A_MINUTE, 3 * 60 // SECONDS_A_LINE, 7),
        (WORDS_A_MINUTE * 14 // 10, 0, 1),
        (WORDS_A_MINUTE * 16 // 10, 0, 2),
    ],
)
def test_minutes_come_from_words_and_lines(words, lines, minutes):
    """Both add up, and the sum is rounded to whole minutes, of which there is at least one."""
    assert Length(words, lines).minutes == minutes


def test_story_is_that_of_the_landing_page():
    """Each captioned table of contents is a level, with its pages in their order."""
    captioned = "```{toctree}\n:caption: In depth\n:hidden:\n\nlearn/a\nlearn/b\n```\n"
    assert story_of(f"# Here\n\n{captioned}\n{captioned.replace('In depth', 'Look up')}") == {
        "In depth": ["learn/a", "learn/b"],
        "Look up": ["learn/a", "learn/b"],
    }
    assert story_of(INDEX) == {}  # without a caption there is no level


def test_signs_are_no_words():
    """What has neither a letter nor a digit is not counted as a word."""
    text = nodes.paragraph("", "", nodes.literal("", "x"), nodes.Text(", two – a_b + 2.5 (word)."))
    assert length(text) == Length(words=5)


@pytest.mark.parametrize(
    ("text", "words", "lines"),
    [
        ("Three more words.", 3, 0),
        ("- a\n- list\n\n| a | table |\n|---|---|\n| in | it |", 6, 0),
        ("```{note}\nTwo words.\n```", 2, 0),
        ("A formula $a + b$ in it.", 5, 0),
        ("$$\na = b\n$$", 0, 1),
        ("```python\na = 1\n\nb = 2\n```", 0, 2),
        (CELL.format(tags="", code="a = 1\n\n# why\nb = 2"), 0, 3),
        (CELL.format(tags="hide-output", code="a = 1"), 0, 1),
        (CELL.format(tags="hide-input", code="a = 1"), 0, 0),
        (CELL.format(tags="hide-cell", code="a = 1"), 0, 0),
        (CELL.format(tags="remove-input", code="a = 1"), 0, 0),
        (CELL.format(tags="remove-cell", code="a = 1"), 0, 0),
        ("```{dropdown} Answer\nIt is four.\n```", 0, 0),
        ("% a comment\n\n```{raw} html\n<p>raw text</p>\n```", 0, 0),
    ],
)
def test_only_what_stands_open_is_counted(build, text, words, lines):
    """Prose, open code and formulas take time; outputs, folded cells and comments do not."""
    tree = build(first=text).env.get_doctree("first")
    title, below = Length(words=1), Length(words=3)  # "First", and "Start · 1 minute"
    expected = Length(title.words + below.words + words, lines)
    assert length(tree) == expected


def test_outputs_are_not_counted():
    """A table or a text that a cell puts out is not counted with the prose."""
    output = nodes.container(
        "", nodes.paragraph("", "A lot of text."), nb_element="cell_code_output"
    )
    script = nodes.literal_block("", "printed", classes=["sphx-glr-script-out"])
    assert length(nodes.section("", output, script)) == Length()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("first", (0, "Start")),
        ("more/second", (1, "Start")),
        ("ref/index", (2, "Look up")),
        ("ref/deeper/part", (2, "Look up")),
        ("more/third", None),
        ("reference", None),
        ("index", None),
    ],
)
def test_place_of_a_page(name, expected):
    """A page has the level under which it is listed, or that of the index in its folder."""
    assert place(STORY, name) == expected


def test_root_index_is_not_the_folder_of_all():
    """Listing the landing page gives a level to that page alone."""
    assert place({"Start": ["index"]}, "first") is None


def test_level_and_minutes_stand_below_the_title(build):
    """They are one paragraph right after the heading; a page outside the story has none."""
    app = build()
    assert texts(app, "first", "h1 + p.reading") == ["Start · 2 minutes"]
    assert texts(app, "more/second", "h1 + p.reading") == ["Start · 1 minute"]
    assert texts(app, "ref/part", "h1 + p.reading") == ["Look up · 1 minute"]
    assert texts(app, "index", "p.reading") == []
    assert warnings(app) == ""


def test_role_shows_the_minutes_of_pages_and_levels(build):
    """Pages are found from where the role stands or from the root, and a level is their sum."""
    assert texts(build(), "index", ".minutes") == ["2 min", "1 min", "3 min"]


def test_long_times_are_told_in_hours(build):
    """A hundred minutes and more are rounded to half hours."""
    app = build(first=PROSE * 140)
    assert texts(app, "index", ".minutes") == ["2.5 hours", "1 min", "2.5 hours"]


def test_minutes_follow_the_page_they_are_of(build):
    """A page that shows the minutes of another is written again when these have changed."""
    app = build(second="{minutes}`/first`")  # not the landing page, whose contents lead there
    app.srcdir.joinpath("first.md").write_text(page("First", PROSE * 5), encoding="utf-8")
    app.build()
    assert texts(app, "more/second", ".minutes") == ["5 min"]


def test_nothing_is_written_again_without_a_change(build):
    """A second build leaves the page that shows minutes as it is."""
    app = build()
    written = []
    app.connect("html-page-context", lambda _, page, *rest: written.append(page))
    app.build()
    assert "first" not in written
    assert "index" not in written


def test_unknown_target_is_a_warning(build):
    """The warning names what was asked for, and where."""
    app = build(first="{minutes}`nowhere`")
    assert "no page or level has the name 'nowhere'" in warnings(app)
    assert "first.md" in warnings(app)


@pytest.mark.parametrize("link", ["more/second", "/more/second", "ref/index", "ref/part", "first"])
def test_page_may_not_need_a_later_one(build, link):
    """A link after "You need:" to the page itself or to one after it is a warning."""
    app = build(first=f"You need: {{doc}}`{link}`.")
    assert f"first.md: WARNING: the page needs {link.strip('/')}, which" in warnings(app)


def test_page_may_need_an_earlier_one(build):
    """Links to earlier pages are fine there, and links elsewhere may lead to any page."""
    app = build(second="You need: {doc}`/first`.\n\nSee {doc}`/ref/index`.")
    assert warnings(app) == ""
    assert app.env.metadata["more/second"]["needs"] == ["first"]
