"""York's line, against what he published."""

import math

import numpy as np
import pytest
import torch

import linefit as lf
from linefit import _minima

SLOPE, INTERCEPT = -0.480533407446, 5.479910224033


def pearson():
    """Return the arguments of the published fit."""
    x, y, x_std, y_std = lf.pearson_york()
    return (x, y), {"x_std": x_std, "y_std": y_std}


def hard_sets(lines, n, *, spread, correlated, seed=0):
    """Return sets of points that lie badly, with errors that differ by decades."""
    rng = np.random.default_rng(seed)
    x_std, y_std = 10 ** rng.uniform(-spread / 2, spread / 2, (2, lines, n))
    r = np.tanh(2 * rng.normal(size=(lines, n))) * 0.999 if correlated else np.zeros((lines, n))
    angle, along = np.pi * rng.random((lines, 1)), rng.normal(size=(lines, n)) * 3
    u, v = rng.choice([0.3, 1, 3], (lines, 1)) * rng.normal(size=(2, lines, n))
    x = np.cos(angle) * along + x_std * u
    y = np.sin(angle) * along + y_std * (r * u + np.sqrt(1 - r * r) * v)
    return (x, y), {"x_std": x_std, "y_std": y_std, "correlation": r}


def chi2_of(points, errors, angle):
    """Return χ² with the best offset for angles (lines, k), plainly from its definition."""
    parts = (np.asarray(part)[:, None] for part in (*points, *errors.values()))
    x, y, x_std, y_std, r = parts
    sin, cos = np.sin(angle)[..., None], np.cos(angle)[..., None]
    variance = (sin * x_std * r - cos * y_std) ** 2 + (1 - r**2) * (sin * x_std) ** 2
    miss = sin * x - cos * y
    miss = miss - (miss / variance).sum(-1, keepdims=True) / (1 / variance).sum(-1, keepdims=True)
    return (miss**2 / variance).sum(-1)


def scanned(points, errors, steps=1500):
    """Return the least χ² over angles, and how many minima, by looking everywhere."""
    slopes = np.logspace(-4, 4, steps)
    even = np.linspace(-np.pi / 2, np.pi / 2, steps, endpoint=False)
    angle = np.unique(np.concatenate((even, np.arctan(slopes), -np.arctan(slopes))))
    values = chi2_of(points, errors, angle[None])
    low = (values < np.roll(values, 1, -1)) & (values <= np.roll(values, -1, -1))
    best = np.argsort(np.where(low, values, np.inf), -1)[:, :3]  # the lowest on the grid
    ends = np.concatenate((angle[-1:] - np.pi, angle, angle[:1] + np.pi))
    left, right = ends[best], ends[best + 2]
    rows = np.arange(len(values))[:, None]
    for _ in range(6):
        closer = np.linspace(left, right, 21, axis=-1)
        fine = chi2_of(points, errors, closer.reshape(len(values), -1)).reshape(closer.shape)
        place = fine.argmin(-1)
        left = closer[rows, np.arange(best.shape[1]), np.maximum(place - 1, 0)]
        right = closer[rows, np.arange(best.shape[1]), np.minimum(place + 1, 20)]
    return fine.min((1, 2)), low.sum(-1)


def test_york_gives_the_published_digits():
    """Line, standard errors and reduced χ² are those of York (2004)."""
    points, errors = pearson()
    fit = lf.york(*points, **errors)
    assert fit.line.slope.item() == pytest.approx(SLOPE, abs=5e-13)
    assert fit.line.intercept.item() == pytest.approx(INTERCEPT, abs=5e-13)
    assert fit.slope_se.item() == pytest.approx(0.057985009, abs=5e-10)
    assert fit.intercept_se.item() == pytest.approx(0.294970735, abs=5e-10)
    assert (fit.loss * 2 * 10 / 8).item() == pytest.approx(1.483294149, abs=5e-10)
    assert fit.converged


def test_hessian_errors_differ_a_little():
    """The second derivatives of χ² give errors 0.7 to 0.9 % smaller on these points."""
    points, errors = pearson()
    fit = lf.york(*points, **errors)
    ratio = (fit.hessian_covariance.diagonal() / fit.covariance.diagonal()).sqrt()
    assert ((ratio > 0.990) & (ratio < 0.994)).all()


def test_york_minimizes_the_weighted_loss():
    """At York's line the gradient of the package's weighted loss vanishes."""
    (x, y), errors = pearson()
    line = lf.york(x, y, **errors).line
    gradient = torch.func.grad(lambda p: lf.weighted_loss(p[0], p[1], x, y, **errors))
    assert gradient(torch.stack((line.slope, line.intercept))).abs().max() < 1e-11


def test_exchanging_the_axes_gives_the_same_line():
    """A steep line is fitted with its axes exchanged, errors included."""
    (x, y), errors = pearson()
    fit = lf.york(x, y, **errors)
    mirrored = lf.york(y, x, x_std=errors["y_std"], y_std=errors["x_std"])
    slope = 1 / mirrored.line.slope
    assert slope.item() == pytest.approx(SLOPE, abs=5e-13)
    assert (mirrored.slope_se * slope**2).item() == pytest.approx(fit.slope_se.item(), rel=1e-10)
    assert mirrored.loss.item() == pytest.approx(fit.loss.item(), rel=1e-12)


def test_a_batch_is_its_lines_one_by_one():
    """Flat and steep lines go together in one call."""
    (x, y), errors = pearson()
    sx, sy = errors.values()
    batch = lf.york(
        torch.stack((x, y)),
        torch.stack((y, x)),
        x_std=torch.stack((sx, sy)),
        y_std=torch.stack((sy, sx)),
    )
    assert batch.line.slope.tolist() == pytest.approx([SLOPE, 1 / SLOPE], abs=1e-12)


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.6])
def test_equal_errors_are_deming(correlation):
    """With the same errors at every point and no correlation York's line is Deming's."""
    x, y, _ = lf.noisy_line(30)
    fit = lf.york(x, y, x_std=2.0, y_std=3.0, correlation=correlation)
    deming = lf.total_least_squares(x, y, variance_ratio=9 / 4)
    difference = abs(fit.line.slope.item() / deming.slope.item() - 1)
    assert (difference < 1e-12) == (correlation == 0)


def test_correlated_errors_minimize_their_chi_square():
    """With correlation the gradient of χ² vanishes too, and its minimum is the loss."""
    x, y, _ = lf.noisy_line(12)
    x_std, y_std = torch.linspace(0.5, 3, 12).double(), torch.linspace(2, 1, 12).double()
    r = torch.linspace(-0.8, 0.9, 12).double()
    fit = lf.york(x, y, x_std=x_std, y_std=y_std, correlation=r)

    def loss(p):
        variance = y_std**2 + (p[0] * x_std) ** 2 - 2 * p[0] * r * x_std * y_std
        return ((p[0] * x - y + p[1]) ** 2 / variance).mean() / 2

    at = torch.stack((fit.line.slope, fit.line.intercept))
    assert torch.func.grad(loss)(at).abs().max() < 1e-9
    assert fit.loss.item() == pytest.approx(loss(at).item(), rel=1e-11)


def test_size_does_not_matter():
    """Each axis may be of any size of its own."""
    (x, y), errors = pearson()
    sx, sy = errors.values()
    fit = lf.york(x * 1e150, y * 1e-150, x_std=sx * 1e150, y_std=sy * 1e-150)
    assert (fit.line.slope * 1e300).item() == pytest.approx(SLOPE, rel=1e-11)


def test_a_vertical_line_is_an_answer():
    """Equal x give the vertical line; nothing is known about its slope's error."""
    fit = lf.york([2.0, 2.0, 2.0], [0.0, 1.0, 5.0], x_std=1.0, y_std=1.0)
    assert fit.line.slope == math.inf
    assert fit.line.signed_distance(2.0, 7.0) == 0
    assert (fit.covariance == math.inf).all()


def test_the_lowest_of_two_minima():
    """Ten points whose line by York's iteration, from a line near them, has a χ² of 10.7."""
    x = [11.603, 9.3174, 8.4309, 12.1099, 6.8955, 6.878, 10.8079, -4.0968, 13.1037, 6.9013]
    y = [-2.0783, -1.1727, 1.3463, -1.4551, 0.0195, -1.9575, -12.2764, -19.3902, -4.1095, -2.6094]
    x_std = [3.7318, 8.1294, 1.4525, 5.9231, 2.5373, 0.7288, 1.4003, 5.7666, 6.8086, 1.3043]
    y_std = [2.9783, 3.0801, 3.1092, 2.2546, 4.0658, 0.5837, 5.1389, 11.6265, 2.1038, 1.976]
    fit = lf.york(x, y, x_std=x_std, y_std=y_std)
    assert fit.line.slope.item() == pytest.approx(-0.143712642, abs=1e-9)
    assert fit.line.intercept.item() == pytest.approx(-0.9802576511, abs=1e-9)
    assert 20 * fit.loss.item() == pytest.approx(8.5969077, abs=1e-7)
    assert (fit.n_minima.item(), fit.n_minima.dtype) == (2, torch.int64)


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 10])
@pytest.mark.parametrize(("spread", "correlated"), [(1, False), (3, False), (1, True)])
def test_never_a_local_minimum(n, spread, correlated):
    """On hard sets the line is the best that a scan over all angles finds, and so is the count."""
    points, errors = hard_sets(250, n, spread=spread, correlated=correlated)
    least, count = scanned(points, errors)
    fit = lf.york(*points, **errors)
    assert fit.converged.all()
    np.testing.assert_allclose(2 * n * fit.loss, least, rtol=1e-9, atol=1e-9)
    assert (fit.n_minima.numpy() != count).sum() <= 2  # a scan misses a shallow one at times
    assert (count > 1).sum() > 10


@pytest.mark.parametrize("correlated", [False, True])
def test_exchanged_axes_have_the_same_minima(correlated):
    """Hard sets and their mirror images have the same χ², number of minima and line."""
    (x, y), errors = hard_sets(300, 6, spread=2, correlated=correlated, seed=1)
    fit = lf.york(x, y, **errors)
    errors["x_std"], errors["y_std"] = errors["y_std"], errors["x_std"]
    mirrored = lf.york(y, x, **errors)
    assert torch.allclose(fit.loss, mirrored.loss, rtol=1e-11, atol=0)
    assert torch.equal(fit.n_minima, mirrored.n_minima)
    assert torch.allclose(fit.line.slope * mirrored.line.slope, torch.tensor(1.0).double())


@pytest.mark.parametrize("turn", [0.0, 1e-12, 1e-6, -1e-3])
def test_near_vertical_lines(turn):
    """A line that is vertical but for a trace keeps the digits of its inverse slope."""
    t = torch.linspace(-3, 3, 9, dtype=torch.float64)
    x, x_std, y_std = turn * t, torch.linspace(0.5, 1, 9), torch.linspace(2, 1, 9)
    fit = lf.york(x, t, x_std=x_std, y_std=y_std)
    assert (1 / fit.line.slope).item() == pytest.approx(turn, rel=1e-12, abs=1e-17)
    assert fit.converged


def test_the_hessian_is_that_of_autograd():
    """The second derivatives by hand are those of χ²/2 over slope and intercept by autograd."""
    (x, y), errors = hard_sets(40, 8, spread=1, correlated=True, seed=2)
    fit = lf.york(x, y, **errors)
    data = [torch.from_numpy(part) for part in (x, y, *errors.values())]

    def half_chi2(p, data):
        x, y, x_std, y_std, r = data
        variance = y_std**2 + (p[0] * x_std) ** 2 - 2 * p[0] * r * x_std * y_std
        return ((p[0] * x - y + p[1]) ** 2 / variance).sum() / 2

    at = torch.stack((fit.line.slope, fit.line.intercept), -1)
    hessian = torch.func.vmap(torch.func.jacrev(torch.func.jacrev(half_chi2)))(at, data)
    assert (abs(fit.line.slope) > 1).any()
    assert (abs(fit.line.slope) < 1).any()
    expected = torch.linalg.inv(hessian)
    size = expected.diagonal(dim1=-2, dim2=-1).sqrt()
    error = (fit.hessian_covariance - expected) / (size[:, :, None] * size[:, None])
    assert error.abs().max() < 1e-9


def test_equal_minima_give_the_smallest_angle():
    """Of two mirror images the falling line is taken, in whatever order the points come."""
    x, y = np.array([3, 3, 4, -3, -3, -4]), np.array([5, -5, -4, 5, -5, -4])
    x_std, y_std = np.array([3, 3, 0.1] * 2), np.array([0.5, 3, 0.5] * 2)
    for order in ([0, 1, 2, 3, 4, 5], [5, 1, 3, 0, 2, 4], [3, 4, 5, 0, 1, 2]):
        fit = lf.york(x[order], y[order], x_std=x_std[order], y_std=y_std[order])
        assert fit.n_minima == 2
        assert fit.line.slope.item() == pytest.approx(-0.568943757, abs=1e-8)


def test_exact_x_is_weighted_least_squares():
    """With no errors in x, line and covariance are those of a weighted polynomial fit."""
    x, y, _ = lf.noisy_line(20)
    y_std = torch.linspace(0.5, 4, 20).double()
    fit = lf.york(x, y, x_std=0, y_std=y_std)
    weights = 1 / y_std.numpy()
    line, covariance = np.polyfit(x, y, 1, w=weights, cov="unscaled")
    found = fit.line.slope.item(), fit.line.intercept.item()
    assert found == pytest.approx(tuple(line), rel=1e-12)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-11)
    np.testing.assert_allclose(fit.hessian_covariance, covariance, rtol=1e-11)
    assert fit.n_minima == 1
    swapped = lf.york(y, x, x_std=y_std, y_std=0)
    assert (1 / swapped.line.slope).item() == pytest.approx(line[0], rel=1e-12)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_a_zero_is_the_limit_of_small_errors(size):
    """Exact coordinates amid others give what very small errors give."""
    (x, y), errors = hard_sets(200, 7, spread=1, correlated=False, seed=3)
    x_std, y_std = size * errors["x_std"], size * errors["y_std"]
    kind = np.random.default_rng(0).integers(0, 4, x.shape)
    zero_x, zero_y = kind == 0, kind == 1
    exact = lf.york(
        x * size, y * size, x_std=np.where(zero_x, 0, x_std), y_std=np.where(zero_y, 0, y_std)
    )
    x_std, y_std = np.where(zero_x, 1e-8 * size, x_std), np.where(zero_y, 1e-8 * size, y_std)
    small = lf.york(x * size, y * size, x_std=x_std, y_std=y_std)
    assert (exact.n_minima != small.n_minima).sum() <= 1  # a shallow one may come or go
    assert torch.allclose(exact.loss, small.loss, rtol=1e-9)
    assert torch.allclose(exact.line.angle, small.line.angle, rtol=1e-6)
    assert exact.converged.all()


def test_a_vertical_line_through_exact_points():
    """Where all exact x agree, the vertical line through them counts, and is taken if it is best.

    Three exact points above one another miss it by nothing; the fourth is two of its errors off.
    """
    x, y, x_std = [1.0, 1.0, 1.0, 3.0], [0.0, 1.0, 5.0, 2.0], [0.0, 0.0, 0.0, 1.0]
    fit = lf.york(x, y, x_std=x_std, y_std=1.0)
    assert (fit.line.slope, fit.n_minima) == (math.inf, 2)
    assert fit.line.signed_distance(1.0, 9.0).abs() < 1e-15
    assert 8 * fit.loss.item() == pytest.approx(4, rel=1e-12)
    assert lf.york(x[:3], y[:3], x_std=0, y_std=1.0).line.slope == math.inf
    level = lf.york(x, y, x_std=0, y_std=1.0)  # no x agrees with all others: heights alone err
    assert (level.line.slope.item(), level.n_minima) == (pytest.approx(0, abs=1e-15), 1)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 1, -1, -1], [1, -1, 1, -1], "scatter alike in all directions"),
        ([2, 2, 2], [3, 3, 3], "All points are the same;"),
        ([[0, 1, 2], [5, 5, 5]], [[0, 1, 3], [6, 6, 6]], r"the same \(line 1 of the batch\)"),
    ],
)
def test_points_without_a_direction_are_refused(x, y, message):
    """Where χ² is the same in all directions there is no line to return."""
    with pytest.raises(ValueError, match=message):
        lf.york(x, y, x_std=1.0, y_std=1.0)


def test_unequal_errors_give_a_round_cloud_a_direction():
    """The corners of a square have a best line as soon as x errs less than y."""
    fit = lf.york([1, 1, -1, -1], [1, -1, 1, -1], x_std=1.0, y_std=2.0)
    assert fit.line.slope == 0
    assert 8 * fit.loss.item() == pytest.approx(1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_errors_whose_squares_a_small_dtype_cannot_hold(dtype):
    """The line has 32 bits at least; loss and covariance are float64 and keep their size."""
    x, y = torch.arange(6, dtype=dtype), torch.tensor([0, 1, 2, 3, 4, 6], dtype=dtype)
    fit = lf.york(x, y, x_std=1e-30, y_std=2e-30)
    wide = lf.york(x.double(), y.double(), x_std=1.0, y_std=2.0)
    assert fit.line.slope.dtype == torch.float32
    assert fit.slope_se.item() == pytest.approx(wide.slope_se.item() * 1e-30, rel=1e-12)
    assert fit.loss.item() == pytest.approx(wide.loss.item() * 1e60, rel=1e-12)


def test_extreme_ratios_of_errors_are_an_exact_coordinate():
    """Errors so different that the smaller one cannot matter give least squares."""
    fit = lf.york([0.0, 1.0, 2.0], [0.0, 1.0, 3.0], x_std=1e-200, y_std=1e200)
    assert fit.line.slope.item() == pytest.approx(1.5, rel=1e-14)


def test_a_batch_in_blocks():
    """More lines than are searched at a time are fitted as each of them alone."""
    (x, y), errors = hard_sets(30, 400, spread=2, correlated=False, seed=4)
    fit = lf.york(x, y, **errors)
    for i in (0, 15, 29):
        alone = lf.york(x[i], y[i], **{name: error[i] for name, error in errors.items()})
        assert alone.line.slope.item() == pytest.approx(fit.line.slope[i].item(), rel=1e-12)
        assert alone.n_minima == fit.n_minima[i]


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        ({"x_std": -2.0, "y_std": 1.0}, "x_std must be positive, or 0 .* smallest value is -2.0"),
        ({"x_std": 1.0, "y_std": [1.0, -1.0, 1.0]}, "y_std must be positive, or 0"),
        ({"x_std": 0.0, "y_std": 0.0}, "both 0 for 3 of 3 points; the first is at index 0"),
        ({"x_std": [1, 0, 0], "y_std": [0, 1, 0]}, "both 0 for 1 of 3 points; .* index 2"),
        ({"x_std": 1.0, "y_std": math.nan}, "y_std must be finite"),
        ({"x_std": [1.0, 1.0], "y_std": 1.0}, r"shape \(\) or \(3,\), as x has, not \(2,\)"),
        ({"x_std": 1.0, "y_std": 1.0, "correlation": 1.0}, r"within \(-1, 1\)"),
        ({"x_std": 1.0, "y_std": 1.0, "correlation": [0, -1.5, 0]}, r"\(-1, 1\), but -1.5 is"),
        ({"x_std": 1.0, "y_std": 1.0, "correlation": math.nan}, "correlation must be finite"),
        ({"x_std": math.inf, "y_std": 1.0}, "x_std must be finite"),
        ({"x_std": [1e-90, 1, 1], "y_std": [1e-90, 1, 1]}, "standard deviations differ too much"),
    ],
)
def test_bad_errors_are_refused(errors, message):
    """Standard deviations and correlations that make no sense raise and say what came."""
    with pytest.raises(ValueError, match=message):
        lf.york([0.0, 1.0, 2.0], [0.0, 1.0, 3.0], **errors)


def test_swinging_iterations_meet_between():
    """Points on which York's iteration swings between two slopes for ever still converge."""
    fit = lf.york(
        [7.1, 7.7, 2.9, 4.5, 9.2],
        [7.2, 5.8, 3.0, 5.1, 10.6],
        x_std=[0.5, 0.1, 0.1, 2, 2],
        y_std=[0.1, 0.1, 1, 2, 0.5],
    )
    assert fit.converged
    assert fit.line.slope.item() == pytest.approx(1.058, abs=1e-3)


@pytest.mark.parametrize("n", [2, _minima.SHORT, _minima.SHORT + 1])
def test_products_of_short_and_long_rows_add_up_alike(n: int) -> None:
    """The sum of products is right below and above the length where another routine takes over."""
    a, b = np.random.default_rng(0).normal(size=(2, 3, n))
    right = [math.fsum(row) for row in a * b]
    np.testing.assert_allclose(_minima.dot(a, b), right, rtol=0, atol=1e-13 * n)
