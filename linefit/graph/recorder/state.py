"""What the parts of a recorder tell each other while torch runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils._pytree import tree_leaves

from linefit.graph.recorder.clock import Clock


class Failure(NamedTuple):
    """Where a recording could not go on: at what call, with what kinds of tensors, and why."""

    place: str
    kinds: list[str]
    error: Exception


class State:
    """What is going on at this moment of a recording.

    Attributes
    ----------
    paused : bool
        Whether the recorder or the engine is at work, so that what torch does is not the user's.
    failed : Failure or None
        Why the recording could not go on, where it could not.
    ticks : int
        How many backward nodes have run.
    scope : tuple of str
        The calls of modules that are running, the outermost first.
    clock : Clock
        How long what has run so far has taken.
    """

    def __init__(self) -> None:
        self.paused = False
        self.failed: Failure | None = None
        self.ticks = 0
        self.scope: tuple[str, ...] = ()
        self.clock = Clock()

    def fail(self, place: str, values: Sequence[Any], error: Exception) -> None:
        """Keep the first error of the recorder for whoever reads the graph."""
        if self.failed is None:
            kinds = sorted({_kind(v) for v in tree_leaves(values) if isinstance(v, Tensor)})
            self.failed = Failure(place, kinds, error)


def _kind(tensor: Tensor) -> str:
    """Return what kind of tensor it is, as a user would say."""
    layout = str(tensor.layout).removeprefix("torch.")
    kind = type(tensor).__name__
    return f"a {layout} {'nested ' if tensor.is_nested else ''}{kind}"
