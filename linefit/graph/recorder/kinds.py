"""What the recorder has to know about each torch function, looked up once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from torch.autograd.function import BackwardCFunction

from linefit.graph.recorder import names
from linefit.graph.recorder.inside import is_one_operation, is_torchs, returns_one_tensor

ENGINE = {"backward", "grad"}  # calls that run the backward pass
NO_OPERATIONS = {".grad", "requires_grad_", "retain_grad", "register_hook", "tensor", "as_tensor"}
UNCOUNTED = {"batch_norm", "instance_norm"}  # they change buffers and count no version
FUSED = "_fused_"  # steps of optimizers in one kernel: they change their lists and count none
SETS_DATA = "set data"  # an assignment to the attribute

# Questions about a tensor whose answer is not a tensor
QUESTIONS = {
    "_version", "device", "dim", "dtype", "element_size", "get_device", "grad_fn", "is_complex",
    "is_contiguous", "is_cpu", "is_cuda", "is_floating_point", "is_inference", "is_leaf", "is_meta",
    "is_mkldnn", "is_mps", "is_nested", "is_quantized", "is_sparse", "is_sparse_csr", "is_xla",
    "is_xpu", "layout", "len", "name", "names", "ndim", "nelement", "numel", "output_nr",
    "requires_grad", "retains_grad", "shape", "size", "storage_offset", "stride",
}  # fmt: skip

# Attributes that torch sets from within, at times while it holds the lock of a view
SET_BY_TORCH = {"set _backward_hooks", "set _grad_fn", "set _post_accumulate_grad_hooks"}
UNSEEN = QUESTIONS | SET_BY_TORCH


class Kind(NamedTuple):
    """A function as the recorder sees it.

    Attributes
    ----------
    name : str
        What a user calls it.
    is_reversed : bool
        Whether its operands come in reverse, as those of ``__rsub__``.
    is_unseen : bool
        Whether calls are no part of a recording.
    is_recorded : bool
        Whether its result is that of an operation.
    runs_engine : bool
        Whether it runs a backward pass.
    has_numbers : bool
        Whether plain numbers among its arguments are operands.
    has_operations : bool
        Whether it may be made of several operations, which can be seen.
    changes : bool
        Whether it changes its first argument.
    changes_uncounted : bool
        Whether it may change tensors without a new version.
    """

    name: str
    is_reversed: bool
    is_unseen: bool
    is_recorded: bool
    runs_engine: bool
    has_numbers: bool
    has_operations: bool
    changes: bool
    changes_uncounted: bool


@lru_cache(maxsize=4096)
def kind_of(function: Any) -> Kind:
    """Return what the recorder has to know about a function."""
    name, is_reversed = names.of_function(function)
    is_single = not is_reversed and is_one_operation(function, name)
    return Kind(
        name,
        is_reversed,
        is_unseen=name in UNSEEN,
        is_recorded=name not in NO_OPERATIONS,
        runs_engine=name in ENGINE,
        has_numbers=names.takes_numbers(name),
        has_operations=not is_single and is_torchs(function),
        changes=name == "setitem" or name.endswith("_"),
        changes_uncounted=name in UNCOUNTED or name.startswith(FUSED),
    )


class Rule(NamedTuple):
    """A class of backward nodes as the recorder sees it.

    Attributes
    ----------
    op : str
        The operation that makes them where no call of the user's does.
    is_leaf : bool
        Whether they accumulate the gradient of a leaf.
    is_custom : bool
        Whether they are of a Function in Python.
    has_one : bool
        Whether it is certain, without asking one of them, that each has one output.
    saved : tuple of tuple of str
        What torch calls each tensor that they may save, and the attribute that returns it.
    """

    op: str
    is_leaf: bool = False
    is_custom: bool = False
    has_one: bool = False
    saved: tuple[tuple[str, str], ...] = ()


@lru_cache(maxsize=4096)
def rule_of(backward: type[Any]) -> Rule:
    """Return what the recorder has to know about a class of backward nodes."""
    name = backward.__name__
    if name == "AccumulateGrad":
        return Rule("leaf", is_leaf=True, has_one=True)
    if issubclass(backward, BackwardCFunction):
        return Rule(name.removesuffix("Backward"), is_custom=True)
    raw = (name for name in dir(backward) if name.startswith("_raw_saved_"))
    saved = tuple((name.removeprefix("_raw_saved_"), name.removeprefix("_raw")) for name in raw)
    op = names.of_backward(name)
    return Rule(op, has_one=returns_one_tensor(op), saved=saved)
