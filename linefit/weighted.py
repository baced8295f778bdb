"""York's line: every point has standard deviations of its own."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linefit._check import ArrayLike, finite, lines, points, records_graphs, values
from linefit._frame import Frame
from linefit._minima import Array, Flags, Points, lowest, terms
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
        ``loss`` is :math:`\chi^2 / 2N`, and ``n_minima`` says how many minima χ² has; of equal
        ones, the line of the smallest angle is returned.  ``covariance`` is York's of 2004, from
        the adjusted points, and takes the standard deviations at their word;
        ``hessian_covariance`` comes from the second derivatives of χ²/2 and differs where the
        points miss the line by much.  Nothing here is differentiable: points that require
        gradients are detached.  The line has the dtype of the points; the loss and the
        covariances, whose squares it might not hold, are float64.

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
    x, y = points(x, y)
    errors = _errors(x, x_std, y_std, correlation)
    with np.errstate(all="ignore"):
        p, size, axes = _scaled(_array(x), _array(y), *errors)
        _check_sizes(p, x.shape[:-1])
        found = lowest(p)
        _check_direction(p, found.level, x.shape[:-1])
        chi2, center, height, covariances = _uncertainty(p.swapped(found.steep), found.slope)
        loss = chi2 / (2 * x.shape[-1]) / size / size
        covariances *= (size * size)[:, None, None]

    def tensor(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).reshape(x.shape[:-1] + array.shape[1:]).to(x.device)

    slope, steep, frame = tensor(found.slope), tensor(found.steep), Frame(*map(tensor, axes))
    line, foot = _line(slope, steep, tensor(center), tensor(height))
    own = torch.stack([tensor(c) for c in covariances])
    york, hessian = frame.covariance(own, slope, steep, foot)
    return Fit(
        frame.carry(line, x.dtype),
        tensor(loss),
        found.n_steps,
        tensor(found.converged),
        york,
        hessian,
        tensor(found.n_minima),
    )


def _line(slope: Tensor, steep: Tensor, center: Tensor, height: Tensor) -> tuple[Line, Tensor]:
    """Return the line through a point, axes of steep lines exchanged, and that point's x."""
    run = torch.where(steep, slope.abs(), 1.0)
    rise = torch.where(steep, torch.where(slope < 0, -1.0, 1.0), slope)
    x, y = torch.where(steep, height, center), torch.where(steep, center, height)
    return Line.through(x, y, run, rise), x


def _errors(x: Tensor, x_std: ArrayLike, y_std: ArrayLike, correlation: ArrayLike) -> list[Array]:
    """Return standard deviations and correlation, checked, each of shape (lines, n)."""
    named = {"x_std": x_std, "y_std": y_std, "correlation": correlation}
    errors = []
    for name, value in named.items():
        error = values(value, name).detach()
        if error.dim() and error.shape not in {x.shape, x.shape[-1:]}:
            expected, got = tuple(x.shape), tuple(error.shape)
            raise ValueError(f"{name} must have shape () or {expected}, as x has, not {got}.")
        array = _array(error)
        if not np.isfinite(array).all():
            finite(error, name)
        errors.append(np.broadcast_to(array, x.shape).reshape(-1, x.shape[-1]))
    _check_errors(*errors, x.shape)
    return errors


def _array(data: Tensor) -> Array:
    return data.detach().to("cpu", torch.float64).numpy()


def _check_errors(x_std: Array, y_std: Array, r: Array, shape: torch.Size) -> None:
    for std, name in ((x_std, "x_std"), (y_std, "y_std")):
        if std.min() < 0:
            raise ValueError(
                f"{name} must be positive, or 0 where a coordinate is exact, but its smallest "
                f"value is {std.min()}."
            )
    if abs(r).max() >= 1:
        worst = r.flat[abs(r).argmax()]
        raise ValueError(f"correlation must be within (-1, 1), but {worst} is among it.")
    exact = (x_std == 0) & (y_std == 0)
    if exact.any():
        place = np.argwhere(exact.reshape(shape))[0].tolist()
        raise ValueError(
            f"x_std and y_std are both 0 for {exact.sum()} of {exact.size} points; the first is at "
            f"index {place[0] if len(place) == 1 else tuple(place)}. Give each point an error in "
            "x, in y or in both."
        )


def _scaled(
    x: Array, y: Array, x_std: Array, y_std: Array, r: Array
) -> tuple[Points, Array, list[Array]]:
    """Return points within ±1, the size of their errors, and middle and unit of each axis."""
    n = x.shape[-1]
    (x, mid_x, unit_x), (y, mid_y, unit_y) = (
        _in_units(x.reshape(-1, n)),
        _in_units(y.reshape(-1, n)),
    )
    x_std, y_std = x_std / unit_x, y_std / unit_y
    size = _power_of_two(np.maximum(x_std, y_std).max(-1, keepdims=True))
    x_std, y_std = x_std / size, y_std / size
    x_std, y_std = np.maximum(x_std, EXACT * y_std), np.maximum(y_std, EXACT * x_std)
    return (
        Points(x, y, x_std, y_std, r),
        size[:, 0],
        [a[:, 0] for a in (mid_x, mid_y, unit_x, unit_y)],
    )


def _in_units(data: Array) -> tuple[Array, Array, Array]:
    """Return values within ±1, the middle taken from them, and the power of two they are in."""
    low, high = data.min(-1, keepdims=True), data.max(-1, keepdims=True)
    middle = low / 2 + high / 2
    unit = _power_of_two(high / 2 - low / 2)
    return (data - middle) / unit, middle, unit


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


def _uncertainty(p: Points, slope: Array) -> tuple[Array, Array, Array, Array]:
    """Return χ², center and height of the line there, and York's and the Hessian's covariance."""
    t = terms(p, slope)
    adjusted, pull = p.x - t.shift, t.weight * t.miss
    center = (t.weight * adjusted).sum(-1) / t.total
    adjusted, lever = adjusted - center[:, None], adjusted - center[:, None] - t.shift
    york = _inverse((t.weight * adjusted**2).sum(-1), 0 * t.total, t.total)
    twice = (t.weight * lever**2 - (pull * p.x_std) ** 2).sum(-1)
    hessian = _inverse(twice, (t.weight * lever).sum(-1), t.total)
    return (pull * t.miss).sum(-1), center, t.intercept + slope * center, np.stack((york, hessian))


def _inverse(aa: Array, ab: Array, bb: Array) -> Array:
    """Return inverses (..., 2, 2) of symmetric matrices; not finite unless they are positive."""
    determinant = aa * bb - ab * ab
    rows = np.stack((bb, -ab, -ab, aa), -1) / np.where(determinant > 0, determinant, 0)[..., None]
    return rows.reshape(*aa.shape, 2, 2)
