"""A line in normal form."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import linefit as lf
from linefit import Line

SLOPES = st.floats(-1e6, 1e6)
HEIGHTS = st.floats(-1e6, 1e6)
VERTICAL = Line(
    torch.tensor([-1.0, 0.0], dtype=torch.float64), torch.tensor(-3.0, dtype=torch.float64)
)


@given(SLOPES, HEIGHTS)
def test_slope_and_intercept_come_back(slope, intercept):
    """A line made from slope and intercept tells them again."""
    line = Line.from_slope_intercept(slope, intercept)
    assert line.slope.item() == pytest.approx(slope, rel=1e-14, abs=1e-300)
    assert line.intercept.item() == pytest.approx(intercept, rel=1e-14, abs=1e-300)
    assert line.angle.item() == pytest.approx(math.atan(slope), rel=1e-14)


@given(SLOPES, HEIGHTS)
def test_the_normal_is_a_unit_vector_that_points_up(slope, intercept):
    """The normal has length one and a positive second component."""
    normal = Line.from_slope_intercept(slope, intercept).normal
    assert normal.norm().item() == pytest.approx(1, rel=1e-15)
    assert normal[1] > 0


@given(SLOPES, HEIGHTS, st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_distance_is_the_textbook_formula(slope, intercept, x, y):
    """The distance is |a x − y + b| / √(a² + 1), positive above the line."""
    line = Line.from_slope_intercept(slope, intercept)
    expected = -(slope * x - y + intercept) / math.hypot(slope, 1)
    scale = abs(x) + abs(y) + abs(intercept)
    assert line.signed_distance(x, y).item() == pytest.approx(expected, abs=1e-14 * scale)


@given(SLOPES, HEIGHTS, st.floats(-1e3, 1e3))
def test_points_on_the_line_have_no_distance(slope, intercept, x):
    """The point above x, at the line's height, lies on the line."""
    line = Line.from_slope_intercept(slope, intercept)
    y = line.y_at(x)
    assert abs(line.signed_distance(x, y)) <= 1e-14 * (1 + abs(x) + abs(y) + abs(intercept))


def test_a_vertical_line_has_exact_distances():
    """Left of a vertical line is its positive side, and nothing is rounded."""
    assert VERTICAL.signed_distance([1.0, 3.0, 7.0], [5.0, 1e9, 0.0]).tolist() == [2.0, 0.0, -4.0]
    assert VERTICAL.slope == math.inf
    assert VERTICAL.intercept == math.inf
    assert VERTICAL.angle == math.pi / 2


def test_a_vertical_line_has_no_height():
    """Asking a vertical line for y raises and points to the distance."""
    with pytest.raises(ValueError, match="vertical line has no height.*signed_distance"):
        VERTICAL.y_at(1.0)


@pytest.mark.parametrize(("slope", "intercept"), [(math.inf, 0.0), (0.0, math.nan)])
def test_slope_and_intercept_must_be_finite(slope, intercept):
    """No line is made of infinity or NaN."""
    with pytest.raises(ValueError, match="must be finite"):
        Line.from_slope_intercept(slope, intercept)


def test_a_batch_names_the_line_that_is_wrong():
    """In a batch the message says which line has no finite slope."""
    with pytest.raises(ValueError, match="line 1 of the batch"):
        Line.from_slope_intercept([1.0, math.inf], 0.0)


def test_lines_come_in_batches():
    """Leading axes are independent lines, and points keep their own axis."""
    line = Line.from_slope_intercept([0.0, 1.0], [1.0, 0.0])
    x = torch.zeros(2, 3, dtype=torch.float64)
    assert line.signed_distance(x, x).shape == (2, 3)
    assert line.y_at(x).tolist() == [[1.0] * 3, [0.0] * 3]
    assert repr(line) == "Line(2 lines)"


def test_a_float32_line_stays_float32():
    """The dtype of the numbers given is the dtype of the line."""
    line = Line.from_slope_intercept(torch.tensor(2.0), torch.tensor(1.0))
    assert line.slope.dtype is line.signed_distance([0.0], [0.0]).dtype is torch.float32


def test_distance_is_differentiable():
    """Autograd passes through making a line and measuring from it."""
    ab = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (2.0, 1.0)]
    x, y, _ = lf.noisy_line(5)
    assert torch.autograd.gradcheck(
        lambda a, b: Line.from_slope_intercept(a, b).signed_distance(x, y), ab
    )


@pytest.mark.parametrize("slope", [torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]).half()])
def test_a_line_has_one_dtype(slope):
    """A plain number beside a tensor takes the tensor's dtype; two tensors take the wider one."""
    line = Line.from_slope_intercept(slope, 0.5)
    assert line.normal.dtype == line.offset.dtype == slope.dtype
    wide = Line.from_slope_intercept(slope, slope.double())
    assert wide.normal.dtype == wide.offset.dtype == torch.float64


def test_a_line_is_called_like_a_function():
    """line(x) is the height above x."""
    line = Line.from_slope_intercept(2.0, 1.0)
    assert line([0.0, 3.0]).tolist() == pytest.approx([1.0, 7.0], rel=1e-15)


def test_a_batch_of_lines_is_indexed_and_moved():
    """An index picks lines of the batch, never one number of a normal; dtype and device change."""
    lines = Line.from_slope_intercept([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], 1.0)
    assert lines[1].slope.tolist() == pytest.approx([3.0, 4.0, 5.0], rel=1e-15)
    assert lines[..., -1].slope.tolist() == pytest.approx([2.0, 5.0], rel=1e-15)
    assert lines[0, 1].slope.item() == pytest.approx(1.0, rel=1e-15)
    assert lines[lines.slope > 3.5].offset.shape == (2,)
    single = lines.to(torch.float32).to("cpu")
    assert single.normal.dtype is single.offset.dtype is torch.float32
    with pytest.raises(TypeError, match="one line, not a batch"):
        lines[0, 1][0]
