"""The recorder: names, values, gradients and constants, and that it leaves no trace."""

import gc
import random
import weakref

import pytest
import torch

from linefit import graph

EVERYWHERE = torch.tensor(1.0, requires_grad=True)


def leaf(*values):
    """Return a float64 leaf; a single number makes it 0-d."""
    data = values[0] if len(values) == 1 else values
    return torch.tensor(data, dtype=torch.float64, requires_grad=True)


def by_name(g):
    """Return the nodes that have a name."""
    return {node.name: node for node in g.nodes if node.name}


def by_op(g):
    """Return the last node of each operation."""
    return {node.op: node for node in g.nodes}


def loss_of(a, b):
    """Return the perpendicular loss at two points."""
    x, y = torch.tensor([1.0, 2.0]).double(), torch.tensor([4.0, 5.5]).double()
    return ((a * x - y + b) ** 2 / (a**2 + 1)).sum() / (2 * 2)


def test_operations_values_and_names():
    """Each operation has the name that the user wrote, its value and its variable."""
    x, y, z = leaf(1, 2, 3), leaf(2, 0.5, -1), torch.tensor([0.0, 1.0, 2.0])
    with graph.record() as g:
        c = (x * y + z).sum()
    assert [n.op for n in g.nodes] == ["leaf", "leaf", "mul", "constant", "add", "sum"]
    assert [n.name for n in g.nodes] == ["x", "y", None, "z", None, "c"]
    assert [n.kind for n in g.nodes if n.name == "z"] == ["constant"]
    assert g.nodes[2].value.tolist() == [2, 1, -3]
    assert g.nodes[2].backward_name == "MulBackward0"
    assert (g.nodes[2].shape, g.nodes[2].dtype) == ((3,), torch.float64)
    assert by_name(g)["z"].backward_name is None
    assert by_name(g)["c"].grad_fn is c.grad_fn


@pytest.mark.parametrize(
    "way", ["graph", "inside", "outside", "autograd.backward", "autograd.grad"]
)
def test_gradients_are_autograds(way):
    """However the backward pass is run, every leaf's gradient is torch's to the last bit."""
    a, b = leaf(2.0), leaf(1.0)
    expected = torch.autograd.grad(loss_of(a, b), (a, b))
    with graph.record() as g:
        loss = loss_of(a, b)
        if way == "inside":
            loss.backward()
        elif way == "autograd.backward":
            torch.autograd.backward(loss)
        elif way == "autograd.grad":
            torch.autograd.grad(loss, (a, b))
    if way == "graph":
        g.backward(loss)
    elif way == "outside":
        loss.backward()
    nodes = by_name(g)
    assert torch.equal(nodes["a"].grad, expected[0])
    assert torch.equal(nodes["b"].grad, expected[1])
    assert nodes["loss"].grad.item() == 1
    g.check()


def test_gradients_of_operations_are_autograds():
    """The gradient at an operation is the one that torch gives for its output."""
    a = leaf(2.0)
    with graph.record() as g:
        u = a * 3
        v = u**2 + u
        loss = v.sin()
    expected = torch.autograd.grad(loss, (a, u, v), retain_graph=True)
    with graph.record() as again:
        u = a * 3
        v = u**2 + u
        loss = v.sin()
    again.backward(loss)
    nodes = by_name(again)
    assert [nodes[n].grad.item() for n in "auv"] == [e.item() for e in expected]
    assert g.nodes[0].name == "a"


def test_parts_add_up_at_a_fan_out():
    """The gradients on the edges out of a tensor add up to the one at its node."""
    x = leaf(3.0)
    with graph.record() as g:
        y = x * x + x
    g.backward(y)
    parts = [e.grad.item() for e in g.edges if e.source.name == "x"]
    assert sorted(parts) == [1, 3, 3]
    assert by_name(g)["x"].grad.item() == 7


def test_many_parts_add_up_in_torchs_order():
    """With parts of very different sizes the sum is still torch's to the last bit."""
    torch.manual_seed(0)
    scale = 10.0 ** torch.randint(-8, 8, (40,)).double()
    x = leaf(0.3)
    with graph.record() as g:
        y = sum((x * s).sin() for s in scale)
    g.backward(y, retain_graph=True)
    g.backward(y)
    assert torch.equal(by_name(g)["x"].grad, x.grad)
    g.check()


def test_two_passes_accumulate():
    """A second pass through a retained graph adds to every gradient, as it does to ``.grad``."""
    x = leaf(3.0)
    with graph.record() as g:
        y = x**2
    g.backward(y, retain_graph=True)
    assert by_name(g)["x"].grad.item() == 6
    g.backward(y)
    assert by_name(g)["x"].grad.item() == x.grad.item() == 12
    assert by_name(g)["y"].grad.item() == 2
    g.check()


def test_what_earlier_passes_left_is_kept_apart():
    """The gradient through this graph and the tensor's ``.grad`` are two things."""
    x = leaf(3.0)
    (x * 5).backward()
    with graph.record() as g:
        y = x**2
    assert by_name(g)["x"].grad is None
    assert by_name(g)["x"].accumulated.item() == 5
    g.backward(y)
    assert by_name(g)["x"].grad.item() == 6
    assert by_name(g)["x"].accumulated.item() == 11
    assert ".grad 11" in str(g)


def test_another_graph_does_not_disturb():
    """A pass through another graph over the same leaf is not counted in this one."""
    x = leaf(3.0)
    with graph.record() as g:
        y = x**2
    (x * 100).backward()
    g.backward(y)
    assert by_name(g)["x"].grad.item() == 6


def test_numbers_are_constants():
    """Plain numbers among the operands are nodes, in the order in which they were written."""
    x = leaf(3.0)
    with graph.record() as g:
        y = 2 / (1 - x) ** 2
    numbers = [n for n in g.nodes if n.op == "number"]
    assert sorted(n.value.item() for n in numbers) == [1, 2, 2]
    assert all(n.kind == "constant" and n.dtype is None for n in numbers)
    assert "sub(1, x)" in str(g)
    assert y.item() == 0.5


def test_constants_are_drawn_without_gradient():
    """What needs no gradient is an input all the same, on an edge that brings nothing back."""
    x, k = leaf(1.0, 2.0), torch.tensor([3.0, 4.0])
    with graph.record() as g:
        shifted = k + 1
        y = (x * shifted).sum()
    g.backward(y)
    nodes = by_name(g)
    assert nodes["shifted"].op == "add"
    assert [nodes["k"].backward_name, nodes["shifted"].backward_name] == [None, None]
    assert [e.input for e in g.edges if e.source in (nodes["k"], nodes["shifted"])] == [None, None]
    assert nodes["shifted"].grad is None


def test_no_grad_and_detach_cut_the_graph():
    """Under no_grad, and after detach, operations are constants whatever goes in."""
    x = leaf(2.0)
    with graph.record() as g:
        with torch.no_grad():
            u = x * 3
        d = (x * 5).detach()
        y = x * u * d
    g.backward(y)
    nodes = by_name(g)
    assert [(nodes[n].op, nodes[n].kind) for n in "ud"] == [
        ("mul", "constant"),
        ("detach", "constant"),
    ]
    assert nodes["x"].grad.item() == x.grad.item() == 60


def test_constants_that_lead_nowhere_are_left_out():
    """Side calculations without a name are no part of the figure."""
    x, k = leaf(2.0), torch.tensor(1.0)
    with graph.record() as g:
        assert (k + 1).item() == 2
        y = x * 2
    assert [n.op for n in g.nodes] == ["leaf", "number", "mul"]
    assert y.requires_grad


def test_a_graph_of_constants_alone():
    """Where nothing requires a gradient, the operations are shown as constants."""
    p, q = torch.tensor(1.0), torch.tensor(2.0)
    with graph.record() as g:
        r = p + q
    assert [n.name for n in g.nodes] == ["p", "q", "r"]
    assert not r.requires_grad


def test_composite_operations_are_seen_through():
    """Operations that torch makes of one call have values, and constants go where they are used."""
    data, net = torch.ones(5, 3), torch.nn.Linear(3, 2)
    with graph.record() as g:
        out = net(data)
    inner, outer = (next(n for n in g.nodes if n.op == op) for op in ("t", "linear"))
    assert torch.equal(inner.value, net.weight.T)
    assert [e.source.name for e in g.edges if e.target is outer] == ["data", None, "net.bias"]
    assert outer.name == "out"
    assert out.shape == (5, 2)


def test_several_outputs_of_one_operation():
    """A node with several outputs keeps value, name and gradient of each."""
    x = leaf(1.0, 2.0)
    with graph.record() as g:
        m, n = x.unbind()
        y = m * n**2
    g.backward(y)
    (node,) = (node for node in g.nodes if node.op == "unbind")
    assert [o.name for o in node.outputs] == ["m", "n"]
    assert [o.value.item() for o in node.outputs] == [1, 2]
    assert [o.grad.item() for o in node.outputs] == [4, 4]
    assert {e.output for e in g.edges if e.source is node} == {0, 1}


def test_several_results():
    """A graph may have several ends, and each may be gone back from."""
    x = leaf(2.0)
    with graph.record() as g:
        shared = x**2
        y, z = shared * 3, shared.sin()
    g.backward(y, retain_graph=True)
    g.backward(z)
    assert by_name(g)["z"].grad.item() == 1
    assert torch.equal(by_name(g)["x"].grad, x.grad)


def test_in_place_operations_and_views():
    """After an in-place change the earlier node keeps the earlier value."""
    a = leaf(1.0, 2.0, 3.0)
    with graph.record() as g:
        b = a * 2
        c = b[0]
        c.mul_(3)
        b += 1
        total = b.sum()
    g.backward(total)
    values = {n.op: n.value.tolist() for n in g.nodes if n.kind == "operation"}
    assert values["mul"] == [2, 4, 6]
    assert values["mul_"] == [6, 4, 6]
    assert by_name(g)["b"].value.tolist() == [7, 5, 7]
    assert torch.equal(by_name(g)["a"].grad, a.grad)
    assert a.grad.tolist() == [6, 2, 2]
    g.check()


def test_a_constant_that_becomes_a_result():
    """Where a result is written into a constant, both are in the graph, each with its value."""
    a, buffer = leaf(2.0), torch.zeros(2, dtype=torch.float64)
    with graph.record() as g:
        buffer[0] = a * 3
        y = buffer.sum()
    g.backward(y)
    assert [n.value.tolist() for n in g.nodes if n.value.dim()] == [[0, 0], [6, 0]]
    assert [n.kind for n in g.nodes if n.value.dim()] == ["constant", "operation"]
    assert a.grad.item() == 3
    g.check()


class Scale(torch.autograd.Function):
    """Multiply by a constant."""

    @staticmethod
    def forward(ctx, x, k):
        """Return the product."""
        ctx.save_for_backward(k)
        return x.clone() * k

    @staticmethod
    def backward(ctx, grad):
        """Return the gradient for the first input."""
        return grad * ctx.saved_tensors[0], None


@pytest.mark.parametrize("last", [True, False])
def test_custom_functions(last):
    """A custom Function is one node with its own name, and its constants are drawn."""
    x, k = leaf(2.0), torch.tensor(5.0).double()
    with graph.record() as g:
        y = Scale.apply(x, k)
        if not last:
            y = y * 2
    g.backward(y)
    (node,) = (n for n in g.nodes if n.op == "Scale")
    assert node.backward_name == "ScaleBackward"
    assert node.value.item() == 10
    assert [e.source.name for e in g.edges if e.target is node] == ["x", "k"]
    assert torch.equal(by_name(g)["x"].grad, x.grad)


def test_double_backward():
    """Gradients made with create_graph are operations like any other."""
    x = leaf(3.0)
    with graph.record() as g:
        y = x**3
        (slope,) = torch.autograd.grad(y, x, create_graph=True)
        curve = slope * 2
    g.backward(curve)
    assert by_name(g)["slope"].value.item() == 27
    assert by_name(g)["slope"].op == "mul"
    assert by_name(g)["x"].grad.item() - 27 == x.grad.item() == 36


def test_names_come_from_the_caller_and_from_names():
    """Given names go before variables, variables before what contains them."""
    x, params, net = leaf(1.0), [leaf(2.0), leaf(3.0)], torch.nn.Linear(1, 1)
    table = {"k": leaf(4.0)}
    with graph.record(names={"slope": x}) as g:
        out = x * params[0] * params[1] * table["k"] + net.weight.sum() + net.bias.sum()
    names = {n.name for n in g.nodes if n.kind == "leaf"}
    assert names == {"slope", "params[0]", "params[1]", "table['k']", "net.weight", "net.bias"}
    assert by_name(g)["out"].value.item() == out.item()


def test_names_of_the_module_are_found():
    """A function's own variables go before those of its module."""
    with graph.record() as g:
        y = EVERYWHERE * 2
    assert by_name(g)["EVERYWHERE"].value.item() == 1
    assert y.item() == 2


def test_recording_leaves_no_trace():
    """Values, gradients and both random states are those of the same code without recording."""

    def run(record):
        torch.manual_seed(3)
        random.seed(3)
        net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(), torch.nn.Linear(4, 1))
        data = torch.randn(6, 4)
        if record:
            with graph.record() as g:
                loss = net(data).square().mean()
            g.backward(loss)
            g.to_svg()
        else:
            loss = net(data).square().mean()
            loss.backward()
        return [loss, *(p.grad for p in net.parameters()), torch.get_rng_state()], random.getstate()

    with_it, without = run(True), run(False)
    assert all(torch.equal(a, b) for a, b in zip(with_it[0], without[0], strict=True))
    assert with_it[1] == without[1]


def test_a_dropped_graph_holds_nothing():
    """When the graph goes, the tensors that only it held go at once, without a collection."""
    x = leaf(2.0)
    gc.disable()
    try:
        with graph.record() as g:
            middle = x * 2
            y = middle.sin()
        g.backward(y)
        g._repr_html_()
        references = [weakref.ref(t) for t in (middle, y, g.nodes[0].value)]
        del middle, y
        assert references[0]() is not None
        del g
        assert [r() for r in references] == [None, None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize("inside", [True, False])
def test_inference_mode_is_recorded(inside):
    """What runs in inference mode is constants, whether the recording is in it or around it."""
    a = leaf(2.0)
    with graph.record() if inside else torch.inference_mode() as first:
        with torch.inference_mode() if inside else graph.record() as second:
            b = torch.ones(1, requires_grad=True) * a
            c = b + 1
        d = a * 3
    assert c.is_inference()
    g = first if inside else second
    assert by_name(g)["c"].value.tolist() == [3]
    assert {by_name(g)[name].kind for name in "bc"} == {"constant"}
    g.check()
    assert d.requires_grad == inside


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")  # torch's own
@pytest.mark.parametrize("layout", ["sparse", "sparse_csr"])
def test_a_sparse_leaf_is_recorded(layout):
    """A leaf that is sparse is a leaf like any other, and saved with its indices."""
    s = getattr(torch.eye(3).double(), f"to_{layout}")().requires_grad_()
    w = leaf([[1.0], [2.0], [3.0]])
    with graph.record() as g:
        loss = (s @ w).sum()
    g.backward(loss)
    g.check()
    node = by_name(g)["s"]
    assert node.kind == "leaf"
    assert torch.equal(node.grad.to_dense(), s.grad.to_dense())
    assert "AccumulateGrad writes s.grad" in g.player()
    (saved,) = [kept for n in g.nodes for kept in n.saved if kept.source is node]
    assert saved.nbytes == 8 * (3 + {"sparse": 6, "sparse_csr": 4 + 3}[layout])


def test_a_subclass_of_tensor_has_its_leaf():
    """The node of a leaf is found although torch makes another tensor of each result."""
    x = torch.ones(2).as_subclass(type("Special", (torch.Tensor,), {})).requires_grad_()
    with graph.record() as g:
        y = (x * 2).sum()
    g.backward(y)
    g.check()
    assert [n.kind for n in g.nodes if n.name == "x"] == ["leaf"]
    assert by_name(g)["x"].grad.tolist() == [2, 2]


def test_a_gradient_that_ends_at_a_result_has_reached_it():
    """What ``autograd.grad`` returns for a result is its gradient, though its node does not run."""
    a, w = leaf(2.0), leaf(3.0)
    with graph.record() as g:
        b = a * w
        c = b.sin() * b
        (slope,) = torch.autograd.grad(c, b, retain_graph=True)
        assert torch.equal(g.nodes[2].grad, slope)
        c.backward(inputs=[w])
    assert torch.equal(by_name(g)["b"].grad, 2 * slope)
    assert torch.equal(by_name(g)["w"].grad, w.grad)


def test_a_recording_inside_another():
    """The outer recording has the operations of the inner body, and nothing of its recorder."""
    a = leaf(2.0)
    with graph.record() as outer:
        b = a * 2
        with graph.record() as inner:
            c = b * 3
        d = c * 4
    outer.backward(d)
    assert [n.name for n in outer.nodes if n.kind != "constant"] == ["a", "b", "c", "d"]
    assert by_name(inner)["c"].grad.item() == 4
    assert by_name(outer)["c"].grad.item() == 4


def test_reading_a_graph_changes_nothing():
    """Once the recording is over, nodes and edges are the same objects however often one looks."""
    a, k = leaf(2.0), torch.tensor(3.0).double()
    with graph.record() as g:
        during = g.nodes
        b = Scale.apply(a * 2, k)
    ledger = g._source.ledger
    before = (list(ledger.nodes), dict(ledger.by_fn), dict(ledger.by_tensor))
    operands = [list(node._operands) for node in ledger.nodes]
    nodes = g.nodes
    g.to_svg()
    g.backward(b)
    assert during == ()
    assert g.nodes is nodes
    assert g.edges is g.edges
    assert (ledger.nodes, ledger.by_fn, ledger.by_tensor) == before
    assert [list(node._operands) for node in ledger.nodes] == operands
    assert [node.index for node in nodes] == list(range(len(nodes)))


def test_a_graph_read_in_the_body_grows():
    """Looking while the recording runs shows what has run so far, custom Functions included."""
    a, k = leaf(2.0), torch.tensor(3.0).double()
    with graph.record() as g:
        b = a * 2
        first = g.nodes
        c = Scale.apply(b, k)
        second = g.nodes
        named = k + 1
        third = g.nodes  # in which it has no name yet
    assert len(third) == len(second)
    assert [node.op for node in first] == ["leaf", "number", "mul"]
    assert [node.op for node in second][-1] == "Scale"
    assert set(first) <= set(second) <= set(g.nodes)
    assert by_name(g)["named"].value.item() == named.item()
    assert c.requires_grad


def test_a_dropped_graph_leaves_its_leaves_alone():
    """Hooks on a leaf end with the graph that they were for."""
    x = leaf(2.0)
    node = torch.autograd.graph.get_gradient_edge(x).node
    with graph.record() as g:
        y = x * 2
    ledger = g._source.ledger
    g.backward(y)
    before, after = (handle.hooks_dict_ref() for handle in ledger.handles)
    assert len(before) == len(after) == 1
    del g
    assert len(before) == len(after) == 0
    assert node is not None


def test_locals_of_the_caller_are_untouched():
    """Looking for names changes no variable, not even in a mapping that the caller holds."""
    x = leaf(1.0)
    held = locals()  # since Python 3.13 a copy, made here
    with graph.record():
        y = x * 2
    assert held["x"] is x
    assert y.item() == 2


@pytest.mark.parametrize("flag", ["requires_grad", "gradient"])
def test_check_sees_what_has_changed(flag):
    """A flag or a gradient that differs without a counted change is an error with its name."""
    x = leaf(2.0)
    with graph.record() as g:
        y = x**2
    g.backward(y)
    g.check()
    if flag == "requires_grad":
        x.requires_grad_(False)
    else:
        x.grad.data += 1e-12
    with pytest.raises(graph.GraphError, match=r"of x was"):
        g.check()
    with pytest.raises(graph.GraphError):
        g._repr_html_()


def test_backward_from_elsewhere_is_refused():
    """Only an output of the recording can be gone back from."""
    x = leaf(2.0)
    with graph.record() as g:
        y = x**2
    with pytest.raises(graph.GraphError, match="not computed inside"):
        g.backward(x**3)
    assert y.item() == 4


def test_errors_of_the_body_pass_through():
    """An exception in the body ends the recording and is the caller's."""
    recording = graph.record()
    with pytest.raises(RuntimeError, match="size"), recording:
        torch.ones(2) + torch.ones(3)
    assert torch.overrides._get_current_function_mode() is None
    with pytest.raises(graph.GraphError, match="over"), recording:
        pass


def test_large_tensors_are_not_copied():
    """Beyond the limit only the shape is kept."""
    x = torch.ones(50, requires_grad=True)
    with graph.record(max_elements=10) as g:
        y = (x * 2).sum()
    assert [n.value is None for n in g.nodes if n.op != "number"] == [True, True, False]
    assert by_name(g)["x"].shape == (50,)
    g.backward(y)
    assert "grad" in g._repr_html_()


def test_saved_tensors_are_those_that_autograd_packs():
    """Each node has the tensors that its operation packed, and knows the nodes that made them."""
    packed = []

    def pack(tensor):
        packed.append((tuple(tensor.shape), tensor.nbytes))
        return tensor

    a, net = leaf(2.0), torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh()).double()
    x = torch.arange(6.0).double().reshape(2, 3)

    def run():
        return (net(x * a).exp().mean() / (a**2 + 1)).relu()

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        run()
    with graph.record() as g:
        run()
    saved = [s for node in g.nodes for s in node.saved]
    assert sorted((s.shape, s.nbytes) for s in saved) == sorted(packed)
    sources = {op: {s.name: s.source.op for s in node.saved} for op, node in by_op(g).items()}
    assert sources["mul"] == {"self": "constant"}
    assert sources["exp"] == {"result": "exp"}
    assert sources["div"] == {"self": "mean", "other": "add"}
    assert sources["relu"] == {"result": "relu"}
    assert {s.dtype for s in saved} == {torch.float64}


def test_saved_tensors_of_a_custom_function():
    """What ``save_for_backward`` kept is listed, also where nothing has used the result yet."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return 2 * x * grad

    a = leaf(3.0)
    with graph.record() as g:
        Square.apply(a)
    (saved,) = by_op(g)["Square"].saved
    assert (saved.name, saved.source.name, saved.nbytes) == ("saved[0]", "a", 8)


def test_hooks_on_saved_tensors_are_not_called_by_looking():
    """Under saved-tensor hooks nothing is unpacked, and a checkpoint computes as often as ever."""
    unpacked, a = [], leaf(2.0)

    def unpack(tensor):
        unpacked.append(tensor)
        return tensor

    def part(value):
        runs.append(value)
        return (value * value).exp()

    runs = []
    with graph.record() as g:
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, unpack):
            (a * a).exp()
        torch.utils.checkpoint.checkpoint(part, a, use_reentrant=False).sin()
    assert (unpacked, len(runs)) == ([], 1)
    assert {n.op: len(n.saved) for n in g.nodes if n.saved} == {"sin": 1}


def test_nodes_from_before_the_recording_are_not_looked_into():
    """An earlier node may have been freed by a backward pass, or have hooks: it lists nothing."""
    a = leaf(2.0)
    earlier = a.exp()
    with graph.record() as g:
        earlier.sin()
    assert {n.op: len(n.saved) for n in g.nodes} == {"leaf": 0, "exp": 0, "sin": 1}


def test_looking_at_saved_tensors_keeps_none_alive():
    """A graph that is dropped leaves nothing behind without the garbage collector's help."""
    a = leaf(2.0)
    gc.disable()
    try:
        with graph.record() as g:
            result = a.exp()
        alive = weakref.ref(result)
        value = weakref.ref(g.nodes[1])
        assert g.nodes[1].saved[0].source is g.nodes[1]
        del g, result
        assert (alive(), value()) == (None, None)
    finally:
        gc.enable()


def test_a_compiled_function_is_recorded_as_it_is_written():
    """Its operations run one by one in a recording, and compiled again after it."""
    compiled = torch.compile(lambda a: (a * 2).sin().sum(), backend="eager", fullgraph=True)
    a = leaf(1.0, 2.0)
    with graph.record() as g:
        compiled(a)
    assert [n.op for n in g.nodes if n.kind == "operation"] == ["mul", "sin", "sum"]
    torch._dynamo.utils.counters.clear()
    compiled(a)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
