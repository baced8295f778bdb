"""Which parameters of a graph have gradients, and how large these are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log10
from statistics import median

import torch
from torch import Tensor

from linefit.graph.export.table import Cell, as_html, as_text
from linefit.graph.nodes import Node
from linefit.graph.numbers import dense, number
from linefit.graph.sentences import GRADIENTS, VERDICTS

Unused = tuple[str, tuple[int, ...]]  # name and shape of a parameter that is not in the graph


@dataclass(frozen=True)
class ParameterGradient:
    """The gradient of one leaf.

    Attributes
    ----------
    name : str
        The leaf's name, or its number as ``%3``.
    shape : tuple of int
        Its shape.
    rms : float or None
        The root of the mean square of its gradient's elements; None without a gradient.
    largest : float or None
        The largest absolute value among them.
    ratio : float or None
        The norm of the gradient divided by that of the leaf's values, which tells how much a step
        of gradient descent changes it; None where either is not known, or the values are 0.
    verdict : str
        "none", "zero", "not finite", "vanishing", "exploding", or "" for an ordinary gradient.
    """

    name: str
    shape: tuple[int, ...]
    rms: float | None
    largest: float | None
    ratio: float | None
    verdict: str


@dataclass(frozen=True, repr=False)
class GradientTable:
    """The gradients of all leaves, as a table; :meth:`Graph.gradients` makes one.

    Attributes
    ----------
    rows : tuple of ParameterGradient
        The leaves in the order of the graph, then the parameters that it does not use.
    """

    rows: tuple[ParameterGradient, ...]

    def _cells(self) -> list[list[Cell]]:
        known = [log10(row.rms) for row in self.rows if row.rms and isfinite(row.rms)]
        low, high = min(known, default=0.0), max(known, default=0.0)
        cells = []
        for row in self.rows:
            bar = None
            if row.rms and isfinite(row.rms):
                bar = (log10(row.rms) - low + 1) / (high - low + 1)
            cells.append(
                [
                    Cell(row.name),
                    Cell(f"{row.shape}"),
                    Cell(_text(row.rms), is_number=True, bar=bar),
                    Cell(_text(row.largest), is_number=True),
                    Cell(_text(row.ratio), is_number=True),
                    Cell(VERDICTS[row.verdict]),
                ]
            )
        return cells

    def __repr__(self) -> str:
        return as_text(GRADIENTS, self._cells())

    def _repr_html_(self) -> str:
        return as_html(GRADIENTS, self._cells())


def gradients_of(
    nodes: Sequence[Node], unused: Sequence[Unused], *, factor: float
) -> GradientTable:
    """Return the gradients of the leaves; those ``factor`` off the median vanish or explode."""
    leaves = [node for node in nodes if node.kind == "leaf"]
    measured = [_sizes(leaf.grad) for leaf in leaves]
    usual = [rms for rms, _ in measured if rms and isfinite(rms)]
    middle = median(usual) if usual else 0.0
    rows = [
        ParameterGradient(
            leaf.name or f"%{leaf.index}",
            leaf.shape,
            rms,
            largest,
            _ratio(rms, leaf),
            _verdict(rms, middle, factor),
        )
        for leaf, (rms, largest) in zip(leaves, measured, strict=True)
    ]
    rows += [ParameterGradient(name, shape, None, None, None, "none") for name, shape in unused]
    return GradientTable(tuple(rows))


def _sizes(grad: Tensor | None) -> tuple[float | None, float | None]:
    """Return the root of the mean square and the largest absolute value of a gradient."""
    if grad is None or grad.is_meta:
        return None, None
    absolute = dense(grad).abs().double()
    if absolute.numel() == 0:
        return 0.0, 0.0
    largest = absolute.max()
    if largest == 0 or not torch.isfinite(largest):
        return largest.item(), largest.item()
    return ((absolute / largest).square().mean().sqrt() * largest).item(), largest.item()


def _ratio(rms: float | None, leaf: Node) -> float | None:
    values = _sizes(leaf.value)[0]
    return rms / values if rms is not None and values else None


def _verdict(rms: float | None, middle: float, factor: float) -> str:
    if rms is None:
        return "none"
    if not isfinite(rms):
        return "not finite"
    if rms == 0:
        return "zero"
    if rms * factor < middle:
        return "vanishing"
    return "exploding" if rms > middle * factor else ""


def _text(value: float | None) -> str:
    return "" if value is None else number(value, digits=3)
