"""Leave the fast paths of transformers to torch: a recording is no reason to avoid them.

In evaluation an encoder may compute all of a layer in one operation, and leave out what a mask
hides.  It does not where a torch function is overridden, and asks for that by a function which
counts a recording as well.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from linefit.graph.recorder.calls import Calls

ASKING = {"torch.nn.modules.activation", "torch.nn.modules.transformer"}
_asked = torch.overrides.has_torch_function  # torch's own
_lock = threading.Lock()
_running: list[object] = []  # recordings, of all threads


def _is_overridden(args: Any) -> bool:
    """Whether torch functions are overridden for some tensors, by anything but recordings."""
    if sys._getframe(1).f_globals.get("__name__") not in ASKING:
        return _asked(args)
    with ExitStack() as without:
        while isinstance(torch.overrides._get_current_function_mode(), Calls):
            without.enter_context(torch.overrides._pop_mode_temporarily())
        return _asked(args)


@contextmanager
def keeping_fast_paths() -> Iterator[None]:
    """Let torch's modules decide in the body as if nothing was recorded."""
    key = object()
    with _lock:
        _running.append(key)
        torch.overrides.has_torch_function = _is_overridden
    try:
        yield
    finally:
        with _lock:
            _running.remove(key)
            if not _running:
                torch.overrides.has_torch_function = _asked
