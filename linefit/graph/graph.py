"""A recorded graph, with everything that can be asked of it: the one module that knows the rooms.

``recorder`` and ``tape`` make nodes and edges; ``draw``, ``steps`` and ``export`` show them.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol, Unpack

import torch
from torch import Tensor

from linefit.graph.draw import html, svg
from linefit.graph.draw.html import HTML
from linefit.graph.draw.layout import Layout, Options, lay_out
from linefit.graph.draw.save import check_suffix, save
from linefit.graph.errors import GraphError
from linefit.graph.export import dot, json, text
from linefit.graph.export.gradients import GradientTable, gradients_of
from linefit.graph.export.summary import Summary, summary_of
from linefit.graph.find import find
from linefit.graph.nodes import Edge, Node, Output, is_readable
from linefit.graph.numbers import same
from linefit.graph.recorder.memory import collecting_rarely
from linefit.graph.recorder.recording import Recording
from linefit.graph.sentences import alt_text, brief
from linefit.graph.steps.player import player
from linefit.graph.steps.steps import PassStep, steps_of
from linefit.graph.tape import TapeTrace
from linefit.tape import Tape


class Source(Protocol):
    """Where a graph comes from: a recording or a tape."""

    def read(self) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
        """Return the nodes, each after its inputs, and the edges by the node that they enter."""

    def knows(self, output: Tensor) -> bool:
        """Whether it has seen how a tensor was computed."""

    @property
    def unused(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Names and shapes of parameters that modules have and no operation has used."""

    def begin_pass(self) -> None:
        """Note that a backward pass is about to begin."""

    def seconds(self) -> Mapping[tuple[str, ...], tuple[float, float]]:
        """Return how long the forward and the backward part of each scope have taken."""

    def scope(self, name: str, /) -> AbstractContextManager[None]:
        """Give the nodes made in the body a scope of this name."""

    def close(self) -> None:
        """Drop what is kept for the graph."""


class Graph:
    """A computation as it ran: operations, leaves and constants, and the gradients through them.

    :func:`record` makes one.  It keeps the recorded tensors until it is dropped.  Once the
    recording is over its nodes and edges are fixed; backward passes add their gradients.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        end = weakref.finalize(self, source.close)
        end.atexit = False

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, each after its inputs."""
        return self._source.read()[0]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges, by the node that they enter, in the order of its operands."""
        return self._source.read()[1]

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
        with torch._C.DisableTorchFunction():  # a subclass of Tensor may answer otherwise
            known = not output.requires_grad or self._source.knows(output)
        if not known:
            raise GraphError("This output was not computed inside the recording.")
        with collecting_rarely():
            self._source.begin_pass()
            output.backward(gradient, retain_graph=retain_graph, create_graph=create_graph)

    def __getitem__(self, name: str) -> tuple[Node, ...]:
        """Return the nodes that a name stands for, in the order of the graph.

        It is the first of these that exists: a variable, such as ``"loss"`` or
        ``"net.encoder.0.weight"``; a call of a module or a scope, such as
        ``"net.encoder.0: Linear (2)"``; all calls of a module or bodies of a scope, such as
        ``"net.encoder.0"``.  The variable that holds the module may be left out:
        ``"encoder.0"``.

        Raises
        ------
        KeyError
            If nothing has the name; the message lists those that are most like it.

        Examples
        --------
        >>> import torch
        >>> a = torch.tensor(2.0, requires_grad=True)
        >>> with record() as g:
        ...     loss = (a - 5) ** 2
        >>> g["loss"]
        (<Node 4: loss = pow PowBackward0>,)
        """
        return find(self.nodes, name)

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Let what is computed in the body be one box where the graph is too large to draw.

        Calls of modules are such scopes by themselves.

        Parameters
        ----------
        name : str
            What to call it; a second body of the same name is numbered.
        """
        with self._source.scope(name):
            yield

    def check(self) -> None:
        """Compare every flag, value and gradient that a figure shows with those of the tensors.

        A figure shows values as they were used, and gradients as the recording or a later backward
        pass left them.  What torch has counted as changed since, such as a weight after a step of
        an optimizer or a gradient that was clipped or cleared, is not compared with that; the last
        of the :meth:`steps` names such gradients.

        Raises
        ------
        GraphError
            If a tensor has changed its flags since, or if it or its ``.grad`` has other numbers,
            bit for bit, though torch counts no change.
        """
        with torch._C.DisableTorchFunction():  # a subclass of Tensor is not to notice
            for node in self.nodes:
                for output in node.outputs:
                    if output._tensor is not None:
                        _compare(node, output, output._tensor)

    def layout(
        self,
        *,
        max_nodes: int = 60,
        depth: int | None = None,
        fold_views: bool | None = None,
        roll_loops: bool | None = None,
    ) -> Layout:
        """Place the nodes in layers from top to bottom, and route the edges between them.

        Parameters
        ----------
        max_nodes : int
            The largest number of boxes.  In a larger graph all rounds of a loop over the same
            modules are one box, then each call of a module and each :meth:`scope` is one, as far
            up as necessary; where that is not enough, only the boxes nearest the end are drawn.
            At least 1.
        depth : int, optional
            How deep to look into modules: with 1 each call of an outermost module or scope is one
            box, with 2 each call directly inside those, and so on.
        fold_views : bool, optional
            Whether views and changes of shape are written at their edge, instead of being boxes;
            by default in a graph of more than 25 nodes.  Those that have a name, several users or
            none remain boxes.
        roll_loops : bool, optional
            Whether modules that are called at least three times in the same scope are one box for
            all their calls; by default where the figure is too large otherwise.

        Returns
        -------
        Layout
            ``boxes`` and ``routes`` with positions in pixels, y downwards.

        Raises
        ------
        ValueError
            If ``max_nodes`` or ``depth`` is below 1.
        GraphError
            If there are no nodes.
        """
        return lay_out(
            self.nodes,
            self.edges,
            max_nodes=max_nodes,
            depth=depth,
            fold_views=fold_views,
            roll_loops=roll_loops,
        )

    def summary(self, *, depth: int | None = None) -> Summary:
        """Return what each module and scope costs: parameters, saved bytes, and time.

        Parameters
        ----------
        depth : int, optional
            How deep to look into modules; 0 is the graph alone, and by default all are listed.

        Returns
        -------
        Summary
            A table for a terminal or a notebook; ``rows`` holds its numbers.
        """
        if depth is not None and depth < 0:
            raise ValueError(f"the whole graph has depth 0, got depth={depth}")
        return summary_of(self.nodes, self.edges, self._source.seconds(), depth=depth)

    def gradients(self, *, factor: float = 1000.0) -> GradientTable:
        """Return how large the gradient of each leaf is, and which are None, vanish or explode.

        Of modules that ran in the recording and are known by a variable, the parameters that no
        operation has used are listed too: their gradients are None.

        Parameters
        ----------
        factor : float
            A gradient vanishes if its root mean square is this many times smaller than the median
            over all leaves, and explodes if it is as many times larger.

        Returns
        -------
        GradientTable
            A table for a terminal or a notebook; ``rows`` holds its numbers.
        """
        return gradients_of(self.nodes, self._source.unused, factor=factor)

    def steps(self) -> tuple[PassStep, ...]:
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
        layout = self.layout(fold_views=False)
        return HTML(player(layout, self.steps(), inline=_display.inline))

    def figure(self, *, max_nodes: int = 60, **options: Unpack[Options]) -> HTML:
        """Return the figure for a notebook or a page, as the graph itself shows it by default.

        Parameters
        ----------
        max_nodes, depth, fold_views, roll_loops
            As in :meth:`layout`.
        """
        self.check()
        return HTML(
            html.figure(self.layout(max_nodes=max_nodes, **options), inline=_display.inline)
        )

    def to_svg(self, *, max_nodes: int = 60, **options: Unpack[Options]) -> str:
        """Return the figure as an SVG document that can stand in a page or in a file.

        Parameters
        ----------
        max_nodes, depth, fold_views, roll_loops
            As in :meth:`layout`.
        """
        return svg.draw(self.layout(max_nodes=max_nodes, **options))

    def save(
        self, path: str | os.PathLike[str], *, max_nodes: int = 60, **options: Unpack[Options]
    ) -> None:
        """Write the figure to a file.

        Parameters
        ----------
        path : str or path
            Where to; it ends in ``.svg``, ``.png`` or ``.pdf``.  The latter two are drawn by
            matplotlib.
        max_nodes, depth, fold_views, roll_loops
            As in :meth:`layout`.

        Raises
        ------
        ValueError
            If the path has another suffix.
        GraphError
            If matplotlib is needed and not installed.
        """
        file = Path(path)
        check_suffix(file)
        self.check()
        save(self.layout(max_nodes=max_nodes, **options), file)

    def to_dot(self) -> str:
        """Return the graph in the language of Graphviz."""
        return dot.written(self.nodes, self.edges)

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the graph as JSON: the dictionary of :meth:`to_dict`."""
        return json.written(self.nodes, self.edges, indent=indent)

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
            complex numbers as text; above 100 elements, one text with shape and range.
        """
        return json.as_dict(self.nodes, self.edges)

    def alt_text(self) -> str:
        """Return a sentence for those who do not see the figure."""
        return alt_text(self.nodes)

    def _repr_html_(self) -> str:
        return self.figure()

    def __str__(self) -> str:
        return text.listing(self.nodes, self.edges)

    def __repr__(self) -> str:
        return f"<Graph: {len(self.nodes)} nodes, {len(self.edges)} edges>"


def _compare(node: Node, output: Output, tensor: Tensor) -> None:
    who = output.name or f"node {node.index} ({node.op})"
    for flag in ("requires_grad", "is_leaf"):
        drawn = getattr(output, flag)
        try:
            now = getattr(tensor, flag)
        except RuntimeError:  # torch has forbidden the use of a view
            return
        if drawn != now:
            raise GraphError(f"{flag} of {who} was {drawn} when it was recorded and is {now} now.")
    if output.value is not None and output.is_current(tensor) and not output.is_value_of(tensor):
        raise GraphError(
            f"The value of {who} was {brief(output.value)} when it was used and is {brief(tensor)} "
            "now, though torch has counted no change: something wrote to its memory."
        )
    grad = tensor.grad if tensor.is_leaf or tensor.retains_grad else None
    recorded = output.accumulated
    if grad is None or recorded is None or output.has_other_grad() or not is_readable(grad):
        return
    if not same(grad, recorded):
        raise GraphError(
            f"The gradient of {who} was {brief(recorded)} after the recorded backward pass and is "
            f"{brief(grad)} now, though torch has counted no change: something wrote to its memory."
        )


def record(
    *, names: Mapping[str, Tensor] | None = None, max_elements: int = 1_000_000
) -> Recording[Graph]:
    """Record the graph that torch builds while the body of ``with`` runs.

    Every operation is recorded with its value, and constants too; the gradients are added
    whenever a backward pass goes through the graph.  Values and gradients are copied as they are
    at that moment, so that later in-place changes do not alter the graph.  A compiled function runs
    uncompiled in the body, so that its operations are seen.

    Parameters
    ----------
    names : mapping of str to Tensor, optional
        What to call tensors.  Others get the names that they have in the calling function when
        the body begins or ends: those of variables, of a module's parameters, of the elements of
        lists, tuples and dicts.
    max_elements : int
        Tensors with more elements than this are not copied; the graph then knows their shapes.

    Returns
    -------
    Recording
        A context manager that gives the :class:`Graph`.

    Notes
    -----
    A recording changes nothing of the program: not its results, nor its errors.  What cannot be
    recorded is an error of the graph, when it is read.  Within a ``torch.func`` transform tensors
    exist for the moment only: of what it has computed the backward nodes are recorded, without
    values.

    Examples
    --------
    >>> import torch
    >>> a = torch.tensor(2.0, requires_grad=True)
    >>> x = torch.tensor([1.0, 3.0])
    >>> with record() as g:
    ...     loss = (a * x).sum()
    >>> g.backward(loss)
    >>> print(g)
    a     leaf       AccumulateGrad  2       grad 4
    x     constant                   [1, 3]
    %2    mul(a, x)  MulBackward0    [2, 6]  grad [1, 1]
    loss  sum(%2)    SumBackward0    8       grad 1
    """
    return Recording(Graph, sys._getframe(1), names or {}, max_elements=max_elements)


def of_tape(tape: Tape) -> Graph:
    """Return the graph that a tape holds, with its values and gradients.

    A node's ``backward_name`` is "layer"; the parts of a gradient, which a tape does not keep, are
    computed once more from the layers' rules.  Its steps tell several backward passes as one.

    Parameters
    ----------
    tape : Tape
        Before or after :meth:`linefit.tape.Tape.backward`.

    Returns
    -------
    Graph
        The tape as it is now; what is put on it later is no part of the graph.

    Examples
    --------
    >>> from linefit.tape import Tape
    >>> tape = Tape()
    >>> x, y = tape.variable([1, 2], "x"), tape.variable([3, 4], "y")
    >>> tape.backward((x * y).sum())
    >>> print(of_tape(tape))
    x   leaf       variable  [1, 2]  grad [3, 4]
    y   leaf       variable  [3, 4]  grad [1, 2]
    %2  mul(x, y)  layer     [3, 8]  grad [1, 1]
    %3  sum(%2)    layer     11      grad 1
    """
    return Graph(TapeTrace(tape))


class _Display:
    """How figures are shown in this process."""

    inline = True


_display = _Display()


def set_display(*, assets: Literal["inline", "page"]) -> None:
    """Say where figures and players in notebooks and pages get their style and script from.

    Parameters
    ----------
    assets : {"inline", "page"}
        "inline", as it is at first, writes them into each figure, so that it stands anywhere.
        With "page" a figure relies on its page to bring them as files, as a site with a strict
        Content-Security-Policy does: ``draw/figure.css``, ``steps/player.css`` and
        ``steps/player.js`` beside this module.  :meth:`Graph.to_svg` holds its style always.

    Raises
    ------
    ValueError
        For any other word.
    """
    if assets not in {"inline", "page"}:
        raise ValueError(f'assets are "inline" or of the "page", got {assets!r}')
    _display.inline = assets == "inline"
