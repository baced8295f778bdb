"""Units in which the squares of distances are ordinary numbers, however large the points are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from linefit._check import Origin, Placed, finite
from linefit.line import Line
from linefit.moments import Moments, summed

TINY = 1e-250  # squares below this may come from distances whose own squares are not normal,
# and above its inverse twice a square may be infinite
NEAR_ONE = 1e-9  # a smaller ratio of variances, or a larger inverse, gets a unit for each axis


@dataclass(frozen=True, eq=False)
class Frame:
    """Hold a place and a unit on each axis, powers of two, of shape (...) each.

    The place counts from the origin that the points count from.
    """

    x: Tensor
    y: Tensor
    unit_x: Tensor
    unit_y: Tensor
    origin: Origin | None = None

    def carry(self, line: Line, dtype: torch.dtype) -> Line:
        """Return a line of this frame in the original coordinates of the points."""
        larger = torch.maximum(self.unit_x, self.unit_y)
        nx, ny = line.normal.unbind(-1)
        foot_x, foot_y = self.place(nx * line.offset, ny * line.offset)
        nx = nx * (self.unit_y / larger)
        ny = ny * (self.unit_x / larger)
        length = torch.hypot(nx, ny)
        nx = nx / length
        ny = ny / length
        if self.origin is not None:
            foot_x = self.origin.x + (foot_x + self.origin.rest_x)
            foot_y = self.origin.y + (foot_y + self.origin.rest_y)
        offset = nx * foot_x + ny * foot_y
        return Line(torch.stack((nx, ny), dim=-1).to(dtype), offset.to(dtype))

    def place(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return a place of this frame, of shape (...), as the points' coordinates."""
        return self.x + u * self.unit_x, self.y + v * self.unit_y

    def own(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return points of shape (..., n) in the coordinates of this frame, in float64."""
        u = (x.to(torch.float64) - self.x[..., None]) / self.unit_x[..., None]
        return u, (y.to(torch.float64) - self.y[..., None]) / self.unit_y[..., None]


class _Plain(Frame):
    """The original coordinates, in which almost all points can be summed."""

    def carry(self, line: Line, dtype: torch.dtype) -> Line:
        return Line(line.normal.to(dtype), line.offset.to(dtype))

    def place(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        return u, v

    def own(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return x.to(torch.float64), y.to(torch.float64)


ZERO = torch.zeros((), dtype=torch.float64)
ONE = torch.ones((), dtype=torch.float64)
PLAIN = _Plain(ZERO, ZERO, ONE, ONE)


class Framed(NamedTuple):
    """Moments of points, the frame that they are in, and the variance ratio there."""

    moments: Moments
    frame: Frame
    ratio: Tensor


def framed(
    points: Placed,
    *,
    ratio: Tensor | None,
    weights: Tensor | None = None,
    through: tuple[Tensor, Tensor] | None = None,
) -> Framed:
    """Return moments that neither overflow nor vanish, the frame they are in, and the ratio there.

    Parameters
    ----------
    points : Placed
        The points, of any finite size.
    ratio : Tensor of shape (...) or ()
        Variance of the errors in y over that of the errors in x, which tells how large a unit of
        y is beside one of x; ``None`` where the axes need no common unit.
    weights : Tensor of shape (..., n), optional
        Weights of the points, of which the largest should be about one.
    through : pair of Tensor of shape (...), optional
        Where to center the moments, instead of at the mean.

    Returns
    -------
    Framed
        All of shape (...).
    """
    x, y, origin = points
    moments = summed(x, y, weights=weights, through=through)
    squares = (moments.sxx + moments.syy).detach()
    smallest = moments.sxx.detach() if ratio is None else squares
    ordinary = smallest.min().item() > TINY and squares.max().item() < 1 / TINY
    one = torch.ones((), dtype=torch.float64, device=x.device) if ratio is None else ratio
    if ordinary and (ratio is None or _is_ordinary(ratio)):
        frame = PLAIN if origin is None else Frame(ZERO, ZERO, ONE, ONE, origin)
        return Framed(moments, frame, one)
    finite(x, "x")
    finite(y, "y")
    px, py = through or (None, None)
    (x, mid_x, unit_x) = in_units(x, px)
    (y, mid_y, unit_y) = in_units(y, py)
    if ratio is not None:
        step = one.detach().log2().div(2).round().exp2()  # the power of two next to the unit
        larger = torch.maximum(unit_x, unit_y / step)
        x = x * (unit_x / larger)[..., None]
        y = y * (unit_y / step / larger)[..., None]
        unit_x = larger
        unit_y = larger * step
        one = one / step / step
    frame = Frame(mid_x, mid_y, unit_x, unit_y, origin)
    if px is not None and py is not None:
        through = (px - mid_x) / unit_x, (py - mid_y) / unit_y
    return Framed(summed(x, y, weights=weights, through=through), frame, one)


def _is_ordinary(ratio: Tensor) -> bool:
    low, high = ratio.detach().aminmax()
    return low.item() > NEAR_ONE and high.item() < 1 / NEAR_ONE


def in_units(data: Tensor, place: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Return values within ±1, the middle taken from them, and the power of two they are in.

    A place of shape (...) is within ±1 too.
    """
    data = data.to(torch.float64)
    low, high = data.detach().aminmax(dim=-1, keepdim=True)
    if place is not None:
        place = place.detach()[..., None]
        low = torch.minimum(low, place)
        high = torch.maximum(high, place)
    middle = low / 2 + high / 2
    unit = power_of_two(high / 2 - low / 2)
    return (data - middle) / unit, middle[..., 0], unit[..., 0]


def relative(weights: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """Return weights of which the largest is about one, and the power of two they are in."""
    if weights is None:
        return None, None
    size = power_of_two(weights.detach().amax(-1))
    return weights / size[..., None], size


def power_of_two(size: Tensor) -> Tensor:
    """Return the power of two just above each number; one for zero."""
    exponent = torch.frexp(size).exponent.clamp(max=1023)
    return torch.exp2(exponent.to(torch.float64))
