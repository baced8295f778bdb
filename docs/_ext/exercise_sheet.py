"""Write the exercises of a page for paper: one sheet without answers, one with them at its end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from sphinx.application import Sphinx
from sphinx.locale import _

import assets

TEMPLATES = Path(__file__).parents[1] / "_templates"
STYLES = [
    *("pygments.css", "styles/furo.css", "katex/katex.min.css", "figure.css", "custom.css"),
    *("practice/practice.css", "practice/sheet.css"),
]
PROGRESS = re.compile(r'<div class="ex-progress".*?</div>')  # paper has none
KINDS = {"sheet": False, "answers": True}


def write(app: Sphinx, page: str, context: dict[str, Any]) -> list[str]:
    """Write both beside the page, whose links they share, and return their names."""
    loader = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=False)  # noqa: S701
    given = {key: context.get(key) for key in ("title", "project", "language")}
    body = PROGRESS.sub("", str(context.get("body")))
    given |= {"root": "../" * page.count("/"), "name": Path(page).name, "body": body}
    given["styles"] = [name for name in STYLES if assets.needed(name, body)]
    template = loader.get_template("sheet.html", globals={"_": _})
    for kind, answers in KINDS.items():
        target = Path(app.outdir, f"{page}-{kind}.html")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(template.render(**given, answers=answers) + "\n", encoding="utf-8")
    return [f"{given['name']}-{kind}.html" for kind in KINDS]
