"""Free deep graphs in pieces, and collect garbage rarely while many objects are made.

Once Python has seen the nodes of a chain, torch (2.13) frees them one inside the other, and some
ten thousand levels overflow the stack.  So a recording keeps a node every few thousand levels, and
those outlive it until nothing else needs them.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

PIECE = 2000  # levels that are freed at once
RARELY = 50_000  # new objects between two searches for garbage; Python's own number is 700
_kept: dict[Any, None] = {}


def crosses_pieces(depth: int, other: int) -> bool:
    """Whether an edge between two depths leads from one piece of the graph to another."""
    return depth // PIECE != other // PIECE


def keep(functions: Iterable[Any]) -> None:
    """Keep the backward nodes at which a graph is cut into pieces, the deepest first."""
    _kept.update(dict.fromkeys(functions))


def release() -> None:
    """Free the pieces that nothing but this module refers to."""
    needed = []
    while _kept:
        alone = [_kept.popitem()[0]]
        if _references(alone) > _ONE:
            needed += alone
    _kept.update(dict.fromkeys(reversed(needed)))


def _references(only: list[Any]) -> int:
    return sys.getrefcount(only[0])


_ONE = _references([object()])  # what Python counts where only a list refers to an object


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Let Python search for garbage less often while many objects are made that stay."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], RARELY) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def without_collecting() -> Iterator[None]:
    """Switch Python's search for garbage off while many objects are made that all stay."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
