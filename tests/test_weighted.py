"""York's line, against what he published."""

import math

import pytest
import torch

import linefit as lf

SLOPE, INTERCEPT = -0.480533407446, 5.479910224033


def pearson():
    """Return the arguments of the published fit."""
    x, y, x_std, y_std = lf.pearson_york()
    return (x, y), {"x_std": x_std, "y_std": y_std}


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
