r"""
The post's run, literally
=========================

**Question.** A blog post of 2018 fits a line with autograd, a learning rate of 1e-9 and 1000
epochs, and finds a slope of 2.51.
It never clears its gradients, so why does it work?

**Answer.** Gradients that are never cleared turn the descent into a ball that rolls without
friction, and only the speed that it gathers carries the line to the points within 1000 epochs.
"""

# %%
# The points
# ----------
#
# The post draws 100 points along y = 2.5 x + 1, disturbs both coordinates with Gaussian noise of
# standard deviation 2, and works in ``float32``, the default of PyTorch.

import torch

from linefit import noisy_line

points = noisy_line(100, slope=2.5, intercept=1.0, noise=2.0, seed=0)
x, y = points.x.float(), points.y.float()

# %%
# The loop
# --------
#
# The same steps as in the post, in code of our own.
# The post starts from ``torch.Tensor([0])``, which is ``float32``, sets ``requires_grad`` on it and
# updates it under ``no_grad``; so do we, with numbers in place of vectors of length one.
# The loss is the mean squared distance to the line a x − y + b = 0, without the factor 1/2.
# Nothing clears ``a.grad`` and ``b.grad``, so each ``backward`` adds to what is there.

assert torch.Tensor([0]).dtype == torch.float32
a = torch.tensor(0.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
lr, losses, slopes, best = 1e-9, [], [], float("inf")
for _ in range(1000):
    loss = ((a * x - y + b) ** 2 / (a**2 + 1)).mean()
    losses.append(loss.item())
    slopes.append(a.item())
    loss.backward()
    with torch.no_grad():
        a -= lr * a.grad
        b -= lr * b.grad
    if loss < best:
        best, best_a, best_b = loss.item(), a.item(), b.item()

# %%
# The result
# ----------
#
# The post printed slope 2.5111, intercept 0.0280 and loss 4.3868.
# Its points are lost, so the three numbers here differ in the digits that depend on the noise.

print(f"slope {best_a:.4f}, intercept {best_b:.4f}, loss {best:.4f}")
assert abs(best_a - 2.5111) < 0.05
assert abs(best_b - 0.0280) < 0.001
assert abs(best - 4.3868) < 2

# %%
# The best line runs through the points.
# The loss falls to a sharp minimum and rises again; the post took that for an oscillation about the
# minimum.

import matplotlib.pyplot as plt

from linefit import Line
from linefit.plotting import plot_line, plot_points

# Alt: On the left one hundred points and the best line of the run, which runs through them;
#      on the right the loss, which falls from 20 000 to 4 within 562 epochs and rises to 900.
fig, (left, right) = plt.subplots(1, 2, figsize=(7.5, 4), width_ratios=(1, 2), layout="constrained")
plot_points(left, x, y)
plot_line(left, Line.from_slope_intercept(best_a, best_b), color="C1")
left.set(aspect="equal", xlabel="x", ylabel="y", title="The best line of the run")
right.semilogy(losses)
right.set(xlabel="epoch", ylabel="loss", title="The loss falls, then rises")
plt.show()

# %%
# Which loss goes with which line?
# --------------------------------
#
# The post keeps a loss from before the update and a line from after it: those are two steps.
# :func:`linefit.descend` runs the same loop with ``clear_grad=False`` and keeps both of one step.
# Its loss carries the factor 1/2, so the same run needs twice the learning rate.

from linefit import descend

run = descend(x, y, lr=2e-9, steps=1000, clear_grad=False)
step = int(run.best.step)
assert (run.history.slope.diff() > 0).all()  # one pass, and no way back within these epochs
print(f"epoch {step}: loss {2 * run.best.loss:.4f} belongs to slope {run.best.slope:.4f},")
print(f"and not to {run.history.slope[step + 1]:.4f}, the slope one update later")
assert abs(run.history.slope[step + 1] - best_a) < 1e-5
assert torch.allclose(2 * run.history.loss, torch.tensor(losses), rtol=1e-3)

# %%
# Is it luck?
# -----------
#
# Repeat the run on 20 draws at once: a leading axis holds independent lines.
# The minimum comes near the same epoch in each, and the slope then runs on past it.

many = [noisy_line(seed=seed) for seed in range(20)]
xs, ys = (torch.stack([getattr(draw, c) for draw in many]).float() for c in "xy")
runs = descend(xs, ys, lr=2e-9, steps=1000, clear_grad=False)
low, last = runs.best, runs.last
print(f"lowest loss at epoch {low.step.min()} to {low.step.max()}")
print(f"  with slope {low.slope.min():.3f} to {low.slope.max():.3f}")
print(f"  and intercept {low.intercept.min():.4f} to {low.intercept.max():.4f}")
print(f"slope at the end {last.slope.min():.2f} to {last.slope.max():.2f}")
print(f"  with loss {2 * last.loss.min():.0f} to {2 * last.loss.max():.0f}")
assert 555 <= low.step.min() <= low.step.max() <= 575
assert 5 < last.slope.min() <= last.slope.max() < 6

# %%
# Clear the gradients
# -------------------
#
# Now do what the post itself recommends and clear the gradients after each update.
# With this learning rate the line hardly moves from its start.

cleared = descend(x, y, lr=2e-9, steps=1000)
gain = 1 - cleared.last.loss / cleared.history.loss[0]
print(f"cleared: slope {cleared.last.slope:.4f} after 1000 epochs, loss {gain:.1%} lower")
assert max(cleared.last.slope, gain) < 0.02

# %%
# The bug has a name
# ------------------
#
# A gradient that is never cleared is the sum of all so far, a velocity: **momentum 1**.
# ``SGD(momentum=1.0)`` with cleared gradients takes the same steps, up to rounding.

from functools import partial

sgd = partial(torch.optim.SGD, momentum=1.0)
ball = descend(x, y, lr=2e-9, steps=1000, optimizer=sgd)
difference = (ball.history.slope - run.history.slope).abs().max()
print(f"largest difference in slope over 1000 epochs: {difference:.1e}")
assert difference < 1e-5

# %%
# The post's run and the run with momentum coincide and cross the true slope; the cleared run stays
# at the bottom.

# Alt: Slope against epoch. The run that is never cleared and the run with momentum 1 coincide, pass
#      2.5 near epoch 560 and reach 5.3; the cleared run stays at 0.
fig, ax = plt.subplots(layout="constrained")
ax.plot(slopes, linewidth=5, alpha=0.4, label="never cleared (the post)")
ax.plot(ball.history.slope, "--", color="C1", label="momentum 1, cleared")
ax.plot(cleared.history.slope, ":", color="C2", label="no momentum, cleared")
ax.axhline(2.5, color="0.5", linewidth=1, label="slope of the true line")
ax.set(xlabel="epoch", ylabel="slope a", title="Never clearing is momentum 1")
ax.legend()
plt.show()

# %%
# Why the loss rises again
# ------------------------
#
# The loss L is a height, the sum of the gradients a velocity v, and L + lr · v² / 2 an energy that
# stays the same, since nothing brakes.
# At the minimum nearly all of it is motion, so the line shoots past.
# The learning rate is not too large there: a smaller one makes the same ride slower.

velocity = torch.stack((run.history.slope, run.history.intercept)).double().diff() / 2e-9
velocity = (velocity[:, 1:] + velocity[:, :-1]) / 2  # at the epochs, no longer between them
height = run.history.loss[1:-1]
energy = height + 2e-9 * velocity.square().sum(0) / 2
print(f"energy {energy.min():.1f} to {energy.max():.1f}, loss {height.min():.1f} at the lowest")
assert (energy.max() - energy.min()) / energy[0] < 0.003

slower = descend(x, y, lr=2e-9 / 4, steps=2000, clear_grad=False)
print(f"a quarter of the learning rate: lowest loss at epoch {slower.best.step}, not {step}")
assert abs(slower.best.step - 2 * step) <= 2
assert abs(slower.last.slope - run.last.slope) < 0.02

# %%
# Nearly all of the loss turns into motion, and then little by little into loss again.

# Alt: Loss and energy of motion stacked over the epochs: their sum is a level line, the loss falls
#      to nothing near epoch 560 and grows slowly after it.
fig, ax = plt.subplots(layout="constrained")
ax.stackplot(range(1, 999), height, energy - height, labels=["loss", "energy of motion"])
ax.set(xlabel="epoch", ylabel="energy", title="The energy stays", ylim=(0, 13000))
ax.legend(loc="upper right", ncols=2)
plt.show()

# %%
# What to notice
# --------------
#
# * The post's fit worked because of its bug: with cleared gradients 1e-9 is far too small.
# * Keeping the best line hides the overshoot; keep loss and line of the *same* step.
# * A smaller learning rate only takes longer to reach the same overshoot: what is missing is a
#   brake.
# * Nor is it an oscillation yet: 1000 epochs hold a single pass through the minimum.
# * The intercept is still 0.03 at the best step: only the slope has moved.
#
# Read on in :doc:`/learn/learning-rate`, and about the loss in :doc:`/learn/line-fit`, or see
# :func:`linefit.descend`.
