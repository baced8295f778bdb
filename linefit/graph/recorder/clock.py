"""Measure how long torch's calls and the engine's nodes take, without the recorder's own work."""

from __future__ import annotations

from collections import defaultdict
from time import perf_counter

Scope = tuple[str, ...]


class Clock:
    """The seconds that the calls and the backward nodes of each scope have taken so far.

    The engine does not say when it begins a node, so a node takes the time since the one before it.
    """

    def __init__(self) -> None:
        self.forward: defaultdict[Scope, float] = defaultdict(float)
        self.backward: defaultdict[Scope, float] = defaultdict(float)
        self._last: float | None = None
        self._task: int | None = None

    def begin_pass(self) -> None:
        """Note that a backward pass is about to begin: only then is its first node timed."""
        self._task = None
        self._last = perf_counter()

    def stop(self, scope: Scope, task: int) -> None:
        """Note that a backward node has run, as the first thing that its hook does."""
        now = perf_counter()
        if self._last is not None and self._task in {None, task}:
            self.backward[scope] += now - self._last
        self._task = task

    def go_on(self) -> None:
        """Note that a hook is done, so that the engine goes on."""
        self._last = perf_counter()

    def seconds(self) -> dict[Scope, tuple[float, float]]:
        """Return the forward and backward seconds of each scope, without those of scopes in it."""
        scopes = {**self.forward, **self.backward}
        return {s: (self.forward.get(s, 0.0), self.backward.get(s, 0.0)) for s in scopes}
