"""Copy the gradients that each backward node receives and sends on, in the engine's order."""

from __future__ import annotations

import weakref
from collections.abc import Callable

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
            output = node.outputs[0]
            output.copy_grad()
            self.grad_before = output.accumulated
            self.state.copies.begin(torch._C._current_graph_task_id())
            copy = copied if _has_hooks(output) else self.state.copies.of
            self.arrived = copy(received[0]) if received else None
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
            node.add_run(self._run(node, sent, received, task))
        state.paused = was_paused
        state.clock.go_on()

    def _run(self, node: Node, sent: Gradients, received: Gradients, task: int) -> Run:
        """Return what a node has received and sent, as copies."""
        state = self.state
        kept = torch._C._autograd._get_current_graph_task_keep_graph()
        outputs = node.outputs
        hooked = _has_hooks(outputs[0]) if len(outputs) == 1 else any(map(_has_hooks, outputs))
        state.copies.begin(task)
        if node.is_leaf:
            return self._run_of_leaf(node, received, Run(task, state.ticks, (), (), kept, hooked))
        of = state.copies.of
        got, is_whole = _all_copied(copied if hooked else of, received)
        gave, is_sent_whole = _all_copied(of, sent)
        whole = is_whole and is_sent_whole
        return Run(task, state.ticks, got, gave, kept, hooked, None, whole)

    def _run_of_leaf(self, node: Node, received: Gradients, run: Run) -> Run:
        """Return a leaf's run: its ``.grad`` before and after, and what has arrived for it."""
        output = node.outputs[0]
        arrived = self.arrived
        before = self.grad_before
        self.grad_before = None
        self.arrived = None
        if before is None and not run.hooked and received and _is_grad_of(output, received[0]):
            tensor = output._tensor
            output.keep_grad(None if tensor is None else tensor.grad, arrived)
        else:
            output.copy_grad()
        return run._replace(
            received=(output.accumulated,),
            sent=(before,),
            arrived=arrived,
            readable=all(grad is None or is_readable(grad) for grad in received),
        )


def _all_copied(
    copy: Callable[[Tensor | None], Tensor | None], gradients: Gradients
) -> tuple[Gradients, bool]:
    """Return copies of gradients, and whether all of them could be copied."""
    copies: list[Tensor | None] = []
    is_whole = True
    for gradient in gradients:
        if gradient is None:
            copies.append(None)
            continue
        copies.append(copy(gradient))
        is_whole = is_whole and copies[-1] is not None
    return tuple(copies), is_whole


def _is_grad_of(output: Output, gradient: Tensor | None) -> bool:
    """Whether torch has taken a gradient as it is for the ``.grad`` of a leaf, which had none."""
    tensor = output._tensor
    grad = None if tensor is None else tensor.grad
    if grad is None or gradient is None or type(grad) is not Tensor or type(gradient) is not Tensor:
        return False
    if grad.layout != torch.strided or gradient.layout != torch.strided or grad.is_nested:
        return False
    return (
        is_readable(gradient)
        and grad.data_ptr() == gradient.data_ptr() != 0
        and grad.shape == gradient.shape
        and grad.stride() == gradient.stride()
        and grad._version == gradient._version
    )


def _has_hooks(output: Output) -> bool:
    """Whether the user has put hooks on a tensor, which may change its gradient."""
    tensor = output._tensor
    if tensor is None:
        return False
    return bool(
        tensor._backward_hooks
        or (output.is_leaf and getattr(tensor, "_post_accumulate_grad_hooks", None))
    )
