"""Units in which the squares of distances are ordinary numbers, however large the points are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from linefit._check import finite
from linefit.line import Line
from linefit.moments import Moments, summed

TINY = 1e-250  # squares below this may come from distances whose own squares are not normal


@dataclass(frozen=True, eq=False)
class Frame:
    """Hold an origin and, for each axis, a unit that is a power of two; all of shape (...)."""

    x: Tensor
    y: Tensor
    unit_x: Tensor
    unit_y: Tensor

    def carry(self, line: Line, dtype: torch.dtype) -> Line:
        """Return a line of this frame in the original coordinates of the points."""
        larger = torch.maximum(self.unit_x, self.unit_y)
        nx, ny = line.normal.unbind(-1)
        foot_x, foot_y = nx * line.offset * self.unit_x, ny * line.offset * self.unit_y
        nx, ny = nx * (self.unit_y / larger), ny * (self.unit_x / larger)
        length = torch.hypot(nx, ny)
        nx, ny = nx / length, ny / length
        offset = nx * (self.x + foot_x) + ny * (self.y + foot_y)
        return Line(torch.stack((nx, ny), dim=-1).to(dtype), offset.to(dtype))

    def own(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return points of shape (..., n) in the coordinates of this frame, in float64."""
        u = (x.to(torch.float64) - self.x[..., None]) / self.unit_x[..., None]
        return u, (y.to(torch.float64) - self.y[..., None]) / self.unit_y[..., None]

    def covariance(self, own: Tensor, slope: Tensor, steep: Tensor, x: Tensor) -> Tensor:
        """Return the covariance of a line's slope and intercept in the points' coordinates.

        Parameters
        ----------
        own : Tensor of shape (..., 2, 2)
            Covariance of slope and height above ``x`` in this frame, with the axes of steep lines
            exchanged.
        slope : Tensor of shape (...)
            The slope that goes with it.
        steep : Tensor of shape (...)
            Which lines have their axes exchanged.
        x : Tensor of shape (...)
            Where the height is told, on the x axis that is meant to be.

        Returns
        -------
        Tensor of shape (..., 2, 2)
            ``inf`` where it is not finite, since then nothing is known.
        """
        rate, ratio = torch.where(steep, -1 / slope, 1), self.unit_y / self.unit_x
        carry = torch.zeros_like(own)
        carry[..., 0, 0] = torch.where(steep, -rate * rate, rate) * ratio
        carry[..., 1, 0] = -(self.x + self.unit_x * x) * carry[..., 0, 0]
        carry[..., 1, 1] = rate * self.unit_y
        result = carry @ own @ carry.mT
        result.diagonal(dim1=-2, dim2=-1).clamp_(min=0)  # rounding may leave a little below
        return torch.where(result.isfinite(), result, torch.inf)


class _Plain(Frame):
    """The original coordinates, in which almost all points can be summed."""

    def carry(self, line: Line, dtype: torch.dtype) -> Line:
        return Line(line.normal.to(dtype), line.offset.to(dtype))

    def own(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return x.to(torch.float64), y.to(torch.float64)


PLAIN = _Plain(*(torch.tensor(v, dtype=torch.float64) for v in (0.0, 0.0, 1.0, 1.0)))


def framed(x: Tensor, y: Tensor, *, one_unit: bool) -> tuple[Moments, Frame]:
    """Return moments that neither overflow nor underflow, and the frame that they are in.

    Parameters
    ----------
    x, y : Tensor of shape (..., n)
        The points, of any finite size.
    one_unit : bool
        Whether both axes must have the same unit, as perpendicular distance demands.

    Returns
    -------
    tuple of Moments and Frame
        Of shape (...).
    """
    moments = summed(x, y)
    squares = (moments.sxx + moments.syy).detach()
    smallest = squares if one_unit else moments.sxx.detach()
    if smallest.min().item() > TINY and squares.max().item() < math.inf:
        return moments, PLAIN
    finite(x, "x")
    finite(y, "y")
    (x, mid_x, unit_x), (y, mid_y, unit_y) = in_units(x), in_units(y)
    if one_unit:
        larger = torch.maximum(unit_x, unit_y)
        x, y = x * (unit_x / larger)[..., None], y * (unit_y / larger)[..., None]
        unit_x = unit_y = larger
    return summed(x, y), Frame(mid_x, mid_y, unit_x, unit_y)


def in_units(data: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return values centered and scaled to ±1, and the center and the power of two used."""
    data = data.to(torch.float64)
    low, high = data.detach().aminmax(dim=-1, keepdim=True)
    middle = low / 2 + high / 2
    unit = power_of_two(high / 2 - low / 2)
    return (data - middle) / unit, middle[..., 0], unit[..., 0]


def power_of_two(size: Tensor) -> Tensor:
    """Return the power of two just above each number; one for zero."""
    exponent = torch.frexp(size).exponent.clamp(max=1023)
    return torch.exp2(exponent.to(torch.float64))
