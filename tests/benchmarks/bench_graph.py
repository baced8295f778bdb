"""What recording costs: the same operations plain, recorded, and with the graph built from it."""

import pytest
import torch
from torch.overrides import TorchFunctionMode

from linefit import graph

STEPS = 1000


def plain(x):
    """Run the operations, which autograd records as always."""
    for _ in range(STEPS):
        x = x * 1.001
    return x


class Copying(TorchFunctionMode):
    """Do what every recorder has to ask torch for: be called, copy, and listen for gradients."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.kept += [result, result.detach().clone()]
        if result.grad_fn is not None:
            result.grad_fn.register_hook(ignore)
        return result


def ignore(sent, received):
    """Listen and do nothing."""


def copied(x):
    """Pay torch's part of a recording alone."""
    with Copying():
        return plain(x)


def recorded(x):
    """Write each of them down as well."""
    with graph.record() as g:
        result = plain(x)
    return g, result


def recorded_and_built(x):
    """Put nodes and edges in order, too."""
    g, result = recorded(x)
    assert len(g.nodes) == 2 * STEPS + 1
    return g, result


@pytest.mark.parametrize("run", [plain, copied, recorded, recorded_and_built])
@pytest.mark.parametrize("elements", [1, 10_000])
def bench_forward(benchmark, run, elements):
    """Time a chain of products."""
    x = torch.ones(elements, requires_grad=True)
    benchmark.group = f"{STEPS} operations on {elements} numbers, forward"
    benchmark.pedantic(run, args=(x,), rounds=20, warmup_rounds=2)


@pytest.mark.parametrize("run", [plain, copied, recorded])
def bench_forward_without_gradients(benchmark, run):
    """Time the same where autograd records nothing."""
    benchmark.group = f"{STEPS} operations on 1 number, without gradients"
    benchmark.pedantic(run, args=(torch.ones(1),), rounds=20, warmup_rounds=2)


@pytest.mark.parametrize("run", [plain, recorded])
@pytest.mark.parametrize("elements", [1, 10_000])
def bench_backward(benchmark, run, elements):
    """Time the backward pass of a chain, with and without a recording that listens."""
    x = torch.ones(elements, requires_grad=True)

    def fresh():
        kept = run(x)
        result = kept[1] if isinstance(kept, tuple) else kept
        return (kept, result.sum()), {}

    benchmark.group = f"{STEPS} operations on {elements} numbers, backward"
    benchmark.pedantic(lambda _kept, loss: loss.backward(), setup=fresh, rounds=20, warmup_rounds=2)
