"""What recording costs: the same operations plain, recorded, and with the graph built from it."""

import pytest
import torch

from linefit import graph

STEPS = 1000


def plain(x):
    """Run the operations, which autograd records as always."""
    for _ in range(STEPS):
        x = x * 1.001
    return x


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


@pytest.mark.parametrize("run", [plain, recorded, recorded_and_built])
@pytest.mark.parametrize("elements", [1, 10_000])
def bench_forward(benchmark, run, elements):
    """Time a chain of products."""
    x = torch.ones(elements, requires_grad=True)
    benchmark.group = f"{STEPS} operations on {elements} numbers, forward"
    benchmark.pedantic(run, args=(x,), rounds=20, warmup_rounds=2)


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
