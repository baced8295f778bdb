"""The player in a browser: what it shows, by keyboard, under a strict policy and without script."""

import shutil
from pathlib import Path

import pytest
import torch

from chromium import until, violations
from linefit import graph
from linefit.graph.sentences import brief

FOLDER = Path(graph.__file__).parent
ASSETS = ("draw/figure.css", "steps/player.css", "steps/player.js")
HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A player</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
{head}</head>
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


def network():
    """Return the graph of a small network's loss after its backward pass, and its parameters."""
    torch.manual_seed(0)
    layers = torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)
    net = torch.nn.Sequential(*layers).double()
    with graph.record() as g:
        loss = (net(torch.ones(5, 3).double()) ** 2).mean()
    g.backward(loss)
    return g, net


def two_nodes():
    """Return the smallest graph after its backward pass, and its leaf."""
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    with graph.record() as g:
        total = x.sum()
    g.backward(total)
    return g, x


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
    for name, make in (("network", network), ("two", two_nodes)):
        other, _leaves = make()
        page = HTML.format(head="", player=other.player())
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
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
    frame, figure = (page.locator(each).bounding_box() for each in (".lfg-scroll", "svg.lfg"))
    assert frame["height"] >= figure["height"]  # whole: it scrolls sideways only
    page.locator("summary").click()
    items = page.locator(".lfg-steps > li")
    assert items.first.is_visible()
    assert items.all_text_contents() == [step.words for step in g.steps()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(opened, width, scheme):
    """The rules for accessible pages hold at the start, mid-way and with the list open."""
    page = opened(viewport={"width": width, "height": 740}, color_scheme=scheme)
    for act in (
        lambda: None,
        lambda: press(page, "next", 8),
        lambda: page.locator("summary").click(),
    ):
        act()
        assert violations(page) == []
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
    behavior = "e => getComputedStyle(e).scrollBehavior"
    assert page.locator(".lfg-scroll").evaluate(behavior) == "auto"
    assert opened().locator(".lfg-scroll").evaluate(behavior) == "smooth"
    durations = page.locator("svg.lfg g").evaluate_all(
        "all => all.map(e => getComputedStyle(e).transitionDuration)"
    )
    assert set(durations) == {"0s"}


def test_the_step_is_brought_into_view(opened):
    """In a low window the box that a step is about lies above the sentence and the buttons."""
    page = opened(viewport={"width": 360, "height": 500}, reduced_motion="reduce")
    for _ in range(9):
        press(page, "next")
        box = page.locator("g.lfg-now").last.bounding_box()
        assert box["y"] > -1
        for below in (".lfg-words", ".lfg-bar"):
            assert box["y"] + box["height"] <= page.locator(below).bounding_box()["y"] + 1
        bar = page.locator(".lfg-bar").bounding_box()
        assert bar["y"] <= 500 - 44  # the sentence ends here, and below it is a row of buttons


def test_only_a_reader_who_steps_is_brought_back(opened):
    """A key leads back to a box out of view; while it plays one may read on below."""
    page = opened(viewport={"width": 390, "height": 700}, reduced_motion="reduce")
    page.evaluate("document.body.append(Object.assign(document.createElement('p'), {id: 'end'}))")
    page.evaluate("document.getElementById('end').style.height = '2000px'")
    page.clock.install()
    button = page.locator("button[data-go=play]")
    button.click()
    page.evaluate("window.scrollTo(0, 1500)")
    page.clock.run_for(20_000)
    assert not said(page)[0].startswith("Step 1 ")
    assert page.evaluate("scrollY") == 1500
    page.keyboard.press("ArrowRight")
    bar = page.locator(".lfg-bar").bounding_box()
    assert 0 <= bar["y"] <= 700 - bar["height"] + 1
    assert page.locator("g.lfg-now").last.bounding_box()["y"] >= 0


SIZES = [(1280, 900), (390, 844), (844, 390)]
PLACES = """() => {
  const area = (e) => e.getBoundingClientRect();
  const scroll = document.querySelector(".lfg-scroll");
  const frame = area(scroll);
  const boxes = [...document.querySelectorAll("g.lfg-now:has(.lfg-box)")].map(area);
  const box = boxes.reduce((one, two) => (two.top < one.top ? two : one));
  const limit = {y: scroll.scrollHeight - scroll.clientHeight,
                 x: scroll.scrollWidth - scroll.clientWidth};
  return {
    outside: Math.max(frame.left - box.left, box.right - frame.left - scroll.clientWidth,
                      frame.top - box.top, box.bottom - frame.top - scroll.clientHeight),
    off: {y: box.top + box.bottom - 2 * frame.top - scroll.clientHeight,
          x: box.left + box.right - 2 * frame.left - scroll.clientWidth},
    to: {y: [scroll.scrollTop, limit.y], x: [scroll.scrollLeft, limit.x]},
    frame: frame.height,
    figure: area(scroll.querySelector("svg")).height + scroll.offsetHeight - scroll.clientHeight,
    window: innerHeight,
    whole: area(document.querySelector(".lfg-bar")).bottom - frame.top,
    buttons: area(document.querySelector(".lfg-bar")).top
      - area(document.querySelector(".lfg-player")).top,
  };
}"""


def places(page):
    """Return where frame, current box and buttons are at every step, there and back again."""
    count = page.locator(".lfg-steps > li").count()
    page.locator("button[data-go=next]").focus()
    yield page.evaluate(PLACES)
    for key in ["ArrowRight"] * (count - 1) + ["ArrowLeft"] * (count - 1):
        page.keyboard.press(key)
        yield page.evaluate(PLACES)


@pytest.mark.parametrize("name", ["inside", "network", "two"])
@pytest.mark.parametrize("size", SIZES)
def test_the_current_box_is_in_the_middle_of_the_frame(opened, name, size):
    """At every step its box is whole, and in the middle unless the figure ends before."""
    width, height = size
    page = opened(name, viewport={"width": width, "height": height}, reduced_motion="reduce")
    for place in places(page):
        assert place["outside"] <= 1
        for axis in "xy":
            off, (to, limit) = place["off"][axis], place["to"][axis]
            assert abs(off) <= 2 or (to <= 1 and off < 0) or (to >= limit - 1 and off > 0)


@pytest.mark.parametrize("name", ["inside", "network", "two"])
@pytest.mark.parametrize("size", SIZES)
def test_the_frame_leaves_room_for_sentence_and_buttons(opened, name, size):
    """It is no higher than three fifths of the window nor than the figure; the buttons stay."""
    width, height = size
    page = opened(name, viewport={"width": width, "height": height}, reduced_motion="reduce")
    seen = list(places(page))
    for place in seen:
        assert place["frame"] <= 0.6 * place["window"] + 1
        assert place["frame"] <= place["figure"] + 1
        assert place["frame"] >= min(0.3 * place["window"], place["figure"]) - 1
        assert place["whole"] <= place["window"]
    assert max(p["buttons"] for p in seen) - min(p["buttons"] for p in seen) <= 1


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("name", ["inside", "network", "two"])
def test_letters_are_legible_on_a_phone(opened, name, script):
    """Each is at least 11 pixels high on a screen of 390."""
    page = opened(name, viewport={"width": 390, "height": 844}, java_script_enabled=script)
    sizes = page.locator("svg.lfg text").evaluate_all(
        """all => all.map(e => parseFloat(getComputedStyle(e).fontSize)
             * e.ownerSVGElement.getBoundingClientRect().width
             / e.ownerSVGElement.viewBox.baseVal.width)"""
    )
    assert min(sizes) >= 11
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  canvas.canvas.width = canvas.canvas.height = 1;
  const rgb = (color, opacity, ground) => {
    canvas.globalAlpha = 1;
    canvas.fillStyle = `rgb(${ground})`;
    canvas.fillRect(0, 0, 1, 1);
    canvas.globalAlpha = opacity;
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (color) => color.map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "Canvas";
  const ground = rgb(getComputedStyle(probe).color, 1, [0, 0, 0]);
  const found = {text: [], outline: [], edge: []};
  const compare = (kind, e, paint, own) => {
    const style = getComputedStyle(e);
    const opacity = style.opacity * getComputedStyle(e.parentNode).opacity * style[own];
    const [a, b] = [light(ground), light(rgb(style[paint], opacity, ground))];
    found[kind].push((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  };
  for (const e of document.querySelectorAll(".lfg g text:not(:empty)"))
    compare("text", e, "fill", "fillOpacity");
  for (const e of document.querySelectorAll(".lfg-box"))
    compare("outline", e, "stroke", "strokeOpacity");
  for (const e of document.querySelectorAll(".lfg-edge"))
    compare("edge", e, "stroke", "strokeOpacity");
  return Object.fromEntries(Object.entries(found).map(([kind, all]) => [kind, Math.min(...all)]));
}"""


@pytest.mark.parametrize("key", ["Home", "End"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_has_no_value_yet_is_legible_too(opened, scheme, key):
    """Names stand out from the ground by 4.5 to 1, outlines and edges by 3 to 1."""
    page = opened(color_scheme=scheme, reduced_motion="reduce")
    page.locator("button[data-go=play]").press(key)
    contrast = page.evaluate(CONTRASTS)
    assert contrast["text"] >= 4.5
    assert contrast["outline"] >= 3
    assert contrast["edge"] >= 3


GROWN = """() => [...document.querySelectorAll("svg.lfg .lfg-box")].map((outline) => {
  const box = outline.getBBox();
  const texts = [...outline.parentNode.querySelectorAll("text")].filter((e) => e.textContent);
  return [outline.parentNode.id.split("-n")[1], Math.round(box.height), texts.length,
          Math.round(box.y + box.height)];
})"""


def test_boxes_grow_as_values_come(opened, g):
    """A box is as high as its lines at every step, and edges begin where it ends."""
    page = opened(reduced_motion="reduce")
    routes = g.layout().routes
    heights = []
    for number in range(len(g.steps())):
        press(page, "next", number > 0)
        boxes = page.evaluate(GROWN)
        assert all(height == 10 + 16 * count for _, height, count, _ in boxes)
        lower = {int(node): bottom for node, _, _, bottom in boxes}
        begins = page.locator(".lfg-edge").evaluate_all(
            "all => all.map(e => Math.round(e.getPointAtLength(0).y))"
        )
        assert begins == [lower[route.edge.source.index] for route in routes]
        heights.append(sum(height for _, height, _, _ in boxes))
    assert heights == sorted(heights)
    assert heights[0] < heights[-1]
    full = {box.node.index: round(box.height) for box in g.layout().boxes}
    assert {int(node): height for node, height, _, _ in boxes} == full


def test_the_frame_scrolls_by_keyboard(opened):
    """It can be reached, has a name, and the arrows up and down move the figure."""
    page = opened(viewport={"width": 1280, "height": 700}, reduced_motion="reduce")
    frame = page.get_by_role("group", name="Figure")
    frame.focus()
    assert frame.evaluate("e => e.scrollTop") == 0
    page.keyboard.press("ArrowDown")
    until(page, "document.querySelector('.lfg-scroll').scrollTop > 0")
    assert said(page)[0].startswith("Step 1 ")


def test_on_paper_there_are_the_finished_figure_and_the_steps(opened, g):
    """Printing mid-way shows all; afterwards the reader is back where they were."""
    page = opened(viewport={"width": 390, "height": 844})
    press(page, "next", 3)
    before = texts(page)
    page.evaluate(
        """() => addEventListener("beforeprint", () => {
          window.printed = {
            texts: [...document.querySelectorAll("svg.lfg text")].map((e) => e.textContent),
            open: document.querySelector("details").open,
          };
        })"""
    )
    page.pdf()
    printed = page.evaluate("window.printed")
    final = [line.text for box in g.layout().boxes for line in box.lines]
    final += [route.label for route in g.layout().routes if route.label]
    assert sorted(printed["texts"]) == sorted(final)
    assert printed["open"]
    assert texts(page) == before
    assert not page.locator("details").evaluate("e => e.open")


@pytest.mark.parametrize("script", [True, False])
def test_nothing_is_cut_off_on_paper(opened, script):
    """In print the figure has no frame, and the list of steps is open, with or without script."""
    page = opened(viewport={"width": 390, "height": 844}, java_script_enabled=script)
    page.emulate_media(media="print")
    frame, figure = (page.locator(each).bounding_box() for each in (".lfg-scroll", "svg.lfg"))
    assert figure["height"] <= frame["height"] + 1
    assert figure["width"] <= frame["width"] + 1
    assert not page.locator(".lfg-bar").is_visible()
    assert page.locator(".lfg-steps > li").last.bounding_box()["height"] > 10


def test_the_script_is_small():
    """It is one file of plain JavaScript, under 12 kB."""
    assert (FOLDER / "steps" / "player.js").stat().st_size < 12_000
