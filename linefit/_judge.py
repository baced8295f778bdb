"""What to think of where a descent has ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from linefit._check import lines

if TYPE_CHECKING:
    from linefit.descent import Descent, Loss, Step

STEEP = 10.0  # times as steep as from corner to corner of the points, and as one to one
ROUND = 1e-12  # a smaller share of the largest curvature is rounding


def judged(run: Descent, loss: Loss, x: Tensor, y: Tensor) -> Descent:
    """Return the descent with what its end looks like: a minimum, a saddle, or nowhere."""
    last = run.last
    steep = _is_steep(last.slope, x, y)
    asked = run.still | steep
    minimum = torch.ones_like(asked)
    lost = torch.zeros_like(asked)
    if asked.any():
        least, largest = _curvatures(last, loss, x, y)
        minimum = ~(asked & (least < -ROUND * largest))  # true where nothing is known: NaN
        lost = steep & (least <= ROUND * largest)
    run = replace(run, minimum=minimum & ~lost)
    return replace(run, warning=_warning(run, lost))


def _is_steep(slope: Tensor, x: Tensor, y: Tensor) -> Tensor:
    width, height = ((t.amax(-1) - t.amin(-1)).to(torch.float64) for t in (x, y))
    return slope.abs().to(torch.float64) * width > STEEP * torch.maximum(width, height)


def _curvatures(at: Step, loss: Loss, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the least and the largest curvature of the loss, NaN where it has none to tell.

    The slope counts in units of 1/x, so that both parameters are heights, and in float64, since
    far out all curvatures are small differences.
    """
    nothing = torch.full_like(at.slope, torch.nan, dtype=torch.float64)
    x = x.to(torch.float64)
    y = y.to(torch.float64)
    width, height = (t.square().mean(-1).sqrt() for t in (x, y))
    size = torch.where(width > 1e-100 * height, width, height)  # all x may be zero
    size = torch.where(size > 0, size, torch.ones_like(size))
    a, b = (t.detach().to(torch.float64).requires_grad_() for t in (at.slope * size, at.intercept))
    try:
        first = torch.autograd.grad(
            loss(a / size, b, x, y).sum(), (a, b), create_graph=True, materialize_grads=True
        )
        rows = [
            torch.autograd.grad(g.sum(), (a, b), retain_graph=True, materialize_grads=True)
            for g in first
            if g.requires_grad
        ]
    except (RuntimeError, TypeError, ValueError):  # such as a function differentiable only once
        return nothing, nothing
    if len(rows) < 2:
        return nothing, nothing
    (aa, ab), (_, bb) = rows
    middle = (aa + bb) / 2
    radius = torch.hypot((aa - bb) / 2, ab)
    return middle - radius, torch.maximum((middle - radius).abs(), (middle + radius).abs())


def _warning(run: Descent, lost: Tensor) -> str | None:
    """Return a sentence for each thing that is wrong."""
    first = run.history.loss[0]
    last = run.last
    higher = (last.loss > first * (1 + 1e-6)) & ~lost
    found = []
    if higher.any():
        found.append(
            f"The loss has risen from {first[higher][0].item():.6g} at the start to "
            f"{last.loss[higher][0].item():.6g}{lines(higher)}: use a smaller learning rate, or "
            "center and scale the points."
        )
    if lost.any():
        found.append(
            "The line has left for the flat tail of the loss, with slope "
            f"{last.slope[lost][0].item():.6g}{lines(lost)}, where it is almost vertical and "
            "hardly moves: use a smaller learning rate, or center and scale the points."
        )
    stuck = run.still & ~run.converged & ~lost
    if stuck.any():
        found.append(
            f"The run stands still where the loss has no minimum{lines(stuck)}, such as on a "
            "saddle: start elsewhere."
        )
    return " ".join(found) or None
