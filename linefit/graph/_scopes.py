"""Follow which modules are running, so that a large graph can be drawn by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from torch import Tensor, nn
from torch.nn.modules import module as every_module
from torch.utils._pytree import tree_leaves

from linefit.graph._ledger import Ledger

Path = tuple[str, ...]


class _Running:
    """Enter a scope before each call of a module, and leave it after."""

    def __init__(self, ledger: Ledger, names: Mapping[int, tuple[str, nn.Module]]) -> None:
        self.ledger, self.names = ledger, names
        self.outer: list[tuple[nn.Module, Path]] = []
        self.thread = get_ident()

    def _is_elsewhere(self) -> bool:
        """Whether the call is another thread's: hooks on every module are called for all."""
        return get_ident() != self.thread

    def before(self, module: nn.Module, _args: Any) -> None:
        """Run before the module's ``forward``."""
        if self._is_elsewhere():
            return
        kind = type(module).__name__
        known = self.names.get(id(module))
        self.outer.append((module, self.ledger.switch.scope))
        enter(self.ledger, f"{known[0]}: {kind}" if known else kind)

    def after(self, module: nn.Module, _args: Any, result: Any) -> None:
        """Run after it, also when it has raised an error."""
        if self._is_elsewhere():
            return
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and self.ledger.unknown(tensor):
                self.ledger.node_of(tensor)  # a custom Function's, which belongs to this scope
        while self.outer:
            inner, path = self.outer.pop()
            if inner is module:
                self.ledger.switch.scope = path
                return


@contextmanager
def following_modules(ledger: Ledger, names: Mapping[int, tuple[str, nn.Module]]) -> Iterator[None]:
    """Give each node made in the body the calls of modules that were running."""
    running = _Running(ledger, names)
    before = every_module.register_module_forward_pre_hook(running.before)
    after = every_module.register_module_forward_hook(running.after, always_call=True)
    try:
        yield
    finally:
        before.remove()
        after.remove()
        ledger.switch.scope = ()


def enter(ledger: Ledger, label: str) -> None:
    """Add a call to the scope; the second of the same name there is marked as such."""
    path = (*ledger.switch.scope, label)
    ledger.calls[path] += 1
    count = ledger.calls[path]
    ledger.switch.scope = path if count == 1 else (*path[:-1], f"{label} ({count})")
