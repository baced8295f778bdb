r"""
Points that lie
===============

**Question.** Five of a hundred readings are plainly wrong, and nobody knows which.
How do you fit the other ninety-five?

**Answer.** Let a far point pull with a bounded force: the Huber loss.
No closed form gives its line, but the same descent does, since autograd needs only the loss.
"""

# %%
# Five bad readings
# -----------------
#
# Take the usual hundred points, and let every second one of the last ten read too low, by 90.
# As for any descent, put the origin in the middle and use one unit for both axes; that leaves
# slopes as they are.

import torch

from linefit import noisy_line, total_least_squares

unit = 30.0
x, clean, _ = noisy_line(100)
x, clean = (x - 50) / unit, (clean - 126) / unit
y = clean.clone()
y[90::2] -= 90 / unit
before, after = total_least_squares(x, clean), total_least_squares(x, y)
print(f"total least squares: slope {before.slope:.4f} without the bad ones, {after.slope:.4f} with")

# %%
# A loss with a limit
# -------------------
#
# :func:`linefit.huber_loss` is half the square of the distance up to δ, and grows only in
# proportion beyond it, so that the pull of a point is never stronger than δ.
# Here δ is the size of the noise, 2 before the change of unit.
# The descent starts from a slope of 2, which you might guess by eye.

from functools import partial

from linefit import descend, huber_loss

delta = 2.0 / unit
fit = partial(descend, lr=5.0, steps=200, start=(2.0, 0.0), loss=partial(huber_loss, delta=delta))
robust = fit(x, y)
print(f"Huber:               slope {robust.line.slope:.4f}, intercept {robust.line.intercept:.4f}")
print(f"clean points alone:  slope {before.slope:.4f}, intercept {before.intercept:.4f}")
assert robust.converged
assert abs(robust.line.slope - before.slope) < abs(after.slope - before.slope) / 3

# %%
# With squares, five points drag the line away from the others; with a bounded force they do not.

import matplotlib.pyplot as plt

from linefit.plotting import plot_line, plot_points

# Alt: Many points on a rising line and five far below its right end. The line of total least
#      squares is bent down towards the five; Huber's runs through the others.
fig, ax = plt.subplots(layout="constrained")
plot_points(ax, x, y, color="0.5")
plot_line(ax, after, color="C1", linestyle="--", label="total least squares")
plot_line(ax, robust.line, color="C0", label="Huber")
ax.set(
    xlabel="x, in units of 30", ylabel="y, in units of 30", title="Five bad readings in a hundred"
)
ax.legend()
plt.show()

# %%
# How strong is one point?
# ------------------------
#
# Take the clean points and pull the last one away from the line, straight across it, further and
# further.
# That makes sixty sets of points, in one batch, so one descent fits them all.

pulls = torch.linspace(0, 300, 60, dtype=torch.float64)
xs, ys = x.repeat(60, 1), clean.repeat(60, 1)
xs[:, -1] -= pulls / unit * before.normal[0]
ys[:, -1] -= pulls / unit * before.normal[1]
lines = {"total least squares": total_least_squares(xs, ys), "Huber": fit(xs, ys).line}
for name, line in lines.items():
    moved = line.slope - line.slope[0]
    print(f"{name:20} slope moves by {moved[20]:+.4f} at 102 and {moved[-1]:+.4f} at 300")
assert abs(lines["Huber"].slope[-1] - lines["Huber"].slope[20]) < 2e-3

# %%
# A single point can pull the line of least squares as far as you like.
# With Huber's loss its force reaches the limit and stays there.

# Alt: Slope against how far one point is pulled away. Total least squares falls ever further;
#      Huber's falls a little at once and then stays level.
fig, ax = plt.subplots(layout="constrained")
for (name, line), style in zip(lines.items(), ("C1--", "C0-"), strict=True):
    ax.plot(pulls, line.slope, style, label=name)
ax.set(xlabel="the last point is pulled away by", ylabel="slope", title="One point's influence")
ax.legend()
plt.show()

# %%
# What autograd saves you
# -----------------------
#
# You did not have to derive a gradient here, with its cases near and far, its absolute values and
# its root.
# :func:`torch.autograd.gradcheck` compares autograd's gradient with finite differences.
# A custom loss function takes a few lines of code: this one, a logarithm, lets a far point go
# altogether.


def log_loss(slope, intercept, x, y, *, delta):
    """Return a mean that hardly grows once a point is far."""
    length = (slope[..., None] ** 2 + 1).sqrt()
    distance = (slope[..., None] * x - y + intercept[..., None]) / length
    return delta**2 / 2 * torch.log1p((distance / delta) ** 2).mean(-1)


a, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (2.0, 0.1))
for loss in (huber_loss, log_loss):
    assert torch.autograd.gradcheck(partial(loss, x=x, y=y, delta=delta), (a, b))
    run = fit(x, y, loss=partial(loss, delta=delta))
    print(f"{loss.__name__:10} slope {run.line.slope:.4f}, gradient checked")

# %%
# Which δ?
# --------
#
# A large δ gives least squares again; a small one looks at little more than the sign of the
# distance, as a median does.
# Safety has a price: on clean points Huber's lines scatter a little more.
# Fit 200 sets with and 200 without bad readings, and measure how far the slopes are off.

draws = [noisy_line(100, seed=seed) for seed in range(200)]
xs, good = torch.stack([(d.x - 50) / unit for d in draws]), torch.stack([d.y for d in draws])
bad = good.clone()
bad[:, 90::2] -= 90
error = {}
for width in (1.0, 2.0, 4.0, 20.0, 1000.0):
    loss = partial(huber_loss, delta=width / unit)
    runs = [fit(xs, (ys - 126) / unit, loss=loss) for ys in (good, bad)]
    error[width] = [(run.last.slope - 2.5).square().mean().sqrt().item() for run in runs]
    one, two = error[width]
    print(f"δ = {width:<4g} slopes off by {one:.4f} on clean points, {two:.4f} on the others")
assert error[2.0][0] < 1.1 * error[1000.0][0]
assert error[2.0][1] < error[1000.0][1] / 4

# %%
# Where it ends
# -------------
#
# Now let all of the last readings be bad, more and more of them.
# A bounded force is still a force: many points that are wrong in the same way win in the end.

for count in (5, 10, 20, 30, 40):
    y = clean.clone()
    y[-count:] -= 90 / unit
    squares, bounded = total_least_squares(x, y), fit(x, y).line
    off = [abs(line.slope.item() - before.slope.item()) for line in (squares, bounded)]
    print(f"{count:2} of 100 bad: off by {off[0]:.3f} with squares, {off[1]:.3f} with Huber")
assert min(off) > 0.1

# %%
# What to notice
# --------------
#
# * A robust loss is not a filter: no point is thrown out; each just counts for less beyond δ.
# * δ is a size in the units of your data: a δ of the size of the noise costs less than a tenth on
#   clean points.
# * There is no closed form; the descent is the one you know, with another loss.
# * It guards against a few wrong points, not against many that agree with each other.
# * The force is bounded, but its lever is not: a point far out *along* the line still turns it.
#
# Read on in :doc:`plot_4_ten_thousand_lines`, about the distance in :doc:`/learn/line-fit`, or see
# :func:`linefit.huber_loss` and :func:`linefit.descend`.
