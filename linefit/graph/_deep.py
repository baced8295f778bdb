"""Let go of a deep graph in pieces.

Once Python has seen the nodes of a chain, torch (2.13) frees them one inside the other, and some
ten thousand levels overflow the stack.  So a recording remembers a node every few thousand levels,
and those outlive it until nothing else needs them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

STRIDE = 2000  # levels that are freed at once
_kept: dict[Any, None] = {}


def crosses(level: int, other: int) -> bool:
    """Whether an edge between two levels leads from one piece to another."""
    return level // STRIDE != other // STRIDE


def keep(functions: Iterable[Any]) -> None:
    """Take over the backward nodes between two pieces, the deepest first."""
    _kept.update(dict.fromkeys(functions))


def release() -> None:
    """Free the pieces that nothing but this module holds."""
    needed = []
    while _kept:
        alone = [_kept.popitem()[0]]
        if _references(alone) > _ONE:
            needed += alone
    _kept.update(dict.fromkeys(reversed(needed)))


def _references(only: list[Any]) -> int:
    return sys.getrefcount(only[0])


_ONE = _references([object()])  # what Python counts where a list alone holds something
