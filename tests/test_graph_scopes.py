"""Scopes: which module's call made a node, and how a large graph is drawn by them."""

import re
import threading

import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn

from linefit import graph


class Scaled(torch.autograd.Function):
    """Doubles its input; autograd alone knows of it."""

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad


class Block(nn.Module):
    """A layer, a custom function and a sum with the input."""

    def __init__(self, size):
        super().__init__()
        self.layer = nn.Linear(size, size)

    def forward(self, x):
        return Scaled.apply(self.layer(x)) + x


def recorded(net, **options):
    """Return the graph and the loss of a net at a fixed input."""
    x = torch.linspace(-1, 1, 6).reshape(2, 3)
    with graph.record(**options) as g:
        loss = net(x).square().mean()
    g.backward(loss)
    return g


def test_nodes_know_the_calls_that_made_them():
    """A node has the path of module calls, with names where the caller has the module in hand."""
    net = nn.Sequential(Block(3), nn.Tanh())
    x = torch.ones(1, 3)
    with graph.record() as g:
        loss = net(x).sum() + net(x).sum()
    g.backward(loss)
    of = {n.op: n.scope for n in g.nodes if n.scope and "(2)" not in str(n.scope)}
    assert of["linear"][:3] == ("net: Sequential", "net.0: Block", "net.0.layer: Linear")
    assert of["Scaled"] == ("net: Sequential", "net.0: Block")
    assert of["tanh"] == ("net: Sequential", "net.1: Tanh")
    twice = [n.scope for n in g.nodes if n.op == "tanh"]
    assert twice == [("net: Sequential", "net.1: Tanh"), ("net: Sequential (2)", "net.1: Tanh")]
    assert [n.scope for n in g.nodes if n.op == "sum"] == [(), ()]


def test_scopes_of_ones_own():
    """A named body is a scope inside the one around it, and its repetition is numbered."""
    a = torch.tensor(2.0, requires_grad=True)
    with graph.record() as g:
        with g.scope("outer"):
            for _ in range(2):
                with g.scope("step"):
                    a = a * a
        a.exp()
    assert [n.scope for n in g.nodes if n.kind == "operation"] == [
        ("outer", "step"), ("outer", "step (2)"), ()
    ]  # fmt: skip


def test_scopes_end_where_a_module_raises():
    """An error inside a module leaves its scope, and no hook stays behind after the recording."""

    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError(x)

    a, broken = torch.tensor(2.0, requires_grad=True), Broken()
    with graph.record() as g:
        with pytest.raises(KeyError):
            broken(a)
        a.exp()
    assert [n.scope for n in g.nodes if n.kind == "operation"] == [()]
    every = nn.modules.module
    assert not every._global_forward_hooks
    assert not every._global_forward_pre_hooks


def test_a_large_graph_is_drawn_by_its_modules():
    """Above the limit each call of a module is one box with its results, and the figure says so."""
    net = nn.Sequential(*(Block(3) for _ in range(12)))
    g = recorded(net)
    assert len(g.nodes) > 60
    layout = g.layout()
    boxes = {box.lines[0].text: box for box in layout.boxes}
    assert len(layout.boxes) <= 60
    linear = boxes["net.3.layer: Linear"]
    assert linear.node.kind == "group"
    assert {n.name for n in linear.node.members} >= {"net.3.layer.weight", "net.3.layer.bias"}
    assert [line.role for line in linear.lines] == ["title", "function", "value", "grad"]
    said = f"{len(g.nodes)} nodes in {len(layout.boxes)} boxes"
    page = BeautifulSoup(g._repr_html_(), "html.parser")
    assert said in page.figcaption.text
    assert said in page.svg["aria-label"]


@pytest.mark.parametrize("most", [40, 20, 5, 1])
def test_the_finest_level_that_fits_is_drawn(most):
    """Layers first, then blocks, then the net; a box's values are those of the operations in it."""
    net = nn.Sequential(*(Block(3) for _ in range(12)))
    g = recorded(net)
    layout = g.layout(max_nodes=most)
    assert len(layout.boxes) <= most
    shown = [line.text for box in layout.boxes for line in box.lines]
    every = [line.text for box in g.layout(max_nodes=10_000).boxes for line in box.lines]
    values = [text for text in shown if re.match(r"grad|\(|\[", text)]
    assert set(values) <= set(every)


def test_groups_are_never_in_a_circle():
    """Also where a scope is left and its results return to it, every box follows its inputs."""
    a = torch.tensor(2.0, requires_grad=True)
    with graph.record() as g:
        b = a
        for _ in range(40):
            with g.scope("odd"):
                kept = b * 2
            b = kept + 1
            with g.scope("even"):
                b = b * kept
    g.backward(b)
    layout = g.layout(max_nodes=90)
    place = {box.node: i for i, box in enumerate(layout.boxes)}
    assert all(place[r.edge.source] < place[r.edge.target] for r in layout.routes)


def test_labels_lie_inside_the_figure():
    """The gradient's parts beside the edges are inside the view, however long they are."""
    x = torch.linspace(0.1, 0.5, 3, dtype=torch.float64).requires_grad_()
    with graph.record() as g:
        y = (x.sin() * x.cos() / x).sum()
    g.backward(y)
    layout = g.layout()
    labelled = [route for route in layout.routes if route.label]
    assert len(labelled) == 3
    for route in labelled:
        ends = sorted([route.label_at[0], route.label_at[0] + route.side * 6.1 * len(route.label)])
        assert layout.left <= ends[0]
        assert ends[1] <= layout.left + layout.width


def test_modules_of_another_thread_are_none_of_ours():
    """What another thread runs meanwhile is neither recorded nor part of a scope."""
    mine, other = nn.Tanh(), nn.Tanh()
    running, done = threading.Event(), threading.Event()

    def wait(*_):
        running.set()
        done.wait(10)

    other.register_forward_pre_hook(wait)
    thread = threading.Thread(target=other, args=(torch.ones(1),))
    x = torch.ones(1, requires_grad=True)
    with graph.record() as g:
        thread.start()
        running.wait(10)
        y = mine(x)
        done.set()
        thread.join()
    assert [node.scope for node in g.nodes if node.kind == "operation"] == [("mine: Tanh",)]
    assert y.requires_grad


@pytest.mark.filterwarnings("ignore:Using `torch.compile")  # torch's own, about hooks
def test_compiled_code_is_recorded_as_written():
    """A compiled function or module runs as the code that it was made of, for the recording."""
    function = torch.compile(lambda x: (x * 2).sin(), backend="eager")
    net = torch.compile(nn.Sequential(nn.Linear(1, 1), nn.Tanh()), backend="eager")
    x = torch.ones(1, requires_grad=True)
    with graph.record() as g:
        y = net(function(x)).sum()
    g.backward(y)
    g.check()
    made = [node.op for node in g.nodes if node.kind == "operation"]
    assert [op for op in made if op in {"mul", "sin", "tanh", "sum"}] == made[:2] + made[-2:]
    assert made[:2] + made[-2:] == ["mul", "sin", "tanh", "sum"]
    torch._dynamo.reset()
