r"""
How sure is the line?
=====================

**Question.** The fit gives a slope with many digits.
How many of them can you trust, and how do you find out?

**Answer.** Three ways agree here: a formula, the same points drawn again with replacement, and
odrpack.
Where their assumptions fail they disagree, and counting how often they contain the truth tells
which to trust.
"""

# %%
# The line and its standard errors
# --------------------------------
#
# :func:`linefit.fit_line` compares the scatter along the line with the scatter across it.
# It assumes independent Gaussian errors of one size, which it estimates from the distances.
# ``print`` tells all that it knows.

from linefit import fit_line, noisy_line

x, y, true_line = noisy_line(100)
fit = fit_line(x, y)
print(fit)
low, high = fit.slope_interval(0.95)
print(f"95 % interval of the slope: {low:.4f} to {high:.4f}")
assert fit.converged

# %%
# The bootstrap
# -------------
#
# Draw 100 points out of the 100, with replacement, fit, and repeat: the scatter of these lines
# tells how far off yours may be.
# The assumption is that the points are independent draws of one kind.
# Four thousand such lines take one call, since leading axes are independent lines.

import torch

from linefit import total_least_squares

generator = torch.Generator().manual_seed(0)
picks = torch.randint(100, (4000, 100), generator=generator)
again = total_least_squares(x[picks], y[picks])
print(f"bootstrap: slope ± {again.slope.std():.4f}, intercept ± {again.intercept.std():.4f}")
assert 0.85 < again.slope.std() / fit.slope_se < 1.15

# %%
# odrpack
# -------
#
# The Fortran code for orthogonal distance regression, in use since 1987, fits the true positions of
# the points along with the line.
# It is not part of the package: where it is not installed, this cell says so and the rest goes on.

from importlib.util import find_spec

odr_se = None
if find_spec("odrpack"):
    from odrpack import odr_fit

    odr = odr_fit(lambda x, p: p[0] * x + p[1], x.numpy(), y.numpy(), beta0=[2.0, 0.0])
    odr_se = odr.sd_beta
    print(f"odrpack: slope {odr.beta[0]:.4f} ± {odr_se[0]:.4f}, intercept ± {odr_se[1]:.4f}")
    assert abs(odr_se[0] / fit.slope_se.item() - 1) < 0.01
else:
    print("odrpack: not installed here, so this page has two ways to compare and not three")

# %%
# odrpack reports two things: ``sd_beta`` holds standard errors, and ``cov_beta`` a covariance that
# assumes a standard deviation of 1.
# They differ by the root of the misfit χ² / (N − 2), which is about σ² = 4 here.

if odr_se is not None:
    misfit = 2 * len(x) * fit.loss / (len(x) - 2)
    bare = odr.cov_beta.diagonal() ** 0.5
    print(f"sd_beta / root of cov_beta: {odr_se[0] / bare[0]:.4f}")
    print(f"root of the misfit:         {misfit.sqrt():.4f}")
    assert abs(odr_se[0] / bare[0] / misfit.sqrt() - 1) < 1e-4

# %%
# Side by side
# ------------
#
# The ellipse is where the formula expects 95 % of all lines, from its covariance; the dots are the
# bootstrap's.
# Slope and intercept are linked: a steeper line through the same middle starts lower.

import matplotlib.pyplot as plt

# Alt: A band of dots, slopes against intercepts, that falls steeply to the right, and an ellipse of
#      the same shape around nearly all of them.
values, vectors = torch.linalg.eigh(fit.covariance)
turn = torch.linspace(0, 2 * torch.pi, 200, dtype=torch.float64)
circle = torch.stack((turn.cos(), turn.sin()))
edge = 5.991**0.5 * vectors @ (values.sqrt()[:, None] * circle)  # 95 % of χ² with 2 degrees
fig, ax = plt.subplots(layout="constrained")
ax.plot(again.slope, again.intercept, ".", markersize=3, alpha=0.3, label="bootstrap")
ax.plot(fit.line.slope + edge[0], fit.line.intercept + edge[1], color="C1", label="formula, 95 %")
ax.plot(2.5, 1.0, "P", color="C2", markersize=9, label="the true line")
ax.set(xlabel="slope a", ylabel="intercept b", title="Where the line may be")
ax.legend()
plt.show()

# %%
# Does 95 % mean 95 %?
# --------------------
#
# A standard error makes a promise: slope ± 1.96 standard errors holds the true slope 95 times in a
# hundred.
# Make 2000 sets of points from the known line, fit all of them at once, and count.
# With few points the promise is broken: the size of the errors is itself only an estimate, and
# Student's t is the better factor; :meth:`linefit.Fit.slope_interval` takes it.


def coverage(found, se, truth):
    """Return how often the truth lies within 1.96 standard errors."""
    return ((found - truth).abs() < 1.96 * se).double().mean().item()


for n in (5, 10, 20, 100):
    draws = [noisy_line(n, seed=seed) for seed in range(2000)]
    many = fit_line(*(torch.stack([draw[axis] for draw in draws]) for axis in (0, 1)))
    slope = coverage(many.line.slope, many.slope_se, 2.5)
    intercept = coverage(many.line.intercept, many.intercept_se, 1.0)
    print(f"{n:3} points: slope {slope:.1%}, intercept {intercept:.1%}")
assert 0.93 < min(slope, intercept) < max(slope, intercept) < 0.97

# %%
# The Hessian, and noise as large as the spread
# ---------------------------------------------
#
# Textbooks take the curvature of the negative log-likelihood at its minimum, the Hessian: a sharp
# valley means a line that is well known.
# The fit keeps what autograd says of it, too.
# But noise in x widens the points, and so the valley looks sharper than it is.
# Let the noise grow beside the spread of the true x, and count again, with 1000 points a set.

shares = {"formula": [], "Hessian": []}
noises = [0.1, 0.3, 0.5, 1.0, 1.5, 2.0]
for noise in noises:
    true_x, u, v = torch.randn(3, 1000, 1000, generator=generator, dtype=torch.float64)
    many = fit_line(true_x + noise * u, 0.8 * true_x + 1 + noise * v)
    bare = many.hessian_covariance[:, 0, 0].sqrt()
    for name, se in (("formula", many.slope_se), ("Hessian", bare)):
        shares[name].append(coverage(many.line.slope, se, 0.8))
    print(
        f"noise {noise}: formula {shares['formula'][-1]:.1%}, Hessian {shares['Hessian'][-1]:.1%}"
    )
assert 0.93 < min(shares["formula"]) < max(shares["formula"]) < 0.97
assert shares["Hessian"][0] > 0.93
assert shares["Hessian"][-1] < 0.8

# %%
# Both agree where the noise is small, and the formula stays right however large it is: its slope's
# variance is the Hessian's, times the scatter along the line over the excess of that scatter over
# the one across it.

# Alt: Shares of intervals that hold the truth, against the noise. One curve stays near 95 %, the
#      other starts there and falls ever deeper as the noise grows.
fig, ax = plt.subplots(layout="constrained")
ax.axhline(0.95, color="0.6", linestyle=":", label="the promise")
ax.plot(noises, shares["formula"], "o-", label="formula")
ax.plot(noises, shares["Hessian"], "s--", label="Hessian")
ax.set(
    xlabel="noise / spread of the true x", ylabel="share that holds the true slope", ylim=(0.6, 1)
)
ax.legend()
plt.show()

# %%
# Where the assumption fails
# --------------------------
#
# Now let the errors grow along the line, from almost nothing to 8, as they do where an instrument
# is off by a percentage.
# The formula assumes a single size of error.
# The bootstrap needs no size, so it is not misled.

t = torch.linspace(0, 100, 100, dtype=torch.float64)
size = 0.05 + 0.08 * t
noise = torch.randn(2, 500, 100, generator=generator, dtype=torch.float64) * size
xs, ys = t + noise[0], 2.5 * t + 1 + noise[1]
wrong = fit_line(xs, ys)
picks = torch.randint(100, (500, 200 * 100), generator=generator)
many_x, many_y = (c.gather(1, picks).reshape(500, 200, 100) for c in (xs, ys))
boot = total_least_squares(many_x, many_y)
held = {
    "fit_line": coverage(wrong.line.intercept, wrong.intercept_se, 1.0),
    "bootstrap": coverage(wrong.line.intercept, boot.intercept.std(1), 1.0),
}

# %%
# If you know how large each error is, say so: :func:`linefit.york` then gives the right standard
# errors, and smaller ones, since the good points count for more.

from linefit import york

right = york(xs, ys, x_std=size.expand_as(xs), y_std=size.expand_as(ys))
held["York"] = coverage(right.line.intercept, right.intercept_se, 1.0)
typical = [wrong.intercept_se.median(), boot.intercept.std(1).median(), right.intercept_se.median()]
for (name, share), se in zip(held.items(), typical, strict=True):
    print(f"{name:10} intercept ± {se:.2f}, holds the truth {share:.1%} of the time")
assert held["fit_line"] > 0.98
assert 0.90 < held["bootstrap"] < 0.97
assert 0.93 < held["York"] < 0.97

# %%
# What to notice
# --------------
#
# * Formula, bootstrap and odrpack agree to within a few percent where the errors are alike for all
#   points.
# * The Hessian is enough where the noise is small beside the spread of the points, and only there.
# * An interval can be too wide as well as too narrow; both break the promise of 95 %.
# * The bootstrap does not need the size of the errors, but it takes many fits: batches make them
#   cheap.
# * With fewer than about 20 points, don't take any of them literally.
#
# Read on in :doc:`plot_1_errors_per_point`, about what points can tell in :doc:`/learn/line-fit`,
# or see :func:`linefit.fit_line` and :class:`linefit.Fit`.
