"""What the parts of a recorder tell each other while torch runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_leaves

from linefit.graph.errors import GraphError


class State:
    """What is going on at this moment of a recording.

    Attributes
    ----------
    paused : bool
        Whether the recorder or the engine is at work, so that what torch does is not the user's.
    failed : GraphError or None
        Why the recording could not go on, where it could not.
    ticks : int
        How many backward nodes have run.
    scope : tuple of str
        The calls of modules that are running, the outermost first.
    """

    def __init__(self) -> None:
        self.paused = False
        self.failed: GraphError | None = None
        self.ticks = 0
        self.scope: tuple[str, ...] = ()

    def fail(self, name: str, values: Sequence[Any], error: Exception) -> None:
        """Keep an error of the recorder for whoever reads the graph, with the kinds of tensors."""
        if self.failed is None:
            kinds = sorted({_kind(v) for v in tree_leaves(values) if isinstance(v, Tensor)})
            self.failed = GraphError(
                f"The recording ends before {name}, of {', '.join(kinds) or 'no tensors'}: {error}"
            )
            self.failed.__cause__ = error.with_traceback(None)


def _kind(tensor: Tensor) -> str:
    """Return what kind of tensor it is, as a user would say."""
    layout = str(tensor.layout).removeprefix("torch.")
    kind = type(tensor).__name__
    return f"a {layout} {'nested ' if tensor.is_nested else ''}{kind}"
