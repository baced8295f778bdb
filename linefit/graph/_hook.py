"""Listen to the engine: what each backward node gets and sends on, and in which order."""

from __future__ import annotations

import weakref

import torch
from torch import Tensor

from linefit.graph._nodes import Node, Run

Gradients = tuple[Tensor | None, ...]


class Switch:
    """Say whether what happens now is the user's, or the recorder's and the engine's own."""

    def __init__(self) -> None:
        self.off = False
        self.ticks = 0  # how many backward nodes have run
        self.scope: tuple[str, ...] = ()  # the calls of modules that are running


class Hook:
    """Note what a backward node gets and sends on, for as long as the graph is there.

    A leaf may belong to other graphs too, so for leaves only what ``.grad`` has become is noted;
    what comes to them through this graph is what its nodes send them.
    """

    __slots__ = ("before", "reference", "switch")

    def __init__(self, node: Node, switch: Switch) -> None:
        self.reference = weakref.ref(node)
        self.switch = switch
        self.before: Tensor | None = None  # what the .grad of a leaf was

    def look(self, _received: Gradients) -> None:
        """Run before the node of a leaf runs."""
        node = self.reference()
        if node is None:
            return
        before, self.switch.off = self.switch.off, True
        node.outputs[0].keep_accumulated()
        self.before = node.accumulated
        self.switch.off = before

    def __call__(self, sent: Gradients, received: Gradients) -> None:
        """Run after the node has run."""
        node = self.reference()
        if node is None:
            return
        switch, before = self.switch, self.switch.off
        switch.off = True
        switch.ticks += 1
        task = torch._C._current_graph_task_id()
        if node.is_leaf:
            node.outputs[0].keep_accumulated()
            got: tuple[Gradients, Gradients] = (node.accumulated,), (self.before,)
            self.before = None
        else:
            got = _copies(received), _copies(sent)
        kept = torch._C._autograd._get_current_graph_task_keep_graph()
        node.ran(Run(task, switch.ticks, *got, kept))
        switch.off = before


def _copies(gradients: Gradients) -> Gradients:
    return tuple(None if grad is None else grad.detach().clone() for grad in gradients)
