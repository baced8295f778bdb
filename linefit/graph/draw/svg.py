"""The figure as SVG: one file for light and dark, inside a page or as a standalone file."""

from __future__ import annotations

import hashlib
from html import escape
from itertools import pairwise
from pathlib import Path

from linefit.graph.draw.layout import LABEL_LINE, LINE, Box, Layout, Route

ANCHORS = {-1: "end", 1: "start"}
LEGIBLE = 0.7  # a figure is not made smaller than this: it scrolls in its own box
STEP = 80  # pixels between the least widths that the style sheet knows
WIDEST = 20  # the number of those widths
STYLE = Path(__file__).with_name("figure.css").read_text(encoding="utf-8")


def draw(layout: Layout, *, styled: bool = True, kind: str = "g") -> str:
    """Return the figure, with its style if it is to be ``styled`` and not by its page.

    Its ids begin with a digest of what it shows, so that a page can hold many figures; ``kind``
    precedes the digest, as a page may show the same graph in several ways.
    """
    routes = [_route(i, route) for i, route in enumerate(layout.routes)]
    body = "".join(
        ["".join(r[0] for r in routes), *map(_box, layout.boxes), *(r[1] for r in routes)]
    )
    size = f"{layout.width:.0f}", f"{layout.height:.0f}"
    prefix = kind + hashlib.sha256((body + layout.words).encode()).hexdigest()[:8]
    least = min(WIDEST, int(layout.width * LEGIBLE / STEP))
    style = f"<style>{STYLE}</style>" if styled else ""
    numbered = body.replace(' id="', f' id="{prefix}-')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lfg lfg-w{least}" id="{prefix}" '
        f'role="img" aria-label="{escape(layout.words)}" '
        f'viewBox="{layout.left:.0f} 0 {size[0]} {size[1]}" '
        f'width="{size[0]}" height="{size[1]}">{style}{numbered}</svg>'
    )


def _box(box: Box) -> str:
    node = box.node
    tops = box.y - (len(box.lines) - 1) * LINE / 2
    lines = "".join(
        f'<text class="lfg-{line.role}" x="{box.x:.1f}" y="{tops + i * LINE + 4:.1f}">'
        f"{escape(line.text)}</text>"
        for i, line in enumerate(box.lines)
    )
    return f'<g class="lfg-{node.kind}" id="n{node.index}">{_outline(box)}{lines}</g>'


def _outline(box: Box) -> str:
    """Return the outline: of a leaf a hexagon, else a rectangle that may have round corners."""
    corners = box.outline
    if len(corners) == 4:
        left, top = corners[0]
        return (
            f'<rect class="lfg-box" x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" '
            f'height="{box.height:.1f}" rx="{0 if box.node.kind == "constant" else 5}"/>'
        )
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
    return f'<path class="lfg-box" d="M{path}Z"/>'


def _route(index: int, route: Route) -> tuple[str, str]:
    """Return an edge, and its label, which goes on top of all edges and boxes."""
    points = route.points
    path = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (y + to_y) / 2
        bend = f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        path.append(f"V{to_y:.1f}" if abs(x - to_x) < 0.05 else bend)
    x, y = points[-1]
    kind = "lfg-untracked" if route.edge.input is None else "lfg-tracked"
    tip = f'<path class="lfg-tip" d="M{x - 3.5:.1f} {y - 7:.1f}h7L{x:.1f} {y:.1f}Z"/>'
    line = f'<path class="lfg-edge" d="{"".join(path)}"/>'
    edge = f'<g class="{kind}" id="e{index}">{line}{tip}</g>'
    return edge, "".join(_label_line(index, route, i) for i in range(len(route.lines)))


def _label_line(index: int, route: Route, number: int) -> str:
    """Return a line of an edge's label; the part of the gradient has an id, as steps change it."""
    line = route.lines[number]
    x, y = route.label_at
    known = f' id="l{index}"' if line.role == "part" else ""
    return (
        f'<text class="lfg-{line.role}"{known} text-anchor="{ANCHORS[route.side]}" '
        f'x="{x:.1f}" y="{y + number * LABEL_LINE:.1f}">{escape(line.text)}</text>'
    )
