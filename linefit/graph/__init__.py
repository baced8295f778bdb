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

from linefit.graph._graph import Graph
from linefit.graph._layout import Box, Layout, Route
from linefit.graph._lines import Line
from linefit.graph._nodes import Edge, Node, Saved
from linefit.graph._output import GraphError, Output
from linefit.graph._page import side_by_side
from linefit.graph._record import Recording, record
from linefit.graph._steps import Step
from linefit.graph._tape import of_tape

__all__ = [
    "Box",
    "Edge",
    "Graph",
    "GraphError",
    "Layout",
    "Line",
    "Node",
    "Output",
    "Recording",
    "Route",
    "Saved",
    "Step",
    "of_tape",
    "record",
    "side_by_side",
]
