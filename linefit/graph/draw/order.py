"""Order the vertices of each layer from left to right so that few edges cross.

The method is Sugiyama's: a vertex goes to the barycenter of its neighbors in the layer above, then
below, and so on in sweeps; between sweeps neighbors in a layer are swapped where that helps.  As
the result depends on the start, there are several, and the one with the fewest crossings is kept;
among equals, the one in which most operands stand from left to right as they were written.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

SEVERAL = 2000  # vertices of all starts together, unless the first has more
SWEEPS = 24
PATIENCE = 8  # sweeps without fewer crossings before giving up
SWAPS = 10  # rounds of swaps after a sweep

Rows = list[list[int]]
Neighbors = Sequence[Sequence[int]]  # of each vertex


def order(layer: Sequence[int], edges: Iterable[tuple[int, int]]) -> Rows:
    """Return the vertices of each layer; each edge leads from a layer to the next."""
    above: Rows = [[] for _ in layer]
    below: Rows = [[] for _ in layer]
    for source, target in edges:
        below[source].append(target)
        above[target].append(source)
    best: tuple[int, int, Rows] | None = None
    for start in islice(_starts(above, below), max(1, SEVERAL // len(layer))):
        rows: Rows = [[] for _ in range(max(layer) + 1)]
        for vertex in start:
            rows[layer[vertex]].append(vertex)
        rows = _improved(rows, above, below)
        found = (count_crossings(rows, below), count_reversed(rows, above), rows)
        best = found if best is None else min(best, found, key=lambda each: each[:2])
    return best[2] if best else []


def _starts(above: Neighbors, below: Neighbors) -> Iterator[Iterable[int]]:
    """Yield all vertices in several orders."""
    results = [vertex for vertex, users in enumerate(below) if not users]
    inputs = [vertex for vertex, operands in enumerate(above) if not operands]
    yield _depth_first(results, above)
    yield _depth_first(results[::-1], [operands[::-1] for operands in above])
    yield _depth_first(inputs, below)
    yield range(len(above))


def _depth_first(starts: Sequence[int], neighbors: Neighbors) -> Iterator[int]:
    """Yield the vertices that can be reached, each before its neighbors."""
    seen: set[int] = set()
    stack = list(reversed(starts))
    while stack:
        vertex = stack.pop()
        if vertex not in seen:
            seen.add(vertex)
            yield vertex
            stack.extend(reversed(neighbors[vertex]))


def _improved(rows: Rows, above: Neighbors, below: Neighbors) -> Rows:
    """Return the rows with the fewest crossings that sweeps find from a start."""
    position = [0] * len(above)
    for row in rows:
        _number(row, position)
    fewest = count_crossings(rows, below)
    best = [list(row) for row in rows]
    idle = 0
    for sweep in range(SWEEPS):
        if fewest == 0 or idle == PATIENCE:
            break
        mirrored = sweep // 2 % 2 == 1  # the order of equals alternates, too
        if sweep % 2 == 1:
            _sweep(rows, above, position, mirrored=mirrored)
        else:
            _sweep(rows[::-1], below, position, mirrored=mirrored)
        _swap(rows, above, below, position)
        crossings = count_crossings(rows, below)
        idle += 1
        if crossings < fewest:
            fewest = crossings
            best = [list(row) for row in rows]
            idle = 0
    return best


def _number(row: Sequence[int], position: list[int]) -> None:
    for i, vertex in enumerate(row):
        position[vertex] = i


def _sweep(rows: Rows, near: Neighbors, position: list[int], *, mirrored: bool) -> None:
    """Sort each row by the barycenters of its vertices' neighbors in the row before.

    A vertex without such neighbors stays where it is.
    """
    for row in rows:
        places = [i for i, v in enumerate(row) if near[v]]
        moving = [row[i] for i in places]
        barycenter = {v: sum([position[n] for n in near[v]]) / len(near[v]) for v in moving}
        if mirrored:
            moving.reverse()
        moving.sort(key=barycenter.__getitem__)
        for i, v in zip(places, moving, strict=True):
            row[i] = v
        _number(row, position)


def _swap(rows: Rows, above: Neighbors, below: Neighbors, position: list[int]) -> None:
    """Swap neighbors within rows as long as edges cross less, for a limited number of rounds."""
    waiting = set(range(len(rows)))
    for _ in range(SWAPS):
        changed = [i for i in sorted(waiting) if _swap_in(rows[i], above, below, position)]
        waiting = {i + step for i in changed for step in (-1, 0, 1)} & set(range(len(rows)))


def _swap_in(row: list[int], above: Neighbors, below: Neighbors, position: list[int]) -> bool:
    """Swap neighbors once from left to right; return whether that has changed the row."""
    before = list(row)
    up = {v: sorted([position[n] for n in above[v]]) for v in row}
    down = {v: sorted([position[n] for n in below[v]]) for v in row}
    for i in range(len(row) - 1):
        one, other = row[i : i + 2]
        now = _between(up[one], up[other]) + _between(down[one], down[other])
        if now and _between(up[other], up[one]) + _between(down[other], down[one]) < now:
            row[i : i + 2] = other, one
    _number(row, position)
    return row != before


def _between(left: Sequence[int], right: Sequence[int]) -> int:
    """Return how often the edges of a vertex cross those of the vertex to its right."""
    if not left or not right or left[-1] <= right[0]:
        return 0
    return sum([bisect_left(right, end) for end in left])


def count_crossings(rows: Rows, below: Neighbors) -> int:
    """Return how often edges cross between layers."""
    total = 0
    for upper, lower in pairwise(rows):
        position = {vertex: i for i, vertex in enumerate(lower)}
        total += _inversions([end for v in upper for end in sorted(position[n] for n in below[v])])
    return total


def count_reversed(rows: Rows, above: Neighbors) -> int:
    """Return how many pairs of operands stand in the reverse order."""
    position = {vertex: i for row in rows for i, vertex in enumerate(row)}
    return sum(_inversions([position[operand] for operand in operands]) for operands in above)


def _inversions(numbers: Iterable[int]) -> int:
    """Return how many pairs of numbers have the larger one first."""
    total = 0
    before: list[int] = []
    for number in numbers:
        total += len(before) - bisect_right(before, number)
        insort(before, number)
    return total
