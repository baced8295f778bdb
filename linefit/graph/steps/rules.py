"""The local derivatives of common operations, computed from the recorded values.

Each is multiplied by the incoming gradient and compared with what autograd has sent.  An operation
that is not in the table, or used in a way that the table does not cover, has no local derivative,
never a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from linefit.graph.nodes import Edge, Node, Run
from linefit.graph.numbers import number
from linefit.graph.sentences import ONE_WHERE_POSITIVE, RESULT, SIGN, name_of

Values = tuple[Tensor, Tensor, Tensor]  # self, other (or self again) and the result


class LocalDerivative(NamedTuple):
    """A local derivative: its formula with the names of the operands, and its value.

    A value of None stands for an operation that only changes the shape.  Where broadcasting had
    repeated the input, the products are ``summed`` over its copies.
    """

    formula: str
    value: Tensor | None
    summed: bool = False


class Rule(NamedTuple):
    """The derivative of an operation with respect to one of its inputs."""

    formula: str
    derivative: Callable[[Tensor, Tensor, Tensor], Tensor]


def _one(x: Tensor, _y: Tensor, _r: Tensor) -> Tensor:
    return torch.ones((), dtype=x.dtype, device=x.device)


ONE = Rule("1", _one)
MINUS_ONE = Rule("−1", lambda x, y, r: -_one(x, y, r))

# By the name of the backward node; a rule for each input.  {x}, {y} and {r} are the names of the
# inputs and of the result.
RULES: dict[str, tuple[Rule, ...]] = {
    "Add": (ONE, ONE),
    "Sub": (ONE, MINUS_ONE),
    "Rsub": (MINUS_ONE, ONE),
    "Mul": (Rule("{y}", lambda x, y, r: y), Rule("{x}", lambda x, y, r: x)),
    "Div": (
        Rule("1 / {y}", lambda x, y, r: 1 / y),
        Rule("−{x} / {y}²", lambda x, y, r: -x / y**2),
    ),
    "Pow": (
        Rule("{y} · {x}^({y} − 1)", lambda x, y, r: y * x ** (y - 1)),
        Rule("{r} · ln {x}", lambda x, y, r: r * x.log()),
    ),
    "Neg": (MINUS_ONE,),
    "Exp": (Rule("{r}", lambda x, y, r: r),),
    "Log": (Rule("1 / {x}", lambda x, y, r: 1 / x),),
    "Sin": (Rule("cos {x}", lambda x, y, r: x.cos()),),
    "Cos": (Rule("−sin {x}", lambda x, y, r: -x.sin()),),
    "Tanh": (Rule("1 − {r}²", lambda x, y, r: 1 - r**2),),
    "Sigmoid": (Rule("{r} · (1 − {r})", lambda x, y, r: r * (1 - r)),),
    "Relu": (Rule(ONE_WHERE_POSITIVE, lambda x, y, r: (x > 0).to(x.dtype)),),
    "Abs": (Rule(SIGN, lambda x, y, r: x.sign()),),
    "Sqrt": (Rule("1 / (2 · {r})", lambda x, y, r: 1 / (2 * r)),),
    "Reciprocal": (Rule("−{r}²", lambda x, y, r: -(r**2)),),
    "Sum": (ONE,),
    "Mean": (Rule("1 / N", lambda x, y, r: _one(x, y, r) * r.numel() / x.numel()),),
}
SINGLE = 4  # bytes
RESHAPES = {
    "Alias", "Clone", "Permute", "Reshape", "Squeeze", "T", "Transpose", "Unsqueeze", "UnsafeView",
    "View",
}  # fmt: skip


def local_derivative(
    node: Node, run: Run, inputs: Sequence[Edge], edge: Edge
) -> LocalDerivative | None:
    """Return the derivative by which a run multiplied what it sent along an edge, if known.

    ``inputs`` are all edges into the node, in the order of its operands.
    """
    name = (node.backward_name or "").rstrip("0123456789").removesuffix("Backward")
    incoming = run.received[0]
    outgoing = run.sent[edge.input or 0]
    if incoming is None or outgoing is None or outgoing.layout != torch.strided:
        return None
    if name in RESHAPES:
        return LocalDerivative("", None) if incoming.numel() == outgoing.numel() else None
    operands = _operands(node, inputs)
    rules = RULES.get(name, ())
    result = node.outputs[0].value
    if edge.input is None or not edge.input < len(rules) <= len(operands) or result is None:
        return None
    x, x_name = operands[0]
    y, y_name = operands[-1]
    shows = incoming.nan_to_num(0, 0, 0).any()  # whether a wrong derivative would be noticed
    if x is None or y is None or (_is_special(node.grad_fn) and not shows):
        return None
    rule = rules[edge.input]
    try:
        value = rule.derivative(_wide(x, result), _wide(y, result), _wide(result, result))
    except RuntimeError:  # not defined for this kind of numbers or tensor
        return None
    formula = rule.formula.format(x=x_name, y=y_name, r=node.name or RESULT)
    summed = (incoming * value).numel() > outgoing.numel() > 0
    agrees = _agrees(_wide(incoming, result), value, outgoing)
    return LocalDerivative(formula, value, summed) if agrees else None


def _is_special(fn: Any) -> bool:
    """Whether an operation has options that the table leaves out: only a gradient shows them."""
    return (
        getattr(fn, "_saved_alpha", 1) != 1
        or hasattr(fn, "_saved_rounding_mode")
        or (type(fn).__name__.startswith("Pow") and not hasattr(fn, "_raw_saved_self"))
    )


def _wide(tensor: Tensor, result: Tensor) -> Tensor:
    """Return a tensor in the type in which torch computes with it.

    That of half the bits is float32, and that of an integer the type of the result.
    """
    if not (tensor.is_floating_point() or tensor.is_complex()) and result.is_floating_point():
        tensor = tensor.to(result.dtype)
    return tensor.float() if tensor.is_floating_point() and tensor.itemsize < SINGLE else tensor


def _operands(node: Node, inputs: Sequence[Edge]) -> list[tuple[Tensor | None, str]]:
    """Return values and names of the operands, in the order of the derivative's arguments."""
    tracked = {edge.input: edge for edge in inputs if edge.input is not None}
    others = iter([edge for edge in inputs if edge.input is None])
    arguments = (tracked.get(i) or next(others, None) for i in range(len(inputs)))
    operands = [
        (edge.source.outputs[edge.output].value, name_of(edge.source, edge.output))
        for edge in arguments
        if edge is not None
    ]
    fn = node.grad_fn
    plain = hasattr(fn, "_raw_saved_self") and not hasattr(fn, "_raw_saved_exponent")
    if len(operands) == 1 and plain and hasattr(fn, "_saved_exponent"):  # of square
        exponent = fn._saved_exponent
        operands.append((torch.tensor(exponent), number(exponent)))
    return operands


def _agrees(incoming: Tensor, value: Tensor, outgoing: Tensor) -> bool:
    """Whether incoming × value is what was sent, after the sum over what was repeated."""
    product = incoming * value
    try:
        if product.dim() < outgoing.dim() or product.numel() < outgoing.numel():
            product = product.expand_as(outgoing)
        product = product.sum_to_size(outgoing.shape)
    except RuntimeError:  # the shapes do not fit: a sum over some of the axes
        return False
    kind = product.dtype
    rounding = outgoing.dtype
    close = 1e3 * torch.finfo(kind).eps if kind.is_floating_point else 0.0
    if rounding.is_floating_point and rounding.itemsize < SINGLE:
        close += 4 * torch.finfo(rounding).eps
    size = product.abs().nan_to_num(0, 0, 0).max().item() if product.numel() else 0.0
    given = outgoing.to(kind)
    return torch.allclose(product, given, rtol=close, atol=close * size, equal_nan=True)
