"""The steps of a graph: what happened, in which order, with which numbers."""

import json
import re

import pytest
import torch
import torch.utils.checkpoint
from bs4 import BeautifulSoup

from linefit import graph
from linefit.graph.steps.rules import RULES
from linefit.graph.steps.steps import steps_of


def leaf(*values):
    """Return a float64 leaf; a single number makes it 0-d."""
    data = values[0] if len(values) == 1 else values
    return torch.tensor(data, dtype=torch.float64, requires_grad=True)


def line_loss(passes=1):
    """Return the graph of the perpendicular loss at two points, after some backward passes."""
    a, b = leaf(2.0), leaf(1.0)
    x, y = torch.tensor([1.0, 2.0]).double(), torch.tensor([4.0, 5.5]).double()
    with graph.record() as g:
        loss = ((a * x - y + b) ** 2 / (a**2 + 1)).sum() / 4
        for i in range(passes):
            loss.backward(retain_graph=i + 1 < passes)
    return g, {"a": a, "b": b, "loss": loss}


def words(g, *phases):
    """Return what the steps of some phases say."""
    return [step.words for step in g.steps() if step.phase in phases]


def test_forward_steps_are_the_operations_as_they_ran():
    """There is a step for what is given, and one for each operation with its inputs and value."""
    g, _ = line_loss()
    steps = g.steps()
    assert steps[0].phase == "inputs"
    assert "a = 2 and b = 1 require gradients" in steps[0].words
    assert "x = [1, 2] and y = [4, 5.5] are constants" in steps[0].words
    forward = [step for step in steps if step.phase == "forward"]
    ran = ["mul", "sub", "add", "pow", "pow", "add", "div", "sum", "div"]
    assert [step.nodes[0].op for step in forward] == ran
    assert "mul(a, x) = [2, 4]. Autograd records MulBackward0 and keeps x." in forward[0].words
    assert [edge.source.name for edge in forward[0].edges] == ["a", "x"]


def test_backward_steps_are_in_the_engines_order():
    """The nodes are passed in the order in which hooks of one's own are called."""
    a, b = leaf(2.0), leaf(1.0)
    order = []
    with graph.record() as g:
        loss = ((a * b).exp() + a.sin() * (b + a)).tanh()
        todo, seen = [loss.grad_fn], set()
        while todo:
            fn = todo.pop()
            if fn is None or fn in seen:
                continue
            seen.add(fn)
            fn.register_hook(lambda *_, fn=fn: order.append(fn))
            todo += [source for source, _ in fn.next_functions]
    g.backward(loss)
    passed = [s.nodes[0].grad_fn for s in g.steps() if s.phase in {"backward", "write"}]
    assert passed == order


def test_incoming_times_local_is_outgoing():
    """A step says what came, by what it was multiplied and what goes on, and what is freed."""
    g, _ = line_loss()
    (said,) = [w for w in words(g, "backward") if "PowBackward0" in w and "For a:" in w]
    assert said == (
        "Backward: PowBackward0 gets −0.0125. For a: (−0.0125) × (2 · a^(2 − 1) = 4) → −0.05. "
        "What it has saved is freed."
    )
    (said,) = [w for w in words(g, "backward") if "For b" in w]
    assert "For b: [−0.1, −0.05] × 1 → −0.15, the sum over what was repeated." in said


def test_parts_are_summed_and_written():
    """A value used twice gets the sum of two parts, and then a leaf's ``.grad`` is written."""
    g, tensors = line_loss()
    assert words(g, "sum") == [
        "a was used 2 times: its gradient is the sum (−0.05) + (−0.2) = −0.25."
    ]
    assert words(g, "write")[-1] == "AccumulateGrad writes a.grad: it is −0.25."
    (reached,) = [step for step in g.steps() if step.phase == "write"][-1].grads
    assert reached[0].name == "a"
    assert torch.equal(reached[2], tensors["a"].grad)
    assert torch.equal(reached[3], tensors["a"].grad)


def test_a_second_pass_adds_to_grad_and_only_the_last_frees():
    """Two passes follow each other; the first keeps what is saved, the second adds and frees."""
    g, _ = line_loss(passes=2)
    assert words(g, "seed") == ["A backward pass enters the graph at loss with the gradient 1."] * 2
    written = [w for w in words(g, "write") if "a.grad" in w]
    assert written[1] == "AccumulateGrad adds to a.grad: it was −0.25 and is −0.5."
    saved = [w for w in words(g, "backward") if "saved" in w]
    half = len(saved) // 2
    assert all("stays for another pass" in w for w in saved[:half])
    assert all("is freed" in w for w in saved[half:])


def test_what_grad_was_before_is_asked_of_the_tensor():
    """A gradient from before the recording is added to; one cleared between passes is not."""
    a = leaf(2.0)
    a.grad = torch.tensor(3.0).double()
    with graph.record() as g:
        loss = a * 5
        loss.backward(retain_graph=True)
        a.grad = None
        loss.backward()
    assert words(g, "write") == [
        "AccumulateGrad adds to a.grad: it was 3 and is 8.",
        "AccumulateGrad writes a.grad: it is 5.",
    ]


def test_nan_is_the_same_gradient():
    """Where what reached a leaf is its ``.grad``, it is shown once, NaN or not."""
    a = leaf(float("nan"))
    with graph.record() as g:
        loss = a * a
    g.backward(loss)
    assert str(g).splitlines()[0].endswith("grad nan")
    assert ".grad" not in str(g)


def test_a_hook_that_takes_the_gradient_away_is_no_error():
    """Where ``.grad`` is None after the pass, as with an optimizer inside it, that is said."""
    a = leaf(2.0)
    a.grad = torch.tensor(3.0).double()
    a.register_post_accumulate_grad_hook(lambda tensor: setattr(tensor, "grad", None))
    with graph.record() as g:
        loss = a * 5
    g.backward(loss)
    g.check()
    assert words(g, "write") == ["a is reached; its .grad was 3 and is None."]


def test_each_output_of_an_operation_has_its_name():
    """The second result of a split is not called by the name of the first."""
    x = leaf(1.0, 2.0)
    with graph.record() as g:
        _, second = x.split(1)
    g.backward(second, torch.ones(1).double())
    assert "Forward: _, second = split(x) = [1] and [2]." in words(g, "forward")[0]
    assert words(g, "seed") == ["A backward pass enters the graph at second with the gradient [1]."]


def test_every_way_into_the_graph_is_told():
    """A pass may start at two results; one inside it does not restart it."""
    a, w = leaf(2.0), leaf(3.0)
    with graph.record() as g:
        b, c = a * 2, w * 3
        d = torch.utils.checkpoint.checkpoint(lambda t: t * c, b, use_reentrant=True)
        e = a * 4
        torch.autograd.backward([d, e])
    # Older releases of torch let a recording see the second forward pass of a checkpoint.
    sees_inside = [n.op for n in g.nodes].count("mul") == 4
    inner = "mul(leaf, c) with the gradient 1" if sees_inside else "c with the gradient 4"
    entries = [inner, "d with the gradient 1", "e with the gradient 1"]
    assert sorted(words(g, "seed")) == sorted(
        f"A backward pass enters the graph at {entry}." for entry in entries
    )


def test_a_value_used_elsewhere_too():
    """Where only some uses of a value are on the way, the steps do not count them all as used."""
    a = leaf(2.0)
    with graph.record() as g:
        b = a * 1
        loss, other = b * b, b * 3
    g.backward(loss)
    assert words(g, "sum") == ["b gets 2 parts of a gradient: their sum is 2 + 2 = 4."]
    assert other.requires_grad


def test_a_double_backward_is_told_in_full():
    """The operations that a backward pass with ``create_graph`` made stand between the passes."""
    x = leaf(3.0)
    with graph.record() as g:
        y = x**3
        (slope,) = torch.autograd.grad(y, x, create_graph=True)
        slope.backward()
    phases = [step.phase for step in g.steps()]
    assert phases.index("seed") < len(phases) - phases[::-1].index("forward") - 1
    assert phases.count("seed") == 2
    assert words(g, "write") == ["AccumulateGrad writes x.grad: it is 18."]


def test_hooks_that_change_a_gradient_are_seen():
    """What a node gets is what hooks have made of it, as in torch."""
    a = leaf(2.0)
    with graph.record() as g:
        b = a * 3
        b.register_hook(lambda grad: 10 * grad)
        c = b.exp().log()
    g.backward(c)
    assert "MulBackward0 gets 10. For a: 10 × 3 → 30." in " ".join(words(g, "backward"))


BINARY = {
    "Add": lambda x, y: x + y,
    "Sub": lambda x, y: x - y,
    "Rsub": torch.rsub,
    "Mul": lambda x, y: x * y,
    "Div": lambda x, y: x / y,
    "Pow": lambda x, y: x**y,
}
UNARY = {
    "Neg": lambda x: -x,
    "Mean": torch.mean,
    "Sum": torch.sum,
    **{name.title(): getattr(torch, name) for name in (
        "exp", "log", "sin", "cos", "tanh", "sigmoid", "relu", "abs", "sqrt", "reciprocal",
    )},
}  # fmt: skip
PAIRS = [(leaf(0.5, 2.0), leaf(1.5, 3.0)), (leaf(0.5, 2.0), leaf(1.5)), (leaf(2.0), leaf(1.5, 3.0))]


def test_every_rule_is_tried():
    """The table of local derivatives holds what the next two tests go through."""
    assert RULES.keys() == BINARY.keys() | UNARY.keys()


@pytest.mark.parametrize("name", UNARY)
def test_rules_of_one_input(name):
    """The local derivative shown agrees with autograd's gradient, so it is shown at all."""
    x = leaf(0.25, 0.75)
    with graph.record() as g:
        y = UNARY[name](x).sum() if name not in {"Sum", "Mean"} else UNARY[name](x)
    g.backward(y)
    (said,) = [w for w in words(g, "backward") if f"{name}Backward" in w and "For x" in w]
    assert "×" in said


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("pair", range(3))
def test_rules_of_two_inputs(name, pair):
    """Also with one of them repeated by broadcasting, or a constant."""
    x, y = PAIRS[pair]
    with graph.record() as g:
        z = (BINARY[name](x, y) + BINARY[name](x.detach(), y) + BINARY[name](x, y.detach())).sum()
    g.backward(z)
    said = [
        w
        for w in words(g, "backward")
        if f" {name}Backward" in w and ("For x" in w or "For y" in w)
    ]
    shown = " ".join(said)
    assert shown.count("×") == shown.count("For x") + shown.count("For y") == 4


def test_no_local_derivative_is_better_than_a_wrong_one():
    """Where the table does not cover the use of an operation, only what was sent is said."""
    x = leaf(2.0, 3.0)
    with graph.record() as g:
        y = torch.add(x, x, alpha=3).sum()
    g.backward(y)
    (said,) = [w for w in words(g, "backward") if "AddBackward0" in w]
    assert "For x: [1, 1] × 1 → [1, 1]. For x: [3, 3]." in said


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_few_bits_agree_with_no_other_number(dtype):
    """In half precision too, a factor that does not give what was sent is not shown."""
    x = torch.tensor([0.1, 0.2], dtype=dtype, requires_grad=True)
    with graph.record() as g:
        y = (torch.add(x, x, alpha=3) * 1.7).tanh().sum()
    g.backward(y)
    said = " ".join(words(g, "backward"))
    assert said.count("TanhBackward0") == said.count("1 − the result²") == 1
    (said,) = [w for w in words(g, "backward") if "AddBackward0" in w]
    first, second = said.split(" For x: ")[1:]
    assert ("×" in first, "×" in second) == (True, False)


def test_a_gradient_of_zero_does_not_hide_an_option():
    """Where zero comes in, every factor would fit: with special options none is shown."""
    x = leaf(3.0)
    with graph.record() as g:
        y = (2**x + torch.div(x, 2, rounding_mode="floor") + torch.rsub(x, x, alpha=2)) * 0
    g.backward(y)
    special = [w for w in words(g, "backward") if re.search("PowB|DivB|RsubB", w)]
    assert len(special) == 3
    assert "×" not in "".join(special)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_fits_every_factor_hides_no_option(value):
    """NaN times anything is NaN: where only that comes in, no special factor is shown."""
    x = leaf(3.0)
    with graph.record() as g:
        y = 2**x * value
    g.backward(y)
    (said,) = [w for w in words(g, "backward") if "PowBackward2" in w]
    assert "×" not in said


def test_a_plain_integer_has_the_precision_of_the_result():
    """Dividing by the integer 3 multiplies the gradient by a third in float64."""
    x = leaf(2.0)
    with graph.record() as g:
        y = x / 3
    g.backward(y)
    assert "For x: 1 × (1 / 3 = 0.3333) → 0.3333." in " ".join(words(g, "backward"))


def power_of_a_tensor():
    """Return the graph of a second derivative whose saved tensors are freed."""
    x, three = leaf(2.0), torch.tensor(3.0).double()
    with graph.record() as g:
        (slope,) = torch.autograd.grad(x**three, x, create_graph=True)
        slope.backward()
    return g


def size_of_a_complex_number():
    """Return the graph of an operation whose rule is for real numbers."""
    z = torch.tensor([1 + 2j, 3 - 1j], requires_grad=True)
    with graph.record() as g:
        z.abs().sum().backward()
    return g


@pytest.mark.parametrize("make", [power_of_a_tensor, size_of_a_complex_number])
def test_what_no_rule_can_read_is_told_without(make):
    """The steps of a graph are told even where a rule cannot look at its operands."""
    g = make()
    assert words(g, "backward")
    assert "nan" not in "".join(words(g, "backward", "write"))


def test_nothing_is_no_repetition():
    """The gradient of no elements is not the sum over what was repeated."""
    x = torch.zeros(0, requires_grad=True)
    with graph.record() as g:
        x.sum().backward()
    assert words(g, "backward") == ["Backward: SumBackward0 gets 1. For x: 1 × 1 → (0,)."]


@pytest.mark.parametrize("make", [line_loss, lambda: line_loss(passes=2)])
def test_after_the_last_step_the_player_shows_the_finished_figure(make):
    """The last text that the steps write into each place is the one of the figure."""
    g, _ = make()
    page = BeautifulSoup(g.player(), "html.parser")
    prefix = page.svg["id"]
    written = {}
    for item in page.select(".lfg-steps > li"):
        written |= json.loads(item["data-set"])
    assert len(written) > 20
    for place, text in written.items():
        box, _, number = place.partition(":")
        element = page.find(id=f"{prefix}-{box}")
        shown = element.find_all("text")[int(number)] if number else element
        assert shown.text == text
    every = [t for t in page.svg.find_all("text") if {"lfg-value", "lfg-grad"} & set(t["class"])]
    assert len(every) == sum(":" in place for place in written)


class Compared(graph.Node):
    """A node that counts how often it is compared with others."""

    count = 0

    def __eq__(self, other):
        Compared.count += 1
        return self is other

    __hash__ = graph.Node.__hash__


def test_the_steps_of_a_large_graph_take_linear_time():
    """Inputs are told from operations without comparing every pair of nodes."""
    outputs = (graph.Output(requires_grad=True, is_leaf=True),)
    nodes = [Compared("leaf", torch.ones(1, requires_grad=True), outputs) for _ in range(100)]
    Compared.count = 0
    assert len(steps_of(nodes, ())) == 1
    assert Compared.count < 100


def test_a_large_graph_has_no_player():
    """A figure that shows groups of nodes cannot show their steps, and says so."""
    x = leaf(1.0)
    with graph.record() as g:
        for _ in range(40):
            x = x * 2
    with pytest.raises(graph.GraphError, match="60 of 81 nodes"):
        g.player()
    assert len(g.steps()) == 41
