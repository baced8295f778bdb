"""York's line: every point has standard deviations of its own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch._C._functorch import peek_interpreter_stack

from linefit._check import Placed, check_per_point, finite, lines, placed
from linefit._given import Given
from linefit._minima import Array, Flags, Lowest, Points, Terms, dot, lowest, terms
from linefit._numbers import ArrayLike, values
from linefit._scatter import why_aimless
from linefit.fit import Fit
from linefit.line import Line

EXACT = 2.0**-50  # an error this much smaller than the other of its point is as good as none
DIFFER = 1e-70  # errors that differ by more than this have weights whose squares overflow


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
    points = placed(x, y, check_values=False)
    batch = points.x.shape[:-1]
    n = points.x.shape[-1]
    data = _data(points, x_std, y_std, correlation)
    with np.errstate(all="ignore"):
        p, frame = _scaled(data.reshape(5, -1, n))
        _check_sizes(p, batch)
        found = lowest(p)
        _check_direction(p, found.n_minima == 0, batch)
        *best, misfit = _result(p, found, frame, points)
        loss = misfit * misfit / (2 * n)

    def tensor(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array.reshape(batch + array.shape[1:]))

    york, hessian, normal, offset, pivot, height_se, slope_se = map(tensor, best)
    x_error, y_error, r = (torch.from_numpy(error) for error in data[2:])
    line = Line(normal, offset)
    if points.dtype is not torch.float64:
        line = line.to(points.dtype)
    given = Given(
        points.x.detach(),
        points.y.detach(),
        x_error,
        y_error,
        r,
        normal,
        pivot,
        height_se,
        slope_se,
        tensor(misfit),
        points.origin,
        errors_known=True,
    )
    converged = tensor(found.converged)
    n_minima = tensor(found.n_minima)
    fit = Fit(line, tensor(loss), found.n_steps, converged, york, hessian, n_minima, given)
    return fit if points.x.is_cpu else fit.to(points.x.device)


def _data(points: Placed, x_std: ArrayLike, y_std: ArrayLike, correlation: ArrayLike) -> Array:
    """Return x, y, their standard deviations and correlation, checked, of shape (5, ..., n)."""
    shape = points.x.shape
    given = {"x": points.x, "y": points.y}
    for name, error in (("x_std", x_std), ("y_std", y_std), ("correlation", correlation)):
        given[name] = values(error, name)
        check_per_point(given[name], shape, name)
    if peek_interpreter_stack() is not None:
        raise TypeError(
            "york is not differentiable, so torch.func's transforms cannot pass through it; "
            "differentiate weighted_loss at its line, or total_least_squares, a closed form."
        )
    data = np.empty((5, *shape))
    for i, part in enumerate(given.values()):
        data[i] = _array(part)
    if not np.isfinite(data).all():
        for name, part in given.items():
            finite(part, name)
    _check_errors(data[2:4], data[4])
    return data


def _array(data: Tensor) -> Array:
    return data.detach().to("cpu", torch.float64).numpy()


def _check_errors(std: Array, r: Array) -> None:
    if std.min() < 0:
        name, smallest = ("y_std", std[1].min()) if std[0].min() >= 0 else ("x_std", std[0].min())
        raise ValueError(
            f"{name} must be positive, or 0 where a coordinate is exact, but its smallest value "
            f"is {smallest}."
        )
    if abs(r).max() >= 1:
        worst = r.flat[abs(r).argmax()]
        raise ValueError(f"correlation must be within (-1, 1), but {worst} is among it.")
    exact = np.maximum.reduce(std) == 0
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


def _scaled(data: Array) -> tuple[Points, _Frame]:
    """Return points (lines, n) within ±2, errors below one, and the frame that they are in."""
    place = data[:2]
    std = data[2:4]
    r = data[4]
    low = np.minimum.reduce(place, -1, keepdims=True)
    high = np.maximum.reduce(place, -1, keepdims=True)
    unit = _power_of_two(high / 2 - low / 2)
    std = std / unit
    best = _best_known(place, std)
    x, y = place / unit - best / unit
    size = _power_of_two(np.maximum.reduce(std, (0, 2)))
    std = std / size[:, None]
    x_std, y_std = np.maximum(std, EXACT * std[::-1])
    mid_x, mid_y = best[..., 0]
    unit_x, unit_y = unit[..., 0]
    p = Points(x, y, x_std, y_std, r if r.any() else r[:, :1])
    return p, _Frame(mid_x, mid_y, unit_x, unit_y, size)


def _best_known(place: Array, std: Array) -> Array:
    """Return of each line the x and the y that are known best, of shape (2, lines, 1).

    Counted from these, the heaviest point has no rounding that its weight would make large.
    Among values that are known alike, as exact ones are, the other coordinate has to decide.
    """
    numbers = place.reshape(-1)
    best = (std + EXACT * std[::-1]).argmin(-1).reshape(-1)
    best += np.arange(0, len(numbers), place.shape[-1])
    return np.asarray(numbers[best].reshape(2, -1, 1))


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
    """Return York's and the Hessian's covariance, normal and offset, and what ``Given`` keeps.

    That is the pivot, counted from the points' origin, the standard errors of the height there and
    of the slope, and the misfit.
    """
    slope = found.slope
    steep = found.steep
    p = p.swapped(steep)
    t = terms(p, slope)
    adjusted = p.x - t.shift
    pull = t.weight * t.miss
    center = dot(t.weight, adjusted) / t.total
    height = t.intercept + slope * center
    x = frame.mid_x + frame.unit_x * np.where(steep, height, center)
    y = frame.mid_y + frame.unit_y * np.where(steep, center, height)
    pivot = np.array((x, y)).T
    if points.origin is not None:
        ox, oy, rest_x, rest_y = (_array(part).reshape(-1) for part in points.origin)
        x = ox + (x + rest_x)
        y = oy + (y + rest_y)
    nx, ny = _normal(slope, steep, frame)
    offset = nx * x + ny * y
    own = _covariances(t, adjusted - center[:, None], pull * p.x_std)
    york, hessian = _carried(own * frame.size**2, slope, steep, x, frame)
    normal = np.array((nx, ny)).T
    height_se, slope_se = _standard_errors(own, slope, steep, frame)
    misfit = np.sqrt(dot(pull, t.miss)) / frame.size
    return york, hessian, normal, offset, pivot, height_se, slope_se, misfit


def _normal(slope: Array, steep: Flags, frame: _Frame) -> tuple[Array, Array]:
    """Return unit vectors across the lines in the points' own coordinates, x and y (lines,)."""
    run = np.where(steep, abs(slope), 1) * frame.unit_x
    rise = np.where(steep, np.copysign(1, slope), slope) * frame.unit_y
    larger = np.maximum(run, abs(rise))
    run = run / larger
    rise = rise / larger
    length = np.hypot(run, rise)
    return -rise / length, run / length


def _covariances(t: Terms, adjusted: Array, bent: Array) -> Array:
    """Return (3, 2, lines): variances and covariance of slope and height at the center.

    York's come from the spread of the adjusted x; the Hessian's have the second derivatives of
    the misses too.
    """
    lever = adjusted - t.shift
    spread = dot(t.weight * adjusted, adjusted)
    twice = dot(t.weight * lever, lever) - dot(bent, bent)
    mixed = dot(t.weight, lever)
    determinant = np.maximum(twice * t.total - mixed * mixed, 0)
    york = (1 / spread, 0 * spread, 1 / t.total)
    hessian = (t.total / determinant, -mixed / determinant, twice / determinant)
    return np.array((york, hessian)).swapaxes(0, 1)


def _standard_errors(own: Array, slope: Array, steep: Flags, frame: _Frame) -> tuple[Array, Array]:
    """Return York's errors of the height at the pivot and of the slope, in the points' units."""
    rate = np.where(steep, abs(1 / slope), 1)
    turn = np.where(steep, rate * rate, 1) * (frame.unit_y / frame.unit_x)
    height = rate * np.sqrt(own[2, 0]) * frame.size * frame.unit_y
    return height, turn * np.sqrt(own[0, 0]) * frame.size


def _carried(own: Array, slope: Array, steep: Flags, x: Array, frame: _Frame) -> Array:
    """Return covariances (2, lines, 2, 2) of slope and intercept in the points' coordinates.

    They come from those of slope and height above x in the frame, with the axes of steep lines
    exchanged; they are infinite where they are not finite, since then nothing is known.
    """
    of_slope, mixed, of_height = own
    rate = np.where(steep, -1 / slope, 1)
    turn = np.where(steep, -rate * rate, 1) * (frame.unit_y / frame.unit_x)
    lift = rate * frame.unit_y
    tilt = -x * turn
    result = np.empty((2, len(slope), 2, 2))
    shared = tilt * of_slope + lift * mixed
    of_intercept = tilt * shared + lift * (tilt * mixed + lift * of_height)
    result[..., 0, 0] = turn * turn * of_slope
    result[..., 0, 1] = result[..., 1, 0] = turn * shared
    result[..., 1, 1] = np.maximum(of_intercept, 0)  # rounding may leave a little below
    return np.where(np.isfinite(result), result, np.inf)
