"""The graph as plain data and as JSON, for other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from linefit.graph.nodes import Edge, Node, Output, Saved
from linefit.graph.numbers import dense
from linefit.graph.sentences import brief

LISTED = 100  # elements of a tensor that are listed one by one


def written(nodes: Sequence[Node], edges: Sequence[Edge], *, indent: int | None) -> str:
    """Return the graph as JSON."""
    return json.dumps(as_dict(nodes, edges), indent=indent, ensure_ascii=False)


def as_dict(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, Any]:
    """Return the graph as plain data, every node before those that use it."""
    return {"version": 2, "nodes": list(map(_node, nodes)), "edges": list(map(_edge, edges))}


def _node(node: Node) -> dict[str, Any]:
    return {
        "index": node.index,
        "op": node.op,
        "kind": node.kind,
        "backward_name": node.backward_name,
        "scope": list(node.scope),
        "outputs": [_output(output) for output in node.outputs],
        "saved": [_saved(saved) for saved in node.saved],
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "source": edge.source.index,
        "output": edge.output,
        "target": edge.target.index,
        "input": edge.input,
        "grad": _numbers(edge.grad),
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
        "value": _numbers(output.value),
        "grad": _numbers(output.grad),
        "accumulated": _numbers(output.accumulated),
    }


def _numbers(tensor: Tensor | None) -> Any:
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
