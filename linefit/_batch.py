"""Lines of a batch, and all tensors of a result at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor


def mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return a result in which each tensor is changed, however deep it lies."""
    if isinstance(value, Tensor):
        return change(value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{f.name: mapped(getattr(value, f.name), change) for f in fields(value)}
        )
    if isinstance(value, tuple):  # a named one
        return type(value)(*(mapped(part, change) for part in value))
    return value


def counted(shape: torch.Size) -> str:
    """Return how many lines a batch has, in words."""
    return f"{' × '.join(map(str, shape))} {'line' if shape.numel() == 1 else 'lines'}"


def picked(value: Any, index: Any, shape: torch.Size) -> Any:
    """Return the part of a result that belongs to some lines of a batch of the given shape.

    The leading axes of its tensors are those of the batch; the index never reaches the others.
    """
    if not shape:
        raise TypeError("This is one line, not a batch; there is nothing to index.")
    if isinstance(index, str):
        raise TypeError(
            f"A batch is indexed like a tensor of shape {tuple(shape)}, not by {index!r}."
        )
    lines = torch.arange(shape.numel()).reshape(shape)[index]
    return mapped(value, lambda t: t.flatten(0, len(shape) - 1)[lines.to(t.device)])
