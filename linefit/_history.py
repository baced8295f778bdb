"""The result of a descent: every step, the best and the last."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from linefit.line import Line

SETTLED = 1e-6  # share of its whole way that a settled parameter may still move at the end


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a descent: the parameters and the loss there, before the update.

    Parameters
    ----------
    step : Tensor of shape (...)
        Number of the step, from 0.
    loss, slope, intercept : Tensor of shape (...)
        All three of this same step.
    """

    step: Tensor
    loss: Tensor
    slope: Tensor
    intercept: Tensor


@dataclass(frozen=True, eq=False)
class History:
    """Every step of a descent, each before its update; all of shape (steps, ...)."""

    loss: Tensor
    slope: Tensor
    intercept: Tensor

    def at(self, step: Tensor) -> Step:
        """Return the given step; ``step`` has shape (...), one number for each line."""
        pick = [t.gather(0, step[None])[0] for t in (self.loss, self.slope, self.intercept)]
        return Step(step, *pick)


@dataclass(frozen=True, eq=False)
class Descent:
    """Hold what a descent did.

    Parameters
    ----------
    history : History
        Loss, slope and intercept of every step.
    minimum : Tensor of shape (...), optional
        Whether the loss curves upward in every direction at the last step, as it does in a
        minimum, and not on a saddle; looked at where a line stands still or is very steep, and
        true elsewhere.
    warning : str, optional
        What is wrong with a run that has ended without an error: that its loss is higher than at
        the start, that it has left for the flat tail of the loss, where the line is almost
        vertical, or that it stands on a saddle.  ``None`` if nothing is.
    """

    history: History
    minimum: Tensor | None = None
    warning: str | None = None

    @property
    def best(self) -> Step:
        """The step with the lowest loss; the first one where several are equal."""
        return self.history.at(self.history.loss.argmin(0))

    @property
    def last(self) -> Step:
        """The last step."""
        loss = self.history.loss
        return self.history.at(torch.full_like(loss[0], len(loss) - 1, dtype=torch.int64))

    @property
    def line(self) -> Line:
        """The line of the last step where the descent has converged, else of the best one.

        Near a minimum the losses of many steps are equal but for rounding, and the best of them
        is any of them; the last is the nearest.
        """
        at = torch.where(self.converged, self.last.step, self.best.step)
        return Line.from_slope_intercept(self.history.at(at).slope, self.history.at(at).intercept)

    @property
    def converged(self) -> Tensor:
        """Whether slope and intercept have stopped moving, and in a minimum.

        True where, over the last tenth of the steps, neither moved by more than a millionth of
        its way over the whole run, or by more than rounding, and where the loss curves upward in
        every direction.  A run that turns back or still creeps is not converged, and neither is
        one that stands on a saddle; one whose learning rate has decayed to nothing stands still,
        too.
        """
        return self.still if self.minimum is None else self.still & self.minimum

    @property
    def still(self) -> Tensor:
        """Whether slope and intercept have stopped moving, wherever that is."""
        ways = torch.stack((self.history.slope, self.history.intercept), dim=1)
        end = ways[-1 - max(1, len(ways) // 10) :]
        moved, whole = (part.amax(0) - part.amin(0) for part in (end, ways))
        rounding = len(end) * torch.finfo(ways.dtype).eps * ways[-1].abs().amax(0)
        still = (moved <= SETTLED * whole) | (moved <= rounding)
        return still.all(0) & (len(ways) > 1)


class DivergenceError(FloatingPointError):
    """Report the step and the learning rate at which a descent diverged.

    Parameters
    ----------
    message : str
        Step, learning rate and the bound that it broke.
    descent : Descent
        The steps before, so that nothing is lost.
    """

    def __init__(self, message: str, descent: Descent) -> None:
        super().__init__(message, descent)  # both, so that it can be pickled
        self.descent = descent

    def __str__(self) -> str:
        return str(self.args[0])
