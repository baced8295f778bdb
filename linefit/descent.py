"""Gradient descent as an explicit loop, with everything it did kept for looking at."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from linefit._check import check_pair, finite, is_float, lines, points, records_graphs
from linefit._judge import judged
from linefit._numbers import ArrayLike, values
from linefit.line import Line
from linefit.loss import perpendicular_loss

__all__ = ["Descent", "DivergenceError", "History", "Step", "descend"]

Loss: TypeAlias = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
Schedule: TypeAlias = LRScheduler | ReduceLROnPlateau

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


@records_graphs
def descend(
    x: ArrayLike,
    y: ArrayLike,
    *,
    lr: float,
    steps: int,
    start: tuple[ArrayLike, ArrayLike] = (0.0, 0.0),
    loss: Loss = perpendicular_loss,
    optimizer: Callable[..., Optimizer] | None = None,
    scheduler: Callable[[Optimizer], LRScheduler] | None = None,
    clear_grad: bool = True,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Descent:
    r"""Fit lines by gradient descent on slope a and intercept b, gradients by autograd.

    .. math:: (a, b) \leftarrow (a, b) - \eta \, \nabla L(a, b)

    with the learning rate η.  Each step computes the loss, which builds the graph; calls
    ``backward``, which walks it and frees what it has saved; updates under ``no_grad``; and clears
    the gradients.

    Parameters
    ----------
    x, y : array-like of shape (..., n)
        The points; leading axes are independent lines.
    lr : float
        Learning rate η > 0, in (unit of parameter)² / (unit of loss).
    steps : int
        Number of steps, at least 1.
    start : pair of array-like of shape (...)
        First slope and intercept.
    loss : callable
        Takes (slope, intercept, x, y) and returns a Tensor of shape (...).
    optimizer : callable, optional
        Called as ``optimizer([slope, intercept], lr=lr)``, for example ``torch.optim.Adam`` or
        ``functools.partial(torch.optim.SGD, momentum=0.9)``.  The default is the plain update.
    scheduler : callable, optional
        Called with the optimizer, for example
        ``functools.partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.99)``.
    clear_grad : bool
        False leaves gradients to accumulate from step to step, the classic mistake.
    dtype : torch.dtype, optional
        Of parameters and points; the default is the points' own.
    device : torch.device or str, optional
        Where to compute; the default is where the points are.

    Returns
    -------
    Descent
        History, best and last step; a run that ends higher than it began, or far out where the
        loss is flat, carries a ``warning``.

    Raises
    ------
    ValueError, TypeError
        If points, start, learning rate or number of steps make no sense.
    DivergenceError
        At the first loss that is not finite.

    Examples
    --------
    >>> run = descend([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], lr=0.5, steps=500)
    >>> run.line
    Line(slope=2, intercept=1, angle=1.10715)
    """
    lr, steps = _settings(lr, steps, dtype)
    _check_functions(loss, optimizer, scheduler)
    x, y = (t.detach() for t in points(x, y, dtype=dtype, device=device))
    slope, intercept = _parameters(start, x)
    step_optimizer = _optimizer([slope, intercept], lr, optimizer, scheduler, clear_grad)
    seen = torch.empty(steps, 3, *slope.shape, dtype=slope.dtype, device=slope.device)
    for step in range(steps):
        value = loss(slope, intercept, x, y)  # records the graph
        total = _total(value, slope)
        total.backward()  # walks the graph, fills .grad and frees what was saved
        if step == 0:
            _check_reached(slope, intercept)
        if not math.isfinite(total.item()) and not value.isfinite().all():
            seen = seen[:step]
            raise _divergence(value, seen, lr, _largest_curvature(seen, loss, x, y))
        with torch.no_grad():  # neither the record nor the update is part of any graph
            torch.stack((value, slope, intercept), out=seen[step])
            if step_optimizer is None:
                slope -= lr * slope.grad  # type: ignore[operator]
                intercept -= lr * intercept.grad  # type: ignore[operator]
        if step_optimizer is not None:
            lr = step_optimizer(total, partial(loss, slope, intercept, x, y))
        if clear_grad:
            slope.grad = intercept.grad = None
    return judged(_descent(seen), loss, x, y)


def _settings(lr: Any, steps: Any, dtype: Any) -> tuple[float, int]:
    try:
        rate = float(lr)
        count = operator.index(steps)
    except (TypeError, ValueError, RuntimeError) as error:
        message = (
            f"lr must be a number and steps a whole number, but they are {lr!r} and {steps!r}."
        )
        raise TypeError(message) from error
    if not 0 < rate < math.inf:
        raise ValueError(f"lr, the learning rate, must be positive and finite, but it is {lr}.")
    if count < 1:
        raise ValueError(f"steps must be at least 1, but it is {steps}.")
    if dtype is not None and not is_float(dtype):
        raise TypeError(f"dtype must be one of torch's real floating-point types, not {dtype!r}.")
    return rate, count


def _check_functions(loss: Any, optimizer: Any, scheduler: Any) -> None:
    examples = {
        "loss": "linefit.vertical_loss",
        "optimizer": "torch.optim.Adam or functools.partial(torch.optim.SGD, momentum=0.9)",
        "scheduler": "functools.partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.99)",
    }
    for (name, example), given in zip(examples.items(), (loss, optimizer, scheduler), strict=True):
        if not callable(given) and (given is not None or name == "loss"):
            raise TypeError(f"{name} must be a function, such as {example}, not {given!r}.")


def _parameters(start: Any, x: Tensor) -> list[Tensor]:
    """Return slope and intercept as leaves, one of each for every line of ``x``."""
    check_pair(start, "start", "slope and intercept")
    leaves = []
    for part, name in zip(start, ("start slope", "start intercept"), strict=True):
        value = values(part, name).detach().to(x)
        finite(value, name)
        if value.dim() and value.shape != x.shape[:-1]:
            expected = tuple(x.shape[:-1])
            got = tuple(value.shape)
            raise ValueError(f"The {name} must have shape {expected} or (), not {got}.")
        leaves.append(value.expand(x.shape[:-1]).clone().requires_grad_())
    return leaves


def _optimizer(
    parameters: list[Tensor],
    lr: float,
    optimizer: Callable[..., Optimizer] | None,
    scheduler: Callable[[Optimizer], Schedule] | None,
    clear_grad: bool,
) -> Callable[[Tensor, Callable[[], Tensor]], float] | None:
    """Return a function that takes one step and tells the next learning rate, if one is needed."""
    if optimizer is None and scheduler is None:
        return None
    make: Any = optimizer or torch.optim.SGD
    opt: Optimizer = make(parameters, lr=lr)
    closure = inspect.signature(opt.step).parameters["closure"]
    repeats = closure.default is inspect.Parameter.empty  # L-BFGS looks several times a step
    if repeats and not clear_grad:
        raise ValueError(f"clear_grad=False has no meaning for {type(opt).__name__}.")
    schedule = scheduler(opt) if scheduler else None

    def step(value: Tensor, evaluate: Callable[[], Tensor]) -> float:
        def closure() -> float:
            opt.zero_grad()
            total = evaluate().sum()
            total.backward()
            return total.item()

        opt.step(*([closure] if repeats else []))
        if isinstance(schedule, ReduceLROnPlateau):
            schedule.step(value.detach())
        elif schedule is not None:
            schedule.step()
        return float(opt.param_groups[0]["lr"])

    return step


def _total(value: Any, slope: Tensor) -> Tensor:
    """Return the sum over all lines of what a loss returned, or say what is wrong with it."""
    if not isinstance(value, Tensor) or value.shape != slope.shape:
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(
            f"The loss must return a Tensor with one number per line, shape {tuple(slope.shape)}, "
            f"not {got}."
        )
    if not value.requires_grad:
        raise ValueError("The loss does not depend on slope and intercept: it has no graph.")
    total: Tensor = value if value.dim() == 0 else value.sum()
    return total


def _check_reached(slope: Tensor, intercept: Tensor) -> None:
    for parameter, name in ((slope, "slope"), (intercept, "intercept")):
        if parameter.grad is None:
            raise ValueError(f"The loss does not depend on the {name}: no gradient reached it.")


def _descent(seen: Tensor) -> Descent:
    return Descent(History(*seen.unbind(1)))


def _divergence(value: Tensor, seen: Tensor, lr: float, curvature: Tensor | None) -> Exception:
    value = value.detach()
    bad = ~value.isfinite()
    where = f"at step {len(seen)} with learning rate {lr:g}{lines(bad)}"
    if not len(seen):
        return ValueError(f"The loss is not finite at the start, {where}: start elsewhere.")
    bound = (
        ""
        if curvature is None
        else (
            f" Plain gradient descent is stable only below 2/λmax = {2 / curvature:g}; λmax = "
            f"{curvature:g} is the largest curvature of the loss at the best step so far."
        )
    )
    return DivergenceError(
        f"The loss became {value[bad][0].item()} {where}.{bound} "
        "Use a smaller learning rate, or center and scale the points.",
        _descent(seen),
    )


def _largest_curvature(seen: Tensor, loss: Loss, x: Tensor, y: Tensor) -> Tensor | None:
    """Return the largest eigenvalue of the Hessian at the best step, if there is one to tell."""
    if not len(seen) or x.dim() > 1:
        return None
    best = _descent(seen).best
    try:
        matrix = torch.autograd.functional.hessian(
            lambda p: loss(p[0], p[1], x, y), torch.stack((best.slope, best.intercept))
        )
    except RuntimeError:  # a custom function that cannot be differentiated twice
        return None
    largest = torch.linalg.eigvalsh(matrix.nan_to_num()).max()
    return largest if largest > 0 else None
