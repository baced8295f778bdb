"""Tell in the log how long the code of each page and script took, and the build beside it."""

from __future__ import annotations

import json
import time
from pathlib import Path

from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

logger = logging.getLogger(__name__)
STARTED = time.time()  # Sphinx loads extensions before it does anything else
AFTER_ALL = 1000
EXERCISES = "the exercises"


def executed(app: Sphinx, since: float) -> dict[str, float]:
    """Return the seconds that each page and script took of those executed since a moment."""
    found = {}
    for page in app.env.found_docs:
        about = NbMetadataCollector.get_exec_data(app.env, page)
        if about and about["mtime"] >= since and about["runtime"]:
            found[page] = float(about["runtime"])
    for path in Path(app.srcdir, "auto_gallery").rglob("*.cost.json"):
        if path.stat().st_mtime >= since:
            script = path.relative_to(app.srcdir).as_posix().removesuffix(".cost.json")
            found[script] = float(json.loads(path.read_text(encoding="utf-8"))["time"])
    runner = app.config.values.get("exercise_runner") and app.config.exercise_runner
    if runner and runner.seconds:
        found[EXERCISES] = runner.seconds
    return found


def table(found: dict[str, float], whole: float) -> list[str]:
    """Return the lines of the log: the slowest first, then the total and its share of the build."""
    lines = [f"{found[name]:7.1f} s  {name}" for name in sorted(found, key=lambda n: -found[n])]
    total = sum(found.values())
    if total:
        lines.append(f"{total:7.1f} s  of code; the build took {whole / total:.2f} times that,")
    return [*lines, f"{whole:7.1f} s  in all"]


def report(app: Sphinx, exception: Exception | None) -> None:
    """Write the table at the end of the log."""
    if exception is None and app.builder.format == "html":
        for line in table(executed(app, STARTED), time.time() - STARTED):
            logger.info(line)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.connect("build-finished", report, priority=AFTER_ALL)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
