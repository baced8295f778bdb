"""Distances of points to a line, as losses that autograd can differentiate.

Each takes slope and intercept of shape (...) and points of shape (..., n), and returns one loss
of shape (...) for each line.  They are plain tensor expressions without validation, so that the
graph holds the formula and nothing else.
"""

from __future__ import annotations

from torch import Tensor


def _misses(slope: Tensor, intercept: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return a x − y + b; a batch of lines gets a last axis for its points."""
    if slope.dim():
        slope = slope[..., None]
        intercept = intercept[..., None]
    return slope * x - y + intercept


def vertical_loss(slope: Tensor, intercept: Tensor, x: Tensor, y: Tensor) -> Tensor:
    r"""Return half the mean squared vertical distance, the loss of ordinary least squares.

    .. math:: L(a, b) = \frac{1}{2N} \sum_{i=1}^N (a x_i - y_i + b)^2

    Parameters
    ----------
    slope, intercept : Tensor of shape (...)
        The line y = a x + b, or a batch of them.
    x, y : Tensor of shape (..., n)
        The points.

    Returns
    -------
    Tensor of shape (...)
        In squared units of y.

    Examples
    --------
    >>> import torch
    >>> x, y = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0])
    >>> vertical_loss(torch.tensor(0.0), torch.tensor(0.0), x, y)
    tensor(0.5000)
    """
    return _misses(slope, intercept, x, y).square().mean(-1) / 2


def perpendicular_loss(slope: Tensor, intercept: Tensor, x: Tensor, y: Tensor) -> Tensor:
    r"""Return half the mean squared perpendicular distance, the loss of total least squares.

    .. math:: L(a, b) = \frac{1}{2N} \sum_{i=1}^N \frac{(a x_i - y_i + b)^2}{a^2 + 1}

    The denominator is the same for every point, so a single division after the mean replaces N.

    Parameters
    ----------
    slope, intercept : Tensor of shape (...)
        The line y = a x + b, or a batch of them.
    x, y : Tensor of shape (..., n)
        The points, both coordinates in the same unit.

    Returns
    -------
    Tensor of shape (...)
        In squared units of x and y.

    Examples
    --------
    >>> import torch
    >>> x, y = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0])
    >>> perpendicular_loss(torch.tensor(1.0), torch.tensor(0.0), x, y)
    tensor(0.2500)
    """
    mean_square = _misses(slope, intercept, x, y).square().mean(-1)
    return mean_square / (2 * (slope.square() + 1))


def huber_loss(
    slope: Tensor, intercept: Tensor, x: Tensor, y: Tensor, *, delta: float = 1.0
) -> Tensor:
    r"""Return the mean Huber loss of the perpendicular distances, for points with outliers.

    A distance d costs d²/2 up to δ and δ(d − δ/2) beyond it, so that a distant point pulls with a
    bounded force.  The best line has no closed form: finding it takes a descent, and a gradient.

    .. math::
       L(a, b) = \frac{1}{N} \sum_{i=1}^N h_\delta\left(
       \frac{a x_i - y_i + b}{\sqrt{a^2 + 1}}\right)

    Parameters
    ----------
    slope, intercept : Tensor of shape (...)
        The line y = a x + b, or a batch of them.
    x, y : Tensor of shape (..., n)
        The points, both coordinates in the same unit.
    delta : float
        Distance δ beyond which the loss grows linearly, in the unit of x and y.

    Returns
    -------
    Tensor of shape (...)
        In squared units of x and y; the same as :func:`perpendicular_loss` up to the distance δ.

    Raises
    ------
    ValueError
        If ``delta`` is not positive.

    References
    ----------
    P. J. Huber (1964), Robust estimation of a location parameter, Annals of Mathematical
    Statistics 35(1).

    Examples
    --------
    >>> import torch
    >>> x, y = torch.tensor([0.0, 1.0]), torch.tensor([0.0, 10.0])
    >>> huber_loss(torch.tensor(0.0), torch.tensor(0.0), x, y)
    tensor(4.7500)
    """
    if not delta > 0:
        raise ValueError(f"delta, a distance, must be positive, but it is {delta}.")
    length = (slope.square() + 1).sqrt()
    distance = _misses(slope, intercept, x, y) / (length[..., None] if slope.dim() else length)
    near = distance.abs().clamp(max=delta)
    return (near * (distance.abs() - near / 2)).mean(-1)


def weighted_loss(
    slope: Tensor, intercept: Tensor, x: Tensor, y: Tensor, *, x_std: Tensor, y_std: Tensor
) -> Tensor:
    r"""Return half the mean squared distance in units of each point's own standard deviation.

    .. math::
       L(a, b) = \frac{1}{2N} \sum_{i=1}^N
       \frac{(a x_i - y_i + b)^2}{\sigma_{y,i}^2 + a^2 \sigma_{x,i}^2}

    It is York's χ² divided by 2N, for uncorrelated errors.

    Parameters
    ----------
    slope, intercept : Tensor of shape (...)
        The line y = a x + b, or a batch of them.
    x, y : Tensor of shape (..., n)
        The points.
    x_std, y_std : Tensor of shape (..., n) or ()
        Standard deviations, in the units of x and y.

    Returns
    -------
    Tensor of shape (...)
        Dimensionless.

    References
    ----------
    D. York (1966), Least-squares fitting of a straight line, Canadian Journal of Physics 44.

    Examples
    --------
    >>> import torch
    >>> x, y, one = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0]), torch.tensor(1.0)
    >>> weighted_loss(one, 0 * one, x, y, x_std=one, y_std=one)
    tensor(0.2500)
    """
    a = slope[..., None] if slope.dim() else slope
    variance = y_std.square() + (a * x_std).square()
    return (_misses(slope, intercept, x, y).square() / variance).mean(-1) / 2
