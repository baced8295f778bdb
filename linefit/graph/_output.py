"""What is known of one tensor of a graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

ROWS, COLUMNS = ("crow_indices", "col_indices"), ("ccol_indices", "row_indices")
PARTS = {  # how a tensor names what a sparse one consists of
    torch.sparse_coo: ("_indices", "_values"),
    torch.sparse_csr: (*ROWS, "values"),
    torch.sparse_bsr: (*ROWS, "values"),
    torch.sparse_csc: (*COLUMNS, "values"),
    torch.sparse_bsc: (*COLUMNS, "values"),
}


def parts_of(tensor: Tensor) -> list[Tensor]:
    """Return the dense tensors that hold the numbers of a tensor: itself, unless it is sparse."""
    names = PARTS.get(tensor.layout, ())
    return [getattr(tensor, name)() for name in names] or [tensor]


class GraphError(ValueError):
    """Tell where a recorded graph differs from its tensors, or what it cannot record."""


class Output:
    """One result of a node: what the forward pass made of it and the backward pass brought to it.

    Attributes
    ----------
    value : Tensor or None
        A copy, taken when the operation had run; None where it was too large or never seen.
    grad : Tensor or None
        The gradient that reached it: the sum over all ways and over all backward passes.
    accumulated : Tensor or None
        A copy of the tensor's ``.grad``, where torch keeps one: as it was when the tensor was
        recorded, then as each backward pass left it.
    name : str or None
        The variable that held it.
    shape : tuple of int
        Its shape.
    dtype : torch.dtype or None
        Its type; None for a plain Python number.
    device : torch.device or None
        Where it lies; None for a plain Python number.
    requires_grad, is_leaf : bool
        The tensor's flags.
    """

    __slots__ = (
        "_copy",
        "_earlier",
        "_pass",
        "_task",
        "_tensor",
        "accumulated",
        "device",
        "dtype",
        "grad",
        "is_leaf",
        "name",
        "requires_grad",
        "shape",
    )

    def __init__(self, *, requires_grad: bool, is_leaf: bool) -> None:
        self._copy: Tensor | complex | None = None
        self.grad: Tensor | None = None
        self.accumulated: Tensor | None = None
        self.name: str | None = None
        self.shape: tuple[int, ...] = ()
        self.dtype: torch.dtype | None = None
        self.device: torch.device | None = None
        self.requires_grad = requires_grad
        self.is_leaf = is_leaf
        self._tensor: Tensor | None = None
        self._earlier: Tensor | None = None  # the gradient of earlier backward passes
        self._pass: Tensor | None = None  # and that of the latest one
        self._task: int | None = None  # the backward pass that brought it

    @property
    def value(self) -> Tensor | None:
        """What the forward pass computed, as a copy."""
        if self._copy is None or isinstance(self._copy, Tensor):
            return self._copy
        kind = torch.float64 if isinstance(self._copy, float) else None
        return torch.tensor(self._copy, dtype=kind, device="cpu")

    def hold(self, tensor: Tensor, *, max_elements: int) -> None:
        """Keep the tensor, to compare with it later, and a copy of its value."""
        self.describe(tensor)
        self._tensor = tensor
        if tensor.numel() <= max_elements and not tensor.is_meta:
            self._copy = tensor.detach().clone()
        self.keep_accumulated()

    def describe(self, like: Any) -> None:
        """Take shape, dtype and device from a tensor, or from what autograd knows of it."""
        self.shape = tuple(map(int, like.shape))
        self.dtype, self.device = like.dtype, like.device

    def receive(self, grad: Tensor, task: int, *, whole: bool = False) -> None:
        """Add a copied gradient, or a part of one, in the order in which torch itself adds.

        That is: the parts that come in one backward pass (``task``), then the passes.  A ``whole``
        gradient takes the place of the parts.
        """
        if self._task != task:
            self._task, self._earlier, self._pass = task, self.grad, None
        self._pass = grad if self._pass is None or whole else self._pass + grad
        self.grad = self._pass if self._earlier is None else self._earlier + self._pass

    def keep_accumulated(self) -> None:
        """Copy what torch has now added up in the tensor's ``.grad``."""
        kept = self._tensor is not None and (self._tensor.is_leaf or self._tensor.retains_grad)
        if kept and self._tensor is not None:
            grad = self._tensor.grad
            self.accumulated = None if grad is None else grad.detach().clone()
