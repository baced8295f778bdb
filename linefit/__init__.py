"""Fit a straight line by gradient descent, and see what autograd does on the way.

The modules can be read like a textbook, in this order: ``line``, ``data``, ``loss``, ``descent``,
``closed_form``, ``tape``, ``graph``; ``plotting`` is the only one that imports matplotlib.
"""

from linefit.closed_form import ordinary_least_squares, total_least_squares
from linefit.data import Hubble, NoisyLine, PearsonYork, hubble, noisy_line, pearson_york
from linefit.descent import Descent, DivergenceError, History, Step, descend
from linefit.fit import Fit, fit_line
from linefit.line import Line
from linefit.loss import huber_loss, perpendicular_loss, vertical_loss, weighted_loss
from linefit.moments import Moments
from linefit.weighted import york

__version__ = "0.2.0.dev0"

__all__ = [
    "Descent",
    "DivergenceError",
    "Fit",
    "History",
    "Hubble",
    "Line",
    "Moments",
    "NoisyLine",
    "PearsonYork",
    "Step",
    "descend",
    "fit_line",
    "hubble",
    "huber_loss",
    "noisy_line",
    "ordinary_least_squares",
    "pearson_york",
    "perpendicular_loss",
    "total_least_squares",
    "vertical_loss",
    "weighted_loss",
    "york",
]
