r"""
Gradients by hand, on a tape, by autograd
=========================================

**Question.** What does ``backward`` compute for c = Σ(x∘y + z), and could you do it yourself?

**Answer.** It walks the operations in reverse and multiplies by one local derivative at a time:
nine lines of NumPy, a small tape and PyTorch give the same numbers to the last digit.
"""

# %%
# Three arrays
# ------------
#
# The numbers are whole quarters.
# A sum of such numbers is exact in ``float64``, in whichever order a library adds them up, so "the
# same to the last digit" can be tested with ``==``.

import numpy as np

rng = np.random.default_rng(0)
x, y, z = rng.integers(-8, 9, size=(3, 3, 4)) / 4

# %%
# Forward, by hand
# ----------------
#
# Write the expression as a series of single operations and keep each output.
# That series is the computational graph.

a = x * y
b = a + z
c = b.sum()
print(f"c = {c}")

# %%
# Backward, by hand
# -----------------
#
# Take the operations in reverse.
# Each passes on the gradient of its output, multiplied by its own derivative: a sum repeats it, an
# addition passes it to both sides, and a product multiplies it by the *other* factor.

grad_c = 1.0
grad_b = grad_c * np.ones_like(b)
grad_a = grad_b
grad_z = grad_b
grad_x = grad_a * y
grad_y = grad_a * x

# %%
# On a tape
# ---------
#
# :class:`linefit.tape.Tape` records each operation as it runs, and then walks back for you.
# You compute with its variables as with arrays.

from linefit.tape import Tape

tape = Tape()
tx, ty, tz = tape.variable(x, "x"), tape.variable(y, "y"), tape.variable(z, "z")
tc = (tx * ty + tz).sum()
tape.backward(tc)
print(tape)

# %%
# In PyTorch
# ----------
#
# Autograd does the same, but keeps no list: each output holds in ``grad_fn`` the backward node of
# the operation that made it, and each node holds those before it.
# A tensor with ``requires_grad=True`` is where the recording starts.
# :func:`linefit.graph.record` watches, and changes nothing.

import torch

from linefit import graph

px, py, pz = (torch.tensor(v, requires_grad=True) for v in (x, y, z))
with graph.record(names={"x": px, "y": py, "z": pz}) as g:
    pc = (px * py + pz).sum()
assert pc.grad_fn.next_functions[0][0].name() == "AddBackward0"

# %%
# The graph that PyTorch keeps
# ----------------------------
#
# It is drawn from ``grad_fn``, not by hand.
# Follow it down, and you will find the three lines of the forward pass again.

import matplotlib.pyplot as plt

from linefit.plotting import plot_graph

# Alt: The recorded graph: x and y meet in a product, the product and z in a sum, and
#      the sum over all elements is the result.
fig, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
plot_graph(ax, g)
plt.show()

# %%
# Backward goes up
# ----------------
#
# Now every node also has the gradient that reached it: the six lines of the backward pass.
# In a notebook, as on this page, a graph on the last line is shown as a figure; elsewhere,
# ``print(g)`` lists it.

g.backward(pc)
g

# %%
# Equal to the last digit
# -----------------------
#
# Compare by hand, on the tape and in PyTorch, bit for bit.

assert c == tc.value == pc.item()
for by_hand, on_tape, by_torch in ((grad_x, tx, px), (grad_y, ty, py), (grad_z, tz, pz)):
    assert (by_hand == on_tape.grad).all()
    assert (by_hand == by_torch.grad.numpy()).all()
print("value and all 36 gradients are equal")

# %%
# What a gradient says
# --------------------
#
# Move one number of x by a quarter: c moves by a quarter of that number's gradient.
# This is exact, with no error of a finite step, because c is a straight line in each single number.

nudged = x.copy()
nudged[1, 2] += 0.25
change = (nudged * y + z).sum() - c
print(f"c moves by {change}, the gradient is {grad_x[1, 2]}")
assert change == 0.25 * grad_x[1, 2]

# %%
# And with any numbers?
# ---------------------
#
# The gradients still agree to the last digit: each is a single product, and no sum is involved.
# The value is a long sum, and NumPy and PyTorch may add its terms in a different order.
# Then the last digits can differ; neither of the two is wrong.

u, v = rng.normal(size=(2, 1000))
pu = torch.tensor(u, requires_grad=True)
total = (pu * torch.tensor(v)).sum()
total.backward()
assert (pu.grad.numpy() == v).all()
difference = abs(total.item() - (u * v).sum())
print(f"the sums differ by {difference:.1e}")
assert difference < 1e-12

# %%
# What to notice
# --------------
#
# * A backward pass needs the *values* of the forward pass: the rule of a product uses both factors,
#   so they are kept until ``backward`` has used them.
# * No rule knows the whole expression.
#   Each operation knows its own derivative, and the walk does the rest.
# * z and the product get the same gradient: an addition passes on what reaches it.
#
# Read on in :doc:`/learn/graphs`, see the rules themselves in :doc:`plot_2_caffe_layers`, or look
# up :class:`linefit.tape.Tape` and :func:`linefit.graph.record`.
