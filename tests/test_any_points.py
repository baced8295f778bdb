"""Whatever the points, every fit gives a right answer or says why not."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import linefit as lf

SIZES = st.sampled_from([1e-300, 1e-160, 1e-9, 1.0, 1e9, 2e153, 1e154, 1e160, 1e300])
FITS = {
    "ordinary": lf.ordinary_least_squares,
    "total": lf.total_least_squares,
    "fit_line": lambda x, y: lf.fit_line(x, y).line,
    "york": lambda x, y: lf.york(x, y, x_std=1.0, y_std=1.0).line,
}


def arrays(elements):
    """Return a strategy for a pair of arrays of the same shape."""
    shapes = npst.array_shapes(min_dims=1, max_dims=2, min_side=2, max_side=5)
    return shapes.flatmap(
        lambda shape: st.tuples(*[npst.arrays(np.float64, shape, elements=elements)] * 2)
    )


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
@given(arrays(st.floats(allow_nan=True, allow_infinity=True)))
def test_arbitrary_numbers_give_a_line_or_an_error(fit, points):
    """Any float at all: a line whose normal is a unit vector, or a documented ValueError."""
    try:
        line = fit(*points)
    except ValueError:
        return
    assert line.normal.norm(dim=-1).tolist() == pytest.approx(
        np.ones(line.offset.shape).tolist(), rel=1e-12
    )
    assert not line.offset.isnan().any()
    assert not line.slope.isnan().any()
    assert not line.intercept.isnan().any()


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
@pytest.mark.parametrize("share", [0.25, 0.4, 0.49, 0.51, 0.75, 0.99, 1.01])
def test_squares_close_to_overflow(fit, share):
    """Points on an axis give that axis, however near the sum of their squares is to infinity."""
    size = (share / 0.75) ** 0.5 * np.finfo(np.float64).max ** 0.5
    along, zero = np.array([[0.0, size, size, size]] * 2), np.zeros((2, 4))
    slope = fit(along, zero).slope
    assert slope.tolist() == [0, 0]
    if fit is not FITS["ordinary"]:  # which has no slope for one x
        assert fit(zero, along).normal.abs().tolist() == [[1, 0], [1, 0]]


@pytest.mark.parametrize("fit", ["total", "fit_line"])
@given(arrays(st.integers(-5, 5).map(float)), SIZES)
def test_the_line_is_the_best_one(fit, points, size):
    """No direction through the mean has less scatter across, judged in 400 digits."""
    x, y = (p.reshape(-1)[:8] for p in points)
    try:
        line = FITS[fit](x * size, y * size)
    except ValueError:
        return
    with mpmath.workdps(400):
        u, v = ([mpmath.mpf(float(c * size)) for c in p] for p in (x, y))
        mx, my = mpmath.fsum(u) / len(u), mpmath.fsum(v) / len(v)
        sxx = mpmath.fsum((p - mx) ** 2 for p in u)
        syy = mpmath.fsum((q - my) ** 2 for q in v)
        sxy = mpmath.fsum((p - mx) * (q - my) for p, q in zip(u, v, strict=True))
        nx, ny = map(mpmath.mpf, line.normal.tolist())
        twist = sxy * (ny**2 - nx**2) + (sxx - syy) * nx * ny  # derivative over the angle
        radius = mpmath.sqrt(((sxx - syy) / 2) ** 2 + sxy**2)
        assert abs(twist) <= 1e-13 * (sxx + syy)
        assert nx**2 * sxx + 2 * nx * ny * sxy + ny**2 * syy <= (sxx + syy) / 2 - radius * 0.99


@given(arrays(st.floats(-1e3, 1e3)), st.floats(1e-6, 1.0), st.integers(1, 20))
def test_descents_end_or_say_that_they_diverge(points, lr, steps):
    """A descent on any finite points keeps finite numbers, or raises its own error."""
    try:
        run = lf.descend(*points, lr=lr, steps=steps)
    except lf.DivergenceError as error:
        run = error.descent
    assert (
        torch.stack((run.history.loss, run.history.slope, run.history.intercept)).isfinite().all()
    )


@pytest.mark.parametrize("fit", [lf.fit_line, lambda x, y: lf.york(x, y, x_std=0.5, y_std=2.0)])
@given(arrays(st.floats(-1e6, 1e6)))
def test_uncertainties_are_never_nan(fit, points):
    """Standard errors are numbers from 0 to infinity, whatever the points."""
    try:
        result = fit(*points)
    except ValueError:
        return
    for number in (result.slope_se, result.intercept_se, result.loss):
        assert (number >= 0).all()
    assert not result.covariance.isnan().any()
    assert not result.hessian_covariance.isnan().any()
