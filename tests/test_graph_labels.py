"""The texts of a figure: each at its own edge or in its own box, none on top of another."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import recorded
from legible import figures, overlapping
from linefit import graph


def fork():
    """Return the graph of a value that is used twice, and its edges from left to right."""
    a, b = (torch.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    with graph.record() as g:
        h = a * b
        loss = h**2 + h.sin()
    g.backward(loss)
    return g


def crossed(layout):
    """Return the labels that an edge's line runs through; between layers it bends as a curve."""
    found = []
    for route in (r for r in layout.routes if r.lines):
        x, y = route.label_at
        ends = sorted([x, x + route.side * max(line.width for line in route.lines)])
        for other in layout.routes:
            for (x0, y0), (x1, y1) in pairwise(other.points):
                beside = max(x0, x1) <= ends[0] or min(x0, x1) >= ends[1]
                if not beside and y0 < y + 2 and y1 > y - 8:
                    found.append((route.label, other.edge))
    return found


def assert_legible(g, **options):
    """Check that no text covers another, and that no edge runs through a label."""
    assert [overlapping(texts) for texts in figures(g.to_svg(**options))] == [[]]
    assert crossed(g.layout(**options)) == []


def test_overlaps_would_be_found():
    """The check knows what lies on top of each other."""
    texts = "".join(f'<text class="lfg-title" x="{x}" y="9">ab</text>' for x in (0, 13, 40))
    (found,) = figures(f'<svg class="lfg">{texts}</svg>')
    assert overlapping(found) == [("ab", "ab")]


def test_labels_of_a_fork_stand_on_its_outer_sides():
    """The left edge has its gradient on the left, the right edge on the right, each at its own."""
    g = fork()
    routes = sorted((r for r in g.layout().routes if r.label), key=lambda r: r.label_at)
    assert [route.side for route in routes] == [-1, 1]
    for route in routes:
        (x,) = {x for x, y in route.points if abs(y - route.label_at[1]) < 14}
        assert abs(x - route.label_at[0]) < 8
        target = {"pow": "grad 12", "sin": "grad 0.9602"}
        assert route.label == target[route.edge.target.op]
    assert_legible(g)


@pytest.mark.parametrize("uses", [2, 3, 4, 5])
def test_labels_follow_their_edges_from_left_to_right(uses):
    """Of several uses those on the left have the label on the left; two uses by one are two."""
    a = torch.tensor([0.5, 0.25], requires_grad=True)
    with graph.record() as g:
        made = [a * a, a.sin(), a.exp(), a.tanh()][: uses - 1]
        loss = torch.stack(made).sum()
    g.backward(loss)
    routes = sorted((r for r in g.layout().routes if r.label), key=lambda r: r.points[-2])
    assert len(routes) == uses
    sides = [route.side for route in routes]
    assert sides == sorted(sides)
    assert {-1, 1} == set(sides)
    assert_legible(g)


@pytest.mark.parametrize("name", recorded.MODELS)
@pytest.mark.parametrize("most", [60, 25, 200])
def test_texts_of_models_do_not_overlap(name, most):
    """Also in a large figure, or one of groups, each text stands alone."""
    assert_legible(recorded.MODELS[name](), max_nodes=most)


UNARY = ["sin", "exp", "tanh", "square", "abs", "neg"]
BINARY = ["add", "sub", "mul", "maximum"]
STEP = st.tuples(st.sampled_from(UNARY + BINARY), st.integers(0, 30), st.integers(0, 30))


@settings(max_examples=60)
@given(
    st.lists(STEP, min_size=1, max_size=14), st.integers(1, 3), st.sampled_from([(), (2,), (3, 4)])
)
def test_texts_of_any_expression_do_not_overlap(steps, leaves, shape):
    """Whatever is computed of whatever: texts keep apart, and every edge its own label."""
    generator = torch.Generator().manual_seed(0)
    values = [torch.randn(shape, generator=generator).requires_grad_() for _ in range(leaves)]
    with graph.record() as g:
        for op, i, j in steps:
            operands = [values[k % len(values)] for k in (i, j)[: 1 + (op in BINARY)]]
            values.append(getattr(torch, op)(*operands))
        loss = sum(value.sum() for value in values)
    g.backward(loss)
    assert_legible(g, max_nodes=100)


def test_browser_agrees_about_the_texts(browser):
    """Where the font is what the layout takes it for, the browser sees no overlaps either."""
    models = [make() for make in recorded.MODELS.values()]
    page = browser.new_page()
    page.set_content("".join(f"<div>{g.to_svg()}</div>" for g in [fork(), *models]))
    found = page.evaluate(
        """() => [...document.querySelectorAll("svg")].map(svg =>
          [...svg.querySelectorAll("text")].filter(t => t.textContent).map(t => {
            const b = t.getBBox(); const size = parseFloat(getComputedStyle(t).fontSize);
            const y = parseFloat(t.getAttribute("y"));
            return [b.x, y - 0.8 * size, b.x + b.width, y + 0.2 * size, t.textContent]; }))"""
    )
    page.close()
    assert len(found) == len(models) + 1
    assert [overlapping(boxes) for boxes in found] == [[]] * len(found)


def test_wide_characters_have_room():
    """A name in Chinese takes two places for each character."""
    x = torch.tensor(1.0, requires_grad=True)
    with graph.record(names={"学习率学习率学习率": x}) as g:
        y = x * 2
    box = next(box for box in g.layout().boxes if box.node.is_leaf and box.node.requires_grad)
    assert box.width > 9 * 12
    assert y.requires_grad


def test_parts_that_are_not_connected_stand_side_by_side():
    """What has nothing to do with the rest stands beside it, not far away."""
    layout = recorded.MODELS["resnet"]().layout(max_nodes=200)
    edges = sorted((box.x - box.width / 2, box.x + box.width / 2) for box in layout.boxes)
    reach = edges[0][1]
    for left, right in edges:
        assert left - reach < 40
        reach = max(reach, right)
