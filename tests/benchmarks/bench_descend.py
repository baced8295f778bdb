"""What the package costs: ``descend`` beside the loop that a reader would write by hand."""

import pytest
import torch

import linefit as lf

STEPS = 200
LR = 1e-5


def literal(x, y):
    """Write the loop out, with nothing kept but the parameters."""
    a, b = (torch.zeros((), dtype=x.dtype, requires_grad=True) for _ in range(2))
    for _ in range(STEPS):
        loss = ((a * x - y + b) ** 2).mean() / (2 * (a**2 + 1))
        loss.backward()
        with torch.no_grad():
            a -= LR * a.grad
            b -= LR * b.grad
        a.grad = b.grad = None
    return a.item(), b.item()


def descend(x, y):
    """Run the package's loop, which keeps every step."""
    last = lf.descend(x, y, lr=LR, steps=STEPS).last
    return last.slope.item(), last.intercept.item()


@pytest.mark.parametrize("n", [100, 10_000, 1_000_000])
@pytest.mark.parametrize("loop", [literal, descend], ids=["by hand", "descend"])
def bench_gradient_descent(benchmark, loop, n):
    """Time 200 steps on n points."""
    x, y, _ = lf.noisy_line(n)
    benchmark.group = f"{STEPS} steps of gradient descent, n = {n:,}"
    benchmark.pedantic(loop, args=(x, y), rounds=3, warmup_rounds=1)
