"""Exercises on a tiny site: what their schema refuses, what is executed, and what is written."""

import json
import shutil
from functools import partial
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from nbformat import v4

import exercise_sheet
import exercises
from exercise_notebook import inlined
from exercise_runner import ExerciseError, run
from exercises import SchemaError, read, shuffled
from micropython import scripts
from sources import DOCS, NPM

NUMBER = {
    "id": "twice",
    "kind": "number",
    "rung": "core",
    "code": "a = torch.tensor(3.0, requires_grad=True)\n(a * a).backward()\n",
    "ask": "What is `a.grad`?",
    "answer": "a.grad",
    "wrong": [{"value": 3, "hint": "Along **one** edge only."}],
    "why": "Two edges.",
}
PICK = NUMBER | {
    "id": "pick",
    "kind": "pick",
    "code": "print(1 + 1)",
    "wrong": [{"option": "11", "hint": "Those are numbers."}],
}
del PICK["answer"]
ORDER = NUMBER | {
    "id": "order",
    "kind": "order",
    "code": "",
    "lines": "a = 1\nb = a + 1\n",
    "check": "b",
    "wrong": [{"order": "2 1", "hint": "There is no a yet."}],
}
del ORDER["answer"]
NODE = NUMBER | {
    "id": "node",
    "kind": "node",
    "code": "x = torch.ones(2, requires_grad=True)\nwith graph.record() as g:\n    c = x.sum()\n",
    "answer": "box('x')",
    "wrong": [{"node": "box('c')", "hint": "That is the sum."}],
}
CODE = NUMBER | {
    "id": "code",
    "kind": "code",
    "code": "",
    "start": "def f(x):\n    return 0.0\n",
    "solution": "def f(x):\n    return 2 * x\n",
    "result": "[f(1.0), f(2.0)]",
    "what": "Twice 1 and twice 2",
    "answer": "[2.0, 4.0]",
    "wrong": [
        {"code": "def f(x):\n    return x\n", "hint": "Twice as much."},
        {"code": "def f():\n    return 1\n", "hint": "It takes x."},
    ],
}
ALL = [NUMBER, PICK, ORDER, NODE, CODE]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return the file in which the builds of these tests keep what they have executed."""
    return tmp_path_factory.mktemp("executed") / "exercises.json"


@pytest.fixture
def built(site, tmp_path, executed):
    """Return a function that builds some exercises and returns their page and the warnings."""
    cache = tmp_path / "docs" / "_build" / "exercises.json"
    cache.parent.mkdir(parents=True)
    if executed.exists():
        shutil.copy(executed, cache)
    yield partial(build, site, tmp_path)
    shutil.copy(cache, executed)


def build(site, tmp_path, *given, folder="practice/", more=None, **options):
    """Build a page of exercises; return it, and what the build warned of."""
    root = tmp_path / "linefit"
    root.mkdir(exist_ok=True)
    (root / "empty.py").touch()
    form = "```{{exercise}} About *{}*\n{}```\n"
    texts = [form.format(each["id"], yaml.safe_dump(each)) for each in given]
    page = "# Practice\n\n## Core\n\n" + "\n".join(texts) + "\n```{exercise-counts}\n```\n"
    pages = {f"{folder}tiny.md": page, "index.md": "# Site\n"}
    for name, which in (more or {}).items():
        (same,) = (text for text in texts if f"*{which}*" in text)
        pages[name] = f"# Other\n\n{same}"
    settings = {
        "myst_substitutions": {"wheel": "w.whl"},
        "exclude_patterns": ["_build"],
    }
    about = '[project]\nname = "demo"\nrequires-python = ">=3"\n'
    (tmp_path / "pyproject.toml").write_text(about, encoding="utf-8")
    (tmp_path / "docs" / "practice").mkdir(parents=True, exist_ok=True)
    extensions = ["myst_nb", "exercises"]
    app = site(extensions, pages, **settings | options)
    app.build()
    html = (app.outdir / f"{folder}tiny.html").read_text(encoding="utf-8")
    return BeautifulSoup(html, "html.parser"), app.warning.getvalue()


def test_exercise_of_each_kind_becomes_an_element(built):
    """There are question, hidden hints and a folded answer, and the facts that the script needs."""
    soup, warnings = built(*ALL)
    assert "exercise:" not in warnings
    boxes = soup.select("section[data-exercise]")
    assert [box["data-kind"] for box in boxes] == ["number", "pick", "order", "node", "code"]
    for box, given in zip(boxes, ALL, strict=True):
        hints = box.select(":scope > .ex-hint")
        assert len(hints) == len(given["wrong"])
        assert all(hint.has_attr("hidden") for hint in hints)
        assert "Two edges." in box.select_one("details.ex-answer").text
        assert box.h3.em.text == given["id"]
    facts = [json.loads(box["data-facts"]) for box in boxes]
    assert (facts[0]["answer"], facts[0]["wrong"]) == (6.0, [3.0])
    assert facts[4] == {"answer": [2, 4], "wrong": [[1, 2], "TypeError"], "tolerance": 1e-3}
    assert boxes[0].select_one(".ex-hint strong").text == "one"
    options = [item.text.strip() for item in boxes[1].select(".ex-options > li")]
    assert [["2", "11"][place] for place in facts[1]["shown"]] == options
    assert boxes[3].select_one("svg.lfg")


def test_answers_stand_once_more_for_paper_and_are_counted(built):
    """At the end are all answers with their numbers, and a table counts the exercises."""
    soup, _ = built(NUMBER, PICK)
    sheet = soup.select_one(".ex-sheet")
    assert [part.p.text for part in sheet.select(".ex-printed")] == [
        "1. About twice",
        "2. About pick",
    ]
    rows = [[cell.text for cell in row.select("td")] for row in soup.select(".ex-counts tbody tr")]
    paper = "sheet, with answers"
    assert rows == [["Practice", "0", "2", "0", "2", paper], ["All", "0", "2", "0", "2", ""]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "riddle"}, "expected `kind:`"),
        ({"why": None}, "why is NoneType, not str"),
        ({"rung": "top"}, "the rung is one of warm-up, core, stretch"),
        ({"lines": "x"}, "a number exercise has no lines"),
        ({"wrong": []}, "at least one usual mistake"),
        ({"wrong": [{"option": 3, "hint": "x"}]}, "each item of `wrong` has `value` and `hint`"),
    ],
)
def test_schema_names_what_is_wrong(change, message):
    """An exercise that is not written as it should be is refused with a reason."""
    with pytest.raises(SchemaError, match=message):
        read(yaml.safe_dump(NUMBER | change))


def test_schema_names_what_is_missing():
    """A field that a kind needs is asked for."""
    with pytest.raises(SchemaError, match="a number exercise needs answer"):
        read(yaml.safe_dump({key: NUMBER[key] for key in NUMBER if key != "answer"}))
    with pytest.raises(SchemaError, match="this is not YAML"):
        read("a: b: c")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (NUMBER | {"wrong": [{"value": "a.grad", "hint": "x"}]}, "cannot be told apart"),
        (NUMBER | {"check": "a > 5"}, "the check fails"),
        (NUMBER | {"code": "1 / 0"}, "raises: true"),
        (PICK | {"wrong": [{"option": "2", "hint": "x"}]}, "two options are the same"),
        (PICK | {"code": "pass"}, "prints nothing"),
        (ORDER | {"lines": "b = 1\na = 1\n"}, "gives the right result"),
        (ORDER | {"wrong": [{"order": "1 1", "hint": "x"}]}, "each line once"),
        (NODE | {"wrong": [{"node": "box('x')", "hint": "x"}]}, "meant once at most"),
        (NODE | {"answer": "box('y')"}, "meant once at most"),
        (CODE | {"solution": "def f(x):\n    return 3 * x\n"}, "the solution gives"),
        (CODE | {"start": CODE["solution"]}, "right already"),
        (CODE | {"nudge": "[1.0, 1.0]"}, "a nudge gives"),
    ],
)
def test_build_refuses_what_does_not_hold(given, message):
    """An answer or a hint that its own code contradicts does not get onto a page."""
    with pytest.raises(ExerciseError, match=message):
        run(given)


def test_fault_is_a_warning_that_names_its_place(built):
    """The build tells which exercise is at fault, and writes the others."""
    soup, warnings = built(NUMBER, PICK | {"code": "pass"})
    assert "tiny.md" in warnings
    assert "pick: ExerciseError: the code prints nothing" in warnings
    assert len(soup.select("[data-exercise]")) == 1


def test_order_shown_is_never_the_right_one():
    """The lines of an exercise are shown in another order, the same in each build."""
    for count in range(2, 7):
        for name in "abcdefgh":
            assert shuffled(name, count) != list(range(count))
            assert shuffled(name, count) == shuffled(name, count)
            assert sorted(shuffled(name, count)) == list(range(count))


def test_order_shown_is_none_of_those_that_are_right():
    """Where several orders are right, the lines are shown in one that is not."""
    right = [[0, 1, 2], [1, 0, 2], [0, 2, 1], [2, 0, 1], [2, 1, 0]]
    assert shuffled("any", 3, right) == [1, 2, 0]


def test_every_order_is_tried():
    """Each order that gives the same is right, and all that raise an error share its hint."""
    given = ORDER | {
        "lines": "a = 1\nb = a + 1\nc = 5\n",
        "check": "[b, c]",
        "wrong": [{"order": "2 1 3", "hint": "There is no a yet."}],
    }
    found = run(given)
    assert found["answer"] == [(1, 2, 3), (1, 3, 2), (3, 1, 2)]
    assert found["wrong"] == [[(2, 1, 3), (2, 3, 1), (3, 2, 1)]]


def test_one_hint_may_be_that_of_several_orders():
    """They are written with commas between them; none of them need raise an error."""
    lines = "a = a + 1\na = 2 * a\na = a - 1\n"
    one = {"order": "2 1 3, 2 3 1", "hint": "Add first."}
    given = ORDER | {"setup": "a = 1", "lines": lines, "check": "a", "wrong": [one]}
    assert run(given)["wrong"] == [[(2, 1, 3), (2, 3, 1)]]


def test_exercise_at_the_end_of_a_page_is_in_its_notebook(built):
    """An exercise elsewhere is part of the page's own notebook; none runs code in it."""
    _, warnings = built(NUMBER, NODE, CODE, folder="")
    assert "node would run code in the notebook of this page" in warnings
    assert "code would run code in the notebook of this page" in warnings
    page = [
        v4.new_markdown_cell("Before\n\n```{exercise} About *twice*\nid: twice\n```\n\nAfter"),
        v4.new_code_cell("x = 1"),
    ]
    kept = [{"title": "About *twice*", **NUMBER, "found": run(NUMBER)}]
    cells = inlined(page, kept, lambda role, target: target)
    texts = [cell.source for cell in cells]
    assert texts[0] == "Before"
    assert "def check(" in texts[1]
    assert texts[2].startswith("## About *twice*")
    assert texts[3:] == ['check("twice", ...)', "After", "x = 1"]


def test_sheet_has_neither_scripts_nor_menus(built, tmp_path):
    """Beside a page of exercises are two for paper, and the page links to them without a script."""
    soup, _ = built(*ALL)
    links = [a["href"] for a in soup.select(".ex-sheets a")]
    assert links == ["tiny-sheet.html", "tiny-answers.html"]
    for name, plain in zip(links, (True, False), strict=True):
        sheet = BeautifulSoup(
            (tmp_path / "docs/_build/html/practice" / name).read_text(), "html.parser"
        )
        assert len(sheet.select("[data-exercise]")) == len(ALL)
        assert sheet.select("script, nav, form, button") == []
        assert ("sheet-plain" in sheet.body["class"]) == plain
        assert all(link["href"].startswith("../_static/") for link in sheet.select("head link"))


def test_sheet_speaks_the_language(built, tmp_path, monkeypatch):
    """What a sheet says beside the exercises is translated."""
    monkeypatch.setattr(exercise_sheet, "_", lambda text: f"<{text}>")
    built(NUMBER)
    sheet = (tmp_path / "docs/_build/html/practice/tiny-sheet.html").read_text(encoding="utf-8")
    assert "<Print this page with your browser, on A4, or save it as PDF.>" in sheet


def test_progress_needs_a_name_of_its_own_for_each_exercise(built):
    """Two exercises of the site with the same id would share their progress."""
    _, warnings = built(NUMBER, NUMBER)
    assert "two exercises of this page have the id twice" in warnings
    _, warnings = built(NUMBER, more={"other.md": "twice"})
    assert "has the id twice too" in warnings


def test_interpreter_is_two_small_scripts():
    """MicroPython and the tape are in one script, the worker in another; both are small."""
    made = scripts(NPM / "@micropython" / "micropython-webassembly-pyscript")
    assert all("MIT license" in text.partition("\n")[0] for text in made.values())
    engine, worker = made["micropython.js"], made["micropython-worker.js"]
    kept = json.loads(engine.partition("window.exMicroPython = ")[2].rstrip(";\n"))
    assert kept.keys() == {"wasm", "tape"}
    assert len(engine) + len(worker) < 400_000
    assert "import.meta" not in worker


def test_interpreter_of_another_form_is_refused(tmp_path):
    """A release that the site does not know how to start ends the build."""
    shutil.copytree(NPM / "@micropython" / "micropython-webassembly-pyscript", tmp_path / "mp")
    (tmp_path / "mp" / "micropython.mjs").write_text("export {}", encoding="utf-8")
    with pytest.raises(Exception, match="This release of MicroPython has no"):
        scripts(tmp_path / "mp")


def test_tape_agrees_with_the_packages_own():
    """The scalar tape computes the values and gradients that linefit.tape does."""
    from linefit.tape import Tape

    scope = {}
    tape_file = DOCS / "_static" / "practice" / "scalar_tape.py"
    exec(tape_file.read_text(encoding="utf-8"), scope)  # noqa: S102 - the site's own source

    def f(x, y):
        return (x * y - 2 * x) * x + y - 3

    x, y = scope["Var"](1.5), scope["Var"](-0.5)
    scope["backward"](f(x, y))
    tape = Tape()
    u, v = tape.variable(1.5), tape.variable(-0.5)
    tape.backward(f(u, v))
    assert (x.grad, y.grad) == (u.grad, v.grad)
    assert scope["nudged"](lambda z: z**3, 2.0) == pytest.approx(12)


def test_table_is_written_anew_only_where_it_says_something_else():
    """A build without a change writes no page; another exercise or another title is shown."""
    each = {"id": "one", "rung": "core"}
    pages = {"practice/topic": {"exercises": [each]}, "index": {"counts_exercises": True}}
    titles = {"practice/topic": nodes.title("", "A topic")}
    env = SimpleNamespace(metadata=pages, titles=titles)
    app = SimpleNamespace(config=SimpleNamespace(exercise_runner=Mock()))
    assert exercises.changed(app, env) == ["index"]
    assert exercises.changed(app, env) == []
    pages["practice/topic"]["exercises"].append({"id": "two", "rung": "core"})
    assert exercises.changed(app, env) == ["index"]
    titles["practice/topic"] = nodes.title("", "Another title")
    assert exercises.changed(app, env) == ["index"]
    assert exercises.changed(app, env) == []


def test_words_that_the_script_shows_are_translated(built, translate):
    """Unit and caption go to the translator with the page, and come back where they are read."""
    translate("fr", "practice", {"bytes": "octets", "Twice 1 and twice 2": "Deux fois 1 et 2"})
    soup, _ = built(NUMBER | {"unit": "bytes"}, CODE, language="fr")
    number, code = soup.select("section[data-exercise]")
    assert number["data-unit"] == "octets"
    assert number.select_one(".ex-answer strong").text == "6 octets"
    assert soup.select_one(".ex-printed .ex-unit").text == "octets"
    assert code["data-what"] == "Deux fois 1 et 2"
    assert code["data-result"] == CODE["result"]
