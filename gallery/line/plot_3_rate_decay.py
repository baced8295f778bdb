r"""
When learning-rate decay helps
==============================

**Question.** The blog post of 2018 ends with the advice to let the learning rate decay.
When does that help?

**Answer.** When the gradient is noisy, as with minibatches: a constant rate then hovers at a noise
floor, and a decaying one goes below it; with all the data in each step, decay just slows you down.
"""

# %%
# Points, and the best line
# -------------------------
#
# Two hundred points, centered and scaled (:doc:`plot_4_scaling` says why).
# The closed form gives the lowest possible loss, so you can see how far above it a run stays.

import torch

from linefit import noisy_line, perpendicular_loss, total_least_squares

x, y, _ = noisy_line(200, seed=3)
scale = x.std()
x, y = (x - x.mean()) / scale, (y - y.mean()) / scale
best = total_least_squares(x, y)
lowest = perpendicular_loss(best.slope, best.intercept, x, y)
print(f"slope of the best line {best.slope:.4f}, its loss {lowest:.2e}")

# %%
# A loss that looks at eight points
# ---------------------------------
#
# A minibatch is a handful of points, drawn anew at each step.
# Its gradient is right on average and wrong each time.
# The loss draws from its own generator, so the run can be repeated; 16 runs go side by side in a
# leading axis, each with its own draws.

batch = torch.Generator()


def minibatch_loss(slope, intercept, x, y):
    """Return the loss of eight points, drawn for each run."""
    pick = torch.randint(x.shape[-1], (16, 8), generator=batch)
    return perpendicular_loss(slope, intercept, x.gather(-1, pick), y.gather(-1, pick))


xs, ys = x.expand(16, -1), y.expand(16, -1)

# %%
# Three rates
# -----------
#
# A large constant rate, a tenth of it, and one that starts large and falls as 1 / step.
# A scheduler is what lowers the rate: :func:`linefit.descend` calls it with the optimizer, and
# steps it after each update.

from functools import partial

from torch.optim.lr_scheduler import LambdaLR

from linefit import descend

fall = partial(LambdaLR, lr_lambda=lambda step: 1 / (1 + step / 30))
plans = {
    "constant 0.5": {"lr": 0.5},
    "constant 0.05": {"lr": 0.05},
    "0.5 / (1 + step / 30)": {"lr": 0.5, "scheduler": fall},
}
runs = {}
for name, plan in plans.items():
    batch.manual_seed(0)  # the same draws for all three
    runs[name] = descend(xs, ys, steps=1500, start=(2.0, 0.0), loss=minibatch_loss, **plan)

# %%
# How far above the floor?
# ------------------------
#
# ``history.loss`` holds the loss of eight points, which says little.
# Put the parameters of every step into the loss of *all* the points instead, and average over the
# 16 runs.

above = {}
for name, run in runs.items():
    full = perpendicular_loss(run.history.slope, run.history.intercept, x, y)
    above[name] = (full - lowest).mean(1)
end = {name: curve[-200:].mean() for name, curve in above.items()}
for name, excess in end.items():
    print(f"{name:22} {excess:.1e} above the lowest loss at the end")

# %%
# With both constant rates the loss falls and then hovers: each new minibatch throws the line off by
# about as much as the step before had brought it back.
# A tenth of the rate hovers about ten times lower but takes longer to get there.
# The decaying rate is as fast as the large one at first and ends lower than the small one.

import matplotlib.pyplot as plt

# Alt: Loss above the lowest against the step, both logarithmic. The rate 0.5 falls fast and hovers,
#      0.05 falls late and hovers ten times lower, the decaying rate keeps falling below both.
fig, ax = plt.subplots(layout="constrained")
for (name, curve), style in zip(above.items(), ("-", "--", "-."), strict=True):
    ax.loglog(range(1, 1501), curve, style, label=name)
ax.set(xlabel="step", ylabel="loss above the lowest", title="Minibatches: the noise floor")
ax.legend(title="learning rate")
plt.show()

high, low, decayed = end.values()
assert 5 < high / low < 20
assert decayed < low / 2

# %%
# The same plans with all the data
# --------------------------------
#
# Now each step sees all the points, so the gradient has no noise.
# There is no floor but rounding.
# A constant rate gains digits at a steady pace, and decay loses that pace.

exact = {name: descend(x, y, steps=400, start=(2.0, 0.0), **plan) for name, plan in plans.items()}
error = {name: (run.history.slope - best.slope).abs() for name, run in exact.items()}
# Alt: Error of the slope against the step with the whole data, logarithmic. The constant rate 0.5
#      falls in a straight line to 1e-12; the other two bend or creep and stay above 1e-4.
fig, ax = plt.subplots(layout="constrained")
for (name, curve), style in zip(error.items(), ("-", "--", "-."), strict=True):
    ax.semilogy(curve.clamp_min(1e-16), style, label=name)
ax.set(xlabel="step", ylabel="error of the slope", title="The whole data: no floor, no need")
ax.legend(title="learning rate")
plt.show()

for name, curve in error.items():
    print(f"{name:22} error of the slope {curve[-1]:.0e} after 400 steps")
assert error["constant 0.5"][-1] < 1e-12
assert error["0.5 / (1 + step / 30)"][-1] > 1e-6

# %%
# What to notice
# --------------
#
# * The floor is noise times rate.
#   To get below it the rate must fall, but not so fast that the steps no longer add up to the
#   distance that you have to go: 1 / step is the classic choice.
# * With all the data in each step, the cure for a rate that is too large is a smaller constant one,
#   not decay.
# * The post's run used the whole data, so its rising loss was neither of these: it came from
#   gradients that were never cleared (:doc:`plot_1_posts_run`).
#
# Read on in :doc:`/learn/step-size`, or see :func:`linefit.descend` for ``scheduler``.
