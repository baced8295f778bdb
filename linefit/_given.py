"""What a fit was made of: points, their errors, and the line without the rounding of its dtype."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from linefit._check import Origin, check_beside
from linefit._numbers import ArrayLike, double


class Given(NamedTuple):
    """Hold the points of a fit, counted from their origin, and their line, in float64.

    Points and errors have shape (..., n).  ``pivot`` (..., 2) is the place on the line whose
    height knows nothing of the slope.  ``height_se`` and ``slope_se`` (...) are the standard
    errors of that height and of the slope, and ``misfit`` (...) is the root of the sum of squared
    residuals: their squares might overflow or vanish.
    """

    x: Tensor
    y: Tensor
    x_std: Tensor
    y_std: Tensor
    correlation: Tensor
    normal: Tensor
    pivot: Tensor
    height_se: Tensor
    slope_se: Tensor
    misfit: Tensor
    origin: Origin | None = None
    n_parameters: int = 2
    errors_known: bool = False

    @property
    def dof(self) -> int:
        """Degrees of freedom."""
        return self.x.shape[-1] - self.n_parameters

    @property
    def slope(self) -> Tensor:
        """Slope of the line, without the rounding of its dtype."""
        return -self.normal[..., 0] / self.normal[..., 1]

    def residuals(self) -> Tensor:
        """Return the distances of the points in units of their errors, of shape (..., n)."""
        u, v = (p.to(torch.float64) - c for p, c in ((self.x, self._at(0)), (self.y, self._at(1))))
        nx, ny = (part[..., None] for part in self.normal.unbind(-1))
        across = nx * self.x_std
        up = ny * self.y_std
        size = torch.maximum(across.abs(), up.abs())
        across = across / size
        up = up / size
        spread = across * across + up * up + 2 * self.correlation * across * up
        return (nx * u + ny * v) / (size * spread.sqrt())

    @property
    def intercept_se(self) -> Tensor:
        """Standard error of the intercept."""
        return self._reach(-self.position[..., 0], self.height_se, self.slope_se)

    @property
    def position(self) -> Tensor:
        """The pivot, where it is."""
        if self.origin is None:
            return self.pivot
        x, y = self.pivot.unbind(-1)
        x = x + self.origin.rest_x
        y = y + self.origin.rest_y
        return torch.stack((self.origin.x + x, self.origin.y + y), dim=-1)

    def height(self, x: ArrayLike) -> tuple[Tensor, Tensor]:
        """Return the height of the line above ``x``, and its standard error."""
        away = self._from_pivot(x)
        parts = (self.slope, self.position[..., 1], self.height_se, self.slope_se)
        several = bool(self.height_se.dim() and away.dim())
        slope, level, here, turning = (t[..., None] if several else t for t in parts)
        return level + slope * away, self._reach(away, here, turning)

    @staticmethod
    def _reach(away: Tensor, here: Tensor, turning: Tensor) -> Tensor:
        """Return the standard error of the height at a distance from the pivot."""
        reach = torch.hypot(here, torch.where(away == 0, 0, away * turning))
        return torch.where(reach.isnan(), torch.inf, reach)

    def _from_pivot(self, x: ArrayLike) -> Tensor:
        """Return how far x is from the pivot, with all digits that it has."""
        value, rest = double(x, "x")
        value = value.to(self.pivot)
        pivot = self.pivot[..., 0]
        check_beside(value.shape, pivot.shape, "x")
        several = bool(pivot.dim() and value.dim())
        if self.origin is not None:
            start = self.origin.x
            start_rest = self.origin.rest_x
            value = value - (start[..., None] if several else start)
            value = value - (start_rest[..., None] if several else start_rest)
        if rest is not None:
            value = value + rest.to(value)
        return value - (pivot[..., None] if several else pivot)

    def _at(self, axis: int) -> Tensor:
        return self.pivot[..., axis, None]
