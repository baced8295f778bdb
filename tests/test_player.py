"""The player in a browser: what it shows, by keyboard, under a strict policy and without script."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from linefit import graph
from linefit.graph.sentences import brief
from sources import NPM

FOLDER = Path(graph.__file__).parent
ASSETS = ("draw/figure.css", "steps/player.css", "steps/player.js")
HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A player</title>
<meta name="viewport" content="width=device-width">{head}</head>
<body><main><h1>A player</h1>{player}</main></body></html>"""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'"
)
FILES = """<link rel="stylesheet" href="figure.css"><link rel="stylesheet" href="player.css">
<script src="player.js" defer></script>"""


def recorded():
    """Return the graph of the perpendicular loss at two points after its backward pass."""
    a = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    b = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    x, y = torch.tensor([1.0, 2.0]).double(), torch.tensor([4.0, 5.5]).double()
    with graph.record() as g:
        loss = ((a * x - y + b) ** 2 / (a**2 + 1)).sum() / 4
    g.backward(loss)
    return g


@pytest.fixture(scope="module")
def g():
    """Return one graph for all tests; its leaves live as long as it does."""
    return recorded()


@pytest.fixture(scope="module")
def folder(g, tmp_path_factory):
    """Return a folder with the player's page, once with all in it and once with files beside it."""
    folder = tmp_path_factory.mktemp("player")
    inside = HTML.format(head="", player=g.player())
    (folder / "inside.html").write_text(inside, encoding="utf-8")
    for name in ASSETS:
        shutil.copy(FOLDER / name, folder)
    graph.set_display(assets="page")
    beside = HTML.format(head=FILES, player=g.player())
    graph.set_display(assets="inline")
    assert "<style" not in beside
    (folder / "beside.html").write_text(beside, encoding="utf-8")
    return folder


@pytest.fixture
def opened(browser, folder):
    """Return a function that opens the page with some settings and watches for errors."""
    contexts, errors = [], []

    def open_page(name="inside", **options):
        context = browser.new_context(**{"viewport": {"width": 1000, "height": 800}} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text))
        page.goto((folder / f"{name}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def said(page):
    """Return what the live region says: which step, and its words."""
    return page.locator(".lfg-words").inner_text().split("\n", 1)


def press(page, go, times=1):
    """Click on one of the buttons."""
    for _ in range(times):
        page.locator(f"button[data-go={go}]").click()


def texts(page):
    """Return all that is written in the figure, box by box and label by label."""
    return page.locator("svg.lfg text").all_text_contents()


def test_each_step_shows_the_recorded_numbers(opened, g):
    """Going forward, every text that a step writes stands in the figure, and its words below."""
    page, steps = opened(), g.steps()
    layout = {box.node: box for box in g.layout().boxes}
    prefix = page.locator("svg.lfg").get_attribute("id")
    for number, step in enumerate(steps, 1):
        assert said(page) == [f"Step {number} of {len(steps)}", step.words]
        for node, output, grad, _ in step.grads:
            lines = page.locator(f"[id='{prefix}-n{node.index}'] text").all_text_contents()
            place = [line.role for line in layout[node].lines].index("grad")
            assert output == 0
            assert lines[place] == f"grad {brief(grad)}"
        lit = page.locator("svg.lfg .lfg-now").evaluate_all("all => all.map(e => e.id)")
        assert {f"{prefix}-n{node.index}" for node in step.nodes} <= set(lit)
        assert len(lit) == len(step.nodes) + len(step.edges)
        press(page, "next", number < len(steps))
    assert len(page.locator(".lfg-later").all()) == 0


def test_nothing_is_shown_before_it_happens(opened, g):
    """At the start there are the inputs; a gradient appears when it reaches its node."""
    page = opened()
    before = " ".join(texts(page))
    assert "grad" not in before
    assert "[2, 4]" not in before
    assert page.locator("g.lfg-later").count() > 10
    press(page, "next")
    assert "[2, 4]" in texts(page)
    press(page, "end")
    final = [line.text for box in g.layout().boxes for line in box.lines]
    labels = [route.label for route in g.layout().routes if route.label]
    assert sorted(texts(page)) == sorted(final + labels)
    press(page, "start")
    assert " ".join(texts(page)) == before


def test_back_and_slider_lead_to_the_same_pictures(opened, g):
    """A step looks alike from whichever side one comes, by button or slider."""
    page, count = opened(), len(g.steps())
    seen = [texts(page)]
    for _ in range(count - 1):
        press(page, "next")
        seen.append(texts(page))
    for expected in reversed(seen[:-1]):
        press(page, "back")
        assert texts(page) == expected
    assert page.locator("button[data-go=back]").get_attribute("aria-disabled") == "true"
    slider = page.locator("input[type=range]")
    slider.fill("7")
    assert texts(page) == seen[6]
    assert slider.get_attribute("aria-valuetext") == f"Step 7 of {len(seen)}"


def test_the_keyboard_suffices(opened, g):
    """Tab reaches the figure, every button, the slider and the list; arrows, Home and End step."""
    page, count = opened(), len(g.steps())
    who = "(e => e.dataset.go || e.className || e.tagName)(document.activeElement)"
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(who))
    assert reached == ["lfg-scroll", "start", "back", "play", "next", "end", "INPUT", "SUMMARY"]
    page.locator(".lfg-scroll").focus()
    for key, step in [
        ("ArrowRight", 2),
        ("ArrowRight", 3),
        ("ArrowLeft", 2),
        ("End", count),
        ("Home", 1),
    ]:
        page.keyboard.press(key)
        assert said(page)[0] == f"Step {step} of {count}"
    page.locator("button[data-go=next]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    assert said(page)[0] == f"Step 3 of {count}"
    page.locator("input").focus()
    page.keyboard.press("ArrowRight")
    assert said(page)[0] == f"Step 4 of {count}"


def test_play_runs_and_pauses(opened, g):
    """It goes on by itself, can be stopped, and ends at the last step ready to begin again."""
    page, count = opened(), len(g.steps())
    page.clock.install()
    button = page.locator("button[data-go=play]")
    button.click()
    assert button.get_attribute("aria-label") == "Pause"
    page.clock.run_for(60_000)
    number = int(said(page)[0].split()[1])
    assert number > 3
    button.click()
    page.clock.run_for(60_000)
    assert said(page)[0] == f"Step {number} of {count}"
    assert button.get_attribute("aria-label") == "Play"
    button.click()
    page.clock.run_for(600_000)
    assert said(page)[0] == f"Step {count} of {count}"
    assert button.get_attribute("aria-label") == "Play"


def test_a_strict_policy_allows_it(browser, folder):
    """With script and style as files of the site, nothing inline is needed."""
    context = browser.new_context()
    page, errors = context.new_page(), []
    page.on("console", lambda message: errors.append(message.text))
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript"}

    def answer(route):
        path = folder / route.request.url.rsplit("/", 1)[1]
        headers = {"Content-Security-Policy": POLICY}
        kind = kinds[path.suffix[1:]]
        route.fulfill(
            body=path.read_bytes(), content_type=f"{kind}; charset=utf-8", headers=headers
        )

    page.route("**/*", answer)
    page.goto("http://site.test/beside.html")
    press(page, "next", 2)
    assert said(page)[0].startswith("Step 3")
    assert page.locator("svg.lfg").evaluate("e => getComputedStyle(e).textAnchor") == "middle"
    page.goto("http://site.test/inside.html")  # the policy is a real one: it stops what is inline
    assert not page.locator(".lfg-bar").is_visible()
    context.close()
    assert errors
    assert all("inside.html" in e or "Content Security Policy" in e for e in errors)


def test_without_script_the_figure_is_finished(opened, g):
    """There are no buttons, but the whole figure and every step as a list."""
    page = opened(java_script_enabled=False)
    assert not page.locator(".lfg-bar").is_visible()
    assert texts(page).count("grad −0.25") == 1
    page.locator("summary").click()
    items = page.locator(".lfg-steps > li")
    assert items.first.is_visible()
    assert items.all_text_contents() == [step.words for step in g.steps()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(opened, width, scheme):
    """The rules for accessible pages hold at the start, mid-way and with the list open."""
    page = opened(viewport={"width": width, "height": 740}, color_scheme=scheme)
    page.add_script_tag(path=NPM / "axe-core" / "axe.min.js")
    for act in (
        lambda: None,
        lambda: press(page, "next", 8),
        lambda: page.locator("summary").click(),
    ):
        act()
        found = page.evaluate("axe.run()")["violations"]
        assert [json.dumps(v, indent=1) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_targets_are_large_enough_for_a_thumb(opened):
    """Each button and the slider are at least 44 pixels high, at the width of a phone too."""
    page = opened(viewport={"width": 360, "height": 740}, has_touch=True)
    for each in page.locator(".lfg-controls button, .lfg-controls input").all():
        box = each.bounding_box()
        assert min(box["height"], box["width"]) >= 44
    page.locator("button[data-go=next]").tap()
    assert said(page)[0].startswith("Step 2")


def test_reduced_motion_is_respected(opened):
    """Nothing fades for those who have asked for no motion."""
    page = opened(reduced_motion="reduce")
    durations = page.locator("svg.lfg g").evaluate_all(
        "all => all.map(e => getComputedStyle(e).transitionDuration)"
    )
    assert set(durations) == {"0s"}


def test_the_step_is_brought_into_view(opened):
    """In a low window the box that a step is about lies above the buttons."""
    page = opened(viewport={"width": 360, "height": 500})
    for _ in range(9):
        press(page, "next")
        box = page.locator("g.lfg-now").last.bounding_box()
        bar = page.locator(".lfg-bar").bounding_box()
        assert box["y"] > -1
        assert box["y"] + box["height"] <= bar["y"] + 1


def test_the_script_is_small():
    """It is one file of plain JavaScript, under 12 kB."""
    assert (FOLDER / "steps" / "player.js").stat().st_size < 12_000
