"""Arrange boxes in layers, in an order with few crossings, close to their neighbors.

This is Sugiyama's method: every node is assigned a layer, an edge over several layers is cut into
short ones, the layers are ordered so that few edges cross, and each box then moves as close to its
neighbors as the boxes beside it allow.  An edge's label is placed like a box, in a layer of labels
just above the one where the edge ends, so that nothing else can come to stand there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from linefit.graph.draw.order import order

GAP = 12.0  # between two boxes
SWEEPS = 30
LONG = 4.0  # how much more a long edge pulls than a short one, so that it runs straight

Extent = tuple[float, float]  # how far a vertex reaches to its left and to its right


@dataclass(frozen=True)
class Arrangement:
    """The x coordinate and layer of each vertex: first the boxes, then the bends of long edges.

    ``chains`` holds for each edge the vertices that it passes, from its source to its target.
    Of an edge with a label the last vertex before the target carries it, in one of the
    ``label_layers``; ``sides`` says whether it stands to the left (−1) or right (1) of the edge.
    """

    x: tuple[float, ...]
    layer: tuple[int, ...]
    chains: tuple[tuple[int, ...], ...]
    label_layers: frozenset[int]
    sides: tuple[int, ...]


def arrange(
    widths: Sequence[float],
    edges: Sequence[tuple[int, int]],
    *,
    pulls: Sequence[float],
    bend: float,
    labels: Sequence[float] | None = None,
) -> Arrangement:
    """Arrange boxes of some widths; they are numbered so that every edge goes from low to high.

    The larger the pull of an edge, the straighter it runs; ``bend`` is the room that it takes
    beside boxes, and ``labels`` that of its label, 0 for none.
    """
    labels = labels or [0.0] * len(edges)
    layer = _layers(len(widths), edges)
    chains = [_cut(edge, layer) for edge in edges]
    short = [pair for chain in chains for pair in pairwise(chain)]
    part = _parts(len(layer), short)
    rows = [sorted(row, key=part.__getitem__) for row in order(layer, short)]
    pulls = [pull * (LONG if len(c) > 2 else 1) for c, pull in zip(chains, pulls, strict=True)]
    labelled = {layer[chain[-1]] for chain, room in zip(chains, labels, strict=True) if room}
    rows, chains, label_layers = _with_labels(rows, chains, layer, labelled)
    carriers = {chain[-2]: i for i, chain in enumerate(chains) if labels[i]}
    springs = [
        (*pair, pull) for chain, pull in zip(chains, pulls, strict=True) for pair in pairwise(chain)
    ]
    half = bend / 2
    extents = [(width / 2, width / 2) for width in widths]
    extents += [(half, half)] * (sum(map(len, rows)) - len(widths))
    for vertex, i in carriers.items():
        extents[vertex] = half + labels[i] / 2, half + labels[i] / 2
    sides = _sides(_placed(rows, extents, springs), edges, chains, labels)
    for vertex, i in carriers.items():
        extents[vertex] = (labels[i], half) if sides[i] < 0 else (half, labels[i])
    x = tuple(_placed(rows, extents, springs))
    place = {vertex: number for number, row in enumerate(rows) for vertex in row}
    layers = tuple(place[vertex] for vertex in range(len(place)))
    return Arrangement(x, layers, tuple(chains), label_layers, tuple(sides))


def _with_labels(
    rows: Sequence[list[int]],
    chains: Sequence[tuple[int, ...]],
    layer: Sequence[int],
    labelled: Collection[int],
) -> tuple[list[list[int]], list[tuple[int, ...]], frozenset[int]]:
    """Return rows and chains with a layer of labels above each ``labelled`` one, and which it is.

    Every edge passes it; the edges stand there in the order of their lower ends, so that those
    that cross do so above their labels.
    """
    place = {vertex: i for row in rows for i, vertex in enumerate(row)}
    longer = [list(chain) for chain in chains]
    count = len(layer)
    passing: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for chain, new in zip(chains, longer, strict=True):
        for upper, lower in pairwise(chain):
            if layer[lower] in labelled:
                new.insert(new.index(lower), count)
                passing[layer[lower]].append((place[lower], place[upper], count))
                count += 1
    all_rows: list[list[int]] = []
    label_layers = []
    for number, row in enumerate(rows):
        if number in labelled:
            label_layers.append(len(all_rows))
            all_rows.append([vertex for _, _, vertex in sorted(passing[number])])
        all_rows.append(row)
    return all_rows, [tuple(chain) for chain in longer], frozenset(label_layers)


def _sides(
    x: Sequence[float],
    edges: Sequence[tuple[int, int]],
    chains: Sequence[Sequence[int]],
    labels: Sequence[float],
) -> list[int]:
    """Return on which side of each edge its label stands: on the outer side.

    Of the labelled edges from one box those further to the left have it on the left, the others on
    the right; so do those to one box that are the only ones from theirs.  An edge in the middle
    has it on the side to which it turns.
    """
    labelled = [i for i, room in enumerate(labels) if room]
    leaving = Counter(edges[i][0] for i in labelled)
    fans: defaultdict[tuple[bool, int], list[int]] = defaultdict(list)
    for i in labelled:
        source, target = edges[i]
        fans[(True, source) if leaving[source] > 1 else (False, target)].append(i)
    sides = [1] * len(edges)
    for fan in fans.values():
        fan.sort(key=lambda i: x[chains[i][-2]])
        for place, i in enumerate(fan):
            turn = x[chains[i][-2]] - x[edges[i][0]]
            sides[i] = -1 if (2 * place - (len(fan) - 1) or turn) < 0 else 1
    return sides


def _layers(count: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """Return the layer of each box: as low as those that use it allow."""
    users = defaultdict(list)
    for source, target in edges:
        users[source].append(target)
    above_end = [0] * count
    for box in reversed(range(count)):
        above_end[box] = max((above_end[user] + 1 for user in users[box]), default=0)
    return [max(above_end) - steps for steps in above_end]


def _cut(edge: tuple[int, int], layer: list[int]) -> tuple[int, ...]:
    """Return the edge's chain; its bends are added to ``layer`` as new vertices."""
    source, target = edge
    between = range(layer[source] + 1, layer[target])
    first = len(layer)
    layer.extend(between)
    return source, *range(first, first + len(between)), target


def _parts(count: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """Return for each vertex the number of the part of the graph in which all are connected."""
    near = defaultdict(list)
    for one, other in edges:
        near[one].append(other)
        near[other].append(one)
    part = [-1] * count
    for first in range(count):
        stack = [first] if part[first] < 0 else []
        while stack:
            vertex = stack.pop()
            if part[vertex] < 0:
                part[vertex] = first
                stack += near[vertex]
    return part


def _placed(
    rows: Sequence[Sequence[int]],
    extents: Sequence[Extent],
    springs: Sequence[tuple[int, int, float]],
) -> list[float]:
    """Return x of every vertex: each part straightened alone, then moved up to those before it."""
    x = [0.0] * len(extents)
    part = _parts(len(extents), (spring[:2] for spring in springs))
    used = [-GAP] * len(rows)  # where the last vertex of each row ends
    for number in sorted(set(part)):
        mine = [[v for v in row if part[v] == number] for row in rows]
        inner = [spring for spring in springs if part[spring[0]] == number]
        _straighten([row for row in mine if row], extents, inner, x)
        shift = max(
            used[i] + GAP - (x[row[0]] - extents[row[0]][0]) for i, row in enumerate(mine) if row
        )
        for i, row in enumerate(mine):
            for vertex in row:
                x[vertex] += shift
            if row:
                used[i] = x[row[-1]] + extents[row[-1]][1]
    left = min(x[v] - extents[v][0] for v in range(len(extents)))
    return [round(value - left, 2) for value in x]


def _straighten(
    rows: Sequence[Sequence[int]],
    extents: Sequence[Extent],
    springs: Sequence[tuple[int, int, float]],
    x: list[float],
) -> None:
    """Set x of every vertex in some rows, by sweeps that move each towards its neighbors."""
    above = defaultdict(list)
    below = defaultdict(list)
    weights = [0.0] * len(extents)
    for source, target, pull in springs:
        above[target].append((source, pull))
        below[source].append((target, pull))
        weights[source] = max(weights[source], pull)
        weights[target] = max(weights[target], pull)
    for sweep in range(SWEEPS):
        down = sweep % 2
        both = sweep >= SWEEPS - 2
        for row in rows if down else reversed(rows):
            wanted = []
            for v in row:
                near = (above if down else below)[v]
                near = above[v] + below[v] if both or not near else near
                total = sum(pull for _, pull in near)
                wanted.append(sum(x[n] * pull for n, pull in near) / total if near else x[v])
            _move(row, extents, x, wanted, [weights[v] or 1.0 for v in row])


def _move(
    row: Sequence[int],
    extents: Sequence[Extent],
    x: list[float],
    wanted: Sequence[float],
    weights: Sequence[float],
) -> None:
    """Move a row's vertices as near to the wanted x coordinates as order and widths allow.

    Least squares under x[i + 1] − x[i] ≥ room: without the rooms this is isotonic regression,
    which merges neighbors that are out of order into blocks with their mean.
    """
    rooms = [0.0]
    for one, other in pairwise(row):
        rooms.append(rooms[-1] + extents[one][1] + extents[other][0] + GAP)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, number of vertices
    for want, room, weight in zip(wanted, rooms, weights, strict=True):
        mean = want - room
        mass = weight
        count = 1
        while blocks and blocks[-1][0] > mean:
            before, heavy, several = blocks.pop()
            mean = (mean * mass + before * heavy) / (mass + heavy)
            mass += heavy
            count += several
        blocks.append((mean, mass, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    for vertex, mean, room in zip(row, means, rooms, strict=True):
        x[vertex] = mean + room
