r"""
Raw, centered and scaled data
=============================

**Question.** Gradient descent needs thousands of steps on the raw points.
What do centering and scaling change, when the line and the loss stay the same?

**Answer.** They turn a long, thin valley of the loss into a round bowl: the condition number falls
from thousands to about 1, and the steps for a digit fall with it.
"""

# %%
# Three views of the same points
# ------------------------------
#
# Centering moves the middle of the points to the origin; scaling then divides x and y by the
# spread of x.
# The best line in one view is the best in all three.

from linefit import noisy_line

x, y, _ = noisy_line(100, seed=0)
u, v = x - x.mean(), y - y.mean()
scale = x.std(correction=0)
views = {"raw": (x, y), "centered": (u, v), "centered and scaled": (u / scale, v / scale)}

# %%
# How long is the valley?
# -----------------------
#
# Near the best line the loss is a bowl, and its Hessian tells how curved it is in each direction:
# its eigenvalues are the smallest and the largest curvature, their ratio the condition number κ.
# With a learning rate above 2 / λmax the descent climbs out of the bowl, so the most curved
# direction limits the steps in all of them.

from functools import partial

import torch
from torch.autograd.functional import hessian

from linefit import perpendicular_loss, total_least_squares

best, bowl, curvature = {}, {}, {}
for name, (p, q) in views.items():
    best[name] = total_least_squares(p, q)
    rows = hessian(partial(perpendicular_loss, x=p, y=q), (best[name].slope, best[name].intercept))
    bowl[name] = torch.tensor(rows, dtype=p.dtype)
    curvature[name] = low, high = torch.linalg.eigvalsh(bowl[name])
    print(f"{name:20} λmin {low:.4f}, λmax {high:9.4f}, κ = {high / low:.2f}")

# %%
# Why does it help?
# -----------------
#
# On the raw points a change of slope swings the line around x = 0, far to the left of most points,
# so every change of slope calls for a change of the intercept.
# Around the middle of the points the two no longer depend on each other: the mixed entry of the
# Hessian vanishes.
# The scale then makes the other two entries alike.

for name, ((aa, ab), (_, bb)) in bowl.items():
    print(f"{name:20} slope {aa:8.3f}, mixed {ab:6.3f}, intercept {bb:.3f}")
    assert name == "raw" or abs(ab) < 1e-10
aa, bb = bowl["centered and scaled"].diag()
assert abs(aa / bb - 1) < 0.05

# %%
# Descend in each view
# --------------------
#
# Start all three from the same line, y = 2.2 x + 10, written in the units of each view, with the
# learning rate 1.5 / λmax.
# Along the valley, each step then multiplies the error by 1 − 1.5 / κ.

from linefit import descend

height = 2.2 * x.mean() + 10.0 - y.mean()  # of the start line above the middle of the points
starts = {"raw": 10.0, "centered": height, "centered and scaled": height / scale}
runs = {
    name: descend(p, q, lr=1.5 / curvature[name][1].item(), steps=2000, start=(2.2, starts[name]))
    for name, (p, q) in views.items()
}

# %%
# The paths
# ---------
#
# Contours of the loss, the path of each run, and a cross at the best line.
# The raw run zigzags to the floor of the valley and then creeps along it: 2000 steps end far from
# the cross.

import matplotlib.pyplot as plt

from linefit.plotting import plot_loss_map

# Alt: Three maps of the loss over slope and intercept with the path of a run. Raw: a tilted valley,
#      the path stops near its start. Centered: an upright valley, the path creeps to the cross.
#      Centered and scaled: a round bowl, the path is at the cross after a few steps.
fig, axes = plt.subplots(1, 3, figsize=(8.5, 3.4), layout="constrained")
reach = {"raw": 22.0, "centered": 22.0, "centered and scaled": 22.0 / scale}
slopes = torch.linspace(2.0, 3.2, 80, dtype=x.dtype)
for ax, (name, (p, q)) in zip(axes, views.items(), strict=True):
    intercepts = best[name].intercept + reach[name] * torch.linspace(-1, 1, 80)
    plot_loss_map(ax, p, q, slopes=slopes, intercepts=intercepts)
    ax.plot(runs[name].history.slope, runs[name].history.intercept, ".-", linewidth=1)
    ax.plot(best[name].slope, best[name].intercept, "x", color="C1", markersize=10)
    ax.set(title=f"Path, {name}", xlim=(2.0, 3.2), ylim=intercepts[[0, -1]].tolist())
plt.show()

# %%
# Steps for a digit
# -----------------
#
# How many steps does a run take to make the error of its intercept ten times smaller?
# Measure this late in the run, and compare with what the condition number predicts.

error = {name: (run.history.intercept - best[name].intercept).abs() for name, run in runs.items()}
spans = {"raw": (1000, 1999), "centered": (1000, 1999), "centered and scaled": (10, 30)}
digit = {}
for name, (first, last) in spans.items():
    low, high = curvature[name]
    digit[name] = (last - first) / (error[name][first] / error[name][last]).log10()
    predicted = -1 / (1 - 1.5 * low / high).abs().log10()
    print(f"{name:20} {digit[name]:8.1f} steps for a digit, predicted {predicted:8.1f}")
    assert abs(digit[name] / predicted - 1) < 0.2

# %%
# The same, over the whole run: each error is divided by what it was at the start.

# Alt: Error of the intercept against the step, both logarithmic. Raw: hardly any progress in 2000
#      steps. Centered: more than a digit. Centered and scaled: all digits in 50 steps.
fig, ax = plt.subplots(layout="constrained")
for (name, curve), style in zip(error.items(), ("-", "--", "-."), strict=True):
    relative = (curve / curve[0]).clamp_min(1e-16)
    ax.loglog(range(1, 2001), relative, style, label=name)
ax.set(xlabel="step", ylabel="error of the intercept", title="The same line, the same loss")
ax.legend()
plt.show()

# %%
# One scale, not two
# ------------------
#
# It is tempting to standardize x and y, dividing each by its own spread, as one normalizes data
# before training a neural network.
# Perpendicular distance then measures something else: the best line comes out with slope 1 or −1,
# whatever the noise, and it is no longer your line.

spread = y.std(correction=0)
other = total_least_squares(u / scale, v / spread)
back = other.slope * spread / scale
print(f"two scales: slope {other.slope:.4f}, which is {back:.4f} on the raw points")
print(f"one scale:  slope {best['raw'].slope:.4f}")
assert torch.isclose(other.slope, torch.ones_like(back))
assert abs(back - best["raw"].slope) > 1e-4

# %%
# What to notice
# --------------
#
# * Centering removes the coupling of slope and intercept, scaling makes their curvatures alike.
# * Dividing by the spread of x does so for any slope: near the best line both curvatures are then
#   about 1 / (a² + 1).
# * No optimizer is involved: the points changed, and with them the shape of the loss.
# * Both axes must share the scale; :doc:`plot_5_hubble` shows what happens where they cannot.
#
# Read on in :doc:`/learn/step-size`, or see :func:`linefit.descend` and
# :func:`linefit.plotting.plot_loss_map`.
