"""Copy the gradients that each backward node receives and sends on, in the engine's order."""

from __future__ import annotations

import weakref

import torch
from torch import Tensor

from linefit.graph.nodes import Node, Output, Run, copied, is_readable
from linefit.graph.recorder.state import State

Gradients = tuple[Tensor | None, ...]


class GradientHook:
    """The hook on a backward node; it works for as long as the recorded graph exists.

    A leaf may belong to other graphs too, so for leaves only the change of ``.grad`` is noted;
    the gradient that comes to them through this graph is what its nodes send them.
    """

    __slots__ = ("arrived", "grad_before", "reference", "state")

    def __init__(self, node: Node, state: State) -> None:
        self.reference = weakref.ref(node)
        self.state = state
        self.arrived: Tensor | None = None  # what a leaf is to add to its .grad
        self.grad_before: Tensor | None = None  # the .grad of a leaf before its node runs

    def before(self, received: Gradients) -> None:
        """Copy the ``.grad`` of a leaf before its ``AccumulateGrad`` node adds to it."""
        node = self.reference()
        if node is None:
            return
        was_paused = self.state.paused
        self.state.paused = True
        with torch._C.DisableTorchFunction():
            node.outputs[0].copy_grad()
            self.grad_before = node.accumulated
            self.arrived = copied(received[0]) if received else None
        self.state.paused = was_paused
        self.state.clock.go_on()

    def after(self, sent: Gradients, received: Gradients) -> None:
        """Add a run to the node after it has run."""
        node = self.reference()
        if node is None:
            return
        state = self.state
        task = torch._C._current_graph_task_id()
        state.clock.stop(node.scope, task)
        was_paused = state.paused
        state.paused = True
        state.ticks += 1
        with torch._C.DisableTorchFunction():
            node.add_run(self._run(node, sent, received))
        state.paused = was_paused
        state.clock.go_on()

    def _run(self, node: Node, sent: Gradients, received: Gradients) -> Run:
        """Return what a node has received and sent, as copies."""
        task = torch._C._current_graph_task_id()
        kept = torch._C._autograd._get_current_graph_task_keep_graph()
        readable = all(grad is None or is_readable(grad) for grad in (*sent, *received))
        hooked = any(map(_has_hooks, node.outputs))
        if node.is_leaf:
            node.outputs[0].copy_grad()
            received = (node.accumulated,)
            sent = (self.grad_before,)
        else:
            received = tuple(map(copied, received))
            sent = tuple(map(copied, sent))
        arrived = self.arrived
        self.grad_before = None
        self.arrived = None
        return Run(task, self.state.ticks, received, sent, kept, hooked, arrived, readable=readable)


def _has_hooks(output: Output) -> bool:
    """Whether the user has put hooks on a tensor, which may change its gradient."""
    tensor = output._tensor
    return tensor is not None and bool(
        tensor._backward_hooks or getattr(tensor, "_post_accumulate_grad_hooks", None)
    )
