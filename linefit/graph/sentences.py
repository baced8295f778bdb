"""Every word and sentence that a reader of a figure, a player or a listing sees.

They stand in this one module so that they can be translated: each is a text of ``say``, with names
in braces for what the graph fills in.  Messages of errors, which are for programmers, stand where
they are raised.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from linefit.graph.nodes import Edge, Node, Output, Run, Saved
from linefit.graph.numbers import dense, number, range_of, same, written_out

Factor = tuple[str, Tensor | None, bool]  # formula and value of a local derivative; if it is summed


def say(text: str, **filled_in: object) -> str:
    """Return a text with its blanks filled in; whoever collects the texts looks for its calls."""
    return text.format(**filled_in)


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
        return say("{shape} {number} True", shape=shape, number=int(tensor.sum()))
    return f"{shape} {_range(tensor)}"


def _range(tensor: Tensor) -> str:
    found = range_of(tensor)
    if found is None:
        return say("all nan")
    low = number(found.least, digits=3)
    high = number(found.most, digits=3)
    if low != high:
        text = f"{low} … {high}"
    elif found.least == found.most:
        text = say("all {number}", number=low)
    else:
        text = say("all ≈ {number}", number=low)
    return f"{text}, {found.nans} nan" if found.nans else text


def title(node: Node) -> str:
    """Return the name and the operation of a node, as ``loss = mean``."""
    names = ", ".join(output.name for output in node.outputs if output.name)
    if node.version:
        return versioned(names or _operation(node), node)
    if node.op == "number" and node.value is not None:
        return brief(node.value)
    if node.op in {"leaf", "constant"}:
        return names or node.op
    return f"{names} = {node.op}" if names else node.op


def versioned(name: str, node: Node) -> str:
    """Return a name, with the version of the tensor if it was changed in place."""
    if not node.version:
        return name
    return say("{name} ({changed})", name=name, changed=changed_in_place(node.version))


def changed_in_place(times: int) -> str:
    """Return which version of a tensor it is.

    >>> changed_in_place(1), changed_in_place(3)
    ('changed in place', 'changed in place 3 times')
    """
    if times == 1:
        return say("changed in place")
    return say("changed in place {number} times", number=times)


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
    return say("grad {value}", value=brief(grad))


def operations(count: int) -> str:
    """Return how many operations there are."""
    return say("1 operation") if count == 1 else say("{number} operations", number=count)


FEW_OPERATIONS = (
    say("no operations"),
    say("one operation"),
    say("two operations"),
    say("three operations"),
    say("four operations"),
    say("five operations"),
    say("six operations"),
    say("seven operations"),
    say("eight operations"),
    say("nine operations"),
    say("ten operations"),
)


# Figures

WIDE_FIGURE = say("wide figure")
LEAF = say("a leaf")
REACHED = 6  # leaves whose gradients the alternative text tells


def alt_text(nodes: Sequence[Node]) -> str:
    """Return the alternative text of a figure."""
    count = sum(node.kind == "operation" for node in nodes if node.op != "number")
    results = [o for n in nodes if n.kind == "operation" for o in n.outputs if o.name]
    ends = [
        say("{name} is {value}", name=o.name, value=spoken(o.value))
        for o in results[-1:]
        if o.value is not None
    ]
    reached = [
        say(
            "the gradient reaching {name} is {value}",
            name=node.name or LEAF,
            value=spoken(node.grad),
        )
        for node in nodes
        if node.kind == "leaf" and node.grad is not None
    ]
    if (more := len(reached) - REACHED) > 0:
        reached[REACHED:] = [say("and {number} more leaves have gradients", number=more)]
    counted = FEW_OPERATIONS[count] if count < len(FEW_OPERATIONS) else operations(count)
    facts = "; ".join([counted, *ends, *reached])
    return say("Computational graph: {facts}.", facts=facts)


def size_note(nodes: int, boxes: int, shown: int, folded: int = 0) -> str:
    """Return how a graph is drawn in fewer boxes than it has nodes; "" if each has its box.

    Of its nodes some are ``folded`` into edges, the others are in ``boxes``, of which some or all
    are ``shown``.
    """
    if boxes >= nodes - folded and not folded:
        if shown == nodes:
            return ""
        return say("{shown} of {nodes} nodes: those nearest the end.", shown=shown, nodes=nodes)
    some = say("{shown} of its {boxes}", shown=shown, boxes=boxes) if shown < boxes else boxes
    head = say("{nodes} nodes in {some} boxes", nodes=nodes, some=some)
    views = say("{number} views and changes of shape stand at their edges", number=folded)
    if boxes < nodes - folded:
        calls = say("{head}: one for each call of a module or scope.", head=head)
        return f"{calls} {views}." if folded else calls
    if shown == boxes:
        return say("{head}: {views}.", head=head, views=views)
    return say(
        "{head}: {views}; of the others those nearest the end are shown.", head=head, views=views
    )


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
    text = brief(tensor)
    shape, _, values = text.partition(") ")
    least, between, most = values.partition(" … ")
    if not between:
        return text
    return say("{shape} from {least} to {most}", shape=f"{shape})", least=least, most=most)


# Listings

EMPTY = say("an empty graph")


def more(count: int) -> str:
    """Return how many lines a listing leaves out."""
    return say("… and {number} more", number=count)


# Tables

WHOLE = say("the whole graph")
SUMMARY = (
    say("scope"),
    say("calls"),
    say("operations"),
    say("parameters"),
    say("saved"),
    say("forward"),
    say("backward"),
)
GRADIENTS = (
    say("parameter"),
    say("shape"),
    say("root mean square"),
    say("largest"),
    say("gradient / value"),
    "",
)
VERDICTS = {
    "": "",
    "none": say("None: no gradient came"),
    "zero": say("zero"),
    "not finite": say("not finite"),
    "vanishing": say("vanishing"),
    "exploding": say("exploding"),
}

# The player

PLAYER = {
    "start": say("First step"),
    "back": say("Previous step"),
    "play": say("Play"),
    "pause": say("Pause"),
    "next": say("Next step"),
    "end": say("Last step"),
    "slider": say("Step"),
    "figure": say("Figure"),
    "group": say("Step through the graph"),
}


def step_of(number: int, count: int) -> str:
    """Return which step of a player it is."""
    return say("Step {number} of {count}", number=number, count=count)


def all_steps(count: int) -> str:
    """Return the heading of a player's steps."""
    return say("All {count} steps in words", count=count)


# Formulas of local derivatives

ONE_WHERE_POSITIVE = say("1 where {x} > 0, else 0", x="{x}")
SIGN = say("the sign of {x}", x="{x}")
RESULT = say("the result")

# Steps


def inputs(nodes: Sequence[Node]) -> str:
    """Say what is there before the first operation."""
    leaves = [_with_value(n) for n in nodes if n.kind == "leaf"]
    others = [_with_value(n) for n in nodes if n.kind == "constant" and n.op != "number"]
    parts = []
    if len(leaves) == 1:
        parts.append(say("{name} requires a gradient.", name=leaves[0]))
    elif leaves:
        parts.append(say("{names} require gradients.", names=listed(leaves)))
    if len(others) == 1:
        parts.append(say("{name} is a constant.", name=others[0]))
    elif others:
        parts.append(say("{names} are constants.", names=listed(others)))
    if not parts:
        return say("The inputs are plain numbers.")
    return say("The inputs: {facts}", facts=" ".join(parts))


def forward(node: Node, edges: Sequence[Edge]) -> str:
    """Say what an operation computed and what autograd recorded of it."""
    if node.version:
        return say(
            "{name} is changed in place, unseen by autograd: {value}.",
            name=name_of(node._before or node),
            value=listed([value for output in node.outputs if (value := _value(output))]),
        )
    words = [_computed(node, edges)]
    if node._base is not None:
        words.append(say("It changes {name} through a view.", name=_call(node._base, 0)))
    if node.backward_name is None:
        words.append(say("Nothing is recorded."))
    elif node.grad_fn is None:
        words.append(say("The tape records the layer."))
    elif saved := list(dict.fromkeys(_saved_name(node, saved) for saved in node.saved)):
        words.append(
            say(
                "Autograd records {node} and keeps {names}.",
                node=node.backward_name,
                names=listed(saved),
            )
        )
    else:
        words.append(say("Autograd records {node}.", node=node.backward_name))
    return " ".join(words)


def _computed(node: Node, edges: Sequence[Edge]) -> str:
    operands = ", ".join(
        name_of(edge.source, edge.output) for edge in edges if edge.source is not node._base
    )
    outputs = [output for output in node.outputs if output.name or _value(output)]
    names = [output.name or "_" for output in outputs] if any(o.name for o in outputs) else []
    call = f"{', '.join(names) + ' = ' if names else ''}{node.op}({operands})"
    if results := listed(list(filter(None, map(_value, outputs)))):
        return say("Forward: {call} = {value}.", call=call, value=results)
    return say("Forward: {call}.", call=call)


def seed(node: Node, output: int, grad: Tensor | None) -> str:
    """Say where a backward pass enters the graph."""
    name = _call(node, output)
    if grad is None:
        return say("A backward pass enters the graph at {name}.", name=name)
    return say(
        "A backward pass enters the graph at {name} with the gradient {value}.",
        name=name,
        value=spoken(grad),
    )


def backward(
    node: Node,
    run: Run,
    sent: Sequence[tuple[Edge, Tensor]],
    factors: Sequence[Factor | None],
) -> str:
    """Say what a backward node received, multiplied by and sent on, and if saved tensors stay."""
    received = [spoken(grad) for grad in run.received if grad is not None]
    incoming = listed(received) or say("nothing")
    who = node.op if node.grad_fn is None else node.backward_name  # a tape's layer or autograd's
    if not run.readable:
        run_at_once = say("Backward: {node} runs on a batch of gradients at once.", node=who)
        return f"{run_at_once} {say('They are not copied.')}"
    words = [say("Backward: {node} gets {value}.", node=who, value=incoming)]
    for (edge, grad), factor in zip(sent, factors, strict=True):
        product = _product(incoming, factor, spoken(grad))
        name = _call(edge.source, edge.output)
        words.append(say("For {name}: {product}.", name=name, product=product))
    if node.saved and run.kept:
        words.append(say("What it has saved stays for another pass."))
    elif node.saved:
        words.append(say("What it has saved is freed."))
    return " ".join(words)


def add_up(node: Node, output: int, parts: Sequence[Tensor], total: Tensor, *, uses: int) -> str:
    """Say that the parts of a gradient are summed where a value was used several times."""
    name = _call(node, output)
    terms = " + ".join(_grouped(spoken(part)) for part in parts)
    result = f"{terms} = {spoken(total)}"
    if len(parts) == uses:
        return say(
            "{name} was used {number} times: its gradient is the sum {result}.",
            name=name,
            number=uses,
            result=result,
        )
    return say(
        "{name} gets {number} parts of a gradient: their sum is {result}.",
        name=name,
        number=len(parts),
        result=result,
    )


def hook(
    node: Node, output: int, before: Tensor | None, after: Tensor | None, *, stored: bool
) -> str:
    """Say how a hook has changed a gradient on its way, or the ``.grad`` of a leaf."""
    if stored:
        what = f"{name_of(node)}.grad"
    else:
        what = say("the gradient of {name}", name=_call(node, output))
    return say(
        "A hook changes {what}: it was {before} and is {after}.",
        what=what,
        before=_spoken_or_none(before),
        after=_spoken_or_none(after),
    )


def other_gradient(node: Node, output: int, before: Tensor | None, after: Tensor | None) -> str:
    """Say that a gradient is not the one that was sent, where what changed it was not seen."""
    return say(
        "{name} was sent the gradient {before} and its node gets {after}: "
        "a hook has changed it, or a backward pass begins here too.",
        name=_call(node, output),
        before=_spoken_or_none(before),
        after=_spoken_or_none(after),
    )


def write(leaf: Node, before: Tensor | None, after: Tensor | None) -> str:
    """Say what becomes of the ``.grad`` of a leaf."""
    name = name_of(leaf)
    was, now = map(_spoken_or_none, (before, after))
    if after is None and before is not None:
        return say("{name} is reached; its .grad was {before} and is None.", name=name, before=was)
    if before is None and after is not None:
        return say("AccumulateGrad writes {name}.grad: it is {after}.", name=name, after=now)
    if before is None or after is None or same(before, after):
        return say("{name} is reached; its .grad stays {after}.", name=name, after=now)
    return say(
        "AccumulateGrad adds to {name}.grad: it was {before} and is {after}.",
        name=name,
        before=was,
        after=now,
    )


def later(leaves: Sequence[Node]) -> str:
    """Say which gradients the program has changed after all that is shown."""
    names = [f"{name_of(leaf)}.grad" for leaf in leaves]
    if len(names) >= 4:
        names[2:] = [say("{number} more", number=len(names) - 2)]
    return say(
        "Since then the program has changed {names}: shown is what the backward pass left.",
        names=listed(names),
    )


def _spoken_or_none(grad: Tensor | None) -> str:
    return "None" if grad is None else spoken(grad)


def _product(incoming: str, factor: Factor | None, outgoing: str) -> str:
    """Return incoming gradient × local derivative → outgoing gradient, as far as it is known."""
    if factor is None:
        return outgoing
    formula, derivative, is_summed = factor
    if derivative is None:
        return say("{value}, the same numbers in its own shape", value=outgoing)
    value = spoken(derivative)
    exact = "" if formula.replace(" ", "") in {value, "1", "−1"} else f"{formula} = "
    times = f"({exact}{value})" if exact else _grouped(value)
    product = f"{_grouped(incoming)} × {times} → {outgoing}"
    if is_summed:
        return say("{product}, the sum over what was repeated", product=product)
    return product


def _grouped(text: str) -> str:
    return f"({text})" if text.startswith("−") else text


# Names within sentences


def name_of(node: Node, output: int = 0) -> str:
    """Return what to call an output in a sentence: its variable, its number or its operation."""
    if node.op == "number":
        return title(node)
    name = node.outputs[output].name or _operation(node)
    return versioned(name, node)


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
        return say("its result")
    if source is not None:
        return name_of(source, saved.output)
    plain = [operand for operand in node._operands if not isinstance(operand, Node)]
    return written_out(plain[0]) if plain and not saved.shape else saved.name


def _with_value(node: Node) -> str:
    value = _value(node.outputs[0])
    return f"{name_of(node)} = {value}" if value else name_of(node)


def _value(output: Output) -> str:
    return spoken(output.value) if output.value is not None else value_of(output)


def listed(items: Sequence[str]) -> str:
    """Return items as words of a sentence, as ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return say("{first} and {last}", first=", ".join(items[:-1]), last=items[-1])
