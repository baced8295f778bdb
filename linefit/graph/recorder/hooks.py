"""Copy the gradients that each backward node receives and sends on, in the engine's order."""

from __future__ import annotations

import weakref

import torch
from torch import Tensor

from linefit.graph.nodes import Node, Run
from linefit.graph.recorder.state import State

Gradients = tuple[Tensor | None, ...]


class GradientHook:
    """The hook on a backward node; it works for as long as the recorded graph exists.

    A leaf may belong to other graphs too, so for leaves only the change of ``.grad`` is noted;
    the gradient that comes to them through this graph is what its nodes send them.
    """

    __slots__ = ("grad_before", "reference", "state")

    def __init__(self, node: Node, state: State) -> None:
        self.reference = weakref.ref(node)
        self.state = state
        self.grad_before: Tensor | None = None  # the .grad of a leaf before its node runs

    def before(self, _received: Gradients) -> None:
        """Copy the ``.grad`` of a leaf before its ``AccumulateGrad`` node adds to it."""
        node = self.reference()
        if node is None:
            return
        was_paused = self.state.paused
        self.state.paused = True
        node.outputs[0].copy_grad()
        self.grad_before = node.accumulated
        self.state.paused = was_paused

    def after(self, sent: Gradients, received: Gradients) -> None:
        """Add a run to the node after it has run."""
        node = self.reference()
        if node is None:
            return
        state = self.state
        was_paused = state.paused
        state.paused = True
        state.ticks += 1
        task = torch._C._current_graph_task_id()
        if node.is_leaf:
            node.outputs[0].copy_grad()
            received = (node.accumulated,)
            sent = (self.grad_before,)
            self.grad_before = None
        else:
            received = _copies(received)
            sent = _copies(sent)
        kept = torch._C._autograd._get_current_graph_task_keep_graph()
        node.add_run(Run(task, state.ticks, received, sent, kept))
        state.paused = was_paused


def _copies(gradients: Gradients) -> Gradients:
    return tuple(None if grad is None else grad.detach().clone() for grad in gradients)
