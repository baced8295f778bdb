"""What every public function says to input it cannot use."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.masked import masked_tensor

import linefit as lf


def start_of_descent(x, y):
    """Return the first loss of a descent, which is one number of all points."""
    return lf.descend(x, y, lr=0.1, steps=1, start=(1.0, 0.5)).history.loss


FUNCTIONS = [lf.ordinary_least_squares, lf.total_least_squares, start_of_descent]
SLOPES = {
    "ordinary": lambda x, y: lf.ordinary_least_squares(x, y).slope,
    "total": lambda x, y: lf.total_least_squares(x, y).slope,
    "fit_line": lambda x, y: lf.fit_line(x, y).line.slope,
    "york": lambda x, y: lf.york(x, y, x_std=1.0, y_std=1.0).line.slope,
    "moments": lambda x, y: lf.Moments.of(x, y).line().slope,
    "chunks": lambda x, y: lf.Moments.of_chunks(
        (x[..., i : i + 3], y[..., i : i + 3]) for i in range(0, x.shape[-1], 3)
    ).line().slope,
}  # fmt: skip
each = pytest.mark.parametrize("slope", SLOPES.values(), ids=SLOPES)
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


def record():
    """Return a record array whose fields lie at odd places."""
    points = np.zeros(3, dtype=[("name", "S3"), ("x", "i8"), ("y", "f8"), ("z", "f4")])
    points["x"], points["y"], points["z"] = [0, 1, 2], [1, 2.9, 5.2], [1, 2.9, 5.2]
    return points


@each
@pytest.mark.parametrize("field", ["y", "z"])
def test_fields_of_packed_records_are_taken(slope, field):
    """Steps that are no multiple of the number's size, and odd addresses, give the same line."""
    packed, points = record(), np.array([[0, 1, 2], [1, 2.9, 5.2]])
    expected = slope(points[0], points[1].astype(packed[field].dtype))
    assert slope(packed["x"], packed[field]) == expected
    turned = slope(packed["x"][::-1], packed[field].copy()[::-1])
    assert turned.item() == pytest.approx(expected.item())
    assert lf.total_least_squares(packed["x"], packed["y"]).slope.item() == pytest.approx(
        2.10517795, abs=5e-9
    )


WHOLE = {
    "int64": lambda v: v,
    "uint64": lambda v: (v - v.min()).astype(np.uint64) + np.uint64(2**64 - 2**20),
    "negative": lambda v: v - 2 * v.max(),
    "torch": torch.from_numpy,
    "objects": lambda v: np.array([int(n) + 2**80 for n in v.flat], object).reshape(v.shape),
    "decimals": lambda v: np.array([Decimal(int(n)) for n in v.flat]).reshape(v.shape),
    "long doubles": lambda v: v.astype(np.longdouble),
}


@each
@pytest.mark.parametrize("kind", WHOLE.values(), ids=WHOLE)
def test_whole_numbers_beyond_2_to_53_keep_their_differences(slope, kind):
    """Nanoseconds since 1970 give the same slope as nanoseconds since the first point."""
    i = np.arange(20)
    x, y = 1_700_000_000_000_000_000 + 1000 * i, 3 * i + (-1) ** i
    expected = slope(1000 * i, y)
    assert slope(kind(x), torch.from_numpy(y)).item() == pytest.approx(expected.item(), rel=1e-13)
    turned = slope(torch.from_numpy(y), kind(x)).item()
    assert turned == pytest.approx(slope(y, 1000 * i).item(), rel=1e-13)
    both = slope(kind(x), kind(x + y)).item()
    assert both == pytest.approx(slope(1000 * i, 1000 * i + y).item(), rel=1e-13)
    batch = kind(np.stack((x, x + 10**15 + 7))), torch.from_numpy(np.stack((y, 2 * y)))
    assert slope(*batch).tolist() == pytest.approx([expected.item(), slope(1000 * i, 2 * y).item()])


def test_far_whole_numbers_have_their_residuals_and_bands():
    """What is near the points is exact too, and the intercept is as exact as floats can tell."""
    i = np.arange(20)
    x, y = 1_700_000_000_000_000_000 + 1000 * i, 3 * i + (-1) ** i
    far, near = lf.fit_line(x, y), lf.fit_line(1000 * i, y)
    assert lf.ordinary_least_squares(x, y).slope.item() == 0.002984962406015038
    assert torch.allclose(far.residuals, near.residuals, rtol=1e-12)
    assert far.slope_se.item() == pytest.approx(near.slope_se.item(), rel=1e-12)
    for one, other in zip(far.band(x[3:5]), near.band(1000 * i[3:5]), strict=True):
        assert one.tolist() == pytest.approx(other.tolist(), rel=1e-12)
    intercept = near.line.intercept.item() - 1.7e18 * near.line.slope.item()
    assert far.line.intercept.item() == pytest.approx(intercept, rel=1e-14)
    through = lf.total_least_squares(x, y, through=(x[0], 0))
    nearby = lf.total_least_squares(1000 * i, y, through=(0, 0))
    assert through.slope.item() == pytest.approx(nearby.slope.item(), rel=1e-13)


def test_means_of_far_whole_numbers_are_exact():
    """Moments hold their means to the last digit, in two floats."""
    x = 2**60 + np.arange(7)
    m = lf.Moments.of(x, -x) + lf.Moments.of(x + 7, -x - 7)
    assert (int(m.mean_x.item()) - 2**60) + m.rest_x.item() == 6.5
    assert (int(m.mean_y.item()) + 2**60) + m.rest_y.item() == -6.5
    assert m.sxx.item() == -m.sxy.item() == m.syy.item() == 227.5


def test_a_descent_does_not_round_points_away():
    """Where the points are is part of the problem, so a descent asks for another origin."""
    x = 1_700_000_000_000_000_000 + 1000 * np.arange(20)
    with pytest.raises(ValueError, match=r"x lies so far from zero.*subtract.*x - x\[0\]"):
        lf.descend(x, np.arange(20), lr=0.1, steps=1)
    lf.descend(x - x[0], np.arange(20), lr=1e-9, steps=1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            np.array(["2024-01-01", "2024-01-02"], "M8[ns]"),
            r"datetime64\[ns\].*\(t - t\[0\]\) / np",
        ),
        (np.array([1, 2], "m8[s]"), r'timedelta64\[s\].*\) / np.timedelta64\(1, "s"\)'),
        ([date(2024, 1, 1), date(2024, 1, 2)], r"holds date; choose.*datetime64"),
        ([timedelta(1), timedelta(2)], r"holds timedelta; choose a unit: np.asarray\(x"),
        ([1.0, None], "the value at index 1 is None, of type NoneType"),
        ([[1.0, 2.0], [3.0, "four"]], r"must hold numbers"),
        (np.array([[1.0, 2.0], [{}, 4]], object), r"at index \(1, 0\) is \{\}, of type dict"),
        (None, "x must hold numbers, but it is None"),
    ],
)
def test_what_is_no_number_is_named(data, message):
    """Dates say how to become numbers, and a hole in a list says where it is."""
    with pytest.raises(TypeError, match=message):
        lf.total_least_squares(data, [1.0, 2.0])


def test_the_advice_on_dates_works():
    """What the messages say to write makes numbers of dates and durations."""
    x = np.array(["2024-01-01", "2024-01-02", "2024-01-04"], "M8[D]")
    t = np.asarray(x, dtype="datetime64[ns]")
    days = (t - t[0]) / np.timedelta64(1, "s") / 86400
    assert lf.total_least_squares(days, [0, 2, 6]).slope.item() == pytest.approx(2, rel=1e-15)


@pytest.mark.parametrize(
    "fit",
    [
        lambda x, column: lf.total_least_squares(x, x, weights=column),
        lambda x, column: lf.fit_line(x, x, weights=column),
        lambda x, column: lf.york(x, x, x_std=column, y_std=1.0),
        lambda x, column: lf.york(x, x, x_std=1.0, y_std=1.0, correlation=column / 2),
    ],
)
def test_columns_of_weights_and_errors_are_told_to_ravel(fit):
    """So are columns of what belongs to each point."""
    with pytest.raises(ValueError, match=r"not \(5, 1\); a column .* made flat by ravel\(\)"):
        fit(np.arange(5.0), np.ones((5, 1)))


@pytest.mark.parametrize("shapes", [((5, 1), (5,)), ((5,), (5, 1)), ((5, 1), (5, 1))])
def test_columns_are_told_to_ravel(shapes):
    """A column in place of a row of numbers says how it becomes one."""
    x, y = (np.arange(5.0).reshape(shape) for shape in shapes)
    with pytest.raises(ValueError, match=r"column of shape \(n, 1\) is made flat by ravel\(\)"):
        lf.total_least_squares(x, y)


TRANSFORMS = {
    "grad": lambda f, x: torch.func.grad(f)(x),
    "jvp": lambda f, x: torch.func.jvp(f, (x,), (x,))[1],
    "jacrev": lambda f, x: torch.func.jacrev(f)(x),
}


forward_mode = pytest.mark.filterwarnings("ignore:`torch.jit.script`")  # of a category that changes


@forward_mode  # the first dual number of a process makes torch warn of its own doings
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_transforms_pass_through_closed_forms_and_are_refused_by_descents(transform):
    """torch.func differentiates what has a closed form; what calls autograd itself says so."""
    x = torch.tensor([0.0, 1.0, 2.0, 4.0], dtype=torch.float64)
    y = torch.tensor([1.0, 2.9, 5.2, 9.0], dtype=torch.float64)
    for name in ("ordinary", "total", "moments", "chunks"):
        derivative = transform(lambda x, slope=SLOPES[name]: slope(x, y), x)
        jacobian = torch.autograd.functional.jacobian(lambda x, slope=SLOPES[name]: slope(x, y), x)
        expected = jacobian if derivative.dim() else jacobian @ x
        assert torch.allclose(derivative, expected, rtol=1e-12)
    with pytest.raises(TypeError, match="fit_line calls autograd itself, which torch.func's"):
        transform(lambda x: SLOPES["fit_line"](x, y), x)
    with pytest.raises(TypeError, match="york is not differentiable, so torch.func's"):
        transform(lambda x: SLOPES["york"](x, y), x)


@forward_mode
@each
def test_a_tangent_is_carried_however_long_the_points_are(slope):
    """Forward-mode derivatives pass where NumPy would do the sums of plain points."""
    if slope in (SLOPES["fit_line"], SLOPES["york"], SLOPES["chunks"]):
        return  # no forward mode, or the same sums as another
    generator = torch.Generator().manual_seed(0)
    x, y, v = torch.randn(3, 10_000, generator=generator, dtype=torch.float64)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, v)
        tangent = torch.autograd.forward_ad.unpack_dual(slope(dual, y)).tangent
    gradient = torch.autograd.functional.jacobian(lambda x: slope(x, y), x)
    assert tangent.item() == pytest.approx((gradient @ v).item(), rel=1e-9)


@each
def test_tensors_without_values_say_so(slope):
    """Inside vmap, and fake, a tensor shows no values to fit: one sentence, not torch's error."""
    if slope is SLOPES["chunks"]:
        return
    x = torch.rand(3, 5, dtype=torch.float64)
    refused = "inside torch.vmap.*leading axes are independent|calls autograd itself"
    with pytest.raises(TypeError, match=refused):
        torch.vmap(slope)(x, x**2)
    with FakeTensorMode():
        fake = torch.ones(5)
    with pytest.raises(TypeError, match="dense tensor with values.*FakeTensor without values"):
        slope(fake, torch.ones(5))


@pytest.mark.filterwarnings("ignore:The PyTorch API of MaskedTensors")
def test_masked_tensors_are_like_masked_arrays():
    """A mask that hides something is refused; one that hides nothing is taken."""
    x, y = torch.tensor([0.0, 1.0, 2.0]), torch.tensor([0.0, 2.0, 3.0])
    whole = masked_tensor(x, torch.ones(3, dtype=torch.bool))
    assert lf.total_least_squares(whole, y).slope == lf.total_least_squares(x, y).slope
    with pytest.raises(ValueError, match="1 of 3 values of x are masked"):
        lf.total_least_squares(masked_tensor(x, torch.tensor([True, False, True])), y)


RESULTS = {
    "line": lf.total_least_squares,
    "fit_line": lf.fit_line,
    "york": lambda x, y: lf.york(x, y, x_std=1.0, y_std=1.0),
    "moments": lf.Moments.of,
}
results = pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(device):
    """The message names the device, whatever torch's own would be; also where a result moves."""
    with pytest.raises(ValueError, match=f"The device '{device}' cannot be used here"):
        lf.descend([0.0, 1.0], [0.0, 1.0], lr=0.1, steps=1, device=device)
    for result in RESULTS.values():
        with pytest.raises(ValueError, match=f"The device '{device}' cannot be used here"):
            result([0.0, 1.0, 2.0], [0.0, 1.0, 3.0]).to(device)


@results
@pytest.mark.parametrize("target", [None, 3.5, torch.int64])
def test_results_move_to_devices_and_floats_only(result, target):
    """Whole numbers would make nonsense of a line, and what is neither says so."""
    with pytest.raises(TypeError, match="device|floating-point"):
        result([0.0, 1.0, 2.0], [0.0, 1.0, 3.0]).to(target)


def test_numbers_beyond_every_float_are_infinite():
    """A whole number too large for any float is refused like infinity."""
    with pytest.raises(ValueError, match="x must be finite.*-inf at index 1"):
        lf.total_least_squares([1, -(10**400), 3], [1, 2, 3])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": [1.0, 0.0, 1.0]}, "weights must be positive"),
        ({"weights": [1.0, 2.0]}, r"weights must have shape \(\) or \(3,\), as x has, not \(2,\)"),
        ({"through": 0.0}, "through must be a pair of x and y, but it is 0.0"),
        ({"through": (0.0, NAN)}, "the y of through must be finite"),
        ({"through": ([0.0, 1.0], 0.0)}, r"x of through must have shape \(\) or \(\), not \(2,\)"),
    ],
)
@pytest.mark.parametrize("fit", [lf.ordinary_least_squares, lf.total_least_squares, lf.fit_line])
def test_bad_weights_and_places_are_refused(fit, settings, message):
    """Weights are positive, one for each point; a place is a pair of finite numbers."""
    with pytest.raises(ValueError, match=message):
        fit([0.0, 1.0, 2.0], [0.0, 1.0, 3.0], **settings)


@pytest.mark.parametrize("dtype", [None, np.ulonglong, np.uint64, np.longlong])
def test_whole_numbers_of_64_bits_are_taken_by_whatever_name(dtype):
    """Python's beyond 2⁶³ − 1 become C's unsigned long long, which torch does not know."""
    start = 2**62 if dtype is np.longlong else 2**63
    x = [start + i for i in range(4)]
    x = x if dtype is None else np.array(x, dtype=dtype)
    line = lf.ordinary_least_squares(x, [1, 2, 4, 5], through=(start, 1))
    assert line.slope.item() == pytest.approx(19 / 14, rel=1e-15)


FIVE = [0.0, 1.0, 2.0, 4.0, 5.0]
ODD = {
    "through a set": (lambda: lf.fit_line(FIVE, FIVE, through={1.0, 2.0}), "must be a pair of x"),
    "through a dict": (lambda: lf.fit_line(FIVE, FIVE, through={0: 1, 2: 3}), "must be a pair"),
    "through one": (lambda: lf.fit_line(FIVE, FIVE, through=torch.ones(())), "must be a pair of x"),
    "start": (lambda: lf.descend(FIVE, FIVE, lr=1, steps=1, start="ab"), "start must be a pair of"),
    "ratio": (
        lambda: lf.fit_line(FIVE, FIVE, variance_ratio=NAN),
        "variance_ratio must be finite, but it is nan",
    ),
    "x_std": (
        lambda: lf.york(FIVE, FIVE, x_std=INF, y_std=1.0),
        "x_std must be finite, but it is inf",
    ),
    "dtype": (
        lambda: lf.descend(FIVE, FIVE, lr=1, steps=1, dtype=torch.float8_e4m3fn),
        "dtype must be one of torch's real floating-point types, not torch.float8",
    ),
    "line dtype": (
        lambda: lf.total_least_squares(FIVE, FIVE).to(torch.float8_e4m3fn),
        "floating-point numbers, not in torch.float8",
    ),
    "loss": (
        lambda: lf.descend(FIVE, FIVE, lr=1, steps=1, loss="mse"),
        "loss must be a function, such as linefit.vertical_loss, not 'mse'",
    ),
    "scheduler": (
        lambda: lf.descend(FIVE, FIVE, lr=1, steps=1, scheduler=3),
        "scheduler must be a function, such as functools.partial.*, not 3",
    ),
    "optimizer": (
        lambda: lf.descend(FIVE, FIVE, lr=1, steps=1, optimizer="sgd"),
        "optimizer must be a function, such as torch.optim.Adam.*, not 'sgd'",
    ),
    "device": (
        lambda: lf.descend(FIVE, FIVE, lr=1, steps=1, device=3.5),
        "The device '3.5' cannot be used here",
    ),
    "sparse": (
        lambda: lf.fit_line(torch.tensor(FIVE).to_sparse(), FIVE),
        "dense tensor with values, but it is torch.float32 with torch.sparse_coo.$",
    ),
    "slopes": (
        lambda: lf.Line.from_slope_intercept([1, 2], [1, 2, 3]),
        r"slope and intercept must have one shape, not \(2,\) and \(3,\)",
    ),
    "distances": (
        lambda: lf.fit_line(FIVE, FIVE).line.signed_distance([1, 2], [1, 2, 3]),
        r"same shape, but they have \(2,\) and \(3,\)",
    ),
    "heights": (lambda: pair().line(np.ones((3, 2))), r"those of the lines, \(2,\), .*\(3, 2\)"),
    "beside": (lambda: pair().line.signed_distance(np.ones((3, 2)), 1), "axes of x must be those"),
    "band": (lambda: pair().band(np.ones((3, 2))), "leading axes of x must be those of the lines"),
    "index": (lambda: pair()["a"], r"like a tensor of shape \(2,\), not by 'a'"),
    "chunk": (lambda: lf.Moments.of_chunks([(FIVE, FIVE), 2]), "Chunk 1 must be a pair of x and y"),
    "triple": (lambda: lf.Moments.of_chunks([(1, 2, 3)]), "Chunk 0 must be a pair of x and y"),
    "n": (lambda: lf.noisy_line(2.5), "n must be a whole number, but it is 2.5"),
    "seed": (lambda: lf.noisy_line(3, seed=None), "seed must be a whole number, but it is None"),
    "long seed": (lambda: lf.noisy_line(3, seed=2**70), "seed must be a whole number of 64 bits"),
    "slopes of points": (lambda: lf.noisy_line(3, slope=[1, 2]), "slope must be one number, but"),
    "noise": (lambda: lf.noisy_line(3, noise=None), "noise must hold numbers, but it is None"),
}  # fmt: skip


def pair():
    """Return the fits of two lines."""
    return lf.fit_line([FIVE, FIVE], [FIVE, FIVE[::-1]])


@pytest.mark.parametrize(("call", "message"), ODD.values(), ids=ODD)
def test_odd_arguments_are_refused_in_a_sentence(call, message):
    """No error of torch's, NumPy's or Python's comes through where an argument is odd."""
    with pytest.raises((TypeError, ValueError), match=message):
        call()
