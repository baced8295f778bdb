"""Find the nodes of a graph by the names of variables, modules and scopes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from linefit.graph.nodes import Node

NUMBER = re.compile(r" \(\d+\)$")  # of the second and later calls in a scope


def without_number(label: str) -> str:
    """Return the label of a scope as the first one of that name has it.

    >>> without_number("step (3)")
    'step'
    """
    return NUMBER.sub("", label)


def plain(label: str) -> str:
    """Return the name in the label of a scope.

    >>> plain("net.0: Linear (2)"), plain("step (3)")
    ('net.0', 'step')
    """
    return without_number(label).partition(": ")[0]


def find(nodes: Sequence[Node], name: str) -> tuple[Node, ...]:
    """Return the nodes that a name stands for; see :meth:`Graph.__getitem__`."""
    if not isinstance(name, str):
        raise TypeError(
            f"nodes are found by the name of a variable, module or scope, got {name!r}; "
            "by their number they are in g.nodes"
        )
    for names_of in (_variables, _scopes, _scope_names):
        for inside in (_itself, _in_module):
            found = tuple(n for n in nodes if name in map(inside, names_of(n)))
            if found:
                return found
    known = dict.fromkeys(
        word for node in nodes for word in (*_variables(node), *_scope_names(node))
    )
    close = get_close_matches(name, known, n=3) or list(known)[:3]
    hint = f"; there is {', '.join(map(repr, close))}" if close else ""
    raise KeyError(f"no variable, module or scope of the graph is called {name!r}{hint}")


def _variables(node: Node) -> Iterator[str]:
    return (output.name for output in node.outputs if output.name)


def _scopes(node: Node) -> Iterable[str]:
    return node.scope


def _scope_names(node: Node) -> Iterator[str]:
    return map(plain, node.scope)


def _itself(name: str) -> str:
    return name


def _in_module(name: str) -> str | None:
    """Return a name as the outermost module knows it, without the variable of that module."""
    return name.partition(".")[2] or None
