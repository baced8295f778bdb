"""Arrange boxes in layers, in an order with few crossings, close to their neighbors.

This is Sugiyama's method: every node gets a layer, an edge over several layers is cut into short
ones, the layers are ordered so that few edges cross, and each box then moves as close to its
neighbors as the boxes beside it allow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from linefit.graph.draw.order import order

GAP = 12.0  # between two boxes
SWEEPS = 30
LONG = 4.0  # how much more a long edge pulls than a short one, so that it runs straight


@dataclass(frozen=True)
class Arrangement:
    """The x coordinate and layer of each vertex: first the boxes, then the bends of long edges.

    ``chains`` holds for each edge the vertices that it passes, from its source to its target.
    """

    x: tuple[float, ...]
    layer: tuple[int, ...]
    chains: tuple[tuple[int, ...], ...]


def arrange(
    widths: Sequence[float],
    edges: Sequence[tuple[int, int]],
    *,
    pulls: Sequence[float],
    bend: float,
) -> Arrangement:
    """Arrange boxes of some widths; they are numbered so that every edge goes from low to high.

    The larger the pull of an edge, the straighter it runs; ``bend`` is the room that it takes
    beside boxes.
    """
    layer = _layers(len(widths), edges)
    chains = [_cut(edge, layer) for edge in edges]
    short = [pair for chain in chains for pair in pairwise(chain)]
    rows = order(layer, short)
    sizes = [*widths, *[bend] * (len(layer) - len(widths))]
    springs = [
        (*pair, pull * (LONG if len(chain) > 2 else 1))
        for chain, pull in zip(chains, pulls, strict=True)
        for pair in pairwise(chain)
    ]
    return Arrangement(tuple(_straightened(rows, sizes, springs)), tuple(layer), tuple(chains))


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


def _straightened(
    rows: Sequence[Sequence[int]],
    widths: Sequence[float],
    springs: Sequence[tuple[int, int, float]],
) -> list[float]:
    """Return x of every vertex, after sweeps that move each towards its neighbors."""
    above = defaultdict(list)
    below = defaultdict(list)
    weights = [0.0] * len(widths)
    for source, target, pull in springs:
        above[target].append((source, pull))
        below[source].append((target, pull))
        weights[source] = max(weights[source], pull)
        weights[target] = max(weights[target], pull)
    x = [0.0] * len(widths)
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
            _move(row, widths, x, wanted, [weights[v] or 1.0 for v in row])
    left = min(x[v] - widths[v] / 2 for v in range(len(widths)))
    return [round(value - left, 2) for value in x]


def _move(
    row: Sequence[int],
    widths: Sequence[float],
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
        rooms.append(rooms[-1] + (widths[one] + widths[other]) / 2 + GAP)
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
