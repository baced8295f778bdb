"""Large graphs in few boxes: folded views, a depth of modules, and loops."""

import pytest
import torch
from torch import nn

import recorded
from linefit import graph


def titles(layout):
    """Return what the boxes are called, from top to bottom."""
    return [box.lines[0].text for box in sorted(layout.boxes, key=lambda box: box.y)]


def vias(layout):
    """Return what the edges say that they pass."""
    return [line.text for route in layout.routes for line in route.lines if line.role == "via"]


def views():
    """Return a small graph with views and its leaf."""
    x = torch.arange(6.0).requires_grad_()
    with graph.record() as g:
        loss = (x.view(2, 3).t() * 2).sum()
    g.backward(loss)
    return g


def test_views_are_folded_into_their_edge():
    """On request a small graph has no boxes for views; their names and the gradient are there."""
    g = views()
    whole, folded = g.layout(), g.layout(fold_views=True)
    assert titles(whole) == ["x", "view", "t", "2", "mul", "loss = sum"]
    assert titles(folded) == ["x", "2", "mul", "loss = sum"]
    assert vias(whole) == []
    assert vias(folded) == ["view → t"]
    assert folded.note == (
        f"{len(g.nodes)} nodes in 4 boxes: 2 views and changes of shape stand at their edges."
    )


def test_large_figures_are_folded_by_themselves():
    """Above 25 nodes views go into their edges, unless one asks for them."""
    g = recorded.attention()
    assert len(g.nodes) > 25
    assert "linear" in titles(g.layout())
    assert "transpose" not in titles(g.layout())
    assert titles(g.layout(fold_views=False)).count("transpose") == 5
    assert titles(recorded.mlp().layout()).count("t") == 2


def test_folded_calls_keep_the_users_name():
    """What ends with a view is called as the user called it, and has that shape."""
    g = recorded.attention()
    linear = [box for box in g.layout().boxes if box.lines[0].text == "linear"]
    assert [box.lines[1].text for box in linear] == ["AddmmBackward0"] * 4
    assert {box.node.shape for box in linear} == {(2, 4, 8)}
    users = {edge.source: edge.target for edge in g.edges}
    for box in linear:
        (view,) = (n for n in g.nodes if n.outputs is box.node.outputs)
        assert torch.equal(box.node.grad, view.grad)
        assert users[view] is not None


def test_named_forked_and_final_views_stay():
    """A view is a box where it has a name, several users or none."""
    x = torch.arange(6.0).requires_grad_()
    with graph.record() as g:
        named = x.view(2, 3)
        forked = named.t().sin() + named.t().cos()
        last = (x * 3).view(3, 2)
        loss = (x.view(3, 2).t() * forked.t()).sum() + last.sum()
    g.backward(loss)
    boxes = titles(g.layout(fold_views=True))
    assert [title for title in boxes if "view" in title] == ["named = view", "last = view"]
    with graph.record() as g:
        loss = graph_of_square(x.view(2, 3))
    assert "view" in titles(g.layout(fold_views=True))
    assert loss.requires_grad


def graph_of_square(view):
    """Return the sum of squares of something that is used twice."""
    return (view * view).sum()


def test_gradients_of_a_fork_pass_folded_views():
    """The parts at a fork are those that its edges carry, views or not."""
    x = torch.ones(4, requires_grad=True)
    with graph.record() as g:
        loss = (x.view(2, 2) * 3).sum() + (x * x).sum()
    g.backward(loss)
    labels = {r.label for r in g.layout(fold_views=True).routes if r.label}
    assert labels == {"grad [3, 3, 3, 3]", "grad [1, 1, 1, 1]"}


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (1, ["net: Sequential", "loss = mean"]),
        (2, ["net.0: Block", "net.1: Block", "loss = mean"]),
    ],
)
def test_depth_of_modules_is_a_choice(depth, expected):
    """With a depth each call of a module there is a box, in a small graph too."""
    boxes = titles(recorded.resnet().layout(depth=depth))
    assert [title for title in boxes if "num_batches" not in title] == expected


def test_deep_modules_show_what_is_in_them():
    """At the third depth each layer of a block has its box."""
    boxes = titles(recorded.resnet().layout(depth=3))
    assert [f"net.{i}.{name}" in str(boxes) for i in (0, 1) for name in ("conv1", "bn2")] == [
        True
    ] * 4
    assert boxes.count("relu") == 4


@pytest.mark.parametrize("depth", [0, -1])
def test_depth_begins_with_the_outermost_modules(depth):
    """There is no depth below one."""
    with pytest.raises(ValueError, match=f"depth 1, got depth={depth}"):
        recorded.mlp().layout(depth=depth)


def test_a_loop_is_one_box_with_its_count():
    """What is called many times in a row is one box, where the figure is too large otherwise."""
    g = recorded.lstm(steps=20)
    layout = g.layout()
    boxes = {box.lines[0].text: box for box in layout.boxes}
    loop = boxes["h = net: LSTMCell × 20"]
    assert {node.scope for node in loop.node.members if node.scope} >= {
        ("net: LSTMCell",), ("net: LSTMCell (20)",)
    }  # fmt: skip
    assert "loss = mean" in boxes
    assert len(layout.boxes) == 5
    assert len([line for line in loop.lines if line.role == "value"]) <= 4
    assert f"{len(g.nodes)} nodes in {len(layout.boxes)} boxes" in layout.note
    assert "net: LSTMCell (9)" in titles(g.layout(roll_loops=False))


def test_a_loop_holds_what_lies_between_its_calls():
    """Operations and modules of the same rounds are in one box; it never follows itself."""
    cell, out = nn.Linear(2, 2), nn.Linear(2, 2)
    h = torch.ones(1, 2)
    with graph.record() as g:
        for _ in range(5):
            h = out(cell(h).tanh()) * 2
        loss = h.sum()
    g.backward(loss)
    boxes = titles(g.layout(roll_loops=True))
    assert "cell: Linear, out: Linear × 5" in boxes
    assert "tanh" not in boxes
    assert "loss = sum" in boxes


def test_a_module_between_other_modules_is_no_loop():
    """An activation that several layers share leaves the layers alone."""
    act = nn.Tanh()
    net = nn.Sequential(nn.Linear(2, 2), act, nn.Linear(2, 2), act, nn.Linear(2, 2), act)
    x = torch.ones(1, 2)
    with graph.record() as g:
        loss = net(x).sum()
    g.backward(loss)
    assert "×" not in " ".join(titles(g.layout(roll_loops=True)))


def test_scopes_that_depend_on_each_other_are_drawn_by_their_nodes():
    """A scope that is entered anew after others have used its results is no box before them."""
    a = torch.tensor(2.0, requires_grad=True)
    with graph.record() as g:
        with g.scope("outer"):
            kept = a * 2
        b = kept.sin()
        g._source.ledger.state.scope = ("outer",)  # as a generator does that runs on later
        c = b * kept
        g._source.ledger.state.scope = ()
        with g.scope("other"):
            d = c.exp().exp()
    g.backward(d)
    layout = g.layout(depth=1)
    assert titles(layout)[-1] == "d = other"
    assert {"kept = mul", "b = sin", "c = mul"} <= set(titles(layout))


def test_the_graph_shows_itself_as_its_figure():
    """A notebook shows a graph as `figure()` without options."""
    g = recorded.mlp()
    assert g._repr_html_() == g.figure()
    assert g.figure(depth=1) != g.figure()
    assert "net: Sequential" in g.to_svg(depth=1)
