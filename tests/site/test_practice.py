"""The exercises in a browser: every answer is accepted, every usual mistake gets its hint."""

import json
import mimetypes

import pytest

from sources import DOCS, NPM

PAGES = sorted(path.stem for path in (DOCS / "practice").glob("*.md") if path.stem != "index")
AXE = "axe.run({preload: false, resultTypes: ['violations']}).then(found => found.violations)"
POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; font-src 'self'; "
    "script-src 'self' 'wasm-unsafe-eval' blob:; worker-src blob:"
)
ENDLESS = "while True:\n    pass\n"


@pytest.fixture(scope="module")
def window(browser):
    """Return a window of a desk that keeps its progress."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def opened(window, html):
    """Return a function that opens a page of the practice; no script may fail."""
    errors, pages = [], []

    def open_page(name, context=window):
        page = context.new_page()
        page.set_default_timeout(20_000)
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((html / "practice" / f"{name}.html").as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()
    assert errors == []


def exercises(page):
    """Return each exercise of a page with what its script knows of it."""
    boxes = page.locator("[data-exercise]").all()
    return [(box, json.loads(box.get_attribute("data-facts"))) for box in boxes]


def submit(box):
    """Press the exercise's button."""
    box.locator("button[type=submit]").click()


def give(box, facts, answer):
    """Answer an exercise as a reader does, with the keyboard where that is natural."""
    kind = box.get_attribute("data-kind")
    if kind == "number":
        box.locator("input").fill(repr(answer))
        box.locator("input").press("Enter")
    elif kind == "pick":
        box.locator(f"input[value='{answer}']").check()
        submit(box)
    elif kind == "node":
        box.locator(f"g[id$='-n{answer[0]}']").focus()
        box.page.keyboard.press("Enter")
    elif kind == "order":
        arrange(box, answer)
        submit(box)
    else:
        box.locator("textarea").fill(answer)
        submit(box)
        box.locator(".ex-said[data-state=right], .ex-said[data-state=wrong]").wait_for()


def arrange(box, order):
    """Bring the lines into an order with their buttons."""
    for place, line in enumerate(order):
        numbers = box.locator(".ex-lines > li").evaluate_all("all => all.map(e => +e.dataset.line)")
        for _ in range(numbers.index(line) - place):
            box.locator(f"li[data-line='{line}'] button").first.press("Enter")


def said(box):
    """Return how an exercise judged, and its words."""
    found = box.locator(".ex-said")
    return found.get_attribute("data-state"), " ".join(found.inner_text().split())


def hints(box):
    """Return the words of all hints of an exercise, in order."""
    texts = box.locator(":scope > .ex-hint").all_text_contents()
    return [" ".join(text.split()) for text in texts]


def sources(name):
    """Return the YAML of the exercises of a page, by id."""
    import re

    from exercises import read

    text = (DOCS / "practice" / f"{name}.md").read_text(encoding="utf-8")
    found = re.findall(r"(?ms)^```\{exercise\} [^\n]*\n(.*?)^```$", text)
    return {each["id"]: each for each in map(read, found)}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_answers_are_accepted_and_mistakes_get_their_hint(name, opened):
    """Whatever the build knows to be right or usually wrong is judged so on the page."""
    page, known = opened(name), sources(name)
    boxes = exercises(page)
    assert len(boxes) == len(known) >= 6
    for box, facts in boxes:
        source = known[box.get_attribute("data-exercise")]
        is_code = source["kind"] == "code"
        if source["kind"] == "order":  # what is there to be done
            assert [place + 1 for place in facts["shown"]] not in facts["answer"]
        wrong = [each["code"] for each in source["wrong"]] if is_code else facts["wrong"]
        for mistake, hint in zip(wrong, hints(box), strict=True):
            give(box, facts, mistake)
            state, words = said(box)
            assert (state, hint in words) == ("wrong", True), (source["id"], mistake, words)
        right = facts["answer"][0] if source["kind"] == "order" else facts["answer"]
        give(box, facts, source["solution"] if is_code else right)
        assert said(box)[0] == "right", (source["id"], said(box))
        assert said(box)[1].startswith("Right.")
        assert box.locator(".ex-answer").get_attribute("open") is not None
    count = len(boxes)
    assert f"Solved on this page: {count} of {count}" in page.locator(".ex-progress").inner_text()


def test_every_topic_has_all_rungs_and_there_are_sixty():
    """Each page has a warm-up, a core and a stretch, and all kinds occur."""
    found = [each for name in PAGES for each in sources(name).values()]
    assert len(found) >= 60
    assert len(PAGES) == 10
    assert {each["kind"] for each in found} == {"number", "pick", "order", "node", "code"}
    for name in PAGES:
        assert {each["rung"] for each in sources(name).values()} == {"warm-up", "core", "stretch"}


def test_endless_loop_and_broken_code_are_told(opened):
    """Code that does not end is stopped, an error is shown, and the page goes on working."""
    page = opened("custom-backward")
    box = page.locator("[data-exercise=backward-relu]")
    give(box, {}, ENDLESS)
    assert "endless loop" in said(box)[1]
    give(box, {}, "def relu(x:")
    assert "SyntaxError" in said(box)[1]
    give(box, {}, "def relu(x):\n    return relu(x)\n")
    assert said(box)[0] == "wrong"
    give(box, {}, sources("custom-backward")["backward-relu"]["solution"])
    assert said(box)[0] == "right"


def test_code_runs_under_a_strict_policy(browser, html):
    """With WebAssembly and blobs allowed, and nothing inline, every kind works."""
    context = browser.new_context()
    page = context.new_page()

    def serve(route):
        path = html / route.request.url.partition("://linefit.test/")[2].partition("?")[0]
        kind = mimetypes.guess_type(path.name)[0] or "text/plain"
        headers = {"content-security-policy": POLICY, "content-type": kind}
        route.fulfill(body=path.read_bytes(), headers=headers)

    page.route("http://linefit.test/**", serve)
    page.goto("http://linefit.test/practice/accumulation.html")
    known = sources("accumulation")
    for box, facts in exercises(page):
        source = known[box.get_attribute("data-exercise")]
        right = facts["answer"][0] if source["kind"] == "order" else facts["answer"]
        give(box, facts, source.get("solution", right))
        assert said(box)[0] == "right", source["id"]
    context.close()


def test_progress_is_kept_saved_and_reset(opened, browser, html):
    """What was solved is still so after a reload, can be saved as text, and be forgotten."""
    context = browser.new_context()
    page = opened("chain-rule", context)
    bar = page.locator(".ex-progress")
    page.locator("[data-exercise=chain-product] input").fill("-2")
    submit(page.locator("[data-exercise=chain-product]"))
    page.reload()
    assert "1 of 8" in bar.inner_text()
    with page.expect_download() as saved:
        bar.get_by_text("Save as text").click()
    assert "chain-product\tsolved" in saved.value.path().read_text(encoding="utf-8")
    bar.get_by_text("Start over").click()
    page.reload()
    assert "0 of 8" in bar.inner_text()
    context.close()


def test_exercises_work_where_nothing_may_be_kept(browser, html):
    """Without localStorage an exercise judges as ever."""
    context = browser.new_context()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }})"
    )
    page, errors = context.new_page(), []  # the theme's own script fails there
    page.on("pageerror", lambda error: errors.append(error.stack or ""))
    page.goto((html / "practice" / "chain-rule.html").as_uri())
    box = page.locator("[data-exercise=chain-product]")
    for typed, state in (("\N{MINUS SIGN}2", "right"), ("3", "wrong"), ("-4/2", "right")):
        box.locator("input").fill(typed)
        submit(box)
        assert said(box)[0] == state
    assert [stack for stack in errors if "practice.js" in stack] == []
    context.close()


def test_without_script_there_are_question_and_folded_answer(browser, html):
    """Without JavaScript no control is shown that does nothing, and the answer can be opened."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((html / "practice" / "accumulation.html").as_uri())
    boxes = page.locator("[data-exercise]")
    assert boxes.count() == 6
    for box in boxes.all():
        assert box.locator("button, input, textarea").count() == 0
        assert box.locator(".ex-ask").is_visible()
        assert not box.locator(".ex-answer p").first.is_visible()
        box.locator("summary").click()
        assert box.locator(".ex-answer p").first.is_visible()
    context.close()


@pytest.mark.parametrize("name", ["reading-graphs", "debugging"])
def test_judged_exercises_are_accessible_on_a_dark_phone(name, browser, html):
    """After a right and a wrong answer axe finds nothing, and nothing runs out of 360 pixels."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = context.new_page()
    page.goto((html / "practice" / f"{name}.html").as_uri())
    for number, (box, facts) in enumerate(exercises(page)):
        if box.get_attribute("data-kind") in {"number", "pick", "node"}:
            give(box, facts, facts["wrong"][0] if number % 2 else facts["answer"])
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    controls = page.locator(".ex :is(button, input, textarea)").all()  # what is clipped counts too
    assert [
        box for box in (c.bounding_box() for c in controls) if box["x"] + box["width"] > 360
    ] == []
    page.add_script_tag(path=NPM / "axe-core" / "axe.min.js")
    found = page.evaluate(AXE)
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
    context.close()


def test_sheet_prints_with_and_without_answers(opened):
    """On paper there are no controls; the answers come last, and only if they are asked for."""
    page = opened("loss")
    page.emulate_media(media="print")
    assert not page.locator("button").first.is_visible()
    assert not page.locator(".ex-sheet").is_visible()
    assert not page.locator(".ex-answer").first.is_visible()
    page.evaluate("document.documentElement.classList.add('ex-with-answers')")
    assert page.locator(".ex-sheet").is_visible()
    assert page.locator(".ex-printed").count() == page.locator("[data-exercise]").count()


@pytest.mark.parametrize("name", PAGES)
def test_notebook_judges_answers(name, page, capsys, monkeypatch):
    """In the page's notebook, ``check`` accepts each answer and gives each hint."""
    cells = page(f"practice/{name}").notebook().cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    scope = {}
    exec(code[0], scope)  # noqa: S102 - the notebook of our own site
    for key, exercise in scope["KEPT"].items():
        is_list = exercise["kind"] in {"order", "node"}
        right = exercise["answer"][0] if is_list else exercise["answer"]
        as_given = (lambda value: lambda: value) if exercise["kind"] == "code" else lambda v: v
        assert scope["check"](key, as_given(right)), key
        for wrong, hint in zip(exercise["wrong"], exercise["hints"], strict=True):
            if isinstance(wrong, str) and exercise["kind"] == "code":
                continue  # an error that the code raises
            given = wrong[0] if exercise["kind"] == "node" else wrong
            capsys.readouterr()
            assert not scope["check"](key, as_given(given)), key
            assert capsys.readouterr().out.strip() == hint
    assert len([cell for cell in code if cell.startswith('check("')]) == len(scope["KEPT"])


def test_slides_show_one_section_at_a_time(browser, html):
    """With ``?present`` the arrows move from section to section, and Escape ends it."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.goto((html / "learn" / "graphs.html").as_uri() + "?present")
    headings = page.locator("article section > :is(h1, h2, h3)")
    shown = lambda: [h.inner_text() for h in headings.all() if h.is_visible()]  # noqa: E731
    first = shown()
    assert len(first) == 1
    page.keyboard.press("ArrowRight")
    second = shown()
    assert len(second) == 1
    assert second != first
    assert not page.locator("section.pr-now > div.cell div.cell_input").first.is_visible()
    page.keyboard.press("c")
    page.keyboard.press("ArrowLeft")
    assert shown() == first
    assert page.locator("section.pr-now > div.cell div.cell_input").first.is_visible()
    page.keyboard.press("Escape")
    assert len(shown()) > 5
    context.close()
