"""The geometry of a figure in pixels: boxes with their lines of text, and the routes of edges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

from linefit.graph.draw.collapse import collapse
from linefit.graph.draw.fold import fold
from linefit.graph.draw.labels import TextLine, edge_labels, text_lines
from linefit.graph.draw.layers import Arrangement, arrange
from linefit.graph.errors import GraphError
from linefit.graph.nodes import Edge, Node
from linefit.graph.sentences import alt_text, size_note

Point = tuple[float, float]

LINE = 16.0  # height of a line of text in a box
LABEL_LINE = 13.0  # and of one at an edge
GAP = 36.0  # room between two layers
LABEL_GAP = 22.0  # and between a layer and its labels
ASIDE = 6.0  # room between an edge and its label
MARGIN = 8.0
CUT = 9.0  # how far a leaf's upper and lower sides end before its box does
TIP = 3.0  # how far its tips stand out
PULLS = {"operation": 1.0, "group": 1.0, "leaf": 0.2, "constant": 0.001}  # how straight they stand
MANY = 25  # boxes of a figure that is smaller without its views
BEND = 10.0  # room that an edge takes where it passes between boxes


@dataclass(frozen=True)
class Box:
    """The bounding box of a node: its center, its size and the lines of text in it."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    lines: tuple[TextLine, ...]

    @property
    def outline(self) -> tuple[Point, ...]:
        """The corners, clockwise from the upper left: six for a leaf, which is a hexagon."""
        left = self.x - self.width / 2
        top = self.y - self.height / 2
        right = left + self.width
        bottom = top + self.height
        if self.node.kind != "leaf":
            return (left, top), (right, top), (right, bottom), (left, bottom)
        upper = (left + CUT, top), (right - CUT, top)
        lower = (right - CUT, bottom), (left + CUT, bottom)
        return *upper, (right + TIP, self.y), *lower, (left - TIP, self.y)


@dataclass(frozen=True)
class Route:
    """The polyline of an edge from the box of its source to that of its target.

    ``lines`` are its label, such as the gradient that came back along it where a node receives
    several.
    The base line of the first is at ``label_at``, to the left (``side`` −1) or right (1) of the
    edge; the others follow below.
    """

    edge: Edge
    points: tuple[Point, ...]
    lines: tuple[TextLine, ...] = ()
    label_at: Point = (0.0, 0.0)
    side: int = 1

    @property
    def label(self) -> str:
        """The part of the gradient that came back along it, as the label says it; "" for none."""
        return next((line.text for line in self.lines if line.role == "part"), "")


@dataclass(frozen=True)
class Layout:
    """Boxes and routes in an area that begins at ``left``; y grows downwards from 0.

    ``total`` is the number of nodes in the graph, of which ``boxes`` shows all or some; ``words``
    is the figure's text for those who do not see it, ``note`` says how a large graph is shown.
    """

    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    left: float
    width: float
    height: float
    total: int
    words: str
    note: str


class Options(TypedDict, total=False):
    """What to fold, to merge and to leave out in a figure; see :meth:`Graph.layout`."""

    depth: int | None
    fold_views: bool | None
    roll_loops: bool | None


def lay_out(
    nodes: Sequence[Node], edges: Sequence[Edge], *, max_nodes: int, **options: Unpack[Options]
) -> Layout:
    """Lay out the nodes of a graph, or boxes for its scopes, and the edges between them."""
    if not nodes:
        raise GraphError("There is nothing to draw: the recording has seen no operation.")
    every, between, folded = _boxes(nodes, edges, max_nodes, **options)
    shown = _nearest_the_end(every, between, max_nodes)
    kept = [n for n in every if n in shown]
    drawn = [e for e in between if e.source in shown and e.target in shown]
    lines = [text_lines(node) for node in kept]
    widths = [_width(texts) + 10 * (n.kind == "leaf") for n, texts in zip(kept, lines, strict=True)]
    heights = [len(texts) * LINE + 10 for texts in lines]
    number = {node: i for i, node in enumerate(kept)}
    ends = [(number[e.source], number[e.target]) for e in drawn]
    pulls = [PULLS[e.source.kind] for e in drawn]
    labels = edge_labels(drawn)
    rooms = [ASIDE + _widest(label) if label else 0.0 for label in labels]
    arranged = arrange(widths, ends, pulls=pulls, bend=BEND, labels=rooms)
    rows = _rows(arranged, heights, labels)
    middles = [sum(rows[layer]) / 2 for layer in arranged.layer]
    boxes = tuple(
        Box(n, MARGIN + arranged.x[i], middles[i], widths[i], heights[i], lines[i])
        for i, n in enumerate(kept)
    )
    routes = _routes(boxes, drawn, labels, arranged, rows)
    note = size_note(len(nodes), len(every), len(kept), folded)
    words = " ".join(filter(None, [alt_text(nodes), note]))
    return Layout(boxes, routes, *_area(boxes, routes), len(nodes), words, note)


def _boxes(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    most: int,
    *,
    depth: int | None = None,
    fold_views: bool | None = None,
    roll_loops: bool | None = None,
) -> tuple[Sequence[Node], Sequence[Edge], int]:
    """Return what is drawn as boxes, the edges between, and how many views are folded into them."""
    if most < 1:
        raise ValueError(f"a figure has at least one box, got max_nodes={most}")
    if depth is not None and depth < 1:
        raise ValueError(f"the outermost modules have depth 1, got depth={depth}")
    folded = 0
    if len(nodes) > MANY if fold_views is None else fold_views:
        nodes, edges, folded = fold(nodes, edges)
    return *collapse(nodes, edges, most, depth=depth, roll_loops=roll_loops), folded


def _area(boxes: Sequence[Box], routes: Sequence[Route]) -> tuple[float, float, float]:
    """Return where the figure begins at the left, its width and its height."""
    rims = [(b.x - b.width / 2, b.x + b.width / 2) for b in boxes] + [_span(r) for r in routes]
    left = min(0.0, min(rim[0] for rim in rims) - MARGIN)
    width = max(rim[1] for rim in rims) - left
    height = max(b.y + b.height / 2 for b in boxes)
    return left, width + MARGIN, height + MARGIN


def _span(route: Route) -> Point:
    """Return how far an edge and its label reach to the left and to the right."""
    x = route.label_at[0]
    ends = [x, x + route.side * _widest(route.lines)] if route.lines else []
    return min(ends + [p[0] for p in route.points]), max(ends + [p[0] for p in route.points])


def _nearest_the_end(nodes: Sequence[Node], edges: Sequence[Edge], most: int) -> set[Node]:
    """Return the nodes that are the fewest edges away from a result."""
    if len(nodes) <= most:
        return set(nodes)
    inputs: defaultdict[Node, list[Node]] = defaultdict(list)
    for edge in edges:
        inputs[edge.target].append(edge.source)
    used = {edge.source for edge in edges}
    found = dict.fromkeys(node for node in reversed(nodes) if node not in used)
    queue = list(found)
    for node in queue:
        new = [source for source in dict.fromkeys(inputs[node]) if source not in found]
        new.sort(key=lambda source: source.op == "number")
        found.update(dict.fromkeys(new))
        queue.extend(new)
        if len(found) >= most:
            break
    return set(list(found)[:most])


def _width(lines: Sequence[TextLine]) -> float:
    return max(26.0, _widest(lines) + 14.0)


def _widest(lines: Sequence[TextLine]) -> float:
    return max(line.width for line in lines)


def _rows(
    arranged: Arrangement, heights: Sequence[float], labels: Sequence[Sequence[TextLine]]
) -> list[tuple[float, float]]:
    """Return top and bottom of each layer, of boxes or of labels."""
    tallest = [0.0] * (max(arranged.layer) + 1)
    for layer, height in zip(arranged.layer, heights, strict=False):
        tallest[layer] = max(tallest[layer], height)
    for chain, label in zip(arranged.chains, labels, strict=True):
        layer = arranged.layer[chain[-2]]
        if layer in arranged.label_layers:
            tallest[layer] = max(tallest[layer], LABEL_LINE * len(label))
    rows = []
    top = MARGIN
    for layer, height in enumerate(tallest):
        if layer:
            top += LABEL_GAP if {layer, layer - 1} & arranged.label_layers else GAP
        rows.append((top, top + height))
        top += height
    return rows


def _routes(
    boxes: Sequence[Box],
    edges: Sequence[Edge],
    labels: Sequence[tuple[TextLine, ...]],
    arranged: Arrangement,
    rows: Sequence[tuple[float, float]],
) -> tuple[Route, ...]:
    """Return the edges' routes, each with its own port on the borders of its two boxes."""
    starts = defaultdict(list)
    ends = defaultdict(list)
    for i, chain in enumerate(arranged.chains):
        starts[chain[0]].append((arranged.x[chain[1]], i))
        ends[chain[-1]].append((arranged.x[chain[-2]], i))
    leave = {}
    arrive = {}
    for index, box in enumerate(boxes):
        for x, (_, i) in zip(_ports(box, len(starts[index])), sorted(starts[index]), strict=True):
            leave[i] = x, box.y + box.height / 2
        for x, (_, i) in zip(_ports(box, len(ends[index])), sorted(ends[index]), strict=True):
            arrive[i] = x, box.y - box.height / 2
    routes = []
    for i, chain in enumerate(arranged.chains):
        way = _way(leave[i], chain, arrive[i], arranged, rows)
        at = _label_at(way, labels[i], arranged.sides[i]) if labels[i] else (0.0, 0.0)
        routes.append(Route(edges[i], way, labels[i], at, arranged.sides[i]))
    return tuple(routes)


def _label_at(way: Sequence[Point], lines: Sequence[TextLine], side: int) -> Point:
    """Return where a label begins beside the straight part of an edge in its layer of labels."""
    (x, top), (_, bottom) = way[-4:-2]
    middle = (top + bottom) / 2
    return x + ASIDE * side, middle - LABEL_LINE * (len(lines) / 2 - 0.8)


def _way(
    start: Point,
    chain: Sequence[int],
    end: Point,
    arranged: Arrangement,
    rows: Sequence[tuple[float, float]],
) -> tuple[Point, ...]:
    """Return points between which an edge runs: straight beside boxes, bent between layers."""
    first = rows[arranged.layer[chain[0]]]
    last = rows[arranged.layer[chain[-1]]]
    points = [start, (start[0], first[1])]
    for vertex in chain[1:-1]:
        x = MARGIN + arranged.x[vertex]
        points += [(x, y) for y in rows[arranged.layer[vertex]]]
    return (*points, (end[0], last[0]), end)


def _ports(box: Box, count: int) -> list[float]:
    """Return the x coordinates at which so many edges meet a box."""
    step = min(20.0, (box.width - 14) / max(1, count))
    return [box.x + (i - (count - 1) / 2) * step for i in range(count)]
