"""The points to fit."""

import pytest
import torch

import linefit as lf


def test_noisy_line_repeats_with_its_seed():
    """The same seed gives the same points, another seed others, and no global seed moves."""
    before = torch.get_rng_state()
    first, again, other = (lf.noisy_line(seed=s) for s in (3, 3, 4))
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.y, again.y)
    assert not torch.equal(first.x, other.x)
    assert torch.equal(before, torch.get_rng_state())


def test_noise_is_on_both_axes():
    """With many points the scatter around x and around y has the standard deviation asked for."""
    x, y, line = lf.noisy_line(200_000, noise=2.0)
    t = torch.linspace(0, 100, 200_000, dtype=torch.float64)
    assert (x - t).std().item() == pytest.approx(2, rel=0.02)
    assert (y - line.y_at(t)).std().item() == pytest.approx(2, rel=0.02)
    assert torch.corrcoef(torch.stack((x - t, y - line.y_at(t))))[0, 1].abs() < 0.01


def test_the_true_line_is_told():
    """Without noise every point lies on the line that comes with the points."""
    x, y, line = lf.noisy_line(7, slope=-3.0, intercept=0.5, noise=0.0)
    assert (line.slope.item(), line.intercept.item()) == pytest.approx((-3.0, 0.5))
    assert line.signed_distance(x, y).abs().max() < 1e-13


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 1}, "at least two points, but n is 1"),
        ({"noise": -1.0}, "but it is -1"),
        ({"noise": float("nan")}, "but it is nan"),
        ({"slope": float("inf")}, "must be finite"),
    ],
)
def test_noisy_line_refuses_what_makes_no_line(arguments, message):
    """Bad settings raise and say what came."""
    with pytest.raises(ValueError, match=message):
        lf.noisy_line(**arguments)


def test_hubble_gives_the_published_line():
    """Ordinary least squares on Hubble's table is the published 454.16 x − 40.78."""
    x, y, names = lf.hubble()
    line = lf.ordinary_least_squares(x, y)
    assert len(x) == len(y) == len(names) == 24
    assert line.slope.item() == pytest.approx(454.16, abs=5e-3)
    assert line.intercept.item() == pytest.approx(-40.78, abs=5e-3)


def test_pearson_york_is_a_minimum_of_the_weighted_loss():
    """York's published line makes the gradient of the weighted loss vanish, to its 12 digits."""
    x, y, x_std, y_std = lf.pearson_york()
    ab = [torch.tensor(v, dtype=torch.float64) for v in (-0.480533407446, 5.479910224033)]
    gradient = torch.func.grad(
        lambda p: lf.weighted_loss(p[0], p[1], x, y, x_std=x_std, y_std=y_std)
    )(torch.stack(ab))
    assert gradient.abs().max() < 1e-9


def test_pearson_york_has_the_published_chi_square():
    """Reduced χ² at the published line is 1.483294149."""
    x, y, x_std, y_std = lf.pearson_york()
    a, b = (torch.tensor(v, dtype=torch.float64) for v in (-0.480533407446, 5.479910224033))
    half_mean = lf.weighted_loss(a, b, x, y, x_std=x_std, y_std=y_std)
    assert (half_mean * 2 * 10 / 8).item() == pytest.approx(1.483294149, rel=1e-9)
