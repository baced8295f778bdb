r"""
A graph that changes with the data
==================================

**Question.** What does the graph of a function look like that has a ``while`` loop in it?

**Answer.** It can differ from run to run: autograd records the operations that really ran, so two
inputs can have two graphs and two derivatives, even where the result is the same number.
"""

# %%
# A loop that asks a tensor
# -------------------------
#
# Multiply x by itself until the product reaches ten.
# How often that happens depends on the *value* of a tensor.


def power_above_ten(x):
    """Return the lowest power of x that is at least ten, for x above 1."""
    y = x
    while y < 10:
        y = y * x
    return y


# %%
# Two runs
# --------
#
# Two takes three products and four takes one; both end at 16.
# The derivatives differ, since one run computed :math:`x^4` and the other :math:`x^2`.

import torch

from linefit import graph

two = torch.tensor(2.0, requires_grad=True)
with graph.record(names={"x": two}) as long:
    result = power_above_ten(two)
long.backward(result)

four = torch.tensor(4.0, requires_grad=True)
with graph.record(names={"x": four}) as short:
    same_result = power_above_ten(four)
short.backward(same_result)

# %%
# Compare the numbers: one value, two derivatives.

print(f"x = 2: {result.item()} with gradient {two.grad.item()}")
print(f"x = 4: {same_result.item()} with gradient {four.grad.item()}")
assert result == same_result == 16
assert two.grad == 4 * 2**3
assert four.grad == 2 * 4

# %%
# Two graphs of one function
# --------------------------
#
# The comparison and the loop are in neither picture.
# They ran in Python, and what they leave behind is the number of products.

import matplotlib.pyplot as plt

from linefit.plotting import plot_graph

# Alt: Two graphs of the same function. For x = 2 three products follow one another,
#      for x = 4 there is a single one.
fig, axes = plt.subplots(1, 2, figsize=(8, 5), layout="constrained")
for ax, g, title in zip(axes, (long, short), ("x = 2", "x = 4"), strict=True):
    plot_graph(ax, g)
    ax.set(title=title)
plt.show()

# %%
# The derivative of the run
# -------------------------
#
# Do it for many x.
# Where the number of products changes, the function jumps; autograd differentiates the piece on
# which it ran and knows nothing of the jump.

xs = torch.linspace(1.3, 5, 371, dtype=torch.float64).requires_grad_()
ys = torch.stack([power_above_ten(x) for x in xs])
ys.sum().backward()
power = (ys.log() / xs.log()).round().detach()
assert torch.allclose(xs.grad, power * xs.detach() ** (power - 1))
assert power.unique().tolist() == [2, 3, 4, 5, 6, 7, 8, 9]
print(f"{len(power.unique())} shapes of graph, powers {power.min():.0f} to {power.max():.0f}")

# %%
# Each piece has a graph of one shape, that of all x with the same number of products.

# Alt: Above, the result against x: pieces of rising curves, each ending in a drop to
#      ten. Below, the gradient of each piece, positive everywhere.
fig, (above, below) = plt.subplots(2, 1, sharex=True, layout="constrained")
for n in power.unique():
    piece = power == n
    above.plot(xs.detach()[piece], ys.detach()[piece], color="C0")
    below.plot(xs.detach()[piece], xs.grad[piece], color="C1")
above.set(ylabel="result", ylim=(0, None))
below.set(xlabel="x", ylabel="gradient", ylim=(0, None))
plt.show()

# %%
# No single static graph
# ----------------------
#
# A static graph is made once, with a stand-in for x that has no value.
# Then ``while y < 10`` has no answer, and :func:`torch.fx.symbolic_trace` says so.

from torch import fx

try:
    fx.symbolic_trace(power_above_ten)
except fx.proxy.TraceError as error:
    print(f"{type(error).__name__}: {error}")
else:
    raise AssertionError("a loop on a value was traced")

# %%
# What to notice
# --------------
#
# * Any Python works: loops, conditions, recursion.
#   What ran is what is differentiated.
# * The price is that the graph is built anew in each run.
# * A jump stays a jump: a gradient cannot tell you that everything is different one step further
#   on.
#
# Read on in :doc:`/learn/static-graphs`, where static graphs get their loops and conditions
# too, or look up :func:`linefit.graph.record`.
