"""Lines that need no descent: ordinary and total least squares in closed form.

Both depend on the points only through their moments, which are summed in float64 whatever dtype the
points have.
"""

from __future__ import annotations

from linefit._check import ArrayLike, lines, points
from linefit._frame import framed
from linefit.line import Line


def ordinary_least_squares(x: ArrayLike, y: ArrayLike) -> Line:
    r"""Return the line with the smallest vertical distances to the points.

    .. math:: a = \frac{S_{xy}}{S_{xx}}, \qquad b = \bar y - a \bar x

    with the centered sums :math:`S_{xx} = \sum (x_i - \bar x)^2` and
    :math:`S_{xy} = \sum (x_i - \bar x)(y_i - \bar y)`.  It assumes that only y is noisy.

    Parameters
    ----------
    x, y : array-like of shape (..., n)
        The points; leading axes are independent lines.

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
    """
    x, y = points(x, y, check_values=False)
    moments, frame = framed(x, y, one_unit=False)
    flat = moments.sxx == 0
    if flat.any():
        raise ValueError(
            f"All x are equal{lines(flat)}, so no line has the smallest vertical distances; "
            "total_least_squares gives the vertical line."
        )
    line = Line.through(moments.mean_x, moments.mean_y, moments.sxx, moments.sxy)
    return frame.carry(line, x.dtype)


def total_least_squares(x: ArrayLike, y: ArrayLike, *, variance_ratio: ArrayLike = 1.0) -> Line:
    r"""Return the line with the smallest perpendicular distances to the points.

    It runs through the mean of the points, along the direction of their largest scatter.  With
    :math:`d = (S_{xx} - S_{yy}) / 2`, its slope is

    .. math:: a = \frac{S_{xy}}{d + \sqrt{d^2 + S_{xy}^2}}

    With a variance ratio δ other than 1 it is Deming's line, which minimizes
    :math:`\sum (a x_i - y_i + b)^2 / (a^2 + \delta)`.

    Parameters
    ----------
    x, y : array-like of shape (..., n)
        The points; leading axes are independent lines.
    variance_ratio : array-like of shape (...)
        Variance of the errors in y over that of the errors in x, positive.

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
    """
    x, y = points(x, y, check_values=False)
    moments, frame = framed(x, y, one_unit=True)
    return frame.carry(moments.line(variance_ratio=variance_ratio), x.dtype)
