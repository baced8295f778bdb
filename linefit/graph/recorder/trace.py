"""What a graph reads of a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor

from linefit.graph.errors import GraphError
from linefit.graph.nodes import Edge, Node
from linefit.graph.recorder.ledger import Ledger, describe_unseen
from linefit.graph.recorder.memory import without_collecting
from linefit.graph.recorder.scopes import enter
from linefit.graph.recorder.traverse import Numbers, assemble


class Trace:
    """A ledger as nodes and edges; once the recording is over, always the same ones."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.over = False
        self.unused: tuple[tuple[str, tuple[int, ...]], ...] = ()
        self._numbers: Numbers = {}
        self._nodes: tuple[Node, ...] = ()
        self._edges: tuple[Edge, ...] = ()
        self._read = 0  # how many nodes the ledger had when it was read last

    def read(self) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
        """Return the nodes, each after its inputs, and the edges by the node that they enter.

        Reading leaves the ledger as it is; only while the recording runs, what torch has done
        without telling the recorder is recorded first.
        """
        ledger = self.ledger
        failed = ledger.state.failed
        if failed is not None:
            kinds = ", ".join(failed.kinds) or "no tensors"
            raise GraphError(
                f"The recording ends before {failed.place}, of {kinds}: {failed.error}"
            ) from failed.error
        if not self.over:
            ledger.catch_up()
        if self._read != len(ledger.nodes):
            with without_collecting():
                self._nodes, self._edges = assemble(ledger.nodes, self._numbers)
                for node in self._nodes:
                    if node.grad_fn is not None:
                        describe_unseen(node)
            self._read = len(ledger.nodes)
        return self._nodes, self._edges

    def begin_pass(self) -> None:
        """Note that a backward pass is about to begin."""
        self.ledger.state.clock.begin_pass()

    def seconds(self) -> dict[tuple[str, ...], tuple[float, float]]:
        """Return how long the forward and the backward part of each scope have taken."""
        return self.ledger.state.clock.seconds()

    def finish(self, unused: Sequence[tuple[str, tuple[int, ...]]]) -> None:
        """End the recording: from now on every reading returns the same nodes and edges.

        ``unused`` are names and shapes of the parameters that the modules have not used.
        """
        self.unused = tuple(unused)
        self.over = True
        self._read = 0  # names that came last may have made constants worth showing

    def knows(self, output: Tensor) -> bool:
        """Whether the recording has seen how a tensor was computed."""
        ledger = self.ledger
        # A view that was changed last has no node yet, but what it is a view of has one.
        return not ledger.is_unknown(output) or id(output._base) in ledger.by_tensor

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Give the nodes made in the body a scope of this name."""
        state = self.ledger.state
        outer = state.scope
        enter(self.ledger, name)
        try:
            yield
        finally:
            state.scope = outer

    def close(self) -> None:
        """Drop every node and tensor."""
        self._nodes = ()
        self._edges = ()
        self._numbers = {}
        self.ledger.close()
