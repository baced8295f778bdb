"""Exercises that check themselves: one source for the page, its notebook and a printed sheet.

An exercise is a directive whose body is YAML; CONTRIBUTING.md describes it for authors::

    ```{exercise} Two edges
    id: two-edges
    kind: number
    rung: core
    code: |
      x = torch.tensor(3.0, requires_grad=True)
      (x * x).backward()
    ask: What is `x.grad`?
    answer: x.grad
    wrong:
      - value: 3
        hint: That is the part of one edge only.
    ```

Each answer and each wrong value is executed in the build, by ``exercise_runner.py``.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

import exercise_notebook
import exercise_sheet
import micropython
from exercise_runner import TAPE

logger = logging.getLogger(__name__)
HERE = Path(__file__).parent
RUNNER = HERE / "exercise_runner.py"
RUNGS = {"warm-up": _("Warm-up"), "core": _("Core"), "stretch": _("Stretch")}
MINUTES = {"warm-up": 1, "core": 3, "stretch": 5}  # of thought, a guess like all times of reading
TASKS = {
    "number": _("Type a number"),
    "pick": _("Pick one"),
    "order": _("Put the lines in order"),
    "node": _("Choose a box"),
    "code": _("Write code"),
}

Schema = dict[str, tuple[type, ...]]
TEXT, LIST, NUMBER, FLAG = (str,), (list,), (int, float), (bool,)
VALUE = (str, int, float)
COMMON: Schema = {"id": TEXT, "kind": TEXT, "rung": TEXT, "ask": TEXT, "wrong": LIST, "why": TEXT}
FREE: Schema = {"setup": TEXT, "code": TEXT, "after": TEXT, "raises": FLAG, "check": TEXT}
REQUIRED: dict[str, Schema] = {
    "number": {"answer": VALUE},
    "pick": {},
    "order": {"lines": TEXT, "check": TEXT},
    "node": {"answer": TEXT},
    "code": {"start": TEXT, "solution": TEXT, "result": TEXT, "what": TEXT, "answer": VALUE},
}
OPTIONAL: dict[str, Schema] = {
    "number": {"unit": TEXT, "tolerance": NUMBER},
    "pick": {"answer": VALUE},
    "order": {"frame": TEXT},
    "node": {},
    "code": {"nudge": TEXT, "tolerance": NUMBER},
}
FOLDER = "practice/"  # pages of exercises: with progress, sheets and a notebook of their own
SHOWN = ("unit", "result", "nudge", "what")  # what the page's script shows or sends to Python
IN_WORDS = ("unit", "what")  # those of them that are words
UNIT = "ex-unit"
WRONG = {"number": "value", "pick": "option", "order": "order", "node": "node", "code": "code"}


class SchemaError(ValueError):
    """Raised for an exercise that is not written as it should be."""


def read(text: str) -> dict[str, Any]:
    """Return an exercise from its YAML, once it agrees with the schema."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SchemaError(f"this is not YAML: {error}") from error
    if not isinstance(found, dict) or found.get("kind") not in REQUIRED:
        raise SchemaError(f"expected `kind:` with one of {', '.join(REQUIRED)}")
    kind = found["kind"]
    required = COMMON | REQUIRED[kind]
    if missing := required.keys() - found.keys():
        raise SchemaError(f"a {kind} exercise needs {', '.join(sorted(missing))}")
    known = required | FREE | OPTIONAL[kind]
    if strange := found.keys() - known.keys():
        raise SchemaError(f"a {kind} exercise has no {', '.join(sorted(strange))}")
    for key, value in found.items():
        if not isinstance(value, known[key]):
            raise SchemaError(f"{key} is {type(value).__name__}, not {known[key][0].__name__}")
    _check_details(found)
    return found


def _check_details(found: dict[str, Any]) -> None:
    if found["rung"] not in RUNGS:
        raise SchemaError(f"the rung is one of {', '.join(RUNGS)}, not {found['rung']}")
    key = WRONG[found["kind"]]
    for each in found["wrong"]:
        if not isinstance(each, dict) or each.keys() != {key, "hint"}:
            raise SchemaError(f"each item of `wrong` has `{key}` and `hint`, not {each}")
    if not found["wrong"]:
        raise SchemaError("name at least one usual mistake under `wrong`")


class Runner:
    """The process that executes exercises, and what it found in earlier builds."""

    def __init__(self, app: Sphinx) -> None:
        self.cache = app.confdir / "_build" / "exercises.json"
        self.root = app.confdir.parent
        self.known: dict[str, Any] = {}
        self.process: subprocess.Popen[str] | None = None
        self.seconds = 0.0
        self.stamp = self._stamp()
        if self.cache.exists():
            self.known = json.loads(self.cache.read_text(encoding="utf-8"))

    def run(self, exercise: dict[str, Any]) -> dict[str, Any]:
        """Return what came out of an exercise, now or in an earlier build."""
        text = json.dumps(exercise, sort_keys=True)
        key = hashlib.sha256(f"{self.stamp}\0{text}".encode()).hexdigest()
        if key not in self.known:
            start = time.perf_counter()
            found = self._ask(text)
            self.seconds += time.perf_counter() - start
            if "error" in found:
                return found
            self.known[key] = found
        return dict(self.known[key])

    def stop(self) -> None:
        """End the process, and keep what it found."""
        if self.process is not None:
            self.process.communicate()
            self.process = None
            self.cache.parent.mkdir(parents=True, exist_ok=True)
            self.cache.write_text(json.dumps(self.known), encoding="utf-8")

    def _ask(self, text: str) -> dict[str, Any]:
        if self.process is None:
            command = [sys.executable, str(RUNNER)]
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(
                command,
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                cwd=self.root,
            )
        talk = self.process
        assert talk.stdin is not None  # noqa: S101 - for the type checker
        assert talk.stdout is not None  # noqa: S101
        talk.stdin.write(text + "\n")
        talk.stdin.flush()
        line = talk.stdout.readline()
        return dict(json.loads(line)) if line else {"error": "the process has ended"}

    def _stamp(self) -> str:
        package = sorted((self.root / "linefit").rglob("*.py"))
        parts = [path.read_bytes() for path in [*package, Path(__file__), RUNNER, TAPE]]
        facts = [version("torch").encode(), sys.version.encode()]
        return hashlib.sha256(b"\0".join([*facts, *parts])).hexdigest()


class exercise(nodes.General, nodes.Element, addnodes.translatable):  # noqa: N801
    """One exercise on a page; what the page's script shows of it is a message."""

    def preserve_original_messages(self) -> None:
        """Keep what is there before any translation."""
        self["words"] = [self["extra"][key] for key in IN_WORDS if key in self["extra"]]

    def apply_translated_message(self, original_message: str, translated_message: str) -> None:
        """Put a translation where a text is, for the script and on the page."""
        for key in IN_WORDS:
            if self["extra"].get(key) == original_message:
                self["extra"][key] = translated_message
        for unit in self.findall(nodes.inline):
            if UNIT in unit["classes"] and unit.astext() == original_message:
                unit.clear()
                unit += nodes.Text(translated_message)

    def extract_original_messages(self) -> Sequence[str]:
        """Return the texts."""
        kept: list[str] = self["words"]
        return kept


class exercise_counts(nodes.General, nodes.Element):  # noqa: N801
    """Stand in for the table of all exercises until every page has been read."""


class Exercise(SphinxDirective):
    """Show an exercise; its argument is the title, its content the YAML."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the exercise, executed."""
        try:
            given = read("\n".join(self.content))
        except SchemaError as error:
            return self._fail(str(error))
        found = self.config.exercise_runner.run(given)
        if "error" in found:
            return self._fail(f"{given['id']}: {found['error']}")
        if not self.env.docname.startswith(FOLDER) and given["kind"] in {"node", "code"}:
            return self._fail(f"{given['id']} would run code in the notebook of this page")
        title = self.arguments[0]
        kept = self.env.metadata[self.env.docname].setdefault("exercises", [])
        if given["id"] in {each["id"] for each in kept}:
            return self._fail(f"two exercises of this page have the id {given['id']}")
        kept.append({"title": title, **given, "found": found})
        return [self._node(title, given, found)]

    def _fail(self, message: str) -> list[nodes.Node]:
        logger.warning("exercise: %s", message, location=self.get_location())
        return []

    def _node(self, title: str, given: dict[str, Any], found: dict[str, Any]) -> nodes.Node:
        made = exercise("", id=given["id"], kind=given["kind"], rung=given["rung"])
        made["found"] = found
        made["thought"] = MINUTES[given["rung"]] if self.env.docname.startswith(FOLDER) else 0
        made["extra"] = {key: given[key] for key in SHOWN if key in given}
        made["ids"] = [f"ex-{given['id']}"]
        head, _problems = self.parse_inline(title)
        name = nodes.paragraph(title, "", *head, classes=["ex-title"])
        self.set_source_info(name)  # without which it is no message
        made += name
        made += nodes.container("", *self._question(given), classes=["ex-ask"])
        made += self._body(given, found)
        for number, each in enumerate(given["wrong"]):
            hint = nodes.container("", *self._parse(each["hint"]), classes=["ex-hint"])
            hint["hide_mode"] = "all"  # takes nobody's time unless it is needed
            hint["wrong"] = number
            made += hint
        answer = nodes.container("", *self._answer(given, found), classes=["ex-answer"])
        answer["hide_mode"] = "all"
        made += answer
        return made

    def _parse(self, text: str) -> list[nodes.Node]:
        return self.parse_text_to_nodes(text.strip())

    def _question(self, given: dict[str, Any]) -> list[nodes.Node]:
        parts: list[nodes.Node] = []
        if code := given.get("code"):
            parts.append(_listing(code))
        return [*parts, *self._parse(given["ask"])]

    def _body(self, given: dict[str, Any], found: dict[str, Any]) -> list[nodes.Node]:
        match given["kind"]:
            case "pick":
                return [self._options(given, found)]
            case "order":
                return self._lines(given, found)
            case "node":
                return [nodes.raw("", found["figure"], format="html")]
            case "code":
                return [nodes.container("", _listing(given["start"]), classes=["ex-start"])]
        return []

    def _options(self, given: dict[str, Any], found: dict[str, Any]) -> nodes.Node:
        texts = [found["answer"], *found["wrong"]]
        order = shuffled(given["id"], len(texts))
        items = []
        for place in order:
            item = nodes.list_item("", *self._option(texts[place]), classes=["ex-option"])
            items.append(item)
        found["shown"] = order
        return nodes.enumerated_list("", *items, classes=["ex-options"], enumtype="upperalpha")

    def _option(self, text: str) -> list[nodes.Node]:
        """Return an option: what is printed as code, prose as prose."""
        if text.startswith("~"):
            return self._parse(text[1:])
        if "\n" in text:
            return [nodes.literal_block(text, text, language="text")]
        return [nodes.paragraph("", "", nodes.literal(text, text))]

    def _lines(self, given: dict[str, Any], found: dict[str, Any]) -> list[nodes.Node]:
        right = [[number - 1 for number in order] for order in found["answer"]]
        order = shuffled(given["id"], len(found["lines"]), right)
        items = [
            nodes.list_item("", nodes.paragraph("", "", nodes.literal(text, text)))
            for text in (found["lines"][place] for place in order)
        ]
        found["shown"] = order
        parts: list[nodes.Node] = []
        if "frame" in given:
            parts.append(_listing(given["frame"].replace("{lines}", "...  # your lines")))
        return [*parts, nodes.enumerated_list("", *items, classes=["ex-lines"])]

    def _answer(self, given: dict[str, Any], found: dict[str, Any]) -> list[nodes.Node]:
        first: list[nodes.Node]
        match given["kind"]:
            case "number":
                value = nodes.strong("", shown(found["answer"]))
                if "unit" in given:
                    value += nodes.Text(" ")
                    value += nodes.inline("", given["unit"], classes=[UNIT])
                first = [nodes.paragraph("", "", value)]
            case "pick":
                first = self._option(found["answer"])
            case "node":
                named = _(" or ").join(f"`{name}`" for name in found["named"].values())
                first = self._parse(_("The box {names}.").format(names=named))
            case "order":
                first = [_listing("\n".join(found["lines"]))]
            case _:
                first = [_listing(given["solution"])]
        return [*first, *self._parse(given["why"])]


def _listing(code: str) -> nodes.Node:
    text = code.strip("\n")
    return nodes.literal_block(text, text, language="python")


def shown(value: float) -> str:
    """Return a number as a person writes it."""
    return f"{value:.5g}".replace("-", "\N{MINUS SIGN}")


def shuffled(name: str, count: int, right: Sequence[list[int]] = ()) -> list[int]:
    """Return the places of some things in an order that depends on a name, but none that is right.

    The first of the right orders is always their own; ``right`` has the others too.
    """
    avoided = [list(range(count)), *right]
    salted = ([_digest(f"{name}{salt}{i}") for i in range(count)] for salt in itertools.count())
    orders = (sorted(range(count), key=digests.__getitem__) for digests in salted)
    return next(order for order in orders if order not in avoided)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def facts(node: exercise) -> dict[str, Any]:
    """Return what the script of the page needs to judge an answer."""
    found = node["found"]
    kept = {key: found[key] for key in ("answer", "wrong", "tolerance", "shown") if key in found}
    if node["kind"] == "pick":
        kept["answer"], kept["wrong"] = 0, list(range(1, 1 + len(found["wrong"])))
    return kept


def visit_exercise(self: Any, node: exercise) -> None:
    """Open the element that the page's script looks for."""
    kept = json.dumps(facts(node), separators=(",", ":"))
    title = node.children[0]
    attributes = {
        "data-exercise": node["id"],
        "data-kind": node["kind"],
        "data-rung": node["rung"],
        "data-facts": kept,
    } | {f"data-{key}": text for key, text in node["extra"].items()}
    self.body.append(self.starttag(node, "section", CLASS="ex", **attributes))
    parts, self.body = self.body, []
    for child in title.children:
        child.walkabout(self)
    words = "".join(self.body)
    self.body = parts
    task = (
        f'<span class="ex-kind">{RUNGS[node["rung"]]} \N{MIDDLE DOT} {TASKS[node["kind"]]}</span>'
    )
    number = node["number"]
    self.body.append(f'<h3 class="ex-title" data-number="{number}">{words}</h3>\n')
    self.body.append(f'<p class="ex-task">{task}</p>\n')
    for child in node.children[1:]:
        _write(self, node, child)
    self.body.append("</section>\n")
    raise nodes.SkipNode


def _write(self: Any, node: exercise, child: nodes.Node) -> None:
    """Write a part of an exercise; a hint is hidden, an answer folded."""
    classes = child["classes"] if isinstance(child, nodes.Element) else []
    if "ex-hint" in classes:
        self.body.append(f'<div class="ex-hint" data-wrong="{child["wrong"]}" hidden>\n')  # type: ignore[index]
    elif "ex-answer" in classes:
        self.body.append('<details class="ex-answer"><summary>' + _("Answer") + "</summary>\n")
    else:
        child.walkabout(self)
        return
    for part in child.children:
        part.walkabout(self)
    self.body.append("</div>\n" if "ex-hint" in classes else "</details>\n")


class Counts(SphinxDirective):
    """Show a table of the topics with the number of exercises on each rung."""

    def run(self) -> list[nodes.Node]:
        """Return a node that is replaced when all pages have been read."""
        self.env.metadata[self.env.docname]["counts_exercises"] = True
        return [exercise_counts()]


def counted(env: BuildEnvironment) -> dict[str, dict[str, int]]:
    """Return how many exercises each page has on each rung."""
    found = {}
    for page, about in sorted(env.metadata.items()):
        if page.startswith(FOLDER) and (kept := about.get("exercises")):
            rungs = [each["rung"] for each in kept]
            found[page] = {rung: rungs.count(rung) for rung in RUNGS}
    return found


def fill_in(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Replace the stand-in by the table."""
    for node in list(tree.findall(exercise_counts)):
        node.replace_self(_table(app, page))
        section = next(tree.findall(nodes.section))
        below = section[1]  # the title, or the line that says how long the page takes
        told = isinstance(below, nodes.Element) and "reading" in below["classes"]
        section.insert(1 + told, _progress(_("Solved so far: {done}").format(done=0)))


def _table(app: Sphinx, page: str) -> nodes.Node:
    counts = counted(app.env)
    rows: list[list[nodes.Node]] = [
        [nodes.Text(text) for text in (_("Topic"), *RUNGS.values(), _("All"), _("For paper"))]
    ]
    order = app.env.toctree_includes.get(page, sorted(counts))
    for name in (each for each in order if each in counts):
        title = app.env.titles[name].astext()
        uri = app.builder.get_relative_uri(page, name)
        link = nodes.reference("", title, internal=True, refuri=uri)
        numbers = [*counts[name].values(), sum(counts[name].values())]
        cells = [nodes.Text(str(number)) for number in numbers]
        rows.append([link, *cells, nodes.inline("", "", *_sheets(uri.removesuffix(".html")))])
    columns = zip(*(each.values() for each in counts.values()), strict=True)
    sums = [sum(column) for column in columns]
    rows.append([nodes.Text(str(text)) for text in (_("All"), *sums, sum(sums), "")])
    return _as_table(rows)


def _as_table(rows: list[list[nodes.Node]]) -> nodes.Node:
    lines = [
        nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in row))
        for row in rows
    ]
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in rows[0]), cols=len(rows[0]))
    group += nodes.thead("", lines[0])
    group += nodes.tbody("", *lines[1:])
    return nodes.table("", group, classes=["ex-counts"])


def changed(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Note what is new in the table, and see that progress is kept for each exercise on its own."""
    app.config.exercise_runner.stop()
    pages: dict[str, str] = {}
    for page, about in sorted(env.metadata.items()):
        for each in about.get("exercises", []):
            if (first := pages.setdefault(each["id"], page)) != page:
                message = "exercise: %s has the id %s too"
                logger.warning(message, first, each["id"], location=page)
    now = [(env.titles[page].astext(), *counts.items()) for page, counts in counted(env).items()]
    found = []
    for page, about in env.metadata.items():
        if about.get("counts_exercises") and about.get("counts_shown") != now:
            about["counts_shown"] = now
            found.append(page)
    return found


def outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Have the exercises read again that were executed with other code."""
    stamp = app.config.exercise_runner.stamp
    before = getattr(env, "exercise_stamp", None)
    env.exercise_stamp = stamp  # type: ignore[attr-defined]
    return [] if before == stamp else [p for p, a in env.metadata.items() if "exercises" in a]


def add_sheet(app: Sphinx, tree: nodes.document) -> None:
    """Add the answers once more, on a page of their own, for the printed sheet."""
    answers = []
    for number, node in enumerate(tree.findall(exercise), 1):
        node["number"] = number
        title, answer = node.children[0], node.children[-1]
        head = nodes.paragraph("", "", nodes.strong("", f"{number}. {title.astext()}"))
        parts = [child.deepcopy() for child in answer.children]
        answers.append(nodes.container("", head, *parts, classes=["ex-printed"]))
    if answers:
        head = nodes.paragraph("", _("Answers"), classes=["ex-printed-title"])
        sheet = nodes.container("", head, *answers, classes=["ex-sheet"], hide_mode="all")
        section = next(tree.findall(nodes.section))
        section.append(sheet)
        if app.env.docname.startswith(FOLDER):
            told = _("Solved on this page: {here} of {all}; in all: {done}")
            section.insert(1, _links(app.env.docname.removeprefix(FOLDER)))
            section.insert(1, _progress(told.format(here=0, all=len(answers), done=0)))


def _progress(told: str) -> nodes.Node:
    """Return what the page's script fills in; it is there at once, so that nothing moves later."""
    save, over, label = map(escape, (_("Save as text"), _("Start over"), _("Your progress")))
    buttons = f'<button type="button">{save}</button><button type="button">{over}</button>'
    words = f'role="group" aria-label="{label}"><span>{escape(told)}</span>'
    return nodes.raw("", f'<div class="ex-progress" {words}{buttons}</div>', format="html")


def _links(name: str) -> nodes.Node:
    """Return a line with the links to the sheets of a page."""
    parts = [nodes.Text(_("For paper: ")), *_sheets(name), nodes.Text(".")]
    return nodes.paragraph("", "", *parts, classes=["ex-sheets"])


def _sheets(address: str) -> list[nodes.Node]:
    """Return the links to both sheets of a page."""
    sheet, answers = (
        nodes.reference("", text, internal=True, refuri=f"{address}-{kind}.html")
        for kind, text in (("sheet", _("sheet")), ("answers", _("with answers")))
    )
    return [sheet, nodes.Text(", "), answers]


def load(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Give a page with exercises its script, its style and its notebook."""
    about = app.env.metadata.get(page, {})
    if about.get("exercises") or about.get("counts_exercises"):
        app.add_css_file("practice/practice.css")
        app.add_css_file("practice/sheet.css", media="print")
        app.add_js_file("practice/judge.js", defer="")
        app.add_js_file("practice/practice.js", defer="")
    if about.get("exercises") and page.startswith(FOLDER):
        exercise_sheet.write(app, page, context)
        context["notebook"] = exercise_notebook.write(app, page, about["exercises"])


def start(app: Sphinx) -> None:
    """Start the runner lazily, and make MicroPython a file of the site."""
    app.config.add("exercise_runner", Runner(app), "", [])
    if app.builder.format == "html":
        micropython.make(app)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    skip = (visit_exercise, None)
    app.add_node(exercise, html=skip)
    app.add_node(exercise_counts)
    app.add_directive("exercise", Exercise)
    app.add_directive("exercise-counts", Counts)
    if "repository" not in app.config:  # of which the notebooks tell
        app.add_config_value("repository", "", "env", str)
    app.connect("builder-inited", start)
    app.connect("env-get-outdated", outdated)
    app.connect("doctree-read", add_sheet)
    app.connect("env-updated", changed)
    app.connect("doctree-resolved", fill_in)
    app.connect("html-page-context", load, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
