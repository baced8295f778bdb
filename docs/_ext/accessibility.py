"""Add what a screen reader needs and the theme leaves out."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

REPAIRS = {
    'role="heading"': 'role="heading" aria-level="2"',  # the captions of tables of contents
    '<summary aria-label="Toggle hidden content">': "<summary>",  # it hid what the cell is called
}
AFTER_THE_THEME = 900  # furo fills in its navigation tree at 500


def repair(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Repair the markup of a page and of its navigation."""
    for key in {"body", "furo_navigation_tree"} & context.keys():
        for found, wanted in REPAIRS.items():
            context[key] = context[key].replace(found, wanted)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.connect("html-page-context", repair, priority=AFTER_THE_THEME)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
