"""York's line: every point has standard deviations of its own."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from linefit._check import Placed, finite, lines, placed, positive, records_graphs
from linefit._frame import Frame, in_units, power_of_two
from linefit._given import Given
from linefit._numbers import ArrayLike, values
from linefit.fit import EPS, Fit, hessian
from linefit.line import Line
from linefit.moments import Moments

MAX_STEPS, PATIENCE = 200, 50
STILL = 1e-12  # a slope that moves less than this, in units of the errors, has converged


class _Points(NamedTuple):
    """Points with the variances and the covariance of their errors, all of shape (..., n).

    The errors count in a unit of their own, ``size`` of shape (...), so that none is large.
    """

    x: Tensor
    y: Tensor
    var_x: Tensor
    var_y: Tensor
    cov: Tensor
    size: Tensor

    def swapped(self, steep: Tensor) -> _Points:
        """Exchange the axes of steep lines, so that no slope is far above one."""
        swap = steep[..., None]
        x, y = torch.where(swap, self.y, self.x), torch.where(swap, self.x, self.y)
        var_x = torch.where(swap, self.var_y, self.var_x)
        var_y = torch.where(swap, self.var_x, self.var_y)
        return _Points(x, y, var_x, var_y, self.cov, self.size)

    def weights(self, slope: Tensor) -> Tensor:
        """Return one over the variance of each point's vertical distance to a line."""
        a = slope[..., None]
        return 1 / (self.var_y + a * a * self.var_x - 2 * a * self.cov)

    def improve(self, slope: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return York's next slope, the mean that belongs to this one, and the adjusted x."""
        w, a = self.weights(slope), slope[..., None]
        total = w.sum(-1, keepdim=True)
        mean_x, mean_y = (w * self.x).sum(-1, True) / total, (w * self.y).sum(-1, True) / total
        u, v = self.x - mean_x, self.y - mean_y
        beta = w * (u * self.var_y + a * v * self.var_x - (a * u + v) * self.cov)
        better = (w * beta * v).sum(-1) / (w * beta * u).sum(-1)
        return better, mean_x[..., 0], mean_y[..., 0], mean_x + beta


@records_graphs
def york(
    x: ArrayLike, y: ArrayLike, *, x_std: ArrayLike, y_std: ArrayLike, correlation: ArrayLike = 0.0
) -> Fit:
    r"""Fit a line to points whose errors differ from point to point and axis to axis.

    It minimizes

    .. math::
       \chi^2(a, b) = \sum_{i=1}^N \frac{(a x_i - y_i + b)^2}
       {\sigma_{y,i}^2 + a^2 \sigma_{x,i}^2 - 2 a r_i \sigma_{x,i} \sigma_{y,i}}

    by York's iteration, from the line of least total squares that the mean errors suggest.  The
    loss may have other minima; a start near the points usually keeps clear of them.

    Parameters
    ----------
    x, y : array-like of shape (..., n)
        The points; leading axes are independent lines.
    x_std, y_std : array-like of shape (..., n), (n,) or ()
        Standard deviation of each coordinate, positive, in the units of x and y.
    correlation : array-like of shape (..., n), (n,) or ()
        Correlation of the two errors of a point, within (−1, 1).

    Returns
    -------
    Fit
        ``loss`` is :math:`\chi^2 / 2N`.  ``covariance`` is York's of 2004, from the adjusted
        points, and takes the standard deviations at their word; ``hessian_covariance`` comes from
        the second derivatives of χ²/2 and differs where the points miss the line by much.  Nothing
        here is differentiable: points that require gradients are detached.

    Raises
    ------
    ValueError, TypeError
        If points or standard deviations are no finite numbers of one shape, a standard deviation
        is not positive or a correlation not within (−1, 1), or the points have no direction.

    References
    ----------
    D. York, N. M. Evensen, M. López Martínez, J. De Basabe Delgado (2004), Unified equations for
    the slope, intercept, and standard errors of the best straight line,
    American Journal of Physics 72(3).

    Examples
    --------
    >>> import linefit
    >>> x, y, x_std, y_std = linefit.pearson_york()
    >>> fit = york(x, y, x_std=x_std, y_std=y_std)
    >>> round(fit.line.slope.item(), 12), round(fit.slope_se.item(), 9)
    (-0.480533407446, 0.057985009)
    """
    points = placed(x, y)
    errors = _errors(points.x, x_std, y_std, correlation)
    scaled, frame = _scaled(points, *errors)
    steep, slope = _start(scaled)
    p = scaled.swapped(steep)
    n_steps, moved = 0, torch.ones_like(slope)
    while n_steps < MAX_STEPS and (moved > 4 * EPS * slope.abs()).any():
        better, *_ = p.improve(slope)
        if n_steps >= PATIENCE:  # rarely the iteration swings between two slopes: meet between
            better = (better + slope) / 2
        slope, moved, n_steps = better, (better - slope).abs(), n_steps + 1
    _check_weights(slope.isfinite())
    own, loss, covariances, pivot = _result(p, slope, steep, frame)
    line = frame.carry(own, torch.float64)
    x, y, origin = points.x.detach(), points.y.detach(), points.origin
    given = Given(x, y, *errors, line.normal, *pivot, origin, errors_known=True)
    line = Line(line.normal.to(points.dtype), line.offset.to(points.dtype))
    converged = moved <= STILL * (1 + slope.abs())
    return Fit(line, loss, n_steps, converged, *covariances, given)


def _errors(
    x: Tensor, x_std: ArrayLike, y_std: ArrayLike, correlation: ArrayLike
) -> tuple[Tensor, Tensor, Tensor]:
    """Return standard deviations and correlation, checked and of the shape of ``x``."""
    r = values(correlation, "correlation").to(torch.float64)
    finite(r, "correlation")
    if (r.abs() >= 1).any():
        raise ValueError(f"correlation must be within (-1, 1), but {r.abs().max()} is among it.")
    errors = positive(x_std, "x_std"), positive(y_std, "y_std"), r
    for error, name in zip(errors, ("x_std", "y_std", "correlation"), strict=True):
        if error.dim() and error.shape not in {x.shape, x.shape[-1:]}:
            expected, got = tuple(x.shape), tuple(error.shape)
            raise ValueError(f"{name} must have shape () or {expected}, as x has, not {got}.")
    sx, sy, r = (e.detach().to(x.device).expand(x.shape) for e in errors)
    return sx, sy, r


def _scaled(points: Placed, sx: Tensor, sy: Tensor, r: Tensor) -> tuple[_Points, Frame]:
    """Return points within ±1 on each axis, and the frame they are in."""
    (x, mid_x, unit_x), (y, mid_y, unit_y) = (in_units(t.detach()) for t in points[:2])
    sx, sy = sx / unit_x[..., None], sy / unit_y[..., None]
    size = power_of_two(torch.maximum(sx, sy).amax(-1))
    sx, sy = sx / size[..., None], sy / size[..., None]
    p = _Points(x, y, sx * sx, sy * sy, r * sx * sy, size)
    return p, Frame(mid_x, mid_y, unit_x, unit_y, points.origin)


def _check_weights(good: Tensor) -> None:
    if not good.all():
        raise ValueError(
            f"The standard deviations differ too much to weigh the points{lines(~good)}."
        )


def _start(p: _Points) -> tuple[Tensor, Tensor]:
    """Return which lines are steep, and the slope to begin with, axes of steep lines exchanged."""
    weight = 1 / (p.var_x / p.var_x.mean(-1, True) + p.var_y / p.var_y.mean(-1, True))
    weight = weight / weight.sum(-1, True)
    mean_x, mean_y = (weight * p.x).sum(-1), (weight * p.y).sum(-1)
    dx, dy = p.x - mean_x[..., None], p.y - mean_y[..., None]
    sxx, sxy, syy = ((weight * product).sum(-1) for product in (dx * dx, dx * dy, dy * dy))
    moments = Moments(weight.sum(-1), mean_x, mean_y, sxx, sxy, syy, 0 * mean_x, 0 * mean_y)
    ratio = (weight * p.var_y).sum(-1) / (weight * p.var_x).sum(-1)
    _check_weights((ratio > 0) & ratio.isfinite())
    nx, ny = moments.line(variance_ratio=ratio).normal.unbind(-1)
    steep = nx.abs() > ny
    return steep, torch.where(steep, -ny / nx, -nx / ny)


def _result(
    p: _Points, slope: Tensor, steep: Tensor, frame: Frame
) -> tuple[Line, Tensor, tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return the line in its frame, χ²/2N, York's and the Hessian's covariance, and the pivot."""
    _, mean_x, mean_y, adjusted = p.improve(slope)
    w = p.weights(slope)
    center = (w * adjusted).sum(-1) / w.sum(-1)
    height = mean_y + slope * (center - mean_x)
    spread = (w * (adjusted - center[..., None]) ** 2).sum(-1)
    covariance = torch.diag_embed(torch.stack((1 / spread, 1 / w.sum(-1)), dim=-1))

    def half_chi2(a: Tensor, c: Tensor) -> Tensor:
        miss = a[..., None] * (p.x - center[..., None]) - p.y + c[..., None]
        return (miss * miss * p.weights(a)).sum(-1) / 2

    inverse, _ = torch.linalg.inv_ex(hessian(half_chi2, slope, height))
    up, one = torch.where(slope < 0, -1.0, 1.0), torch.ones_like(slope)
    run, rise = torch.where(steep, slope.abs(), one), torch.where(steep, up, slope)
    x, y = torch.where(steep, height, center), torch.where(steep, center, height)
    line = Line.through(x, y, run, rise)
    loss = half_chi2(slope, height) / p.x.shape[-1]
    size = p.size[..., None, None]
    york, hess = (frame.covariance(c * size * size, slope, steep, x) for c in (covariance, inverse))
    pivot = torch.stack(frame.place(x, y), dim=-1)
    rate = torch.where(steep, 1 / slope, 1) * frame.unit_y * p.size
    return line, loss / p.size / p.size, (york, hess), (pivot, rate * rate * covariance[..., 1, 1])
