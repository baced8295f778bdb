"""The life of a graph as single steps: forward as it was built, backward as the engine went."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from linefit.graph import _words
from linefit.graph._nodes import Edge, Node, Run
from linefit.graph._output import Output
from linefit.graph._rules import local

Phase = Literal["inputs", "forward", "seed", "backward", "sum", "write"]
Place = tuple[Node, int]  # an output of a node
Reached = tuple[Node, int, Tensor | None, Tensor | None]


@dataclass(frozen=True)
class Step:
    """One step of the forward or of the backward pass.

    Attributes
    ----------
    phase : str
        "inputs" for all that is there from the beginning; "forward" for an operation; "seed" for
        a gradient that no node of the graph has sent, as where a backward pass begins; "backward"
        for a node that passes gradients on; "sum" for parts that are added up where a value was
        used more than once; "write" for a leaf whose ``.grad`` is written.
    words : str
        What happens, with the numbers.
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

    phase: Phase
    words: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    grads: tuple[Reached, ...] = ()
    parts: tuple[tuple[Edge, Tensor], ...] = ()


def steps_of(nodes: Sequence[Node], edges: Sequence[Edge]) -> tuple[Step, ...]:
    """Return the steps of a graph in the order in which they happened."""
    inputs: defaultdict[Node, list[Edge]] = defaultdict(list)
    for edge in edges:
        inputs[edge.target].append(edge)
    given = tuple(n for n in nodes if n not in inputs and n.kind != "operation")
    there = set(given)
    made = [n for n in nodes if n not in there]
    first = [Step("inputs", _words.inputs(given), given)] if given else []
    forward = [
        (n._tick, 1, Step("forward", _words.forward(n, inputs[n]), (n,), tuple(inputs[n])))
        for n in made
    ]
    story = _Backward(nodes, inputs)
    backward = [(tick, 0, step) for tick, step in story.steps()]
    happened = sorted([*forward, *backward], key=lambda event: event[:2])
    return (*first, *(step for _, _, step in happened))


class _Backward:
    """Go through all runs of backward nodes, and add up what torch adds up."""

    def __init__(self, nodes: Sequence[Node], inputs: Mapping[Node, list[Edge]]) -> None:
        self.inputs = inputs
        runs = [(run, node) for node in nodes for run in node._runs]
        self.runs = sorted(runs, key=lambda pair: pair[0].tick)
        self.sums: dict[Place, Output] = {}  # what has reached each output
        self.kept: dict[Node, Tensor | None] = {}  # the .grad of each leaf
        self.along: dict[Edge, Tensor] = {}  # what has come back along each edge
        self.parts: defaultdict[tuple[int, Place], list[Tensor]] = defaultdict(list)
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

    def _sent(self, node: Node, run: Run) -> list[tuple[Edge, Tensor]]:
        """Return the edges along which a run has sent something, and what."""
        tracked = [e for e in self.inputs.get(node, ()) if e.input is not None and run.sent]
        pairs = [(edge, run.sent[edge.input or 0]) for edge in tracked]
        return [(edge, grad) for edge, grad in pairs if grad is not None]

    def steps(self) -> Iterator[tuple[int, Step]]:
        """Yield the steps, each with the number of the run that it belongs to."""
        for run, node in self.runs:
            if node.is_leaf:
                yield run.tick, self._write(node, run)
                continue
            grads = tuple(self._receive(node, run))
            for reached in grads:
                if not self.parts[run.task, reached[:2]]:  # no node of the graph has sent it
                    words = _words.seed(*reached[:2], run.received[reached[1]])
                    yield run.tick, Step("seed", words, (node,), (), (reached,))
            sent = self._sent(node, run)
            for edge, grad in sent:
                self._send(edge, grad, run.task)
            yield run.tick, self._pass_on(node, run, sent, grads)
            for place in dict.fromkeys((edge.source, edge.output) for edge, _ in sent):
                if self._complete(run.task, place) and len(self.parts[run.task, place]) > 1:
                    yield run.tick, self._sum(run.task, place)

    def _receive(self, node: Node, run: Run) -> Iterator[Reached]:
        """Take what a run has got as the gradients of its outputs; hooks may have changed it."""
        for i, grad in enumerate(run.received[: len(node.outputs)]):
            if grad is not None:
                self._sum_of((node, i)).receive(grad, run.task, whole=True)
                kept = node.outputs[i].accumulated if run is node._runs[-1] else None
                yield node, i, self._sum_of((node, i)).grad, kept

    def _sum_of(self, place: Place) -> Output:
        return self.sums.setdefault(place, Output(requires_grad=True, is_leaf=False))

    def _send(self, edge: Edge, grad: Tensor, task: int) -> None:
        place = edge.source, edge.output
        self._sum_of(place).receive(grad, task)
        self.parts[task, place].append(grad)
        self.along[edge] = self.along[edge] + grad if edge in self.along else grad

    def _complete(self, task: int, place: Place) -> bool:
        return len(self.parts[task, place]) == self.awaited[task, place]

    def _reached(self, place: Place) -> Reached:
        node, output = place
        return node, output, self._sum_of(place).grad, self.kept.get(node)

    def _pass_on(
        self, node: Node, run: Run, sent: list[tuple[Edge, Tensor]], grads: tuple[Reached, ...]
    ) -> Step:
        rules = [local(node, run, self.inputs[node], edge) for edge, _ in sent]
        words = _words.backward(node, run, sent, rules)
        places = dict.fromkeys((edge.source, edge.output) for edge, _ in sent)
        alone = [place for place in places if self.awaited[run.task, place] == 1]
        parts = tuple((edge, self.along[edge]) for edge, _ in sent)
        edges = tuple(edge for edge, _ in sent)
        return Step("backward", words, (node,), edges, (*grads, *map(self._reached, alone)), parts)

    def _sum(self, task: int, place: Place) -> Step:
        parts = self.parts[task, place]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        words = _words.add_up(*place, parts, total, uses=self.uses[place])
        return Step("sum", words, (place[0],), (), (self._reached(place),))

    def _write(self, leaf: Node, run: Run) -> Step:
        (before,), (after,) = run.sent, run.received
        self.kept[leaf] = after
        words = _words.write(leaf, before, after)
        return Step("write", words, (leaf,), (), (self._reached((leaf, 0)),))
