"""York's line with ten points, with many, and ten thousand at once, beside odrpack and a floor."""

import numpy as np
import odrpack
import pytest

import linefit as lf


def points(*shape):
    """Return points about y = 2 x + 1 with errors between 0.5 and 2 on both axes."""
    rng = np.random.default_rng(0)
    x_std, y_std = rng.uniform(0.5, 2, (2, *shape))
    t = rng.uniform(0, 10, shape)
    noise = rng.normal(size=(2, *shape))
    return t + x_std * noise[0], 2 * t + 1 + y_std * noise[1], x_std, y_std


def floor(x, y, x_std, y_std):
    """Read all numbers once: no fit can be faster."""
    return x.sum() + y.sum() + x_std.sum() + y_std.sum()


def york(x, y, x_std, y_std):
    """Fit by the package: all minima, and two covariances."""
    return lf.york(x, y, x_std=x_std, y_std=y_std)


def odr(x, y, x_std, y_std):
    """Fit by odrpack, which finds the minimum near its start."""
    return odrpack.odr_fit(
        lambda x, beta: beta[0] * x + beta[1],
        x,
        y,
        np.array([2.0, 1.0]),
        weight_x=1 / x_std**2,
        weight_y=1 / y_std**2,
    )


def one_by_one(x, y, x_std, y_std):
    """Fit each line by odrpack in a loop."""
    return [odr(*row) for row in zip(x, y, x_std, y_std, strict=True)]


@pytest.mark.parametrize("fit", [floor, york, odr], ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [10, 1000, 100_000])
def bench_one_line(benchmark, fit, n):
    """Time one line with an error for every coordinate."""
    benchmark.group = f"York, n = {n:,}"
    benchmark.pedantic(fit, args=points(n), rounds=200 if n == 10 else 5, warmup_rounds=2)


@pytest.mark.parametrize("fit", [floor, york, one_by_one], ids=lambda f: f.__name__)
def bench_ten_thousand_lines(benchmark, fit):
    """Time 10 000 lines of ten points each."""
    benchmark.group = "York, 10,000 lines of 10 points"
    benchmark.pedantic(fit, args=points(10_000, 10), rounds=3, warmup_rounds=1)
