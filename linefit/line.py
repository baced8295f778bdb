"""A straight line in normal form, so that a vertical line is an ordinary one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from linefit._batch import counted, mapped, picked
from linefit._check import check_beside, fit_together, lines, target_of
from linefit._numbers import ArrayLike, values


@dataclass(frozen=True, eq=False)
class Line:
    """Hold a straight line in normal form: all points p with ``normal · p = offset``.

    The normal is a unit vector, so that the signed distance of a point to the line is

    .. math:: d = n_x x + n_y y - c

    with the offset c.  It points up (``n_y`` > 0), or to the left where the line is vertical.

    Parameters
    ----------
    normal : Tensor of shape (..., 2)
        Unit vector at a right angle to the line, with ``n_y`` ≥ 0; not checked.
    offset : Tensor of shape (...)
        Signed distance of the line from the origin, along the normal.

    Examples
    --------
    >>> line = Line.from_slope_intercept(0.75, 5.0)
    >>> line.normal.tolist(), line.offset.item()
    ([-0.6, 0.8], 4.0)
    >>> line.signed_distance(0.0, 0.0).item()
    -4.0
    """

    normal: Tensor
    offset: Tensor

    @classmethod
    def from_slope_intercept(cls, slope: ArrayLike, intercept: ArrayLike) -> Line:
        """Return the line y = slope · x + intercept.

        Parameters
        ----------
        slope, intercept : array-like of shape (...)
            Finite numbers; a vertical line cannot be written this way.

        Returns
        -------
        Line
            The same line in normal form.

        Raises
        ------
        ValueError
            If the slope or the intercept is NaN or infinite.
        """
        a = values(slope, "slope")
        b = values(intercept, "intercept")
        if isinstance(slope, int | float):  # a plain number takes the other's dtype and device
            a = a.to(b)
        elif isinstance(intercept, int | float):
            b = b.to(a)
        if not fit_together(a.shape, b.shape):
            shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
            raise ValueError(f"slope and intercept must have one shape, not {shapes}.")
        kind = torch.promote_types(a.dtype, b.dtype)
        a, b = torch.broadcast_tensors(a.to(kind), b.to(kind))
        bad = ~(a.isfinite() & b.isfinite())
        if bad.any():
            raise ValueError(f"slope and intercept must be finite{lines(bad)}, got {a} and {b}.")
        length = torch.hypot(torch.ones_like(a), a)
        return cls(torch.stack((-a / length, 1 / length), dim=-1), b / length)

    @classmethod
    def through(cls, x: Tensor, y: Tensor, run: Tensor, rise: Tensor) -> Line:
        """Return the line through a point in a given direction, which may be vertical.

        Parameters
        ----------
        x, y : Tensor of shape (...)
            The point.
        run, rise : Tensor of shape (...)
            The direction, of any length above zero; ``run`` is not negative.

        Returns
        -------
        Line
            The line in normal form.
        """
        length = torch.hypot(run, rise)
        nx = -rise / length
        ny = run / length
        return cls(torch.stack((nx, ny), dim=-1), nx * x + ny * y)

    @property
    def angle(self) -> Tensor:
        """Angle from the x axis to the line, radian, in (−π/2, π/2]."""
        return torch.atan2(-self.normal[..., 0], self.normal[..., 1])

    @property
    def slope(self) -> Tensor:
        """Rise per unit of x; ``inf`` for a vertical line."""
        return -self.normal[..., 0] / self.normal[..., 1]

    @property
    def intercept(self) -> Tensor:
        """Height at x = 0; ``inf`` for a vertical line, which has no such height."""
        vertical = self.normal[..., 1] == 0
        return torch.where(vertical, torch.inf, self.offset / self.normal[..., 1])

    def signed_distance(self, x: ArrayLike, y: ArrayLike) -> Tensor:
        """Return the perpendicular distance of points to the line, positive on the normal's side.

        Parameters
        ----------
        x, y : array-like of shape (..., n) or ()
            Coordinates; leading axes match those of the line.

        Returns
        -------
        Tensor
            The distances, in the common unit of x and y.
        """
        px = values(x, "x").to(self.normal)
        py = values(y, "y").to(self.normal)
        if not fit_together(px.shape, py.shape):
            shapes = f"{tuple(px.shape)} and {tuple(py.shape)}"
            raise ValueError(f"x and y must have the same shape, but they have {shapes}.")
        nx, ny, c = self._beside(torch.broadcast_shapes(px.shape, py.shape))
        return nx * px + ny * py - c

    def y_at(self, x: ArrayLike) -> Tensor:
        """Return the height of the line above ``x``.

        Parameters
        ----------
        x : array-like of shape (..., n) or ()
            Abscissas; leading axes match those of the line.

        Returns
        -------
        Tensor
            One height for each x.

        Raises
        ------
        ValueError
            If the line is vertical.
        """
        px = values(x, "x").to(self.normal)
        nx, ny, c = self._beside(px.shape)
        if (ny == 0).any():
            bad = lines(self.normal[..., 1] == 0)
            raise ValueError(f"A vertical line has no height above x{bad}; use signed_distance.")
        return (c - nx * px) / ny

    def __call__(self, x: ArrayLike) -> Tensor:
        """Return the height of the line above ``x``, as :meth:`y_at` does."""
        return self.y_at(x)

    def __getitem__(self, index: Any) -> Line:
        """Return some lines of a batch, or one."""
        part: Line = picked(self, index, self.offset.shape)
        return part

    def to(self, target: torch.device | str | torch.dtype) -> Line:
        """Return the same line on a device, or in another dtype.

        Parameters
        ----------
        target : torch.device, str or torch.dtype
            The device or the dtype.

        Returns
        -------
        Line
            An equal one.

        Raises
        ------
        ValueError, TypeError
            If there is no such device here, or the dtype holds no fractions.
        """
        there = target_of(target)
        moved: Line = mapped(self, lambda t: t.to(there))
        return moved

    def _beside(self, shape: torch.Size) -> tuple[Tensor, Tensor, Tensor]:
        """Return normal and offset, with a last axis added where numbers have one of points."""
        check_beside(shape, self.offset.shape, "x")
        parts = (self.normal[..., 0], self.normal[..., 1], self.offset)
        nx, ny, c = (p[..., None] if self.offset.dim() and shape else p for p in parts)
        return nx, ny, c

    def __repr__(self) -> str:
        """Show slope, intercept and angle."""
        if self.offset.dim():
            return f"Line({counted(self.offset.shape)})"
        return (
            f"Line(slope={self.slope.item():.6g}, intercept={self.intercept.item():.6g}, "
            f"angle={self.angle.item():.6g})"
        )
