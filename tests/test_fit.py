"""fit_line, by autograd, and its standard errors."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import linefit as lf
from linefit._describe import plus_minus
from linefit._quantile import student_quantile


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
    """With equal errors everywhere York's formulas, scaled by the scatter, tell the same."""
    x, y = cloud(3, n=2000)
    fit, york = lf.fit_line(x, y), lf.york(x, y, x_std=0.05, y_std=0.05)
    scatter = (2 * york.loss * 2000 / 1998).sqrt()
    assert fit.slope_se.item() == pytest.approx((york.slope_se * scatter).item(), rel=0.01)
    hessian = york.hessian_covariance[0, 0].sqrt() * scatter
    assert fit.hessian_covariance[0, 0].sqrt().item() == pytest.approx(hessian.item(), rel=1e-3)


def noisy(seed, sets, n, noise, ratio=1.0):
    """Return sets of points around y = 0.8 x + 1 whose true x have a standard deviation of 1."""
    generator = torch.Generator().manual_seed(seed)
    t, u, v = torch.randn(3, sets, n, generator=generator, dtype=torch.float64)
    return 3 + t + noise * u, 3.4 + 0.8 * t + noise * math.sqrt(ratio) * v


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [0.25, 1.0, 4.0])
@pytest.mark.parametrize(("n", "noise"), [(100, 0.1), (100, 1.0), (1000, 2.0)])
def test_intervals_hold_however_large_the_errors_are(n, noise, ratio):
    """Standard errors and intervals keep their promise where the Hessian's break it."""
    x, y = noisy(0, 2000, n, noise, ratio)
    fit = lf.fit_line(x, y, variance_ratio=ratio)
    off = (fit.line.slope - 0.8).abs()
    low, high = fit.slope_interval()
    below, above = fit.band(torch.full((2000, 1), 5.0).double())
    shares = [
        off < 1.96 * fit.slope_se,
        (fit.line.intercept - 1).abs() < 1.96 * fit.intercept_se,
        (low < 0.8) & (high > 0.8),
        ((below < 5) & (above > 5))[:, 0],
    ]
    assert all(0.93 < share.double().mean() < 0.97 for share in shares)
    hessian = (off < 1.96 * fit.hessian_covariance[:, 0, 0].sqrt()).double().mean()
    assert (hessian < 0.93) == (noise >= 1)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.1, 1.0, 2.0])
@pytest.mark.parametrize("n", [5, 20])
def test_slope_intervals_of_few_points_hold(n, noise):
    """Creasy's interval is exact for Gaussian points; it is open where nothing is known."""
    fit = lf.fit_line(*noisy(1, 4000, n, noise))
    for level in (0.5, 0.95):
        low, high = fit.slope_interval(level)
        # intervals that hold the vertical are told open: they hold the truth all the more
        covered = ((low < 0.8) & (high > 0.8)).double().mean()
        assert covered > level - 0.015
        assert covered < level + 0.015 or low.isinf().any()


def test_a_slope_interval_is_about_t_standard_errors():
    """Where the error is small the interval is the slope ± Student's t times it."""
    fit = lf.fit_line(*cloud(3, noise=1e-3))
    low, high = fit.slope_interval(0.9)
    reach = stats.t.ppf(0.95, 18) * fit.slope_se
    assert ((high - low) / 2 / reach).item() == pytest.approx(1, abs=1e-5)
    with pytest.raises(ValueError, match="level must be within"):
        fit.slope_interval(95)


@pytest.mark.parametrize("dof", [1, 2, 3, 10, 98, 1001, 10**7])
@pytest.mark.parametrize("level", [0.01, 0.6827, 0.95, 0.9999])
def test_quantiles_are_students(dof, level):
    """The factor of an interval agrees with SciPy's quantile of Student's distribution."""
    assert student_quantile(level, dof) == pytest.approx(
        stats.t.ppf((1 + level) / 2, dof), rel=1e-8
    )


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
    """The line comes in the dtype of the points; what says how sure it is, in float64."""
    x, y = (c.float() for c in cloud(6))
    for fit in (lf.fit_line(x, y), lf.york(x, y, x_std=1.0, y_std=1.0)):
        assert fit.line.slope.dtype is fit.line.intercept.dtype is torch.float32
        second = fit.loss, fit.covariance, fit.hessian_covariance, fit.slope_se, fit.chi2
        assert {number.dtype for number in second} == {torch.float64}


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


@pytest.mark.parametrize("ratio", [0.25, 1.0, 4.0])
def test_the_slope_error_is_that_of_the_eigenvalues(ratio):
    """In units of equal errors it is (1 + a²) √(λ₁ λ₂ / (n − 2)) / (λ₁ − λ₂)."""
    x, y = cloud(10, noise=0.8)
    fit = lf.fit_line(x, y, variance_ratio=ratio)
    unit = math.sqrt(ratio)
    small, large = torch.linalg.eigvalsh(torch.cov(torch.stack((x, y / unit))))
    a = fit.line.slope / unit
    expected = unit * (1 + a * a) * (large * small / 18).sqrt() / (large - small)
    assert fit.slope_se.item() == pytest.approx(expected.item(), rel=1e-9)
    vertical = (y - fit.line(x)).square().sum() / 18 / 20
    intercept = vertical + x.mean() ** 2 * expected**2
    assert fit.intercept_se.item() == pytest.approx(intercept.sqrt().item(), rel=1e-9)


@pytest.mark.parametrize("ratio", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("slope", [0.1, 8.0])
def test_the_hessian_is_that_of_the_loss(slope, ratio):
    """The Hessian's covariance is the inverse of N/σ² times the loss's second derivatives."""
    x, y = cloud(11, slope, noise=0.5)
    fit = lf.fit_line(x, y, variance_ratio=ratio)

    def loss(p):
        return (p[0] * x - y + p[1]).square().mean() / (2 * (p[0] ** 2 + ratio))

    at = torch.stack((fit.line.slope, fit.line.intercept))
    second = 20 * torch.autograd.functional.hessian(loss, at) / (fit.loss * 2 * 20 / 18)
    expected = torch.linalg.inv(second)
    assert torch.allclose(fit.hessian_covariance, expected, rtol=1e-8)


@pytest.mark.parametrize("scale", [1e-153, 1e-150, 1e-80, 1e-10, 1e10, 1e80, 1e150])
def test_the_unit_of_y_does_not_matter(scale):
    """With the ratio of the variances in new units, everything just has these units."""
    x, y = cloud(12, noise=1e-3)
    fit, scaled = lf.fit_line(x, y), lf.fit_line(x, y * scale, variance_ratio=scale**2)
    closed = lf.total_least_squares(x, y * scale, variance_ratio=scale**2)
    for one, other in (
        (fit.line.slope, scaled.line.slope),
        (fit.line.slope, closed.slope),
        (fit.line.intercept, scaled.line.intercept),
        (fit.slope_se, scaled.slope_se),
        (fit.intercept_se, scaled.intercept_se),
    ):
        assert other.item() / scale == pytest.approx(one.item(), rel=1e-11)
    assert scaled.loss.item() == pytest.approx(fit.loss.item(), rel=1e-11)


@pytest.mark.parametrize("scale", [1e-30, 1e-19, 1.0, 1e25])
def test_single_precision_keeps_its_standard_errors(scale):
    """What is squared stays float64, so that it neither vanishes nor overflows."""
    x = torch.arange(6.0)
    y = (torch.tensor([0.1, 0.9, 2.2, 2.8, 4.1, 5.05], dtype=torch.float64) * scale).float()
    fit, wide = lf.fit_line(x, y), lf.fit_line(x.double(), y.double())
    assert fit.slope_se == wide.slope_se
    assert 0 < fit.loss == wide.loss < math.inf
    york, wide = (lf.york(*p, x_std=0.1, y_std=scale) for p in ((x, y), (x.double(), y.double())))
    assert york.slope_se.item() == pytest.approx(wide.slope_se.item(), rel=1e-12)
    assert 0 < york.slope_se < math.inf


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_points_give_a_single_precision_line(dtype):
    """The intercept of a steep line far out leaves the range of 16 bits; the line has 32."""
    x = torch.tensor([60000.0, 60032.0, 60064.0, 60096.0]).to(dtype)
    y = torch.tensor([0.0, 5e3, 9e3, 1.4e4]).to(dtype) if dtype is torch.float16 else x / 2
    for line in (lf.fit_line(x, y).line, lf.total_least_squares(x, y)):
        assert line.slope.dtype is torch.float32
        assert line.intercept.isfinite()
        assert line.intercept.item() == pytest.approx(
            lf.total_least_squares(x.double(), y.double()).intercept.item(), rel=1e-3, abs=1
        )


def test_pearsons_data_are_read_in_five_lines():
    """Slope and intercept with their errors, points and scatter, misfit, and convergence."""
    x, y, x_std, y_std = lf.pearson_york()
    slope, intercept, points, misfit, converged = str(
        lf.york(x, y, x_std=x_std, y_std=y_std)
    ).splitlines()
    assert slope.split() == ["slope", "-0.481", "±", "0.058"]
    assert intercept.split() == ["intercept", "5.48", "±", "0.29"]
    assert points == "points     10, residual scatter 1.22 times the errors given"
    assert misfit == "χ²         11.9, 8 degrees of freedom, MSWD 1.48, p = 0.157"
    assert re.fullmatch("converged  after \\d+ steps, the lowest of 2 minima", converged)
    unknown = str(lf.fit_line(x, y)).splitlines()
    assert unknown[2:4] == [
        "points     10, residual scatter 0.278",
        "χ²         unknown, as the errors are, 8 degrees of freedom",
    ]


@pytest.mark.parametrize("errors_known", [False, True])
def test_two_points_are_too_few_for_a_scatter(errors_known):
    """Where no degree of freedom is left, the text says so and holds no NaN; one step is one."""
    x, y = [0.0, 1.0], [3.0, 3.0]
    fit = lf.york(x, y, x_std=0.1, y_std=0.2) if errors_known else lf.fit_line(x, y)
    text = str(fit).splitlines()
    assert text[2] == "points     2, too few for a residual scatter"
    assert text[3].endswith(", 0 degrees of freedom")
    assert text[4] == "converged  after 1 step"


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1234.567, 0.0123, "1234.567 ± 0.012"),
        (-2.5, 0.0996, "-2.50 ± 0.10"),
        (3e-12, 4.56e-14, "3.000e-12 ± 4.6e-14"),
        (3.1, 150.0, "3.1 ± 1.5e+02"),
        (1.0194e300, 3.96e298, "1.019e+300 ± 4.0e+298"),
        (0.0, math.inf, "0 ± inf"),
        (2.0, 0.0, "2 ± 0"),
    ],
)
def test_a_number_has_the_digits_of_its_error(value, error, text):
    """Two digits of the error, and the number to the same place."""
    assert plus_minus(value, error) == text


def test_a_line_that_may_be_vertical_says_where_it_is():
    """Its intercept, which may be anywhere, gives way to the middle of the points."""
    y = torch.linspace(-3, 4, 8, dtype=torch.float64)
    wobble = torch.tensor([1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0], dtype=torch.float64)
    for x in (torch.full_like(y, 5.0), 5 + wobble / 1000):
        for fit in (lf.fit_line(x, y), lf.york(x, y, x_std=0.1, y_std=0.1)):
            assert str(fit).splitlines()[1] == "position   x = 5 at y = 0.5"
    far = 1_700_000_000_000_000_000 + torch.zeros(8, dtype=torch.int64)
    assert "x = 1.7e+18 at y = 0.5" in str(lf.fit_line(far, y))
    for slope in (1e-3, 1e3, 1e9):
        assert "intercept" in str(lf.fit_line(5 + y / slope, y + wobble / 100))
    assert "intercept" in str(lf.fit_line(y, wobble))


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_errors_bands_and_scatter_have_the_scale_of_the_points(scale):
    """What is squared on the way neither vanishes nor overflows."""
    x, y = cloud(17)
    fits = {
        "fit_line": lambda s: lf.fit_line(x * s, y * s),
        "through": lambda s: lf.fit_line(x * s, y * s, through=(3.0 * s, -s)),
        "york": lambda s: lf.york(x * s, y * s, x_std=0.1 * s, y_std=0.2 * s),
        "steep": lambda s: lf.york(y * s, x * s, x_std=0.1 * s, y_std=0.2 * s),
    }
    for name, fit in fits.items():
        plain, scaled = fit(1.0), fit(scale)
        known = "york" in name or "steep" in name
        at = torch.linspace(-2, 6, 5, dtype=torch.float64)
        for one, other in (
            (plain.slope_se, scaled.slope_se),
            (plain.intercept_se, scaled.intercept_se / scale),
            (plain.residual_scatter, scaled.residual_scatter / (1 if known else scale)),
            (plain.band(at)[0], scaled.band(at * scale)[0] / scale),
            (plain.band(at)[1], scaled.band(at * scale)[1] / scale),
        ):
            assert other.tolist() == pytest.approx(one.tolist(), rel=1e-10)


def test_standard_errors_are_those_of_the_covariance():
    """Where its squares are ordinary numbers, the covariance has the same errors."""
    x, y = cloud(18)
    for fit in (lf.fit_line(x, y), lf.york(x, y, x_std=0.1, y_std=0.2)):
        errors = torch.stack((fit.slope_se, fit.intercept_se))
        assert torch.allclose(fit.covariance.diagonal().sqrt(), errors, rtol=1e-12)


def test_known_errors_have_a_chi_square():
    """χ², degrees of freedom and p are York's and SciPy's; of unknown errors they are NaN."""
    x, y, x_std, y_std = lf.pearson_york()
    fit = lf.york(x, y, x_std=x_std, y_std=y_std)
    assert fit.dof == 8
    assert fit.reduced_chi2.item() == pytest.approx(1.483294149, abs=5e-10)
    assert fit.p_value.item() == pytest.approx(stats.chi2.sf(fit.chi2.item(), 8), rel=1e-12)
    assert fit.residuals.square().sum().item() == pytest.approx(fit.chi2.item(), rel=1e-12)
    z = stats.norm.ppf(0.975)
    assert fit.slope_interval()[1].item() == pytest.approx(
        (fit.line.slope + z * fit.slope_se).item()
    )
    free = lf.fit_line(x, y)
    assert free.chi2.isnan()
    assert free.reduced_chi2.isnan()
    assert free.p_value.isnan()
    two = lf.york([0, 1], [0, 1], x_std=1.0, y_std=1.0)
    assert (two.dof, two.p_value.isnan().item(), two.reduced_chi2.isnan().item()) == (0, True, True)


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5, 4.0, 1.0]])
@pytest.mark.parametrize("through", [None, (0.0, 1.0)])
@pytest.mark.parametrize("ratio", [1.0, 4.0])
def test_the_loss_is_half_the_mean_square_of_the_residuals(weights, through, ratio):
    """Residuals, loss and scatter belong together, with weights and through a point too."""
    x, y = [0.0, 1.0, 2.0, 3.0, 4.0], [1.1, 2.9, 5.1, 6.9, 9.2]
    fit = lf.fit_line(x, y, weights=weights, through=through, variance_ratio=ratio)
    squares = fit.residuals.square().sum().item()
    assert fit.loss.item() == pytest.approx(squares / 10, rel=1e-12)
    assert fit.dof == (3 if through is None else 4)
    assert fit.residual_scatter.item() == pytest.approx(math.sqrt(squares / fit.dof), rel=1e-12)
    if weights is None and ratio == 1:
        distance = fit.line.signed_distance(x, y)
        assert fit.residuals.tolist() == pytest.approx(distance.tolist(), abs=1e-12)


def test_weights_are_inverse_variances():
    """Weights give the line, and, scaled by the scatter, about the errors, of York's fit."""
    x, y = cloud(13, n=50)
    weights = torch.linspace(0.5, 4, 50, dtype=torch.float64)
    fit = lf.fit_line(x, y, weights=weights, variance_ratio=4.0)
    york = lf.york(x, y, x_std=weights.rsqrt(), y_std=2 * weights.rsqrt())
    assert fit.line.slope.item() == pytest.approx(york.line.slope.item(), rel=1e-11)
    assert fit.loss.item() == pytest.approx(york.loss.item(), rel=1e-10)
    scatter = york.reduced_chi2.sqrt()
    assert (york.slope_se * scatter).item() == pytest.approx(fit.slope_se.item(), rel=0.01)
    assert (york.intercept_se * scatter).item() == pytest.approx(fit.intercept_se.item(), rel=0.01)
    huge = lf.fit_line(x, y, weights=weights * 1e300, variance_ratio=4.0)
    assert huge.slope_se.item() == pytest.approx(fit.slope_se.item(), rel=1e-12)


@pytest.mark.slow
def test_a_line_through_a_point_has_the_error_it_says():
    """Through a point that is known, slope and height keep their promise of 95 %."""
    x, y = noisy(2, 2000, 50, 1.0)
    fit = lf.fit_line(x, y, through=(0.0, 1.0))
    assert (fit.line(torch.zeros(2000, 1)) - 1).abs().max() < 1e-12
    assert 0.93 < ((fit.line.slope - 0.8).abs() < 1.96 * fit.slope_se).double().mean() < 0.97
    assert (fit.intercept_se == 0).all()


def test_a_band_is_narrowest_above_the_mean():
    """The band is the height's error: that of slope and intercept together, at every x."""
    x, y = cloud(14)
    fit = lf.fit_line(x, y)
    at = torch.linspace(0, 6, 7, dtype=torch.float64)
    low, high = fit.band(at, 0.8)
    c = fit.covariance
    error = (c[1, 1] + 2 * at * c[0, 1] + at * at * c[0, 0]).sqrt()
    reach = stats.t.ppf(0.9, 18) * error
    assert ((low + high) / 2).tolist() == pytest.approx(fit.line(at).tolist(), rel=1e-12)
    assert ((high - low) / 2).tolist() == pytest.approx(reach.tolist(), rel=1e-9)
    middle = fit.band(x.mean(), 0.8)
    assert middle[1] - middle[0] < (high - low).min()
    york = lf.york(x, 20 * y, x_std=0.1, y_std=2.0)  # steep: fitted with its axes exchanged
    c, (low, high) = york.covariance, york.band(at)
    error = (c[1, 1] + 2 * at * c[0, 1] + at * at * c[0, 0]).sqrt()
    assert ((high - low) / 2).tolist() == pytest.approx((1.959963985 * error).tolist(), rel=1e-6)
    with pytest.raises(ValueError, match="vertical line has no height"):
        lf.fit_line([1, 1, 1], [0, 2, 5]).band(0.0)


@pytest.mark.parametrize(
    "fit",
    [lf.fit_line, lambda x, y: lf.york(x, y, x_std=0.1, y_std=[0.1] * 20)],
    ids=["fit_line", "york"],
)
def test_a_batch_is_indexed_like_a_tensor(fit):
    """One fit, some fits, or those that a mask names come out whole, with their points."""
    x, y = (torch.stack(c) for c in zip(*(cloud(s, s - 2.5) for s in range(6)), strict=True))
    batch = fit(x, y)
    assert repr(batch).startswith("Fit(6 lines of 20 points")
    one, some = batch[1], batch[batch.line.slope > 0]
    alone = fit(x[1], y[1])
    assert str(one).splitlines()[:4] == str(alone).splitlines()[:4]
    assert torch.allclose(one.residuals, alone.residuals, atol=1e-13)
    assert torch.allclose(torch.stack(one.band(2.0)), torch.stack(alone.band(2.0)), rtol=1e-9)
    assert some.line.slope.tolist() == batch.line.slope[3:].tolist()
    assert some.residuals.shape == (3, 20)
    assert batch[-2:].covariance.shape == (2, 2, 2)
    with pytest.raises(TypeError, match="one line, not a batch"):
        one[0]
    with pytest.raises(IndexError):
        batch[6]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "Fit(0 lines of 20 points)"),
        (1, "Fit(1 line of 20 points, all converged; an index picks one)"),
        (2, "Fit(2 lines of 20 points, all converged; an index picks one)"),
    ],
)
def test_a_batch_counts_its_lines_in_words(size, text):
    """One line is one, and none has nothing to converge."""
    fit = lf.fit_line(*(torch.stack(c) for c in zip(cloud(1), cloud(2), strict=True)))[:size]
    assert repr(fit) == text
    assert repr(fit.line) == f"Line({size} line{'s' * (size != 1)})"
    unsettled = replace(fit, converged=fit.converged & False)
    assert repr(unsettled) == text.replace("all converged", "0 of them converged")


@pytest.mark.parametrize("level", [0.9, np.float32(0.9), torch.tensor(0.9), np.array(0.9)])
@pytest.mark.parametrize("known", [False, True])
def test_a_level_is_one_number_of_any_kind(level, known):
    """Numbers of NumPy and torch are numbers, with a graph behind them or not."""
    x, y = cloud(16)
    fit = lf.york(x, y, x_std=0.1, y_std=0.1) if known else lf.fit_line(x, y)
    plain = fit.slope_interval(0.9)[0].item()
    assert fit.slope_interval(level)[0].item() == pytest.approx(plain, rel=1e-6)
    if isinstance(level, torch.Tensor):
        assert fit.band(0.0, level.clone().requires_grad_())[0].item() == fit.band(0.0, level)[0]


@pytest.mark.parametrize(
    ("level", "error"),
    [
        ("0.9", TypeError),
        (None, TypeError),
        ([0.9], TypeError),
        (torch.tensor([0.9, 0.8]), TypeError),
        (0.9 + 0j, TypeError),
        (95, ValueError),
        (True, ValueError),
        (math.nan, ValueError),
        (torch.tensor(1.0), ValueError),
    ],
)
def test_other_levels_are_refused(level, error):
    """The message says that a level is one number within (0, 1)."""
    with pytest.raises(error, match=r"level must be .*within \(0, 1\)"):
        lf.fit_line(*cloud(16)).slope_interval(level)


def test_a_fit_can_be_moved():
    """A dtype is for the line; a device is for everything."""
    fit = lf.fit_line(*cloud(15))
    single, there = fit.to(torch.float32), fit.to("cpu")
    assert single.line.slope.dtype is torch.float32
    assert single.slope_se == fit.slope_se
    assert torch.equal(there.residuals, fit.residuals)
    assert fit.to("meta")._given.x.is_meta
