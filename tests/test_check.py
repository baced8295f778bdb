"""What every public function says to input it cannot use."""

from decimal import Decimal

import numpy as np
import pytest
import torch

import linefit as lf


def start_of_descent(x, y):
    """Return the first loss of a descent, which is one number of all points."""
    return lf.descend(x, y, lr=0.1, steps=1, start=(1.0, 0.5)).history.loss


FUNCTIONS = [lf.ordinary_least_squares, lf.total_least_squares, start_of_descent]
NAN, INF = float("nan"), float("inf")


def numbers(result):
    """Return what a function has found, as plain numbers."""
    if isinstance(result, lf.Line):
        return [result.slope.item(), result.intercept.item()]
    return result.tolist()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        ([], [], ValueError, r"at least two points.*shape \(0,\)"),
        ([1.0], [2.0], ValueError, r"at least two points.*shape \(1,\)"),
        (1.0, 2.0, ValueError, r"at least two points.*shape \(\)"),
        ([1.0, 2.0], [1.0], ValueError, r"same shape.*\(2,\) and \(1,\)"),
        ([[1.0, 2.0]], [1.0, 2.0], ValueError, r"same shape.*\(1, 2\) and \(2,\)"),
        ([1.0, NAN], [1.0, 2.0], ValueError, "x must be finite.*1 of 2.*nan at index 1"),
        ([1.0, 2.0], [-INF, INF], ValueError, "y must be finite.*2 of 2.*-inf at index 0"),
        ([[1, 2], [3, INF]], [[1, 2], [3, 4]], ValueError, r"inf at index \(1, 1\)"),
        ([1j, 2.0], [1.0, 2.0], TypeError, "x must hold real numbers.*complex128"),
        (["1", "2"], [1.0, 2.0], TypeError, "x must hold numbers"),
        ([1.0, 2.0], None, TypeError, "y must hold numbers"),
        ([[1.0], [1.0, 2.0]], [1.0, 2.0], ValueError, "x must be one rectangular array"),
        (np.ma.masked_equal([1.0, -9.0], -9.0), [1.0, 2.0], ValueError, "1 of 2 values of x are"),
    ],
)
def test_bad_points_raise_and_say_what_came(function, x, y, error, message):
    """The message names the argument and what is wrong with it."""
    with pytest.raises(error, match=message):
        function(x, y)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "dtype", [np.int8, np.uint8, np.uint16, np.uint64, np.float32, np.dtype(">f8"), np.longdouble]
)
def test_every_real_dtype_of_numpy_is_taken(function, dtype):
    """Integers of any width, other byte orders and long doubles give what plain floats give."""
    x, y = np.array([0, 1, 2], dtype=dtype), np.array([0, 2, 3], dtype=dtype)
    expected = numbers(function([0.0, 1.0, 2.0], [0.0, 2.0, 3.0]))
    assert numbers(function(x, y)) == pytest.approx(
        expected, rel=1e-6 if dtype == np.float32 else 1e-15
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_mask_that_hides_nothing_is_taken(function):
    """A masked array without a masked value is an ordinary one."""
    x, y = [0.0, 1.0, 2.0], [0.0, 2.0, 3.0]
    assert numbers(function(np.ma.masked_equal(x, -9.0), y)) == numbers(function(x, y))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_whole_numbers_of_any_size_are_taken(function):
    """Python's whole numbers beyond 64 bits, decimals and columns of objects are numbers."""
    expected = numbers(function([2.0**64, 2.0**65, 2.0**66], [1.0, 2.0, 3.0]))
    assert numbers(function([2**64, 2**65, 2**66 + 1], [Decimal(1), 2, 3])) == expected


@pytest.mark.parametrize(
    "data", [torch.eye(3).to_sparse(), torch.zeros(3, device="meta"), [1.0, None, 2.0]]
)
def test_what_holds_no_numbers_is_refused(data):
    """Sparse tensors, tensors without values and holes in a list raise a TypeError."""
    with pytest.raises(TypeError, match="x must"):
        lf.total_least_squares(data, [1.0, 2.0, 3.0])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_arrays_that_cannot_be_written_are_taken(function):
    """Read-only, strided and reversed arrays are copied, not refused."""
    x, y = np.arange(6.0)[::-2], [0.0, 2.0, 3.0]
    x.flags.writeable = False
    assert numbers(function(x, y)) == numbers(function([5.0, 3.0, 1.0], y))
    assert x.tolist() == [5.0, 3.0, 1.0]
