"""Every page of the built site as it is sent: safe by its policy, valid, and printed whole."""

import re

import pytest

import served
import validator
from sources import MADE, NAMES, built_pages

PAGES = [*NAMES, *MADE]


def test_pages_are_light_and_nothing_is_refused(browser, html):
    """A page keeps to its weight and few files; its policy refuses nothing, no script fails."""
    with served.serve(html) as address:
        found = served.measure_all(browser, address, [f"{name}.html" for name in PAGES])
    assert [m.missed for m in found.values() if m.missed] == []
    assert [(m.refused, m.said) for m in found.values() if m.refused or m.said] == []


def test_formulas_are_there_when_a_page_is_drawn(browser, html):
    """No text moves on a phone when their fonts come; a browser that is busy may miss it once."""
    name = "reference/fit.html"  # a formula that a letter's width breaks in two
    with served.serve(html) as address:
        moved = [served.moved(browser, address, [name])[name] for _ in range(3)]
    assert min(moved) < 0.01


def test_pictures_are_small_together(html):
    """All pictures of the site come to few bytes, and none is in a form that is larger."""
    shown = served.pictures(html)
    assert {path.suffix for path in shown} <= {".webp", ".svg"}
    assert sum(path.stat().st_size for path in shown) <= served.PICTURES_TOGETHER


@pytest.mark.parametrize("name", PAGES)
def test_page_is_safe_and_its_pictures_wait(name, page):
    """Nothing stands inline, the policy allows nothing unsafe, and pictures have their sizes."""
    soup = page(name).soup
    assert soup.select("script:not([src]), style, [style]") == []
    policy = [tag for tag in soup.head.children if tag.name][1]  # before all that it is about
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"].startswith("default-src 'none'; ")
    unsafe = set(re.findall(r"'(?:unsafe|wasm)[^']*'", policy["content"]))
    assert unsafe <= ({"'wasm-unsafe-eval'"} if soup.select("[data-kind=code]") else set())
    assert soup.select("img:not([width]), img:not([height])") == []
    shown = soup.select("article img")  # the first may be in view when the page is opened
    assert [img["src"] for img in shown[1:] if img.get("loading") != "lazy"] == []


def test_no_output_has_a_color_that_the_style_leaves_out(html):
    """What is printed has a terminal's eight named colors or none: cells.css has no others."""
    texts = {path: path.read_text(encoding="utf-8") for path in html.rglob("*.html")}
    assert [
        path.name for path, text in texts.items() if re.search(r"-Color[\w-]*-(BG)?C\d", text)
    ] == []


def test_pages_are_valid(html):
    """The validator finds no error on any page, and there are no others."""
    pages = sorted(path.relative_to(html).as_posix() for path in built_pages(html))
    assert pages == sorted(f"{name}.html" for name in PAGES)
    assert validator.errors(html, pages) == []


@pytest.fixture
def printed(browser, html, tmp_path):
    """Return a function that prints a page and returns its words."""
    made = []

    def print_page(name):
        page = browser.new_page()
        made.append(page)
        page.goto((html / f"{name}.html").as_uri())
        page.emulate_media(media="print")
        return page

    yield print_page
    for page in made:
        page.close()


# The figures of a page that go on where its text ends.
CUT_OFF = """() => [...document.querySelectorAll("article img, article svg.lfg")].filter((each) => {
  const box = each.closest("article").getBoundingClientRect();
  return each.checkVisibility() && each.getBoundingClientRect().right > box.right + 1;
}).map((each) => each.alt || each.getAttribute("aria-label"))"""
PRESSED = "article button, .skip-to-content, .sidebar-drawer, .copybtn, .take-along, .lfg-bar"


@pytest.mark.parametrize(
    "name",
    ["learn/graphs", "learn/autograd", "start", "play/graph", "auto_gallery/line/plot_1_posts_run"],
)
def test_paper_has_nothing_to_press(name, printed):
    """On paper there are neither buttons nor menus, and nothing is folded but an answer."""
    page = printed(name)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    seen = "(all) => all.filter((e) => e.checkVisibility()).map((e) => e.outerHTML.slice(0, 80))"
    assert page.eval_on_selector_all(PRESSED, seen) == []
    closed = "(all) => all.map((e) => e.innerText.slice(0, 40))"
    assert page.eval_on_selector_all("details:not([open], .ex-answer)", closed) == []
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.eval_on_selector_all("details[open]", "(all) => all.length") == 0


def test_paper_cuts_no_figure_off(browser, html):
    """A figure that scrolls on a phone is as wide as the text on A4, if it would be wider."""
    page = browser.new_page(viewport={"width": 718, "height": 1000})  # between margins of 1 cm
    page.emulate_media(media="print")
    found = {}
    for name in PAGES:
        page.goto((html / f"{name}.html").as_uri())
        found[name] = page.evaluate(CUT_OFF)
    page.close()
    assert {name: cut for name, cut in found.items() if cut} == {}


def test_paper_has_the_finished_figure(printed):
    """A player that stands at its first step is printed with its last, and all steps in words."""
    page = printed("learn/graphs")
    texts = "(all) => all[0].querySelectorAll('text').length ? all[0].textContent : ''"
    assert "grad" not in page.eval_on_selector_all("figure.lfg-player svg.lfg", texts)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert "grad" in page.eval_on_selector_all("figure.lfg-player svg.lfg", texts)
    assert page.locator(".lfg-steps li").first.is_visible()
