"""Reverse mode by hand in NumPy: layers, a tape that records them as they run, and nets of layers.

>>> tape = Tape()
>>> x, y = tape.variable([1, 2], "x"), tape.variable([3, 4], "y")
>>> tape.backward((x * y).sum())
>>> x.grad
array([3., 4.])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Layer(NamedTuple):
    """An operation: ``forward(*bottom)`` gives its top, ``backward(diff, *bottom)`` its diffs."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., tuple[Any, ...]]


Add = Layer("add", lambda x, y: x + y, lambda g, _x, _y: (g, g))
Subtract = Layer("sub", lambda x, y: x - y, lambda g, _x, _y: (g, -g))
Multiply = Layer("mul", lambda x, y: x * y, lambda g, x, y: (g * y, g * x))
Divide = Layer("div", lambda x, y: x / y, lambda g, x, y: (g / y, -g * (x / y / y)))
Negate = Layer("neg", lambda x: -x, lambda g, _x: (-g,))
ReLU = Layer("relu", lambda x: np.maximum(x, 0.0), lambda g, x: (np.where(x > 0.0, g, 0.0),))
Sum = Layer("sum", np.sum, lambda g, x: (np.full(x.shape, g),))
Mean = Layer("mean", np.mean, lambda g, x: (np.full(x.shape, g / x.size),))
InnerProduct = Layer(  # x (n, inputs), weight w (outputs, inputs), bias b (outputs,)
    "inner", lambda x, w, b: x @ w.T + b, lambda g, x, w, _b: (g @ w, g.T @ x, g.sum(axis=0))
)


def power(n: float) -> Layer:
    """Return the layer that raises its input to the constant power n."""
    return Layer(f"pow[{n}]", lambda x: x**n, lambda g, x: (g * n * x ** (n - 1) if n else 0 * g,))


def _array(value: ArrayLike) -> Array:
    if (array := np.asarray(value)).dtype.kind not in "biuf":
        raise TypeError(f"expected real numbers, got {type(value).__name__} of {array.dtype}")
    return array.astype(np.float64)


def unbroadcast(grad: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which broadcasting repeated an input."""
    new = grad.ndim - len(shape)
    repeated = (*range(new), *(new + axis for axis, size in enumerate(shape) if size == 1))
    return np.asarray(grad.sum(axis=repeated)).reshape(shape)


def _method(layer: Layer, step: int = 1) -> Callable[..., Var]:
    return lambda *operands: operands[0].tape.record(layer, *operands[::step])


@dataclass(eq=False, repr=False)
class Var:
    """One line of a tape: a value, the layer and the inputs that made it, and its gradient."""

    tape: Tape
    name: str
    layer: Layer
    inputs: tuple[Var, ...]
    value: Array
    requires_grad: bool
    grad: Array | None = None
    __array_ufunc__ = None  # lets ndarray + Var reach Var.__radd__

    __add__ = _method(Add)
    __radd__ = _method(Add, -1)
    __sub__ = _method(Subtract)
    __rsub__ = _method(Subtract, -1)
    __mul__ = _method(Multiply)
    __rmul__ = _method(Multiply, -1)
    __truediv__ = _method(Divide)
    __rtruediv__ = _method(Divide, -1)
    __neg__ = _method(Negate)
    sum = _method(Sum)
    mean = _method(Mean)
    relu = _method(ReLU)

    def __pow__(self, n: float) -> Var:
        return self.tape.record(power(n), self)

    def __repr__(self) -> str:
        call = f"{self.name} = {self.layer.name}({', '.join(v.name for v in self.inputs)})"
        return f"{call:<22} {self.value.shape or f'{self.value}  grad {self.grad}'}"


class Tape:
    """A Wengert list: ``nodes`` holds the variables, constants and operations in order."""

    def __init__(self) -> None:
        self.nodes: list[Var] = []

    def variable(self, value: ArrayLike, name: str = "", requires_grad: bool = True) -> Var:
        """Add a leaf to the tape: a variable, or a constant if it requires no gradient."""
        kind = "variable" if requires_grad else "constant"
        return self.record(Layer(kind, lambda: value, lambda _: ()), name=name)

    def record(self, layer: Layer, *operands: Var | ArrayLike, name: str = "") -> Var:
        """Run a layer on variables or constants, record it, and return its output."""
        inputs = tuple(v if isinstance(v, Var) else self.variable(v, "", False) for v in operands)
        if any(v.tape is not self for v in inputs):
            raise ValueError(f"{layer.name} got a variable of another tape: pass its .value")
        value = _array(layer.forward(*(v.value for v in inputs)))
        needs = layer.name == "variable" or any(v.requires_grad for v in inputs)
        self.nodes.append(Var(self, name or f"v{len(self.nodes)}", layer, inputs, value, needs))
        return self.nodes[-1]

    def backward(self, output: Var) -> None:
        """Walk the list in reverse and add the gradient of ``output`` to every ``grad``."""
        if output.tape is not self or not output.requires_grad:
            raise ValueError(f"{output.name} does not depend on a variable of this tape")
        if output.value.size != 1:
            raise ValueError(f"backward starts from one number, got shape {output.value.shape}")
        grads = {output: np.ones_like(output.value)}
        for node in reversed(self.nodes):
            if node.requires_grad and node in grads:
                node.grad = _array(grads[node] + (0.0 if node.grad is None else node.grad))
                diffs = node.layer.backward(grads[node], *(v.value for v in node.inputs))
                for source, diff in zip(node.inputs, diffs, strict=True):
                    grads[source] = grads.get(source, 0.0) + unbroadcast(diff, source.value.shape)

    def __str__(self) -> str:
        return "\n".join(f"{i:<3}{node}" for i, node in enumerate(self.nodes))


class Net:
    """Layers chained beforehand, each as (layer, names of its bottoms, name of its top)."""

    def __init__(self, *steps: tuple[Layer, str, str]) -> None:
        self.steps = steps

    def forward(self, **data: ArrayLike) -> Array:
        """Run the layers in order on the named blobs and return the last top."""
        self.tape = Tape()
        self.blobs = {name: self.tape.variable(value, name) for name, value in data.items()}
        for layer, bottoms, top in self.steps:
            inputs = [self.blobs[name] for name in bottoms.split()]
            self.blobs[top] = self.tape.record(layer, *inputs, name=top)
        return self.tape.nodes[-1].value

    def backward(self) -> dict[str, Array | None]:
        """Return the gradient of the last top with respect to every blob."""
        self.tape.backward(self.tape.nodes[-1])
        return {name: blob.grad for name, blob in self.blobs.items()}
