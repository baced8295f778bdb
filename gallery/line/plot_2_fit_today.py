r"""
The fit as you would write it today
===================================

**Question.** How do you fit this line by gradient descent so that it takes a moment, with a
learning rate that you don't have to search for?

**Answer.** Center and scale the points, clear the gradients, take 1 as the learning rate, and
compare with the closed form: after two hundred steps the two agree to ten
digits.
"""

# %%
# The points
# ----------
#
# One hundred points along a line, with the same noise on x and on y.
# They are ``float64``: with points this far from the origin, ``float32`` would cost you digits.

from linefit import noisy_line

x, y, true_line = noisy_line(100, noise=4.0, seed=1)
print(f"x from {x.min():.0f} to {x.max():.0f}, y from {y.min():.0f} to {y.max():.0f}")

# %%
# Center and scale
# ----------------
#
# Move the middle of the points to the origin and measure them in units of the spread of x.
# Both axes share the **one** scale: with two different ones, a perpendicular distance would no
# longer be perpendicular.

center_x, center_y, scale = x.mean(), y.mean(), x.std(correction=0)
u, v = (x - center_x) / scale, (y - center_y) / scale
print(f"center ({center_x:.1f}, {center_y:.1f}), scale {scale:.1f}")

# %%
# Write the loop once
# -------------------
#
# Four things happen in each step: computing the loss records the graph, ``backward`` fills in the
# gradients, the update changes the parameters without being recorded, and the gradients are
# cleared.

import torch

from linefit import perpendicular_loss

a = torch.zeros((), dtype=u.dtype, requires_grad=True)
b = torch.zeros((), dtype=u.dtype, requires_grad=True)
for _ in range(200):
    loss = perpendicular_loss(a, b, u, v)
    loss.backward()
    with torch.no_grad():
        a -= 1.0 * a.grad
        b -= 1.0 * b.grad
    a.grad = b.grad = None
print(f"a = {a.item():.6f}, b = {b.item():.1e}, in the scaled units")

# %%
# Or call it
# ----------
#
# :func:`linefit.descend` is this loop, and it keeps a history of every step.
# Why a rate of 1?  At a = b = 0 the gradient in these units is minus the slope of ordinary least
# squares, so the first step lands on that line, close to where you want to be.

from linefit import descend, ordinary_least_squares

run = descend(u, v, lr=1.0, steps=201)
print(f"slope after one step {run.history.slope[1]:.6f}")
print(f"ordinary least squares {ordinary_least_squares(u, v).slope:.6f}")
assert torch.isclose(run.history.slope[1], ordinary_least_squares(u, v).slope)
assert torch.isclose(run.last.slope, a.detach(), rtol=1e-12, atol=0)
assert run.converged

# %%
# Back to your units
# ------------------
#
# The slope is the same in both units, because x and y share one scale.
# The intercept is not: put the center and the scale back.
# Use the parameters of the last step: near the minimum the losses of neighboring steps differ by
# less than rounding, so the step with the *lowest* loss has only about half of the digits right.

from linefit import Line, total_least_squares

slope = run.last.slope
intercept = center_y - slope * center_x + scale * run.last.intercept
line = Line.from_slope_intercept(slope, intercept)
exact = total_least_squares(x, y)
print(f"descent      {line}")
print(f"closed form  {exact}")
print(f"error of the slope: last step {(line.slope - exact.slope).abs():.0e}")
print(f"                    best step {(run.best.slope - exact.slope).abs():.0e}")
assert torch.isclose(line.slope, exact.slope, rtol=1e-12, atol=0)
assert torch.isclose(line.intercept, exact.intercept, rtol=1e-10, atol=0)
assert (run.best.slope - exact.slope).abs() < 1e-6

# %%
# The short grey segments from the points to the line are the distances that the loss squares and
# averages.
# They meet the line at right angles, so both axes need the same scale in the picture too.

import matplotlib.pyplot as plt

from linefit.plotting import plot_line, plot_points, plot_residuals

# Alt: One hundred points, a short grey segment from each to the fitted line, at a right angle to
#      it, and the line behind the points, which the fitted line nearly covers.
fig, ax = plt.subplots(figsize=(4.2, 6), layout="constrained")
plot_residuals(ax, x, y, line)
plot_points(ax, x, y)
plot_line(ax, line, color="C1", label="the fit")
plot_line(ax, true_line, color="C2", linestyle="--", label="the line behind the points")
ax.set(aspect="equal", xlabel="x", ylabel="y", title="The fit by perpendicular distance")
fig.legend(loc="outside lower center")
plt.show()

# %%
# With an optimizer
# -----------------
#
# ``torch.optim`` replaces the two lines of the update; ``optimizer.zero_grad()`` clears.
# Pass the class to :func:`linefit.descend`, which calls it with the two parameters and ``lr``.
# SGD without momentum is the plain update, to the last digit.

from functools import partial

optimizers = {
    "SGD": (torch.optim.SGD, 1.0),
    "SGD, momentum 0.5": (partial(torch.optim.SGD, momentum=0.5), 1.0),
    "Adam": (torch.optim.Adam, 0.1),
}
runs = {
    name: descend(u, v, lr=lr, steps=201, optimizer=optimizer)
    for name, (optimizer, lr) in optimizers.items()
}
assert runs["SGD"].history.slope.equal(run.history.slope)

# %%
# The loss never reaches zero, because no line goes through all the points.
# Subtract the loss of the closed form, and you see how many digits each step gains.
# The flat end is the rounding of ``float64``.

best = total_least_squares(u, v)
floor = perpendicular_loss(best.slope, best.intercept, u, v)
# Alt: Loss above that of the best line against the step, logarithmic. SGD falls in a straight line
#      to 1e-17 in 110 steps, with momentum in 70 steps; Adam is at 1e-6 after 200.
fig, ax = plt.subplots(layout="constrained")
for (name, each), style in zip(runs.items(), ("-", "--", ":"), strict=True):
    ax.semilogy((each.history.loss - floor).clamp_min(1e-17), style, label=name)
ax.set(xlabel="step", ylabel="loss above the best line's", title="Two hundred steps")
ax.legend()
plt.show()

assert runs["SGD"].last.loss - floor < 1e-12
assert runs["SGD, momentum 0.5"].last.loss - floor < 1e-12
assert runs["Adam"].last.loss - floor > 1e-12

# %%
# What to notice
# --------------
#
# * Centering and scaling did more here than the choice of optimizer: see :doc:`plot_4_scaling`.
# * Adam is not faster here: the length of its steps hardly depends on that of the gradient.
# * The closed form needs no steps at all.
#   Descent is worth the effort where there is none, for another loss or another model.
#
# Read on in :doc:`/learn/line-fit`, or see :func:`linefit.descend`,
# :func:`linefit.total_least_squares` and :func:`linefit.perpendicular_loss`.
