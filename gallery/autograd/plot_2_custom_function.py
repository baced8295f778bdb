r"""
A function of your own, checked
===============================

**Question.** You write ``forward`` and ``backward`` yourself: how do you know that they match?

**Answer.** :func:`torch.autograd.gradcheck` compares your derivative with finite differences; it
finds a wrong one at once, but it cannot judge a kink.
"""

# %%
# A rectifier
# -----------
#
# This is the ReLU of the Stanford lecture cs231n in today's form: ``forward`` computes,
# ``setup_context`` keeps what ``backward`` will need, and ``backward`` multiplies the gradient that
# comes in by the derivative.
# Where x is negative, nothing passes.

import torch


class ReLU(torch.autograd.Function):
    """The positive part of x."""

    @staticmethod
    def forward(x):
        return x.clamp(min=0)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (x >= 0)


# %%
# Check it
# --------
#
# ``gradcheck`` moves each input a little up and down, and compares the slope it sees with what your
# ``backward`` says.
# It needs ``float64``: the rounding of ``float32`` would drown the difference.

from torch.autograd import gradcheck

x = torch.tensor([-2.0, -0.5, 0.5, 3.0], dtype=torch.float64, requires_grad=True)
assert gradcheck(ReLU.apply, x)
assert (ReLU.apply(x) == torch.relu(x)).all()

# %%
# A wrong backward
# ----------------
#
# Forget the mask, and the forward pass is still right.
# The message shows two matrices: what the inputs really do to the outputs, and what ``backward``
# claims.
# Compare their first two diagonal entries.


class Forgetful(ReLU):
    """A rectifier with the derivative of another function."""

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output


try:
    gradcheck(Forgetful.apply, x)
except RuntimeError as error:
    print(f"{type(error).__name__}: {error}")
else:
    raise AssertionError("gradcheck missed it")

# %%
# At the kink
# -----------
#
# At 0 the slope is 0 on the left and 1 on the right, so any number between them can stand for the
# derivative.
# Four ways to write the same function do not all agree.
# The mask above lets the gradient pass at 0; with ``x > 0``, as in :doc:`/learn/autograd-deeper`,
# it is stopped there, as ``torch.relu`` does.
# ``clamp`` itself has changed: up to PyTorch 2.13 it answered 1 at its bound, and since 2.14 it
# answers 0.

origin = torch.zeros(1, dtype=torch.float64, requires_grad=True)
ways = {
    "our ReLU": ReLU.apply,
    "torch.relu": torch.relu,
    "clamp": lambda t: t.clamp(min=0),
    "maximum": lambda t: torch.maximum(t, torch.zeros_like(t)),
}
at_zero = {name: torch.autograd.grad(f(origin), origin)[0].item() for name, f in ways.items()}
print("PyTorch", torch.__version__, at_zero)
at_bound = 0.0 if torch.__version__ >= (2, 14) else 1.0
assert at_zero == {"our ReLU": 1.0, "torch.relu": 0.0, "clamp": at_bound, "maximum": 0.5}

# %%
# ``gradcheck`` takes a step to both sides and sees the mean slope, 0.5.
# So it passes one of them and refuses the other three, although none is wrong: keep the points of a
# check away from kinks.

passed = [name for name, f in ways.items() if gradcheck(f, origin, raise_exception=False)]
print("passed at 0:", *passed)
assert passed == ["maximum"]

# %%
# The derivative jumps where the function has its corner, and each way puts its own dot there.

import matplotlib.pyplot as plt

t = torch.linspace(-1, 1, 200)
# Alt: The derivative of the rectifier is 0 on the left of zero and 1 on the right. At
#      zero there are dots of their own: 1 for our ReLU, 0.5 for maximum, 0 for torch.relu,
#      and for clamp 1 or 0, as the release has it.
fig, ax = plt.subplots(layout="constrained")
ax.plot(t, t.clamp(min=0), "--", color="0.5", label="the function")
ax.plot(t[t < 0], 0 * t[t < 0], color="C0", label="its derivative")
ax.plot(t[t > 0], t[t > 0] ** 0, color="C0")
for (name, value), marker in zip(at_zero.items(), "osx^", strict=True):
    size = 15 if marker == "o" else 8
    ax.plot(0, value, marker, markersize=size, fillstyle="none", label=f"{name}, at 0")
ax.set(xlabel="x", ylabel="value")
ax.legend()
plt.show()

# %%
# A loss in one operation
# -----------------------
#
# The perpendicular loss of a line is :math:`L = m_2 / (2 (a^2 + 1))`, where :math:`m_2` is the mean
# of the squared misses :math:`a x - y + b`.
# Differentiate it on paper and the whole loss becomes one function.


class PerpendicularLoss(torch.autograd.Function):
    """Half the mean squared distance of the points to the line y = a x + b."""

    @staticmethod
    def forward(a, b, x, y):
        return (a * x - y + b).square().mean() / (2 * (a * a + 1))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad):
        a, b, x, y = ctx.saved_tensors
        miss, q = a * x - y + b, a * a + 1
        grad_a = (miss * x).mean() / q - a * miss.square().mean() / q**2
        return grad * grad_a, grad * miss.mean() / q, None, None


# %%
# ``None`` says that the points get no gradient.
# The derivative agrees with the one that autograd finds by itself, and because ``backward`` is made
# of ordinary operations, so does the second derivative.

from torch.autograd import gradgradcheck

from linefit import noisy_line, perpendicular_loss

x, y, _ = noisy_line()
line = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (2.0, 1.0)]
by_hand = torch.autograd.grad(PerpendicularLoss.apply(*line, x, y), line)
by_autograd = torch.autograd.grad(perpendicular_loss(*line, x, y), line)
print("by hand    ", [f"{value:.12f}" for value in by_hand])
print("by autograd", [f"{value:.12f}" for value in by_autograd])
assert torch.allclose(torch.stack(by_hand), torch.stack(by_autograd), rtol=1e-12)
assert gradcheck(PerpendicularLoss.apply, (*line, x, y))
assert gradgradcheck(PerpendicularLoss.apply, (*line, x, y))

# %%
# Two graphs of one loss
# ----------------------
#
# What autograd recorded as single operations is now one node, beside its four inputs.
# Having fewer nodes is not the point: you write a ``backward`` where autograd has none, or where
# yours is more accurate or keeps less in memory.

from linefit import graph
from linefit.plotting import plot_graph

names = {"a": line[0], "b": line[1], "x": x, "y": y}
# Alt: Two recorded graphs. Left the loss in single operations, right the same loss as
#      one operation of a, b, x and y.
fig, axes = plt.subplots(1, 2, figsize=(9, 7.5), width_ratios=(5, 4), layout="constrained")
for ax, loss in zip(axes, (perpendicular_loss, PerpendicularLoss.apply), strict=True):
    line[0].grad = line[1].grad = None
    with graph.record(names=names) as g:
        result = loss(*line, x, y)
    g.backward(result)
    plot_graph(ax, g)
    ax.set(title=f"{len(g.nodes)} nodes")
plt.show()
assert len(g.nodes) == 5

# %%
# What to notice
# --------------
#
# * ``gradcheck`` tests ``backward`` against your ``forward``.
#   Whether the forward pass computes the right thing is for another test.
# * At a kink the library has to choose, and training rarely meets exactly 0.
# * Save tensors with ``save_for_backward``, not as attributes of ``ctx``, so that PyTorch notices
#   when one is changed in place before ``backward``.
#
# Read on in :doc:`/learn/autograd`, or look up :class:`torch.autograd.Function` and
# :func:`linefit.perpendicular_loss`.
