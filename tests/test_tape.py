"""Reverse mode by hand, compared with torch."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from linefit.tape import (
    Add,
    Divide,
    InnerProduct,
    Layer,
    Mean,
    Multiply,
    Negate,
    Net,
    ReLU,
    Subtract,
    Sum,
    Tape,
    power,
)

# Quarters: sums and products of a few of them are exact, in whatever order a library adds.
X = np.array([[0.25, -1.5, 3.0], [2.0, 0.75, 0.0]])
Y = np.array([[1.25, 0.5, -2.0], [-4.0, 1.0, 0.25]])


def with_tape(expression: Callable[..., Any], *values: Any) -> tuple[Any, list[Any]]:
    """Return the value and the gradients of an expression, by our tape."""
    tape = Tape()
    variables = [tape.variable(value) for value in values]
    output = expression(*variables)
    tape.backward(output)
    return output.value, [v.grad for v in variables]


def with_torch(expression: Callable[..., Any], *values: Any) -> tuple[Any, list[Any]]:
    """Return the value and the gradients of an expression, by PyTorch."""
    tensors = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
    output = expression(*tensors)
    output.backward()
    return output.detach().numpy(), [None if t.grad is None else t.grad.numpy() for t in tensors]


def assert_same(expression: Callable[..., Any], *values: Any, rtol: float = 0.0) -> None:
    """Check that both give the same value and gradients, bit for bit unless rtol is given."""
    ours, our_grads = with_tape(expression, *values)
    theirs, their_grads = with_torch(expression, *values)
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol, strict=True)
    for our_grad, their_grad in zip(our_grads, their_grads, strict=True):
        np.testing.assert_allclose(our_grad, their_grad, rtol=rtol, atol=rtol, strict=True)


def perpendicular(a: Any, b: Any, x: Any, y: Any) -> Any:
    """Return the loss of the line fit, 1/(2N) Σ (a x − y + b)² / (a² + 1)."""
    return ((a * x - y + b) ** 2).mean() / (2 * (a**2 + 1))


@pytest.mark.parametrize(
    "expression",
    [
        lambda x, y: (x + y).sum(),
        lambda x, y: (x - y).sum(),
        lambda x, y: (x * y).sum(),
        lambda x, y: (-x * y).sum(),
        lambda x, y: (x.relu() * y).sum(),
        lambda x, y: (x**2 * y).sum(),
        lambda x, y: (x**1 * y).sum(),
        lambda x, y: (x**0 * y).sum(),
    ],
    ids=["add", "sub", "mul", "neg", "relu", "square", "first_power", "zeroth_power"],
)
def test_exact_operations_agree_with_torch_bit_for_bit(expression):
    """Where every number is exact, value and gradients are torch's."""
    assert_same(expression, X, Y)


@pytest.mark.parametrize(
    "expression",
    [
        lambda x, y: (x / y).sum(),
        lambda x, y: (x * y).mean(),
        lambda x, y: (x**3 * y).sum(),
        lambda x, y: (y**-1 * x).sum(),
        lambda x, y: ((x * x + 1) ** 0.5 * y).sum(),
        lambda x, y: x.mean() / (y * y).sum(),
    ],
    ids=["div", "mean", "cube", "reciprocal", "square_root", "mean_over_sum"],
)
def test_rounded_operations_agree_with_torch_to_the_last_digits(expression):
    """Where rounding comes in, value and gradients are torch's up to a few units in the end."""
    assert_same(expression, X, Y, rtol=1e-14)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_division_gradients_are_bit_equal_elementwise(sign):
    """The gradients of a quotient are rounded in the same order as in torch."""
    x, y = np.random.default_rng(0).normal(size=(2, 50))
    _, ours = with_tape(lambda x, y: (x / y).sum() * sign, x, y)
    _, theirs = with_torch(lambda x, y: (x / y).sum() * sign, x, y)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("constant", [2, 0.25, np.float64(0.25), np.int64(3), X + 8])
@pytest.mark.parametrize(
    "expression",
    [
        lambda v, c: v + c,
        lambda v, c: c + v,
        lambda v, c: v - c,
        lambda v, c: c - v,
        lambda v, c: v * c,
        lambda v, c: c * v,
        lambda v, c: v / c,
        lambda v, c: c / v,
    ],
)
def test_constants_stand_on_either_side(expression, constant):
    """A number or an array may be the left or the right operand, and gets no gradient."""
    tape = Tape()
    v = tape.variable(Y, "y")
    result = expression(v, constant)
    tape.backward(result.sum())
    y = torch.tensor(Y, requires_grad=True)
    expected = expression(y, torch.as_tensor(constant, dtype=torch.float64))
    expected.sum().backward()
    np.testing.assert_allclose(result.value, expected.detach().numpy(), rtol=1e-15, strict=True)
    np.testing.assert_allclose(v.grad, y.grad.numpy(), rtol=1e-15, strict=True)
    assert [n.grad for n in tape.nodes if n.layer.name == "constant"] == [None]


@pytest.mark.parametrize("operator", [lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y])
@pytest.mark.parametrize(
    "shapes",
    [
        *permutations([(2, 3), ()], 2),
        *permutations([(2, 3), (3,)], 2),
        *permutations([(2, 3), (1, 3)], 2),
        *permutations([(2, 3), (2, 1)], 2),
        ((2, 1), (1, 3)),
        ((2, 1), (3,)),
        ((4, 1, 3), (2, 1)),
        ((1,), (1, 1)),
        ((0, 3), (3,)),
    ],
    ids=str,
)
def test_broadcasting_sums_gradients_back_to_the_inputs_shape(operator, shapes):
    """An input that broadcasting repeated gets the sum of its copies' gradients."""
    rng = np.random.default_rng(1)
    x, y = (rng.integers(-8, 9, shape) / 4 for shape in shapes)
    assert_same(lambda x, y: (operator(x, y) * operator(y, x)).sum(), x, y)


def test_gradients_add_up_at_a_fan_out():
    """A variable used several times collects the gradient of every use."""
    assert_same(lambda x: (x * x + x - 3 * x).sum(), X)


def test_a_diamond_is_walked_once_per_operation():
    """Repeated squaring doubles the paths, but each operation's rule runs once."""
    calls = []
    double = Layer("double", lambda x: x + x, lambda g, _: (calls.append(1) or 2 * g,))
    tape = Tape()
    v = x = tape.variable(1.0)
    for _ in range(30):
        v = tape.record(double, v) + v
    tape.backward(v)
    assert (x.grad, len(calls)) == (3.0**30, 30)


def test_a_second_backward_adds_to_the_gradients():
    """As in torch with a retained graph, gradients accumulate until a new tape is begun."""
    tape = Tape()
    x = tape.variable(3.0)
    c = x * x
    tape.backward(c)
    tape.backward(c)
    t = torch.tensor(3.0, requires_grad=True)
    d = t * t
    d.backward(retain_graph=True)
    d.backward()
    assert x.grad == t.grad.item() == 12.0


def test_the_sum_of_products_is_exact_three_ways():
    """By hand, on the tape and in torch, c = Σ(x∘y + z) and its gradients are the same."""
    z = X - Y
    value, (dx, dy, dz) = with_tape(lambda x, y, z: (x * y + z).sum(), X, Y, z)
    assert value == np.sum(X * Y + z)
    np.testing.assert_array_equal(dx, Y)
    np.testing.assert_array_equal(dy, X)
    np.testing.assert_array_equal(dz, np.ones_like(z))
    assert_same(lambda x, y, z: (x * y + z).sum(), X, Y, z)


@pytest.mark.parametrize(("a", "b"), [(0.0, 0.0), (2.5, 1.0), (-0.3, 40.0), (1e3, -5.0)])
def test_the_perpendicular_loss_agrees_with_torch(a, b):
    """The tape can fit the line: its loss and both slopes are autograd's."""
    x = np.linspace(0, 100, 100)
    y = 2.5 * x + 1 + np.random.default_rng(0).normal(size=100)
    ours, our_grads = with_tape(lambda a, b: perpendicular(a, b, x, y), a, b)
    tx, ty = torch.tensor(x), torch.tensor(y)
    theirs, their_grads = with_torch(lambda a, b: perpendicular(a, b, tx, ty), a, b)
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    np.testing.assert_allclose(our_grads, their_grads, rtol=1e-11)


def test_descent_on_a_new_tape_each_step_finds_the_line():
    """Building the tape anew at every step, as PyTorch does its graph, fits a line."""
    x = np.linspace(-1, 1, 11)
    a, b = 0.0, 0.0
    for _ in range(300):
        tape = Tape()
        slope, intercept = tape.variable(a), tape.variable(b)
        tape.backward(perpendicular(slope, intercept, x, 0.5 * x + 0.25))
        a, b = a - slope.grad, b - intercept.grad
    np.testing.assert_allclose([a, b], [0.5, 0.25], rtol=1e-9)


UNARY = [lambda v: -v, lambda v: v.relu(), lambda v: v**2, lambda v: v / 4, lambda v: 1 - v]
BINARY = [lambda v, w: v + w, lambda v, w: v - w, lambda v, w: v * w, lambda v, w: w - v * v]
STEP = st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0), st.integers(0))
SHAPES = st.sampled_from([(), (3,), (2, 1), (2, 3), (1, 3)])


@given(st.lists(STEP, min_size=1, max_size=8), st.lists(SHAPES, min_size=2, max_size=3))
def test_random_expressions_agree_with_torch(steps, shapes):
    """Whatever graph the operators build, with broadcasting and fan-out, torch agrees."""
    rng = np.random.default_rng(len(steps))
    values = [rng.uniform(-1, 1, shape) for shape in shapes]

    def expression(*leaves):
        pool = list(leaves)
        for kind, i, j in steps:
            v, w = pool[i % len(pool)], pool[j % len(pool)]
            pool.append(UNARY[kind](v) if kind < len(UNARY) else BINARY[kind - len(UNARY)](v, w))
        total = pool[0].sum()
        for v in pool[1:]:
            total = total + v.mean()
        return total

    assert_same(expression, *values, rtol=1e-9)


@pytest.mark.parametrize(
    ("layer", "bottom", "reference"),
    [
        (Add, (X, Y), lambda x, y: x + y),
        (Subtract, (X, Y), lambda x, y: x - y),
        (Multiply, (X, Y), lambda x, y: x * y),
        (Divide, (X, Y), lambda x, y: x / y),
        (Negate, (X,), lambda x: -x),
        (ReLU, (X - X[0, 0],), torch.relu),
        (Sum, (X,), torch.sum),
        (Mean, (X,), torch.mean),
        (power(3), (X,), lambda x: x**3),
        (InnerProduct, (X, np.arange(12.0).reshape(4, 3), X[0, :1] * np.ones(4)), None),
    ],
    ids=lambda value: value.name if isinstance(value, Layer) else "",
)
def test_each_layer_agrees_with_torch_forward_and_backward(layer, bottom, reference):
    """A layer called by hand gives torch's top, and torch's gradient for every bottom."""
    tensors = [torch.tensor(b, requires_grad=True) for b in bottom]
    expected = (reference or torch.nn.functional.linear)(*tensors)
    top = layer.forward(*bottom)
    np.testing.assert_allclose(top, expected.detach().numpy(), rtol=1e-15)
    top_diff = np.linspace(-1, 2, top.size).reshape(top.shape)
    expected.backward(torch.tensor(top_diff))
    for diff, tensor in zip(layer.backward(top_diff, *bottom), tensors, strict=True):
        np.testing.assert_allclose(diff, tensor.grad.numpy(), rtol=1e-14, strict=True)


def test_a_net_of_layers_agrees_with_the_tape_exactly():
    """Caffe-style layers give c = Σ(x∘y + z) and the gradient of every named blob."""
    z = X + Y
    net = Net((Multiply, "x y", "xy"), (Add, "xy z", "s"), (Sum, "s", "c"))
    value, grads = with_tape(lambda x, y, z: (x * y + z).sum(), X, Y, z)
    assert net.forward(x=X, y=Y, z=z) == value
    diffs = net.backward()
    assert list(diffs) == ["x", "y", "z", "xy", "s", "c"]
    assert [node.name for node in net.tape.nodes] == list(diffs)
    np.testing.assert_array_equal([diffs["x"], diffs["y"], diffs["z"]], grads)


def test_a_two_layer_net_agrees_with_torch():
    """InnerProduct, ReLU and a second InnerProduct train as in torch.nn.functional."""
    rng = np.random.default_rng(2)
    data = {"x": rng.normal(size=(5, 3)), "w": rng.normal(size=(4, 3)), "b": rng.normal(size=4)}
    data |= {"v": rng.normal(size=(1, 4)), "d": rng.normal(size=1)}
    net = Net(
        (InnerProduct, "x w b", "hidden"),
        (ReLU, "hidden", "hidden"),  # in place, as Caffe allows
        (InnerProduct, "hidden v d", "score"),
        (Mean, "score", "loss"),
    )
    value = net.forward(**data)
    t = {name: torch.tensor(array, requires_grad=True) for name, array in data.items()}
    linear = torch.nn.functional.linear
    loss = linear(linear(t["x"], t["w"], t["b"]).relu(), t["v"], t["d"]).mean()
    loss.backward()
    assert value == pytest.approx(loss.item(), rel=1e-13)
    diffs = net.backward()
    for name, tensor in t.items():
        np.testing.assert_allclose(diffs[name], tensor.grad.numpy(), rtol=1e-12, strict=True)


def test_a_net_runs_again_on_other_data():
    """The net is fixed; its gradients belong to the latest forward run only."""
    net = Net((Multiply, "x x", "xx"), (Sum, "xx", "c"))
    for x in (3.0, 5.0):
        assert net.forward(x=x) == x * x
        assert net.backward()["x"] == 2 * x
        assert len(net.tape.nodes) == 3


def test_the_tape_lists_its_lines_as_data():
    """Every line names its layer and its inputs, in the order of the computation."""
    tape = Tape()
    x = tape.variable([1, 2], "x")
    (x * 3).sum()
    assert [node.layer.name for node in tape.nodes] == ["variable", "constant", "mul", "sum"]
    assert tape.nodes[2].inputs == (x, tape.nodes[1])
    assert [node.requires_grad for node in tape.nodes] == [True, False, True, True]


def test_the_printed_tape_numbers_lines_with_values_and_shapes():
    """Scalars print with value and gradient, arrays with their shape."""
    tape = Tape()
    x = tape.variable([1, 2], "x")
    tape.backward((x**2 / 4).sum())
    assert [line.split() for line in str(tape).splitlines()] == [
        ["0", "x", "=", "variable()", "(2,)"],
        ["1", "v1", "=", "pow[2](x)", "(2,)"],
        ["2", "v2", "=", "constant()", "4.0", "grad", "None"],
        ["3", "v3", "=", "div(v1,", "v2)", "(2,)"],
        ["4", "v4", "=", "sum(v3)", "1.25", "grad", "1.0"],
    ]


def test_a_reader_can_record_a_layer_of_their_own():
    """A new operation is two functions: its value and its local rule."""
    exp = Layer("exp", np.exp, lambda g, x: (g * np.exp(x),))
    tape = Tape()
    x = tape.variable(X)
    tape.backward(tape.record(exp, x, name="e").sum())
    np.testing.assert_array_equal(x.grad, np.exp(X))
    assert tape.nodes[1].name == "e"


@pytest.mark.parametrize("value", [3, True, [1, 2], np.float32(0.5), np.arange(4, dtype=np.uint8)])
def test_everything_becomes_float64(value):
    """Integers, booleans and other floats become float64, in value and gradient."""
    value, (grad,) = with_tape(lambda v: (v * 2).sum(), value)
    assert value.dtype == grad.dtype == np.float64
    assert isinstance(value, np.ndarray)
    assert isinstance(grad, np.ndarray)


def test_the_tape_keeps_its_own_copy():
    """Changing the caller's array afterwards changes nothing on the tape."""
    mine = np.ones(2)
    tape = Tape()
    x = tape.variable(mine)
    c = (x * mine).sum()
    mine[:] = 7
    tape.backward(c)
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])


def test_gradients_do_not_share_memory():
    """Clearing one gradient in place leaves the others alone."""
    tape = Tape()
    x, y = tape.variable(X), tape.variable(Y)
    tape.backward((x + y).sum())
    x.grad[:] = 0
    np.testing.assert_array_equal(y.grad, np.ones_like(Y))


def test_an_unused_variable_has_no_gradient():
    """As in torch, a variable that the output does not depend on keeps grad None."""
    tape = Tape()
    x, unused = tape.variable(1.0), tape.variable(2.0)
    later = x * unused
    tape.backward(x * 3)
    assert (unused.grad, later.grad) == (None, None)


@pytest.mark.parametrize("value", ["three", [1j], None, [object()]])
def test_values_that_are_not_real_numbers_are_refused(value):
    """A string, a complex number or an object is a TypeError that names what came."""
    with pytest.raises(TypeError, match=r"expected real numbers, got (str|list|NoneType) of"):
        Tape().variable(value)


def test_backward_from_an_array_is_refused():
    """Only a single number has a gradient to start from; the message names the shape."""
    tape = Tape()
    with pytest.raises(ValueError, match=r"one number, got shape \(2, 3\)"):
        tape.backward(tape.variable(X) * 2)


def test_backward_from_another_tape_is_refused():
    """A tape cannot walk what it has not recorded."""
    with pytest.raises(ValueError, match="x does not depend on a variable of this tape"):
        Tape().backward(Tape().variable(1.0, "x"))


def test_backward_from_constants_is_refused():
    """As in torch, an output that depends on no variable has no gradient."""
    tape = Tape()
    with pytest.raises(ValueError, match="does not depend on a variable"):
        tape.backward(tape.variable(1.0, requires_grad=False) * 2)


def test_variables_of_two_tapes_do_not_mix():
    """An operation takes its variables from one tape; the message names the operation."""
    with pytest.raises(ValueError, match="mul got a variable of another tape"):
        Tape().variable(1.0) * Tape().variable(2.0)


def test_a_variable_exponent_is_refused():
    """The exponent is a constant number: Python says that ** does not take a Var there."""
    x = Tape().variable(2.0)
    with pytest.raises(TypeError, match="unsupported operand"):
        x**x


def test_shapes_that_do_not_broadcast_are_refused():
    """NumPy's own message names the two shapes."""
    with pytest.raises(ValueError, match=r"broadcast.*\(2,3\) \(2,\)"):
        Tape().variable(X) * [1, 2]


def test_a_rule_with_too_few_gradients_is_refused():
    """A layer owes every bottom a gradient."""
    tape = Tape()
    x = tape.variable(1.0)
    with pytest.raises(ValueError, match="shorter"):
        tape.backward(tape.record(Layer("bad", lambda x, y: x + y, lambda g, _x, _y: (g,)), x, x))
