"""The losses, against their formulas written with loops."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import linefit as lf

LOSSES = [lf.perpendicular_loss, lf.vertical_loss]


def weighted(a, b, x, y):
    """Bind some standard deviations to the weighted loss."""
    std = torch.linspace(0.5, 2, x.shape[-1], dtype=x.dtype)
    return lf.weighted_loss(a, b, x, y, x_std=std, y_std=std.flip(0))


def plain(*numbers):
    """Return numbers as float64 tensors."""
    return [torch.tensor(n, dtype=torch.float64) for n in numbers]


def parameters(a=2.0, b=-1.0):
    """Return slope and intercept that need gradients."""
    return [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (a, b)]


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_perpendicular_loss_is_its_formula(a, b):
    """The loss is half the mean of squared distances to the line."""
    x, y, _ = lf.noisy_line(9)
    by_hand = math.fsum(
        (a * p - q + b) ** 2 / (a**2 + 1) for p, q in zip(x.tolist(), y.tolist(), strict=True)
    )
    loss = lf.perpendicular_loss(*plain(a, b), x, y)
    assert loss.item() == pytest.approx(by_hand / 18, rel=1e-12)


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_perpendicular_loss_is_the_distance_of_the_line(a, b):
    """Loss and line agree on what a distance is."""
    x, y, _ = lf.noisy_line(9)
    distance = lf.Line.from_slope_intercept(a, b).signed_distance(x, y)
    loss = lf.perpendicular_loss(*plain(a, b), x, y)
    assert loss.item() == pytest.approx(distance.square().mean().item() / 2, rel=1e-10)


def test_vertical_loss_is_half_the_mean_squared_error():
    """The vertical loss is torch's mse_loss divided by two."""
    x, y, _ = lf.noisy_line(9)
    a, b = parameters()
    assert torch.isclose(
        lf.vertical_loss(a, b, x, y), torch.nn.functional.mse_loss(a * x + b, y) / 2
    )


def test_weighted_loss_with_equal_errors_is_perpendicular():
    """With the same standard deviation everywhere only the scale is left."""
    x, y, _ = lf.noisy_line(9)
    a, b = parameters()
    std = torch.tensor(3.0, dtype=torch.float64)
    loss = lf.weighted_loss(a, b, x, y, x_std=std, y_std=std)
    assert torch.isclose(loss, lf.perpendicular_loss(a, b, x, y) / 9)


def test_huber_loss_is_perpendicular_where_all_points_are_near():
    """Within δ of the line nothing is bounded, and both losses agree."""
    x, y, _ = lf.noisy_line(9)
    a, b = parameters(2.5, 1.0)
    far = lf.huber_loss(a, b, x, y, delta=1e3)
    assert torch.isclose(far, lf.perpendicular_loss(a, b, x, y), rtol=1e-14)


def test_huber_loss_is_torchs_huber_loss_of_the_distances():
    """With points on both sides of δ the formula is torch's own."""
    x, y, _ = lf.noisy_line(30)
    a, b = parameters(2.3, 4.0)
    distance = lf.Line.from_slope_intercept(a, b).signed_distance(x, y)
    assert 0 < (distance.abs() > 2).sum() < 30
    expected = torch.nn.functional.huber_loss(distance, torch.zeros_like(distance), delta=2.0)
    assert torch.isclose(lf.huber_loss(a, b, x, y, delta=2.0), expected, rtol=1e-13)


@pytest.mark.parametrize("loss", [*LOSSES, weighted, lf.huber_loss])
@pytest.mark.parametrize("start", [(2.0, -1.0), (0.0, 0.0), (-30.0, 4.0)])
def test_gradients_are_right(loss, start):
    """First and second derivatives agree with finite differences."""
    x, y, _ = lf.noisy_line(6)
    assert torch.autograd.gradcheck(lambda a, b: loss(a, b, x, y), parameters(*start))
    assert torch.autograd.gradgradcheck(lambda a, b: loss(a, b, x, y), parameters(*start))


@pytest.mark.parametrize("loss", [*LOSSES, weighted, lf.huber_loss])
def test_a_batch_is_its_lines_one_by_one(loss):
    """A loss over leading axes equals the losses of the single lines."""
    x = torch.randn(3, 2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a, b = x[..., 0], x[..., 1]
    batch = loss(a, b, x, x.square())
    assert batch.shape == (3, 2)
    for i in range(3):
        for j in range(2):
            alone = loss(a[i, j], b[i, j], x[i, j], x[i, j].square())
            assert torch.isclose(batch[i, j], alone, rtol=1e-14)


@given(st.floats(-3, 3), st.floats(-20, 20), st.floats(0.1, 10), st.permutations(range(6)))
def test_one_scale_for_both_axes_scales_the_loss(a, b, scale, order):
    """Scaling both axes by s scales the perpendicular loss by s²; the order of points is free."""
    x, y, _ = lf.noisy_line(6)
    a, b = plain(a, b)
    once = lf.perpendicular_loss(a, b, x, y)
    scaled = lf.perpendicular_loss(a, b * scale, x[order] * scale, y[order] * scale)
    assert scaled.item() == pytest.approx(once.item() * scale**2, rel=1e-9)


@pytest.mark.parametrize("delta", [0.0, -1.0, math.nan])
def test_huber_loss_needs_a_distance(delta):
    """Only a positive δ tells near from far."""
    with pytest.raises(ValueError, match="delta, a distance, must be positive"):
        lf.huber_loss(*plain(1.0, 0.0), *lf.noisy_line(3)[:2], delta=delta)
