"""Follow which modules are running, so that a large graph can be drawn by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from torch import nn
from torch.nn.modules import module as every_module

from linefit.graph.recorder.ledger import Ledger


class _ModuleHooks:
    """Enter a scope before each call of a module, and leave it after."""

    def __init__(self, ledger: Ledger, names: Mapping[int, tuple[str, nn.Module]]) -> None:
        self.ledger = ledger
        self.names = names
        self.running: list[tuple[nn.Module, tuple[str, ...]]] = []  # with the scope around each
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
        self.running.append((module, self.ledger.state.scope))
        enter(self.ledger, f"{known[0]}: {kind}" if known else kind)

    def after(self, module: nn.Module, _args: Any, result: Any) -> None:
        """Run after the module's ``forward``, even when it raises."""
        if self._is_elsewhere():
            return
        self.ledger.take_in(result)  # a custom Function's result belongs to this scope
        while self.running:
            inner, outer = self.running.pop()
            if inner is module:
                self.ledger.state.scope = outer
                return


@contextmanager
def following_modules(ledger: Ledger, names: Mapping[int, tuple[str, nn.Module]]) -> Iterator[None]:
    """Give each node made in the body the calls of modules that were running."""
    hooks = _ModuleHooks(ledger, names)
    before = every_module.register_module_forward_pre_hook(hooks.before)
    after = every_module.register_module_forward_hook(hooks.after, always_call=True)
    try:
        yield
    finally:
        before.remove()
        after.remove()
        ledger.state.scope = ()


def enter(ledger: Ledger, label: str) -> None:
    """Append a call to the scope; the second of the same name there is numbered."""
    path = (*ledger.state.scope, label)
    ledger.calls[path] += 1
    count = ledger.calls[path]
    ledger.state.scope = path if count == 1 else (*path[:-1], f"{label} ({count})")


def unused_parameters(
    ledger: Ledger, modules: Mapping[int, tuple[str, nn.Module]]
) -> list[tuple[str, tuple[int, ...]]]:
    """Return name and shape of the parameters of modules that ran which no operation has used."""
    called = {label for path in ledger.calls for label in path}
    found: dict[int, tuple[str, tuple[int, ...]]] = {}
    for name, module in modules.values():
        if f"{name}: {type(module).__name__}" in called:
            for part, parameter in module.named_parameters(prefix=name):
                if parameter.requires_grad and id(parameter) not in ledger.by_tensor:
                    found.setdefault(id(parameter), (part, tuple(parameter.shape)))
    return list(found.values())
