"""The error that recorded graphs raise."""


class GraphError(ValueError):
    """Tell where a recorded graph differs from its tensors, or what it cannot record."""
