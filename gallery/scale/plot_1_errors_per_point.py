r"""
An error for every point
========================

**Question.** Each point comes with standard deviations of its own, in x and in y.
Which line is best, and how sure is it?

**Answer.** York's line, which measures every distance in units of that point's own error.
Two formulas for its standard errors are in use; they differ by how the distances curve as the line
turns, and here by less than one percent.
"""

# %%
# Ten points and their weights
# ----------------------------
#
# Pearson published the points in 1901, York gave them weights in 1966, and they have been a
# standard test for such programs since.
# The errors differ by a factor of more than thirty, and trade places along the line: x is known
# well on the left, and y on the right.

from linefit import pearson_york

x, y, x_std, y_std = points = pearson_york()
errors = {"x_std": x_std, "y_std": y_std}
for name, std in errors.items():
    print(f"{name} from {std.min():.3f} to {std.max():.3f}")

# %%
# York's line, and two that do not look at the errors
# ---------------------------------------------------
#
# :func:`linefit.york` needs nothing but points and standard deviations.

from linefit import ordinary_least_squares, total_least_squares, york

fit = york(x, y, **errors)
lines = {
    "York": fit.line,
    "total least squares": total_least_squares(x, y),
    "ordinary least squares": ordinary_least_squares(x, y),
}
for name, line in lines.items():
    print(f"{name:23} slope {line.slope:.9f}, intercept {line.intercept:.8f}")

# %%
# The bars are one standard deviation.
# York's line runs close to the points with short bars, and gives way at the others.

import matplotlib.pyplot as plt

from linefit.plotting import plot_line

# Alt: Ten points that fall from the upper left to the lower right, with bars: long vertical ones on
#      the left, long horizontal ones on the right. York's line is flatter than the other two and
#      runs through the points with short bars.
fig, ax = plt.subplots(layout="constrained")
ax.errorbar(x, y, xerr=x_std, yerr=y_std, fmt="o", color="0.5", elinewidth=1)
ax.set(xlabel="x", ylabel="y", title="Ten points and three lines")
for (name, line), style in zip(lines.items(), ("-", "--", ":"), strict=True):
    plot_line(ax, line, linestyle=style, color=f"C{len(ax.lines) % 4}", label=name)
ax.legend()
plt.show()

# %%
# The published digits
# --------------------
#
# York and others printed slope and intercept with nine digits, standard errors with five or six,
# and the misfit χ² / (N − 2).
# That last number would be near 1 if the standard deviations were right and the relation a straight
# line.

chi2 = 2 * len(x) * fit.loss
published = {"slope": -0.480533407, "intercept": 5.47991022, "slope_se": 0.057985}
published |= {"intercept_se": 0.294971, "misfit": 1.4833}
found = {"slope": fit.line.slope, "intercept": fit.line.intercept, "slope_se": fit.slope_se}
found |= {"intercept_se": fit.intercept_se, "misfit": chi2 / (len(x) - 2)}
for name, digits in published.items():
    places = len(str(digits).split(".")[1])
    print(f"{name:13} {found[name]:13.10f}, published {digits}")
    assert round(found[name].item(), places) == digits

# %%
# A second valley
# ---------------
#
# For each slope take the best intercept, which is a weighted mean, and look at χ² as a function of
# the slope.
# There is another minimum far away, where the line cuts across the points instead of following
# them, and a descent from a = b = 0 ends there.
# :func:`linefit.york` looks at all angles, returns the lowest minimum and says how many it found.

import torch

slopes = torch.linspace(-1.2, 1.0, 441, dtype=torch.float64)[:, None]
weights = 1 / (y_std**2 + slopes**2 * x_std**2)
heights = (weights * (y - slopes * x)).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
profile = (weights * (slopes * x - y + heights) ** 2).sum(1)
inner = (profile[1:-1] < profile[:-2]) & (profile[1:-1] < profile[2:])
valleys = inner.nonzero()[:, 0] + 1
for valley in valleys:
    print(f"a minimum at slope {slopes[valley].item():.3f}, χ² = {profile[valley]:.1f}")
assert len(valleys) == fit.n_minima == 2
assert abs(slopes[valleys[0]] - fit.line.slope) < 0.005

# Alt: Chi-squared over the slope, logarithmic: a deep valley at minus 0.48 and a shallow one near
#      plus 0.25, with a ridge between them.
fig, ax = plt.subplots(layout="constrained")
ax.semilogy(slopes, profile)
ax.plot(slopes[valleys], profile[valleys], "o", color="C1")
ax.set(xlabel="slope a", ylabel="χ² at the best intercept", title="Two valleys")
plt.show()

# %%
# Two standard errors
# -------------------
#
# York's formula of 2004 is in ``fit.covariance``.
# The other one comes from the second derivatives of χ² / 2 at the minimum, as maximum
# likelihood has it.

two = {"York": fit.covariance, "Hessian": fit.hessian_covariance}
for name, covariance in two.items():
    slope_se, intercept_se = covariance.diagonal().sqrt()
    print(f"{name:8} slope ± {slope_se:.6f}, intercept ± {intercept_se:.6f}")
ratio = (fit.hessian_covariance.diagonal() / fit.covariance.diagonal()).sqrt()
print(f"the Hessian's are smaller by {1 - ratio[0]:.2%} and {1 - ratio[1]:.2%}")
assert 0.005 < 1 - ratio.max() < 1 - ratio.min() < 0.01

# %%
# Why they differ
# ---------------
#
# Call ρ the distance of a point in units of its error, so that χ² is the sum of ρ².
# The Hessian of χ² / 2 has two parts: products of first derivatives of ρ, and ρ times its second
# derivatives.
# Autograd can give both, and York's formula turns out to be the first part alone.

from torch.func import jacrev


def misses(p):
    """Return the distances ρ, for slope and intercept in one tensor."""
    return (p[0] * x - y + p[1]) / (y_std**2 + p[0] ** 2 * x_std**2).sqrt()


best = torch.stack((fit.line.slope, fit.line.intercept))
first = jacrev(misses)(best).T @ jacrev(misses)(best)
second = torch.einsum("i,ijk->jk", misses(best), jacrev(jacrev(misses))(best))
assert torch.allclose(torch.linalg.inv(first), fit.covariance, rtol=1e-9)
assert torch.allclose(torch.linalg.inv(first + second), fit.hessian_covariance, rtol=1e-9)
print("York:    inverse of the first part")
print("Hessian: inverse of both parts")

# %%
# The smaller the misses, the more alike
# --------------------------------------
#
# The second part is proportional to the misses, so it must vanish with them.
# Move all points towards the line, each to where its own errors would most likely have it: the line
# stays, and in the end half the misses make half the difference.

a, b = fit.line.slope, fit.line.intercept
pull = (a * x - y + b) / (y_std**2 + a**2 * x_std**2)
back_x, back_y = -a * x_std**2 * pull, y_std**2 * pull
difference = []
for share in (1.0, 0.1, 0.05, 0.025):
    near = york(x + (1 - share) * back_x, y + (1 - share) * back_y, **errors)
    ratio = (near.hessian_covariance.diagonal() / near.covariance.diagonal()).sqrt()
    difference.append(1 - ratio[0])
    print(f"misses × {share:<5}: slope {near.line.slope:.6f}, difference {difference[-1]:.3%}")
    assert torch.isclose(near.line.slope, a)
assert torch.isclose(difference[-1], difference[-2] / 2, rtol=0.05)

# %%
# What really happens
# -------------------
#
# Take York's line for the truth, with the points moved onto it, and draw the ten points anew four
# thousand times: a batch of four thousand lines, fitted in one call.
# How far do the slopes really scatter?

generator = torch.Generator().manual_seed(0)
noise = torch.randn(2, 4000, len(x), generator=generator, dtype=torch.float64)
many_x, many_y = x + back_x + x_std * noise[0], y + back_y + y_std * noise[1]
many = york(many_x, many_y, x_std=x_std.expand_as(many_x), y_std=y_std.expand_as(many_y))
scatter = many.line.slope.std()
print(f"4000 slopes scatter by {scatter:.4f} ± {scatter / 8000**0.5:.4f}")
print(f"York says {fit.slope_se:.4f}, the Hessian {two['Hessian'][0, 0].sqrt():.4f}")
assert many.converged.all()
assert abs(scatter / fit.slope_se - 1) < 0.05

# %%
# What to notice
# --------------
#
# * York's line reproduces what was published, to the last printed digit.
# * His standard errors use just the first derivatives of the misses; the Hessian uses the second as
#   well.
#   Both are approximations for small errors: the simulated slopes scatter a little more than either
#   predicts.
# * χ² / (N − 2) is 1.48 here.
#   York takes your standard deviations at face value; some programs multiply the standard errors by
#   the root of that number, here by 1.22, which makes a far larger difference.
# * χ² has more than one minimum, so that a descent depends on where it starts; ``fit.n_minima``
#   says how many there are.
#
# Read on in :doc:`plot_2_how_sure`, about the loss in :doc:`/learn/line-fit`, or see
# :func:`linefit.york` and :func:`linefit.pearson_york`.
