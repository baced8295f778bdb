"""Every page of the built site as it is sent: safe by its policy, valid, and printed whole."""

import re

import pytest

import served
import validator
from built import Page


@pytest.fixture(scope="session")
def pages(html):
    """Return the addresses of all pages within the site, those without a source among them."""
    return sorted(path.relative_to(html).as_posix() for path in html.rglob("*.html"))


def complaints(found):
    """Return what was refused on each page, and what its scripts said, where there is any."""
    both = {name: (m.refused, m.said) for name, m in found.items()}
    return {name: said for name, said in both.items() if any(said)}


def test_pages_are_light_and_nothing_is_refused(browser, html, pages):
    """A page keeps to its weight and few files; its policy refuses nothing, no script fails."""
    with served.serve(html) as address:
        found = served.measure_all(browser, address, pages)
    assert complaints(found) == {}
    assert {name: m.missed for name, m in found.items() if m.missed} == {}


def test_nothing_is_refused_without_a_server(browser, html, pages):
    """The same pages, opened from a folder, do all that they do under their policy."""
    assert complaints(served.measure_all(browser, html.as_uri(), pages)) == {}


def test_pictures_are_small_together(html):
    """All pictures of the site come to few bytes, and none is in a form that is larger."""
    shown = served.pictures(html)
    assert {path.suffix for path in shown} <= {".webp", ".svg"}
    assert sum(path.stat().st_size for path in shown) <= served.PICTURES_TOGETHER


def test_pictures_are_sized_and_lazy(html, pages):
    """Each picture has its size, and all but a page's logo and first figure wait to be seen."""
    for name in pages:
        soup = Page(html / name).soup
        sizes = [(img.get("width"), img.get("height")) for img in soup.find_all("img")]
        assert [size for size in sizes if not all(size)] == [], name
        shown = soup.select("article img")
        assert [img["src"] for img in shown[1:] if img.get("loading") != "lazy"] == [], name


@pytest.mark.parametrize("forbidden", ["script:not([src])", "style", "[style]"])
def test_nothing_stands_inline(forbidden, html, pages):
    """No page has a script, a style or a style attribute of its own: its policy allows none."""
    assert [name for name in pages if Page(html / name).soup.select(forbidden)] == []


def test_policy_is_strict(html, pages):
    """The policy comes before all that it is about, and allows nothing unsafe but WebAssembly."""
    for name in pages:
        head = [tag for tag in Page(html / name).soup.head.children if tag.name]
        assert head[1]["http-equiv"] == "Content-Security-Policy", name
        policy = head[1]["content"]
        assert policy.startswith("default-src 'none'; ")
        unsafe = set(re.findall(r"'(?:unsafe|wasm)[^']*'", policy))
        assert unsafe <= ({"'wasm-unsafe-eval'"} if name.startswith("practice/") else set())


def test_pages_are_valid(html, pages):
    """The validator finds no error on any page."""
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


def test_paper_has_the_finished_figure(printed):
    """A player that stands at its first step is printed with its last, and all steps in words."""
    page = printed("learn/graphs")
    texts = "(all) => all[0].querySelectorAll('text').length ? all[0].textContent : ''"
    assert "grad" not in page.eval_on_selector_all("figure.lfg-player svg.lfg", texts)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert "grad" in page.eval_on_selector_all("figure.lfg-player svg.lfg", texts)
    assert page.locator(".lfg-steps li").first.is_visible()


@pytest.fixture
def phone(browser):
    """Return a window as narrow as a phone."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    yield context.new_page()
    context.close()


NARROW = """() => {
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length;
  const inline = (e) => getComputedStyle(e).display === "inline";
  const small = [...document.querySelectorAll("button, input, select, summary")]
    .filter((e) => seen(e) && !inline(e) && !e.matches(".sidebar-toggle, [type=hidden]"))
    .filter((e) => {
      const { width, height } = (e.closest("label") ?? e).getBoundingClientRect();
      return width && (width < 24 || height < 24);
    })
    .map((e) => e.outerHTML.slice(0, 90));
  for (const each of document.querySelectorAll("details")) each.open = true;
  const tiny = [...document.querySelectorAll("article pre")]
    .filter((e) => parseFloat(getComputedStyle(e).fontSize) < 11)
    .map((e) => e.textContent.slice(0, 40));
  const broken = [];
  const title = document.querySelector("h1")?.firstChild;
  const range = document.createRange();
  for (const word of title?.textContent.matchAll(/[\\p{L}\\p{N}]+/gu) ?? []) {
    if (title.nodeType !== Node.TEXT_NODE) break;
    range.setStart(title, word.index);
    range.setEnd(title, word.index + word[0].length);
    if (range.getClientRects().length > 1) broken.push(word[0]);
  }
  return { small, tiny, broken };
}"""


def test_page_on_a_phone(phone, html, pages):
    """At 360 pixels no title breaks within a word, code is legible, and fingers find their aim."""
    found = {}
    for name in pages:
        phone.goto((html / name).as_uri())
        found[name] = {key: value for key, value in phone.evaluate(NARROW).items() if value}
    assert {name: kinds for name, kinds in found.items() if kinds} == {}
