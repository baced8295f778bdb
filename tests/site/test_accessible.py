"""Every page of the built site in a browser: accessible, no wider than the window, no errors."""

from pathlib import Path

import pytest

from chromium import violations
from served import SETTLED
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
# What contrast a text has depends on its font and colour, and on what lies behind it.  Mark a text
# of each kind that is new, and return the kinds: one of each is enough for all pages, and the
# other thousands would take axe most of its time.
TEXTS = """seen => {
    const known = new Map([[document, '']])
    const clear = 'rgba(0, 0, 0, 0),none,1'
    const behind = element => {
        if (!known.has(element)) {
            const {backgroundColor, backgroundImage, opacity} = getComputedStyle(element)
            const own = [backgroundColor, backgroundImage, opacity].join()
            known.set(element, behind(element.parentNode) + (own === clear ? '' : own))
        }
        return known.get(element)
    }
    const kinds = new Set(seen)
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement
        if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue
        const {color, fontSize, fontWeight} = getComputedStyle(element)
        const kind = [element.className, color, fontSize, fontWeight, behind(element)].join('|')
        if (!kinds.has(kind)) element.dataset.look = ''
        kinds.add(kind)
    }
    return [...kinds].slice(seen.length)
}"""
CHECK = """whole => {
    axe.configure({rules: [{id: 'color-contrast', selector: '[data-look]'}]})
    const options = {preload: false, resultTypes: ['violations']}
    const contrast = {...options, runOnly: 'color-contrast'}
    return axe.run(whole ? options : contrast).then(found => found.violations)
}"""
NARROW = Path(__file__).with_name("narrow.js").read_text("utf-8")


@pytest.fixture(scope="module")
def contexts(browser):
    """Return a window for each way to look at a page, and the kinds of text seen in it."""
    made = {way: (browser.new_context(**options), []) for way, options in WAYS.items()}
    yield made
    for context, _ in made.values():
        context.close()


def broken(page, seen, whole):
    """Return the rules of axe that a page breaks; without ``whole`` its new kinds of text alone."""
    new = page.evaluate(TEXTS, seen)
    found = violations(page, CHECK, whole) if whole or new else []
    seen += [] if found else new
    return found


@pytest.mark.parametrize("name", [*NAMES, *MADE])
@pytest.mark.parametrize("way", WAYS)
def test_page_in_a_browser(name, way, contexts, html):
    """No rule of axe is broken, nothing runs out of the window, is refused, fails, or too small."""
    context, seen = contexts[way]
    page, errors, asked = context.new_page(), [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((html / f"{name}.html").as_uri())
    page.evaluate(SETTLED)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert broken(page, seen, way == "desk" or name in KINDS) == []
    if way == "phone":
        assert page.evaluate(NARROW) == {}
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.close()
