"""Ten million points, and ten thousand lines, beside the peers and beside reading the data once."""

import kornia.geometry.line
import numpy as np
import odrpack
import pytest
import torch
from scipy import stats
from sklearn.linear_model import LinearRegression

import linefit as lf


def floor(x, y):
    """Read x and y once: no fit can be faster."""
    return x.sum() + y.sum()


def total(x, y):
    """Fit by the package, perpendicular distances."""
    return lf.total_least_squares(x, y).slope.item()


def fit_line(x, y):
    """Fit by the package, with autograd and standard errors."""
    return lf.fit_line(x, y).line.slope.item()


def ordinary(x, y):
    """Fit by the package, vertical distances."""
    return lf.ordinary_least_squares(x, y).slope.item()


def polyfit(x, y):
    """Fit by NumPy's least squares on a Vandermonde matrix."""
    return np.polyfit(x, y, 1)[0]


def linregress(x, y):
    """Fit by SciPy, which computes the uncertainties too."""
    return stats.linregress(x, y).slope


def sklearn(x, y):
    """Fit by scikit-learn's LinearRegression."""
    return LinearRegression().fit(x[:, None], y).coef_[0]


def odr(x, y):
    """Fit errors in both coordinates by odrpack's orthogonal distance regression."""
    return odrpack.odr_fit(lambda x, beta: beta[0] * x + beta[1], x, y, np.array([2.0, 0.0])).beta[
        0
    ]


def one_by_one(x, y):
    """Fit each line by SciPy in a loop."""
    return [stats.linregress(a, b).slope for a, b in zip(x, y, strict=True)]


def kornia_fit_line(x, y):
    """Fit all lines by kornia's total least squares."""
    return kornia.geometry.line.fit_line(torch.stack((x, y), dim=-1))


LONG = [floor, ordinary, total, fit_line, linregress, sklearn, polyfit]


@pytest.mark.parametrize("fit", LONG, ids=lambda f: f.__name__)
def bench_ten_million_points(benchmark, fit):
    """Time one line through 10⁷ points."""
    x, y, _ = lf.noisy_line(10_000_000)
    benchmark.group = "one line, n = 10,000,000"
    benchmark.pedantic(fit, args=(x.numpy(), y.numpy()), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("fit", [total, fit_line, odr], ids=lambda f: f.__name__)
def bench_errors_in_both(benchmark, fit):
    """Time one line with errors in both coordinates through 10⁵ points."""
    x, y, _ = lf.noisy_line(100_000)
    benchmark.group = "errors in both coordinates, n = 100,000"
    benchmark.pedantic(fit, args=(x.numpy(), y.numpy()), rounds=3, warmup_rounds=1)


@pytest.mark.parametrize(
    "fit",
    [lf.total_least_squares, lf.fit_line, kornia_fit_line, one_by_one],
    ids=lambda f: f.__name__,
)
def bench_ten_thousand_lines(benchmark, fit):
    """Time 10 000 lines of 100 points each."""
    t, u, v = torch.randn(3, 10_000, 100, dtype=torch.float64)
    benchmark.group = "10,000 lines of 100 points"
    benchmark.pedantic(fit, args=(t + 0.1 * u, 2 * t + 0.1 * v), rounds=5, warmup_rounds=1)
