"""All minima of York's χ² over the direction of a line, and the lowest of them.

With the best intercept for each slope a, χ² is a function of a alone: it goes from the horizontal
line over the rising ones to the vertical line, and over the falling ones back.  The variance of a
point's distance, σy² + a²σx² − 2 a r σx σy, vanishes at a = (σy/σx) exp(± i arccos r) only.  So,
over log |a|, all weights are analytic in a strip about the real axis with the least arccos |r| as
half its width; there the real part of a times a weight is positive, so that their sum does not
vanish and χ² is analytic too.  Even steps that are short against that width show every minimum of
any depth, from below the least σy/σx to above the largest: beyond, χ² is as smooth over a or over
1/a.

The arrays are small, and NumPy takes a third of torch's time for each operation on them.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

EPS = float(np.finfo(np.float64).eps)
STEP = 0.05  # over log |a|
SHARE = 0.1  # of the half-width, where that is narrow
MANY = 1000  # more points make χ² smoother and a step dearer: it may be longer
LONGER = 6.0  # times, at most
NARROWEST = 1e-3  # the half-width is reckoned with down to this, a correlation of 0.9999995
ROOM = 1 << 16  # numbers in a block, so that it stays in the processor's cache
SHORT = 1 << 13  # points up to which a BLAS takes a product in one thread
MAX_STEPS = 100  # of Newton's method; about four are enough
FLAT = 1e-13  # a smaller share of χ² may come from rounding
TIE = 1e-12  # minima that differ by a smaller share of χ² are equal
NEAR = np.arange(-2, 3)[:, None, None]  # five even places, and what gives three derivatives there
STENCIL = np.array([[1, -8, 0, 8, -1], [-1, 16, -30, 16, -1], [-6, 12, 0, -12, 6]]) / 12


class Points(NamedTuple):
    """Points with the standard deviations and the correlation of their errors, all (..., n).

    Where no errors are correlated, ``r`` is (..., 1).
    """

    x: Array
    y: Array
    x_std: Array
    y_std: Array
    r: Array

    @property
    def correlated(self) -> bool:
        """Whether any errors are correlated."""
        return bool(self.r.shape[-1] > 1)

    def swapped(self, steep: Flags) -> Points:
        """Exchange the axes of steep lines (...), so that no slope is far above one."""
        if not steep.any():
            return self
        swap = steep[..., None]
        x = np.where(swap, self.y, self.x)
        y = np.where(swap, self.x, self.y)
        x_std = np.where(swap, self.y_std, self.x_std)
        y_std = np.where(swap, self.x_std, self.y_std)
        return Points(x, y, x_std, y_std, self.r)


class Terms(NamedTuple):
    """What χ² at a slope (...) is made of, with the best intercept.

    ``weight`` (..., n) is one over the variance of the vertical distance ``miss`` (..., n), and
    ``shift`` (..., n) what York's adjustment takes from x.
    """

    weight: Array
    total: Array
    intercept: Array
    miss: Array
    shift: Array


def terms(p: Points, slope: Array) -> Terms:
    """Return what χ² is made of at slopes (...) for points (..., n)."""
    a = slope[..., None]
    along = a * p.x_std
    lean = along * p.x_std
    across = p.y_std
    own = along * along
    if p.correlated:
        lean -= p.r * p.x_std * p.y_std
        across = across - p.r * along
        own *= 1 - p.r * p.r
    own += across * across
    weight = np.reciprocal(own, out=own)
    total = np.add.reduce(weight, -1)
    miss, mean = _centered(a * p.x - p.y, weight, total)
    lean *= weight
    lean *= miss
    return Terms(weight, total, -mean, miss, lean)


def _centered(values: Array, weight: Array, total: Array) -> tuple[Array, Array]:
    """Take their weighted mean from values, in place, and return both."""
    mean = dot(weight, values) / total
    values -= mean[..., None]
    return values, mean


def dot(a: Array, b: Array) -> Array:
    """Return the sum of products over the last axis, in one thread.

    NumPy takes the product of short rows from a BLAS, which is faster, but shares long ones among
    threads.
    """
    if a.shape[-1] <= SHORT:
        return np.asarray(np.vecdot(a, b))
    return np.asarray(np.einsum("...n,...n->...", a, b))


class _Path(NamedTuple):
    """The way once round all directions, for u from -2 to 2, vertical to vertical.

    For |u| ≤ 1 it is a = m sinh(T u) / q, for more |a| = m q / sinh(T (2 − |u|)), with q = sinh T:
    at even pace over log |a| between the least and the largest σy/σx, which are m/q and m q.
    """

    middle: Array
    ratio: Array
    length: Array

    @classmethod
    def of(cls, p: Points) -> _Path:
        own = p.y_std / p.x_std
        low = np.sqrt(np.minimum.reduce(own, -1, keepdims=True))
        high = np.sqrt(np.maximum.reduce(own, -1, keepdims=True))
        return cls(low * high, high / low, np.arcsinh(high / low))

    def direction(self, u: Array) -> tuple[Array, Array]:
        """Return run and rise at places u (lines, k) from -2 to 2."""
        far = abs(u)
        flat = far <= 1
        size = np.sinh(self.length * np.minimum(far, 2 - far)) / self.ratio
        run = np.where(flat, 1.0, size) / np.maximum(self.middle, 1)
        rise = np.where(flat, size, 1.0) * np.minimum(self.middle, 1)
        return run, np.copysign(rise, u)


def chi2(p: Points, run: Array, rise: Array) -> Array:
    """Return χ² of the best line in each direction (lines, k), for points (lines, n)."""
    axis = 1 if p.x.shape[-1] < run.shape[-1] else 2  # of the points; the last should be long
    apart = np.s_[..., None]
    beside = np.s_[:, None]
    of_points = apart if axis == 1 else beside
    of_lines = beside if axis == 1 else apart
    x, y, x_std, y_std, r = (part[of_points] for part in p)
    var_x = x_std * x_std
    var_y = y_std * y_std
    values = np.empty(run.shape)
    size = max(1, ROOM // p.x.size)
    for i in range(0, run.shape[-1], size):
        a, b = (part[:, i : i + size][of_lines] for part in (run, rise))
        weight = (b * b) * var_x
        weight += (a * a) * var_y
        if p.correlated:
            weight -= (2 * a * b) * (r * x_std * y_std)
        np.reciprocal(weight, out=weight)
        miss = b * x
        miss -= a * y
        total = np.add.reduce(weight, axis, keepdims=True)
        miss -= np.add.reduce(weight * miss, axis, keepdims=True) / total
        miss *= miss
        miss *= weight
        values[:, i : i + size] = np.add.reduce(miss, axis)
    return values


class Lowest(NamedTuple):
    """The lowest minimum for each line (lines,); the slope of a steep one is that of x over y."""

    slope: Array
    steep: Flags
    converged: Flags
    n_minima: NDArray[np.int64]  # none where χ² is the same in all directions
    n_steps: int


def lowest(p: Points) -> Lowest:
    """Return the lowest minimum of χ² for each line of (lines, n) points."""
    n_lines, n = p.x.shape
    path = _Path.of(p)
    k = _steps(p, path)
    block = max(1, 2 * ROOM // (k * n))
    if block >= n_lines:
        return _lowest(p, path, k)
    parts = []
    for i in range(0, n_lines, block):
        rows = slice(i, i + block)
        parts.append(_lowest(Points(*(a[rows] for a in p)), _Path(*(a[rows] for a in path)), k))
    return Lowest(
        np.concatenate([part.slope for part in parts]),
        np.concatenate([part.steep for part in parts]),
        np.concatenate([part.converged for part in parts]),
        np.concatenate([part.n_minima for part in parts]),
        max(part.n_steps for part in parts),
    )


def _steps(p: Points, path: _Path) -> int:
    """Return how many steps to take along each quarter of the path."""
    step = STEP
    if p.correlated:
        half_width = max(math.acos(abs(p.r).max()), NARROWEST)
        step = min(STEP, SHARE * half_width)
    longer = min(max(1.0, p.x.shape[-1] / MANY) ** 0.5, LONGER)
    return int(np.ceil(path.length.max() / (longer * step)))


def _lowest(p: Points, path: _Path, k: int) -> Lowest:
    u = np.arange(1 - 2 * k, 2 * k + 1) / k
    values = chi2(p, *path.direction(u[None]))
    first, last, count = _valleys(values)
    rows = np.arange(len(values))[:, None]
    place = (first + last) // 2
    near = values[rows, (place + NEAR) % len(u)]
    start = place + np.where(first == last, _offset(near), 0)
    around = u[0] + np.array((start, first - 1, last + 1)) / k
    run, rise = path.direction(around - 4 * np.rint(around / 4))
    level = (around[1] <= 0) & (around[2] >= 0)
    vertical = (around[1] <= -2) | (around[2] >= 2)
    steep = vertical | ~level & (abs(rise[0]) > run[0])
    slope, chi, converged, n_steps = _refined(p, steep, run, rise)
    best = (chi <= np.minimum.reduce(chi, -1, keepdims=True) * (1 + TIE)).argmax(-1)
    slope, steep, converged = (v[rows[:, 0], best] for v in (slope, steep, converged))
    turned = abs(slope) > 1
    slope = np.where(turned, 1 / slope, slope)
    steep = steep ^ turned
    slope = np.where(steep & (abs(slope) < EPS / 4), 0, slope)  # vertical but for rounding
    return Lowest(slope, steep, converged, count, n_steps)


def _offset(near: Array) -> Array:
    """Return where in between χ² is least, from its values at five places (5, lines, k).

    Its first derivatives there tell, to a ten-thousandth of a step or so.
    """
    first, second, third = (STENCIL @ (near - near[2]).reshape(5, -1)).reshape(3, *near.shape[1:])
    second = np.where(second > 0, second, np.inf)
    parabola = -first / second
    offset = parabola - parabola * parabola * third / (2 * second)
    return np.asarray(np.minimum(np.maximum(offset, -1), 1))


def _valleys(values: Array) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return where valleys of closed curves (lines, k) begin and end, and how many there are.

    A valley's floor is one place, or more between which rounding alone makes a difference.  It
    begins below 0 if it lies about the end of the curve.  Where a line has fewer valleys than
    another, its first one is repeated.
    """
    places = np.arange(values.shape[-1])
    change = np.concatenate((values[:, 1:], values[:, :1]), -1) - values
    limit = FLAT * values
    up = change > limit
    down = change < -limit
    turn = np.where(up | down, places, -1)
    wrapped = np.maximum(np.maximum.reduce(turn, -1, keepdims=True), 0) - len(places)
    turn = np.concatenate((wrapped, turn[:, :-1]), -1)
    before = np.maximum.accumulate(turn, -1)  # the last change that came before
    rows = np.arange(len(values))[:, None]
    ends = up & down[rows, before]
    count = np.add.reduce(ends, -1, dtype=np.int64)
    last = (~ends).argsort(-1, kind="stable")[:, : max(1, np.maximum.reduce(count))]
    last = np.where(np.arange(last.shape[-1]) < count[:, None], last, last[:, :1])
    return before[rows, last] + 1, last, count


def _refined(p: Points, steep: Flags, run: Array, rise: Array) -> tuple[Array, Array, Flags, int]:
    """Return slopes of minima (lines, k) by Newton's method, their χ² and how it went.

    It starts in the first direction of (3, lines, k) and stays between the other two.
    """
    p = Points(*(part[:, None] for part in p)).swapped(steep)
    slope, *bounds = np.where(steep, run, rise) / np.where(steep, rise, run)
    low = np.minimum(*bounds)
    high = np.maximum(*bounds)
    slack = 1e-3 * (high - low)
    for n_steps in range(1, MAX_STEPS + 1):  # noqa: B007
        value, gradient, curvature, noise = _derivatives(p, slope)
        low = np.where(gradient < 0, slope, low)
        high = np.where(gradient > 0, slope, high)
        newton = slope - gradient / curvature
        safe = (curvature > 0) & (newton >= low) & (newton <= high)
        better = np.where(safe, newton, low / 2 + high / 2)
        moved = better - slope
        slope = better
        limit = 4 * (EPS * abs(slope) + noise / curvature)
        settled = moved * moved <= limit * np.maximum(limit, slack)
        if settled.all():
            break
    return slope, value, settled, n_steps


def _derivatives(p: Points, slope: Array) -> tuple[Array, Array, Array, Array]:
    """Return χ², the first two derivatives of χ²/2 over the slope, and the first's rounding."""
    t = terms(p, slope)
    pull = t.weight * t.miss
    lever, _ = _centered(p.x - 2 * t.shift, t.weight, t.total)
    adjusted = lever + t.shift
    gradient = dot(pull, adjusted)
    noise = EPS * dot(t.weight, np.abs(adjusted, out=adjusted))
    value = dot(pull, t.miss)
    pull *= p.x_std
    return value, gradient, dot(t.weight * lever, lever) - dot(pull, pull), noise
