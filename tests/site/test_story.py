"""The order of the pages, their levels and minutes, and the cards that lead to them."""

import re

import pytest

from sources import DOCS, NAMES, STORY

ORDER = [page for pages in STORY.values() for page in pages]
CHAPTERS = [page for level in ("Start", "In depth") for page in STORY[level]]
MOVED = {"learn/dynamic-and-static"}  # a stub that says where its two halves are
LIMIT = 20  # minutes


def text(page):
    """Return the source of a page."""
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def links(paragraph):
    """Return the pages that a text links to, in its order."""
    targets = re.findall(r"\{doc\}`(?:[^`<]*<)?/?([^`>]+)>?`", paragraph)
    return [target for target in targets if not target.startswith("auto_gallery/")]


def said(soup):
    """Return the level and the minutes that a page says of itself."""
    (line,) = soup.select("h1 + p.reading")
    level, minutes = re.fullmatch(r"(.+) · (\d+) minutes?", line.text).groups()
    return level, int(minutes)


def test_story_has_every_page_once():
    """The story has each page but the landing page, what is about the site, parts and stubs."""
    assert len(ORDER) == len(set(ORDER))
    folders = ("auto_gallery", "play", "practice", "reference")
    parts = {name for name in NAMES if name.partition("/")[0] in folders}
    assert set(ORDER) - {f"{folder}/index" for folder in folders} == (
        set(NAMES) - parts - {"index", "about", "changelog"} - MOVED
    )


@pytest.mark.parametrize("page", CHAPTERS)
def test_page_needs_no_later_one(page):
    """A chapter says what you need, and every page named there comes before it."""
    (needs,) = re.findall(r"^You need: (?:.+\n)+", text(page), re.MULTILINE)
    before = ORDER[: ORDER.index(page)]
    assert [needed for needed in links(needs) if needed not in before] == []


@pytest.mark.parametrize("page", CHAPTERS)
def test_next_page_is_the_next(page):
    """A page that a chapter calls the next one stands right after it in the order."""
    after = ORDER[ORDER.index(page) + 1]
    source = text(page)
    said_to_be_next = re.findall(r"^Next: \{doc\}`/([^`]+)`", source, re.MULTILINE)
    said_to_be_next += re.findall(r"\{doc\}`/([^`]+)` is the next page", source)
    said_to_be_next += re.findall(r"\{doc\}`[Tt]he next page </([^>]+)>`", source)
    assert set(said_to_be_next) <= {after}


@pytest.mark.parametrize("level", STORY)
def test_landing_page_has_a_card_for_each_page(level):
    """The cards of a level lead to its pages, in order, and those to be read show their minutes."""
    section = text("index").split(f"\n## {level}\n")[1].split("\n## ")[0]
    cards = re.findall(r"^(?:\d+\.|-) \{doc\}`([^`]+)`(.*)", section, re.MULTILINE)
    assert [page for page, _ in cards] == STORY[level]
    if level not in {"Practice", "Look up"}:
        assert [rest for _, rest in cards] == [f" {{minutes}}`{page}`" for page in STORY[level]]


@pytest.mark.parametrize("level", STORY)
def test_pages_say_level_and_minutes(level, page):
    """Below the title of every page stand its level and how long it takes."""
    told = [said(page(name).soup) for name in STORY[level]]
    assert [of for of, _ in told] == [level] * len(told)
    assert all(minutes >= 1 for _, minutes in told)


@pytest.mark.parametrize("name", STORY["Start"])
def test_start_takes_no_long_breath(name, page):
    """A page for beginners takes at most twenty minutes."""
    _, minutes = said(page(name).soup)
    assert minutes <= LIMIT


def test_stub_leads_to_both_halves():
    """The old address of a page that was split links to the pages that it has become."""
    halves = ["learn/dynamic-graphs", "learn/static-graphs"]
    assert links(text("learn/dynamic-and-static")) == halves


@pytest.mark.parametrize("page", CHAPTERS)
def test_chapters_end_the_same_way(page):
    """Each chapter ends with what can go wrong, exercises and further reading."""
    headings = re.findall(r"^## (.+)$", text(page), re.MULTILINE)
    assert headings[-3:] == ["What can go wrong", "Exercises", "Further reading"]
