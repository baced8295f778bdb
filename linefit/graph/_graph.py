"""The graph as data, with everything that can be asked of it."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from linefit.graph import _data, _text
from linefit.graph._layout import Layout, lay_out
from linefit.graph._ledger import Ledger, describe_unseen
from linefit.graph._nodes import Edge, Node
from linefit.graph._output import GraphError, Output
from linefit.graph._page import HTML
from linefit.graph._player import player
from linefit.graph._scopes import enter
from linefit.graph._steps import Step, steps_of
from linefit.graph._svg import draw, figure
from linefit.graph._walk import (
    collecting_rarely,
    edges_into,
    with_numbers,
    without_collecting,
    without_loose_constants,
)


class Graph:
    """A computation as it ran: operations, leaves and constants, and the gradients through them.

    :func:`record` makes one.  It keeps the recorded tensors until it is dropped.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._built: tuple[int, tuple[Node, ...], tuple[Edge, ...]] | None = None
        end = weakref.finalize(self, ledger.close)
        end.atexit = False

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, each after its inputs."""
        return self._build()[1]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges, by the node that they enter, in the order of its operands."""
        return self._build()[2]

    def _build(self) -> tuple[int, tuple[Node, ...], tuple[Edge, ...]]:
        ledger = self._ledger
        ledger.catch_up()
        if self._built is None or self._built[0] != len(ledger.nodes):
            with without_collecting():
                known = list(with_numbers(ledger.nodes))
                every = [e for node in known for e in edges_into(node, ledger.by_fn)]
                shown = without_loose_constants(known, every)
                edges = [e for e in every if e.target in shown]
                nodes = tuple(n for n in known if n in shown)
                for index, node in enumerate(nodes):
                    node.index = index
                    if node._fn is not None:
                        describe_unseen(node)
                edges.sort(key=lambda edge: edge.target.index)
                self._built = len(ledger.nodes), nodes, tuple(edges)
        return self._built

    def backward(
        self,
        output: Tensor,
        gradient: Tensor | None = None,
        *,
        retain_graph: bool | None = None,
        create_graph: bool = False,
    ) -> None:
        """Run the backward pass from an output, as ``output.backward()`` does.

        Parameters
        ----------
        output : Tensor
            A result that was computed inside the recording.
        gradient : Tensor, optional
            Where to start; needed for an output with several elements.
        retain_graph, create_graph : bool
            As in :meth:`torch.Tensor.backward`.

        Raises
        ------
        GraphError
            If the recording has not seen how the output was computed.
        """
        if output.requires_grad and self._ledger.unknown(output):
            raise GraphError("This output was not computed inside the recording.")
        with collecting_rarely():
            output.backward(gradient, retain_graph=retain_graph, create_graph=create_graph)

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Let what is computed in the body be one box where the graph is too large to draw.

        Calls of modules are such scopes by themselves.

        Parameters
        ----------
        name : str
            What to call it; a second body of the same name gets a number.
        """
        outer = self._ledger.switch.scope
        enter(self._ledger, name)
        try:
            yield
        finally:
            self._ledger.switch.scope = outer

    def check(self) -> None:
        """Compare every flag and gradient that a figure shows with those of the tensors.

        Raises
        ------
        GraphError
            If a tensor has changed its flags since, or if its ``.grad`` is not the one that the
            backward pass left, bit for bit.
        """
        for node in self.nodes:
            for output in node.outputs:
                if output._tensor is not None:
                    _compare(node, output, output._tensor)

    def layout(self, *, max_nodes: int = 60) -> Layout:
        """Place the nodes in layers from top to bottom, and route the edges between them.

        Parameters
        ----------
        max_nodes : int
            The largest number of boxes.  In a larger graph each call of a module, and each
            :meth:`scope`, is one box, as far up as necessary; where that is not enough, only the
            boxes nearest the end are placed.  At least 1.

        Returns
        -------
        Layout
            Positions in pixels, y downwards.
        """
        return lay_out(self.nodes, self.edges, max_nodes=max_nodes)

    def steps(self) -> tuple[Step, ...]:
        """Return what happened, one step after the other: forward, then backward.

        The operations come in the order in which they ran, the backward nodes in that of the
        engine; several backward passes follow each other as they did.
        """
        return steps_of(self.nodes, self.edges)

    def player(self) -> HTML:
        """Return the figure with buttons to go through its :meth:`steps`, for a notebook or a page.

        Without JavaScript it is the finished figure, with the steps as a list.

        Raises
        ------
        GraphError
            If the graph has more nodes than a figure shows one by one.
        """
        self.check()
        return HTML(player(self.layout(), self.steps()))

    def to_svg(self, *, max_nodes: int = 60) -> str:
        """Return the figure as an SVG document that can stand in a page or in a file."""
        return draw(self.layout(max_nodes=max_nodes))

    def to_dot(self) -> str:
        """Return the graph in the language of Graphviz."""
        return _text.dot(self.nodes, self.edges)

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the graph as JSON: the dictionary of :meth:`to_dict`."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the graph as plain data.

        Returns
        -------
        dict
            ``version`` (2), ``nodes`` and ``edges``.  A node has ``index``, ``op``, ``kind``,
            ``backward_name``, ``scope``, ``outputs``, each with ``name``, ``shape``, ``dtype``,
            ``device``, ``requires_grad``, ``is_leaf``, ``value``, ``grad`` and ``accumulated``,
            and ``saved``, each with ``name``, the index of its ``source`` or None, which
            ``output`` of the source it is, ``shape``, ``dtype`` and ``nbytes``.
            An edge has the indices of ``source`` and ``target``, the number of the source's
            ``output``, the target's ``input`` (its place in ``next_functions``, None for a
            constant) and ``grad``.  Tensors are nested lists of numbers, with NaN, infinities and
            complex numbers as text; above 1000 elements, one text with shape and range.
        """
        return _data.as_dict(self.nodes, self.edges)

    def alt_text(self) -> str:
        """Return a sentence for those who do not see the figure."""
        return _text.in_words(self.nodes)

    def _repr_html_(self) -> str:
        self.check()
        return figure(self.layout())

    def __str__(self) -> str:
        return _text.listing(self.nodes, self.edges)

    def __repr__(self) -> str:
        return f"<Graph: {len(self.nodes)} nodes, {len(self.edges)} edges>"


def _compare(node: Node, output: Output, tensor: Tensor) -> None:
    who = output.name or f"the output of node {node.index} ({node.op})"
    for flag in ("requires_grad", "is_leaf"):
        drawn, now = getattr(output, flag), getattr(tensor, flag)
        if drawn != now:
            raise GraphError(f"{flag} of {who} was {drawn} when it was recorded and is {now} now.")
    grad = tensor.grad if tensor.is_leaf or tensor.retains_grad else None
    recorded = output.accumulated
    if (grad is None) != (recorded is None):
        was, now = ("None" if g is None else _text.brief(g) for g in (recorded, grad))
        raise GraphError(
            f"The gradient of {who} was {was} after the recorded backward pass and is {now} now: "
            "show the graph before you clear or change gradients."
        )
    if grad is not None and recorded is not None and not _text.same(grad, recorded):
        raise GraphError(
            f"The gradient of {who} was {_text.brief(recorded)} after the recorded backward pass "
            f"and is {_text.brief(grad)} now."
        )
