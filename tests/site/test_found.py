"""What a page tells those who find it: description, Markdown, foot; and where the focus is."""

import re
from collections import Counter

import pytest

from sources import EXECUTED, NAMES, SCRIPTS, built_pages, name

GENERATED = ["search", "genindex", "py-modindex", "404"]
RESULTS = {name(source) for source in [*EXECUTED, *SCRIPTS]}
# Each kind of thing that can have the focus, on a page that has it.
FOCUSED = {
    "a link": ("learn/graphs", "article p a[href]"),
    "the search box": ("learn/graphs", ".sidebar-search"),
    "the button of the search box": ("learn/graphs", ".sidebar-search-button"),
    "a link of the menu": ("learn/graphs", ".sidebar-tree a"),
    "a copy button": ("learn/graphs", "button.copybtn"),
    "the theme's button": ("learn/graphs", ".theme-toggle-content button"),
    "something folded": ("learn/graphs", "article summary"),
    "a button of a player": ("index", ".player button, article button:not(.copybtn)"),
    "a field": ("search", "#search-words"),
    "the button of a form": ("search", ".search-form button"),
}
OUTLINE = """element => {
  element.focus({ focusVisible: true });
  const style = getComputedStyle(element);
  return [style.outlineStyle, parseFloat(style.outlineWidth), style.outlineColor];
}"""


@pytest.fixture(scope="module")
def descriptions(html):
    """Return the descriptions of every page that is built, generated ones among them."""
    found = {}
    for path in built_pages(html):
        head = path.read_text("utf-8").partition("</head>")[0]
        tags = re.findall(r"<meta [^>]*\bname=\"description\"[^>]*>", head)
        texts = [re.search(r'content="([^"]*)"', tag)[1] for tag in tags]
        found[path.relative_to(html).with_suffix("").as_posix()] = texts
    return found


def test_every_page_has_one_description(descriptions):
    """There is one on each page, of 50 to 160 characters."""
    assert {"search", "genindex", "404", *NAMES} <= descriptions.keys()
    wrong = {page: texts for page, texts in descriptions.items() if len(texts) != 1}
    assert wrong == {}
    texts = {page: re.sub("&#?[a-z0-9]+;", "x", texts[0]) for page, texts in descriptions.items()}
    assert {page: text for page, text in texts.items() if not 50 <= len(text) <= 160} == {}


def test_no_two_pages_have_the_same_description(descriptions):
    """Each description is of one page."""
    counts = Counter(text for texts in descriptions.values() for text in texts)
    assert [text for text, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_page_has_its_markdown(name, page, html):
    """Each page has its Markdown beside it, with its title, and llms.txt lists it."""
    here = page(name)
    link = here.soup.find("link", rel="alternate", type="text/markdown")
    path = (here.path.parent / link["href"]).resolve()
    assert path == html / f"{name}.md"
    text = path.read_text("utf-8")
    assert "# " in text
    prose = re.sub(r"(?ms)^(```+).*?^\1$|`[^`\n]+`", "", text)
    assert re.findall(r"<(?:svg|div|span|math|p)\b", prose) == []
    listed = f"({name}.md): " in (html / "llms.txt").read_text("utf-8")
    assert listed or name == "index"


@pytest.mark.parametrize("name", NAMES)
def test_foot_tells_where_the_page_comes_from(name, page):
    """The foot has the version, how to cite the page, and, where code ran, what it ran on."""
    soup = page(name).soup
    words = " ".join(soup.select_one(".provenance").get_text().split())
    assert re.match(r"linefit \d", words)
    assert "Cite this page" in words
    ran = re.search(r"Executed on Python \d+\.\d+\S*, PyTorch \d\S*, \d{4}-\d\d-\d\d\.", words)
    assert bool(ran) == (name in RESULTS or name == "index")
    answered = re.search(r"Answers computed on Python \d+\.\d+\S*, PyTorch \d\S*\.", words)
    assert bool(answered) == (bool(soup.select("[data-exercise]")) and not ran)


@pytest.mark.parametrize("name", GENERATED)
def test_page_without_a_title_is_not_cited(name, page):
    """The search, the index and the page for wrong addresses have nothing to cite."""
    foot = page(name).soup.select_one(".provenance").get_text()
    assert foot.strip().startswith("linefit")
    assert "“”" not in foot


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("where", "selector"), FOCUSED.values(), ids=FOCUSED)
def test_focus_is_seen(where, selector, scheme, html, browser):
    """What has the focus has an outline of two pixels, in a color that is not the ground's."""
    view = browser.new_page(color_scheme=scheme)
    view.goto((html / f"{where}.html").as_uri())
    element = view.locator(selector).locator("visible=true").first
    style, width, color = element.evaluate(OUTLINE)
    view.close()
    assert style != "none"
    assert width >= 2
    ground = {"light": r"255, 255, 255", "dark": r"19, 20, 22"}[scheme]
    assert ground not in color


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_where_a_reader_asks_for_that(motion, html, browser):
    """Under reduced motion the page jumps instead of scrolling, and nothing fades."""
    view = browser.new_page(reduced_motion=motion)
    view.goto((html / "learn" / "graphs.html").as_uri())
    scrolling = view.evaluate("getComputedStyle(document.documentElement).scrollBehavior")
    slow = view.evaluate(
        """[...document.querySelectorAll("*")].filter(element => {
          const { transitionDuration, animationDuration } = getComputedStyle(element);
          return parseFloat(transitionDuration) > 0.01 || parseFloat(animationDuration) > 0.01;
        }).length"""
    )
    view.close()
    assert scrolling == ("auto" if motion == "reduce" else "smooth")
    assert (slow == 0) == (motion == "reduce")
