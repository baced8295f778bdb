r"""
Gradients add up
================

**Question.** Why must you clear the gradients, and why does PyTorch not do it for you?

**Answer.** ``backward`` *adds* to ``grad``, because a sum over paths, or over minibatches, is what
a gradient is; between two steps of a descent that sum is wrong, and it makes the run swing.
"""

# %%
# Call backward twice
# -------------------
#
# The second call finds a gradient and adds to it.
# The loss is computed anew for it, since ``backward`` frees the values that the first graph saved.

import torch

from linefit import noisy_line, perpendicular_loss

x, y, _ = noisy_line()
a = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
b = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
perpendicular_loss(a, b, x, y).backward()
once = a.grad.item()
perpendicular_loss(a, b, x, y).backward()
print(f"after one backward {once:.4f}, after two {a.grad:.4f}")
assert a.grad == 2 * once

# %%
# The nodes of a graph live as long as its loss does; what they saved is gone after ``backward``,
# and so a second pass through the *same* graph is an error.

loss = perpendicular_loss(a, b, x, y)
loss.backward()
assert loss.grad_fn.next_functions[0][0] is not None
try:
    loss.backward()
except RuntimeError as error:
    print(str(error).split(" (")[0])
else:
    raise AssertionError("a graph was walked twice")

# %%
# The same sum within one graph
# -----------------------------
#
# A tensor that is used twice gets a gradient along each path, and they add up.
# That is the chain rule; adding to ``grad`` carries it on from one graph to the next.
# An optimizer's ``zero_grad`` puts an end to it by setting ``grad`` to ``None``.

t = torch.tensor(3.0, requires_grad=True)
(t * t + 5 * t).backward()
print(f"3 + 3 along the product, 5 along the other: {t.grad.item()}")
assert t.grad == 3 + 3 + 5
torch.optim.SGD([t]).zero_grad()
assert t.grad is None

# %%
# Minibatches
# -----------
#
# Here the sum is what you want.
# Points that do not fit into memory at once come in batches, each with its own ``backward``.
# The mean over all is the sum of the batches' means, each weighted with its share of the points.

full = torch.autograd.grad(perpendicular_loss(a, b, x, y), a)[0]
sizes = [30, 30, 30, 10]
a.grad = b.grad = None
running = [0.0]
for part_x, part_y in zip(x.split(sizes), y.split(sizes), strict=True):
    share = len(part_x) / len(x)
    (share * perpendicular_loss(a, b, part_x, part_y)).backward()
    running.append(a.grad.item())
print(f"four batches {a.grad:.10f}, all points {full:.10f}")
assert torch.isclose(a.grad, full, rtol=1e-12)

# %%
# The batches were 30, 30, 30 and 10 points.
# Weigh them equally, as a plain mean over the batches does, and the answer is a different one.

import matplotlib.pyplot as plt

equal = sum(
    torch.autograd.grad(perpendicular_loss(a, b, *part) / 4, a)[0]
    for part in zip(x.split(sizes), y.split(sizes), strict=True)
)
print(f"equal weights {equal:.10f}")
assert not torch.isclose(equal, full, rtol=0.05)
# Alt: The gradient of the slope after each of four batches goes down in steps and
#      ends on the dashed line, the gradient of all points at once.
fig, ax = plt.subplots(layout="constrained")
ax.axhline(full, color="0.5", linestyle="--", label="all points at once")
ax.plot(running, "o-", drawstyle="steps-post", label="a.grad")
ax.plot(4, equal, "x", color="C1", markersize=9, label="with equal weights")
ax.set(xlabel="batches so far", ylabel="gradient of the slope", xticks=range(5))
ax.legend(loc="lower left")
plt.show()

# %%
# A descent that forgets to clear
# -------------------------------
#
# Now walk down the simplest valley, :math:`L = \theta^2 / 2`, whose gradient is θ itself.
# Clear the gradient, and θ shrinks by a tenth of itself in each step.
# Forget to, and each step uses the sum of all gradients so far.

paths = {"cleared": [], "not cleared": []}
for name, path in paths.items():
    theta = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    for _ in range(100):
        path.append(theta.item())
        (theta**2 / 2).backward()
        with torch.no_grad():
            theta -= 0.1 * theta.grad
        if name == "cleared":
            theta.grad = None
print(*(f"{name}: {path[-1]:.5f}" for name, path in paths.items()), sep="\n")
assert abs(paths["cleared"][-1]) < 1e-4
assert max(paths["not cleared"][50:]) > 0.9

# %%
# It swings
# ---------
#
# A sum of gradients is a velocity: θ is now a ball in the valley, without friction.
# It swings with the period 2π / √lr, nearly, and never comes to rest.

import math

period = 2 * math.pi / math.sqrt(0.1)
swing = torch.tensor(paths["not cleared"])
crossings = (swing[1:] * swing[:-1] < 0).nonzero().flatten()
measured = 2 * (crossings[-1] - crossings[0]).item() / (len(crossings) - 1)
print(f"period measured {measured:.1f} steps, predicted {period:.1f}")
assert abs(measured - period) < 1
# Alt: Cleared, θ decays to zero. Not cleared, it swings between 1 and -1 for all
#      hundred steps, about five times.
fig, ax = plt.subplots(layout="constrained")
ax.plot(paths["not cleared"], color="C1", label="not cleared")
ax.plot(paths["cleared"], color="C0", linestyle="--", label="cleared")
ax.set(xlabel="step", ylabel="θ", ylim=(-1.1, 1.5))
ax.legend(loc="upper right", ncols=2)
plt.show()

# %%
# Momentum 1
# ----------
#
# The blog post of 2018 forgot to clear, and its fit worked only because of that.
# ``clear_grad=False`` repeats it; an optimizer that clears but has momentum 1 takes the same path.

from functools import partial

from linefit import descend

forgot = descend(x, y, lr=2e-9, steps=300, clear_grad=False)
ball = descend(x, y, lr=2e-9, steps=300, optimizer=partial(torch.optim.SGD, momentum=1.0))
print(f"slope {forgot.last.slope:.10f} and {ball.last.slope:.10f}")
assert torch.allclose(forgot.history.slope, ball.history.slope, rtol=1e-9)

# %%
# What to notice
# --------------
#
# * Clear once per *step*, not once per ``backward``: that is what lets you add up batches, or
#   several losses.
# * Where ``grad`` is ``None``, the next ``backward`` stores instead of adding.
# * A forgotten clear raises no error, and the loss may even fall for a while.
#   :doc:`/auto_gallery/line/plot_1_posts_run` follows such a run to its end.
#
# Read on in :doc:`/learn/autograd`, or look up :func:`linefit.descend`.
