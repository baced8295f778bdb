"""Ordinary and total least squares."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import linefit as lf

FITS = [lf.ordinary_least_squares, lf.total_least_squares]
mpmath.mp.dps = 60


def exact(x, y, ratio=1):
    """Return slope and intercept of Deming's line in 60 digits."""
    x, y = ([mpmath.mpf(float(v)) for v in c] for c in (x, y))
    n = len(x)
    mx, my = mpmath.fsum(x) / n, mpmath.fsum(y) / n
    sxx = mpmath.fsum((p - mx) ** 2 for p in x)
    syy = mpmath.fsum((q - my) ** 2 for q in y) / ratio
    sxy = mpmath.fsum((p - mx) * (q - my) for p, q in zip(x, y, strict=True)) / mpmath.sqrt(ratio)
    half = (sxx - syy) / 2
    radius = mpmath.sqrt(half**2 + sxy**2)
    slope = (sxy / (half + radius) if half > 0 else (radius - half) / sxy) * mpmath.sqrt(ratio)
    return float(slope), float(my - slope * mx)


def cloud(seed, n=8):
    """Return points that prefer a direction of their own."""
    generator = torch.Generator().manual_seed(seed)
    u, v = torch.randn(2, n, generator=generator, dtype=torch.float64)
    angle = torch.rand((), generator=generator, dtype=torch.float64) * math.pi
    return 5 * u * angle.cos() - v * angle.sin() + 3, 5 * u * angle.sin() + v * angle.cos() - 7


def apart(one, other):
    """Return the angle between two lines."""
    cross = one.normal[0] * other.normal[1] - one.normal[1] * other.normal[0]
    return cross.abs().item()


@pytest.mark.parametrize("ratio", [1.0, 0.01, 100.0])
@pytest.mark.parametrize("seed", range(5))
def test_total_least_squares_is_exact(seed, ratio):
    """Slope and intercept agree with 60-digit arithmetic to 1e-12."""
    x, y = cloud(seed)
    line = lf.total_least_squares(x, y, variance_ratio=ratio)
    slope, intercept = exact(x, y, ratio)
    assert line.slope.item() == pytest.approx(slope, rel=1e-12)
    assert line.intercept.item() == pytest.approx(intercept, rel=1e-12)


@pytest.mark.parametrize("slope", [1e-8, -1e-8, 1e8, -1e8, 1.0, -1.0])
@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_steep_and_flat_lines_keep_their_digits(slope, shift):
    """Slopes far from one are as exact as the points allow."""
    t = torch.arange(8, dtype=torch.float64)
    x, y = (t + shift, slope * t) if abs(slope) < 1 else (t / slope, t + shift)
    assert lf.total_least_squares(x, y).slope.item() == pytest.approx(exact(x, y)[0], rel=1e-12)


def test_ordinary_least_squares_is_polyfit():
    """NumPy's polynomial of degree one is the same line."""
    x, y = cloud(1, 50)
    line = lf.ordinary_least_squares(x, y)
    assert [line.slope.item(), line.intercept.item()] == pytest.approx(
        list(np.polyfit(x.numpy(), y.numpy(), 1)), rel=1e-12
    )


@pytest.mark.parametrize("fit", FITS)
def test_two_points_give_their_line(fit):
    """Two points determine the line, whatever is minimized."""
    line = fit([0.0, 4.0], [1.0, 3.0])
    assert (line.slope.item(), line.intercept.item()) == pytest.approx((0.5, 1.0), rel=1e-15)


@pytest.mark.parametrize("fit", FITS)
def test_a_horizontal_line_is_exact(fit):
    """Equal heights give slope zero exactly."""
    line = fit([1.0, 2.0, 5.0], [0.5, 0.5, 0.5])
    assert line.slope == 0
    assert line.intercept == 0.5


def test_a_vertical_line_is_an_answer():
    """Equal x give the vertical line through them, with distances exactly zero."""
    line = lf.total_least_squares([2.0, 2.0, 2.0], [0.0, 1.0, 5.0])
    assert line.slope == math.inf
    assert line.signed_distance([2.0, 2.0], [0.0, 5.0]).tolist() == [0.0, 0.0]


@given(st.integers(0, 50), st.floats(-math.pi, math.pi))
def test_turning_the_points_turns_the_line(seed, turn):
    """Perpendicular distance knows no axes: the line turns with the points."""
    x, y = cloud(seed)
    cos, sin = math.cos(turn), math.sin(turn)
    turned = lf.total_least_squares(cos * x - sin * y, sin * x + cos * y)
    nx, ny = lf.total_least_squares(x, y).normal
    back = torch.stack((cos * nx - sin * ny, sin * nx + cos * ny))
    assert (back[0] * turned.normal[1] - back[1] * turned.normal[0]).abs() < 1e-13


@pytest.mark.parametrize("fit", FITS)
@given(st.integers(0, 50), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_moving_and_scaling_the_points_moves_and_scales_the_line(fit, seed, right, up, scale):
    """One scale for both axes keeps the slope; the intercept follows."""
    x, y = cloud(seed)
    line = fit(x, y)
    assume(abs(line.slope) < 1e3)
    moved = fit(scale * x + right, scale * y + up)
    intercept = scale * line.intercept + up - line.slope * right
    assert apart(line, moved) < 1e-9
    assert moved.y_at(0.0).item() == pytest.approx(intercept.item(), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("fit", FITS)
@given(st.integers(0, 50), st.permutations(range(8)))
def test_the_order_of_points_is_free(fit, seed, order):
    """Shuffled points give the same line."""
    x, y = cloud(seed)
    assert apart(fit(x, y), fit(x[order], y[order])) < 1e-14


def test_exchanging_the_axes_mirrors_total_least_squares_only():
    """Total least squares treats the axes alike; ordinary least squares does not."""
    x, y = cloud(3)
    total = lf.total_least_squares(x, y).slope, lf.total_least_squares(y, x).slope
    ordinary = lf.ordinary_least_squares(x, y).slope, lf.ordinary_least_squares(y, x).slope
    assert (total[0] * total[1]).item() == pytest.approx(1, rel=1e-13)
    assert (ordinary[0] * ordinary[1]).item() < 0.99


def test_deming_has_ordinary_least_squares_as_its_limit():
    """All error in y is a variance ratio without bound."""
    x, y = cloud(4)
    deming = lf.total_least_squares(x, y, variance_ratio=1e14)
    assert apart(deming, lf.ordinary_least_squares(x, y)) < 1e-11


@pytest.mark.parametrize("fit", FITS)
def test_a_batch_is_its_lines_one_by_one(fit):
    """Leading axes are independent lines."""
    x, y = (torch.stack(c) for c in zip(*(cloud(s) for s in range(6)), strict=True))
    batch = fit(x.reshape(2, 3, 8), y.reshape(2, 3, 8))
    assert batch.slope.shape == (2, 3)
    for i in range(6):
        alone = fit(x[i], y[i])
        assert torch.isclose(batch.slope.flatten()[i], alone.slope, rtol=1e-14)
        assert torch.isclose(batch.offset.flatten()[i], alone.offset, rtol=1e-14)


@pytest.mark.parametrize("fit", FITS)
def test_lists_arrays_and_tensors_are_alike(fit):
    """The kind of container does not matter, and integers count as float64."""
    x, y = [0, 1, 2, 5], [1, 3, 4, 9]
    lines = [fit(x, y), fit(np.array(x), np.array(y)), fit(torch.tensor(x), torch.tensor(y))]
    assert {line.slope.item() for line in lines} == {lines[0].slope.item()}
    assert lines[0].slope.dtype is torch.float64


@pytest.mark.parametrize("fit", FITS)
def test_float32_points_are_summed_in_float64(fit):
    """A large offset costs float32 points no digits that they still have."""
    x, y = (c.float() + 4096 for c in cloud(2))
    line, wide = fit(x, y), fit(x.double(), y.double())
    assert line.slope.dtype is torch.float32
    assert line.slope == wide.slope.float()


@pytest.mark.parametrize("fit", FITS)
def test_closed_forms_are_differentiable(fit):
    """Autograd passes from the points to slope and offset."""
    points = [c.requires_grad_() for c in cloud(5)]
    assert torch.autograd.gradcheck(lambda x, y: (fit(x, y).slope, fit(x, y).offset), points)


@pytest.mark.parametrize(
    ("x", "y"),
    [([0, 1, 2], [0, 1, 2]), ([0, 1, 2], [2, 1, 0]), ([3, 3, 3], [0, 2, 5]), ([0, 2], [3, 3])],
    ids=["rising at 45°", "falling at 45°", "vertical", "horizontal"],
)
def test_lines_at_turning_points_are_differentiable(x, y):
    """Where a formula changes over from one case to another, the derivative is still right."""

    def direction(x, y):
        nx, ny = lf.total_least_squares(x, y).normal
        return nx * ny, ny * ny

    points = [torch.tensor(c, dtype=torch.float64, requires_grad=True) for c in (x, y)]
    assert torch.autograd.gradcheck(direction, points)


@pytest.mark.parametrize("fit", FITS)
def test_the_points_stay_as_they_were(fit):
    """A fit changes nothing it is given."""
    x, y = np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 4.0])
    fit(x, y)
    assert x.tolist() == [0.0, 1.0, 2.0]
    assert y.tolist() == [1.0, 2.0, 4.0]


def test_equal_x_have_no_ordinary_line():
    """Ordinary least squares refuses equal x and names the way out."""
    with pytest.raises(ValueError, match="All x are equal.*total_least_squares"):
        lf.ordinary_least_squares([1.0, 1.0], [0.0, 2.0])


def test_a_round_cloud_has_no_best_line():
    """The corners of a square prefer no direction."""
    with pytest.raises(ValueError, match="alike in all directions"):
        lf.total_least_squares([0, 1, 0, 1], [0, 0, 1, 1])


def test_one_place_is_no_line():
    """Points that are all the same raise, and a batch names the line."""
    with pytest.raises(ValueError, match=r"All points are the same \(line 1 of the batch\)"):
        lf.total_least_squares([[0, 1], [2, 2]], [[0, 1], [3, 3]])


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.nan, math.inf])
def test_a_variance_ratio_is_positive(ratio):
    """Only a positive, finite ratio of variances makes sense."""
    with pytest.raises(ValueError, match="variance_ratio must be"):
        lf.total_least_squares([0, 1], [0, 1], variance_ratio=ratio)


def brute(x, y, w, ratio):
    """Return slope and intercept of the weighted line in 60 digits; no weights are all one."""
    x, y, w = ([mpmath.mpf(float(v)) for v in c] for c in (x, y, w))
    n = mpmath.fsum(w)
    mx = mpmath.fsum(k * p for k, p in zip(w, x, strict=True)) / n
    my = mpmath.fsum(k * q for k, q in zip(w, y, strict=True)) / n
    triples = [(k, p - mx, q - my) for k, p, q in zip(w, x, y, strict=True)]
    return *_axis(triples, ratio), mx, my


def _axis(triples, ratio):
    sxx = mpmath.fsum(k * u * u for k, u, _ in triples)
    syy = mpmath.fsum(k * v * v for k, _, v in triples) / ratio
    sxy = mpmath.fsum(k * u * v for k, u, v in triples) / mpmath.sqrt(ratio)
    half = (sxx - syy) / 2
    radius = mpmath.sqrt(half**2 + sxy**2)
    total = (sxy / (half + radius) if half > 0 else (radius - half) / sxy) * mpmath.sqrt(ratio)
    return total, sxy * mpmath.sqrt(ratio) / sxx


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
@pytest.mark.parametrize("ratio", [1.0, 4.0])
def test_weighted_lines_are_exact(ratio, scale, offset):
    """With a weight for each point, slope and intercept agree with 60 digits, at any size."""
    x, y = (c + offset for c in cloud(6))
    w = torch.linspace(0.1, 3, 8, dtype=torch.float64)
    total, ordinary, mx, my = brute(x, y, w, ratio)
    for slope, line in (
        (total, lf.total_least_squares(x, y, weights=w * scale, variance_ratio=ratio)),
        (ordinary, lf.ordinary_least_squares(x, y, weights=w * scale)),
    ):
        assert line.slope.item() == pytest.approx(float(slope), rel=1e-9 if offset else 1e-12)
        height = float(my + slope * (5 - mx))
        assert line(5.0).item() == pytest.approx(height, rel=1e-8 if offset else 1e-12)


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("heavy", [1e8, 1e16, 1e20, 1e100])
def test_a_point_may_outweigh_all_others(heavy, batch):
    """However heavy one point is, the others still say where the line goes, in 60 digits."""
    x, y = (c + 5 for c in cloud(6))
    w = torch.ones(8, dtype=torch.float64)
    w[3] = heavy
    with mpmath.workdps(250):
        total, ordinary, _, _ = map(float, brute(x, y, w, 1))
    shape = (2, 8) if batch else (8,)
    x, y, w = (t.expand(shape) for t in (x, y, w))
    lines = (
        (total, lf.total_least_squares(x, y, weights=w)),
        (total, lf.fit_line(x, y, weights=w).line),
        (total, lf.york(x, y, x_std=w.rsqrt(), y_std=w.rsqrt()).line),
        (ordinary, lf.ordinary_least_squares(x, y, weights=w)),
        (ordinary, lf.york(x, y, x_std=0, y_std=w.rsqrt()).line),
    )
    for slope, line in lines:
        assert line.slope.flatten().tolist() == pytest.approx([slope] * (1 + batch), rel=1e-11)


@pytest.mark.parametrize("fit", FITS)
def test_a_weight_of_two_is_a_point_twice(fit):
    """A point that counts twice is as good as two of them."""
    twice = fit([0.0, 1.0, 2.0, 2.0], [0.0, 3.0, 4.0, 4.0])
    weighted = fit([0.0, 1.0, 2.0], [0.0, 3.0, 4.0], weights=[1.0, 1.0, 2.0])
    assert weighted.slope.item() == pytest.approx(twice.slope.item(), rel=1e-14)
    assert weighted.offset.item() == pytest.approx(twice.offset.item(), rel=1e-14)


@pytest.mark.parametrize("size", [1e-160, 1.0, 1e160])
@pytest.mark.parametrize("weights", [None, 2.0])
@pytest.mark.parametrize("place", [(0.0, 0.0), (5.0, -2.0)])
def test_a_line_meets_the_point_it_must(place, weights, size):
    """Through a given point the slope is that of the scatter around it, in 60 digits."""
    x, y = cloud(7)
    px, py = map(mpmath.mpf, place)
    triples = [(1, p - px, q - py) for p, q in zip(x.tolist(), y.tolist(), strict=True)]
    total, ordinary = _axis(triples, 1)
    through = tuple(c * size for c in place)
    for slope, fit in ((total, lf.total_least_squares), (ordinary, lf.ordinary_least_squares)):
        line = fit(x * size, y * size, through=through, weights=weights)
        assert line.slope.item() == pytest.approx(float(slope), rel=1e-12)
        assert abs(line.signed_distance(*through).item()) < 1e-14 * size
    fitted = lf.fit_line(x * size, y * size, through=through, weights=weights)
    assert fitted.line.slope.item() == pytest.approx(float(total), rel=1e-12)


@pytest.mark.parametrize("fit", FITS)
def test_one_point_and_a_place_make_a_line(fit):
    """A place to meet is as good as a point more, of each line of a batch its own."""
    line = fit([[2.0], [2.0]], [[4.0], [4.0]], through=([0.0, 1.0], [0.0, 0.0]))
    assert line.slope.tolist() == pytest.approx([2.0, 4.0], rel=1e-15)


@pytest.mark.parametrize("fit", FITS)
def test_weighted_and_pinned_lines_are_differentiable(fit):
    """Autograd passes from points, weights and the place to the line."""
    points = [c.requires_grad_() for c in cloud(8)]
    weights = torch.linspace(1, 2, 8, dtype=torch.float64).requires_grad_()
    place = torch.tensor([1.0, 2.0], dtype=torch.float64).requires_grad_()

    def weighted(x, y, w):
        line = fit(x, y, weights=w)
        return line.slope, line.offset

    assert torch.autograd.gradcheck(weighted, [*points, weights])
    assert torch.autograd.gradcheck(
        lambda x, y, p: fit(x, y, through=(p[0], p[1])).slope, [*points, place]
    )
