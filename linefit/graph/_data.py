"""The graph as plain data, for other programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from linefit.graph._nodes import Edge, Node, Saved
from linefit.graph._output import Output
from linefit.graph._text import brief, dense

LISTED = 1000  # elements of a tensor that are held one by one


def as_dict(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, Any]:
    """Return the graph as plain data, every node before those that use it."""
    return {
        "version": 2,
        "nodes": [
            {
                "index": node.index,
                "op": node.op,
                "kind": node.kind,
                "backward_name": node.backward_name,
                "scope": list(node.scope),
                "outputs": [_output(output) for output in node.outputs],
                "saved": [_saved(saved) for saved in node.saved],
            }
            for node in nodes
        ],
        "edges": [
            {
                "source": edge.source.index,
                "output": edge.output,
                "target": edge.target.index,
                "input": edge.input,
                "grad": _data(edge.grad),
            }
            for edge in edges
        ],
    }


def _saved(saved: Saved) -> dict[str, Any]:
    source = saved.source
    return {
        "name": saved.name,
        "source": None if source is None else source.index,
        "output": saved.output,
        "shape": list(saved.shape),
        "dtype": _dtype(saved.dtype),
        "nbytes": saved.nbytes,
    }


def _dtype(dtype: torch.dtype | None) -> str | None:
    return None if dtype is None else str(dtype).removeprefix("torch.")


def _output(output: Output) -> dict[str, Any]:
    return {
        "name": output.name,
        "shape": list(output.shape),
        "dtype": _dtype(output.dtype),
        "device": None if output.device is None else str(output.device),
        "requires_grad": output.requires_grad,
        "is_leaf": output.is_leaf,
        "value": _data(output.value),
        "grad": _data(output.grad),
        "accumulated": _data(output.accumulated),
    }


def _data(tensor: Tensor | None) -> Any:
    if tensor is None:
        return None
    listed = tensor.numel() <= LISTED and not tensor.is_meta
    return _plain(dense(tensor).tolist()) if listed else brief(tensor)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return (
        value
        if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
        else str(value)
    )
