"""Gradient descent over the angle of a line, by autograd on the moments."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from linefit._scatter import scatter
from linefit.moments import Moments

MAX_STEPS = 50  # from the worst start five are enough; more means that rounding never settles
EPS = torch.finfo(torch.float64).eps


class Direction(NamedTuple):
    """Where the loss is least over the angle; all of shape (...) but the number of steps.

    ``total`` is the scatter in all directions and ``curvature`` the second derivative of the loss
    per total scatter, in units of x in which both axes have errors of one size.
    """

    run: Tensor
    rise: Tensor
    total: Tensor
    curvature: Tensor
    n_steps: int
    settled: Tensor


def descend_angle(m: Moments, unit: Tensor) -> Direction:
    r"""Return the direction of least loss; one unit of x is ``unit`` units of y.

    The angle counts from the axis of more scatter, so that it ends within 45° of it.  There the
    loss per total scatter is a cosine of the double angle,

    .. math:: L(\varphi) = \frac14 - \frac12 (d \cos 2 \varphi + m \sin 2 \varphi)
    """
    xx, xy, yy, radius = scatter(m.sxx, m.sxy, m.syy, unit)
    total = (xx + yy).detach()
    flat = xx >= yy
    half = (xx - yy) / (2 * total)
    cosine = torch.where(flat, half, -half) / -2
    sine = xy / (-2 * total)
    rate = 2 * total / radius.detach()  # one over the largest curvature
    tracked = cosine.requires_grad or sine.requires_grad
    double, curvature, n_steps, settled = _settle(cosine.detach(), sine.detach(), rate)
    for _ in range(2 * tracked):  # with a graph: one step for each derivative of the answer
        here = double if double.requires_grad else double.clone().requires_grad_()
        step = rate * _slope(cosine, sine, here, create_graph=True)
        double = (here if double.requires_grad else double) - step
    angle = double / 2
    sin = angle.sin()
    cos = angle.cos()
    run = torch.where(flat, cos, sin.abs())
    rise = torch.where(flat, sin, cos.copysign(sin))
    return Direction(run, rise * unit, total, 4 * curvature, n_steps, settled)


def _settle(cosine: Tensor, sine: Tensor, rate: Tensor) -> tuple[Tensor, Tensor, int, Tensor]:
    """Return the double angle where the descent settles, and how it got there.

    That is the second derivative of the loss over it, the number of steps, and whether they left
    nothing but rounding.
    """
    double = torch.zeros_like(rate)
    n_steps = 0
    rounding = EPS * rate
    least = 4 * rounding * sine.abs()
    while True:
        slope = _slope(cosine, sine, double.requires_grad_(), create_graph=n_steps > 1)
        step = rate * slope.detach()
        n_steps += 1
        left = (step * step * step).abs()  # at most: e − sin e < sin³ e up to a right angle
        settled = left <= least + rounding * double.detach().abs()
        if n_steps == MAX_STEPS or settled.all():
            break
        double = double.detach() - step
    if not slope.requires_grad:
        slope = _slope(cosine, sine, double, create_graph=True)
    curvature = torch.autograd.grad(slope.sum() if slope.dim() else slope, double)[0]
    return double.detach() - step, curvature, n_steps, settled


def _slope(cosine: Tensor, sine: Tensor, double: Tensor, *, create_graph: bool = False) -> Tensor:
    """Return the derivative of the loss over the double angle, by autograd."""
    loss = cosine * double.cos() + sine * double.sin()
    if loss.dim():
        loss = loss.sum()
    return torch.autograd.grad(loss, double, create_graph=create_graph)[0]
