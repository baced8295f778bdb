"""Every page of the built site in a browser: accessible, no wider than the window, no errors."""

from pathlib import Path

import pytest

from chromium import violations
from sources import MADE, NAMES

WAYS = {
    "desk": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
}
# Pages of one kind share the parts that only a narrow window shows: one of each is checked whole.
KINDS = {
    "index", "learn/graphs", "play/line", "play/graph", "practice/debugging",
    "auto_gallery/line/plot_1_posts_run", "reference/graph", "errors",
    "search", "practice/debugging-answers",
}  # fmt: skip
# These rules look at how a page is laid out and coloured, the others at its elements.
LOOKS = ["color-contrast", "scrollable-region-focusable"]
# A token's colours depend on its class and its surroundings: one of each kind is enough.  The other
# thousands would take axe half of its time.
CHECK = """async ([looks, whole]) => {
    const options = {preload: false, resultTypes: ['violations']}
    const rules = Object.fromEntries(looks.map(rule => [rule, {enabled: false}]))
    const structure = whole ? (await axe.run({...options, rules})).violations : []
    const seen = new Set()
    for (const token of document.querySelectorAll('pre span')) {
        const around = [token, token.parentElement, token.closest('pre').parentElement]
        const kind = around.map(element => element.className).join('|')
        if (seen.has(kind)) token.replaceWith(...token.childNodes)
        seen.add(kind)
    }
    const looked = await axe.run({...options, runOnly: looks})
    return [...structure, ...looked.violations]
}"""
NARROW = Path(__file__).with_name("narrow.js").read_text("utf-8")


@pytest.fixture(scope="module")
def contexts(browser):
    """Return a window for each way to look at a page."""
    made = {way: browser.new_context(**options) for way, options in WAYS.items()}
    yield made
    for context in made.values():
        context.close()


@pytest.mark.parametrize("name", [*NAMES, *MADE])
@pytest.mark.parametrize("way", WAYS)
def test_page_in_a_browser(name, way, contexts, html):
    """No rule of axe is broken, nothing runs out of the window, is refused, fails, or too small."""
    page, errors, asked = contexts[way].new_page(), [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((html / f"{name}.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert violations(page, CHECK, [LOOKS, way == "desk" or name in KINDS]) == []
    if way == "phone":
        assert page.evaluate(NARROW) == {}
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.close()
