"""The exercises in a browser: every answer is accepted, every usual mistake gets its hint."""

import json
import math
import mimetypes
import re

import pytest

from chromium import violations
from sources import DOCS

TOPICS = sorted(path.stem for path in (DOCS / "practice").glob("*.md") if path.stem != "index")
STORY = ["start", *(f"learn/{path.stem}" for path in sorted((DOCS / "learn").glob("*.md")))]
STORY.remove("learn/dynamic-and-static")  # which only says where its halves have gone
PAGES = [*(f"practice/{name}" for name in TOPICS), *STORY]
POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; font-src 'self' data:; "
    "script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'"
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
        page.goto((html / f"{name}.html").as_uri())
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
    from exercises import read

    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    found = re.findall(r"(?ms)^```\{exercise\} [^\n]*\n(.*?)^```$", text)
    return {each["id"]: each for each in map(read, found)}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_answers_are_accepted_and_mistakes_get_their_hint(name, opened):
    """Whatever the build knows to be right or usually wrong is judged so on the page."""
    page, known = opened(name), sources(name)
    boxes = exercises(page)
    assert len(boxes) == len(known) >= (6 if name.startswith("practice/") else 1)
    for box, facts in boxes:
        source = known[box.get_attribute("data-exercise")]
        is_code = source["kind"] == "code"
        if source["kind"] == "order":  # what is there to be done, and each order is known
            assert [place + 1 for place in facts["shown"]] not in facts["answer"]
            known_orders = [*facts["answer"], *(one for orders in facts["wrong"] for one in orders)]
            assert len(known_orders) == math.factorial(len(facts["shown"]))
        wrong = [each["code"] for each in source["wrong"]] if is_code else facts["wrong"]
        for mistake, hint in zip(wrong, hints(box), strict=True):
            give(box, facts, mistake[-1] if source["kind"] == "order" else mistake)
            assert said(box) == ("wrong", f"Not yet. {hint}") or is_code, (source["id"], said(box))
            assert hint in said(box)[1], (source["id"], mistake, said(box))
        right = facts["answer"][0] if source["kind"] == "order" else facts["answer"]
        give(box, facts, source["solution"] if is_code else right)
        assert said(box)[0] == "right", (source["id"], said(box))
        assert said(box)[1].startswith("Right.")
        assert box.locator(".ex-answer").get_attribute("open") is not None
        assert "ex-solved" in box.get_attribute("class")
    if name.startswith("practice/"):
        told = f"Solved on this page: {len(boxes)} of {len(boxes)}"
        assert told in page.locator(".ex-progress").inner_text()


def test_every_topic_has_all_rungs_and_every_page_an_exercise():
    """Each topic has a warm-up, a core and a stretch, all kinds occur, and each chapter has one."""
    found = [each for name in PAGES for each in sources(name).values()]
    assert len(found) >= 60
    assert len(TOPICS) == 10
    assert {each["kind"] for each in found} == {"number", "pick", "order", "node", "code"}
    for name in TOPICS:
        rungs = {each["rung"] for each in sources(f"practice/{name}").values()}
        assert rungs == {"warm-up", "core", "stretch"}
    assert all(sources(name) for name in STORY)


NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


@pytest.mark.parametrize("name", TOPICS)
def test_description_counts_the_exercises(name):
    """What a page says of itself begins with the number of its exercises."""
    source = f"practice/{name}"
    text = (DOCS / f"{source}.md").read_text(encoding="utf-8")
    assert f'description: "{NUMBERS[len(sources(source))].capitalize()} exercises on' in text


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *[("3", [3]), (" -0.5 ", [-0.5]), ("\N{MINUS SIGN}.5", [-0.5]), ("\N{EN DASH} 2", [-2])],
        *[
            ("0,5", [0.5]),
            ("1 / 4", [0.25]),
            ("1,5/2", [0.75]),
            ("1E-3", [0.001]),
            ("25 %", [0.25]),
        ],
        *[("8000 bytes", [8000]), ("8 000", [8000]), ("8'000", [8000]), ("8_000", [8000])],
        *[("8,000", [8, 8000]), ("0,125", [0.125]), ("1,234.5", [1234.5]), ("2*10^3", [2000])],
        *[("tensor(3.)", [3]), ("tensor(3., dtype=torch.float64)", [3]), ("a.grad = 7", [7])],
        *[("\N{FULLWIDTH DIGIT TWO}\N{FULLWIDTH DIGIT FIVE}", [25]), ("9" * 10_000, [1e60])],
        *[
            (text, [])
            for text in ("", " ", "abc", "3 4", "1 1/2", "1,2,3", "--3", "2\u00b2", "0/0")
        ],
        ("3 m", []),
    ],
)
def test_number_is_understood_as_people_type_it(opened, typed, meant):
    """Units, commas, fractions and signs are read, and what is no single number is none."""
    page = opened("practice/reading-graphs")
    assert page.evaluate("(text) => exJudge.numbers(text, 'bytes')", typed) == pytest.approx(meant)


def test_code_that_goes_wrong_is_told(opened):
    """Code that does not end is stopped, an error names its line, and the page goes on working."""
    page = opened("practice/custom-backward")
    box = page.locator("[data-exercise=backward-relu]")
    right = sources("practice/custom-backward")["backward-relu"]["solution"]

    def told(code):
        give(box, {}, code)
        return said(box)[1]

    assert "endless loop" in told(ENDLESS)
    syntax = "Python stopped in line 2 of your code: SyntaxError: invalid syntax"
    assert told("def relu(x):\n    return return\n") == syntax
    missing = "Python stopped in line 2 of your code: ImportError: no module named 'torch'"
    assert told("x = 1\nimport torch") == missing
    deep = told("def relu(x):\n    return relu(x)\n")
    assert deep.startswith("Python stopped in line 2 of your code: RuntimeError")
    assert "MemoryError" in told("a = [1]\nwhile True: a = a + a")
    assert "where your code is used: NameError: name 'relu' isn't defined" in told("")
    assert "where your code is used: TypeError" in told("def relu(x):\n    pass")
    assert "SystemExit" in told("raise SystemExit")
    assert said(box)[0] == "wrong"
    assert told(right).startswith("Right.")


def test_code_may_print_and_use_any_name(opened):
    """What is printed is shown, not more than fits, and a name of Python's own may be taken."""
    page = opened("practice/custom-backward")
    box = page.locator("[data-exercise=backward-relu]")
    right = sources("practice/custom-backward")["backward-relu"]["solution"]
    give(box, {}, "print('x' * 1_000_000)\n" + right)
    assert said(box)[0] == "right"
    assert len(said(box)[1]) < 3000
    assert "998,001 characters more" in said(box)[1]
    give(box, {}, "print('<b>\N{PARTIAL DIFFERENTIAL}</b>', end='')\n" + right)
    assert "Your code prints: <b>\N{PARTIAL DIFFERENTIAL}</b>" in said(box)[1]
    give(box, {}, "sum = list = float = isinstance = json = zip = 0\n" + right)
    assert said(box)[0] == "right"
    rows = box.locator(".ex-numbers tr").all_inner_texts()
    assert rows == ["Your code\t4, 0, 0", "PyTorch\t4, 0, 0"]


def test_code_runs_under_a_strict_policy(browser, html):
    """With WebAssembly allowed, nothing inline and nothing from elsewhere, every kind works."""
    context = browser.new_context()
    page = context.new_page()

    def serve(route):
        path = html / route.request.url.partition("://linefit.test/")[2].partition("?")[0]
        kind = mimetypes.guess_type(path.name)[0] or "text/plain"
        headers = {"content-security-policy": POLICY, "content-type": kind}
        route.fulfill(body=path.read_bytes(), headers=headers)

    page.route("http://linefit.test/**", serve)
    page.goto("http://linefit.test/practice/accumulation.html")
    known = sources("practice/accumulation")
    for box, facts in exercises(page):
        source = known[box.get_attribute("data-exercise")]
        right = facts["answer"][0] if source["kind"] == "order" else facts["answer"]
        give(box, facts, source.get("solution", right))
        assert said(box)[0] == "right", source["id"]
    context.close()


def test_progress_is_kept_saved_and_reset(opened, browser, html):
    """What was solved is still so after a reload, can be saved as text, and be forgotten."""
    context = browser.new_context()
    page = opened("practice/chain-rule", context)
    bar = page.locator(".ex-progress")
    page.locator("[data-exercise=chain-product] input").fill("-2")
    submit(page.locator("[data-exercise=chain-product]"))
    page.reload()
    assert "1 of 9" in bar.inner_text()
    with page.expect_download() as saved:
        bar.get_by_text("Save as text").click()
    assert "chain-product\tsolved" in saved.value.path().read_text(encoding="utf-8")
    answers = ["dismiss", "accept"]
    page.on("dialog", lambda dialog: getattr(dialog, answers.pop(0))())
    bar.get_by_text("Start over").click()
    assert "1 of 9" in bar.inner_text()  # it asks first
    bar.get_by_text("Start over").click()
    page.reload()
    assert "0 of 9" in bar.inner_text()
    other = "localStorage.setItem('linefit-practice', '[1, null')"
    page.evaluate(other)
    page.reload()
    assert "0 of 9" in bar.inner_text()
    context.close()


def test_start_over_clears_the_page(opened, browser):
    """No field, verdict or answer is left; where there is code, it is that of the beginning."""
    context = browser.new_context()
    page = opened("practice/chain-rule", context)
    page.on("dialog", lambda dialog: dialog.accept())
    box = page.locator("[data-exercise=chain-product]")
    box.locator("input").fill("-2")
    submit(box)
    assert box.locator(".ex-answer").get_attribute("open") is not None
    page.locator(".ex-progress").get_by_text("Start over").click()
    assert (said(box), box.locator("input").input_value()) == ((None, ""), "")
    assert box.locator(".ex-answer").get_attribute("open") is None
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


@pytest.mark.parametrize(
    "name", ["practice/reading-graphs", "practice/debugging", "learn/autograd"]
)
def test_judged_exercises_are_accessible_on_a_dark_phone(name, browser, html):
    """After a right and a wrong answer axe finds nothing, and nothing runs out of 360 pixels."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = context.new_page()
    page.goto((html / f"{name}.html").as_uri())
    boxes = exercises(page) if page.locator(".ex-form").count() else []  # a sheet has no forms
    for number, (box, facts) in enumerate(boxes):
        if box.get_attribute("data-kind") in {"number", "pick", "node"}:
            give(box, facts, facts["wrong"][0] if number % 2 else facts["answer"])
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    controls = page.locator(".ex :is(button, input, textarea)").all()  # what is clipped counts too
    assert [
        box for box in (c.bounding_box() for c in controls) if box["x"] + box["width"] > 360
    ] == []
    page.evaluate("scrollTo(0, 0)")  # the theme's way back to the top is outside of all landmarks
    page.locator(".back-to-top:visible").wait_for(state="detached")
    assert violations(page) == []
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", TOPICS)
def test_sheet_prints_on_a4(name, browser, html, tmp_path):
    """Without scripts there are whole figures, room to write, and the answers only if asked for."""
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 720, "height": 1000}
    )
    page = context.new_page()
    count = len(sources(f"practice/{name}"))
    for kind, answers in (("sheet", 0), ("answers", count)):
        page.goto((html / "practice" / f"{name}-{kind}.html").as_uri())
        page.emulate_media(media="print", color_scheme="dark")
        assert page.locator("[data-exercise]:visible").count() == count
        assert page.locator(".ex-printed:visible").count() == answers
        for what in ("ex-answer", "ex-hint", "sheet-note", "headerlink", "reading"):
            assert page.locator(f".{what}:visible").count() == 0
        sizes = [each.bounding_box() for each in page.locator(":is(svg, pre, .ex):visible").all()]
        assert all(s["x"] >= 0 and s["x"] + s["width"] <= 720 and s["height"] < 990 for s in sizes)
        page.pdf(path=tmp_path / "sheet.pdf", prefer_css_page_size=True)
        found = (tmp_path / "sheet.pdf").read_bytes()
        assert set(re.findall(rb"/MediaBox \[0 0 (\d+)\.?\d* (\d+)", found)) == {
            (b"594", b"841")
        }  # A4
        assert 2 <= len(re.findall(rb"/Type /Page\b", found)) <= 12
    context.close()


def test_page_prints_its_answers_last(opened):
    """A page of exercises that is printed as it is has no controls, and its answers at the end."""
    page = opened("practice/loss")
    assert not page.locator(".ex-sheet").is_visible()
    page.emulate_media(media="print")
    assert page.locator("button:visible").count() == 0
    assert not page.locator(".ex-answer").first.is_visible()
    assert page.locator(".ex-sheet").is_visible()
    assert page.locator(".ex-printed").count() == page.locator("[data-exercise]").count()


@pytest.mark.parametrize("name", PAGES)
def test_notebook_judges_answers(name, page, capsys, monkeypatch):
    """In the page's notebook, ``check`` accepts each answer and gives each hint."""
    cells = page(name).notebook().cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    scope = {}
    judge = next(text for text in code if "def check(" in text)
    exec(judge, scope)  # noqa: S102 - the notebook of our own site
    for key, exercise in scope["KEPT"].items():
        is_list = exercise["kind"] in {"order", "node"}
        right = exercise["answer"][0] if is_list else exercise["answer"]
        as_given = (lambda value: lambda: value) if exercise["kind"] == "code" else lambda v: v
        assert scope["check"](key, as_given(right)), key
        for wrong, hint in zip(exercise["wrong"], exercise["hints"], strict=True):
            if isinstance(wrong, str) and exercise["kind"] == "code":
                continue  # an error that the code raises
            given = wrong[0] if is_list else wrong
            capsys.readouterr()
            assert not scope["check"](key, as_given(given)), key
            assert capsys.readouterr().out.strip() == f"Not yet. {hint}"
        if exercise["kind"] != "code":
            assert scope["check"](key, object()) is None
            assert capsys.readouterr().out.startswith("Give ")
    assert len([cell for cell in code if cell.startswith('check("')]) == len(scope["KEPT"])


PRESENTED = [
    *(f"learn/{path.stem}" for path in sorted((DOCS / "learn").glob("*.md"))),
    *("start", "play/line", "play/graph", "practice/chain-rule", "index"),
]
SHOWN = """() => [...document.querySelectorAll("article section > :is(h1, h2, h3)")]
    .filter((head) => head.checkVisibility()).map((head) => head.textContent)"""
OTHERS = """() => [...document.querySelectorAll("article *")].filter((each) =>
    each.checkVisibility() && !each.closest(".pr-now, .pr-bar, .pr-title") &&
    !each.querySelector(".pr-now")).map((each) => each.outerHTML.slice(0, 80))"""

# What was out of sight has its height once it has been drawn.
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def projector(browser, html):
    """Return a function that opens a page in the projector view."""
    contexts = []

    def open_page(name, **options):
        size = {"width": 1280, "height": 720}
        contexts.append(browser.new_context(**({"viewport": size} | options)))
        page = contexts[-1].new_page()
        address, _, fragment = name.partition("#")
        page.goto(
            (html / f"{address}.html").as_uri() + "?present" + f"#{fragment}" * bool(fragment)
        )
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESENTED)
def test_slides_show_one_section_at_a_time(name, projector):
    """The arrows pass through each section of a page, every screen of it, and no other is seen."""
    page = projector(name)
    count = page.locator(".pr-slide").count()
    headings = page.locator(".pr-slide, .pr-group").count()
    seen = []
    for number in range(1, count + 1):
        assert page.locator(".pr-bar span").inner_text() == f"{number} / {count}"
        seen += page.evaluate(SHOWN)
        assert page.evaluate(OTHERS) == []
        assert page.evaluate("root = document.documentElement, root.scrollWidth <= innerWidth")
        for _ in range(40):  # screens of a long section
            page.evaluate(DRAWN)
            if page.evaluate("root.scrollHeight - innerHeight - scrollY <= 8"):
                break
            page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
    assert len(seen) == headings
    page.keyboard.press("Escape")
    assert len(page.evaluate(SHOWN)) == headings
    assert page.evaluate("[...document.querySelectorAll('svg.lfg')].every((f) => !f.style.zoom)")


def test_slides_fold_code_and_keep_prose_as_notes(projector):
    """The first paragraph and the figures stay; code and the other paragraphs come with a key."""
    page = projector("learn/graphs#a-series-of-operations")
    current = page.locator(".pr-now")
    code, prose = current.locator("div.cell_input").first, current.locator(":scope > p")
    assert (code.is_visible(), prose.nth(0).is_visible(), prose.nth(1).is_visible()) == (0, 1, 0)
    page.keyboard.press("c")
    page.keyboard.press("N")
    assert (code.is_visible(), prose.nth(1).is_visible()) == (True, True)


ALONE = """() => [...document.querySelectorAll(".pr-now")]
    .filter((slide) => slide.innerText === slide.querySelector("h1, h2, h3").innerText)
    .map((slide) => slide.innerText)"""


def test_no_slide_holds_only_a_heading(projector):
    """A heading without text of its own is shown above the first section that it has."""
    page = projector("practice/accumulation")
    alone = []
    for _ in range(page.locator(".pr-slide").count()):
        alone += page.evaluate(ALONE)
        page.keyboard.press("PageDown")
    assert alone == []
    asked = projector("practice/accumulation#core")
    headings = asked.evaluate(SHOWN)
    assert headings[0].startswith("Core")
    assert len(headings) == 2


def test_who_leaves_the_slides_has_left_them_after_a_reload(projector):
    """Escape takes what asked for the slides out of the address, and keeps the section."""
    page = projector("learn/graphs#a-series-of-operations")
    page.keyboard.press("Escape")
    assert page.evaluate("location.search + location.hash") == "#a-series-of-operations"
    page.reload()
    assert not page.locator(".pr-bar").is_visible()


def test_player_and_exercise_work_on_a_slide(projector):
    """In a player the arrows step; beside it they turn the slides, as buttons do."""
    page = projector("learn/graphs#the-chain-rule-one-edge-at-a-time")
    player = page.locator(".pr-now .lfg-player").first
    before, place = player.locator(".lfg-words").inner_text(), page.locator(".pr-bar span")
    here = place.inner_text()
    player.locator("button[data-go=next]").click()
    page.keyboard.press("ArrowRight")
    assert player.locator("input").input_value() == "3"
    assert player.locator(".lfg-words").inner_text() != before
    assert place.inner_text() == here
    page.locator(".pr-now > h2").click()
    page.keyboard.press("End")
    page.get_by_label("Back").click()
    assert place.inner_text() != here
    page.get_by_label("Leave the projector view").click()
    assert not page.locator(".pr-bar").is_visible()

    box = projector("practice/chain-rule#ex-chain-square").locator(".pr-now")
    box.locator("input").fill("30")
    box.locator("input").press("Enter")
    assert box.locator(".ex-said").get_attribute("data-state") == "right"


def test_lesson_opens_what_it_promises(projector, page):
    """Each link of a plan shows its section, and the player there at the step that is named."""
    links = page("teach").content.select("a[href*='?present']")
    assert len(links) > 25
    opened = projector("teach")
    for link in links:
        opened.goto("about:blank")
        opened.goto((page("teach").path.parent.as_uri()) + "/" + link["href"])
        opened.locator(".pr-bar").wait_for()
        address, _, place = link["href"].partition("#")
        current = opened.locator(".pr-now")
        assert current.get_attribute("id") == place, link["href"]
        assert current.locator(":scope > :is(h1, h2, h3)").is_visible()
        step = address.partition("&step=")[2]
        if step:
            player = current.locator(".lfg-player").first
            assert player.locator("input").input_value() == step
            assert f"Step {step} of" in player.locator(".lfg-words").inner_text()


def test_plans_fill_their_minutes(page):
    """The rows of a plan follow on each other, from the first minute to the last."""
    plans = []
    for table in page("teach").content.select("table"):
        cells = [row.td.text for row in table.select("tbody tr")]
        if table.th.text == "minutes":
            plans.append([tuple(map(int, cell.split("\N{EN DASH}"))) for cell in cells])
    assert [plan[-1][1] for plan in plans] == [45, 90, 90, 90, 90]
    for plan in plans:
        assert [start for start, _ in plan] == [0, *(end for _, end in plan[:-1])]


def test_sheets_of_the_lesson_are_there(page):
    """A sheet that a plan hands out is written."""
    links = page("teach").content.select("a[href$='-sheet.html']")
    assert len(links) > 8
    assert all((page("teach").path.parent / link["href"]).exists() for link in links)
