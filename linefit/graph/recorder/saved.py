"""List the tensors that backward nodes save in the forward pass, without changing anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from linefit.graph.nodes import Node, Saved
from linefit.graph.recorder.kinds import Rule

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

    def of(self, fn: Any, node: Node, rule: Rule, maker: Maker) -> tuple[Saved, ...]:
        """Return the tensors that a backward node has saved, with the nodes that made them."""
        if _hooks(True) is not None:
            self.hooked = True
            return ()
        if not self.is_new(fn):
            return ()
        if rule.is_custom:
            return () if self.hooked else tuple(_of_custom(fn, node, maker))
        found: list[Saved] = []
        for name, attribute in rule.saved:
            try:
                kept = getattr(fn, attribute)
            except RuntimeError:  # a backward pass has freed it, or it was changed in place
                continue
            if type(kept) is Tensor:
                found.append(Saved(name, kept, *maker(node, kept)))
            elif kept is not None:
                found += _several(name, kept, node, maker)
        return tuple(found)


_hooks = torch._C._autograd._top_saved_tensors_default_hooks


def _of_custom(fn: Any, node: Node, maker: Maker) -> Sequence[Saved]:
    """Return what a custom Function has saved."""
    try:
        kept = fn.saved_tensors
    except RuntimeError:
        return ()
    return () if kept is None else _several("saved", kept, node, maker)


def _several(name: str, kept: Any, node: Node, maker: Maker) -> Sequence[Saved]:
    """Return the saved tensors that one attribute holds: one or a list of them."""
    if isinstance(kept, Tensor):
        return (Saved(name, kept, *maker(node, kept)),)
    parts = enumerate(kept)
    return [Saved(f"{name}[{i}]", t, *maker(node, t)) for i, t in parts if isinstance(t, Tensor)]
