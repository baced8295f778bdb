"""What the parts of a recorder tell each other while torch runs."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils._pytree import tree_leaves

from linefit.graph.nodes import copied, version_of
from linefit.graph.recorder.clock import Clock


class Copies:
    """Copies of gradients on their way through a pass: what one node sends the next one receives.

    So most gradients are copied once: the tensor that arrives is the one that was sent, or its
    version says that it was changed.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Tensor], int, Tensor]] = {}
        self._task = -1

    def begin(self, task: int) -> None:
        """Forget the gradients of an earlier backward pass."""
        if task != self._task:
            self._known.clear()
            self._task = task

    def of(self, grad: Tensor | None) -> Tensor | None:
        """Return a copy of a gradient; None if it has no numbers that can be read."""
        if grad is None:
            return None
        version = version_of(grad)
        known = self._known.get(id(grad))
        if known is not None and known[1] == version and known[0]() is grad:
            return known[2]
        copy = copied(grad)
        if copy is not None:
            self._known[id(grad)] = (weakref.ref(grad), version, copy)
        return copy

    def clear(self) -> None:
        """Forget all of them."""
        self._known.clear()


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
        Whether the recorder or the engine is running, so that calls of torch are not the user's.
    failed : Failure or None
        Why the recording could not go on, where it could not.
    ticks : int
        How many backward nodes have run.
    scope : tuple of str
        The calls of modules that are running, the outermost first.
    clock : Clock
        How long what has run so far has taken.
    copies : Copies
        Copies of the gradients that are on their way.
    """

    def __init__(self) -> None:
        self.paused = False
        self.failed: Failure | None = None
        self.ticks = 0
        self.scope: tuple[str, ...] = ()
        self.clock = Clock()
        self.copies = Copies()

    def fail(self, place: str, values: Sequence[Any], error: Exception) -> None:
        """Keep the recorder's first error, to be raised when the graph is read."""
        if self.failed is None:
            kinds = sorted({_kind(v) for v in tree_leaves(values) if isinstance(v, Tensor)})
            self.failed = Failure(place, kinds, error)


def _kind(tensor: Tensor) -> str:
    """Return what kind of tensor it is, as a user would say."""
    layout = str(tensor.layout).removeprefix("torch.")
    kind = type(tensor).__name__
    return f"a {layout} {'nested ' if tensor.is_nested else ''}{kind}"
