"""The context manager in which torch is watched."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import FrameType
from typing import Any, Generic, TypeVar

import torch

from linefit.graph.errors import GraphError
from linefit.graph.recorder import names
from linefit.graph.recorder.calls import Calls
from linefit.graph.recorder.fastpath import keeping_fast_paths
from linefit.graph.recorder.ledger import Ledger
from linefit.graph.recorder.memory import collecting_rarely, release
from linefit.graph.recorder.scopes import following_modules, unused_parameters
from linefit.graph.recorder.trace import Trace

GraphType = TypeVar("GraphType")


class Recording(Generic[GraphType]):
    """Record what torch does inside ``with``; :func:`record` makes one."""

    def __init__(
        self,
        make_graph: Callable[[Trace], GraphType],
        frame: FrameType,
        given: Mapping[str, Any],
        *,
        max_elements: int,
    ) -> None:
        release()
        self._make_graph = make_graph
        self._frame: FrameType | None = frame
        self._given = {id(t): (name, t) for name, t in given.items()}
        self._before = names.in_frame(frame) | self._given  # keeps their identities taken
        self._ledger = Ledger(max_elements=max_elements)
        self._ledger.names = {key: name for key, (name, _) in self._before.items()}
        self._trace = Trace(self._ledger)
        self._graph: GraphType | None = None  # which the body need not keep
        self._modules = names.of_modules(frame)
        self._active = ExitStack()

    def __enter__(self) -> GraphType:
        if self._frame is None:
            raise GraphError("This recording is over: call record() for another one.")
        if "torch._dynamo" in sys.modules:  # else nothing is compiled
            self._active.enter_context(torch.compiler.set_stance("force_eager"))
        self._active.enter_context(collecting_rarely())
        self._active.enter_context(following_modules(self._ledger, self._modules))
        self._active.enter_context(keeping_fast_paths())
        self._active.enter_context(Calls(self._ledger))
        self._graph = self._make_graph(self._trace)
        return self._graph

    def __exit__(self, *error: object) -> None:
        self._active.close()
        found = names.in_frame(self._frame) if self._frame is not None else {}
        self._ledger.finish(found | self._given)
        self._trace.finish(unused_parameters(self._ledger, self._modules))
        self._frame = None
        self._graph = None
        self._before.clear()
        self._modules.clear()
        self._given.clear()
        self._ledger.names.clear()
