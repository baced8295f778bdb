"""Programs like real ones: recorded, each does what it does alone, and is shown as it was."""

import random
import warnings

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint

from linefit import graph

PROGRAMS = {}
NESTED = "ignore:The PyTorch API of nested tensors is in prototype stage"  # torch's own
HOOKED = "ignore:Full backward hook is firing when gradients are computed"  # likewise


def program(function):
    """Put a program on the list."""
    PROGRAMS[function.__name__] = function
    return function


def leaf(*values):
    """Return a float64 leaf; a single number makes it 0-d."""
    data = values[0] if len(values) == 1 else values
    return torch.tensor(data, dtype=torch.float64, requires_grad=True)


def by_name(g):
    """Return the last node of each name."""
    return {node.name: node for node in g.nodes if node.name}


def words(g, *phases):
    """Return what the steps of some phases say."""
    return [step.words for step in g.steps() if step.phase in phases]


def walk(result):
    """Return the names of the backward nodes behind a result, in a fixed order."""
    found, stack, seen = [], [result.grad_fn], set()
    while stack:
        fn = stack.pop()
        if fn is not None and fn not in seen:
            seen.add(fn)
            found.append(type(fn).__name__)
            stack += [source for source, _ in fn.next_functions]
    return found


class Special(torch.Tensor):
    """A tensor of a class of one's own."""


class Cube(torch.autograd.Function):
    """The third power, with a warning."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        warnings.warn("a cube goes back", UserWarning, stacklevel=1)
        return 3 * ctx.saved_tensors[0] ** 2 * grad


def train(model, optimizer, data, loss=torch.square, steps=3):
    """Return losses, parameters and buffers of a few training steps."""
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(model(data)).mean()
        value.backward()
        optimizer.step()
        losses.append(value)
    return [losses, list(model.parameters()), list(model.buffers())]


def mlp():
    """Return a small network."""
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))


@program
def sgd_with_momentum():
    """Train with momentum and weight decay."""
    net = mlp()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    return train(net, optimizer, torch.randn(5, 4))


@program
def adam_one_by_one():
    """Train with Adam, one parameter after the other."""
    net = mlp()
    return train(net, torch.optim.Adam(net.parameters(), foreach=False), torch.randn(5, 4))


@program
def adam_foreach():
    """Train with Adam, all parameters in one call, and a scheduler."""
    net = mlp()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1, foreach=True)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    return [train(net, optimizer, torch.randn(5, 4)), scheduler.step()]


@program
def lbfgs():
    """Train with an optimizer that calls back."""
    net, data = nn.Linear(4, 1), torch.randn(6, 4)
    optimizer = torch.optim.LBFGS(net.parameters(), line_search_fn="strong_wolfe", max_iter=4)

    def closure():
        optimizer.zero_grad()
        loss = net(data).square().mean()
        loss.backward()
        return loss

    return [optimizer.step(closure), list(net.parameters())]


@program
def updates_under_no_grad():
    """Update by hand, in place, and clear the gradient in two ways."""
    w = torch.ones(3, requires_grad=True)
    for step in range(3):
        (w**2).sum().backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
        if step % 2:
            w.grad.zero_()
        else:
            w.grad = None
    return [w, w.grad]


@program
def updates_through_data():
    """Update the numbers behind a leaf, and exchange them."""
    w = torch.ones(3, requires_grad=True)
    (w**2).sum().backward()
    w.data -= 0.1 * w.grad
    loss = (w**2).sum()
    w.data = torch.zeros(3)
    return [loss, w, (w + 1).exp()]


@program
def views_of_a_leaf_under_no_grad():
    """Scale a row of a weight, and multiply by its transpose."""
    net = nn.Linear(3, 2)
    with torch.no_grad():
        net.weight[0] *= 2
        back = net.weight.t() @ torch.ones(2)
    return [net(torch.ones(3)), back, net.weight]


@program
def spectral_norm_old():
    """Normalize a weight by hooks on the module."""
    net = nn.utils.spectral_norm(nn.Linear(3, 2))
    return train(net, torch.optim.SGD(net.parameters(), lr=0.1), torch.ones(4, 3))


@program
def spectral_norm_parametrized():
    """Normalize a weight by a parametrization, in training and in evaluation."""
    net = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2))
    trained = train(net, torch.optim.SGD(net.parameters(), lr=0.1), torch.ones(4, 3))
    with torch.no_grad():
        return [trained, net.eval()(torch.ones(4, 3))]


@program
def hooks_on_tensors():
    """Change gradients by hooks on tensors, nodes and leaves."""
    a = torch.ones(3, requires_grad=True)
    a.register_hook(lambda grad: grad * 2)
    a.register_post_accumulate_grad_hook(lambda tensor: setattr(tensor, "grad", tensor.grad / 2))
    h = a * 3
    h.register_hook(lambda grad: grad * 10)
    h.retain_grad()
    h.grad_fn.register_prehook(lambda grads: (grads[0] + 1,))
    h.sum().backward()
    return [a, a.grad, h.grad]


@program
def hooks_on_modules():
    """Change outputs and gradients by hooks on modules."""
    net = mlp()
    net[0].register_forward_hook(lambda module, args, out: out * 2)
    net[1].register_full_backward_hook(lambda module, gi, go: tuple(g * 10 for g in gi))
    net[3].register_full_backward_pre_hook(lambda module, go: tuple(g * 10 for g in go))
    return train(net, torch.optim.SGD(net.parameters(), lr=0.1), torch.ones(4, 4))


@program
def checkpoints():
    """Compute parts of the forward pass twice, dropout included."""
    net, x = mlp(), torch.randn(5, 4, requires_grad=True)
    for reentrant in (False, True):
        checkpoint(net, x, use_reentrant=reentrant).sum().backward()
    return [x.grad, [p.grad for p in net.parameters()]]


@program
def vmap_grad_and_jacobian():
    """Use the transforms of torch.func, one inside the other, and what they return."""
    a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    slope = torch.func.grad(lambda v: (v**3).sum())(a)
    rows = torch.func.vmap(lambda v: v * a.sum())(a)
    hessian = torch.func.hessian(lambda v: (v**3).sum())(a.detach())
    jacobian = torch.func.jacrev(torch.sin)(a)
    (slope.sum() + rows.sum() + jacobian.sum()).backward()
    return [slope, rows, hessian, jacobian, a.grad]


@program
def per_sample_gradients():
    """Compute a gradient for each example through a functional call of a module."""
    net, data = nn.Linear(3, 1), torch.randn(4, 3)
    params = dict(net.named_parameters())

    def loss(params, x):
        return torch.func.functional_call(net, params, (x,)).square().sum()

    return torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(params, data)


@program
def batched_gradients():
    """Ask for several gradients at once, by hand and as a Jacobian."""
    a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = a * a.sum()
    rows = torch.autograd.grad(y, a, torch.eye(3), is_grads_batched=True)
    whole = torch.autograd.functional.jacobian(lambda v: v**2, a, vectorize=True)
    return [rows, whole, torch.autograd.functional.hessian(lambda v: (v**3).sum(), a)]


@program
def forward_mode():
    """Carry a tangent along."""
    import torch.autograd.forward_ad as fwad

    with fwad.dual_level():
        x = fwad.make_dual(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
        return list(fwad.unpack_dual(x.sin() * x))


@program
def nested_strided():
    """Pad a nested tensor."""
    parts = [torch.ones(2), torch.ones(3)]
    n = torch.nested.nested_tensor(parts, requires_grad=True)
    padded = torch.nested.to_padded_tensor(n * 2, 0.0)
    padded.sum().backward()
    return [padded, list(n.grad.unbind())]


@program
def nested_jagged():
    """Use a nested tensor in rows of different lengths."""
    parts = [torch.ones(2, 3), torch.ones(3, 3)]
    n = torch.nested.nested_tensor(parts, layout=torch.jagged, requires_grad=True)
    out = nn.Linear(3, 2)(n).sin()
    out.values().sum().backward()
    return [out.values(), n.grad.values()]


@program
def fake_tensors():
    """Follow shapes without numbers."""
    with FakeTensorMode():
        x = torch.ones(3, requires_grad=True)
        y = nn.Linear(3, 2)(x).sin()
        y.sum().backward()
        return [tuple(y.shape), tuple(x.grad.shape), walk(y)]


@program
def control_flow():
    """Use an if and a loop that are operations."""
    from torch._higher_order_ops.while_loop import while_loop

    a = torch.ones(3)
    branch = torch.cond(a.sum() > 0, torch.sin, torch.cos, (a,))
    count = torch.tensor(0)
    return [branch, while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (count, a))]


@program
def in_place_on_views():
    """Write through views of results and of constants."""
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    b = a * 3
    b[0].mul_(2)
    b.t()[1] += a[0]
    b.view(-1)[1:3].mul_(3)
    k = torch.zeros(2)
    k[1:].add_(1)
    b.detach().mul_(1.5)
    loss = (b.sin() * k).sum()
    loss.backward()
    return [b, k, loss, a.grad]


@program
def custom_functions():
    """Warn in the backward pass of a Function, and differentiate twice."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (slope,) = torch.autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
    slope.sum().backward()
    return [slope, x.grad]


class Doubled(torch.autograd.Function):
    """Twice a tensor, in place."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


@program
def a_custom_function_that_changes_a_view():
    """Let torch set the hooks of a view while it holds the view's lock."""
    a = torch.ones(3, requires_grad=True)
    b = a * 1
    Doubled.apply(b[:2])
    b.sum().backward()
    return [a, b]


@program
def lazy_modules():
    """Make modules that learn their shape from the first input, inside and before a call."""
    net = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(1))
    net(torch.randn(4, 2)).sum().backward()
    return [list(net.parameters()), list(net.buffers())]


@program
def double_backward():
    """Penalize the gradient of a network."""
    net, x = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)), torch.randn(3, 2)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
    loss = ((slope.norm(dim=1) - 1) ** 2).mean()
    loss.backward()
    return [slope, loss, [p.grad for p in net.parameters()]]


@program
def encoder_in_evaluation():
    """Run an encoder with a padding mask: torch's fast path, which leaves padded rows at zero."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2).eval()
    mask = torch.tensor([[0, 0, 0, 1], [0, 0, 1, 1]]).bool()
    x = torch.randn(2, 4, 8)
    with torch.no_grad():
        first = encoder(x, src_key_padding_mask=mask)
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    with torch.inference_mode():
        second = attention(x, x, x)
    return [first, second]


@program
def encoder_in_training():
    """Train an encoder layer, dropout included."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return train(layer, torch.optim.SGD(layer.parameters(), lr=0.1), torch.randn(2, 4, 8))


@program
def lstm():
    """Train a recurrent network on a packed sequence."""
    net = nn.LSTM(3, 4)
    packed = nn.utils.rnn.pack_padded_sequence(torch.randn(5, 2, 3), [5, 3])
    out, (h, c) = net(packed)
    (out.data.sum() + h.sum() + c.sum()).backward()
    return [out.data, h, c, [p.grad for p in net.parameters()]]


@program
def autocast():
    """Compute in half precision where it is enough, on a CPU."""
    net = mlp()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = net(torch.randn(5, 4))
    out.float().sum().backward()
    return [out, [p.grad for p in net.parameters()]]


@program
def subclass():
    """Compute with a class of one's own, several outputs included."""
    x = torch.ones(2).as_subclass(Special).requires_grad_()
    u, v = (x * 2).exp().unbind()
    (u + v).backward()
    return [u, v, type(u).__name__, x.grad]


@program
def convolution_and_batch_norm():
    """Change the buffers of a normalization, which torch counts as no change."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2))
    trained = train(net, torch.optim.SGD(net.parameters(), lr=0.1), torch.randn(2, 1, 8, 8))
    return [trained, net.eval()(torch.ones(1, 1, 8, 8))]


@program
def losses_that_torch_computes_in_two_ways():
    """Call what is made of other operations in another way under a dispatch mode."""
    scores = torch.randn(10, 2, 5).log_softmax(2).detach().requires_grad_()
    targets, lengths = torch.randint(1, 5, (2, 4)), torch.full((2,), 4)
    ctc = functional.ctc_loss(scores, targets, torch.full((2,), 10), lengths)
    q = torch.randn(2, 3, 4, requires_grad=True)
    attention = functional.scaled_dot_product_attention(q, q, q)
    product = torch.einsum("bij,bkj->bik", q, q)
    where = (
        torch.where(q > 0, 1.0, q) + torch.true_divide(q, 3) + q.reshape(2, 12).t().reshape(q.shape)
    )
    where = where + torch.multiply(q, 2).subtract(1).true_divide(3).divide(4)
    (ctc + attention.sum() + product.sum() + where.sum()).backward()
    return [ctc, attention, product, where, scores.grad, q.grad]


@program
def parameters_made_and_frozen_in_the_body():
    """Freeze a network and train it again, as in an adversarial step."""
    net = mlp()
    net.requires_grad_(False)
    frozen = net(torch.ones(1, 4))
    net.requires_grad_(True)
    return [frozen, train(net, torch.optim.SGD(net.parameters(), lr=0.1), torch.ones(2, 4))]


@program
def sparse_and_complex():
    """Look up an embedding with a sparse gradient, and transform a signal."""
    table = nn.Embedding(5, 3, sparse=True)
    table(torch.tensor([1, 1, 2])).sum().backward()
    x = torch.randn(8, requires_grad=True)
    torch.fft.fft(x).abs().sum().backward()
    return [table.weight.grad.to_dense(), x.grad]


@program
def an_error_of_shapes():
    """Multiply what does not fit."""
    return torch.ones(2, 3, requires_grad=True) @ torch.ones(2)


@program
def an_error_of_autograd():
    """Change what the backward pass needs."""
    a = torch.ones(3, requires_grad=True)
    b = a.exp()
    b += 1
    b.sum().backward()


@program
def an_error_after_a_change_through_a_view():
    """Change through a view what the backward pass needs."""
    a = torch.ones(4, requires_grad=True)
    b = a * 2
    b[1:3].exp_()
    b.detach().mul_(2)
    b.sum().backward()


@program
def an_error_in_a_hook():
    """Raise in the backward pass."""
    a = torch.ones(3, requires_grad=True)
    b = a * 2
    b.register_hook(lambda grad: 1 / 0)
    b.sum().backward()


@program
def a_second_backward():
    """Go back through a graph that has been freed."""
    a = torch.ones(3, requires_grad=True)
    loss = a.exp().sum()
    loss.backward()
    loss.backward()


@program
def a_view_that_torch_refuses():
    """Use a view from under no_grad after its base was changed."""
    a = torch.ones(3, requires_grad=True)
    b = a * 2
    with torch.no_grad():
        v = b[0]
    b.mul_(2)
    return v + 1


@program
def warnings_of_torch():
    """Let torch warn: of broadcasting in a loss, and of a gradient asked of a result."""
    a = torch.ones(2, 2, requires_grad=True)
    loss = functional.mse_loss(a * 1, torch.ones(2))
    return [loss, (a * 2).grad]


def outcome(function, *, record):
    """Return all that one can see of a program: results, error, warnings, random states."""
    torch.manual_seed(0)
    random.seed(0)
    result, error, g = [], None, None
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            if record:
                with graph.record() as g:
                    result = function()
            else:
                result = function()
        except Exception as raised:  # whichever it is
            error = (type(raised), str(raised))
    seen = [seen_of(value) for value in tree_leaves(result)]
    said = [(w.category, str(w.message)) for w in warned]
    return (seen, error, said, torch.get_rng_state().tolist(), random.getstate()), g


def seen_of(value):
    """Return what can be seen of a result: of a tensor its numbers, flags, graph and gradient."""
    if not isinstance(value, torch.Tensor):
        return value
    grad = value.grad if value.is_leaf else None
    plain = value.detach().as_subclass(torch.Tensor)
    return (
        type(value), value.dtype, tuple(value.shape), value.stride(), value.requires_grad,
        value.is_leaf, None if value.is_inference() else value._version, walk(value),
        plain.resolve_conj().tolist().__repr__(),
        None if grad is None else (grad.stride(), grad.tolist()),
    )  # fmt: skip


@pytest.mark.filterwarnings(NESTED)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_recording_changes_nothing(name):
    """Results, backward nodes, errors, warnings, random states and gradients are a plain run's."""
    outcome(PROGRAMS[name], record=False)  # torch gives some warnings only once
    plain, _ = outcome(PROGRAMS[name], record=False)
    recorded, g = outcome(PROGRAMS[name], record=True)
    for part, expected in zip(recorded, plain, strict=True):
        assert part == expected
    g.check()
    g.to_json()
    assert all(step.words for step in g.steps())
    assert str(g)


# What the figures, the steps and the checks say of such programs


@pytest.mark.parametrize("whole", [True, False])
def test_a_view_of_a_leaf_without_gradients_is_a_constant(whole):
    """What is made of a leaf under no_grad is grey, whatever the view says of itself."""
    weight = leaf([[1.0, 2.0], [3.0, 4.0]])
    x = torch.ones(2).double()
    outer, inner = (torch.no_grad(), graph.record()) if whole else (graph.record(), torch.no_grad())
    with outer as first, inner as second:
        turned = weight.t()
        y = turned @ x
    g = second if whole else first
    assert by_name(g)["weight"].kind == "leaf"
    assert (by_name(g)["turned"].kind, by_name(g)["turned"].op) == ("constant", "t")
    assert by_name(g)["y"].value.tolist() == [4, 6]
    assert [(e.source.name, e.target.name) for e in g.edges] == [
        ("weight", "turned"), ("turned", "y"), ("x", "y"),
    ]  # fmt: skip
    g.check()
    assert turned.requires_grad
    assert y.grad_fn is None


def test_a_view_from_before_the_recording_is_a_constant_too():
    """Autograd gives such a view no backward node, although what is made of it has one."""
    weight = leaf([[1.0, 2.0], [3.0, 4.0]])
    with torch.no_grad():
        turned = weight.t()
    with graph.record() as g:
        y = turned @ torch.ones(2).double()
    g.backward(y, torch.ones(2).double())
    assert by_name(g)["turned"].kind == "constant"
    assert [e.input for e in g.edges if e.target.name == "y"] == [None, None]
    assert by_name(g)["y"].backward_name == "MvBackward0"
    assert weight.grad is None
    g.check()


def test_a_leaf_that_is_changed_in_place_gets_a_second_box():
    """Each operation stands beside the numbers that it used, and each gradient at its version."""
    t = leaf(1.0, 2.0)
    with graph.record() as g:
        first = (t**2).sum()
        first.backward()
        with torch.no_grad():
            t -= 0.1 * t.grad
        t.grad = None
        second = (t**3).sum()
        second.backward()
    before, after = (n for n in g.nodes if n.name == "t")
    assert (before.version, after.version) == (0, 1)
    assert before.value.tolist() == [1, 2]
    assert after.value.tolist() == t.tolist()
    assert before.grad.tolist() == [2, 4]
    assert torch.equal(after.grad, t.grad)
    assert [e.source for e in g.edges if e.target.op == "pow" and e.input is not None] == [
        before, after,
    ]  # fmt: skip
    assert before.grad_fn is after.grad_fn
    assert "t (changed in place)" in str(g)
    assert ">t (changed in place)<" in g.to_svg()
    assert words(g, "write") == [
        "AccumulateGrad writes t.grad: it is [2, 4].",
        "AccumulateGrad writes t (changed in place).grad: it is [1.92, 7.68].",
    ]
    g.check()


@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW", "Adagrad"])
def test_a_fused_step_is_a_change(kind):
    """A fused step of an optimizer, of which torch counts no version, makes a second box."""
    w = leaf(1.0, -2.0)
    optimizer = getattr(torch.optim, kind)([w], lr=0.5, fused=True)
    with graph.record() as g:
        (w[:] ** 2).sum().backward()
        optimizer.step()
        (w**2).sum()
    shown = [n for n in g.nodes if n.kind == "leaf"]
    assert [n.version for n in shown] == [0, 1]
    assert torch.equal(shown[0].value, torch.tensor([1.0, -2.0]).double())
    assert torch.equal(shown[1].value, w.detach())
    g.check()


def test_one_pass_through_two_versions():
    """Where both versions lead to one loss, each gets its part and ``.grad`` is their sum."""
    t = leaf(2.0)
    with graph.record() as g:
        first = t * 3
        with torch.no_grad():
            t += 1
        loss = first + t**2
    g.backward(loss)
    before, after = (n for n in g.nodes if n.name == "t")
    assert (before.grad.item(), after.grad.item()) == (3, 6)
    assert t.grad.item() == 9
    g.check()


@pytest.mark.parametrize("way", ["view", "detach", "data", "set data", "optimizer", "out"])
@pytest.mark.parametrize("kind", ["leaf", "constant"])
def test_every_value_is_that_of_the_version_that_was_used(way, kind):
    """However the numbers were changed, what is used then is shown as it was then."""
    k = leaf(1.0, 2.0) if kind == "leaf" else torch.tensor([1.0, 2.0]).double()
    x = leaf(1.0, 1.0)
    with graph.record() as g:
        y = k * x
        with torch.no_grad():
            if way == "view":
                k[0].add_(5)
            elif way == "detach":
                k.detach().add_(5)
            elif way == "data":
                k.data.add_(5)
            elif way == "set data":
                k.data = k.data + 5
            elif way == "optimizer":
                torch._foreach_add_([k], 5)
            else:
                torch.add(k.detach(), 5, out=k)
        z = k * x
    for product in (y, z):
        (edge,) = [
            e for e in g.edges if e.target.grad_fn is product.grad_fn and e.source.name == "k"
        ]
        assert torch.equal(edge.source.value, product.detach())
    g.check()


def test_a_result_that_is_changed_unseen_is_shown_twice():
    """A result has a second box where it was changed without autograd, and the same gradient."""
    a = leaf(1.0, 2.0)
    with graph.record() as g:
        b = a * 3
        b.detach().add_(1)
        c = b * 2
    g.backward(c, torch.ones(2).double())
    first, second = (n for n in g.nodes if n.name == "b")
    assert (first.value.tolist(), second.value.tolist()) == ([3, 6], [4, 7])
    assert words(g, "forward")[1] == "b is changed in place, unseen by autograd: [4, 7]."
    assert second in [e.source for e in g.edges if e.target.name == "c"]
    assert first.grad.tolist() == [2, 2]
    assert a.grad.tolist() == [6, 6]


def test_buffers_of_a_normalization_have_versions():
    """Torch counts no change where a normalization updates its buffers; it is seen nonetheless."""
    norm = nn.BatchNorm1d(1)
    data = torch.tensor([[1.0], [3.0]])
    with graph.record() as g:
        norm(data)
        norm(data)
        norm.eval()(data)
    means = [n for n in g.nodes if n.name == "norm.running_mean"]
    assert [n.value.item() for n in means] == pytest.approx([0, 0.2, 0.38])
    assert [n.version for n in means] == [0, 1, 2]


def test_a_pass_through_versions_of_a_result_is_one_pass():
    """What is sent to a later version reaches the backward node of the first; nothing enters."""
    a = leaf(1.0, 2.0)
    with graph.record() as g:
        b = a * 3
        early = b.sum()
        with torch.no_grad():
            b[:1].mul_(5)
        y = early + (b * 2).sum()
    g.backward(y)
    assert words(g, "seed") == ["A backward pass enters the graph at y with the gradient 1."]
    assert words(g, "hook") == []
    assert a.grad.tolist() == [9, 9]


def test_a_hook_on_a_leaf_with_two_versions_is_told_only_where_it_changes():
    """The parts that come to both versions are the gradient before the hook."""
    t = leaf(2.0)
    t.register_hook(lambda grad: None)
    with graph.record() as g:
        first = t * 3
        with torch.no_grad():
            t += 1
        loss = first + t**2
    g.backward(loss)
    assert words(g, "hook") == []
    assert t.grad.item() == 9


def test_check_knows_versions():
    """A counted change leaves the figure true of what was used; one unseen by torch does not."""
    t = leaf(1.0, 2.0)
    with graph.record() as g:
        y = t**2
    with torch.no_grad():
        t += 1
    g.check()
    with graph.record() as g:
        y = t**2
    g.check()
    t.data.add_(1)
    with pytest.raises(graph.GraphError, match=r"value of t was \[2, 3\] .* is \[3, 4\] now"):
        g.check()
    assert y.requires_grad


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("used", [True, False])
def test_a_custom_function_that_changes_its_input_is_one_change(whole, used):
    """Autograd records the change once the Function returns: until then there is no other one."""
    a = leaf(1.0, 1.0, 1.0)
    with graph.record() as g:
        b = a * 1
        part = b if whole else b[:2]
        Doubled.apply(part)
        part = part + 1 if used else part
        y = b.sum()
    g.backward(y)
    assert "changed" not in str(g)
    assert {n.version for n in g.nodes} == {0}
    assert by_name(g)["b"].value.tolist() == b.tolist()
    assert by_name(g)["b"].backward_name == ("DoubledBackward" if whole else "CopySlices")
    assert len(words(g, "seed")) == 1
    g.check()


def test_a_change_through_a_view_is_one_story():
    """The view, the change and the base's new version follow each other, forward and backward."""
    a = leaf(1.0, 2.0)
    with graph.record() as g:
        b = a * 3
        b[0].mul_(2)
        y = b.sum()
    g.backward(y)
    names = {(e.source.op, e.target.op) for e in g.edges if e.source.kind == "operation"}
    assert names == {("mul", "getitem"), ("getitem", "mul_"), ("mul", "mul_"), ("mul_", "sum")}
    said = words(g, "forward", "backward")
    change = "Forward: b = mul_(getitem, 2) = [6, 6]. It changes mul(a, 3) through a view. "
    assert change + "Autograd records CopySlices." in said
    assert "Backward: CopySlices gets [1, 1]. For mul(a, 3): [2, 1]." in said
    assert "mul_(%3, 2)" in str(g)
    g.check()


@pytest.mark.parametrize(
    ("change", "op"),
    [
        (lambda view: functional.relu(view, inplace=True), "relu"),
        (nn.ReLU(inplace=True), "relu"),
        (nn.Sequential(nn.Hardtanh(inplace=True)), "hardtanh"),
        (lambda view: functional.leaky_relu(view, inplace=True), "leaky_relu"),
        (lambda view: functional.dropout(view, 0.5, inplace=True), "dropout"),
        (lambda view: functional.elu(view.view(2, 1)[0], inplace=True), "elu"),
    ],
)
def test_a_change_through_a_view_has_the_name_of_its_call(change, op):
    """An argument may tell a function to change its input; autograd says CopySlices of it."""
    a = leaf(-1.0, 2.0)
    with graph.record() as g:
        b = a * 3
        v = change(b[:])
        y = b.sum() + v.sum()
    g.backward(y)
    nodes = by_name(g)
    assert [n.op for n in g.nodes if n.backward_name == "CopySlices"] == [op]
    assert nodes["b"].value.tolist() == b.tolist()
    assert (nodes["v"].op, nodes["v"].value.tolist()) == ("as_strided", v.tolist())
    assert len([text for text in words(g, "forward") if "through a view" in text]) == 1
    g.check()


def test_a_graph_may_end_in_a_view_that_was_changed():
    """The layer's result is a view of three dimensions, which its activation changes."""
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True)).double()
    with graph.record() as g:
        y = net(torch.ones(1, 3, 2).double() - 2)
    g.backward(y, torch.ones_like(y))
    (box,) = g["y"]
    assert box.value.tolist() == y.tolist()
    assert box.scope[-1].endswith("ReLU")
    g.check()


def test_a_backward_pass_may_begin_at_a_view_that_was_changed_last():
    """Nothing has asked for the view's new history yet, but autograd has it."""
    a = leaf(1.0, 2.0)
    with graph.record() as g:
        b = a * 3
        y = b[0].mul_(2)
    g.backward(y)
    assert a.grad.tolist() == [6, 0]
    assert by_name(g)["b"].grad.tolist() == [1, 0]
    g.check()


@pytest.mark.parametrize(
    "call",
    [
        lambda view: view.to("cpu"),
        lambda view: view.contiguous(),
        lambda view: view.double(),
        lambda view: functional.dropout(view, training=False, inplace=True),
        lambda view: view.expand(2),
    ],
)
@pytest.mark.parametrize("tracked", [True, False])
@pytest.mark.parametrize("gradients", [True, False])
def test_a_call_that_returns_its_argument_changes_nothing(call, tracked, gradients):
    """A part of the data that is where it should be is no new version of all of it."""
    w = leaf(2.0)
    data = torch.ones(3, dtype=torch.float64, requires_grad=tracked) * 1
    with torch.set_grad_enabled(gradients):
        part = data[:2]
    with graph.record() as g:
        with torch.set_grad_enabled(gradients):
            part = call(part)
        y = (part * w).sum()
    g.backward(y)
    assert not {"to", "contiguous", "double", "dropout"} & {n.op for n in g.nodes}
    assert {n.version for n in g.nodes} == {0}
    g.check()


@pytest.mark.parametrize("foreach", [True, False])
@pytest.mark.parametrize("end", ["clip", "clear", "step", "step and clear"])
def test_a_whole_training_step_can_be_shown(foreach, end):
    """Gradients that the body has clipped or cleared are shown as they came, beside ``.grad``."""
    net, data = nn.Linear(3, 1).double(), torch.ones(2, 3).double()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with graph.record() as g:
        optimizer.zero_grad()
        loss = (net(data) * 9).square().mean()
        loss.backward()
        came = net.weight.grad.clone()
        nn.utils.clip_grad_norm_(net.parameters(), 0.01, foreach=foreach)
        clipped = net.weight.grad.clone()
        if "step" in end:
            optimizer.step()
        if "clear" in end:
            optimizer.zero_grad()
    weight = next(n for n in g.nodes if n.name == "net.weight")
    assert torch.equal(weight.grad, came)
    assert not torch.equal(came, clipped)
    if end == "clip":
        assert torch.equal(weight.accumulated, clipped)
    if end == "clear":
        assert weight.accumulated is None
    g.check()
    assert "AccumulateGrad writes net.weight.grad" in g.player()


@pytest.mark.parametrize("way", ["clip", "clear", "replace"])
def test_a_gradient_that_is_changed_afterwards_is_shown_as_it_was(way):
    """What the program does to ``.grad`` after all is said last; the figure keeps the pass's."""
    w, b, fixed = leaf(1.0, 2.0), leaf(3.0), leaf(4.0)
    with graph.record() as g:
        loss = ((w * b).sum() + fixed) ** 2
    g.backward(loss)
    assert words(g, "later") == []
    came = w.grad.clone()
    if way == "clip":
        nn.utils.clip_grad_norm_([w, b], 0.01)
    elif way == "clear":
        w.grad = b.grad = None
    else:
        w.grad = came.clone()
        b.grad = b.grad.clone()
    g.check()
    assert torch.equal(by_name(g)["w"].accumulated, came)
    last = "Since then the program has changed w.grad and b.grad: "
    assert words(g, "later") == [last + "shown is what the backward pass left."]
    assert g.steps()[-1].phase == "later"
    assert last in g.player()


def test_many_gradients_that_are_changed_afterwards_are_counted():
    """The sentence names a few."""
    leaves = [leaf(float(i)) for i in range(5)]
    with graph.record() as g:
        loss = sum(v * v for v in leaves)
    g.backward(loss)
    for v in leaves:
        v.grad.zero_()
    assert "changed leaves[0].grad, leaves[1].grad and 3 more: " in words(g, "later")[0]


def test_a_gradient_hook_that_raises_leaves_a_graph_to_look_at():
    """After an error in a hook on ``.grad`` the graph shows what autograd has stored until then."""
    a = leaf(1.0, 2.0)

    def refuse(tensor):
        raise ZeroDivisionError

    handle = a.register_post_accumulate_grad_hook(refuse)
    with graph.record() as g:
        y = (a * 3).sum()
        with pytest.raises(ZeroDivisionError):
            y.backward()
    handle.remove()
    assert by_name(g)["a"].accumulated.tolist() == a.grad.tolist() == [3, 3]
    g.check()
    assert g.player()


@pytest.mark.filterwarnings(HOOKED)
def test_a_hook_that_changes_a_gradient_is_told():
    """What a hook did stands between what was sent and what is received, with both."""
    a = leaf(1.0, 2.0)
    a.register_hook(lambda grad: grad * 2)
    a.register_post_accumulate_grad_hook(lambda tensor: setattr(tensor, "grad", -tensor.grad))
    with graph.record() as g:
        h = a * 3
        h.register_hook(lambda grad: grad * 10)
        y = h.sum()
    g.backward(y)
    assert words(g, "hook", "write") == [
        "A hook changes the gradient of h: it was [1, 1] and is [10, 10].",
        "A hook changes the gradient of a: it was [30, 30] and is [60, 60].",
        "AccumulateGrad writes a.grad: it is [60, 60].",
        "A hook changes a.grad: it was [60, 60] and is [−60, −60].",
    ]
    assert "A hook changes" in g.player()
    g.check()


def test_a_hook_on_a_module_that_changes_a_gradient_is_told():
    """Torch's own node around the module shows the gradient before and after."""
    a, square = leaf(3.0), nn.Identity()
    square.register_full_backward_hook(lambda module, sent, got: (sent[0] * 10,))
    with graph.record() as g:
        y = square(a * 2) * 5
    g.backward(y)
    assert words(g, "hook") == ["A hook changes the gradient of mul(a, 2): it was 5 and is 50."]
    assert a.grad.item() == 100


def test_hooks_that_change_nothing_are_not_told():
    """Without a change there is no such step, nor where a gradient is only kept."""
    a = leaf(1.0, 2.0)
    a.register_hook(lambda grad: None)
    with graph.record() as g:
        h = a * 3
        h.retain_grad()
        y = h.sin().sum() + h.sum()
    g.backward(y)
    assert words(g, "hook") == []


def test_a_second_start_is_not_taken_for_a_hook():
    """Where a pass begins at a result that is also reached, both gradients are told."""
    a = leaf(2.0)
    with graph.record() as g:
        h = a * 3
        y = h * 5
    torch.autograd.backward([y, h], [torch.tensor(1.0).double(), torch.tensor(7.0).double()])
    assert words(g, "hook") == [
        (
            "h was sent the gradient 5 and its node gets 12: "
            "a hook has changed it, or a backward pass begins here too."
        )
    ]
    assert a.grad.item() == 36


def test_batched_gradients_are_left_out_and_said_so():
    """A batch of gradients has no numbers to copy: the step says so, the pass goes on."""
    a = leaf(1.0, 2.0)
    with graph.record() as g:
        y = a * a
    (rows,) = torch.autograd.grad(y, a, torch.eye(2).double(), is_grads_batched=True)
    assert rows.tolist() == [[2, 0], [0, 4]]
    assert words(g, "backward") == [
        "Backward: MulBackward0 runs on a batch of gradients at once. They are not copied."
    ]
    assert by_name(g)["a"].grad is None
    g.check()


def test_what_a_transform_returns_is_recorded():
    """Within torch.func tensors are of the moment: nodes have shapes, and results their values."""
    a = leaf(1.0, 2.0)
    with graph.record() as g:
        slope = torch.func.grad(lambda v: (v**3).sum())(a)
    g.backward(slope, torch.ones(2).double())
    assert by_name(g)["slope"].value.tolist() == [3, 12]
    assert a.grad.tolist() == [6, 12]
    assert all(n.shape == (2,) for n in g.nodes if n.kind == "operation")


@pytest.mark.filterwarnings(NESTED)
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_nested_tensors_are_shown_with_their_shape(layout):
    """A ragged dimension is −1; what is no longer nested has numbers again."""
    n = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=layout)
    n.requires_grad_()
    with graph.record() as g:
        y = n * 2
        padded = torch.nested.to_padded_tensor(y, 0.0)
        total = padded.sum()
    g.backward(total)
    assert [by_name(g)[name].shape for name in "ny"] == [(2, -1), (2, -1)]
    assert by_name(g)["y"].value is None
    assert by_name(g)["padded"].value.tolist() == [[2, 2, 0], [2, 2, 2]]
    assert "(2, −1)" in g.to_svg()
    g.check()


def test_an_error_of_the_recorder_is_not_the_programs(monkeypatch):
    """What cannot be recorded ends the recording, not the program, and names the tensor."""
    a = leaf(1.0, 2.0)

    def fail(*_):
        raise RuntimeError("no such thing")

    with graph.record() as g:
        b = a * 2
        monkeypatch.setattr("linefit.graph.recorder.ledger.Ledger.attach", fail)
        c = b.sin()
        monkeypatch.undo()
        d = c + 1
    assert d.requires_grad
    with pytest.raises(graph.GraphError, match="ends before sin, of a strided Tensor: no such"):
        g.check()


@pytest.mark.parametrize(
    "compute",
    [
        lambda q: functional.scaled_dot_product_attention(q, q, q),
        lambda q: torch.einsum("bij,bkj->bik", q, q),
        lambda q: q.transpose(1, 2).reshape(2, -1),
        nn.TransformerEncoderLayer(4, 2, 8, dropout=0, batch_first=True),
        lambda q: functional.ctc_loss(
            q.log_softmax(2), torch.ones(3, 1).long(), torch.full((3,), 2), torch.full((3,), 1)
        ),
    ],
)
def test_the_backward_nodes_are_those_of_a_plain_run(compute):
    """Torch takes no other way because it is recorded, and every value is seen."""
    q = torch.randn(2, 3, 4, requires_grad=True)
    with graph.record() as g:
        result = compute(q)
    assert walk(result) == walk(compute(q))
    assert {type(n.grad_fn).__name__ for n in g.nodes if n.backward_name} == set(walk(result))
    assert [n for n in g.nodes if n.value is None] == []


def test_a_subclass_is_one_box_for_each_operation():
    """The alias in which torch wraps a result is part of the operation that computed it."""
    x = torch.ones(2).as_subclass(Special).requires_grad_()
    with graph.record() as g:
        u, v = (x * 2).exp().unbind()
        y = u * v
    g.backward(y)
    assert [n.op for n in g.nodes if n.kind == "operation"] == ["mul", "exp", "unbind", "mul"]
    assert [o.name for n in g.nodes if n.op == "unbind" for o in n.outputs] == ["u", "v"]
    assert by_name(g)["y"].backward_name == "MulBackward0"
    assert torch.equal(by_name(g)["x"].grad, x.grad.as_subclass(torch.Tensor))
    g.check()


class Unwrapping(torch.Tensor):
    """A tensor that computes with plain ones."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        plain = [v.as_subclass(torch.Tensor) if isinstance(v, cls) else v for v in args]
        result = func(*plain, **(kwargs or {}))
        return result.as_subclass(cls) if isinstance(result, torch.Tensor) else result


def test_a_subclass_that_unwraps_its_operands_is_one_box_for_each_operation():
    """What such a class does for itself is no box, and its results are known to the graph."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    special = x.as_subclass(Unwrapping)
    with graph.record() as g:
        y = ((special * 2).exp() * special).sum()
    g.backward(y)
    assert [n.op for n in g.nodes if n.kind == "operation"] == [
        "alias", "mul", "exp", "mul", "sum",
    ]  # fmt: skip
    assert words(g, "seed") == ["A backward pass enters the graph at y with the gradient 1."]
    assert torch.equal(by_name(g)["special"].grad, x.grad)
    g.check()


def test_a_subclass_sees_nothing_of_the_recorder():
    """A class that counts its operations counts as many in a recording, and when it is shown."""

    class Counting(torch.Tensor):
        count = 0

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            Counting.count += 1
            return super().__torch_function__(func, types, args, kwargs or {})

    def run():
        Counting.count = 0
        x = torch.ones(2).as_subclass(Counting)
        return (x * 2 + 1).sum()

    run()
    expected = Counting.count
    with graph.record() as g:
        total = run()
    assert Counting.count == expected
    assert g.player()
    g.check()
    assert Counting.count == expected
    assert type(total) is Counting


def test_fast_paths_are_torchs_again_after_the_recording():
    """What a recording exchanges in torch is put back, also after an error."""
    asked = torch.overrides.has_torch_function

    def look():
        assert torch.overrides.has_torch_function is not asked
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), graph.record():
        look()
    assert torch.overrides.has_torch_function is asked
