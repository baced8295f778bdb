"""York's line: every point has standard deviations of its own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linefit._check import Placed, finite, lines, placed, records_graphs
from linefit._given import Given
from linefit._minima import Array, Flags, Lowest, Points, Terms, dot, lowest, terms
from linefit._numbers import ArrayLike, values
from linefit._scatter import why_aimless
from linefit.fit import Fit
from linefit.line import Line

EXACT = 2.0**-50  # an error this much smaller than the other of its point is as good as none
DIFFER = 1e-70  # errors that differ by more than this have weights whose squares overflow


@records_graphs
def york(
    x: ArrayLike, y: ArrayLike, *, x_std: ArrayLike, y_std: ArrayLike, correlation: ArrayLike = 0.0
) -> Fit:
    r"""Fit a line to points whose errors differ from point to point and axis to axis.

    It returns the lowest minimum of

    .. math::
       \chi^2(a, b) = \sum_{i=1}^N \frac{(a x_i - y_i + b)^2}
       {\sigma_{y,i}^2 + a^2 \sigma_{x,i}^2 - 2 a r_i \sigma_{x,i} \sigma_{y,i}}

    over all slopes a, the vertical line included, and all intercepts b.  With the best intercept
    for each slope χ² is a smooth function of the direction, which may have several minima.  It is
    evaluated all the way round, in steps that are short against any of its features, and each
    minimum is then found by Newton's method.

    Parameters
    ----------
    x, y : array-like of shape (..., n)
        The points; leading axes are independent lines.
    x_std, y_std : array-like of shape (..., n), (n,) or ()
        Standard deviation of each coordinate, in the units of x and y.  Zero says that a
        coordinate is exact, as the limit of ever smaller errors; the other one of that point must
        have an error then.  If all x are exact, this is weighted least squares.
    correlation : array-like of shape (..., n), (n,) or ()
        Correlation of the two errors of a point, within (−1, 1).

    Returns
    -------
    Fit
        ``loss`` is :math:`\chi^2 / 2N`, and ``n_minima`` says how many minima the search
        has seen (a dip as narrow as a step and far shallower than χ² may escape it); of equal
        ones, the line of the smallest angle is returned.  ``covariance`` is York's of 2004, from
        the adjusted points, and takes the standard deviations at their word;
        ``hessian_covariance`` comes from the second derivatives of χ²/2 and differs where the
        points miss the line by much.  Nothing here is differentiable: points that require
        gradients are detached.  The line has the dtype of the points, but at least 32
        bits; the loss and the covariances, whose squares it might not hold, are float64.

    Raises
    ------
    ValueError, TypeError
        If points or standard deviations are no finite numbers of one shape, a standard deviation
        is negative, both of a point are zero or a correlation is not within (−1, 1), or if χ² is
        the same in all directions.

    Notes
    -----
    Where all exact x agree, a vertical line through them is an answer like any other: it has no
    distance to these points.  Correlations beyond 0.9999995 in size count as that when the steps
    are chosen.  The work is done on the CPU, whatever device the points are on.

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
    >>> fit.n_minima.item()
    2
    """
    points = placed(x, y)
    x, y = points.x, points.y
    errors = _errors(x, x_std, y_std, correlation)
    with np.errstate(all="ignore"):
        p, frame = _scaled(_array(x), _array(y), errors)
        _check_sizes(p, x.shape[:-1])
        found = lowest(p)
        _check_direction(p, found.n_minima == 0, x.shape[:-1])
        best = _result(p, found, frame, points)

    def tensor(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array.reshape(x.shape[:-1] + array.shape[1:])).to(x.device)

    chi2, normal, offset, york, hessian, pivot, height = map(tensor, best)
    line = Line(normal.to(points.dtype), offset.to(points.dtype))
    x_error, y_error, r = (torch.from_numpy(error).to(x.device) for error in errors)
    given = Given(
        x.detach(),
        y.detach(),
        x_error,
        y_error,
        r,
        normal,
        pivot,
        height,
        points.origin,
        errors_known=True,
    )
    loss, n_minima = chi2 / (2 * x.shape[-1]), tensor(found.n_minima)
    return Fit(line, loss, found.n_steps, tensor(found.converged), york, hessian, n_minima, given)


def _errors(x: Tensor, x_std: ArrayLike, y_std: ArrayLike, correlation: ArrayLike) -> Array:
    """Return standard deviations and correlation, checked, of shape (3, ..., n)."""
    errors = np.empty((3, *x.shape))
    named = {"x_std": x_std, "y_std": y_std, "correlation": correlation}
    for i, (name, value) in enumerate(named.items()):
        error = values(value, name)
        if error.dim() and error.shape not in {x.shape, x.shape[-1:]}:
            expected, got = tuple(x.shape), tuple(error.shape)
            raise ValueError(f"{name} must have shape () or {expected}, as x has, not {got}.")
        errors[i] = _array(error)
        if not np.isfinite(errors[i]).all():
            finite(error, name)
    _check_errors(*errors)
    return errors


def _array(data: Tensor) -> Array:
    return data.detach().to("cpu", torch.float64).numpy()


def _check_errors(x_std: Array, y_std: Array, r: Array) -> None:
    for std, name in ((x_std, "x_std"), (y_std, "y_std")):
        if std.min() < 0:
            raise ValueError(
                f"{name} must be positive, or 0 where a coordinate is exact, but its smallest "
                f"value is {std.min()}."
            )
    if abs(r).max() >= 1:
        worst = r.flat[abs(r).argmax()]
        raise ValueError(f"correlation must be within (-1, 1), but {worst} is among it.")
    exact = np.maximum(x_std, y_std) == 0
    if exact.any():
        place = np.argwhere(exact)[0].tolist()
        raise ValueError(
            f"x_std and y_std are both 0 for {exact.sum()} of {exact.size} points; the first is at "
            f"index {place[0] if len(place) == 1 else tuple(place)}. Give each point an error in "
            "x, in y or in both."
        )


class _Frame(NamedTuple):
    """Middle and unit of each axis, and the unit of the errors in those units, each (lines,)."""

    mid_x: Array
    mid_y: Array
    unit_x: Array
    unit_y: Array
    size: Array


def _scaled(x: Array, y: Array, errors: Array) -> tuple[Points, _Frame]:
    """Return points (lines, n) within ±2, errors below one, and the frame that they are in."""
    n = x.shape[-1]
    x_std, y_std, r = errors.reshape(3, -1, n)
    x, y = x.reshape(-1, n), y.reshape(-1, n)
    unit_x, unit_y = _unit(x), _unit(y)
    x_std, y_std = x_std / unit_x, y_std / unit_y
    x, mid_x = _from_best(x, unit_x, x_std + EXACT * y_std)
    y, mid_y = _from_best(y, unit_y, y_std + EXACT * x_std)
    size = _power_of_two(np.maximum(x_std, y_std).max(-1, keepdims=True))
    x_std, y_std = x_std / size, y_std / size
    x_std, y_std = np.maximum(x_std, EXACT * y_std), np.maximum(y_std, EXACT * x_std)
    p = Points(x, y, x_std, y_std, r if r.any() else r[:, :1])
    return p, _Frame(*(a[:, 0] for a in (mid_x, mid_y, unit_x, unit_y, size)))


def _unit(data: Array) -> Array:
    low = np.minimum.reduce(data, -1, keepdims=True)
    high = np.maximum.reduce(data, -1, keepdims=True)
    return _power_of_two(high / 2 - low / 2)


def _from_best(data: Array, unit: Array, std: Array) -> tuple[Array, Array]:
    """Return values within ±2, the one known best taken from them, and that one.

    The heaviest point has then no rounding that its weight would make large.  Among values that
    are known alike, as exact ones are, the other coordinate has to decide.
    """
    best = data[np.arange(len(data)), np.argmin(std, -1)][:, None]
    return data / unit - best / unit, best


def _power_of_two(size: Array) -> Array:
    """Return the power of two just above each number; one for zero."""
    return np.ldexp(1.0, np.minimum(np.frexp(size)[1], 1023))


def _check_sizes(p: Points, batch: torch.Size) -> None:
    bad = np.minimum.reduce(np.maximum(p.x_std, p.y_std), -1) < DIFFER
    if bad.any():
        where = lines(torch.from_numpy(bad).reshape(batch))
        raise ValueError(f"The standard deviations differ too much to weigh the points{where}.")


def _check_direction(p: Points, level: Flags, batch: torch.Size) -> None:
    if level.any():
        extent = torch.from_numpy(np.ptp(p.x, -1) + np.ptp(p.y, -1)).reshape(batch)
        raise ValueError(why_aimless(extent, torch.from_numpy(level).reshape(batch)))


def _result(p: Points, found: Lowest, frame: _Frame, points: Placed) -> tuple[Array, ...]:
    """Return χ², normal and offset of the line, York's and the Hessian's covariance, and the pivot.

    The pivot is the place on the line whose height knows nothing of the slope; it counts from the
    points' origin.  The last is the variance of the height there.
    """
    slope, steep = found.slope, found.steep
    p = p.swapped(steep)
    t = terms(p, slope)
    adjusted, pull = p.x - t.shift, t.weight * t.miss
    center = dot(t.weight, adjusted) / t.total
    height = t.intercept + slope * center
    x = frame.mid_x + frame.unit_x * np.where(steep, height, center)
    y = frame.mid_y + frame.unit_y * np.where(steep, center, height)
    pivot = np.array((x, y)).T
    if points.origin is not None:
        ox, oy, rest_x, rest_y = (_array(part).reshape(-1) for part in points.origin)
        x, y = ox + (x + rest_x), oy + (y + rest_y)
    normal = _normal(slope, steep, frame)
    offset = normal[:, 0] * x + normal[:, 1] * y
    own = _covariances(t, adjusted - center[:, None], pull * p.x_std) * frame.size**2
    chi2 = dot(pull, t.miss) / frame.size / frame.size
    york, hessian = _carried(own, slope, steep, x, frame)
    lift = np.where(steep, 1 / slope, 1) * frame.unit_y
    return chi2, normal, offset, york, hessian, pivot, lift * lift * own[2, 0]


def _normal(slope: Array, steep: Flags, frame: _Frame) -> Array:
    """Return unit vectors across the lines, (lines, 2), in the points' own coordinates."""
    run = np.where(steep, abs(slope), 1) * frame.unit_x
    rise = np.where(steep, np.where(slope < 0, -1, 1), slope) * frame.unit_y
    larger = np.maximum(abs(run), abs(rise))
    normal = np.empty((len(slope), 2))
    normal[:, 0], normal[:, 1] = -rise / larger, run / larger
    return normal / np.hypot(normal[:, 0], normal[:, 1])[:, None]


def _covariances(t: Terms, adjusted: Array, bent: Array) -> Array:
    """Return (3, 2, lines): variances and covariance of slope and height at the center.

    York's come from the spread of the adjusted x; the Hessian's have the second derivatives of
    the misses too.
    """
    lever, none = adjusted - t.shift, np.zeros_like(t.total)
    spread = dot(t.weight * adjusted, adjusted)
    twice = dot(t.weight * lever, lever) - dot(bent, bent)
    mixed = dot(t.weight, lever)
    determinant = np.maximum(twice * t.total - mixed * mixed, 0)
    york = (1 / spread, none, 1 / t.total)
    hessian = (t.total / determinant, -mixed / determinant, twice / determinant)
    return np.array((york, hessian)).swapaxes(0, 1)


def _carried(own: Array, slope: Array, steep: Flags, x: Array, frame: _Frame) -> Array:
    """Return covariances (2, lines, 2, 2) of slope and intercept in the points' coordinates.

    They come from those of slope and height above x in the frame, with the axes of steep lines
    exchanged; they are infinite where they are not finite, since then nothing is known.
    """
    of_slope, mixed, of_height = own
    rate = np.where(steep, -1 / slope, 1)
    turn = np.where(steep, -rate * rate, 1) * (frame.unit_y / frame.unit_x)
    lift, tilt = rate * frame.unit_y, -x * turn
    result = np.empty((2, len(slope), 2, 2))
    result[..., 0, 0] = of_slope * turn * turn
    result[..., 0, 1] = result[..., 1, 0] = turn * (tilt * of_slope + lift * mixed)
    both = tilt * tilt * of_slope + 2 * tilt * lift * mixed + lift * lift * of_height
    result[..., 1, 1] = np.maximum(both, 0)  # rounding may leave a little below
    return np.where(np.isfinite(result), result, np.inf)
