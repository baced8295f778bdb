"""Pictures of points, lines, losses and graphs: the only module that imports matplotlib.

Every function draws into the axes it is given and returns them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from linefit._check import points
from linefit._numbers import ArrayLike, values
from linefit.graph.draw.layout import LINE
from linefit.loss import perpendicular_loss

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from torch import Tensor

    from linefit.descent import Descent, Loss
    from linefit.fit import Fit
    from linefit.graph import Graph
    from linefit.graph.draw.layout import Box, Layout, Route
    from linefit.line import Line

LABEL_LINE = 13.0  # height of a line of text at an edge, in a layout


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
    x, y = (_drawn(t) for t in points(x, y))
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
    nx, ny = _one(line.normal, 1).tolist()
    foot = line.offset.item() * nx, line.offset.item() * ny
    limits = ax.get_xlim(), ax.get_ylim()
    ax.axline(foot, (foot[0] + ny, foot[1] - nx), **kwargs)
    ax.set(xlim=limits[0], ylim=limits[1])
    return ax


def plot_fit(ax: Axes, fit: Fit, *, level: float = 0.95, **kwargs: Any) -> Axes:
    """Draw a fitted line, and the band in which the true line runs above each x, so often.

    They reach from edge to edge without moving the edges; axes without anything in them get the
    edges of the points.  A vertical line has no band, and neither has one through two points.

    Parameters
    ----------
    ax : Axes
        Where to draw, best after :func:`plot_points`.
    fit : Fit
        What :func:`linefit.fit_line` or :func:`linefit.york` returned for one line.
    level : float
        How often the band holds the true height, within (0, 1).
    **kwargs
        For :meth:`matplotlib.axes.Axes.axline`; the band takes the line's color.

    Returns
    -------
    Axes
        The same axes.
    """
    _one(fit.loss, 0)
    if not ax.has_data():
        x, y = (_drawn(t) for t in fit.points)
        ax.update_datalim(torch.stack((x, y), dim=1).numpy())
        ax.autoscale_view()
    limits = ax.get_xlim(), ax.get_ylim()
    plot_line(ax, fit.line, **kwargs)
    if fit.slope_se.isfinite() and fit.intercept_se.isfinite():
        x = torch.linspace(*limits[0], 200, dtype=torch.float64)
        low, high = (_drawn(t) for t in fit.band(x, level))
        ax.fill_between(x, low, high, color=ax.lines[-1].get_color(), alpha=0.2, linewidth=0)
    ax.set(xlim=limits[0], ylim=limits[1])
    return ax


def plot_residuals(
    ax: Axes, x: ArrayLike, y: ArrayLike, line: Line, *, perpendicular: bool = True, **kwargs: Any
) -> Axes:
    """Draw a segment from each point to the line, perpendicular or vertical.

    Parameters
    ----------
    ax : Axes
        Where to draw; an equal aspect shows right angles as such.
    x, y : array-like of shape (n,)
        The points.
    line : Line
        One line; not a vertical one where the segments are vertical.
    perpendicular : bool
        Along the shortest path, or else parallel to the y axis.
    **kwargs
        For :meth:`matplotlib.axes.Axes.plot`.

    Returns
    -------
    Axes
        The same axes.
    """
    x, y = (_drawn(t) for t in points(x, y))
    if perpendicular:
        way = _drawn(line.signed_distance(x, y)[:, None] * line.normal)
        end_x = x - way[:, 0]
        end_y = y - way[:, 1]
    else:
        end_x = x
        end_y = _drawn(line.y_at(x))
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
    (curve,) = ax.plot(_one(_drawn(descent.history.loss), 1), **kwargs)
    best = descent.best
    ax.plot(_drawn(best.step), _drawn(best.loss), "o", color=curve.get_color(), markersize=6)
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
    x, y = (_drawn(t) for t in points(x, y))
    a, b = (_drawn(values(v, name)) for v, name in ((slopes, "slopes"), (intercepts, "b")))
    grid: Tensor = torch.stack([loss(a, height.expand_as(a), x, y) for height in b])
    if min(grid.shape) < 2 or not (grid > 0).any():
        raise ValueError("A loss map needs at least two slopes and intercepts, and a loss above 0.")
    low = grid[grid > 0].min().log10()
    high = grid.max().log10()
    ax.contour(
        a, b, grid, levels=torch.logspace(low, high, levels + 2)[1:-1], linewidths=1, colors="0.55"
    )
    ax.set(xlabel="slope a", ylabel="intercept b")
    return ax


def _drawn(data: Tensor) -> Tensor:
    """Return numbers as matplotlib takes them."""
    return data.detach().cpu().to(torch.float64)


def _one(data: Tensor, axes: int) -> Tensor:
    if data.dim() != axes:
        raise ValueError(f"One line can be drawn, not a batch of {tuple(data.shape[-1:])} or more.")
    return data


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
    _draw_layout(ax, graph.layout())
    return ax


def _draw_layout(ax: Axes, layout: Layout) -> None:
    """Draw a laid-out graph into all of the axes."""
    ax.set_axis_off()
    scale = _fit_axes(ax, layout.left, layout.width, layout.height)
    for route in layout.routes:
        _draw_route(ax, route, scale)
    for box in layout.boxes:
        _draw_box(ax, box, scale)


def _save(layout: Layout, path: Path) -> None:
    """Write a laid-out graph as PNG or PDF, in the size that it has in an SVG; black on white."""
    from matplotlib.figure import Figure

    scale = 0.9 / 72  # inches of a pixel
    figure = Figure(figsize=(layout.width * scale, layout.height * scale))
    _draw_layout(figure.add_axes((0, 0, 1, 1)), layout)
    kind = path.suffix.removeprefix(".")
    undated = {"CreationDate": None} if kind == "pdf" else None
    figure.savefig(path, format=kind, dpi=160, metadata=undated)


def _fit_axes(ax: Axes, left: float, width: float, height: float) -> float:
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


def _draw_route(ax: Axes, route: Route, scale: float) -> None:
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
        ax.text(x, y + LABEL_LINE * i, line.text, ha=side, **_look(line.role, scale))


def _draw_box(ax: Axes, box: Box, scale: float) -> None:
    """Draw a node: an outline that shows its kind, and its lines of text."""
    leaf, constant = (box.node.kind == kind for kind in ("leaf", "constant"))
    style: dict[str, Any] = {"edgecolor": "C0" if leaf else "0.5", "linewidth": 1.8 if leaf else 1}
    style["linestyle"] = (0, (3, 3)) if constant else "-"
    ax.fill(*zip(*box.outline, strict=True), facecolor="none", **style)
    first = box.y - (len(box.lines) - 1) * LINE / 2
    for i, line in enumerate(box.lines):
        look = {"ha": "center", "va": "center_baseline"} | _look(line.role, scale)
        ax.text(box.x, first + LINE * i, line.text, **look)


def _look(role: str, scale: float) -> dict[str, Any]:
    """Return how a line of text looks, in a box or at an edge, as the style of the SVG has it."""
    size = {"function": 10, "via": 10, "part": 11}.get(role, 12)
    look: dict[str, Any] = {"fontsize": size * scale, "family": "monospace"}
    if role == "title":
        look["weight"] = "bold"
    if role in {"grad", "part"}:
        look["color"] = "C1"
    return look
