"""Tables of what a graph holds, for a terminal and for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple


class Cell(NamedTuple):
    """The text of a cell, its place in a row, and a bar to draw in it: None, or from 0 to 1."""

    text: str
    is_number: bool = False
    bar: float | None = None


INDENT = "  "
BAR = 80  # pixels


def as_text(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table for a terminal; columns of numbers are flush right."""
    right = [any(row[i].is_number for row in rows) for i in range(len(headings))]
    texts = [[*headings], *([cell.text for cell in row] for row in rows)]
    widths = [max(len(text[i]) for text in texts) for i in range(len(headings))]
    lines = []
    for text in texts:
        cells = [
            part.rjust(width) if flush else part.ljust(width)
            for part, width, flush in zip(text, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_html(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table for a notebook or a page; the first cell of a row is its heading."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in headings)
    body = "".join(
        f'<tr><th scope="row">{_content(row[0])}</th>'
        f"{''.join(f'<td>{_content(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return (
        f'<div class="lfg-scroll"><table class="lfg-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _content(cell: Cell) -> str:
    text = cell.text.replace(INDENT, "\N{EM SPACE}")
    if cell.bar is None:
        return escape(text)
    width = max(1.0, BAR * cell.bar)
    return (
        f'<svg width="{BAR}" height="10" aria-hidden="true">'
        f'<rect width="{width:.0f}" height="10" fill="currentColor" fill-opacity=".55"/></svg> '
        f"{escape(text)}"
    )
