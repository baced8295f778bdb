r"""
requires_grad in one picture
============================

**Question.** Which tensors does autograd follow?

**Answer.** An output needs no gradient only when *no* input needs one; a single input that does is
enough.
"""

# %%
# Three tensors, one flag
# -----------------------
#
# Only z asks for a gradient.
# A tensor that you create does not ask for one unless you say so.

import torch

generator = torch.Generator().manual_seed(0)
x = torch.randn(5, 5, generator=generator)
y = torch.randn(5, 5, generator=generator)
z = torch.randn(5, 5, generator=generator, requires_grad=True)
assert not x.requires_grad
assert not y.requires_grad

# %%
# Two runs
# --------
#
# The blog post of 2018 that this site retells shows the rule with two sums.
# In the first, no input needs a gradient; in the second, one of the two does.

from linefit import graph

with graph.record(names={"x": x, "y": y, "z": z}) as g:
    a = x + y
    b = a + z
    c = b.sum()
g.backward(c)
print(f"a = x + y needs a gradient: {a.requires_grad}")
print(f"b = a + z needs a gradient: {b.requires_grad}")
assert not a.requires_grad
assert b.requires_grad

# %%
# The picture
# -----------
#
# Here is what was recorded.
# x, y and a are dashed: they take part in the forward pass, but ``backward`` never visits them.

import matplotlib.pyplot as plt

from linefit.plotting import plot_graph

# Alt: The recorded graph. x, y and their sum a are dashed constants; z, b and c are on
#      the path of the gradient.
fig, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
plot_graph(ax, g)
plt.show()

# %%
# Every flag in the picture is that of the tensor: ``check`` compares them and raises an error where
# they differ.
# x and y have no gradient, while that of z is one everywhere.

g.check()
assert x.grad is None
assert y.grad is None
assert (z.grad == 1).all()
assert {node.name for node in g.nodes if node.kind == "constant"} == {"x", "y", "a"}

# %%
# The rule, for every case
# ------------------------
#
# Two inputs make four cases, and the rule is the word *any*.
# It does not apply inside :class:`torch.no_grad`, or where an operation has no derivative.

from itertools import product

for flags in product((False, True), repeat=2):
    left, right = (torch.ones(2, requires_grad=flag) for flag in flags)
    total = left + right
    print(*flags, "->", total.requires_grad)
    assert total.requires_grad == any(flags)
    assert (total.grad_fn is not None) == any(flags)
with torch.no_grad():
    assert not (z + z).requires_grad
assert not (z > 0).requires_grad

# %%
# Nothing to go back to
# ---------------------
#
# An output that needs no gradient has no ``grad_fn``: nothing was recorded.
# Asking for its gradient is an error, and its message is worth knowing.

try:
    a.sum().backward()
except RuntimeError as error:
    message = str(error)
print(message)
assert "does not require grad" in message

# %%
# What it is good for
# -------------------
#
# Leave the flag off, and that parameter is frozen.
# Here the intercept stays 0: autograd computes a gradient for the slope of the line, and nothing
# for the intercept.

from linefit import noisy_line, perpendicular_loss

points = noisy_line()
slope = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
intercept = torch.tensor(0.0, dtype=torch.float64)
perpendicular_loss(slope, intercept, points.x, points.y).backward()
print(f"slope: {slope.grad:.1f}, intercept: {intercept.grad}")
assert slope.grad is not None
assert intercept.grad is None

# %%
# What to notice
# --------------
#
# * ``requires_grad`` spreads forwards, from inputs to outputs, while your code runs.
#   You set it on the tensors you want to change, and nowhere else.
# * Dashed does not mean unused: the values of x and y are in c all the same.
# * No nodes are recorded for what is dashed, so it costs no time in the backward pass; its value is
#   kept only where the derivative of something else needs it.
#
# Read on in :doc:`/learn/autograd`, or look up :func:`linefit.graph.record` and
# :func:`linefit.perpendicular_loss`.
