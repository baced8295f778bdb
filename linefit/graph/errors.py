"""The exception that recorded graphs raise."""


class GraphError(ValueError):
    """A recorded graph differs from its tensors, or something could not be recorded."""
