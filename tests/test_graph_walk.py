"""The recorded graph against an independent walk of autograd's own."""

import gc
import inspect
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from linefit import graph
from linefit.graph.recorder import memory


def walk(*outputs):
    """Return the functions behind tensors, and their edges with multiplicity."""
    stack, functions, edges = [t.grad_fn for t in outputs], set(), []
    while stack:
        fn = stack.pop()
        if fn in functions:
            continue
        functions.add(fn)
        inputs = [(i, source, nr) for i, (source, nr) in enumerate(fn.next_functions) if source]
        edges += [(fn, *found) for found in inputs]
        stack += [source for _, source, _ in inputs]
    return functions, sorted(edges, key=str)


def recorded(g):
    """Return the same of a recorded graph."""
    functions = [n.grad_fn for n in g.nodes if n.backward_name]
    assert len(functions) == len(set(functions))
    tracked = [e for e in g.edges if e.input is not None]
    edges = [(e.target.grad_fn, e.input, e.source.grad_fn, e.output) for e in tracked]
    return set(functions), sorted(edges, key=str)


class Cube(torch.autograd.Function):
    """The third power."""

    @staticmethod
    def forward(ctx, x):
        """Return the power."""
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        """Return the gradient."""
        return 3 * ctx.saved_tensors[0] ** 2 * grad


class Wrapped(nn.Module):
    """A module around a custom Function."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        """Return a mixture of operations."""
        return Cube.apply(x * self.weight) + x


MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)), (5, 3)),
    "convolution": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
        ),
        (2, 1, 8, 8),
    ),
    "lstm": (lambda: nn.LSTM(3, 4, num_layers=2), (5, 2, 3)),
    "gru": (lambda: nn.GRU(3, 4), (5, 2, 3)),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (2, 3, 8)),
    "custom": (Wrapped, (3,)),
}


def tensors(result):
    """Return the tensors of a model's result, however deep."""
    if isinstance(result, torch.Tensor):
        return [result]
    return [tensor for part in result for tensor in tensors(part)]


def run(name, *, record):
    """Return graph, loss and parameters of a model, always with the same random numbers."""
    torch.manual_seed(0)
    model, data = MODELS[name][0](), torch.randn(MODELS[name][1])
    g = None
    if record:
        with graph.record() as g:
            loss = sum(t.square().sum() for t in tensors(model(data)))
        g.backward(loss)
    else:
        loss = sum(t.square().sum() for t in tensors(model(data)))
        loss.backward()
    return g, loss, list(model.parameters())


@pytest.mark.parametrize("name", MODELS)
def test_models_nodes_and_edges_are_autograds(name):
    """Nodes and edges are those of a walk from the loss, each once, and every value was seen."""
    g, loss, _ = run(name, record=True)
    assert recorded(g) == walk(loss)
    assert [n for n in g.nodes if n.value is None] == []
    assert all(n.dtype is not None for n in g.nodes if n.op != "number")
    g.check()


@pytest.mark.parametrize("name", MODELS)
def test_models_are_the_same_with_and_without(name):
    """Recording changes no bit of loss or gradients, and has noted just these gradients."""
    g, loss, parameters = run(name, record=True)
    _, expected_loss, others = run(name, record=False)
    assert torch.equal(loss, expected_loss)
    noted = {id(n.outputs[0]._tensor): n.grad for n in g.nodes if n.kind == "leaf"}
    assert noted.keys() == {id(p) for p in parameters}
    for parameter, other in zip(parameters, others, strict=True):
        assert torch.equal(parameter.grad, other.grad)
        assert torch.equal(noted[id(parameter)], other.grad)


def expressions():
    """Return a strategy for expressions in ``a``, ``b`` and a constant ``k``."""
    names = st.sampled_from(["a", "b", "k", "2.0", "torch.ones(2)"])

    def larger(inner):
        return st.one_of(
            st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({' '.join(t)})"),
            inner.map(lambda e: f"torch.as_tensor({e}).sin()"),
            inner.map(lambda e: f"torch.as_tensor({e}).expand(2).sum()"),
            inner.map(lambda e: f"torch.stack([torch.as_tensor({e}).expand(2)] * 2).unbind()[1]"),
            inner.map(lambda e: f"torch.as_tensor({e}).detach()"),
        )

    return st.recursive(names, larger, max_leaves=12)


@given(expressions())
def test_expressions_nodes_edges_and_gradients_are_autograds(text):
    """Whatever is written, the graph is autograd's, and so is every gradient."""
    a, b = (torch.tensor(v, requires_grad=True) for v in (0.7, -1.3))
    values = {"a": a, "b": b, "k": torch.tensor(0.4), "torch": torch}
    code = compile(f"(({text}) + a * 0 + b * 0).sum()", "expression", "eval")
    expected = torch.autograd.grad(eval(code, values), (a, b))  # noqa: S307
    with graph.record(names={"a": a, "b": b}) as g:
        loss = eval(code, values)  # noqa: S307
    functions, edges = walk(loss)
    g.backward(loss)
    grads = {n.name: n.grad for n in g.nodes if n.kind == "leaf"}
    assert torch.equal(grads["a"], expected[0])
    assert torch.equal(grads["b"], expected[1])
    mine = recorded(g)
    assert functions <= mine[0]
    assert [e for e in mine[1] if e[0] in functions] == edges
    order = {node: i for i, node in enumerate(g.nodes)}
    assert all(order[e.source] < order[e.target] for e in g.edges)
    g.check()
    g.to_svg()


def chain(steps):
    """Return leaf, result and graph of many multiplications in a row."""
    x = torch.tensor(1.0, requires_grad=True)
    with graph.record() as g:
        y = x
        for _ in range(steps):
            y = y * 1.00001
    return x, y, g


@pytest.fixture
def shallow_stack():
    """Leave Python a hundred calls or so: what recurses along a graph fails at once."""
    limit, depth = sys.getrecursionlimit(), len(inspect.stack(0))
    sys.setrecursionlimit(depth + 150)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.slow
@pytest.mark.usefixtures("shallow_stack")
def test_a_chain_far_deeper_than_the_stack():
    """A graph a hundred times deeper than the stack is recorded, walked and gone through."""
    x, y, g = chain(15_000)
    assert sum(n.backward_name is not None for n in g.nodes) == 15_001
    assert len(g.edges) == 30_000
    g.backward(y)
    assert torch.equal(g.nodes[0].grad, x.grad)
    g.check()
    assert "60 of 30001 nodes" in g._repr_html_()


LETS_GO = """\
import threading
import torch
from linefit import graph
from linefit.graph.recorder import memory

def chain():
    x = torch.tensor(1.0, requires_grad=True)
    with graph.record() as g:
        y = x
        for _ in range(10_000):
            y = y * 1.00001
    return y, g

def let_go():
    y, g = chain()
    del y
    del g
    y, g = chain()
    del g
    del y
    memory.release()
    print(len(memory._kept))

threading.stack_size(1 << 20)
thread = threading.Thread(target=let_go)
thread.start()
thread.join()
"""


@pytest.mark.slow
def test_a_deep_graph_is_let_go_of():
    """A deep graph can be dropped before or after its result, without a crash and for good."""
    command = [sys.executable, "-c", LETS_GO]  # a small stack, so that a short chain overflows it
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_a_shallow_graph_keeps_no_nodes():
    """Only graphs of some depth need to be let go of in pieces."""
    _, y, g = chain(10)
    del g
    gc.collect()
    assert not memory._kept
    assert y.requires_grad
