"""Write the exercises of a page as a notebook, whose ``check`` needs only the package."""

from __future__ import annotations

import base64
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from nbformat import v4
from sphinx.application import Sphinx

import install
import take_along
from exercise_runner import TAPE
from plain_markdown import plain

CHECK = TAPE.with_name("notebook_check.py")
HOW = {
    "number": "Give a number.",
    "pick": "Give the letter of an option.",
    "order": "Give the numbers of the lines in the right order, as a list.",
    "node": "Give the number of a box.",
    "code": "Complete the cell, run it, then run the check.",
}
DIRECTIVE = re.compile(r"^```\{exercise\}.*?^```$", re.DOTALL | re.MULTILINE)
LIST_BOXES = "for node in g.nodes:\n    print(node.index, node.op, node.name or '')\ng"


def write(app: Sphinx, page: str, exercises: list[dict[str, Any]]) -> str:
    """Write the notebook into the site, and return its address there."""
    resolve = partial(take_along.reference, app.env, page, {})
    title = app.env.titles[page].astext()
    parts = [
        v4.new_markdown_cell(f"# {title}"),
        v4.new_code_cell(_check(exercises, resolve), metadata={"jupyter": {"source_hidden": True}}),
        v4.new_code_cell("import torch\nfrom linefit import *\nfrom linefit import graph"),
    ]
    if any(each["kind"] == "code" for each in exercises):
        parts.append(v4.new_code_cell(TAPE.read_text(encoding="utf-8").strip()))
    for each in exercises:
        parts += _cells(each, resolve)
    for number, cell in enumerate(parts):
        cell["id"] = f"cell-{number}"
    install.insert(parts, install.package(app.config, app.confdir.parent))
    address = f"{install.FOLDER}/notebooks/{page}.ipynb"
    target = Path(app.outdir, address)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(take_along.written(parts), encoding="utf-8")
    return address


def inlined(cells: list[Any], exercises: list[dict[str, Any]], resolve: Any) -> list[Any]:
    """Return a page's cells with its exercises in place of their directives."""
    hidden = {"tags": ["hide-input"]}
    waiting = [v4.new_code_cell(_check(exercises, resolve), metadata=hidden)]
    left = iter(exercises)
    found = []
    for cell in cells:
        if cell.cell_type != "markdown" or not DIRECTIVE.search(cell.source):
            found.append(cell)
            continue
        for number, text in enumerate(DIRECTIVE.split(cell.source)):
            if number:
                found += waiting + _cells(next(left), resolve)
                waiting = []
            if text.strip():
                found.append(v4.new_markdown_cell(text.strip("\n")))
    return found


def _check(exercises: list[dict[str, Any]], resolve: Any) -> str:
    """Return the first cell: the function, and answers and hints that nobody reads by accident."""
    table = {each["id"]: _facts(each, resolve) for each in exercises}
    hidden = base64.b64encode(json.dumps(table).encode()).decode()
    return CHECK.read_text(encoding="utf-8").strip() + f'\n\n\nHOW = {HOW}\nKEPT = read("{hidden}")'


def _facts(each: dict[str, Any], resolve: Any) -> dict[str, Any]:
    found = each["found"]
    answer, wrong = found["answer"], found["wrong"]
    letters = {place: chr(ord("A") + i) for i, place in enumerate(found.get("shown", []))}
    if each["kind"] == "pick":
        answer, wrong = letters[0], [letters[1 + i] for i in range(len(wrong))]
    elif each["kind"] == "order":
        place = {line: i for i, line in enumerate(found["shown"])}
        answer, *wrong = (
            [[place[n - 1] + 1 for n in order] for order in group] for group in (answer, *wrong)
        )
    return {
        "kind": each["kind"],
        "answer": answer,
        "wrong": wrong,
        "tolerance": found.get("tolerance", 0),
        "hints": [plain(item["hint"], resolve).strip() for item in each["wrong"]],
        "why": plain(each["why"], resolve).strip(),
    }


def _cells(each: dict[str, Any], resolve: Any) -> list[Any]:
    kind, found = each["kind"], each["found"]
    text = [f"## {plain(each['title'], resolve)}", _listing(each.get("code", ""))]
    text.append(plain(each["ask"], resolve).strip())
    if kind == "pick":
        options = [found["answer"], *found["wrong"]]
        shown = (options[place] for place in found["shown"])
        text += [f"{chr(ord('A') + i)}. {_option(o, resolve)}" for i, o in enumerate(shown)]
    if kind == "order":
        if "frame" in each:
            text.append(_listing(each["frame"].replace("{lines}", "...  # your lines")))
        lines = (found["lines"][place] for place in found["shown"])
        text += [f"{i}. `{line}`" for i, line in enumerate(lines, 1)]
    text.append(f"*{HOW[kind]}*")
    parts = [v4.new_markdown_cell("\n\n".join(part for part in text if part))]
    if kind == "node":
        code = "".join(each.get(key, "") for key in ("setup", "code", "after"))
        parts.append(v4.new_code_cell(f"{code}\n{LIST_BOXES}"))
    if kind == "code":
        parts.append(v4.new_code_cell(each["start"].strip("\n")))
    given = f"lambda: {each['result'].strip()}" if kind == "code" else "..."
    parts.append(v4.new_code_cell(f'check("{each["id"]}", {given})'))
    return parts


def _option(text: str, resolve: Any) -> str:
    if text.startswith("~"):
        return plain(text[1:], resolve)
    return f"`{text}`" if "\n" not in text else "\n\n" + _listing(text)


def _listing(code: str) -> str:
    return f"```python\n{code.strip()}\n```" if code.strip() else ""
