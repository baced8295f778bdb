"""Lines that need no descent: ordinary and total least squares in closed form.

Both depend on the points only through their moments, which are summed in float64 whatever dtype the
points have.
"""

from __future__ import annotations

from linefit._check import lines, placed, through_of, variance_ratios, weights_of
from linefit._frame import framed, relative
from linefit._numbers import ArrayLike
from linefit.line import Line


def ordinary_least_squares(
    x: ArrayLike,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    through: tuple[ArrayLike, ArrayLike] | None = None,
) -> Line:
    r"""Return the line with the smallest vertical distances to the points.

    .. math:: a = \frac{S_{xy}}{S_{xx}}, \qquad b = \bar y - a \bar x

    with the centered sums :math:`S_{xx} = \sum w_i (x_i - \bar x)^2` and
    :math:`S_{xy} = \sum w_i (x_i - \bar x)(y_i - \bar y)`, where all weights are 1 if none are
    given.  It assumes that only y is noisy.

    Parameters
    ----------
    x, y : array-like of shape (..., n)
        The points; leading axes are independent lines.
    weights : array-like of shape (..., n), (n,) or (), optional
        How much each point counts, positive: one over the variance of its error, in any unit.
    through : pair of array-like of shape (...), optional
        x and y of a point that the line must meet, such as ``(0, 0)``, in place of the mean.

    Returns
    -------
    Line
        One line, or a batch of shape (...).

    Raises
    ------
    ValueError, TypeError
        If the points are not finite real numbers of one shape, or if all x of a line are equal.

    Examples
    --------
    >>> ordinary_least_squares([0, 1, 2], [0, 2, 1])
    Line(slope=0.5, intercept=0.5, angle=0.463648)
    >>> ordinary_least_squares([0, 1, 2], [0, 2, 1], through=(0, 0))
    Line(slope=0.8, intercept=0, angle=0.674741)
    """
    points = placed(x, y, least=2 if through is None else 1, check_values=False)
    weight, _ = relative(weights_of(weights, points.x))
    given = through_of(through, points)
    moments, frame, _ = framed(points, ratio=None, weights=weight, through=given)
    flat = moments.sxx == 0
    if flat.any():
        raise ValueError(
            f"All x are equal{lines(flat)}, so no line has the smallest vertical distances; "
            "total_least_squares gives the vertical line."
        )
    line = Line.through(moments.mean_x, moments.mean_y, moments.sxx, moments.sxy)
    return frame.carry(line, points.dtype)


def total_least_squares(
    x: ArrayLike,
    y: ArrayLike,
    *,
    variance_ratio: ArrayLike = 1.0,
    weights: ArrayLike | None = None,
    through: tuple[ArrayLike, ArrayLike] | None = None,
) -> Line:
    r"""Return the line with the smallest perpendicular distances to the points.

    It runs through the mean of the points, along the direction of their largest scatter.  With
    :math:`d = (S_{xx} - S_{yy}) / 2`, its slope is

    .. math:: a = \frac{S_{xy}}{d + \sqrt{d^2 + S_{xy}^2}}

    With a variance ratio δ other than 1 it is Deming's line, which minimizes
    :math:`\sum w_i (a x_i - y_i + b)^2 / (a^2 + \delta)`, with all weights 1 if none are given.

    Parameters
    ----------
    x, y : array-like of shape (..., n)
        The points; leading axes are independent lines.
    variance_ratio : array-like of shape (...)
        Variance of the errors in y over that of the errors in x, positive.
    weights : array-like of shape (..., n), (n,) or (), optional
        How much each point counts, positive: one over the variance of its errors, in any unit.
        Where the ratio differs from point to point too, :func:`linefit.york` is the fit to take.
    through : pair of array-like of shape (...), optional
        x and y of a point that the line must meet, such as ``(0, 0)``, in place of the mean.

    Returns
    -------
    Line
        One line, or a batch of shape (...); a vertical line is a valid result.

    Raises
    ------
    ValueError, TypeError
        If the points are not finite real numbers of one shape; if all points of a line coincide, or
        scatter alike in all directions, so that no direction is better than another.

    References
    ----------
    K. Pearson (1901), On lines and planes of closest fit, Philosophical Magazine 2(11).
    W. E. Deming (1943), Statistical Adjustment of Data.

    Examples
    --------
    >>> total_least_squares([0, 1, 2], [0, 2, 1])
    Line(slope=1, intercept=0, angle=0.785398)
    >>> total_least_squares([1, 1, 1], [0, 2, 5]).slope
    tensor(inf, dtype=torch.float64)
    >>> total_least_squares([1, 2, 3], [1, 2, 4], through=(0, 0))
    Line(slope=1.22686, intercept=0, angle=0.886921)
    """
    points = placed(x, y, least=2 if through is None else 1, check_values=False)
    weight, _ = relative(weights_of(weights, points.x))
    given = through_of(through, points)
    ratio = variance_ratios(variance_ratio, points.x[..., 0])
    moments, frame, ratio = framed(points, ratio=ratio, weights=weight, through=given)
    return frame.carry(moments.line(variance_ratio=ratio), points.dtype)
