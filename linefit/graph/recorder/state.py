"""What the parts of a recorder tell each other while torch runs."""

from __future__ import annotations


class State:
    """What is going on at this moment of a recording.

    Attributes
    ----------
    paused : bool
        Whether the recorder or the engine is at work, so that what torch does is not the user's.
    ticks : int
        How many backward nodes have run.
    scope : tuple of str
        The calls of modules that are running, the outermost first.
    """

    def __init__(self) -> None:
        self.paused = False
        self.ticks = 0
        self.scope: tuple[str, ...] = ()
