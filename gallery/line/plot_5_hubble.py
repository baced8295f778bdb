r"""
Vertical or perpendicular? Hubble's data
========================================

**Question.** Hubble's nebulae have a distance in megaparsec and a velocity in km/s.
Should a line through them use vertical or perpendicular distance?

**Answer.** Vertical distance needs no common unit and gives the line of ordinary least squares;
the perpendicular line changes with the units, until you say how large the errors on both axes are.
"""

# %%
# Twenty-four nebulae
# -------------------
#
# In 1929 Edwin Hubble compared how far 24 nebulae are with how fast they move away.
# The farther, the faster: the slope of the line, in km/s per megaparsec, is the rate at which the
# universe expands.

from linefit import hubble, ordinary_least_squares

data = hubble()
x, y = data.x, data.y
vertical = ordinary_least_squares(x, y)
print(f"slope {vertical.slope:.2f} km/s per Mpc, intercept {vertical.intercept:.2f} km/s")
assert round(vertical.slope.item(), 2) == 454.16
assert round(vertical.intercept.item(), 2) == -40.78

# %%
# The same by descent
# -------------------
#
# Ordinary least squares is the line with the smallest vertical distances.
# Pass that loss to :func:`linefit.descend`, and autograd does the rest.

from linefit import descend, vertical_loss

run = descend(x, y, lr=0.5, steps=300, loss=vertical_loss)
print(f"slope {run.last.slope:.2f}, intercept {run.last.intercept:.2f} after 300 steps")
assert abs(run.last.slope - vertical.slope) < 0.01
assert abs(run.last.intercept - vertical.intercept) < 0.01

# %%
# Perpendicular to what?
# ----------------------
#
# Now ask for the smallest perpendicular distances, once with the distance in megaparsec and once
# in kiloparsec, and convert both slopes to km/s per Mpc.
# The nebulae have not moved, but the line has.

from linefit import Line, total_least_squares

in_mpc = total_least_squares(x, y)
kpc = total_least_squares(1000 * x, y)
in_kpc = Line.from_slope_intercept(1000 * kpc.slope, kpc.intercept)
print(f"from Mpc: slope {in_mpc.slope:.1f} km/s per Mpc, intercept {in_mpc.intercept:.1f}")
print(f"from kpc: slope {in_kpc.slope:.1f} km/s per Mpc, intercept {in_kpc.intercept:.1f}")
assert in_mpc.slope > 1.4 * in_kpc.slope

# %%
# The two axes of this picture have different units, so no aspect ratio is the right one and angles
# mean nothing.
# That is the trouble: a length across both axes, √(Mpc² + (km/s)²), is not a length of anything.

import matplotlib.pyplot as plt

from linefit.plotting import plot_line, plot_points, plot_residuals

# Alt: Velocity against distance of 24 nebulae, with a vertical segment from each to the line of
#      vertical distances; the line from kiloparsec is a little steeper, that from megaparsec much.
fig, ax = plt.subplots(layout="constrained")
plot_residuals(ax, x, y, vertical, perpendicular=False)
plot_points(ax, x, y)
plot_line(ax, vertical, color="C0", label="vertical")
plot_line(ax, in_mpc, color="C1", linestyle="--", label="perpendicular, x in Mpc")
plot_line(ax, in_kpc, color="C2", linestyle="-.", label="perpendicular, x in kpc")
ax.set(xlabel="distance (Mpc)", ylabel="velocity (km/s)", title="Hubble's nebulae, three lines")
ax.legend()
plt.show()

# %%
# A different line for every unit
# -------------------------------
#
# Let the unit of distance run from a gigaparsec down to a parsec.
# In large units the numbers in x are tiny, so the shortest path to the line runs along x: the slope
# is that of the regression of x on y.
# In small units it runs along y, and the slope is that of y on x.

import torch

units = torch.logspace(-3, 6, 91, dtype=x.dtype)  # units of distance in a megaparsec
slopes = torch.stack([unit * total_least_squares(unit * x, y).slope for unit in units])
along_x = 1 / ordinary_least_squares(y, x).slope
# Alt: Slope of the perpendicular fit against the unit of distance. For Gpc and Mpc it is 728, the
#      slope of x on y; it falls through kpc to 454, the slope of y on x, for pc.
fig, ax = plt.subplots(layout="constrained")
ax.semilogx(units, slopes, label="perpendicular")
ax.axhline(vertical.slope, color="C1", linestyle="--", label="along y: y on x")
ax.axhline(along_x, color="C2", linestyle="-.", label="along x: x on y")
for unit, name in {1e-3: "Gpc", 1: "Mpc", 1e3: "kpc", 1e6: "pc"}.items():
    ax.annotate(name, (unit, 430), ha="center")
ax.set(xlabel="units of distance in a megaparsec", ylabel="slope (km/s per Mpc)", ylim=(415, 750))
ax.set_title("The slope depends on the unit of distance")
ax.legend(loc="center left")
plt.show()

# %%
# Between the two ends lies any slope that you may want, so the data alone do not single one out.

print(f"y on x {vertical.slope:.1f}, x on y {along_x:.1f}")
assert torch.isclose(slopes[-1], vertical.slope, rtol=1e-4)
assert torch.isclose(slopes[0], along_x, rtol=1e-4)
assert (slopes.diff() <= 1e-6).all()

# %%
# Say how large the errors are
# ----------------------------
#
# The unit was a hidden way of saying which axis to trust.
# Say it openly: ``variance_ratio`` is the variance of the errors of y over that of x, in the units
# of the data.
# Suppose a velocity is off by 150 km/s and a distance by 0.3 Mpc; these two are our assumption.

off_y, off_x = 150.0, 0.3
deming = total_least_squares(x, y, variance_ratio=(off_y / off_x) ** 2)
again = total_least_squares(1000 * x, y, variance_ratio=(off_y / (1000 * off_x)) ** 2)
print(f"Deming, from Mpc: {deming.slope:.2f} km/s per Mpc")
print(f"Deming, from kpc: {1000 * again.slope:.2f} km/s per Mpc")
assert torch.isclose(deming.slope, 1000 * again.slope)
assert vertical.slope < deming.slope < along_x

# %%
# What to notice
# --------------
#
# * Perpendicular distance needs both axes in one unit and with like errors, as on the post's
#   points.
# * Vertical distance needs neither, but it assumes that x is exact; where x is noisy, its slope is
#   too small.
# * With a known ratio of the errors, Deming's line is the same in all units.
#   With an error for each point, use :func:`linefit.weighted_loss`.
# * Today's value is near 70: Hubble's distances were too small by a large factor, and no choice of
#   line makes up for that.
#
# Read on in :doc:`/learn/which-line`, or see :func:`linefit.ordinary_least_squares` and
# :func:`linefit.total_least_squares`.
