"""The line you want when you just want the line, by autograd, and how sure it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from linefit._check import ArrayLike, points, records_graphs, variance_ratios
from linefit._frame import Frame, framed
from linefit._scatter import scatter
from linefit._sums import BLOCK
from linefit.line import Line
from linefit.moments import Moments

MAX_STEPS = 50  # from the worst start five are enough; more means that rounding never settles
EPS = torch.finfo(torch.float64).eps
CANCELS = 1e-6  # a smaller share of all scatter has lost digits in the moments


@dataclass(frozen=True, eq=False)
class Fit:
    """Hold a fitted line and how sure it is.

    Parameters
    ----------
    line : Line
        The fitted line, or a batch of shape (...).
    loss : Tensor of shape (...)
        What was minimized, at the line: half the mean of the squared distances.
    n_steps : int
        Steps that the slowest line took.
    converged : Tensor of shape (...)
        Whether the last step changed nothing but rounding.
    covariance : Tensor of shape (..., 2, 2)
        Of slope and intercept, in this order; ``inf`` where the points tell nothing about it,
        as two points alone do, or where the line is vertical.
    hessian_covariance : Tensor of shape (..., 2, 2)
        The same from second derivatives at the minimum; another one only where a formula for
        ``covariance`` does not use them.
    n_minima : Tensor of shape (...)
        How many minima the loss has over all directions, of which the line is the lowest; int64.
    """

    line: Line
    loss: Tensor
    n_steps: int
    converged: Tensor
    covariance: Tensor
    hessian_covariance: Tensor
    n_minima: Tensor = field(default_factory=lambda: torch.tensor(1))

    @property
    def slope_se(self) -> Tensor:
        """Standard error of the slope, of shape (...)."""
        return self.covariance[..., 0, 0].sqrt()

    @property
    def intercept_se(self) -> Tensor:
        """Standard error of the intercept, of shape (...)."""
        return self.covariance[..., 1, 1].sqrt()


@records_graphs
def fit_line(x: ArrayLike, y: ArrayLike, *, variance_ratio: ArrayLike = 1.0) -> Fit:
    r"""Fit a line with errors in both coordinates by gradient descent on its angle.

    Over the angle φ the loss of total least squares is a cosine, one minimum per half turn,
    and it needs the points only through their moments:

    .. math::
       L(\varphi) = \frac{1}{2N} \left(S_{xx} \sin^2 \varphi - 2 S_{xy} \sin \varphi \cos \varphi
       + S_{yy} \cos^2 \varphi\right)

    The curvature of a cosine is largest at its minimum, so the learning rate
    :math:`1 / \lambda_{max}` is both safe and fast: about five steps, whatever the points.

    The standard errors come from the Hessian of the negative log-likelihood
    :math:`-\log p = N L(a, b) / \sigma^2`, also by autograd.  They assume that the true points lie
    on a line, that their errors are independent and Gaussian with the variance ratio given, and
    that there are enough of them for the likelihood to be quadratic near its maximum; σ² is
    estimated from the distances, with N − 2 degrees of freedom.

    Parameters
    ----------
    x, y : array-like of shape (..., n)
        The points; leading axes are independent lines.
    variance_ratio : array-like of shape (...)
        Variance of the errors in y over that of the errors in x, positive.

    Returns
    -------
    Fit
        The line, equal to that of :func:`linefit.total_least_squares`; ``loss`` is
        :math:`\frac{1}{2N} \sum (a x_i - y_i + b)^2 / (a^2 + \delta)`.  The line is differentiable
        where the points require gradients, by the implicit function theorem; the rest is detached.

    Raises
    ------
    ValueError, TypeError
        As :func:`linefit.total_least_squares` does.

    Examples
    --------
    >>> fit = fit_line([0, 1, 2, 3], [1.1, 2.9, 5.1, 6.9])
    >>> fit.line
    Line(slope=1.96259, intercept=1.05611, angle=1.09955)
    >>> fit.slope_se.item() < 0.1, bool(fit.converged)
    (True, True)
    """
    x, y = points(x, y, check_values=False)
    moments, frame = framed(x, y, one_unit=True)
    ratio = variance_ratios(variance_ratio, moments.sxx)
    run, rise, n_steps, converged = _descend_angle(moments, ratio.sqrt())
    line = Line.through(moments.mean_x, moments.mean_y, run, rise)
    squares = _squares(x.detach(), y.detach(), moments, line, frame)
    loss, covariance = _uncertainty(moments, line, squares, ratio.detach(), frame)
    kind = x.dtype
    covariance = covariance.to(kind)
    carried = frame.carry(line, kind)
    one = torch.ones_like(converged, dtype=torch.int64)
    return Fit(carried, loss.to(kind), n_steps, converged, covariance, covariance, one)


def _descend_angle(m: Moments, unit: Tensor) -> tuple[Tensor, Tensor, int, Tensor]:
    """Return the direction (run, rise) of least loss, the steps taken and whether they settled."""
    xx, xy, yy, radius = scatter(m.sxx, m.sxy, m.syy, unit)
    total = (xx + yy).detach()
    flat = xx >= yy  # the angle counts from the axis of more scatter, within 45° of the answer
    along, across = torch.where(flat, xx, yy) / total, torch.where(flat, yy, xx) / total
    mixed, rate = xy / total, total / (2 * radius.detach())  # rate is 1 / λmax

    tracked = along.requires_grad or mixed.requires_grad

    def gradient(angle: Tensor) -> Tensor:
        sin, cos = angle.sin(), angle.cos()
        loss = (along * sin**2 - 2 * mixed * sin * cos + across * cos**2) / 2
        return torch.autograd.grad(loss.sum(), angle, create_graph=tracked)[0]

    angle, n_steps, settled = torch.zeros_like(rate), 0, torch.zeros_like(flat)
    while n_steps < MAX_STEPS and not settled.all():
        step = rate * gradient(angle.requires_grad_()).detach()
        angle, n_steps = angle.detach() - step, n_steps + 1
        settled = step.abs() <= 4 * EPS * rate * (mixed.detach().abs() + angle.abs())
    for _ in range(2 * tracked):  # with a graph: one step for each derivative of the answer
        here = angle if angle.requires_grad else angle.clone().requires_grad_()
        angle = (here if angle.requires_grad else angle) - rate * gradient(here)
    sin, cos = angle.sin(), angle.cos()
    sign = torch.where(sin < 0, -1, 1)
    run, rise = torch.where(flat, cos, sign * sin), torch.where(flat, sin, sign * cos)
    return run, rise * unit, n_steps, settled


def _squares(x: Tensor, y: Tensor, m: Moments, line: Line, frame: Frame) -> Tensor:
    """Return the sum of squared distances to a line of the frame, (...)."""
    nx, ny = line.normal.detach().unbind(-1)
    sxx, sxy, syy = m.sxx.detach(), m.sxy.detach(), m.syy.detach()
    squares = nx * nx * sxx + 2 * nx * ny * sxy + ny * ny * syy
    if (squares > CANCELS * (sxx + syy)).all():
        return squares
    total = torch.zeros_like(squares)  # the moments have cancelled: ask the points themselves
    mean_x, mean_y = m.mean_x.detach(), m.mean_y.detach()
    for part_x, part_y in zip(x.split(BLOCK, -1), y.split(BLOCK, -1), strict=True):
        u, v = frame.own(part_x, part_y)
        u, v = u - mean_x[..., None], v - mean_y[..., None]
        total += (nx[..., None] * u + ny[..., None] * v).square().sum(-1)
    return total


def _uncertainty(
    m: Moments, line: Line, squares: Tensor, ratio: Tensor, frame: Frame
) -> tuple[Tensor, Tensor]:
    """Return the loss at the line, and the covariance of slope and intercept."""
    nx, ny = line.normal.detach().unbind(-1)
    sxx, sxy, syy, one = m.sxx.detach(), m.sxy.detach(), m.syy.detach(), torch.ones_like(nx)
    squares = squares / (nx * nx + ratio * ny * ny)
    variance = torch.where(m.n > 2, squares / (m.n - 2), torch.inf)  # of the errors in x
    steep = nx.abs() > ny  # then x over y is the better slope, and the ratio changes its place
    slope = torch.where(steep, -ny / nx, -nx / ny)
    suu, svv = torch.where(steep, syy, sxx), torch.where(steep, sxx, syy)
    of_slope, of_one = torch.where(steep, ratio, one), torch.where(steep, one, ratio)

    def misfit(a: Tensor, height: Tensor) -> Tensor:
        total = svv - 2 * a * sxy + a * a * suu + m.n * height * height
        return total / (2 * (of_slope * a * a + of_one))

    inverse, _ = torch.linalg.inv_ex(hessian(misfit, slope, torch.zeros_like(slope)))
    own = variance[..., None, None] * inverse
    covariance = frame.covariance(own, slope, steep, m.mean_x.detach())
    return squares / (2 * m.n) * frame.unit_x * frame.unit_x, covariance


def hessian(function: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor) -> Tensor:
    """Return second derivatives, of shape (..., 2, 2), each element of the batch for itself."""
    a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
    first = torch.autograd.grad(function(a, b).sum(), (a, b), create_graph=True)
    rows = [torch.autograd.grad(g.sum(), (a, b), retain_graph=True) for g in first]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
