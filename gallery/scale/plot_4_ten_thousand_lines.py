r"""
Ten thousand lines at once
==========================

**Question.** You have not one line to fit but ten thousand, each with a hundred points of its own.
Is a loop the way?

**Answer.** No: stack the points and call once.
A loop spends nearly all its time on starting operations, and a batch starts them once for all
lines, in the closed form as well as in a fit by autograd.
"""

# %%
# A million points
# ----------------
#
# Each row is a separate line, with its own noise.
# Leading axes are independent lines everywhere in the package.

import torch

from linefit import noisy_line

draws = [noisy_line(100, seed=seed) for seed in range(10_000)]
x, y = (torch.stack([draw[axis] for draw in draws]) for axis in (0, 1))
print(f"x and y have shape {tuple(x.shape)}, {2 * x.nbytes / 1e6:.0f} MB together")

# %%
# One call, two ways
# ------------------
#
# :func:`linefit.total_least_squares` has a formula; :func:`linefit.fit_line` descends with autograd
# and also gives standard errors.
# Both take the batch as it is, and both give the same lines.

from linefit import fit_line, total_least_squares

closed = total_least_squares(x, y)
fit = fit_line(x, y)
worst = (fit.line.slope / closed.slope - 1).abs().max()
print(closed)
print(f"{fit.n_steps} steps for the slowest of them, all converged: {bool(fit.converged.all())}")
print(f"largest relative difference of two slopes: {worst:.1e}")
assert fit.converged.all()
assert worst < 1e-12

# %%
# How can one gradient serve all lines?
# -------------------------------------
#
# Autograd differentiates *one* number, so add up the losses of all lines.
# The slope of line k occurs only in the loss of line k: the gradient of the sum holds the gradient
# of each line, side by side, and the graph is no larger than that of one line.

from linefit import perpendicular_loss


def nodes(loss):
    """Return the number of nodes of a graph."""
    found, ahead = set(), [loss.grad_fn]
    while ahead:
        node = ahead.pop()
        found.add(node)
        ahead += [parent for parent, _ in node.next_functions if parent and parent not in found]
    return len(found)


a, b = (torch.ones(10_000, dtype=torch.float64, requires_grad=True) for _ in "ab")
c, d = (torch.ones(1, dtype=torch.float64, requires_grad=True) for _ in "cd")
all_lines, one_line = perpendicular_loss(a, b, x, y).sum(), perpendicular_loss(c, d, x[7:8], y[7:8])
together, alone = torch.autograd.grad(all_lines, a)[0][7], torch.autograd.grad(one_line.sum(), c)[0]
print(f"gradient of line 7: {together:.6f} in the batch, {alone.item():.6f} alone")
print(f"nodes in the graph: {nodes(all_lines)} for all, {nodes(one_line.sum())} for one")
assert torch.isclose(together, alone)
assert nodes(all_lines) == nodes(one_line.sum())

# %%
# Against a loop
# --------------
#
# Time the batch, and three loops in Python over the first 500 lines.
# We keep the fastest of several repetitions, on one thread: whatever else a machine does can only
# make it slower.

import os
import platform
import time
from datetime import UTC, datetime

import numpy as np
from torch.utils.benchmark import Timer

built = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), tz=UTC)
capability = torch.backends.cpu.get_cpu_capability()
print(f"{platform.machine()}, {capability}, PyTorch {torch.__version__}, {built:%Y-%m-%d}")
known = globals() | {"numpy": np, "xs": x.numpy()[:500], "ys": y.numpy()[:500]}


def per_line(statement, lines):
    """Return the seconds that a line takes."""
    return min(Timer(statement, globals=known).blocked_autorange(min_run_time=0.2).times) / lines


seconds = {
    "batch, total_least_squares": per_line("total_least_squares(x, y)", 10_000),
    "batch, fit_line": per_line("fit_line(x, y)", 10_000),
    "loop, numpy.polyfit": per_line("[numpy.polyfit(u, v, 1) for u, v in zip(xs, ys)]", 500),
    "loop, total_least_squares": per_line("[total_least_squares(*p) for p in zip(xs, ys)]", 500),
    "loop, fit_line": per_line("[fit_line(*p) for p in zip(xs[:100], ys[:100])]", 100),
}
for name, duration in seconds.items():
    ratio = duration / seconds["batch, total_least_squares"]
    print(f"{name:27} {duration * 1e6:8.2f} µs a line, {ratio:7.1f} ×")

# %%
# How large a batch?
# ------------------
#
# At first the time for a line falls in proportion, as more and more lines share one start of each
# operation.
# Then the points themselves cost time, and the curve levels off.

import matplotlib.pyplot as plt

sizes = (1, 10, 100, 1000, 10_000)
shared = {}
for name in ("total_least_squares", "fit_line"):
    shared[name] = [per_line(f"{name}(x[:{size}], y[:{size}])", size) * 1e6 for size in sizes]

# Alt: Microseconds for a line against the number of lines in a batch, both logarithmic: two curves
#      fall steeply up to about a thousand lines and then level off; a horizontal line is polyfit.
fig, ax = plt.subplots(layout="constrained")
for (name, curve), style in zip(shared.items(), ("o-", "s--"), strict=True):
    ax.loglog(sizes, curve, style, label=name)
ax.axhline(seconds["loop, numpy.polyfit"] * 1e6, color="0.5", linestyle=":", label="numpy.polyfit")
ax.set(xlabel="lines in the batch", ylabel="µs for a line", title="Ten thousand lines or one")
ax.legend()
plt.show()

# %%
# When one of them is bad
# -----------------------
#
# The error for a batch must not hide which line caused it.

y[4711] = y[4711, 0]
x[4711] = x[4711, 0]
try:
    total_least_squares(x, y)
except ValueError as error:
    message = str(error)
    print(message)
assert "line 4711" in message

# %%
# What to notice
# --------------
#
# * Stack what is alike and call once; this holds for NumPy, PyTorch and GPUs alike.
# * The gradient of a sum of independent losses is the gradient of each.
# * A single small line is faster with NumPy: a batch of one pays for every start of an operation.
# * The ratios are those of this machine; run the script on yours.
#
# Read on in :doc:`plot_5_moments_and_processes`, on the page :doc:`/learn/scale`, or see
# :func:`linefit.total_least_squares` and :func:`linefit.fit_line`.
