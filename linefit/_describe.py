"""A fit in five lines of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from linefit._batch import counted

if TYPE_CHECKING:
    from linefit.fit import Fit


def describe(fit: Fit) -> str:
    """Return slope, intercept, points, misfit and convergence, a line each."""
    if fit.loss.dim():
        return _batch(fit)
    slope = fit.line.slope.item()
    slope_se = fit.slope_se.item()
    intercept = fit.line.intercept.item()
    intercept_se = fit.intercept_se.item()
    upright = _may_be_vertical(fit)
    second = "position" if upright else "intercept"
    rows = {
        "slope": plus_minus(slope, slope_se),
        second: _position(fit) if upright else plus_minus(intercept, intercept_se),
        "points": f"{fit._given.x.shape[-1]}, {_scatter(fit)}",
        "χ²": _misfit(fit),
        "converged": f"{'after' if fit.converged else 'not in'} {_count(fit.n_steps, 'step')}",
    }
    if fit.n_minima > 1:
        rows["converged"] += f", the lowest of {fit.n_minima} minima"
    return "\n".join(f"{name:<11}{text}" for name, text in rows.items())


def _batch(fit: Fit) -> str:
    n_points = fit._given.x.shape[-1]
    n_settled = int(fit.converged.sum())
    text = f"{counted(fit.loss.shape)} of {_count(n_points, 'point')}"
    if not fit.loss.numel():
        return f"Fit({text})"
    every = n_settled == fit.loss.numel()
    settled = "all converged" if every else f"{n_settled} of them converged"
    return f"Fit({text}, {settled}; an index picks one)"


def _may_be_vertical(fit: Fit) -> bool:
    """Tell whether the line is steep and its slope has no upper bound, or no bound at all."""
    slope = abs(fit._given.slope.item())
    error = fit.slope_se.item()
    if math.isinf(slope):
        return True
    width, height = ((p.amax() - p.amin()).item() for p in (fit._given.x, fit._given.y))
    return math.isfinite(error) and error > slope / 2 and slope * width > 2 * height


def _position(fit: Fit) -> str:
    """Return where the points' middle is: a line that may be vertical has no intercept to tell."""
    x, y = fit._given.position.tolist()
    return f"x = {x:.6g} at y = {y:.6g}"


def _scatter(fit: Fit) -> str:
    if not fit.dof:
        return "too few for a residual scatter"
    unit = " times the errors given" if fit._given.errors_known else ""
    return f"residual scatter {fit.residual_scatter.item():.3g}{unit}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _misfit(fit: Fit) -> str:
    degrees = f"{_count(fit.dof, 'degree')} of freedom"
    if not fit._given.errors_known:
        return f"unknown, as the errors are, {degrees}"
    if not fit.dof:
        return f"{fit.chi2.item():.3g}, {degrees}"
    mswd = fit.reduced_chi2.item()
    p = fit.p_value.item()
    return f"{fit.chi2.item():.3g}, {degrees}, MSWD {mswd:.3g}, p = {p:.3g}"


def plus_minus(value: float, error: float) -> str:
    """Return a number with as many digits as its error has, and two digits of the error."""
    if not math.isfinite(value) or not math.isfinite(error) or error == 0:
        return f"{value:.6g} ± {error:.2g}"
    digits = 1 - math.floor(math.log10(float(f"{error:.1e}")))
    small = -4 <= digits - 1 <= 6 and abs(value) < 1e7
    if small and digits > 0:
        return f"{value:.{digits}f} ± {error:.{digits}f}"
    places = max(2, digits + math.floor(math.log10(abs(value))) + 1) if value else 2
    return f"{value:#.{min(places, 17)}g} ± {error:.1e}"
