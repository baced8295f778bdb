"""How many standard errors an interval has to reach, on either side."""

from __future__ import annotations

import math
from functools import lru_cache
from numbers import Real

import numpy as np
import torch

NODES, SHARES = np.polynomial.legendre.leggauss(40)
NEARLY_NORMAL = 10_000  # degrees of freedom from which two terms of the expansion are enough


def level_of(level: object) -> float:
    """Return how often an interval is to hold the truth, or say what is wrong with it."""
    number = level
    if isinstance(level, torch.Tensor | np.ndarray) and level.ndim == 0:
        number = level.item()
    if not isinstance(number, Real):
        raise TypeError(f"level must be one number within (0, 1), but it is {level!r}.")
    share = float(number)
    if not 0 < share < 1:
        raise ValueError(f"level must be within (0, 1), such as 0.95, but it is {level}.")
    return share


def normal_quantile(level: float) -> float:
    """Return z with P(|Z| < z) = level, for Z of the normal distribution."""
    return math.sqrt(2) * float(torch.erfinv(torch.tensor(level, dtype=torch.float64)))


@lru_cache
def student_quantile(level: float, dof: int) -> float:
    r"""Return t with P(|T| < t) = level, for T of Student's distribution with dof ≥ 1.

    With :math:`T = \sqrt\nu \tan\theta` the density is :math:`c \cos^{\nu - 1}\theta`, which
    Gauss's rule integrates and Newton's method inverts: it comes from below, never too far.
    Near the normal distribution its own quantile needs a correction only.

    References
    ----------
    M. Abramowitz, I. A. Stegun (1964), Handbook of Mathematical Functions, 26.7.5.
    """
    z = normal_quantile(level)
    if dof > NEARLY_NORMAL:
        first = (z**3 + z) / 4
        second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
        return z + first / dof + second / dof**2
    density = math.exp(math.lgamma((dof + 1) / 2) - math.lgamma(dof / 2)) / math.sqrt(math.pi)
    angle = math.atan(z / math.sqrt(dof))
    for _ in range(100):
        within = angle / 2 * float(SHARES @ np.cos(angle / 2 * (NODES + 1)) ** (dof - 1))
        step = (level / 2 / density - within) / math.cos(angle) ** (dof - 1)
        angle += step
        if abs(step) <= 1e-15 * angle:
            break
    return math.sqrt(dof) * math.tan(angle)
