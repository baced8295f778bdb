"""The ledger of a recording: which node made which tensor, and what each node uses."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from linefit.graph.nodes import PLAIN, Node, Output, OutputRef, function_of, version_of
from linefit.graph.recorder import memory
from linefit.graph.recorder.hooks import GradientHook
from linefit.graph.recorder.kinds import rule_of
from linefit.graph.recorder.saved import SavedTensors
from linefit.graph.recorder.state import State
from linefit.graph.recorder.traverse import new_functions

TOUCHED = -1  # no version that a tensor can have
CHANGED = "changed"  # the operation behind a change that autograd has not recorded
transform = torch._C._functorch.peek_interpreter_stack  # the torch.func transform at work, or None


class Ledger:
    """The nodes recorded so far, each after its inputs, and the tensors that they made.

    No node refers to the ledger, nor does a hook: dropping it drops every tensor at once.
    """

    def __init__(self, *, max_elements: int) -> None:
        self.nodes: list[Node] = []
        self.by_fn: dict[Any, Node] = {}
        self.by_tensor: dict[int, OutputRef] = {}  # by identity; the outputs keep the tensors
        self.merged: dict[Any, OutputRef] = {}  # backward nodes that are part of another's box
        self.leaves: dict[Any, GradientHook] = {}  # the hooks on them
        self.owners: dict[int, Tensor] = {}  # of what ``tensor.data`` has returned, by identity
        self.views: list[
            tuple[weakref.ref[Tensor], Output]
        ] = []  # through which bases were changed
        self.handles: list[Any] = []  # of hooks that have to be removed
        self.cuts: list[Any] = []  # backward nodes at which a deep graph is cut into pieces
        self.state = State()
        self.max_elements = max_elements
        self.names: dict[int, str] = {}  # of tensors, by identity
        self.saved = SavedTensors()
        self.calls: Counter[tuple[str, ...]] = Counter()  # of each module in each scope

    def node_of(self, tensor: Tensor) -> OutputRef:
        """Return the output that a tensor is; record its node if it is new or was changed."""
        known = self.by_tensor.get(id(tensor))
        fn = function_of(tensor)
        if known is not None:
            node, number = known
            output = node.outputs[number]
            if fn is not None:
                same = node._fn is fn
            else:
                same = output.requires_grad == tensor.requires_grad
            if same and output._version == version_of(tensor):  # as nearly always
                return known
            if same:
                if output._version == TOUCHED and output.is_value_of(tensor):
                    output._version = version_of(tensor)
                    return known
                return self._changed(node, number, tensor)
        if fn is None:
            return self._leaf(tensor) or self.constant(tensor)
        if known is not None and known[0].op == CHANGED and fn not in self.by_fn:
            self._take_back(known[0])
        source = (self.merged and self.merged.get(fn)) or (self.discover(fn), tensor.output_nr)
        if known is not None and known[0]._fn is None:  # made by a custom Function's forward
            inputs = [s for s in _inputs_behind(known[0]) if s not in source[0]._untracked]
            self.attach(source[0], inputs)
        return self.pair(*source, tensor)

    def _leaf(self, tensor: Tensor) -> OutputRef | None:
        """Return the output of a leaf; None if autograd does not track the tensor.

        A view that was made without gradients says of itself that it requires one, if its base
        does, but no operation on it is recorded.
        """
        if not tensor.requires_grad or tensor.is_inference():
            return None
        fn = _accumulator(tensor)
        if fn is None:
            return None
        node = self.discover(fn)
        output = node.outputs[0]
        if output._tensor is None and output.dtype is not None:  # it was a constant for a while
            if not output.is_current(tensor):
                return self._changed(node, 0, tensor)
            output._tensor = tensor
        return self.pair(node, 0, tensor)

    def constant(self, tensor: Tensor, op: str = "constant") -> OutputRef:
        """Record a tensor that autograd does not track."""
        node = Node(op, None, (Output(requires_grad=tensor.requires_grad, is_leaf=True),))
        self._append(node)
        return self.pair(node, 0, tensor)

    def _changed(self, earlier: Node, number: int, tensor: Tensor) -> OutputRef:
        """Record the next version of a tensor that was changed without an operation of autograd's.

        The nodes that used it keep the earlier one, and those that follow use the new one.
        """
        before = earlier.outputs[number]
        output = Output(requires_grad=before.requires_grad, is_leaf=before.is_leaf)
        output.name = before.name
        outputs = list(earlier.outputs)
        outputs[number] = output
        made = earlier.op in {"leaf", "constant"}
        node = Node(earlier.op if made else CHANGED, earlier._fn, tuple(outputs))
        node._before = earlier
        self._append(node)
        if not made:
            node._sources = ((earlier, number),) if node._fn is not None else ()
            self.attach(node, [(earlier, number)])
        if node._fn is not None:
            self.by_fn[node._fn] = node
            if node._fn in self.leaves:
                self.leaves[node._fn].reference = weakref.ref(node)
        return self.pair(node, number, tensor)

    def _take_back(self, changed: Node) -> None:
        """Drop the latest version of a tensor if autograd has recorded its change after all.

        It does when a custom Function that has changed its input returns.
        """
        later = self.nodes[self.nodes.index(changed) + 1 :]
        used = {ref[0] for node in later for ref in (*node._sources, *node._untracked) if ref}
        if changed not in used and changed._before is not None:
            self.nodes.remove(changed)
            self.by_fn[changed._fn] = changed._before

    def pair(self, node: Node, number: int, tensor: Tensor) -> OutputRef:
        """Pair a tensor with the output of a node that it is; an in-place change ends the old pair.

        A view whose history torch has rewritten is given a new node, like any other result.
        """
        output = node.outputs[number]
        key = id(tensor)
        if output._tensor is None and output._copy is None:
            output.capture(tensor, max_elements=self.max_elements)
            if key in self.names and output.name is None:
                output.name = self.names[key]
        found = (node, number)
        if output._tensor is tensor:  # else nothing keeps its identity from being used again
            earlier = self.by_tensor.get(key)
            if earlier is not None and earlier[0] is not node:
                earlier[0].outputs[earlier[1]]._tensor = None
            self.by_tensor[key] = found
        return found

    def discover(self, start: Any) -> Node:
        """Return the node of a ``grad_fn``; record it and every new one behind it."""
        node = self.by_fn.get(start)
        if node is not None:
            return node
        for fn in new_functions(start, self.by_fn):
            node = self._add(fn)
        return self.by_fn[start] if node is None else node

    def _add(self, fn: Any) -> Node:
        kind: Any = type(fn)
        rule = rule_of(kind)
        if rule.op == "copy_slices":  # what it has changed was seen before it was
            changed = self.by_fn.get(fn.next_functions[0][0])
            if changed is not None and changed.op == CHANGED:
                self._take_back(changed)
        variable = fn.variable if rule.is_leaf else None
        outputs: tuple[Output, ...] = (Output(requires_grad=True, is_leaf=rule.is_leaf),)
        if not rule.has_one:
            rest = _metadata(fn)[1:]
            outputs += tuple([Output(requires_grad=True, is_leaf=False) for _ in rest])
        node = Node(rule.op, fn, outputs)
        node._sources = self._sources(node, fn.next_functions)
        self._append(node)
        self.by_fn[fn] = node
        hook = GradientHook(node, self.state)
        handle = fn.register_hook(hook.after)
        if variable is not None:
            self.leaves[fn] = hook
            self.pair(node, 0, variable)
            # What a leaf accumulates it may do in other graphs too
            self.handles += [handle, fn.register_prehook(hook.before)]
        else:
            node.saved = self.saved.of(fn, node, rule, self._maker)
        return node

    def _append(self, node: Node) -> None:
        state = self.state
        node.scope = state.scope
        node._tick = state.ticks
        self.nodes.append(node)

    def _maker(self, node: Node, tensor: Tensor) -> tuple[Node | None, int]:
        """Return the output that is the tensor which ``node`` has saved, if that is known."""
        known = self.by_tensor.get(id(tensor))
        if known is not None and known[0].outputs[known[1]]._tensor is tensor:
            return known
        fn = function_of(tensor)
        if fn is node._fn:
            return node, tensor.output_nr
        return self.merged.get(fn) or (self.by_fn.get(fn), tensor.output_nr)

    def _sources(self, node: Node, functions: Iterable[Any]) -> list[OutputRef | None]:
        """Return the outputs behind a node's ``next_functions``, as they are now."""
        found: list[OutputRef | None] = []
        depth = 0
        source: OutputRef | None
        for fn, number in functions:
            if fn is None:
                found.append(None)
                continue
            source = (self.merged and self.merged.get(fn)) or (self.by_fn[fn], number)
            found.append(source)
            depth = max(depth, source[0]._depth + 1)
        node._depth = depth
        if depth % memory.PIECE == 0 or len(found) > 1:  # else all are of the same piece
            for source in found:
                if source is not None and memory.crosses_pieces(depth, source[0]._depth):
                    self.cuts.append(source[0]._fn)
        return found

    def merge(self, fn: Any, tensor: Tensor, first: int) -> OutputRef | None:
        """Let a node that only gives a result its class be one with the node that computed it.

        Torch wraps what it computes for a subclass of Tensor in an alias, and such a class may
        unwrap the operands in aliases, too.  Returns the output that the result then is, or None
        if its backward node is no such alias: behind one is a node that the same call has made,
        so after the ``first`` ones.
        """
        if not _is_alias(fn) or type(tensor) in PLAIN:
            return None
        ((behind, number),) = fn.next_functions
        if behind is None or type(behind).__name__ == "AccumulateGrad":
            return None
        known = self.by_fn.get(behind)
        if known is not None and known not in self.nodes[first:]:
            return None
        for inner in new_functions(behind, self.by_fn) if known is None else ():
            if inner is not behind and _is_alias(inner):
                self._merge_into_source(inner)
            else:
                self._add(inner)
        node = self.by_fn[behind]
        self._merge_into_source(fn)
        return self.pair(node, number, tensor)

    def _merge_into_source(self, alias: Any) -> None:
        """Let a backward node be one with the node behind it."""
        ((fn, number),) = alias.next_functions
        source = self.merged.get(fn) or (self.by_fn[fn], number)
        self.merged[alias] = source
        self.by_fn[alias] = source[0]

    def is_leaf(self, tensor: Tensor) -> bool:
        """Whether a tensor that requires gradients and has no ``grad_fn`` is a leaf of autograd."""
        return tensor._base is None or tensor.is_inference() or _accumulator(tensor) is not None

    def touch(self, tensor: Tensor) -> None:
        """Note that a tensor was changed in a way that torch does not count as a version."""
        known = self.by_tensor.get(id(tensor))
        if known is not None:
            known[0].outputs[known[1]]._version = TOUCHED

    def touch_with_views(self, changed: Iterable[Tensor]) -> None:
        """Note the same of several tensors and of all views of them."""
        bases = {id(tensor) for tensor in changed}
        for node, number in self.by_tensor.values():
            output = node.outputs[number]
            tensor = output._tensor
            if tensor is not None and (id(tensor) in bases or id(tensor._base) in bases):
                output._version = TOUCHED

    def touch_buffers(self, sources: Iterable[OutputRef]) -> None:
        """Note that an operation may have changed the constants among its operands."""
        for node, number in sources:
            if node._fn is None:
                node.outputs[number]._version = TOUCHED

    def touch_owner(self, tensor: Tensor) -> None:
        """Note that a tensor was changed through its ``data``, if this is one."""
        if id(tensor) in self.owners:
            self.touch(self.owners[id(tensor)])

    def attach_view(self, node: Node, view: OutputRef, base: Node) -> None:
        """Note that a node changes its base through a view, which autograd itself forgets.

        The view's box stays what it was: torch gives the view another history when it is asked for
        one, so only its next use asks.
        """
        node._base = base
        if node._fn is not None and view[0]._fn is not None:
            node._untracked = (*node._untracked, view)
        output = view[0].outputs[view[1]]
        if output._tensor is not None:
            self.views.append((weakref.ref(output._tensor), output))
            del self.by_tensor[id(output._tensor)]
            output._tensor = None

    def is_unknown(self, tensor: Tensor) -> bool:
        """Whether a tensor has a ``grad_fn`` that is not recorded."""
        fn = function_of(tensor)
        return fn is not None and fn not in self.by_fn

    def attach(self, node: Node, sources: Iterable[OutputRef]) -> None:
        """Add the inputs of a node that autograd does not see; for a constant those are all."""
        tracked = node._fn is not None
        for source in sources:
            if (source[0]._fn is None or not tracked) and source[0] is not node:
                node._untracked = (*node._untracked, source)

    def take_in(self, values: Any) -> None:
        """Record the tensors among the values that something has made unseen, and keep errors."""
        if transform() is not None:
            return
        with self._working("the module's result", values):
            for tensor in tree_leaves(values):
                if isinstance(tensor, Tensor) and self.is_unknown(tensor):
                    self.node_of(tensor)

    def finish(self, names: Mapping[int, tuple[str, Tensor]]) -> None:
        """Record what is still unseen, and name the outputs after the variables that hold them.

        Torch announces no call of a custom Function, and the operations within a transform are on
        tensors of the moment; but their results may be in the caller's variables.
        """
        self.catch_up()
        held = [tensor for _, tensor in names.values()]
        with self._working("the end", held):
            for tensor in held:
                known = id(tensor) in self.by_tensor or id(tensor._base) in self.by_tensor
                fn = None if known else function_of(tensor)
                if fn is not None and fn not in self.by_fn and self.saved.is_new(fn):
                    self.node_of(tensor)
            self._name_outputs(names)
            for fn in self.leaves:
                self.by_fn[fn].outputs[0].reread_grad()  # the body may have clipped or cleared it

    def _name_outputs(self, names: Mapping[int, tuple[str, Tensor]]) -> None:
        """Name the outputs after the variables that hold their tensors, earlier versions too.

        A view that was changed has its name where it was used last.
        """
        for view, output in self.views:
            if (key := id(view())) in names and key not in self.by_tensor:
                output.name = output.name or names[key][0]
        for key, (name, tensor) in names.items():
            if key not in self.by_tensor:
                continue
            node, number = self.by_tensor[key]
            is_old_view = not node.outputs[number].is_current(tensor) and tensor._base is not None
            if not is_old_view:  # to ask for its history would rewrite it
                node, number = self.node_of(tensor)
            node.outputs[number].name = name
            while node._before is not None:
                node = node._before
                node.outputs[number].name = node.outputs[number].name or name

    def catch_up(self) -> None:
        """Record the calls of custom Functions that have returned: torch announces none of them.

        Their results were constants inside ``forward`` and have received their ``grad_fn`` since.
        """
        with self._working("custom Functions", ()):
            for node, number in list(self.by_tensor.values()):
                tensor = node.outputs[number]._tensor
                if node._fn is None and tensor is not None and function_of(tensor) is not None:
                    self.node_of(tensor)

    @contextmanager
    def _working(self, name: str, values: Any) -> Iterator[None]:
        """Let what torch does in the body be no part of a recording, and keep errors for later."""
        state = self.state
        was_paused = state.paused
        state.paused = True
        try:
            with torch._C.DisableTorchFunction():
                yield
        except Exception as error:
            state.fail(name, values, error)
        finally:
            state.paused = was_paused

    def close(self) -> None:
        """Drop everything, the latest nodes first."""
        for handle in self.handles:
            handle.remove()
        self.state.copies.clear()
        self.by_tensor.clear()
        self.merged.clear()
        self.leaves.clear()
        self.owners.clear()
        memory.keep(self.cuts)
        self.cuts.clear()
        while self.by_fn:
            self.by_fn.popitem()
        while self.nodes:
            self.nodes.pop()
        memory.release()


def _accumulator(leaf: Tensor) -> Any:
    """Return the backward node of a leaf, in any mode and with any layout; None if it has none."""
    alone = torch._C.DisableTorchFunction()  # a subclass of Tensor would add its own node
    with alone, torch.inference_mode(mode=False), torch.enable_grad():
        plain = leaf.layout == torch.strided and not leaf.is_nested
        fn = (leaf.view_as(leaf) if plain else leaf.clone()).grad_fn
        return fn.next_functions[0][0] if fn is not None else None


def _is_alias(fn: Any) -> bool:
    return type(fn).__name__ == "AliasBackward0"


def _inputs_behind(constant: Node) -> list[OutputRef]:
    """Return the constants from which a constant that a Function's forward made was computed."""
    found = []
    stack = [constant]
    seen = {constant}
    while stack:
        for source, number in stack.pop()._untracked:
            if source in seen or source._fn is not None:
                continue
            seen.add(source)
            if source._untracked:
                stack.append(source)
            else:
                found.append((source, number))
    return found


def describe_unseen(node: Node) -> None:
    """Take the shapes of results that were never seen as tensors from the ``grad_fn``."""
    unseen = [i for i, output in enumerate(node.outputs) if output.dtype is None]
    metadata = _metadata(node._fn) if unseen else ()
    for i in unseen:
        if metadata[i] is not None:
            node.outputs[i].describe(metadata[i])


def _metadata(fn: Any) -> tuple[Any, ...]:
    return getattr(fn, "_input_metadata", ()) or (None,)
