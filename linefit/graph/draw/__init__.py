"""Draw: the nodes and edges of a graph as a figure, in SVG and HTML."""
