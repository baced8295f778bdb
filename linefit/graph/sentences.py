"""Every word and sentence that a reader of a figure, a player or a listing sees.

They stand in this one module so that they can be translated.  Messages of errors, which are for
programmers, stand where they are raised.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from linefit.graph.nodes import Edge, Node, Output, Run, Saved
from linefit.graph.numbers import dense, number, range_of, same, written_out

Factor = tuple[str, Tensor | None, bool]  # formula and value of a local derivative; if it is summed

# Labels of boxes and edges

FEW = 6  # elements
WIDE = 24  # characters in which a tensor is written out


def brief(tensor: Tensor) -> str:
    """Return a tensor's numbers where they are few, else its shape and the range of its values.

    >>> brief(torch.tensor([1.0, -2.5])), brief(torch.arange(100).reshape(4, 25))
    ('[1, −2.5]', '(4, 25) 0 … 99')
    """
    tensor = dense(tensor)
    shape = f"{tuple(tensor.shape)}"
    if tensor.is_meta or tensor.numel() == 0:
        return shape
    if tensor.numel() <= FEW and len(text := written_out(tensor.tolist())) <= WIDE:
        return text
    if tensor.is_complex():
        return shape
    if tensor.dtype == torch.bool:
        return f"{shape} {int(tensor.sum())} True"
    return f"{shape} {_range(tensor)}"


def _range(tensor: Tensor) -> str:
    found = range_of(tensor)
    if found is None:
        return "all nan"
    low = number(found.least, digits=3)
    high = number(found.most, digits=3)
    if low != high:
        text = f"{low} … {high}"
    else:
        text = f"all {low}" if found.least == found.most else f"all ≈ {low}"
    return f"{text}, {found.nans} nan" if found.nans else text


def title(node: Node) -> str:
    """Return the name and the operation of a node, as ``loss = mean``."""
    names = ", ".join(output.name for output in node.outputs if output.name)
    if node.version:
        return f"{names or _operation(node)} ({changed_in_place(node.version)})"
    if node.op == "number" and node.value is not None:
        return brief(node.value)
    if node.op in {"leaf", "constant"}:
        return names or node.op
    return f"{names} = {node.op}" if names else node.op


def changed_in_place(times: int) -> str:
    """Return which version of a tensor it is.

    >>> changed_in_place(1), changed_in_place(3)
    ('changed in place', 'changed in place 3 times')
    """
    return CHANGED if times == 1 else CHANGED_TIMES.format(count=times)


def value_of(output: Output) -> str:
    """Return the value of an output, or its shape where no value was kept."""
    if output.value is not None:
        return brief(output.value)
    return f"{output.shape}".replace("-", "−") if output.shape else ""


def gradients(grad: Tensor | None, accumulated: Tensor | None) -> list[str]:
    """Return the gradient that reached a tensor, and its ``.grad`` if that differs.

    They differ where earlier backward passes had left a gradient.
    """
    lines = [part_of_gradient(grad)] if grad is not None else []
    if accumulated is not None and (grad is None or not same(accumulated, grad)):
        lines.append(f".grad {brief(accumulated)}")
    return lines


def part_of_gradient(grad: Tensor) -> str:
    """Return the label of an edge that carries a part of a gradient."""
    return f"grad {brief(grad)}"


CHANGED = "changed in place"
CHANGED_TIMES = "changed in place {count} times"
COUNTED = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def operations(count: int, *, in_words: bool = False) -> str:
    """Return how many operations there are, as "1 operation" or "two operations"."""
    written = COUNTED[count] if in_words and count < len(COUNTED) else count
    return f"{written} operation" + "s" * (count != 1)


# Figures

WIDE_FIGURE = "wide figure"
LEAF = "a leaf"
REACHED = 6  # leaves whose gradients the alternative text tells


def alt_text(nodes: Sequence[Node]) -> str:
    """Return the alternative text of a figure."""
    count = sum(node.kind == "operation" for node in nodes if node.op != "number")
    results = [o for n in nodes if n.kind == "operation" for o in n.outputs if o.name]
    ends = [f"{o.name} is {spoken(o.value)}" for o in results[-1:] if o.value is not None]
    reached = [
        f"the gradient reaching {node.name or LEAF} is {spoken(node.grad)}"
        for node in nodes
        if node.kind == "leaf" and node.grad is not None
    ]
    if (more := len(reached) - REACHED) > 0:
        reached[REACHED:] = [f"and {more} more leaves have gradients"]
    begin = f"Computational graph: {operations(count, in_words=True)}"
    return "; ".join([begin, *ends, *reached]) + "."


def size_note(nodes: int, boxes: int, shown: int, folded: int = 0) -> str:
    """Return how a graph is drawn in fewer boxes than it has nodes; "" if each has its box.

    Of its nodes some are ``folded`` into edges, the others are in ``boxes``, of which some or all
    are ``shown``.
    """
    views = f"{folded} views and changes of shape stand at their edges."
    some = f"{shown} of its {boxes}" if shown < boxes else f"{boxes}"
    if boxes < nodes - folded:
        words = f"{nodes} nodes in {some} boxes: one for each call of a module or scope."
        return f"{words} {views}" if folded else words
    if folded:
        end = "; of the others those nearest the end are shown" if shown < boxes else ""
        return f"{nodes} nodes in {some} boxes: {views[:-1]}{end}."
    return f"{shown} of {nodes} nodes: those nearest the end." if shown < nodes else ""


def repeated(labels: Sequence[str], count: int) -> str:
    """Return the label of what is called in a loop, as ``cell: LSTMCell × 200``."""
    return f"{', '.join(labels)} × {count}"


def passing(operations: Sequence[str]) -> str:
    """Return the label of an edge along which operations only change the shape.

    >>> passing(["view", "t"]), passing(["view", "transpose", "expand", "clone"])
    ('view → t', 'view → … → clone')
    """
    several = len(operations) > 3
    shown = [operations[0], "…", operations[-1]] if several else operations
    return " → ".join(shown)


def spoken(tensor: Tensor) -> str:
    """Return a tensor's numbers, or its shape and range, as words of a sentence."""
    shape, between, rest = brief(tensor).partition(") ")
    return f"{shape}) from {rest.replace('…', 'to')}" if "…" in rest else shape + between + rest


# Listings

EMPTY = "an empty graph"
MORE = "… and {count} more"
AND = " and "

# Tables

WHOLE = "the whole graph"
SUMMARY = ("scope", "calls", "operations", "parameters", "saved", "forward", "backward")
GRADIENTS = ("parameter", "shape", "root mean square", "largest", "gradient / value", "")
VERDICTS = {
    "": "",
    "none": "None: no gradient came",
    "zero": "zero",
    "not finite": "not finite",
    "vanishing": "vanishing",
    "exploding": "exploding",
}

# The player

STEP = "Step {number} of {count}"
PLAYER = {
    "start": "First step",
    "back": "Previous step",
    "play": "Play",
    "pause": "Pause",
    "next": "Next step",
    "end": "Last step",
    "slider": "Step",
    "figure": "Figure",
    "group": "Step through the graph",
    "list": "All {count} steps in words",
}

# Formulas of local derivatives

ONE_WHERE_POSITIVE = "1 where {x} > 0, else 0"
SIGN = "the sign of {x}"
RESULT = "the result"

# Steps


def inputs(nodes: Sequence[Node]) -> str:
    """Say what is there before the first operation."""
    leaves = [_with_value(n) for n in nodes if n.kind == "leaf"]
    others = [_with_value(n) for n in nodes if n.kind == "constant" and n.op != "number"]
    parts = []
    if leaves:
        want = "require gradients" if len(leaves) > 1 else "requires a gradient"
        parts.append(f"{_list(leaves)} {want}.")
    if others:
        parts.append(f"{_list(others)} {'are constants' if len(others) > 1 else 'is a constant'}.")
    return "The inputs: " + " ".join(parts) if parts else "The inputs are plain numbers."


def forward(node: Node, edges: Sequence[Edge]) -> str:
    """Say what an operation computed and what autograd recorded of it."""
    if node.version:
        values = AND.join(value for output in node.outputs if (value := _value(output)))
        return f"{name_of(node._before or node)} is changed in place, unseen by autograd: {values}."
    operands = ", ".join(
        name_of(edge.source, edge.output) for edge in edges if edge.source is not node._base
    )
    outputs = [output for output in node.outputs if output.name or _value(output)]
    results = AND.join(filter(None, map(_value, outputs)))
    names = [output.name or "_" for output in outputs] if any(o.name for o in outputs) else []
    words = f"Forward: {', '.join(names) + ' = ' if names else ''}{node.op}({operands})"
    words += f" = {results}." if results else "."
    if node._base is not None:
        words += f" It changes {_call(node._base, 0)} through a view."
    if node.backward_name is None:
        return f"{words} Nothing is recorded."
    if node.grad_fn is None:
        return f"{words} The tape records the layer."
    saved = [_saved_name(node, saved) for saved in node.saved]
    keeps = f" and keeps {_list(list(dict.fromkeys(saved)))}" if saved else ""
    return f"{words} Autograd records {node.backward_name}{keeps}."


def seed(node: Node, output: int, grad: Tensor | None) -> str:
    """Say where a backward pass enters the graph."""
    start = f" with the gradient {spoken(grad)}" if grad is not None else ""
    return f"A backward pass enters the graph at {_call(node, output)}{start}."


def backward(
    node: Node,
    run: Run,
    sent: Sequence[tuple[Edge, Tensor]],
    factors: Sequence[Factor | None],
) -> str:
    """Say what a backward node received, multiplied by and sent on, and if saved tensors stay."""
    received = [spoken(grad) for grad in run.received if grad is not None]
    incoming = AND.join(received) or "nothing"
    who = node.op if node.grad_fn is None else node.backward_name  # a tape's layer or autograd's
    if not run.readable:
        return f"Backward: {who} runs on a batch of gradients at once. They are not copied."
    words = [f"Backward: {who} gets {incoming}."]
    for (edge, grad), factor in zip(sent, factors, strict=True):
        product = _product(incoming, factor, spoken(grad))
        words.append(f"For {_call(edge.source, edge.output)}: {product}.")
    if node.saved:
        words.append(
            "What it has saved stays for another pass."
            if run.kept
            else "What it has saved is freed."
        )
    return " ".join(words)


def add_up(node: Node, output: int, parts: Sequence[Tensor], total: Tensor, *, uses: int) -> str:
    """Say that the parts of a gradient are summed where a value was used several times."""
    name = _call(node, output)
    terms = " + ".join(_grouped(spoken(part)) for part in parts)
    result = f"{terms} = {spoken(total)}"
    if len(parts) == uses:
        return f"{name} was used {uses} times: its gradient is the sum {result}."
    return f"{name} gets {len(parts)} parts of a gradient: their sum is {result}."


def hook(
    node: Node, output: int, before: Tensor | None, after: Tensor | None, *, stored: bool
) -> str:
    """Say how a hook has changed a gradient on its way, or the ``.grad`` of a leaf."""
    was, now = ("None" if grad is None else spoken(grad) for grad in (before, after))
    what = f"{name_of(node)}.grad" if stored else f"the gradient of {_call(node, output)}"
    return f"A hook changes {what}: it was {was} and is {now}."


def other_gradient(node: Node, output: int, before: Tensor | None, after: Tensor | None) -> str:
    """Say that a gradient is not the one that was sent, where what changed it was not seen."""
    was, now = ("None" if grad is None else spoken(grad) for grad in (before, after))
    return (
        f"{_call(node, output)} was sent the gradient {was} and its node gets {now}: "
        "a hook has changed it, or a backward pass begins here too."
    )


def write(leaf: Node, before: Tensor | None, after: Tensor | None) -> str:
    """Say what becomes of the ``.grad`` of a leaf."""
    name = name_of(leaf)
    was, now = ("None" if grad is None else spoken(grad) for grad in (before, after))
    if after is None:
        stays = "stays" if before is None else f"was {was} and is"
        return f"{name} is reached; its .grad {stays} None."
    if before is None:
        return f"AccumulateGrad writes {name}.grad: it is {now}."
    if same(before, after):
        return f"{name} is reached; its .grad stays {now}."
    return f"AccumulateGrad adds to {name}.grad: it was {was} and is {now}."


def later(leaves: Sequence[Node]) -> str:
    """Say which gradients the program has changed after all that is shown."""
    names = [f"{name_of(leaf)}.grad" for leaf in leaves]
    shown = names if len(names) < 4 else [*names[:2], f"{len(names) - 2} more"]
    listed = " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
    return f"Since then the program has changed {listed}: shown is what the backward pass left."


def _product(incoming: str, factor: Factor | None, outgoing: str) -> str:
    """Return incoming gradient × local derivative → outgoing gradient, as far as it is known."""
    if factor is None:
        return outgoing
    formula, derivative, is_summed = factor
    if derivative is None:
        return f"{outgoing}, the same numbers in its own shape"
    value = spoken(derivative)
    exact = "" if formula.replace(" ", "") in {value, "1", "−1"} else f"{formula} = "
    times = f"({exact}{value})" if exact else _grouped(value)
    summed = ", the sum over what was repeated" if is_summed else ""
    return f"{_grouped(incoming)} × {times} → {outgoing}{summed}"


def _grouped(text: str) -> str:
    return f"({text})" if text.startswith("−") else text


# Names within sentences


def name_of(node: Node, output: int = 0) -> str:
    """Return what to call an output in a sentence: its variable, its number or its operation."""
    if node.op == "number":
        return title(node)
    name = node.outputs[output].name or _operation(node)
    return f"{name} ({changed_in_place(node.version)})" if node.version else name


def _operation(node: Node) -> str:
    """Return the operation that made a tensor, also where it was changed in place since."""
    while node.op == "changed" and node._before is not None:
        node = node._before
    return node.op


def _call(node: Node, output: int) -> str:
    """Return the variable of an output, or the call that made it, as several may be alike."""
    if node.outputs[output].name or not node._operands:
        return name_of(node, output)
    return f"{node.op}({', '.join(map(_operand, node._operands))})"


def _operand(operand: Node | complex) -> str:
    return name_of(operand) if isinstance(operand, Node) else written_out(operand)


def _saved_name(node: Node, saved: Saved) -> str:
    source = saved.source
    if source is node:
        return "its result"
    if source is not None:
        return name_of(source, saved.output)
    plain = [operand for operand in node._operands if not isinstance(operand, Node)]
    return written_out(plain[0]) if plain and not saved.shape else saved.name


def _with_value(node: Node) -> str:
    value = _value(node.outputs[0])
    return f"{name_of(node)} = {value}" if value else name_of(node)


def _value(output: Output) -> str:
    return spoken(output.value) if output.value is not None else value_of(output)


def _list(items: Sequence[str]) -> str:
    return AND.join(filter(None, [", ".join(items[:-1]), items[-1]]))
