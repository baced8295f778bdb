r"""
Draw the computational graph of your own model
==============================================

**Question.** How do you visualize what autograd builds for your own model, and what does it keep?

**Answer.** Record one forward and one backward pass with :func:`linefit.graph.record`: you get
every operation with its value, its gradient and its saved tensors, as a figure, as text and as
data.
"""

# %%
# A model and a batch
# -------------------
#
# Any :class:`torch.nn.Module` will do.
# This one bends a line: it has a layer of three units, a rectifier, and a layer that adds them up.

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1))
x = torch.linspace(-1, 1, 4).reshape(4, 1)
y = x.abs()

# %%
# Record it
# ---------
#
# Wrap your code as it is; you change nothing in it.
# The names are those of your variables and of the model's parameters.

from linefit import graph

with graph.record() as g:
    loss = (model(x) - y).square().mean()
g.backward(loss)
g

# %%
# Step through it
# ---------------
#
# The same graph, one operation and then one backward node at a time.

g.player()

# %%
# Plot it with matplotlib
# -----------------------
#
# For a paper or a slide, plot the same graph into axes of your own.

import matplotlib.pyplot as plt

from linefit.plotting import plot_graph

# Alt: The graph of the model: weights and biases as hexagons, from which two linear layers, a
#      rectifier and the mean square lead down to the loss.
fig, ax = plt.subplots(figsize=(6, 6), layout="constrained")
plot_graph(ax, g)
plt.show()

# %%
# As text
# -------
#
# In a terminal, print it: a line for each node, inputs before their users.

print(g)

# %%
# Is it really PyTorch's graph?
# -----------------------------
#
# Walk ``next_functions`` yourself, as torchviz does, and compare: these are the same nodes, none
# missing and none invented.

seen, todo = set(), [loss.grad_fn]
while todo:
    node = todo.pop()
    if node is not None and node not in seen:
        seen.add(node)
        todo += [source for source, _ in node.next_functions]

drawn = {node.grad_fn for node in g.nodes if node.grad_fn is not None}
assert drawn == seen
print(f"{len(seen)} backward nodes, all of them drawn")

# %%
# What is kept for the backward pass
# ----------------------------------
#
# Each backward node lists the tensors that it saved.
# A value that several nodes keep exists only once, so count it once, by the node that made it.

kept = {
    (saved.source, saved.output): saved.nbytes
    for node in g.nodes
    for saved in node.saved
    if saved.source is not None
}
for (source, _), nbytes in kept.items():
    print(f"{source.name or source.op:<16} {nbytes:>4} bytes")
print(f"{'together':<16} {sum(kept.values()):>4} bytes")

# %%
# A large model
# -------------
#
# Above 60 nodes a figure has one box for each call of a module.
# Name a part of your own code with :meth:`linefit.graph.Graph.scope`, and it becomes such a box as
# well.

layer = nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
points = torch.randn(1, 5, 8)

with graph.record() as large:
    encoded = layer(points)
    with large.scope("how far from the input"):
        far = (encoded - points).square().sum(dim=-1).sqrt().mean()
large.backward(far)
large

# %%
# As data
# -------
#
# ``to_svg``, ``to_dot`` and ``to_json`` give the figure and the graph to other programs.

data = large.to_dict()
operations = [node for node in data["nodes"] if node["kind"] == "operation"]
assert len(data["nodes"]) == len(large.nodes) > 60
print(f"{len(operations)} operations and {len(data['edges'])} edges")
