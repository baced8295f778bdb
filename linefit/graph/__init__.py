"""Record a running computation as a graph: its operations, values and gradients; and draw it.

>>> import torch
>>> from linefit import graph
>>> a = torch.tensor(2.0, requires_grad=True)
>>> with graph.record() as g:
...     loss = (a - 5) ** 2
>>> g.backward(loss)
>>> print(g)
a     leaf       AccumulateGrad  2   grad −6
%2    sub(a, 5)  SubBackward0    −3  grad −6
loss  pow(%2, 2)  PowBackward0    9   grad 1
"""

from linefit.graph.draw.html import side_by_side
from linefit.graph.errors import GraphError
from linefit.graph.graph import Graph, of_tape, record, set_display
from linefit.graph.nodes import Edge, Node, Output, Saved
from linefit.graph.recorder.recording import Recording
from linefit.graph.steps.steps import PassStep

__all__ = [
    "Edge",
    "Graph",
    "GraphError",
    "Node",
    "Output",
    "PassStep",
    "Recording",
    "Saved",
    "of_tape",
    "record",
    "set_display",
    "side_by_side",
]
