"""Figures as HTML, alone or beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Protocol

from linefit.graph.draw import svg
from linefit.graph.draw.layout import Layout
from linefit.graph.sentences import WIDE_FIGURE

PHONE = 320  # pixels of width that a figure has at least


class Drawn(Protocol):
    """What a notebook shows as HTML, such as a graph."""

    def _repr_html_(self) -> str: ...


class HTML(str):
    """Text that a notebook shows as HTML."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def figure(layout: Layout, *, inline: bool) -> str:
    """Return the figure for a page, with a note where it shows only some of the nodes.

    It has its style ``inline``, or leaves it to the page.
    """
    note = f"<figcaption>{escape(layout.note)}</figcaption>" if layout.note else ""
    wide = layout.width * svg.LEGIBLE > PHONE
    scrolls = f' tabindex="0" aria-label="{WIDE_FIGURE}"' if wide else ""
    drawn = svg.draw(layout, styled=inline)
    return f'<figure class="lfg-figure graph"{scrolls}>{drawn}{note}</figure>'


def side_by_side(*graphs: Drawn, titles: Sequence[str] = ()) -> HTML:
    """Return the figures of several graphs beside each other, where the page is wide enough.

    Parameters
    ----------
    *graphs : Graph
        The graphs; each is checked against its tensors.
    titles : sequence of str, optional
        What to write above each.

    Returns
    -------
    str
        HTML that a notebook shows as such.

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
        shown = drawn._repr_html_()
        if shown in figures:  # ids are unique on a page
            shown = shown.replace(' id="', f' id="b{len(figures)}-')
        figures.append(shown)
    parts = [f"<div>{t}{shown}</div>" for t, shown in zip(above, figures, strict=True)]
    return HTML(f'<div class="lfg-beside">{"".join(parts)}</div>')
