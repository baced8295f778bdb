"""The graph as figure, text and data."""

import json
import os
import random
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import pydot
import pytest
import torch

from linefit import graph
from linefit.graph import _place, _text

SVG = "{http://www.w3.org/2000/svg}"


def perpendicular(*, backward=True):
    """Return the graph of the perpendicular loss at two points."""
    a = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([4.0, 5.5])
    with graph.record() as g:
        loss = ((a * x - y + b) ** 2 / (a**2 + 1)).sum() / (2 * 2)
    if backward:
        g.backward(loss)
    return g


def chain(steps):
    """Return the graph of some additions in a row."""
    h = torch.tensor(0.0, requires_grad=True)
    with graph.record() as g:
        for _ in range(steps):
            h = h + 1
    return g


def texts(element):
    """Return the lines of text in an element, and what they are."""
    return [(t.get("class").removeprefix("lfg-"), t.text) for t in element.iter(f"{SVG}text")]


def test_figure_shows_every_node_with_value_and_gradient():
    """Each node is a group with an id of its own, with the lines that the graph says."""
    g = perpendicular()
    root = ET.fromstring(g.to_svg())  # noqa: S314
    groups = {e.get("id"): e for e in root.iter(f"{SVG}g")}
    prefix = root.get("id")
    assert [f"{prefix}-n{n.index}" in groups for n in g.nodes] == [True] * len(g.nodes)
    assert sum(key.startswith(f"{prefix}-e") for key in groups) == len(g.edges)
    (a,) = (n for n in g.nodes if n.name == "a")
    assert texts(groups[f"{prefix}-n{a.index}"]) == [
        ("title", "a"),
        ("value", "2"),
        ("grad", "grad −0.25"),
    ]
    (loss,) = (n for n in g.nodes if n.name == "loss")
    assert texts(groups[f"{prefix}-n{loss.index}"])[:2] == [
        ("title", "loss = div"),
        ("function", "DivBackward0"),
    ]


def test_figure_shows_the_parts_of_a_sum():
    """At a fan-out the parts stand on the edges; their sum is at the node."""
    root = ET.fromstring(perpendicular().to_svg())  # noqa: S314
    parts = [text for role, text in texts(root) if role == "part"]
    assert sorted(parts) == ["grad −0.05", "grad −0.2"]


def test_figure_before_the_backward_pass_has_no_gradients():
    """Nothing is drawn that has not happened."""
    svg = perpendicular(backward=False).to_svg()
    assert "grad " not in re.sub("<style>.*</style>", "", svg, flags=re.DOTALL)


def test_kinds_differ_in_shape_and_class():
    """A leaf is a hexagon, an operation a box with round corners, a constant a dashed one."""
    g = perpendicular()
    root = ET.fromstring(g.to_svg())  # noqa: S314
    shapes = {}
    for group in root.iter(f"{SVG}g"):
        outline = group.find("*[@class='lfg-box']")
        if outline is not None:
            shapes.setdefault(group.get("class"), set()).add((outline.tag, outline.get("rx")))
    assert shapes == {
        "lfg-leaf": {(f"{SVG}path", None)},
        "lfg-operation": {(f"{SVG}rect", "5")},
        "lfg-constant": {(f"{SVG}rect", "0")},
    }
    assert "stroke-dasharray" in g.to_svg()


def test_figure_is_described_in_words():
    """The figure is an image with a text made from the graph."""
    g = perpendicular()
    html = g._repr_html_()
    assert 'role="img"' in html
    assert g.alt_text() == (
        "Computational graph: nine operations; loss is 0.0625; the gradient reaching a is −0.25; "
        "the gradient reaching b is −0.15."
    )
    assert f'aria-label="{g.alt_text()}"' in html


def test_figure_follows_the_theme_and_the_reader():
    """Colors come from the theme where there is one, else from the reader's own setting."""
    svg = perpendicular().to_svg()
    assert "var(--color-foreground-primary,currentColor)" in svg
    assert "prefers-color-scheme:dark" in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_names_are_escaped():
    """A name is text, whatever is in it."""
    x = torch.tensor(1.0, requires_grad=True)
    name = '<b>&" \\"\\N; n0 -> n1'
    with graph.record(names={name: x}) as g:
        y = x * 2
    root = ET.fromstring(g.to_svg())  # noqa: S314
    assert ("title", name) in texts(root)
    assert label(next(n for n in parsed(g).get_nodes() if "hexagon" in n.get_shape()))[0] == name
    assert y.item() == 2


@pytest.mark.slow
def test_the_same_program_gives_the_same_bytes():
    """Figure and data depend on nothing but the graph: not on hashes, not on random numbers."""
    code = (
        "from test_graph_figure import perpendicular as p; g = p();"
        "print(g._repr_html_(), g.to_json(), g.to_dot(), g)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parent,
            env=os.environ | {"PYTHONHASHSEED": hashes},
        )
        for hashes in ("0", "7")
    ]
    outputs = {process.communicate()[0] for process in processes}
    for seed in (0, 1):
        random.seed(seed)
        g = perpendicular()
        outputs.add(f"{g._repr_html_()} {g.to_json()} {g.to_dot()} {g}\n".encode())
    assert len(outputs) == 1


def boxes_overlap(boxes):
    """Return pairs of boxes that cover each other."""
    return [
        (one.node, other.node)
        for i, one in enumerate(boxes)
        for other in boxes[:i]
        if abs(one.x - other.x) < (one.width + other.width) / 2
        and abs(one.y - other.y) < (one.height + other.height) / 2
    ]


@pytest.mark.parametrize("make", [perpendicular, lambda: chain(25)])
def test_layout_flows_down_without_overlaps(make):
    """Every edge goes down, no boxes overlap, and everything is within the figure."""
    layout = make().layout()
    assert boxes_overlap(layout.boxes) == []
    for route in layout.routes:
        heights = [y for _, y in route.points]
        assert heights == sorted(heights)
    for box in layout.boxes:
        assert box.width / 2 <= box.x <= layout.width - box.width / 2
        assert box.height / 2 <= box.y <= layout.height - box.height / 2


def test_a_chain_stands_upright():
    """Operations in a row stand below each other; numbers stand aside."""
    boxes = [b for b in chain(20).layout().boxes if b.node.kind == "operation"]
    assert max(b.x for b in boxes) - min(b.x for b in boxes) < 1


def test_perpendicular_loss_fits_a_phone():
    """The graph of the site's loss is legible at 328 pixels: text of at least 8 pixels."""
    layout = perpendicular().layout()
    assert 12 * min(1, 328 / layout.width) >= 8


def test_large_graphs_say_what_they_leave_out():
    """Of a graph beyond the limit the figure shows the end, and says so."""
    g = chain(200)
    assert len(g.layout().boxes) == 60
    assert "60 of 401 nodes" in g._repr_html_()
    assert "of 401 nodes" not in figure_of(g, 500)
    assert {b.node.index for b in g.layout(max_nodes=4).boxes} == {396, 398, 399, 400}
    assert str(g).endswith("… and 141 more")


def figure_of(g, most):
    """Return the SVG of up to so many nodes."""
    return g.to_svg(max_nodes=most)


def test_nothing_recorded_cannot_be_drawn():
    """An empty recording says so."""
    with graph.record() as g:
        pass
    assert str(g) == "an empty graph"
    with pytest.raises(graph.GraphError, match="nothing to draw"):
        g.to_svg()


def test_json_holds_the_graph():
    """The data are those of nodes and edges, and valid JSON whatever the numbers."""
    x = torch.tensor([1.0, float("inf")], requires_grad=True)
    with graph.record() as g:
        y = (x * torch.tensor([1 + 1j, 2])).real.sum()
    g.backward(y)
    data = json.loads(g.to_json(indent=1), parse_constant=pytest.fail)
    assert data["version"] == 2
    assert [n["index"] for n in data["nodes"]] == list(range(len(g.nodes)))
    leaf = data["nodes"][0]
    assert leaf["outputs"][0] == {
        "name": "x",
        "shape": [2],
        "dtype": "float32",
        "device": "cpu",
        "requires_grad": True,
        "is_leaf": True,
        "value": [1.0, "inf"],
        "grad": [1.0, 2.0],
        "accumulated": [1.0, 2.0],
    }
    assert len(data["edges"]) == len(g.edges)
    assert data["edges"][0] == {
        "source": 0,
        "output": 0,
        "target": data["edges"][0]["target"],
        "input": 0,
        "grad": [1.0, 2.0],
    }


def parsed(g):
    """Return a graph as a reader of Graphviz's language sees it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pydot's own way to call pyparsing
        (found,) = pydot.graph_from_dot_data(g.to_dot())
    return found


def label(node):
    """Return the lines of a label, its escapes undone as Graphviz does."""
    quoted = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], node.get_label()[1:-1])
    return quoted.split("\n")


def test_dot_is_the_graph():
    """Graphviz gets every node with its kind, value and gradient, and every edge, as often."""
    g = perpendicular()
    dot = parsed(g)
    assert dot.get_type() == "digraph"
    nodes = {node.get_name(): node for node in dot.get_nodes()}
    assert list(nodes) == [f"n{node.index}" for node in g.nodes]
    for node in g.nodes:
        drawn = nodes[f"n{node.index}"]
        assert drawn.get_shape() == ('"hexagon"' if node.kind == "leaf" else '"box"')
        assert (drawn.get_style() == '"dashed"') == (node.kind == "constant")
        words = [_text.title(node), node.kind == "operation" and node.backward_name]
        words += [node.op != "number" and _text.brief(node.value)]
        words += [node.grad is not None and f"grad {_text.brief(node.grad)}"]
        assert label(drawn) == [word for word in words if word]
    edges = [(e.get_source(), e.get_destination(), e.get("style")) for e in dot.get_edges()]
    assert edges == [
        (f"n{e.source.index}", f"n{e.target.index}", '"dashed"' if e.input is None else None)
        for e in g.edges
    ]


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (torch.tensor(-0.5), "−0.5"),
        (torch.tensor([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
        (torch.tensor([0.123456, 0.1, 0.2, 0.31234]), "(4,) 0.1 … 0.312"),
        (torch.zeros(3, 4), "(3, 4) all 0"),
        (torch.tensor([True, False]), "[True, False]"),
        (torch.ones(9, dtype=torch.bool), "(9,) 9 True"),
        (torch.tensor(1 - 2j), "1 − 2i"),
        (torch.zeros(9, dtype=torch.complex64), "(9,)"),
        (torch.zeros(0, 3), "(0, 3)"),
        (torch.tensor([float("nan"), float("-inf")]), "[nan, −inf]"),
        (torch.tensor([float("nan"), *range(9)]), "(10,) 0 … 8, 1 nan"),
        (torch.full((9,), float("nan")), "(9,) all nan"),
        (torch.linspace(0.2, 0.200001, 9), "(9,) all ≈ 0.2"),
        (torch.arange(9).to(torch.uint16), "(9,) 0 … 8"),
        (torch.arange(9.0).to(torch.float8_e4m3fn), "(9,) 0 … 8"),
        (torch.ones(2, device="meta"), "(2,)"),
        (torch.eye(2).to_sparse(), "[[1, 0], [0, 1]]"),
        (torch.tensor(123456.0), "123456"),
    ],
)
def test_numbers_are_short(tensor, text):
    """Few numbers are written out, many are summed up."""
    assert _text.brief(tensor) == text


def test_a_graph_without_numbers_has_shapes():
    """On the meta device there are shapes, also of gradients, and the figure shows those."""
    x = torch.ones(2, device="meta", requires_grad=True)
    with graph.record() as g:
        y = (x * 2).sum()
    g.backward(y)
    assert str(g).splitlines()[0].split() == ["x", "leaf", "AccumulateGrad", "(2,)", "grad", "(2,)"]
    assert json.loads(g.to_json())["nodes"][0]["outputs"][0]["grad"] == "(2,)"
    assert "For x: (2,)." in g.player()


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")  # torch's own
def test_quantized_numbers_are_data():
    """A quantized constant is listed by the numbers that it stands for."""
    q, a = torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint8), torch.ones(2)
    with graph.record() as g:
        y = q.dequantize() * a.requires_grad_()
    assert y.requires_grad
    values = [node["outputs"][0]["value"] for node in json.loads(g.to_json())["nodes"]]
    assert values == [[1, 1]] * 4


@pytest.mark.parametrize("most", [0, -1])
def test_a_figure_has_boxes(most):
    """A limit below one box is an error that says so."""
    a = torch.ones(1, requires_grad=True)
    with graph.record() as g:
        b = a * 2
    with pytest.raises(ValueError, match=f"at least one box, got max_nodes={most}"):
        g.layout(max_nodes=most)
    assert b.requires_grad


def test_layers_are_as_low_as_their_users_allow():
    """A leaf stands just above what uses it, however long the other branch."""
    placed = _place.place([10.0] * 5, [(0, 1), (1, 2), (2, 4), (3, 4)], pulls=[1] * 4, bend=5.0)
    assert placed.layer[:5] == (0, 1, 2, 2, 3)


def test_a_long_edge_bends_around_boxes():
    """An edge over several layers has a place of its own in each."""
    placed = _place.place([40.0] * 3, [(0, 1), (1, 2), (0, 2)], pulls=[1] * 3, bend=5.0)
    (bend,) = placed.chains[2][1:-1]
    assert placed.layer[bend] == placed.layer[1]
    assert abs(placed.x[bend] - placed.x[1]) >= 20 + 2.5
