"""The page on which a reader types a graph: its numbers, steps and words against PyTorch's own."""

import json
import math
import random
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "docs" / "_static" / "play"
FUNCTIONS = ("sum", "mean", "sqrt", "exp", "log", "sin", "cos", "tanh", "relu", "abs")
SPACE = {name: getattr(torch, name) for name in FUNCTIONS}
EDGES = [
    ("sum(relu(x))", {"x": [-1.0, 0.0, 2.0]}),
    ("sum(abs(x))", {"x": [-1.0, 0.0, 2.0]}),
    ("sum(x**0)", {"x": [0.0, 1.0, -3.0]}),
    ("sum(x**y)", {"x": [0.0, 0.0, 2.0, -2.0], "y": [0.0, 2.0, 0.5, 3.0]}),
    ("sum(0**p)", {"p": [0.0, 1.0, 2.5]}),
    ("x**0.5", {"x": 0.0}),
    ("sqrt(x)", {"x": 0.0}),
    ("sqrt(x) * 0", {"x": 0.0}),
    ("sum(log(x))", {"x": [-1.0, 0.0, 2.0]}),
    ("sum(sqrt(x))", {"x": [-1.0, 4.0]}),
    ("sum((-8 * x)**y)", {"x": 1.0, "y": [0.5, 2.0]}),
    ("x / y", {"x": 1.0, "y": 0.0}),
    ("1 / x", {"x": 0.0}),
    ("2 / x - x", {"x": 4.0}),
    ("-x**2", {"x": 3.0}),
    ("2**x**2", {"x": 1.5}),
    ("2**-x", {"x": 1.5}),
    ("exp(1000 * x)", {"x": 1.0}),
    ("sum(x * y)", {"x": [[1.0], [2.0]], "y": [3.0, 4.0, 5.0]}),
    ("mean((a*x + b - y)**2)", {"a": 2.0, "x": [1.0, 2.0], "b": [0.5], "y": [2.0, 5.0]}),
    ("k = 2*3\nd = a*k\ne = d\ne*d - mean(abs(x))", {"a": 2.0, "x": [1.0, -2.0]}),
    ("x", {"x": 2.0}),
    ("x * 1", {"x": 2.0, "unused": 1.0}),
]


def drawn(count, seed=1):
    """Return expressions of inputs that are numbers or vectors, with values for them."""
    draw = random.Random(seed)  # noqa: S311 (nothing is secret)

    def expression(depth):
        if depth == 0 or draw.random() < 0.15:
            return draw.choice(["a", "b", "x", "y", "z", "a", "x", "2", "3", "0.5", "1.5"])
        inner = [expression(depth - 1) for _ in range(2)]
        kind = draw.randrange(10)
        if kind < 5:
            return f"({inner[0]} {draw.choice('+-*/')} {inner[1]})"
        if kind < 6:
            return f"({inner[0]})**{draw.choice(['2', '3', '0.5', '-1', '(b / 3)', '0', '-a'])}"
        if kind < 7:
            return f"-{inner[0]}"
        return f"{draw.choice(FUNCTIONS[2:])}(a * 0.7 + {inner[0]} / 3)"

    def value(name):
        def one():
            return draw.choice([round(draw.uniform(-3, 3), 3), draw.randint(-2, 3)])

        return one() if name in "ab" else [one() for _ in range(3)]

    for _ in range(count):
        program = f"u = {expression(3)}\n{draw.choice(['sum', 'mean'])}(u * x + {expression(2)})"
        yield program, {name: value(name) for name in "abxyz"}


def by_torch(program, values):
    """Return what PyTorch computes: the last line's value and the gradient of each input."""
    tensors = {
        k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in values.items()
    }
    space = SPACE | tensors
    *lines, last = program.splitlines()
    exec("\n".join(lines), space)  # noqa: S102 (drawn above, and torch's answer is wanted)
    result = eval(last, space)  # noqa: S307 (likewise)
    result.backward()
    grads = {k: None if t.grad is None else t.grad.tolist() for k, t in tensors.items()}
    return result.tolist(), grads


@pytest.fixture(scope="module")
def bare(browser):
    """Return an empty page with the tape's script."""
    page = browser.new_page()
    page.add_script_tag(path=STATIC / "graph-tape.js")
    yield page
    page.close()


AS_TEXT = """cases => cases.map(([program, values]) => {
    const text = (key, v) => typeof v === "number" && !Number.isFinite(v) ? String(v) : v;
    try { return JSON.stringify(linefitPlay.grad(program, values), text); }
    catch (error) { return JSON.stringify({error: error.message, at: error.column}); }
})"""


def flat(value):
    """Return the numbers of nested lists, with those that JSON cannot hold."""
    if isinstance(value, list):
        return [number for part in value for number in flat(part)]
    return [value if value is None else float(value)]


def differ(ours, theirs):
    """Whether two results differ by more than 1e-12 of their size."""
    ours, theirs = flat(ours), flat(theirs)
    if len(ours) != len(theirs):
        return True
    sizes = [abs(t) for t in theirs if t is not None and math.isfinite(t)]
    size = max([1.0, *sizes])
    return any(
        (mine is None) != (other is None)
        or (
            mine is not None
            and mine != other
            and not (math.isnan(mine) and math.isnan(other))
            and not abs(mine - other) <= 1e-12 * size
        )
        for mine, other in zip(ours, theirs, strict=True)
    )


def test_values_and_gradients_are_torchs(bare):
    """Values and gradients of 500 drawn expressions and of all edges are torch's to 1e-12."""
    cases = []
    expected = []
    for program, values in [*EDGES, *drawn(700)]:
        try:
            expected.append(by_torch(program, values))
        except (ZeroDivisionError, TypeError, RuntimeError):  # numbers alone, as in sqrt(2)
            continue
        cases.append((program, values))
    assert len(cases) >= 500 + len(EDGES)
    wrong = []
    for case, (result, grads), found in zip(
        cases, expected, map(json.loads, bare.evaluate(AS_TEXT, cases)), strict=True
    ):
        value = found.get("values", {}).get("result")
        if "error" in found or differ(value, result):
            wrong.append((case, result, found))
        elif any(differ(found["grads"][name], grad) for name, grad in grads.items()):
            wrong.append((case, grads, found["grads"]))
    assert not wrong, (len(wrong), wrong[:3])
