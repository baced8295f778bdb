"""Pictures of points, lines, losses and graphs: the only module that imports matplotlib.

Every function draws into the axes it is given and returns them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from linefit._check import ArrayLike, points, values
from linefit.loss import perpendicular_loss

LINE = 16.0  # height of a line of text in a layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from linefit.descent import Descent, Loss
    from linefit.graph import Box, Graph, Route
    from linefit.line import Line


def plot_points(ax: Axes, x: ArrayLike, y: ArrayLike, **kwargs: Any) -> Axes:
    """Draw points as dots.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x, y : array-like of shape (n,)
        The points.
    **kwargs
        For :meth:`matplotlib.axes.Axes.plot`.

    Returns
    -------
    Axes
        The same axes.
    """
    x, y = (t.detach().cpu() for t in points(x, y))
    style: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 4, "alpha": 0.7}
    ax.plot(x, y, **style | kwargs)
    return ax


def plot_line(ax: Axes, line: Line, **kwargs: Any) -> Axes:
    """Draw a line from edge to edge, without moving the edges.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    line : Line
        One line, vertical or not.
    **kwargs
        For :meth:`matplotlib.axes.Axes.axline`.

    Returns
    -------
    Axes
        The same axes.
    """
    nx, ny = line.normal.detach().tolist()
    foot = line.offset.item() * nx, line.offset.item() * ny
    limits = ax.get_xlim(), ax.get_ylim()
    ax.axline(foot, (foot[0] + ny, foot[1] - nx), **kwargs)
    ax.set(xlim=limits[0], ylim=limits[1])
    return ax


def plot_residuals(
    ax: Axes, x: ArrayLike, y: ArrayLike, line: Line, *, perpendicular: bool = True, **kwargs: Any
) -> Axes:
    """Draw the way from each point to the line, perpendicular or vertical.

    Parameters
    ----------
    ax : Axes
        Where to draw; an equal aspect shows right angles as such.
    x, y : array-like of shape (n,)
        The points.
    line : Line
        One line; not a vertical one where the ways are vertical.
    perpendicular : bool
        The shortest way, or else the one parallel to the y axis.
    **kwargs
        For :meth:`matplotlib.axes.Axes.plot`.

    Returns
    -------
    Axes
        The same axes.
    """
    x, y = (t.detach().cpu() for t in points(x, y))
    if perpendicular:
        way = (line.signed_distance(x, y)[:, None] * line.normal).cpu()
        end_x, end_y = x - way[:, 0], y - way[:, 1]
    else:
        end_x, end_y = x, line.y_at(x).cpu()
    style: dict[str, Any] = {"color": "0.5", "linewidth": 1, "zorder": 1} | kwargs
    ax.plot(torch.stack((x, end_x)), torch.stack((y, end_y.to(y))), **style)
    return ax


def plot_loss(ax: Axes, descent: Descent, **kwargs: Any) -> Axes:
    """Draw the loss of one line's descent against the step, and mark the best step.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    descent : Descent
        What :func:`linefit.descend` returned for one line.
    **kwargs
        For :meth:`matplotlib.axes.Axes.plot`.

    Returns
    -------
    Axes
        The same axes.
    """
    (curve,) = ax.plot(descent.history.loss.cpu(), **kwargs)
    best = descent.best
    ax.plot(best.step.cpu(), best.loss.cpu(), "o", color=curve.get_color(), markersize=6)
    ax.set(xlabel="step", ylabel="loss")
    return ax


def plot_loss_map(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    *,
    slopes: ArrayLike,
    intercepts: ArrayLike,
    loss: Loss = perpendicular_loss,
    levels: int = 12,
) -> Axes:
    """Draw the loss over slope and intercept as contours at equal ratios.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x, y : array-like of shape (n,)
        The points.
    slopes : array-like of shape (k,)
        The slopes, along the horizontal axis.
    intercepts : array-like of shape (m,)
        The intercepts, along the vertical axis.
    loss : callable
        A loss of this package, or one like it.
    levels : int
        Number of contours.

    Returns
    -------
    Axes
        The same axes.
    """
    x, y = (t.detach().cpu().to(torch.float64) for t in points(x, y))
    a, b = (values(v, name).cpu().to(x) for v, name in ((slopes, "slopes"), (intercepts, "b")))
    grid: Tensor = torch.stack([loss(a, height.expand_as(a), x, y) for height in b])
    low, high = grid[grid > 0].min().log10(), grid.max().log10()
    ax.contour(
        a, b, grid, levels=torch.logspace(low, high, levels + 2)[1:-1], linewidths=1, colors="0.55"
    )
    ax.set(xlabel="slope a", ylabel="intercept b")
    return ax


def plot_graph(ax: Axes, graph: Graph) -> Axes:
    """Draw a recorded graph: boxes for its nodes, arrows along the computation.

    Operations are rectangles, leaves hexagons and constants dashed.  Each box holds what the
    figure of :meth:`linefit.graph.Graph.to_svg` holds: name, operation, value and gradient.

    Parameters
    ----------
    ax : Axes
        Where to draw; its frame is taken away.
    graph : Graph
        What :func:`linefit.graph.record` recorded.

    Returns
    -------
    Axes
        The same axes.
    """
    graph.check()
    layout = graph.layout()
    ax.set_axis_off()
    scale = _fit(ax, layout.width, layout.height)
    for route in layout.routes:
        _plot_route(ax, route, scale)
    for box in layout.boxes:
        _plot_box(ax, box, scale)
    return ax


def _fit(ax: Axes, width: float, height: float) -> float:
    """Let the axes hold so many pixels of a layout; return how many points one of them is."""
    figure = ax.get_figure(root=True)
    if figure is not None:
        figure.draw_without_rendering()  # only now does constrained layout know the axes' size
    room, dpi = ax.get_window_extent(), ax.figure.dpi
    dots = min(room.width / width, room.height / height, 0.9 * dpi / 72)
    half_x, half_y = room.width / dots / 2, room.height / dots / 2
    ax.set(xlim=(width / 2 - half_x, width / 2 + half_x), aspect="equal")
    ax.set(ylim=(height / 2 + half_y, height / 2 - half_y))
    return float(dots * 72 / dpi)


def _plot_route(ax: Axes, route: Route, scale: float) -> None:
    """Draw an arrow along an edge, and the part of the gradient that came back along it."""
    gradient = route.edge.input is not None
    style: dict[str, Any] = {"color": "0.5", "linestyle": "-" if gradient else (0, (3, 3))}
    t = torch.linspace(0, 1, 25)
    ease = t * t * (3 - 2 * t)
    for (x, y), (to_x, to_y) in pairwise(route.points):
        ax.plot(x + (to_x - x) * ease, y + (to_y - y) * t, linewidth=1.2 * scale, **style)
    x, y = route.points[-1]
    ax.fill([x - 3.5, x + 3.5, x], [y - 7, y - 7, y], color="0.5")
    if route.label:
        look: dict[str, Any] = {"color": "C1", "fontsize": 11 * scale, "family": "monospace"}
        ax.text(*route.label_at, route.label, ha=("center", "left", "right")[route.side], **look)


def _plot_box(ax: Axes, box: Box, scale: float) -> None:
    """Draw a node: an outline that tells its kind, and its lines of text."""
    leaf, constant = (box.node.kind == kind for kind in ("leaf", "constant"))
    style: dict[str, Any] = {"edgecolor": "C0" if leaf else "0.5", "linewidth": 1.8 if leaf else 1}
    style["linestyle"] = (0, (3, 3)) if constant else "-"
    half, up, cut = box.width / 2, box.height / 2, 9 * leaf
    right = [(half - cut, -up), (half + cut / 3, 0), (half - cut, up)]
    outline = [*right, *((-x, y) for x, y in reversed(right))]
    corners = [(box.x + x, box.y + y) for x, y in outline]
    ax.fill(*zip(*corners, strict=True), facecolor="none", **style)
    first = box.y - (len(box.lines) - 1) * LINE / 2
    for i, line in enumerate(box.lines):
        look: dict[str, Any] = {"fontsize": (10 if line.role == "function" else 12) * scale}
        look |= {"title": {"weight": "bold"}, "grad": {"color": "C1"}}.get(line.role, {})
        look |= {"ha": "center", "va": "center_baseline", "family": "monospace"}
        ax.text(box.x, first + LINE * i, line.text, **look)
