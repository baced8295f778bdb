"""How points scatter around their mean, and whether they have a preferred direction."""

from __future__ import annotations

import torch
from torch import Tensor

from linefit._check import lines

OVERFLOW = "The squares of the points overflow; divide both x and y by their size."
ROUND = 4 * torch.finfo(torch.float64).eps  # less than this share of scatter shows no direction


def scatter(
    sxx: Tensor, sxy: Tensor, syy: Tensor, unit: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the centered sums with y in units of x, and how strongly they favor a direction.

    Parameters
    ----------
    sxx, sxy, syy : Tensor of shape (...)
        Centered sums of squares and products.
    unit : Tensor of shape (...)
        One unit of x, in units of y.

    Returns
    -------
    tuple of Tensor of shape (...)
        Sxx, Sxy, Syy, and half the difference of the scatter along and across.

    Raises
    ------
    ValueError
        If all points are the same, or scatter alike in all directions.
    """
    sxy = sxy / unit
    syy = syy / (unit * unit)
    radius = torch.hypot((sxx - syy) / 2, sxy)
    total = sxx + syy
    aimless = ~(radius > ROUND * total)  # true for NaN as well
    if aimless.any():
        raise ValueError(why_aimless(total, aimless))
    return sxx, sxy, syy, radius


def why_aimless(total: Tensor, aimless: Tensor) -> str:
    if not total.isfinite().all():
        return OVERFLOW
    same = total == 0
    if same.any():
        return f"All points are the same{lines(same)}; a line needs two different ones."
    return (
        f"The points scatter alike in all directions{lines(aimless)}, so that no line through "
        "their mean is better than another."
    )
