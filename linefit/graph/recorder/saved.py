"""List the tensors that backward nodes save in the forward pass, without changing anything."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction

from linefit.graph.nodes import Node, Saved

Maker = Callable[[Node, Tensor], tuple[Node | None, int]]


class SavedTensors:
    """List the saved tensors of a node, where looking at them changes nothing.

    To look at a saved tensor is to unpack it.  Under saved-tensor hooks that would call the user's
    function, or compute a checkpointed part once more; nodes made there, or before the recording,
    are therefore left alone.
    """

    def __init__(self) -> None:
        alone = torch._C.DisableTorchFunction()  # no part of a recording around this one
        with alone, torch.inference_mode(mode=False), torch.enable_grad():
            first = torch.zeros((), requires_grad=True).clone().grad_fn
        self.first: int = first._sequence_nr()  # type: ignore[union-attr]
        self.hooked = False  # whether any operation ran under saved-tensor hooks

    def is_new(self, fn: Any) -> bool:
        """Whether a backward node was made since the recording began."""
        return bool(fn._sequence_nr() > self.first)

    def of(self, fn: Any, node: Node, maker: Maker) -> tuple[Saved, ...]:
        """Return the tensors that a backward node has saved, with the nodes that made them."""
        custom = isinstance(fn, BackwardCFunction)
        names = () if custom else _names(fn.__class__)
        hooked = torch._C._autograd._top_saved_tensors_default_hooks(True) is not None
        self.hooked = self.hooked or hooked
        if hooked or not (names or custom) or not self.is_new(fn):
            return ()
        if custom:
            return () if self.hooked else tuple(_several("saved", fn, "saved_tensors", node, maker))
        found: list[Saved] = []
        for name, attribute in names:
            found += _several(name, fn, attribute, node, maker)
        return tuple(found)


@cache
def _names(kind: Hashable) -> Sequence[tuple[str, str]]:
    raw = (name for name in dir(kind) if name.startswith("_raw_saved_"))
    return [(name.removeprefix("_raw_saved_"), name.removeprefix("_raw")) for name in raw]


def _several(name: str, fn: Any, attribute: str, node: Node, maker: Maker) -> Sequence[Saved]:
    """Return the saved tensors behind one attribute: none, one or a list of them."""
    try:
        kept = getattr(fn, attribute)
    except RuntimeError:  # a backward pass has freed it, or it was changed in place
        return ()
    if kept is None:
        return ()
    if isinstance(kept, Tensor):
        return (Saved(name, kept, *maker(node, kept)),)
    parts = enumerate(kept)
    return [Saved(f"{name}[{i}]", t, *maker(node, t)) for i, t in parts if isinstance(t, Tensor)]
