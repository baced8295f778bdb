"""The closed forms beside what NumPy and SciPy offer for the same line."""

import numpy as np
import pytest
from scipy import stats

import linefit as lf


def polyfit(x, y):
    """Fit by NumPy's least squares on a Vandermonde matrix."""
    return np.polyfit(x, y, 1)[0]


def linregress(x, y):
    """Fit by SciPy, which computes the uncertainties too."""
    return stats.linregress(x, y).slope


def svd(x, y):
    """Fit by the singular vector of the centered points."""
    centered = np.stack([x - x.mean(), y - y.mean()], axis=1)
    normal = np.linalg.svd(centered, full_matrices=False)[2][1]
    return -normal[0] / normal[1]


def ordinary(x, y):
    """Fit by the package, vertical distances."""
    return lf.ordinary_least_squares(x, y).slope.item()


def total(x, y):
    """Fit by the package, perpendicular distances."""
    return lf.total_least_squares(x, y).slope.item()


@pytest.mark.parametrize("n", [100, 10_000, 1_000_000])
@pytest.mark.parametrize("fit", [ordinary, polyfit, linregress], ids=lambda f: f.__name__)
def bench_ordinary_least_squares(benchmark, fit, n):
    """Time one line through n points, vertical distances."""
    x, y, _ = lf.noisy_line(n)
    benchmark.group = f"ordinary least squares, n = {n:,}"
    benchmark(fit, x.numpy(), y.numpy())


@pytest.mark.parametrize("n", [100, 10_000, 1_000_000])
@pytest.mark.parametrize("fit", [total, svd], ids=lambda f: f.__name__)
def bench_total_least_squares(benchmark, fit, n):
    """Time one line through n points, perpendicular distances."""
    x, y, _ = lf.noisy_line(n)
    benchmark.group = f"total least squares, n = {n:,}"
    benchmark(fit, x.numpy(), y.numpy())


def sums(x, y):
    """Read both coordinates once: the floor below everything that looks at all points."""
    return x.sum() + y.sum()


def moments(x, y):
    """Sum up by the package."""
    return lf.Moments.of(x, y)


def line_by_autograd(x, y):
    """Fit by the package, by autograd, with standard errors."""
    return lf.fit_line(x, y)


@pytest.mark.parametrize("n", [10, 1000, 10_000_000])
@pytest.mark.parametrize("fit", [sums, moments, total, line_by_autograd], ids=lambda f: f.__name__)
def bench_reading_points(benchmark, fit, n):
    """Time what has to look at n points, beside reading them."""
    x, y, _ = lf.noisy_line(n)
    benchmark.group = f"reading points, n = {n:,}"
    benchmark(fit, x.numpy(), y.numpy())
