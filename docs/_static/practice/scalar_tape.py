"""The site's tape for single numbers, in plain Python: what the code exercises run on."""


class Var:
    """A number, the inputs that made it, and how it sends a gradient back to each of them."""

    def __init__(self, value, inputs=(), backward=None):
        self.value = value
        self.inputs = inputs
        self.backward_rule = backward
        self.grad = 0.0

    def __add__(self, other):
        return record(add, self, other)

    def __radd__(self, other):
        return record(add, other, self)

    def __sub__(self, other):
        return record(sub, self, other)

    def __rsub__(self, other):
        return record(sub, other, self)

    def __mul__(self, other):
        return record(mul, self, other)

    def __rmul__(self, other):
        return record(mul, other, self)


def add(x, y):
    """Return the sum, and the rule for its gradient."""
    return x + y, lambda g: (g, g)


def sub(x, y):
    """Return the difference, and the rule for its gradient."""
    return x - y, lambda g: (g, -g)


def mul(x, y):
    """Return the product, and the rule for its gradient."""
    return x * y, lambda g: (g * y, g * x)


def record(operation, *operands):
    """Run an operation on numbers or variables, and return its output as a variable."""
    inputs = [v if isinstance(v, Var) else Var(v) for v in operands]
    value, rule = operation(*[v.value for v in inputs])
    return Var(value, inputs, rule)


def backward(output):
    """Add the gradient of ``output`` to the ``grad`` of every variable that it depends on."""
    order = []
    seen = set()

    def visit(var):
        if id(var) not in seen:
            seen.add(id(var))
            for source in var.inputs:
                visit(source)
            order.append(var)

    visit(output)
    arriving = {id(output): 1.0}
    for var in reversed(order):
        g = arriving.get(id(var), 0.0)
        var.grad += g
        if var.backward_rule:
            for source, part in zip(var.inputs, var.backward_rule(g)):
                arriving[id(source)] = arriving.get(id(source), 0.0) + part


def nudged(f, x, h=1e-4):
    """Return the slope of ``f`` at ``x`` from two nudges, a central finite difference."""
    return (f(x + h) - f(x - h)) / (2 * h)
