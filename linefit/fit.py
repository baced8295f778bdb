"""The line you want when you just want the line, by autograd, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from linefit._angle import Direction, descend_angle
from linefit._batch import mapped, picked
from linefit._check import (
    Placed,
    placed,
    records_graphs,
    target_of,
    through_of,
    variance_ratios,
    weights_of,
)
from linefit._describe import describe
from linefit._frame import Framed, framed, relative
from linefit._given import Given
from linefit._numbers import ArrayLike
from linefit._quantile import level_of, normal_quantile, student_quantile
from linefit._sums import BLOCK
from linefit.line import Line

CANCELS = 1e-6  # a smaller share of all scatter has lost digits in the moments


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """Hold a fitted line and how sure it is.

    The line has the dtype of the points; all that says how sure it is, is float64 and detached.
    ``print(fit)`` tells it in five lines.  A batch is indexed like a tensor of its shape.  The
    points are kept, not copied: residuals and bands are computed from them when they are asked for.

    Parameters
    ----------
    line : Line
        The fitted line, or a batch of shape (...).
    loss : Tensor of shape (...)
        What was minimized, at the line: half the mean of the squared residuals.
    n_steps : int
        Steps that the slowest line took.
    converged : Tensor of shape (...)
        Whether the steps left nothing to go but rounding.
    covariance : Tensor of shape (..., 2, 2)
        Of slope and intercept, in this order; ``inf`` where the points tell nothing about it,
        as two points alone do, or where the line is vertical.  Squares beyond the range of
        float64 overflow or vanish; ``slope_se`` and ``intercept_se`` do not.
    hessian_covariance : Tensor of shape (..., 2, 2)
        The same from second derivatives at the minimum.  It differs from ``covariance`` where
        the errors are large: that of :func:`linefit.fit_line` is too small then.
    n_minima : Tensor of shape (...)
        How many minima the loss has over all directions, of which the line is the lowest; int64.

    Examples
    --------
    >>> import linefit
    >>> x, y, x_std, y_std = linefit.pearson_york()
    >>> print(linefit.york(x, y, x_std=x_std, y_std=y_std))  # doctest: +ELLIPSIS
    slope      -0.481 ± 0.058
    intercept  5.48 ± 0.29
    points     10, residual scatter 1.22 times the errors given
    χ²         11.9, 8 degrees of freedom, MSWD 1.48, p = 0.157
    converged  after ... steps, the lowest of 2 minima
    """

    line: Line
    loss: Tensor
    n_steps: int
    converged: Tensor
    covariance: Tensor
    hessian_covariance: Tensor
    n_minima: Tensor
    _given: Given

    @property
    def slope_se(self) -> Tensor:
        """Standard error of the slope, of shape (...)."""
        return self._given.slope_se

    @property
    def intercept_se(self) -> Tensor:
        """Standard error of the intercept, of shape (...)."""
        return self._given.intercept_se

    @property
    def points(self) -> tuple[Tensor, Tensor]:
        """The points x and y, of shape (..., n) each, as far as floats hold them."""
        x = self._given.x
        y = self._given.y
        origin = self._given.origin
        return (x, y) if origin is None else (x + origin.x[..., None], y + origin.y[..., None])

    @property
    def residuals(self) -> Tensor:
        """Distances of the points to the line, of shape (..., n), positive above it.

        They count in units of each point's own error, as far as that is known: of the standard
        deviations for :func:`linefit.york`; for :func:`linefit.fit_line` of errors of which those
        in x are 1/√w, so that without weights, and with a variance ratio of 1, they are plain
        distances.  ``loss`` is half the mean of their squares.
        """
        return self._given.residuals()

    @property
    def residual_scatter(self) -> Tensor:
        """Root of the sum of squared residuals per degree of freedom; NaN if there is none.

        For :func:`linefit.fit_line` it estimates the standard deviation of the errors in x.
        """
        return self._given.misfit / (math.sqrt(self.dof) if self.dof else math.nan)

    @property
    def dof(self) -> int:
        """Degrees of freedom: points less parameters, two of them or, through a point, one."""
        return self._given.dof

    @property
    def chi2(self) -> Tensor:
        """Sum of squared residuals; NaN where no size of the errors was given to hold it against.

        So it is for :func:`linefit.fit_line`, which takes the size of the errors from the points.
        """
        known = 1.0 if self._given.errors_known else math.nan
        return self.loss * 2 * self._given.x.shape[-1] * known

    @property
    def reduced_chi2(self) -> Tensor:
        """χ² per degree of freedom, the MSWD of geochronology; NaN where there is none."""
        return self.chi2 / self.dof if self.dof else self.chi2 * math.nan

    @property
    def p_value(self) -> Tensor:
        """Probability of a χ² at least as large, if line and errors are right; NaN without χ²."""
        half = torch.full_like(self.loss, self.dof / 2)
        return torch.special.gammaincc(half, self.chi2 / 2) if self.dof else self.chi2 * math.nan

    def slope_interval(self, level: float = 0.95) -> tuple[Tensor, Tensor]:
        r"""Return the interval around the slope that holds the true one so often.

        Where the errors were given, as for :func:`linefit.york`, it reaches as many standard
        errors to both sides as the normal distribution asks.  Where their size is estimated, as
        for :func:`linefit.fit_line`, it is an interval of angles, with Student's t,

        .. math:: \sin 2 \Delta\varphi = 2 t \operatorname{se}(\varphi)

        which is exact where errors and true points are Gaussian, few or many, and hardly differs
        from the slope ± t standard errors where these are small.  It is (−∞, ∞) where no slope,
        or not even a vertical line, can be excluded.

        Parameters
        ----------
        level : float
            How often, within (0, 1).

        Returns
        -------
        tuple of Tensor of shape (...)
            Lower and upper end.

        References
        ----------
        M. A. Creasy (1956), Confidence limits for the gradient in the linear functional
        relationship, Journal of the Royal Statistical Society B 18(1).
        """
        quantile = self._quantile(level)
        slope = self._given.slope
        if self._given.errors_known:
            return slope - quantile * self.slope_se, slope + quantile * self.slope_se
        unit = (self._given.y_std / self._given.x_std)[..., 0]
        angle = torch.atan2(slope, unit)
        sine = 2 * quantile * self.slope_se / (unit * (1 + (slope / unit).square()))
        half = sine.clamp(max=1).asin() / 2
        open_ended = ~((sine < 1) & (angle.abs() + half < math.pi / 2))  # true for NaN as well
        low = unit * (angle - half).tan()
        high = unit * (angle + half).tan()
        return torch.where(open_ended, -torch.inf, low), torch.where(open_ended, torch.inf, high)

    def band(self, x: ArrayLike, level: float = 0.95) -> tuple[Tensor, Tensor]:
        """Return between which heights the true line runs above ``x``, so often.

        Each x is for itself: a whole line lies between all of them less often.

        Parameters
        ----------
        x : array-like of shape (..., n) or ()
            Abscissas; leading axes match those of the line.
        level : float
            How often, within (0, 1).

        Returns
        -------
        tuple of Tensor
            Lower and upper height for each x.

        Raises
        ------
        ValueError
            If the line is vertical.
        """
        if (self._given.normal[..., 1] == 0).any():
            raise ValueError("A vertical line has no height above x, and so no band.")
        height, error = self._given.height(x)
        reach = self._quantile(level) * error
        return height - reach, height + reach

    def _quantile(self, level: float) -> float:
        level = level_of(level)
        if self._given.errors_known:
            return normal_quantile(level)
        return student_quantile(level, self.dof) if self.dof else math.inf

    def __getitem__(self, index: Any) -> Fit:
        """Return the fit of some lines of a batch, or of one."""
        part: Fit = picked(self, index, self.loss.shape)
        return part

    def to(self, target: torch.device | str | torch.dtype) -> Fit:
        """Return the same fit on a device, or its line in another dtype.

        Parameters
        ----------
        target : torch.device, str or torch.dtype
            A device for everything, or a dtype for the line; the rest stays float64.

        Returns
        -------
        Fit
            An equal one.

        Raises
        ------
        ValueError, TypeError
            If there is no such device here, or the dtype holds no fractions.
        """
        there = target_of(target)
        if isinstance(there, torch.dtype):
            return replace(self, line=self.line.to(there))
        moved: Fit = mapped(self, lambda t: t.to(there))
        return moved

    def __repr__(self) -> str:
        """Tell line, errors, points, misfit and convergence in five lines."""
        return describe(self)


@records_graphs
def fit_line(
    x: ArrayLike,
    y: ArrayLike,
    *,
    variance_ratio: ArrayLike = 1.0,
    weights: ArrayLike | None = None,
    through: tuple[ArrayLike, ArrayLike] | None = None,
) -> Fit:
    r"""Fit a line with errors in both coordinates by gradient descent on its angle.

    Over the angle φ the loss of total least squares is a cosine, one minimum per half turn,
    and it needs the points only through their moments:

    .. math::
       L(\varphi) = \frac{1}{2N} \left(S_{xx} \sin^2 \varphi - 2 S_{xy} \sin \varphi \cos \varphi
       + S_{yy} \cos^2 \varphi\right)

    The curvature of a cosine is largest at its minimum, so the learning rate
    :math:`1 / \lambda_{max}` is both safe and fast: about five steps, whatever the points.

    With the scatter along the line :math:`\lambda_1` and across it :math:`\lambda_2`, sums of
    squares in units in which the errors of both axes are alike, the variance of the angle is

    .. math::
       \operatorname{var} \varphi = \frac{\sigma^2 \lambda_1}{(\lambda_1 - \lambda_2)^2},
       \qquad \sigma^2 = \frac{\lambda_2}{N - 2}

    and with :math:`a = \sqrt\delta \tan\varphi` that of the slope is
    :math:`\delta (1 + a^2 / \delta)^2 \operatorname{var} \varphi`.  It holds however large the
    errors are, as long as they are independent, Gaussian, and of the variance ratio given, and
    the true points lie on a line.  The second derivative of :math:`N L / \sigma^2`, by autograd
    too, gives :math:`\sigma^2 / (\lambda_1 - \lambda_2)`: the same where the errors are small
    beside the spread of the points, and too small where they are not.  Of few points with errors
    larger than their spread no standard error tells enough; :meth:`linefit.Fit.slope_interval`
    does.

    Parameters
    ----------
    x, y : array-like of shape (..., n)
        The points; leading axes are independent lines.
    variance_ratio : array-like of shape (...)
        Variance of the errors in y over that of the errors in x, positive.
    weights : array-like of shape (..., n), (n,) or (), optional
        How much each point counts, positive: one over the variance of its errors, in any unit.
    through : pair of array-like of shape (...), optional
        x and y of a point that the line must meet, such as ``(0, 0)``, in place of the mean.  A
        degree of freedom is saved: N − 1 takes the place of N − 2.

    Returns
    -------
    Fit
        The line, equal to that of :func:`linefit.total_least_squares`; ``loss`` is
        :math:`\frac{1}{2N} \sum w_i (a x_i - y_i + b)^2 / (a^2 + \delta)`.  ``covariance`` holds
        for errors of any size, ``hessian_covariance`` is that of the second derivatives.  The
        line is differentiable where the points require gradients, by the implicit function
        theorem; the rest is detached.

    Raises
    ------
    ValueError, TypeError
        As :func:`linefit.total_least_squares` does.

    References
    ----------
    L. J. Gleser (1981), Estimation in a multivariate "errors in variables" regression model,
    Annals of Statistics 9(1).
    W. A. Fuller (1987), Measurement Error Models, section 1.3.

    Examples
    --------
    >>> fit = fit_line([0, 1, 2, 3], [1.1, 2.9, 5.1, 6.9])
    >>> fit.line
    Line(slope=1.96259, intercept=1.05611, angle=1.09955)
    >>> fit.slope_se.item() < 0.1, bool(fit.converged)
    (True, True)
    """
    points = placed(x, y, least=2 if through is None else 1, check_values=False)
    ratio = variance_ratios(variance_ratio, points.x[..., 0])
    weights = weights_of(weights, points.x)
    weight, unit = relative(weights)
    place = framed(points, ratio=ratio, weights=weight, through=through_of(through, points))
    moments = place.moments
    way = descend_angle(moments, place.ratio.sqrt())
    own = Line.through(moments.mean_x, moments.mean_y, way.run, way.rise)
    line = place.frame.carry(own, torch.float64)
    with torch.no_grad():
        across = _across(points, weight, place, own)
        loss = across * place.frame.unit_x * place.frame.unit_x / (2 * points.x.shape[-1])
        misfit = across.sqrt() * place.frame.unit_x
        if unit is not None:
            loss = loss * unit
            misfit = misfit * unit.sqrt()
        given = _made_of(points, weights, ratio, place, line)
        given = given._replace(n_parameters=2 if through is None else 1, misfit=misfit)
        slope_se, hess_se, height_se = _errors(place, way, across, given)
        given = given._replace(slope_se=slope_se, height_se=height_se)
        x = given.position[..., 0]
        covariance, hess = (_spread(error, height_se, x) for error in (slope_se, hess_se))
    line = Line(line.normal.to(points.dtype), line.offset.to(points.dtype))
    one = torch.ones_like(way.settled, dtype=torch.int64)
    return Fit(line, loss, way.n_steps, way.settled, covariance, hess, one, given)


def _across(points: Placed, weights: Tensor | None, place: Framed, line: Line) -> Tensor:
    """Return the weighted sum of squared distances to a line of the frame, (...).

    They count in units of x, in which both axes have errors of one size.
    """
    m = place.moments
    (nx, ny) = line.normal.unbind(-1)
    unit = nx * nx + place.ratio * ny * ny
    squares = nx * nx * m.sxx + 2 * nx * ny * m.sxy + ny * ny * m.syy
    if (squares > CANCELS * (m.sxx + m.syy)).all():
        return squares / unit
    total = torch.zeros_like(squares)  # the moments have cancelled: ask the points themselves
    every = [t.split(BLOCK, -1) for t in (points.x, points.y)]
    shares = weights.split(BLOCK, -1) if weights is not None else [None] * len(every[0])
    for part_x, part_y, w in zip(*every, shares, strict=True):
        u, v = place.frame.own(part_x, part_y)
        u = u - m.mean_x[..., None]
        v = v - m.mean_y[..., None]
        square = (nx[..., None] * u + ny[..., None] * v).square()
        total += (square if w is None else w * square).sum(-1)
    return total / unit


def _made_of(
    points: Placed, weights: Tensor | None, ratio: Tensor, place: Framed, line: Line
) -> Given:
    """Return points and line as the fit keeps them; ``line`` is in the points' coordinates."""
    m = place.moments
    one = torch.ones_like(m.sxx)[..., None]
    x_std = one if weights is None else weights.rsqrt()
    pivot = torch.stack(place.frame.place(m.mean_x, m.mean_y), dim=-1)
    errors = x_std, ratio.sqrt()[..., None] * x_std, 0 * one
    x = points.x.detach()
    y = points.y.detach()
    normal = line.normal.detach()
    return Given(x, y, *errors, normal, pivot, m.sxx, m.sxx, m.sxx, points.origin)


def _errors(
    place: Framed, way: Direction, across: Tensor, given: Given
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the standard errors of the slope, also by the Hessian, and of the pivot's height."""
    m, frame, ratio = place
    dof = given.dof
    variance = across / dof if dof else torch.full_like(across, torch.inf)  # of the errors in x
    apart = way.curvature * way.total  # how much the scatter along the line exceeds that across
    slope = way.rise / way.run
    turn = ratio.sqrt() * (1 + slope * slope / ratio) * (frame.unit_y / frame.unit_x)
    hess = turn * (variance / apart).sqrt()
    height = (variance * (slope * slope + ratio) / m.n).sqrt() * frame.unit_y
    if given.n_parameters == 1:
        height = torch.zeros_like(height)  # the line meets that point, whatever its slope
    robust = hess * ((way.total - across) / apart).sqrt()
    robust, hess = (torch.where(error.isfinite(), error, torch.inf) for error in (robust, hess))
    return robust, hess, height


def _spread(slope: Tensor, height: Tensor, x: Tensor) -> Tensor:
    """Return the covariance of slope and intercept from the errors of slope and height.

    The height is that above ``x``, where it knows nothing of the slope.  What is not a number is
    infinite: nothing is known of it.
    """
    lever = -x * slope
    shared = slope * lever
    rows = torch.stack((slope * slope, shared, shared, height * height + lever * lever), dim=-1)
    rows = torch.where(rows.isfinite(), rows, torch.inf)
    return rows.reshape(*rows.shape[:-1], 2, 2)
