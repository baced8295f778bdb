"""Graphs of a tape, and figures beside each other."""

import re

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

from linefit import graph
from linefit.tape import Tape


def taped():
    """Return a tape with a value used twice, a constant and a broadcast, gone through backwards."""
    tape = Tape()
    x, y = tape.variable([1.0, 2.0, -1.0], "x"), tape.variable(3.0, "y")
    loss = ((x * y - x) / ([1.0, 2.0, 3.0] * y + 1)).relu().sum()
    tape.backward(loss)
    return tape, loss


def test_a_tapes_graph_holds_what_the_tape_holds():
    """Each line of the tape is a node with its operation, value and gradient."""
    tape, _ = taped()
    g = graph.of_tape(tape)
    assert len(g.nodes) == len(tape.nodes)
    for var, node in zip(tape.nodes, g.nodes, strict=True):
        assert np.array_equal(var.value, node.value.numpy())
        assert node.is_leaf == (not var.inputs)
        assert node.requires_grad == var.requires_grad
        if var.requires_grad:
            assert np.array_equal(var.grad, node.grad.numpy())
    assert [n.op for n in g.nodes if n.kind == "operation"] == [
        "mul", "sub", "mul", "add", "div", "relu", "sum"
    ]  # fmt: skip
    assert [n.name for n in g.nodes if n.name] == ["x", "y"]
    assert [n.op for n in g.nodes if n.kind == "constant"] == ["constant"] * 2


def test_a_tapes_parts_add_up():
    """What comes back along the edges of a node adds up to its gradient."""
    tape, _ = taped()
    g = graph.of_tape(tape)
    for node in g.nodes:
        parts = [edge.grad for edge in g.edges if edge.source is node and edge.input is not None]
        if parts:
            assert torch.equal(sum(parts), node.grad)
    assert len([e for e in g.edges if e.source.name == "x"]) == 2


def test_a_tape_has_steps():
    """The layers run forward, then backward; a gradient is shown when it has arrived."""
    tape = Tape()
    x, y = tape.variable([1, 2], "x"), tape.variable(3, "y")
    tape.backward((x * y + y).sum())
    g = graph.of_tape(tape)
    assert [step.words for step in g.steps()] == [
        "The inputs: x = [1, 2] and y = 3 require gradients.",
        "Forward: mul(x, y) = [3, 6]. The tape records the layer.",
        "Forward: add(mul, y) = [6, 9]. The tape records the layer.",
        "Forward: sum(add) = 15. The tape records the layer.",
        "A backward pass enters the graph at sum with the gradient 1.",
        "Backward: sum gets 1. For add: [1, 1].",
        "Backward: add gets [1, 1]. For mul: [1, 1]. For y: 2.",
        "Backward: mul gets [1, 1]. For x: [3, 3]. For y: 3.",
        "y was used 2 times: its gradient is the sum 2 + 3 = 5.",
    ]
    page = BeautifulSoup(g.player(), "html.parser")
    written = " ".join(item["data-set"] for item in page.select(".lfg-steps > li"))
    grads = [text.text for text in page.select(".lfg-grad")]
    assert len(grads) == 5
    assert all(f'"{grad}"' in written for grad in grads)


def test_a_tape_before_its_backward_pass_has_values_only():
    """The figure can be drawn at any time."""
    tape = Tape()
    (tape.variable(2.0, "x") * 3.0).sum()
    g = graph.of_tape(tape)
    assert [node.grad for node in g.nodes] == [None] * 4
    assert "grad" not in g.alt_text()
    assert g._repr_html_()


def test_the_tapes_figure_is_pytorchs():
    """For the same expression both graphs have the same operations, values and gradients."""
    tape = Tape()
    tx, ty = tape.variable([1.0, 2.0], "x"), tape.variable([3.0, -4.0], "y")
    tape.backward((tx * ty + tx).sum())
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([3.0, -4.0], dtype=torch.float64, requires_grad=True)
    with graph.record() as g:
        loss = (x * y + x).sum()
    g.backward(loss)
    sides = [
        [(n.op, n.kind, n.value.tolist(), n.grad.tolist()) for n in each.nodes]
        for each in (graph.of_tape(tape), g)
    ]
    assert sides[0] == sides[1]


def test_graphs_stand_side_by_side():
    """Each has its figure and title, and is checked like any other."""
    a = torch.tensor(2.0, requires_grad=True)
    with graph.record() as first:
        b = a * 3
    with graph.record() as second:
        (a + 1).exp()
    first.backward(b)
    page = BeautifulSoup(graph.side_by_side(first, second, titles=["a < b", "two"]), "html.parser")
    assert [p.text for p in page.select("p")] == ["a < b", "two"]
    assert len(page.select("svg")) == 2
    with pytest.raises(ValueError, match="each of 2 graphs, got 1"):
        graph.side_by_side(first, second, titles=["one"])
    a.detach().numpy()[...] = 5
    with pytest.raises(graph.GraphError, match="value of a"):
        graph.side_by_side(first, second)


def test_ids_are_unique_on_a_page():
    """A graph may be shown as figure, in a player and twice beside itself."""
    x = torch.tensor(1.0, requires_grad=True)
    with graph.record() as g:
        loss = x.sin()
    g.backward(loss)
    html = g.player() + graph.side_by_side(g, g, g)
    ids = [element["id"] for element in BeautifulSoup(html, "html.parser").find_all(id=True)]
    assert len(ids) == len(set(ids)) == 4 * 4


def test_a_page_can_bring_style_and_script():
    """Figures and players hold both, unless the page is said to have them; a file always does."""
    x = torch.tensor(1.0, requires_grad=True)
    with graph.record() as g:
        loss = x.sin()
    g.backward(loss)
    shown = [g._repr_html_(), g.player()]
    graph.set_display(assets="page")
    try:
        without = [g._repr_html_(), g.player()]
        assert "<style" in g.to_svg()
    finally:
        graph.set_display(assets="inline")
    parts = re.compile("<style>.*?</style>|<script>.*?</script>", re.DOTALL)
    assert [len(parts.findall(html)) for html in shown] == [1, 3]
    assert [parts.sub("", html) for html in shown] == without
    with pytest.raises(ValueError, match="got 'none'"):
        graph.set_display(assets="none")
