"""Pictures of points, lines, losses and graphs: the only module that imports matplotlib.

Every function draws into the axes it is given and returns them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from linefit._check import ArrayLike, points, values
from linefit.loss import perpendicular_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from linefit.descent import Descent, Loss
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
