"""The line to touch, in a browser: its numbers against torch, and everything a reader does."""

import gzip
import random
from functools import partial
from urllib.parse import quote, urlsplit

import pytest
import torch
from bs4 import BeautifulSoup
from torch.optim import lr_scheduler

from chromium import until, violations
from linefit import (
    DivergenceError,
    descend,
    hubble,
    huber_loss,
    noisy_line,
    perpendicular_loss,
    vertical_loss,
)

LOSSES = {"perpendicular": perpendicular_loss, "vertical": vertical_loss, "huber": huber_loss}
PRESETS = [
    *("post", "fixed", "later", "large", "momentum"),
    *("noisy", "scaled", "angle", "hubble", "outlier"),
]
READY = "document.querySelector('.lp-verdict')?.textContent"
FOCUSED = "document.activeElement.getAttribute('aria-label')"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"


@pytest.fixture(scope="module")
def site(browser, html):
    """Return a function that opens a page of the site in a window of its own."""
    contexts, errors = [], []

    def open_page(fragment="", name="play/line", **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{(html / f'{name}.html').as_uri()}{fragment}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="module")
def desk(site):
    """Return one window that the tests share; each leads it to its own state."""
    return site()


def visit(page, fragment):
    """Lead a window to a state and wait until the page has said what the run came to."""
    script = """async fragment => {
      const lead = where => new Promise(resolve => {
        if (location.hash === '' && where === '') return resolve();
        addEventListener('hashchange', () => {  // after the page's own, which cancels what was due
          document.querySelector('.lp-verdict').textContent = '';
          resolve();
        }, {once: true});
        location.hash = where;
      });
      await lead('');
      await lead(fragment);
    }"""
    page.evaluate(script, fragment)
    until(page, READY)


def state(page):
    """Return the state that the address holds, once it has been written, 300 ms after a change."""
    page.evaluate("new Promise(resolve => setTimeout(resolve, 350))")  # by the page's own clock
    return page.evaluate("location.hash")


def scheduler(decay, steps):
    """Return what the page says that a value of ``decay`` means."""
    return {
        "none": None,
        "step": partial(lr_scheduler.StepLR, step_size=max(1, steps // 3), gamma=0.1),
        "exponential": partial(lr_scheduler.ExponentialLR, gamma=0.01 ** (1 / steps)),
        "cosine": partial(lr_scheduler.CosineAnnealingLR, T_max=steps),
    }[decay]


def by_linefit(points, given):
    """Return the history of the package's descent with the page's settings."""
    try:
        run = descend(
            points["x"],
            points["y"],
            lr=given["lr"],
            steps=given["steps"],
            start=tuple(given["start"]),
            loss=LOSSES[given["loss"]],
            optimizer=partial(torch.optim.SGD, momentum=given["momentum"]),
            scheduler=scheduler(given["decay"], given["steps"]),
            clear_grad=given["clear"],
        )
    except DivergenceError as error:
        run = error.descent
    return {key: getattr(run.history, key).tolist() for key in ("loss", "slope", "intercept")}


def drawn(number):
    """Return points and settings drawn at random."""
    rng = random.Random(number)  # noqa: S311 (nothing secret)
    n = rng.randint(2, 40)
    slope, noise = rng.uniform(-3, 3), 10 ** rng.uniform(-1.5, 0)
    x = [rng.uniform(-1, 1) + rng.choice((0, 0.5)) for _ in range(n)]
    y = [slope * v + 0.3 + rng.gauss(0, noise) for v in x]
    return {"x": x, "y": y}, {
        "loss": rng.choice(list(LOSSES)),
        "lr": 10 ** rng.uniform(-4, 0),
        "steps": rng.randint(1, 180),
        "momentum": rng.choice((0, 0, 0.5, 0.9, 1)),
        "clear": rng.random() < 0.8,
        "decay": rng.choice(("none", "none", "step", "exponential", "cosine")),
        "start": [rng.uniform(-2, 2), rng.uniform(-1, 1)],
    }


def sensitivity(points, given, history):
    """Return how far each entry moves when the start moves by a hundredth of a billionth."""
    moved = given | {"start": [v + 1e-11 * (1 + abs(v)) for v in given["start"]]}
    other = by_linefit(points, moved)
    return {
        key: [abs(v - w) for v, w in zip(history[key], other[key], strict=False)] for key in history
    }


def apart(points, given, found):
    """Return the largest relative distance between the page's run and the package's.

    Where the run is chaotic, so that rounding grows, its first 100 steps count, and what the
    growth of a tiny change of the start explains does not.
    """
    wanted = by_linefit(points, given)
    assert [len(found[key]) for key in wanted] == [len(values) for values in wanted.values()]
    moves = sensitivity(points, given, wanted)
    worst = 0.0
    for key, values in wanted.items():
        scale = max(1e-300, *map(abs, values[:1]), *given["start"]) if key != "loss" else 1e-300
        for k, value in enumerate(values):
            gain = moves[key][k] / 1e-11 if k < len(moves[key]) else 0
            size = max(abs(value), scale if key == "loss" else 1e-3)
            if gain > 1e3 * size and k >= 100:
                break
            explained = 1e-15 * gain
            worst = max(worst, (abs(found[key][k] - value) - explained) / size)
    return worst


def test_trajectories_equal_those_of_descend(desk):
    """Two hundred drawn runs agree with linefit.descend to 1e-12, step by step."""
    cases = [drawn(number) for number in range(200)]
    found = desk.evaluate("cases => cases.map(([p, s]) => linefitPlay.run(p, s))", cases)
    worst = 0.0
    for (points, given), run in zip(cases, found, strict=True):
        worst = max(worst, apart(points, given, run))
    assert worst < 1e-12


AS_IN_AN_ADDRESS = """() => {
  const {run} = linefitPlay
  const points = {x: [0, 1, 2, 3], y: [0.5, 1, 3, 2.5]}
  const plain = {lr: 0.1, steps: 9, momentum: 0.5, clear: false, start: [1, -0.5], batch: 2}
  const texts = {x: ["0", "1", "2", "3"], y: Float64Array.from(points.y)}
  const given = {lr: "1e-1", steps: "9", momentum: ".5", clear: "no", start: "1,-0.5", batch: "2"}
  const usual = {lr: 0.1, steps: 9, loss: "perpendicular", clear: true, start: [0, 0]}
  const left = {lr: 0.1, steps: 9, loss: null, clear: "yes", start: undefined, momentum: null}
  return [run(points, plain), run(texts, given), run(points, usual), run(points, left)]
}"""


def test_settings_may_come_as_an_address_has_them(desk):
    """Texts are read as numbers, yes and no as such, and what is left out has its usual value."""
    plain, texts, usual, left = desk.evaluate(AS_IN_AN_ADDRESS)
    assert texts == plain
    assert left == usual
    assert plain["slope"][1] != usual["slope"][1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{}, {}", "as many finite x as finite y"),
        ("undefined", "as many finite x as finite y"),
        ("{x: [1, 2], y: [1, NaN]}", "as many finite x as finite y"),
        ("{x: [1, 2], y: [1, 2]}, {lr: 'constructor'}", "lr must be positive, not NaN"),
        ("{x: [1, 2], y: [1, 2]}, {lr: ''}", "lr must be positive"),
        ("{x: [1, 2], y: [1, 2]}, {steps: 1e9}", "steps must be a whole number from 1 to"),
        ("{x: [1, 2], y: [1, 2]}, {clear: 'constructor'}", "clear must be true or false"),
        ("{x: [1, 2], y: [1, 2]}, {start: 3}", "start must be a finite slope and intercept"),
        ("{x: [1, 2], y: [1, 2]}, {momentum: -1}", "momentum must be 0 or positive"),
        ("{x: [1, 2], y: [1, 2]}, {loss: 'toString'}", "loss must be one of"),
    ],
)
def test_settings_without_sense_are_told(given, said, desk):
    """Whatever is wrong with points or settings, the error says what was expected."""
    told = desk.evaluate(
        f"() => {{ try {{ linefitPlay.run({given}) }} catch (error) {{ return String(error) }} }}"
    )
    assert told.startswith("RangeError: ")
    assert said in told


def test_minibatches_are_torchs(desk):
    """The page draws the same indices as torch.randint with a generator of seed 0."""
    generator = torch.Generator().manual_seed(0)
    wanted = [torch.randint(100, (8,), generator=generator).tolist() for _ in range(200)]
    script = "() => {const t = linefitPlay.line.twister(0); return Array.from({length: 1600}, t)}"
    assert [word % 100 for word in desk.evaluate(script)] == torch.tensor(wanted).flatten().tolist()


STATES = [
    *(f"preset={name}" for name in PRESETS),
    "preset=post&clear=yes&momentum=0.9&decay=step&lr=2e-6",
    "preset=angle&loss=vertical&lr=0.01&steps=40",
    "preset=angle&loss=huber&steps=40&decay=cosine&clear=no&lr=0.02",
    "preset=scaled&batch=3&points=0,0;1,1.5;2,1.75;3,4&start=0.5,-0.25&loss=huber",
    "preset=post&scale=center&lr=0.001&loss=vertical&steps=50",
]


@pytest.mark.parametrize("fragment", STATES)
def test_snippet_gives_the_numbers_of_the_page(fragment, desk):
    """The PyTorch beside the picture, executed, goes where the page goes."""
    visit(desk, fragment)
    names = {}
    exec(desk.locator(".lp-code code").text_content(), names)  # noqa: S102 (the page's own)
    points = desk.evaluate(
        """fragment => {
          const data = JSON.parse(document.querySelector('[data-lp-presets]').dataset.lpPresets);
          const {settings, points, own} =
            linefitPlay.line.parse(fragment, data.sets, data.presets);
          return linefitPlay.run(own ?? data.sets[points], settings);
        }""",
        fragment,
    )
    for column, key in enumerate(("loss", "slope", "intercept")):
        wanted = torch.tensor([row[column] for row in names["history"]], dtype=torch.float64)
        found = torch.tensor(points[key], dtype=torch.float64)
        size = wanted.abs().clamp(min=1e-3 * max(map(abs, points["slope"])))
        assert len(wanted) == len(found)
        assert ((found - wanted).abs() / size).max() < 1e-10  # sums in another order
    told = desk.locator(".lp-readout").text_content()
    assert f"Step {len(points['loss']) - 1}:" in told


def test_presets_start_from_the_packages_data(desk):
    """Every named set of points holds the package's numbers, to the last bit."""
    sets = desk.evaluate(
        "JSON.parse(document.querySelector('[data-lp-presets]').dataset.lpPresets).sets"
    )
    for name, data in (("post", noisy_line(100)), ("hubble", hubble())):
        assert [sets[name]["x"], sets[name]["y"]] == [data.x.tolist(), data.y.tolist()]


@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        ("preset=post", "lowest at step 562"),
        ("preset=fixed", "goes nowhere"),
        ("preset=later", "still creeping"),
        ("preset=large", "does not settle"),
        ("preset=momentum", "has arrived"),
        ("preset=noisy", "jittering"),
        ("preset=scaled", "has arrived"),
        ("preset=angle", "has arrived"),
        ("preset=hubble", "has arrived"),
        ("preset=outlier", "has arrived"),
        ("preset=post&points=none", "no points"),
        ("preset=post&points=1,1", "only one place"),
        ("preset=post&points=1,1;1,1;1,1", "only one place"),
        ("preset=scaled&lr=1&points=1,1;2,2;3,3", "has arrived"),
        ("preset=scaled&points=0,0;1,0;0,1;1,1", "no line"),
        ("preset=scaled&points=1,0;1,1;1,5", "best line is vertical"),
        ("preset=hubble&lr=10&steps=2000", "diverged"),
        ("preset=post&points=1e99,1e99;-1e99,2e99&start=1e99,0", "not a finite number"),
    ],
)
def test_every_run_ends_in_a_sentence(fragment, said, desk):
    """A good run, a bad one, none at all: the page says what it came to."""
    visit(desk, fragment)
    assert said in desk.locator(".lp-verdict").text_content()
    assert desk.locator(".lp-problem").text_content() == ""


HOSTILE = {
    "markup": "preset=post&lr=" + quote("<img src=x onerror=alert(1)>"),
    "markup in a key": quote("<img src=x onerror=alert(1)>") + "=1",
    "infinite": "lr=1e999&start=1e999,0",
    "not a number": "steps=NaN&points=NaN,NaN",
    "prototype": "preset=__proto__&__proto__=1&constructor=2&points=toString",
    "percent": "%E0%A4%A&lr=%",
    "negative": "lr=-1&steps=-5&batch=-3&momentum=-1",
    "huge": "steps=1e9",
    "half a point": "points=1,2;3",
    "a name of JavaScript's": "clear=constructor",
}


@pytest.mark.parametrize("fragment", HOSTILE.values(), ids=HOSTILE)
def test_mangled_address_gives_a_sentence(fragment, desk):
    """Nothing of an address becomes markup; what makes no sense is named and left out."""
    visit(desk, fragment)
    assert desk.locator(".lp-problem").text_content()
    assert desk.locator("img[src=x], .lp-problem *, .lp-verdict *").count() == 0
    assert "lowest at step 562" in desk.locator(".lp-verdict").text_content()


def test_an_address_is_not_written_over(desk):
    """Where a reader leads the page while a change waits to be written, the page follows."""
    visit(desk, "preset=post")
    found = desk.evaluate("""() => {
      const [clock, waiting] = [window.setTimeout, []]
      window.setTimeout = (act, after) => after === 300 ? waiting.push(act) : clock(act, after)
      document.querySelector('[data-key=clear]').click()
      location.hash = 'preset=hubble'
      for (const act of waiting) act()  // before the event of the new address
      window.setTimeout = clock
      return [waiting.length, location.hash]
    }""")
    assert found == [1, "#preset=hubble"]
    until(desk, "document.querySelector('[data-key=points]').value === 'hubble'")


@pytest.mark.parametrize("points", ["scale=scale&points=3,4", "lr=1e6&form=angle"])
def test_what_is_no_number_is_not_drawn(points, site):
    """One point in units of its size, or a line that has left for infinity: no broken path."""
    page = site()
    said = []
    page.on("console", lambda message: said.append(message.text))
    visit(page, f"preset=post&{points}")
    page.wait_for_timeout(200)
    assert said == []


def test_long_run_says_that_it_goes_on(desk):
    """A run that takes longer than a moment is done in slices, and the page says so meanwhile."""
    desk.evaluate("location.hash = 'preset=post&steps=100000&batch=1000'")
    until(desk, f"{READY}?.includes('run of 100000 steps takes a while')", timeout=60)
    visit(desk, "preset=hubble")
    assert "has arrived" in desk.locator(".lp-verdict").text_content()


def test_long_address_gives_a_sentence(desk):
    """An address of ten megabytes neither freezes nor blanks the page."""
    visit(desk, "preset=post")
    found = desk.evaluate("""() => {
      const data = JSON.parse(document.querySelector('[data-lp-presets]').dataset.lpPresets);
      const text = 'points=' + '1,2;'.repeat(2500000);
      return linefitPlay.line.parse(text, data.sets, data.presets).problems;
    }""")
    assert found == ["*"]
    visit(desk, "points=" + "1,2;" * 40_000)
    assert "too long" in desk.locator(".lp-problem").text_content()


def test_keyboard_moves_adds_and_removes(desk):
    """Points and start are moved without a mouse, and the address follows."""
    visit(desk, "preset=outlier")
    desk.locator("[data-go=remove]").focus()
    desk.keyboard.press("Tab")
    assert desk.evaluate(FOCUSED).startswith("Point 1:")
    circles = desk.locator(".lp-points circle")
    before = circles.first.get_attribute("cy")
    desk.keyboard.press("ArrowUp")
    until(desk, f"document.querySelector('.lp-points circle').getAttribute('cy') !== '{before}'")
    desk.keyboard.press("PageUp")
    assert desk.evaluate("document.activeElement.getAttribute('aria-label')").startswith(
        "Point 20:"
    )
    desk.keyboard.press("Delete")
    until(desk, "document.querySelectorAll('.lp-points circle').length === 19")
    desk.keyboard.press("Enter")
    until(desk, "document.querySelectorAll('.lp-points circle').length === 20")
    assert "points=" in state(desk)
    desk.locator(".lp-start").focus()
    desk.keyboard.press("ArrowRight")
    assert "start=" in state(desk)
    desk.locator("[data-go=restore]").click()
    assert state(desk) == "#preset=outlier"


def test_mouse_drags_adds_and_sets_the_start(desk):
    """A drag moves a point, a click beside the points adds one, one on the map sets the start."""
    visit(desk, "preset=outlier")
    point = desk.locator(".lp-points circle").nth(18)
    point.hover()  # waits until the page has scrolled
    box = point.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    desk.mouse.down()
    desk.mouse.move(x, y - 60, steps=4)
    desk.mouse.up()
    moved = state(desk)
    assert moved.count(";") == 19
    desk.locator(".lp-points > svg").click(position={"x": 70, "y": 60})
    assert state(desk).count(";") == 20
    desk.locator(".lp-map svg").click(position={"x": 200, "y": 200})
    assert "start=" in state(desk)


def test_letting_go_beside_a_point_adds_none(desk):
    """A point that lags behind the pointer is moved; the click that ends a drag adds no other."""
    visit(desk, "preset=outlier")
    desk.evaluate("""() => {
      const svg = document.querySelector('.lp-points > svg')
      const {x, y} = svg.querySelectorAll('circle')[18].getBoundingClientRect()
      const at = (dy) => ({bubbles: true, clientX: x + 3, clientY: y + 3 + dy, pointerId: 1})
      const circle = svg.querySelectorAll('circle')[18]
      circle.setPointerCapture = () => {}
      circle.dispatchEvent(new PointerEvent('pointerdown', at(0)))
      circle.dispatchEvent(new PointerEvent('pointermove', at(-60)))
      circle.dispatchEvent(new PointerEvent('pointerup', at(-60)))
      svg.dispatchEvent(new MouseEvent('click', at(-60)))
    }""")
    assert state(desk).count(";") == 19


def test_controls_change_the_run(desk):
    """The check mark, the sliders and the lists all lead to another run and another program."""
    visit(desk, "preset=post")
    desk.get_by_label("Clear the gradients after each step").check()
    until(desk, f"{READY}.includes('nowhere')")
    assert "a.grad = b.grad = None" in desk.locator(".lp-code code").text_content()
    desk.locator("#lp-lr").fill("2e-5")
    until(desk, f"{READY}.includes('creeping')")
    desk.get_by_label("Decay of the rate").select_option("cosine")
    desk.locator("[data-key=form][value=angle]").click()
    found = state(desk)
    assert found == "#preset=post&lr=0.00002&clear=yes&decay=cosine&form=angle"


LIMITS = [
    ("Steps", "0", "a whole number from 1 to 100 000", "1000"),
    ("Steps", "100001", "a whole number from 1 to 100 000", "1000"),
    ("Minibatch", "1001", "a whole number from 0 to 1000", "0"),
    ("Learning rate", "-3", "a number from 1e-15 to 1 000 000", "2e-9"),
    ("Learning rate", "1000001", "a number from 1e-15 to 1 000 000", "2e-9"),
    ("Start slope", "1e101", "at most 1e100", "0"),
    ("Start intercept", "", "at most 1e100", "0"),
]


@pytest.mark.parametrize(("name", "text", "said", "before"), LIMITS)
def test_a_refused_value_tells_its_range_and_goes_back(name, text, said, before, desk):
    """While it is typed, the range is told; when the field is left, mark and message go."""
    visit(desk, "preset=post")
    field, problem = desk.get_by_label(name, exact=True), desk.locator(".lp-problem")
    field.fill(text)
    assert field.get_attribute("aria-invalid") == "true"
    assert said in problem.text_content()
    field.blur()
    assert float(field.input_value()) == float(before)
    assert field.get_attribute("aria-invalid") is None
    assert problem.text_content() == ""


def test_another_state_marks_no_field(desk):
    """A state that comes while a refused value is typed fills the field and clears its mark."""
    visit(desk, "preset=post")
    field = desk.get_by_label("Steps", exact=True)
    field.fill("0")
    visit(desk, "preset=large")
    assert field.input_value() == "60"
    assert field.get_attribute("aria-invalid") is None
    assert desk.locator(".lp-problem").text_content() == ""


def test_rate_and_limit_stand_in_a_true_sentence(desk):
    """The share is that of the rate, and the limit is 2/λmax; a link explains it."""
    visit(desk, "preset=post")
    share = desk.locator(".lp-share")
    said = share.text_content()
    assert "up to a rate of 2/λmax = 0.00422; 2e-9 is 4.74e-7 times that." in said
    assert share.get_by_role("link").get_attribute("href") == "../learn/step-size.html"


def test_numbers_have_one_minus(desk):
    """A whole number is written as any other: with the minus sign, in a label as on an axis."""
    visit(desk, "preset=post&start=-100000,-2.5")
    label = desk.locator(".lp-start").get_attribute("aria-label")
    assert label == "Start: slope −100000, intercept −2.5"
    found = desk.evaluate("[-100000, -195612.5, -2e-9, 7].map((v) => linefitPlay.line.short(v))")
    assert found == ["−100000", "−195600", "−2e-9", "7"]


def test_a_run_is_played_step_by_step(desk):
    """Back to the start, a step, play and pause; the readout follows."""
    visit(desk, "preset=angle")
    readout = desk.locator(".lp-readout")
    desk.get_by_role("button", name="Back to the start").click()
    until(desk, "document.querySelector('.lp-readout').textContent.includes('Step 0:')")
    desk.get_by_role("button", name="One step").click()
    until(desk, "document.querySelector('.lp-readout').textContent.includes('Step 1:')")
    desk.get_by_role("button", name="Play", exact=True).click()
    until(desk, "document.querySelector('.lp-readout').textContent.includes('Step 3:')")
    desk.get_by_role("button", name="Pause").click()
    assert "Step 6" not in readout.text_content()


def test_touch_drags_a_point(site):
    """A finger on a point moves it; the page does not scroll away under it."""
    page = site("#preset=outlier", viewport={"width": 390, "height": 800}, has_touch=True)
    until(page, READY)
    circle = page.locator(".lp-points circle").nth(18)
    circle.scroll_into_view_if_needed()
    box = circle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    for kind, dy in (("touchStart", 0), ("touchMove", -20), ("touchMove", -40), ("touchEnd", None)):
        points = [] if dy is None else [{"x": x, "y": y + dy}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert "points=" in state(page)
    assert circle.bounding_box()["y"] < box["y"] - 20


def test_states_are_accessible_and_narrow(site):
    """Errors, own points and the angle form break no rule of axe, and fit 360 px in the dark."""
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
    page = site("#preset=angle&lr=x&points=1,2;2,3;4,4", reduced_motion="reduce", **options)
    until(page, READY)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert violations(page) == []


def test_cause_and_effect_are_seen_together(site):
    """On a phone, what a run came to stays in view beside the map and the learning rate."""
    page = site("#preset=post", viewport={"width": 390, "height": 844}, has_touch=True)
    until(page, READY)
    page.evaluate("""() => {
      document.documentElement.style.scrollBehavior = 'auto'
      document.querySelector('#lp-lr').scrollIntoView({block: 'end'})
      scrollBy(0, 60)
    }""")
    boxes = [
        page.locator(selector).bounding_box()
        for selector in (".lp-verdict", "[data-go=play]", "#lp-map", "#lp-lr", ".lp-ruler")
    ]
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= 844 for box in boxes)
    assert boxes[0]["y"] < boxes[1]["y"] < boxes[2]["y"]
    page.locator("#lp-lr").fill("2e-5")
    until(page, f"{READY}.includes('minimum') || {READY}.includes('vertical')")


UNDER = """() => {
  const focused = document.activeElement
  const bar = document.querySelector('.lp-top')
  if (bar.contains(focused)) return null
  const [top, bottom] = [focused.getBoundingClientRect().top, bar.getBoundingClientRect().bottom]
  return top < bottom ? focused.outerHTML.slice(0, 60) : null
}"""


@pytest.mark.parametrize("width", [1280, 390])
def test_what_has_the_focus_is_in_sight(width, site):
    """Going back through the page by keyboard, nothing lies under what stays at its top."""
    page = site("#preset=hubble", viewport={"width": width, "height": 844})
    until(page, READY)
    page.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    page.locator(".lp-code pre").focus()
    hidden = []
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        hidden.append(page.evaluate(UNDER))
    assert [each for each in hidden if each] == []


def test_paper_has_the_pictures_and_no_buttons(site):
    """In print the map lies under its path, and the ten runs fit on a sheet."""
    page = site("#preset=post")
    until(page, READY)
    page.emulate_media(media="print")
    assert page.locator(".lp-app button:visible, .lp-app input:visible").count() == 0
    assert page.locator(".lp-verdict").is_visible()
    assert page.locator(".lp-top").evaluate("e => getComputedStyle(e).position") == "static"
    assert (
        page.locator(".lp-map canvas").evaluate("e => getComputedStyle(e).objectFit") == "contain"
    )
    assert page.locator(".cell_output img").first.bounding_box()["height"] <= 0.86 * 900


def test_without_script_the_runs_are_there(site):
    """Sentences and figures of all ten runs show without JavaScript, and the links lead to them."""
    page = site(java_script_enabled=False)
    assert not page.locator(".lp-app").is_visible()
    for name in PRESETS:
        assert page.locator(f"[id='preset={name}']").is_visible()
    assert page.locator(".cell_output img").first.is_visible()


def test_strict_policy_stops_nothing_of_ours(browser, html):
    """Under a policy without inline script and style, and without eval, the page works."""
    context = browser.new_context()
    page = context.new_page()
    broken = []
    page.on("console", lambda message: broken.append(message.location["url"]))
    kinds = {".css": "text/css", ".js": "text/javascript", ".html": "text/html"}

    def answer(route):
        path = html / urlsplit(route.request.url).path.lstrip("/")
        kind = kinds.get(path.suffix, "application/octet-stream")
        headers = {"Content-Security-Policy": POLICY}
        route.fulfill(body=path.read_bytes(), content_type=kind, headers=headers)

    page.route("**/*", answer)
    page.goto("http://site.test/play/line.html#preset=post")
    until(page, READY)
    page.locator(".lp-map svg").click()
    page.locator("[data-go=copy]").click()
    assert "start=" in state(page)
    assert [url for url in broken if "/_static/play/" in url] == []
    source = BeautifulSoup((html / "play/line.html").read_text("utf-8"), "html.parser")
    assert source.select(".lp-app [style], .lp-app script:not([src]), .lp-app [onclick]") == []
    context.close()


def test_landing_page_plays_the_run(site):
    """The small one stands at the lowest loss, plays when asked, and leads to the page."""
    page = site(name="index")
    mini = page.locator(".lp-mini")
    spot = page.locator("#lp-mini-loss circle")
    before = spot.get_attribute("cx")
    mini.get_by_role("button", name="Play").click()
    until(page, f"document.querySelector('#lp-mini-loss circle').getAttribute('cx') !== '{before}'")
    assert mini.get_by_role("link").get_attribute("href") == "play/line.html#preset=post"


def test_landing_page_plays_the_loop_that_it_shows(site):
    """Its curve is the loss of the loop above it, without the half: 2 L of the package's loss."""
    page = site(name="index")
    ticks = page.evaluate(
        "[...document.querySelectorAll('#lp-mini-loss text:not([class])')]"
        ".map(text => [Number(text.textContent), Number(text.getAttribute('y'))]).slice(-2)"
    )
    (low, below), (high, above) = ticks
    spot = page.locator("#lp-mini-loss circle")
    from_tick = (below - 4 - float(spot.get_attribute("cy"))) / (below - above)  # 4 to the mark
    shown = low * (high / low) ** from_tick
    x, y, _ = noisy_line(100)
    run = descend(x, y, lr=2e-9, steps=1000, clear_grad=False)
    assert shown == pytest.approx(2 * run.best.loss.item(), rel=1e-2)


def test_page_is_light(html):
    """The page with all of its own scripts and styles is far below 200 kB compressed."""
    own = [html / "play/line.html", *(html / "_static/play").glob("line-*.js")]
    own.append(html / "_static/play/play.css")
    assert len(own) > 5
    assert sum(len(gzip.compress(path.read_bytes())) for path in own) < 60_000


def test_pictures_are_drawn_anew_at_their_new_size(site):
    """A turned phone or a narrower window leaves no picture at the scale of the old one."""
    page = site()
    until(page, READY)
    page.set_viewport_size({"width": 390, "height": 844})
    until(page, "document.querySelector('#lp-points').getBoundingClientRect().width < 360")
    page.evaluate("new Promise(resolve => setTimeout(resolve, 350))")
    widths = page.evaluate(
        """[...document.querySelectorAll('#lp-points, #lp-map, #lp-loss')].map(svg =>
          [svg.viewBox.baseVal.width, svg.getBoundingClientRect().width])"""
    )
    assert len(widths) == 3
    assert all(abs(drawn - shown) < 1 for drawn, shown in widths)
