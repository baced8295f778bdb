"""The life of a graph step by step: forward as it was built, backward as the engine went.

A step is data; its sentence is written by :mod:`linefit.graph.sentences` when it is asked for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from linefit.graph import sentences
from linefit.graph.nodes import Edge, Node, Output, OutputRef, Run
from linefit.graph.numbers import dense, same
from linefit.graph.steps.rules import LocalDerivative, local_derivative

Phase = Literal["inputs", "forward", "seed", "backward", "sum", "hook", "write", "later"]
MODULE_HOOK = "BackwardHookFunctionBackward"
Reached = tuple[Node, int, Tensor | None, Tensor | None]


@dataclass(frozen=True, eq=False, kw_only=True)
class PassStep:
    """One step of the forward or of the backward pass.

    Attributes
    ----------
    phase : str
        "inputs" for all that is there from the beginning; "forward" for an operation; "seed" for
        a gradient that no node of the graph has sent, as where a backward pass begins; "backward"
        for a node that passes gradients on; "sum" for parts that are added up where a value was
        used more than once; "hook" for a gradient that a hook has changed; "write" for a leaf
        whose ``.grad`` is written; "later", at the end, for leaves whose ``.grad`` the program has
        changed since.
    nodes : tuple of Node
        The nodes that it is about.
    edges : tuple of Edge
        The edges along which something passes.
    grads : tuple
        What gradients have become: a node, the number of its output, the gradient that has reached
        it so far, and the tensor's ``.grad`` where torch keeps one.
    parts : tuple
        What came back along edges, summed over the passes: an edge and its gradient.
    """

    phase: ClassVar[Phase]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    grads: tuple[Reached, ...] = ()
    parts: tuple[tuple[Edge, Tensor], ...] = ()

    @property
    def words(self) -> str:
        """What happens, with the numbers."""
        raise NotImplementedError


class _Inputs(PassStep):
    phase = "inputs"

    @property
    def words(self) -> str:
        return sentences.inputs(self.nodes)


class _Forward(PassStep):
    phase = "forward"

    @property
    def words(self) -> str:
        return sentences.forward(self.nodes[0], self.edges)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Seed(PassStep):
    phase = "seed"
    output: int
    gradient: Tensor | None

    @property
    def words(self) -> str:
        return sentences.seed(self.nodes[0], self.output, self.gradient)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Backward(PassStep):
    phase = "backward"
    run: Run
    sent: tuple[tuple[Edge, Tensor], ...]
    factors: tuple[LocalDerivative | None, ...]

    @property
    def words(self) -> str:
        return sentences.backward(self.nodes[0], self.run, self.sent, self.factors)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Sum(PassStep):
    phase = "sum"
    output: int
    terms: tuple[Tensor, ...]
    uses: int

    @property
    def words(self) -> str:
        total = _sum(self.terms)
        return sentences.add_up(self.nodes[0], self.output, self.terms, total, uses=self.uses)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Hook(PassStep):
    phase = "hook"
    output: int
    before: Tensor | None
    after: Tensor | None
    certain: bool = True  # else it may be a gradient that was given for this tensor
    stored: bool = False  # the change is that of a leaf's .grad

    @property
    def words(self) -> str:
        node = self.nodes[0]
        output = self.output
        if not self.certain:
            return sentences.other_gradient(node, output, self.before, self.after)
        return sentences.hook(node, output, self.before, self.after, stored=self.stored)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Write(PassStep):
    phase = "write"
    before: Tensor | None
    after: Tensor | None

    @property
    def words(self) -> str:
        return sentences.write(self.nodes[0], self.before, self.after)


class _Later(PassStep):
    phase = "later"

    @property
    def words(self) -> str:
        return sentences.later(self.nodes)


def steps_of(nodes: Sequence[Node], edges: Sequence[Edge]) -> tuple[PassStep, ...]:
    """Return the steps of a graph in the order in which they happened."""
    inputs: defaultdict[Node, list[Edge]] = defaultdict(list)
    for edge in edges:
        inputs[edge.target].append(edge)
    given = tuple(n for n in nodes if n not in inputs and n.kind != "operation")
    there = set(given)
    made = [n for n in nodes if n not in there]
    first = [_Inputs(nodes=given)] if given else []
    forward = [(n._tick, 1, _Forward(nodes=(n,), edges=tuple(inputs[n]))) for n in made]
    backward = [(tick, 0, step) for tick, step in _BackwardPasses(nodes, inputs).steps()]
    happened = sorted([*forward, *backward], key=lambda event: event[:2])
    changed = tuple(n for n in nodes if n.is_leaf and n._runs and n.outputs[0].has_other_grad())
    last = [_Later(nodes=changed)] if changed else []
    return (*first, *(step for _, _, step in happened), *last)


class _BackwardPasses:
    """Go through all runs of backward nodes, and add up what torch adds up."""

    def __init__(self, nodes: Sequence[Node], inputs: Mapping[Node, list[Edge]]) -> None:
        self.inputs = inputs
        runs = [(run, node) for node in nodes for run in node._runs]
        self.runs = sorted(runs, key=lambda pair: pair[0].tick)
        self.sums: dict[OutputRef, Output] = {}  # what has reached each output
        self.accumulated: dict[Node, Tensor | None] = {}  # the .grad of each leaf
        self.along: dict[Edge, Tensor] = {}  # what has come back along each edge
        self.parts: defaultdict[tuple[int, OutputRef], list[Tensor]] = defaultdict(list)
        # the same, for all versions of a tensor together: they have one backward node
        self.arrived: defaultdict[tuple[int, OutputRef], list[Tensor]] = defaultdict(list)
        self.uses = Counter(
            (edge.source, edge.output)
            for into in inputs.values()
            for edge in into
            if edge.input is not None
        )
        self.awaited = Counter(
            (run.task, (edge.source, edge.output))
            for run, node in self.runs
            for edge, _ in self._sent(node, run)
        )

    def _sent(self, node: Node, run: Run) -> tuple[tuple[Edge, Tensor], ...]:
        """Return the edges along which a run has sent something, and what."""
        tracked = [e for e in self.inputs.get(node, ()) if e.input is not None and run.sent]
        pairs = [(edge, run.sent[edge.input or 0]) for edge in tracked]
        return tuple((edge, grad) for edge, grad in pairs if grad is not None)

    def steps(self) -> Iterator[tuple[int, PassStep]]:
        """Yield the steps, each with the number of the run that it belongs to."""
        for run, node in self.runs:
            if node.is_leaf:
                for step in self._write(node, run):
                    yield run.tick, step
                continue
            grads = tuple(self._receive(node, run))
            for reached in grads:
                if not self._sent_to(reached[:2], run.task):  # no node of the graph has sent it
                    yield run.tick, self._seed(reached, run)
                elif (hook := self._hook(reached, run)) is not None:
                    yield run.tick, hook
            sent = self._sent(node, run)
            for edge, grad in sent:
                self._send(edge, grad, run.task)
            yield run.tick, self._pass_on(node, run, sent, grads)
            for step in self._module_hooks(node, run, sent):
                yield run.tick, step
            for output in dict.fromkeys((edge.source, edge.output) for edge, _ in sent):
                if self._complete(run.task, output) and len(self.parts[run.task, output]) > 1:
                    yield run.tick, self._sum(run.task, output)

    def _receive(self, node: Node, run: Run) -> Iterator[Reached]:
        """Take what a run has received as its outputs' gradients; hooks may have changed it."""
        for i, grad in enumerate(run.received[: len(node.outputs)]):
            if grad is not None:
                self._sum_of((node, i)).receive(grad, run.task, whole=True)
                accumulated = node.outputs[i].accumulated if run is node._runs[-1] else None
                yield node, i, self._sum_of((node, i)).grad, accumulated

    def _sum_of(self, output: OutputRef) -> Output:
        return self.sums.setdefault(output, Output(requires_grad=True, is_leaf=False))

    def _send(self, edge: Edge, grad: Tensor, task: int) -> None:
        output = edge.source, edge.output
        self._sum_of(output).receive(grad, task)
        self.parts[task, output].append(grad)
        self._sent_to(output, task).append(grad)
        self.along[edge] = self.along[edge] + grad if edge in self.along else grad

    def _sent_to(self, output: OutputRef, task: int) -> list[Tensor]:
        """Return what has been sent to an output and to other versions of the same tensor."""
        node, number = output
        while node._before is not None and node._before.grad_fn is node.grad_fn:
            node = node._before
        return self.arrived[task, (node, number)]

    def _complete(self, task: int, output: OutputRef) -> bool:
        return len(self.parts[task, output]) == self.awaited[task, output]

    def _reached(self, output: OutputRef) -> Reached:
        node, number = output
        return node, number, self._sum_of(output).grad, self.accumulated.get(node)

    def _seed(self, reached: Reached, run: Run) -> PassStep:
        node, number = reached[:2]
        gradient = run.received[number]
        return _Seed(nodes=(node,), grads=(reached,), output=number, gradient=gradient)

    def _hook(self, reached: Reached, run: Run) -> PassStep | None:
        """Return the step of a gradient that comes to its node other than it was sent."""
        node, number = reached[:2]
        before = _sum(self._sent_to((node, number), run.task))
        after = run.received[number]
        if after is None or same(before, after) or (not run.hooked and _close(before, after)):
            return None
        return _Hook(
            nodes=(node,),
            grads=(reached,),
            output=number,
            before=before,
            after=after,
            certain=run.hooked,
        )

    def _module_hooks(
        self, node: Node, run: Run, sent: tuple[tuple[Edge, Tensor], ...]
    ) -> Iterator[PassStep]:
        """Yield the steps of the gradients that a module's backward hooks have changed.

        Torch puts its own node around such a module; without hooks it changes nothing.
        """
        if node.backward_name != MODULE_HOOK:
            return
        for edge, after in sent:
            before = run.received[edge.input or 0]
            if before is not None and not same(before, after):
                yield _Hook(nodes=(edge.source,), output=edge.output, before=before, after=after)

    def _pass_on(
        self,
        node: Node,
        run: Run,
        sent: tuple[tuple[Edge, Tensor], ...],
        grads: tuple[Reached, ...],
    ) -> PassStep:
        outputs = dict.fromkeys((edge.source, edge.output) for edge, _ in sent)
        alone = [output for output in outputs if self.awaited[run.task, output] == 1]
        return _Backward(
            nodes=(node,),
            edges=tuple(edge for edge, _ in sent),
            grads=(*grads, *map(self._reached, alone)),
            parts=tuple((edge, self.along[edge]) for edge, _ in sent),
            run=run,
            sent=sent,
            factors=tuple(local_derivative(node, run, self.inputs[node], e) for e, _ in sent),
        )

    def _sum(self, task: int, output: OutputRef) -> PassStep:
        node, number = output
        return _Sum(
            nodes=(node,),
            grads=(self._reached(output),),
            output=number,
            terms=tuple(self.parts[task, output]),
            uses=self.uses[output],
        )

    def _write(self, leaf: Node, run: Run) -> Iterator[PassStep]:
        """Yield the step that writes a leaf's ``.grad``, and those of hooks before and after it."""
        (before,) = run.sent
        (after,) = run.received
        sent = self._sent_to((leaf, 0), run.task)
        arrived = run.arrived
        written = after
        if run.hooked and arrived is not None:
            if sent and not same(_sum(sent), arrived):
                yield _Hook(nodes=(leaf,), output=0, before=_sum(sent), after=arrived)
            written = arrived if before is None else before + arrived
        changed = after is not None and written is not None and not same(written, after)
        self.accumulated[leaf] = written if changed else after
        grads = (self._reached((leaf, 0)),)
        yield _Write(nodes=(leaf,), grads=grads, before=before, after=self.accumulated[leaf])
        if changed:
            self.accumulated[leaf] = after
            grads = (self._reached((leaf, 0)),)
            yield _Hook(
                nodes=(leaf,), grads=grads, output=0, before=written, after=after, stored=True
            )


def _sum(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _close(one: Tensor, other: Tensor) -> bool:
    """Whether two gradients differ by no more than a sum in another order does."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return torch.allclose(dense(one), dense(other), rtol=1e-4, atol=1e-6, equal_nan=True)
