"""Draw the boxes and arrows of a recorded graph into existing axes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from linefit.graph.draw.layout import LINE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from linefit.graph.draw.layout import Box, Route

LABEL_LINE = 13.0  # height of a line of text at an edge, in a layout


def fit_axes(ax: Axes, left: float, width: float, height: float) -> float:
    """Scale the axes to a layout of this size in pixels; return the points per pixel."""
    figure = ax.get_figure(root=True)
    if figure is not None:
        figure.draw_without_rendering()  # only now does constrained layout know the axes' size
    room = ax.get_window_extent()
    dpi = ax.figure.dpi
    dots = min(room.width / width, room.height / height, 0.9 * dpi / 72)
    half_x = room.width / dots / 2
    half_y = room.height / dots / 2
    ax.set(xlim=(left + width / 2 - half_x, left + width / 2 + half_x), aspect="equal")
    ax.set(ylim=(height / 2 + half_y, height / 2 - half_y))
    return float(dots * 72 / dpi)


def draw_route(ax: Axes, route: Route, scale: float) -> None:
    """Draw an arrow along an edge, with the part of the gradient that came back along it."""
    gradient = route.edge.input is not None
    style: dict[str, Any] = {"color": "0.5", "linestyle": "-" if gradient else (0, (3, 3))}
    t = torch.linspace(0, 1, 25)
    ease = t * t * (3 - 2 * t)
    for (x, y), (to_x, to_y) in pairwise(route.points):
        ax.plot(x + (to_x - x) * ease, y + (to_y - y) * t, linewidth=1.2 * scale, **style)
    x, y = route.points[-1]
    ax.fill([x - 3.5, x + 3.5, x], [y - 7, y - 7, y], color="0.5")
    side = ("center", "left", "right")[route.side]
    x, y = route.label_at
    for i, line in enumerate(route.lines):
        look: dict[str, Any] = {"color": "C1", "fontsize": 11 * scale, "family": "monospace"}
        ax.text(x, y + LABEL_LINE * i, line.text, ha=side, **look)


def draw_box(ax: Axes, box: Box, scale: float) -> None:
    """Draw a node: an outline that shows its kind, and its lines of text."""
    leaf, constant = (box.node.kind == kind for kind in ("leaf", "constant"))
    style: dict[str, Any] = {"edgecolor": "C0" if leaf else "0.5", "linewidth": 1.8 if leaf else 1}
    style["linestyle"] = (0, (3, 3)) if constant else "-"
    ax.fill(*zip(*box.outline, strict=True), facecolor="none", **style)
    first = box.y - (len(box.lines) - 1) * LINE / 2
    for i, line in enumerate(box.lines):
        look: dict[str, Any] = {"fontsize": (10 if line.role == "function" else 12) * scale}
        look |= {"title": {"weight": "bold"}, "grad": {"color": "C1"}}.get(line.role, {})
        look |= {"ha": "center", "va": "center_baseline", "family": "monospace"}
        ax.text(box.x, first + LINE * i, line.text, **look)
