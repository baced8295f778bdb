"""Data to fit: a noisy line made on demand, and two small real data sets."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import NamedTuple

import torch
from torch import Tensor

from linefit._check import number, positive, whole
from linefit.line import Line


class NoisyLine(NamedTuple):
    """Points scattered around a known line: ``x``, ``y`` of shape (n,), and ``true_line``."""

    x: Tensor
    y: Tensor
    true_line: Line


class Hubble(NamedTuple):
    """Distance ``x`` in megaparsec, velocity ``y`` in km/s and names of 24 nebulae."""

    x: Tensor
    y: Tensor
    names: tuple[str, ...]


class PearsonYork(NamedTuple):
    """Ten points with the standard deviation of each coordinate, all of shape (10,)."""

    x: Tensor
    y: Tensor
    x_std: Tensor
    y_std: Tensor


def noisy_line(
    n: int = 100,
    *,
    slope: float = 2.5,
    intercept: float = 1.0,
    noise: float = 2.0,
    seed: int = 0,
) -> NoisyLine:
    r"""Make points along a line with Gaussian noise on both coordinates.

    The true points lie at n equally spaced x from 0 to 100; then both x and y are disturbed:

    .. math:: x = t + \sigma u, \qquad y = a t + b + \sigma v, \qquad u, v \sim N(0, 1)

    Parameters
    ----------
    n : int
        Number of points, at least 2.
    slope, intercept : float
        The true line y = slope · x + intercept.
    noise : float
        Standard deviation σ of the noise on each coordinate, at least 0.
    seed : int
        Seed of the function's own generator; the global one is left alone.

    Returns
    -------
    NoisyLine
        ``x`` and ``y``, float64 of shape (n,), and ``true_line``.

    Raises
    ------
    ValueError, TypeError
        If ``n`` < 2 or ``noise`` < 0, or if they are no numbers.

    Examples
    --------
    >>> x, y, line = noisy_line(3, noise=0.0)
    >>> x.tolist(), y.tolist()
    ([0.0, 50.0, 100.0], [1.0, 126.0, 251.0])
    """
    n = whole(n, "n")
    seed = whole(seed, "seed")
    if n < 2:
        raise ValueError(f"A line needs at least two points, but n is {n}.")
    noise = number(noise, "noise")
    if not 0 <= noise < float("inf"):
        raise ValueError(
            f"noise is a standard deviation, at least 0 and finite, but it is {noise}."
        )
    slope = number(slope, "slope")
    intercept = number(intercept, "intercept")
    true_line = Line.from_slope_intercept(slope, intercept)
    generator = torch.Generator().manual_seed(seed)
    t = torch.linspace(0, 100, n, dtype=torch.float64)
    u, v = torch.randn(2, n, generator=generator, dtype=torch.float64)
    return NoisyLine(t + noise * u, slope * t + intercept + noise * v, true_line)


def hubble() -> Hubble:
    """Return the distances and velocities of 24 nebulae from which Hubble derived his law.

    Returns
    -------
    Hubble
        Distance in megaparsec, radial velocity in km/s, and the names of the nebulae.

    References
    ----------
    E. Hubble (1929), A relation between distance and radial velocity among extra-galactic
    nebulae, PNAS 15(3), table 1.

    Examples
    --------
    >>> data = hubble()
    >>> data.names[-1], data.x[-1].item(), data.y[-1].item()
    ('NGC 4649', 2.0, 1090.0)
    """
    rows = _rows("hubble_1929.csv")
    names = tuple(row["nebula"] for row in rows)
    return Hubble(_column(rows, "distance_mpc"), _column(rows, "velocity_km_s"), names)


def pearson_york() -> PearsonYork:
    """Return Pearson's ten points with the weights that York gave them.

    A weight w means a standard deviation of 1/√w.

    Returns
    -------
    PearsonYork
        ``x``, ``y`` and their standard deviations ``x_std``, ``y_std``.

    References
    ----------
    K. Pearson (1901), On lines and planes of closest fit, Philosophical Magazine 2(11).
    D. York (1966), Least-squares fitting of a straight line, Canadian Journal of Physics 44.

    Examples
    --------
    >>> points = pearson_york()
    >>> points.x[0].item(), points.y[0].item(), round(points.y_std[-1].item(), 4)
    (0.0, 5.9, 0.0447)
    """
    rows = _rows("pearson_york.csv")
    std = [positive(_column(rows, f"weight_{c}"), f"weight_{c}").rsqrt() for c in "xy"]
    return PearsonYork(_column(rows, "x"), _column(rows, "y"), std[0], std[1])


def _rows(name: str) -> list[dict[str, str]]:
    text = files("linefit").joinpath("datasets", name).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def _column(rows: list[dict[str, str]], name: str) -> Tensor:
    return torch.tensor([float(row[name]) for row in rows], dtype=torch.float64)
