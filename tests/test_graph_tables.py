"""What a graph answers beside its figure: nodes by name, costs and gradients as tables, files."""

import json
import math
import xml.etree.ElementTree as ET

import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn

from linefit import graph


def recorded(net, x, *, backward=True):
    """Return the graph of a module's loss."""
    with graph.record() as g:
        loss = net(x).square().mean()
    if backward:
        g.backward(loss)
    return g


@pytest.fixture
def net():
    """Return a small network with a block that runs three times."""
    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
            self.block = nn.Linear(8, 8)
            self.unused = nn.Linear(8, 2)

        def forward(self, x):
            x = self.encoder(x)
            for _ in range(3):
                x = self.block(x).relu()
            return x

    return Net()


@pytest.mark.parametrize(
    ("name", "backward_names"),
    [
        ("loss", ["MeanBackward0"]),
        ("net.encoder.0.weight", ["AccumulateGrad"]),
        ("encoder.0.weight", ["AccumulateGrad"]),
        ("net.encoder.1", ["TanhBackward0"]),
        ("encoder.1", ["TanhBackward0"]),
        ("net.block: Linear (2)", ["TBackward0", "AddmmBackward0"]),
    ],
)
def test_nodes_are_found_by_name(net, name, backward_names):
    """A variable, a parameter, a module and one of its calls lead to their nodes, in order."""
    g = recorded(net, torch.randn(5, 4))
    assert [node.backward_name for node in g[name]] == backward_names


def test_all_calls_of_a_module_are_found(net):
    """The name of a module stands for the nodes of all its calls."""
    g = recorded(net, torch.randn(5, 4))
    names = [node.backward_name for node in g["block"]]
    assert names.count("AddmmBackward0") == 3
    assert set(g["net.block: Linear (2)"]) < set(g["block"])


@pytest.mark.parametrize(("name", "kind"), [("los", KeyError), ("", KeyError), (3, TypeError)])
def test_an_unknown_name_is_refused(net, name, kind):
    """The error names what came, and what there is."""
    with pytest.raises(kind, match="called '(los)?'|got 3"):
        recorded(net, torch.randn(5, 4))[name]


def test_summary_counts_parameters_operations_and_bytes(net):
    """Each scope has its calls, operations, parameters and saved bytes; the whole has all."""
    g = recorded(net, torch.randn(5, 4))
    whole, *rows = g.summary().rows
    used = [*net.encoder.parameters(), *net.block.parameters()]
    assert whole.scope == ()
    assert whole.parameters == sum(p.numel() for p in used)
    assert whole.operations == sum(node.kind == "operation" for node in g.nodes)
    scopes = {row.scope[-1]: row for row in rows}
    assert scopes["net.block: Linear"].calls == 3
    assert scopes["net.block: Linear"].parameters == 8 * 8 + 8
    assert scopes["net.encoder.1: Tanh"].saved == 5 * 8 * 4  # its own result, float32
    assert all(row.saved <= whole.saved for row in rows)


def test_summary_times_forward_and_backward(net):
    """Times are positive, add up to the whole, and there is none of a pass that did not run."""
    g = recorded(net, torch.randn(5, 4))
    whole, *rows = g.summary().rows
    assert whole.forward > 0
    assert whole.backward > 0
    outermost = [row for row in rows if len(row.scope) == 1]
    assert sum(row.forward for row in outermost) <= whole.forward
    assert recorded(net, torch.randn(5, 4), backward=False).summary().rows[0].backward == 0


def test_summary_has_a_depth(net):
    """Rows below the depth are left out; a negative one is refused."""
    g = recorded(net, torch.randn(5, 4))
    assert len(g.summary(depth=0).rows) == 1
    assert {len(row.scope) for row in g.summary(depth=1).rows} == {0, 1}
    with pytest.raises(ValueError, match="depth=-1"):
        g.summary(depth=-1)


def test_gradients_are_those_of_the_parameters(net):
    """Size and largest value are the tensors' own; a parameter that nothing used has none."""
    g = recorded(net, torch.randn(5, 4))
    rows = {row.name: row for row in g.gradients().rows}
    for name, parameter in net.named_parameters():
        row = rows[f"net.{name}"]
        assert row.shape == tuple(parameter.shape)
        if parameter.grad is None:
            assert (row.rms, row.verdict) == (None, "none")
            continue
        grad = parameter.grad.double()
        assert row.rms == pytest.approx(grad.square().mean().sqrt().item(), rel=1e-12)
        assert row.largest == pytest.approx(grad.abs().max().item(), rel=1e-12)
        size = parameter.detach().double().square().mean().sqrt()
        assert row.ratio == pytest.approx(row.rms / size.item(), rel=1e-12)


@pytest.mark.parametrize(
    ("scale", "verdict"),
    [(1e-6, "vanishing"), (1e6, "exploding"), (0.0, "zero"), (math.inf, "not finite"), (1.0, "")],
)
def test_gradients_have_a_verdict(scale, verdict):
    """One that is far from the median, zero or not finite is marked."""
    leaves = {name: torch.ones(3, requires_grad=True) for name in "abcd"}
    a, b, c, d = leaves.values()
    with graph.record(names=leaves) as g:
        loss = (a + b + c + scale * d).sum()
    g.backward(loss)
    assert [row.verdict for row in g.gradients().rows] == ["", "", "", verdict]


@pytest.mark.parametrize("table", ["summary", "gradients"])
def test_tables_are_shown_in_terminal_and_notebook(net, table):
    """Both forms have a row for each, under the same headings."""
    g = recorded(net, torch.randn(5, 4))
    made = getattr(g, table)()
    lines = repr(made).splitlines()
    assert len(lines) == len(made.rows) + 1
    soup = BeautifulSoup(made._repr_html_(), "html.parser")
    assert len(soup.select("tbody tr")) == len(made.rows)
    headings = [th.get_text() for th in soup.select("thead th[scope=col]")]
    assert all(heading in lines[0] for heading in headings)
    assert all(row.find("th", scope="row") for row in soup.select("tbody tr"))


@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_a_figure_is_saved(net, tmp_path, suffix, start):
    """A file of each kind is what its name says."""
    file = tmp_path / f"graph.{suffix}"
    g = recorded(net, torch.randn(5, 4))
    g.save(file)
    content = file.read_bytes()
    assert content.lstrip().startswith(start) or (suffix == "svg" and b"<svg" in content[:200])
    if suffix == "svg":
        assert ET.fromstring(content) is not None  # noqa: S314


def test_an_unknown_kind_of_file_is_refused(net, tmp_path):
    """The suffix decides before anything is drawn, and nothing is written."""
    with pytest.raises(ValueError, match=r"\.gif"):
        recorded(net, torch.randn(5, 4)).save(tmp_path / "graph.gif")
    assert list(tmp_path.iterdir()) == []


def test_json_grows_with_the_nodes_alone():
    """Twice as many steps make a text about twice as long, however large their values are."""

    def length(steps):
        x = torch.ones(500, requires_grad=True)
        with graph.record() as g:
            y = x
            for _ in range(steps):
                y = y * 1.01
            total = y.sum()
        g.backward(total)
        text = g.to_json()
        assert json.loads(text)["version"]
        return len(text)

    short, long = length(100), length(200)
    assert 1.8 < long / short < 2.2
    assert short < 100 * 4000
