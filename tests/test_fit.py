"""fit_line, by autograd, and its standard errors."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import linefit as lf


def cloud(seed, slope=2.0, n=20, noise=0.1):
    """Return points along a line through (3, −1)."""
    generator = torch.Generator().manual_seed(seed)
    t, u, v = torch.randn(3, n, generator=generator, dtype=torch.float64)
    length = math.hypot(1, slope)
    return 3 + t / length + noise * u / length, -1 + slope * t / length + noise * v / length


@pytest.mark.parametrize("ratio", [1.0, 0.2, 50.0])
@pytest.mark.parametrize("slope", [0.0, 1.0, -1.0, 2.5, -1e3, 1e-3])
def test_the_descent_ends_at_the_closed_form(slope, ratio):
    """Slope and intercept agree with the closed form to 1e-12, after a handful of steps."""
    x, y = cloud(1, slope)
    fit = lf.fit_line(x, y, variance_ratio=ratio)
    line = lf.total_least_squares(x, y, variance_ratio=ratio)
    assert fit.line.slope.item() == pytest.approx(line.slope.item(), rel=1e-12)
    assert fit.line.offset.item() == pytest.approx(line.offset.item(), rel=1e-12)
    assert fit.converged
    assert fit.n_steps <= 7


@given(st.integers(0, 10_000), st.floats(-1.5, 1.5), st.floats(0, 3))
def test_every_cloud_converges(seed, angle, noise):
    """Whatever the direction and the noise, the descent settles on the line of the closed form."""
    x, y = cloud(seed, math.tan(angle), noise=noise)
    fit, line = lf.fit_line(x, y), lf.total_least_squares(x, y)
    across = fit.line.normal[0] * line.normal[1] - fit.line.normal[1] * line.normal[0]
    assert fit.converged
    assert across.abs() < 1e-12


def test_the_loss_is_the_perpendicular_loss():
    """The loss reported is the loss of the package, at the line."""
    x, y = cloud(2)
    fit = lf.fit_line(x, y)
    expected = lf.perpendicular_loss(fit.line.slope, fit.line.intercept, x, y)
    assert fit.loss.item() == pytest.approx(expected.item(), rel=1e-10)


def test_standard_errors_are_those_of_york():
    """With equal errors everywhere York's formula, scaled by the scatter, tells the same."""
    x, y = cloud(3, n=2000)
    fit, york = lf.fit_line(x, y), lf.york(x, y, x_std=0.05, y_std=0.05)
    scatter = (2 * york.loss * 2000 / 1998).sqrt()
    assert fit.slope_se.item() == pytest.approx((york.slope_se * scatter).item(), rel=0.01)
    hessian = york.hessian_covariance[0, 0].sqrt() * scatter
    assert fit.slope_se.item() == pytest.approx(hessian.item(), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [1.0, 4.0])
def test_intervals_cover_the_truth(ratio):
    """Of 2000 synthetic sets, 93 to 97 % have the truth within their 95 % interval."""
    generator = torch.Generator().manual_seed(0)
    t = torch.linspace(0, 100, 100, dtype=torch.float64)
    noise = torch.randn(2, 2000, 100, generator=generator, dtype=torch.float64)
    x, y = t + 2 * noise[0], 2.5 * t + 1 + 2 * math.sqrt(ratio) * noise[1]
    fit = lf.fit_line(x, y, variance_ratio=ratio)
    for value, truth, se in (
        (fit.line.slope, 2.5, fit.slope_se),
        (fit.line.intercept, 1.0, fit.intercept_se),
    ):
        covered = ((value - truth).abs() < 1.984 * se).to(torch.float64).mean()
        assert 0.93 < covered < 0.97


def test_two_points_and_vertical_lines_have_no_standard_error():
    """Where the points tell nothing, the standard error is infinite, never NaN."""
    for points in (([0, 1], [0, 2]), ([1, 1, 1], [0, 2, 5])):
        assert (lf.fit_line(*points).covariance == math.inf).all()


def test_points_on_a_line_leave_no_doubt():
    """Without scatter the covariance is zero."""
    fit = lf.fit_line([0, 1, 2], [1, 1, 1])
    assert fit.loss == 0
    assert (fit.covariance == 0).all()


@pytest.mark.parametrize("scale", [1e-160, 1.0, 1e160])
def test_size_does_not_matter(scale):
    """The slope and its error are the same in any unit, also where squares would overflow."""
    x, y = cloud(4)
    fit, scaled = lf.fit_line(x, y), lf.fit_line(x * scale, y * scale)
    assert scaled.line.slope.item() == pytest.approx(fit.line.slope.item(), rel=1e-12)
    assert scaled.slope_se.item() == pytest.approx(fit.slope_se.item(), rel=1e-9)


def test_many_lines_at_once():
    """A batch gives what each line gives alone."""
    x, y = (torch.stack(c) for c in zip(*(cloud(s, s - 2.0) for s in range(5)), strict=True))
    batch = lf.fit_line(x, y)
    for i in range(5):
        alone = lf.fit_line(x[i], y[i])
        assert torch.isclose(batch.line.slope[i], alone.line.slope, rtol=1e-12, atol=1e-15)
        assert torch.allclose(batch.covariance[i], alone.covariance, rtol=1e-9)


def test_the_line_is_differentiable():
    """Autograd passes through the descent by the implicit function theorem."""
    points = [c.requires_grad_() for c in cloud(5, n=6)]
    assert torch.autograd.gradcheck(
        lambda x, y: (lf.fit_line(x, y).line.slope, lf.fit_line(x, y).line.offset), points
    )


def test_total_least_squares_has_one_minimum():
    """The loss is a cosine over the angle, for each line of a batch."""
    x, y = (torch.stack((c, 2 * c, -c)) for c in cloud(8))
    n_minima = lf.fit_line(x, y).n_minima
    assert (n_minima.tolist(), n_minima.dtype) == ([1, 1, 1], torch.int64)


def test_float32_points_keep_their_dtype():
    """Results come in the dtype of the points."""
    x, y = (c.float() for c in cloud(6))
    fit = lf.fit_line(x, y)
    assert {fit.line.slope.dtype, fit.loss.dtype, fit.covariance.dtype} == {torch.float32}


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_a_fit_needs_no_permission_to_record(off):
    """Where the caller has switched autograd off, fits still use it, and return plain tensors."""
    x, y = (c.requires_grad_() for c in cloud(7))
    expected = lf.fit_line(x, y).line.slope
    with off():
        slope = lf.fit_line(x, y).line.slope
        york = lf.york(x, y, x_std=1.0, y_std=1.0).line.slope
        run = lf.descend(x, y, lr=1e-2, steps=3)
        inside = lf.fit_line(x * 1, y * 1).line.slope
    assert not slope.requires_grad
    assert torch.equal(slope, expected.detach())
    assert torch.equal(inside, expected.detach())
    assert york.item() == pytest.approx(expected.item(), rel=1e-12)
    assert run.history.loss[-1] < run.history.loss[0]


@pytest.mark.parametrize("fit", [lf.fit_line, lf.total_least_squares])
def test_a_variance_ratio_belongs_to_a_line(fit):
    """One ratio, or one for each line; anything else raises."""
    x, y = (torch.stack(c) for c in zip(cloud(1), cloud(2), strict=True))
    fit(x, y, variance_ratio=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"shape \(\) or \(2,\), not \(3,\)"):
        fit(x, y, variance_ratio=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"shape \(\) or \(\), not \(2,\)"):
        fit(x[0], y[0], variance_ratio=[1.0, 2.0])


def test_the_line_is_differentiable_twice_and_in_the_ratio():
    """Second derivatives, and those in the variance ratio, are those of the closed form."""
    x, y = (c.requires_grad_() for c in cloud(8, n=4))
    ratio = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    by_descent, closed = (
        torch.autograd.functional.hessian(
            lambda x, y, r, line=line: line(x, y, variance_ratio=r).slope, (x, y, ratio)
        )
        for line in (lambda *a, **k: lf.fit_line(*a, **k).line, lf.total_least_squares)
    )
    for row, expected in zip(by_descent, closed, strict=True):
        for block, wanted in zip(row, expected, strict=True):
            assert torch.allclose(block, wanted, rtol=1e-9, atol=1e-12)
    fit = lf.fit_line(x, y, variance_ratio=ratio)
    assert not fit.loss.requires_grad
    assert not fit.covariance.requires_grad


@pytest.mark.parametrize("noise", [1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_nearly_exact_points_keep_their_uncertainty(noise, offset):
    """Where the moments cancel, loss and standard error come from the points themselves."""
    x, y = cloud(9, noise=noise)
    x, y = x + offset, y - offset
    fit = lf.fit_line(x, y)
    distance = (x - x.mean()) * fit.line.normal[0] + (y - y.mean()) * fit.line.normal[1]
    assert fit.loss.item() == pytest.approx(distance.square().mean().item() / 2, rel=1e-3)
    assert fit.slope_se > 0
