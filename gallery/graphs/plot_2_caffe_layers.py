r"""
Layers as in Caffe
==================

**Question.** Caffe had no autograd, so how did it train a network?

**Answer.** Each layer comes with a ``forward`` and a ``backward`` written by hand, and a net calls
them in order and in reverse: the numbers are those of PyTorch.
"""

# %%
# One layer
# ---------
#
# A layer turns its inputs, the *bottoms*, into an output, the *top*.
# Its ``backward`` gets the gradient of the top, which Caffe calls a *diff*, and returns one diff
# for each bottom.

import numpy as np

from linefit.tape import Multiply, ReLU

x, y = np.array([1.0, -2.0, 3.0]), np.array([4.0, 5.0, -6.0])
top_diff = np.array([1.0, 1.0, 10.0])
print("product     ", Multiply.forward(x, y), *Multiply.backward(top_diff, x, y))
print("rectifier   ", ReLU.forward(x), *ReLU.backward(top_diff, x))
assert (Multiply.backward(top_diff, x, y)[0] == top_diff * y).all()
assert (ReLU.backward(top_diff, x)[0] == [1, 0, 10]).all()

# %%
# A net
# -----
#
# A net is written before any data exist: a list of layers, each with the names of its bottoms and
# of its top.
# This one has two inner products with a rectifier between them, and the mean squared miss as its
# loss.

from linefit.tape import InnerProduct, Mean, Net, Subtract

net = Net(
    (InnerProduct, "data w1 b1", "hidden"),
    (ReLU, "hidden", "active"),
    (InnerProduct, "active w2 b2", "output"),
    (Subtract, "output target", "miss"),
    (Multiply, "miss miss", "square"),
    (Mean, "square", "loss"),
)

# %%
# Data and weights
# ----------------
#
# The net is to learn the absolute value from eight points.
# The weights are multiples of a quarter, so that sums are exact and can be compared with ``==``.

rng = np.random.default_rng(8)
data = np.array([[-4.0], [-3.0], [-2.0], [-1.0], [1.0], [2.0], [3.0], [4.0]])
target = np.abs(data)
weights = {
    "w1": rng.integers(-4, 5, size=(4, 1)) / 4,
    "b1": rng.integers(-4, 5, size=4) / 4,
    "w2": rng.integers(-4, 5, size=(1, 4)) / 4,
    "b2": np.zeros(1),
}

# %%
# Forward and backward
# --------------------
#
# ``forward`` fills a *blob* for each name, and ``backward`` returns the diff of each.

loss = net.forward(data=data, target=target, **weights)
diffs = net.backward()
print(f"loss {loss}")
for name in weights:
    print(f"diff of {name}: {diffs[name].round(3).tolist()}")

# %%
# Each blob holds data and diff
# -----------------------------
#
# Caffe's blob is a pair of arrays of one shape, as a tensor and its ``grad`` are today.
# Purple is positive and orange negative, with a separate scale for each array.
# Look at the rectifier: where ``hidden`` is not positive, nothing is active and no diff comes back.

import matplotlib.pyplot as plt

assert (diffs["hidden"][net.blobs["active"].value == 0] == 0).all()
names = ["hidden", "active", "output", "miss", "square"]
# Alt: Five blobs from hidden to square with eight rows each, their data above and
#      their diffs below; the diff of hidden is zero wherever the data of active are.
shape = {"width_ratios": (4, 4, 1, 1, 1), "sharey": True, "layout": "constrained"}
fig, axes = plt.subplots(2, 5, figsize=(6.4, 5), **shape)
for (above, below), name in zip(axes.T, names, strict=True):
    for ax, array in ((above, net.blobs[name].value), (below, diffs[name])):
        most = np.abs(array).max()
        ax.imshow(array, cmap="PuOr", vmin=-most, vmax=most, aspect="auto")
        ax.set(xticks=[])
    above.set(title=name)
axes[0, 0].set(ylabel="data, one row per point")
axes[1, 0].set(ylabel="diff, one row per point")
plt.show()

# %%
# The same in PyTorch
# -------------------
#
# Here you write no ``backward``, and every number is the same to the last digit.

import torch

params = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
inputs, wanted = torch.tensor(data), torch.tensor(target)
hidden = inputs @ params["w1"].T + params["b1"]
output = hidden.relu() @ params["w2"].T + params["b2"]
torch_loss = (output - wanted).square().mean()
torch_loss.backward()
assert torch_loss.item() == loss
for name, param in params.items():
    assert (param.grad.numpy() == diffs[name]).all()
print("loss and diffs are equal")

# %%
# Train it
# --------
#
# Forward, backward, a small step against the diffs, and again: that was training in Caffe.

first_weights = weights
losses = []
for _ in range(600):
    losses.append(float(net.forward(data=data, target=target, **weights)))
    diffs = net.backward()
    weights = {name: value - 0.05 * diffs[name] for name, value in weights.items()}
print(f"loss {losses[0]:.3f} at first, {losses[-1]:.1e} after 600 steps")
assert losses[-1] < 1e-6

# %%
# Some hidden numbers are active on the left and others on the right; together they make the two
# arms.
# The net has learned the points, not the function: between −1 and 1 it saw none, and its
# corner there is blunt.

line = np.linspace(-5, 5, 201)[:, None]
net.forward(data=line, target=line, **weights)
learned = net.blobs["output"].value
print(f"output at 0: {learned[100, 0]:.2f}")
assert learned[100, 0] > 0.1
net.forward(data=line, target=line, **first_weights)
# Alt: The output of the net against its input: a crooked curve before training, and
#      after it a V through all eight points, blunt between the middle two.
fig, ax = plt.subplots(layout="constrained")
ax.plot(line, net.blobs["output"].value, "--", color="0.5", label="before training")
ax.plot(line, learned, label="after 600 steps")
ax.plot(data, target, "o", color="C1", label="the eight points")
ax.set(xlabel="input", ylabel="output")
ax.legend()
plt.show()

# %%
# What to notice
# --------------
#
# * Two functions make a layer, and a list of layers makes a net: no part of it is magic.
# * The list is a *static* graph: it is there before the data, and each run does the same.
#   PyTorch records its graph while your code runs; :doc:`plot_3_changing_graph` shows what that
#   allows.
# * A new layer in Caffe meant a new ``backward``.
#   With autograd you write one only where you want your own, as in
#   :doc:`/auto_gallery/autograd/plot_2_custom_function`.
#
# Read on in :doc:`/learn/graphs`, or look up :class:`linefit.tape.Net` and
# :class:`linefit.tape.Layer`.
