"""The geometry of a figure in pixels: boxes with their lines of text, and the routes of edges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from linefit.graph.draw.collapse import collapse
from linefit.graph.draw.labels import TextLine, edge_labels, text_lines
from linefit.graph.draw.layers import Arrangement, arrange
from linefit.graph.errors import GraphError
from linefit.graph.nodes import Edge, Node
from linefit.graph.sentences import alt_text, size_note

Point = tuple[float, float]

CHARACTER = 7.3  # width of a monospaced character of 12 px
SMALL_CHARACTER = 6.1  # and of one of 10 px
LINE = 16.0  # height of a line of text
GAP = 36.0  # room between two layers
LABEL = 16.0  # and more where edges have labels
MARGIN = 8.0
CUT = 9.0  # how far a leaf's upper and lower sides end before its box does
TIP = 3.0  # how far its tips stand out
PULLS = {"operation": 1.0, "group": 1.0, "leaf": 0.2, "constant": 0.001}  # how straight they stand
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

    ``label`` is the gradient that came back along it, where a node gets several; its base line is
    at ``label_at``, to the left (``side`` −1) or right (1) of the way.
    """

    edge: Edge
    points: tuple[Point, ...]
    label: str = ""
    label_at: Point = (0.0, 0.0)
    side: int = 1


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


def lay_out(nodes: Sequence[Node], edges: Sequence[Edge], *, max_nodes: int) -> Layout:
    """Lay out the nodes of a graph, or boxes for its scopes, and the edges between them."""
    every, between = collapse(nodes, edges, max_nodes)
    shown = _nearest_the_end(every, between, max_nodes)
    kept = [n for n in every if n in shown]
    drawn = [e for e in between if e.source in shown and e.target in shown]
    lines = [text_lines(node) for node in kept]
    widths = [_width(texts) + 10 * (n.kind == "leaf") for n, texts in zip(kept, lines, strict=True)]
    heights = [len(texts) * LINE + 10 for texts in lines]
    number = {node: i for i, node in enumerate(kept)}
    ends = [(number[e.source], number[e.target]) for e in drawn]
    pulls = [PULLS[e.source.kind] for e in drawn]
    arranged = arrange(widths, ends, pulls=pulls, bend=BEND)
    labels = edge_labels(drawn)
    rows = _rows(arranged, heights, _labelled(arranged, labels))
    middles = [sum(rows[layer]) / 2 for layer in arranged.layer]
    boxes = tuple(
        Box(n, MARGIN + arranged.x[i], middles[i], widths[i], heights[i], lines[i])
        for i, n in enumerate(kept)
    )
    routes = _routes(boxes, drawn, labels, arranged, rows)
    note = size_note(len(nodes), len(every), len(kept))
    words = " ".join(filter(None, [alt_text(nodes), note]))
    return Layout(boxes, routes, *_area(boxes, routes), len(nodes), words, note)


def _labelled(arranged: Arrangement, labels: Sequence[str]) -> set[int]:
    """Return the layers at which edges with a label end."""
    chains = zip(arranged.chains, labels, strict=True)
    return {arranged.layer[chain[-1]] for chain, label in chains if label}


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
    reach = route.side * SMALL_CHARACTER * 1.1 * len(route.label)
    ends = [x, x + reach] if route.label else []
    return min(ends + [p[0] for p in route.points]), max(ends + [p[0] for p in route.points])


def _nearest_the_end(nodes: Sequence[Node], edges: Sequence[Edge], most: int) -> set[Node]:
    """Return the nodes that are the fewest edges away from a result."""
    if most < 1:
        raise ValueError(f"a figure has at least one box, got max_nodes={most}")
    if not nodes:
        raise GraphError("There is nothing to draw: the recording has seen no operation.")
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
    sizes = {"function": SMALL_CHARACTER}
    longest = max(len(line.text) * sizes.get(line.role, CHARACTER) for line in lines)
    return max(26.0, longest + 14.0)


def _rows(
    arranged: Arrangement, heights: Sequence[float], labelled: Collection[int]
) -> list[tuple[float, float]]:
    """Return top and bottom of each layer; there is more room above labelled ones."""
    tallest = [0.0] * (max(arranged.layer) + 1)
    for layer, height in zip(arranged.layer, heights, strict=False):
        tallest[layer] = max(tallest[layer], height)
    rows = []
    top = MARGIN
    for layer, height in enumerate(tallest):
        top += (GAP if layer else 0) + (LABEL if layer in labelled else 0)
        rows.append((top, top + height))
        top += height
    return rows


def _routes(
    boxes: Sequence[Box],
    edges: Sequence[Edge],
    labels: Sequence[str],
    arranged: Arrangement,
    rows: Sequence[tuple[float, float]],
) -> tuple[Route, ...]:
    """Return the edges' routes, each with a port of its own on the rims of its two boxes."""
    starts = defaultdict(list)
    ends = defaultdict(list)
    for i, chain in enumerate(arranged.chains):
        starts[chain[0]].append((arranged.x[chain[1]], i))
        ends[chain[-1]].append((arranged.x[chain[-2]], i))
    leave = {}
    arrive = {}
    side = {}
    for index, box in enumerate(boxes):
        for x, (_, i) in zip(_ports(box, len(starts[index])), sorted(starts[index]), strict=True):
            leave[i] = x, box.y + box.height / 2
        for x, (_, i) in zip(_ports(box, len(ends[index])), sorted(ends[index]), strict=True):
            arrive[i] = x, box.y - box.height / 2
            side[i] = -1 if x < box.x else 1
    ways = [_way(leave[i], c, arrive[i], arranged, rows) for i, c in enumerate(arranged.chains)]
    outer = [-1 if way[-3][0] < way[-2][0] else 1 for way in ways]  # the outer side of the bend
    sides = [side[i] if len(ends[c[-1]]) > 1 else outer[i] for i, c in enumerate(arranged.chains)]
    return tuple(
        Route(e, ways[i], labels[i], _label_at(ways[i], sides[i]), sides[i])
        for i, e in enumerate(edges)
    )


def _label_at(way: Sequence[Point], side: int) -> Point:
    """Return where the label of the last bend stands: nearer to where the edge comes from."""
    start, end = way[-3:-1]
    x = start[0] + 0.28 * (end[0] - start[0]) + 6 * side
    return x, start[1] + 0.38 * (end[1] - start[1]) + 4


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
