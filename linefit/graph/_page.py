"""Figures as HTML, alone or beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Protocol


class Drawn(Protocol):
    """What a notebook shows as HTML, such as a graph."""

    def _repr_html_(self) -> str: ...


class HTML(str):
    """Text that a notebook shows as HTML."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def side_by_side(*graphs: Drawn, titles: Sequence[str] = ()) -> HTML:
    """Return the figures of several graphs beside each other, where the page is wide enough.

    Parameters
    ----------
    *graphs : Graph
        The graphs; each is checked against its tensors.
    titles : sequence of str, optional
        What to write above each.

    Raises
    ------
    ValueError
        If there are titles, but not as many as graphs.
    """
    if titles and len(titles) != len(graphs):
        raise ValueError(f"expected a title for each of {len(graphs)} graphs, got {len(titles)}")
    above = [f"<p><strong>{escape(title)}</strong></p>" for title in titles] or [""] * len(graphs)
    figures: list[str] = []
    for drawn in graphs:
        figure, again = drawn._repr_html_(), len(figures)
        figures.append(figure.replace(' id="', f' id="b{again}-') if figure in figures else figure)
    parts = [f"<div>{t}{figure}</div>" for t, figure in zip(above, figures, strict=True)]
    return HTML(f'<div class="lfg-beside">{"".join(parts)}</div>')
