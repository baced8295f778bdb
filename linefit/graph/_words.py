"""What the steps say: every sentence of the player, in one place for translators."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from linefit.graph._nodes import Edge, Node, Run, Saved
from linefit.graph._output import Output
from linefit.graph._rules import Local, name_of
from linefit.graph._text import same, spoken, value_of

STEP = "Step {number} of {count}"
LABELS = {
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
    """Say what an operation computed and what autograd noted of it."""
    operands = ", ".join(name_of(edge.source, edge.output) for edge in edges)
    outputs = [output for output in node.outputs if output.name or _value(output)]
    results = " and ".join(filter(None, map(_value, outputs)))
    names = [output.name or "_" for output in outputs] if any(o.name for o in outputs) else []
    words = f"Forward: {', '.join(names) + ' = ' if names else ''}{node.op}({operands})"
    words += f" = {results}." if results else "."
    if node.backward_name is None:
        return f"{words} Nothing is recorded."
    if node.grad_fn is None:
        return f"{words} The tape records the layer."
    kept = [_saved_name(node, saved) for saved in node.saved]
    keeps = f" and keeps {_list(list(dict.fromkeys(kept)))}" if kept else ""
    return f"{words} Autograd records {node.backward_name}{keeps}."


def seed(node: Node, output: int, grad: Tensor | None) -> str:
    """Say where a backward pass comes into the graph."""
    start = f" with the gradient {spoken(grad)}" if grad is not None else ""
    return f"A backward pass enters the graph at {_called(node, output)}{start}."


def backward(
    node: Node, run: Run, sent: Sequence[tuple[Edge, Tensor]], rules: Sequence[Local | None]
) -> str:
    """Say what a backward node got, multiplied by and sent on, and whether it keeps its tensors."""
    received = [spoken(grad) for grad in run.received if grad is not None]
    incoming = " and ".join(received) or "nothing"
    who = node.op if node.grad_fn is None else node.backward_name  # a tape's layer or autograd's
    words = [f"Backward: {who} gets {incoming}."]
    for (edge, grad), rule in zip(sent, rules, strict=True):
        goal, outgoing = _called(edge.source, edge.output), spoken(grad)
        words.append(f"For {goal}: {_product(incoming, rule, outgoing)}.")
    if node.saved:
        words.append(
            "What it has saved stays for another pass."
            if run.kept
            else "What it has saved is freed."
        )
    return " ".join(words)


def add_up(node: Node, output: int, parts: Sequence[Tensor], total: Tensor, *, uses: int) -> str:
    """Say that the parts of a gradient are summed where a value was used several times."""
    terms = " + ".join(map(_term, parts))
    name, result = _called(node, output), f"{terms} = {spoken(total)}"
    if len(parts) == uses:
        return f"{name} was used {uses} times: its gradient is the sum {result}."
    return f"{name} gets {len(parts)} parts of a gradient: their sum is {result}."


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


def _product(incoming: str, rule: Local | None, outgoing: str) -> str:
    if rule is None:
        return outgoing
    if rule.value is None:
        return f"{outgoing}, the same numbers in its own shape"
    value = spoken(rule.value)
    exact = "" if rule.formula.replace(" ", "") in {value, "1", "−1"} else f"{rule.formula} = "
    factor = f"({exact}{value})" if exact else _grouped(value)
    summed = ", the sum over what was repeated" if rule.summed else ""
    return f"{_grouped(incoming)} × {factor} → {outgoing}{summed}"


def _grouped(text: str) -> str:
    return f"({text})" if text.startswith("−") else text


def _term(part: Tensor) -> str:
    return _grouped(spoken(part))


def _with_value(node: Node) -> str:
    value = _value(node.outputs[0])
    return f"{name_of(node)} = {value}" if value else name_of(node)


def _called(node: Node, output: int) -> str:
    """Return the variable of an output, or the call that made it, as several may be alike."""
    operands = [operand for operand in node._order if isinstance(operand, Node)]
    if node.outputs[output].name or not operands:
        return name_of(node, output)
    return f"{node.op}({', '.join(map(name_of, operands))})"


def _value(output: Output) -> str:
    return spoken(output.value) if output.value is not None else value_of(output)


def _saved_name(node: Node, saved: Saved) -> str:
    source = saved.source
    if source is node:
        return "its result"
    if source is not None:
        return name_of(source, saved.output)
    numbers = [n for n in node._order if isinstance(n, Node) and n.op == "number"]
    return name_of(numbers[0]) if numbers and not saved.shape else saved.name


def _list(items: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))
