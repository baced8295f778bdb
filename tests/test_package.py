"""The package as a whole: its names, its signatures and its files."""

import ast
import importlib.metadata
import inspect
import re
import subprocess
import sys
import types

import pytest

import linefit
import linefit.graph
import linefit.plotting
import linefit.tape
from sources import ROOT

# What readers were promised, as functions that take the same arguments and do nothing.
CONTRACT = {
    "noisy_line": lambda n=100, *, slope=2.5, intercept=1.0, noise=2.0, seed=0: None,
    "hubble": lambda: None,
    "pearson_york": lambda: None,
    "perpendicular_loss": lambda slope, intercept, x, y: None,
    "vertical_loss": lambda slope, intercept, x, y: None,
    "weighted_loss": lambda slope, intercept, x, y, *, x_std, y_std: None,
    "descend": lambda x, y, *, lr, steps, start=(0.0, 0.0), loss=linefit.perpendicular_loss,
    optimizer=None, scheduler=None, clear_grad=True, dtype=None, device=None: None,
    "ordinary_least_squares": lambda x, y, *, weights=None, through=None: None,
    "total_least_squares": lambda x, y, *, variance_ratio=1.0, weights=None, through=None: None,
    "fit_line": lambda x, y, *, variance_ratio=1.0, weights=None, through=None: None,
    "Fit.slope_interval": lambda self, level=0.95: None,
    "Fit.band": lambda self, x, level=0.95: None,
    "Fit.to": lambda self, target: None,
    "york": lambda x, y, *, x_std, y_std, correlation=0.0: None,
    "huber_loss": lambda slope, intercept, x, y, *, delta=1.0: None,
    "Line": lambda normal, offset: None,
    "Line.from_slope_intercept": lambda slope, intercept: None,
    "Line.through": lambda x, y, run, rise: None,
    "Line.signed_distance": lambda self, x, y: None,
    "Line.y_at": lambda self, x: None,
    "Line.to": lambda self, target: None,
    "History.at": lambda self, step: None,
    "Moments": lambda n, mean_x, mean_y, sxx, sxy, syy, rest_x, rest_y: None,
    "Moments.of": lambda x, y: None,
    "Moments.of_chunks": lambda chunks: None,
    "Moments.to": lambda self, device: None,
    "Moments.all_reduce": lambda self, group=None: None,
    "Moments.line": lambda self, *, variance_ratio=1.0: None,
    "graph.record": lambda *, names=None, max_elements=1_000_000: None,
    "graph.of_tape": lambda tape: None,
    "graph.set_display": lambda *, assets: None,
    "graph.side_by_side": lambda *graphs, titles=(): None,
    "graph.Graph.backward": lambda self, output, gradient=None, *, retain_graph=None,
    create_graph=False: None,
    "graph.Graph.scope": lambda self, name: None,
    "graph.Graph.check": lambda self: None,
    "graph.Graph.layout": lambda self, *, max_nodes=60, depth=None, fold_views=None,
    roll_loops=None: None,
    "graph.Graph.figure": lambda self, *, max_nodes=60, **options: None,
    "graph.Graph.save": lambda self, path, *, max_nodes=60, **options: None,
    "graph.Graph.summary": lambda self, *, depth=None: None,
    "graph.Graph.gradients": lambda self, *, factor=1000.0: None,
    "graph.Graph.steps": lambda self: None,
    "graph.Graph.player": lambda self: None,
    "graph.Graph.to_svg": lambda self, *, max_nodes=60, **options: None,
    "graph.Graph.to_dot": lambda self: None,
    "graph.Graph.to_json": lambda self, *, indent=None: None,
    "graph.Graph.to_dict": lambda self: None,
    "graph.Graph.alt_text": lambda self: None,
    "tape.power": lambda n: None,
    "tape.unbroadcast": lambda grad, shape: None,
    "tape.Layer": lambda name, forward, backward: None,
    "tape.Tape": lambda: None,
    "tape.Tape.variable": lambda self, value, name="", requires_grad=True: None,
    "tape.Tape.record": lambda self, layer, *operands, name="": None,
    "tape.Tape.backward": lambda self, output: None,
    "tape.Var.sum": lambda *operands: None,
    "tape.Var.mean": lambda *operands: None,
    "tape.Var.relu": lambda *operands: None,
    "tape.Net": lambda *steps: None,
    "tape.Net.forward": lambda self, **data: None,
    "tape.Net.backward": lambda self: None,
    "plotting.plot_points": lambda ax, x, y, **kwargs: None,
    "plotting.plot_line": lambda ax, line, **kwargs: None,
    "plotting.plot_fit": lambda ax, fit, *, level=0.95, **kwargs: None,
    "plotting.plot_residuals": lambda ax, x, y, line, *, perpendicular=True, **kwargs: None,
    "plotting.plot_loss": lambda ax, descent, **kwargs: None,
    "plotting.plot_loss_map": lambda ax, x, y, *, slopes, intercepts,
    loss=linefit.perpendicular_loss, levels=12: None,
    "plotting.plot_graph": lambda ax, graph: None,
}  # fmt: skip
# Classes that a reader makes; every other one comes from a function.
CONSTRUCTORS = {"Line", "Moments", "tape.Layer", "tape.Tape", "tape.Net"}
# What the recorder calls on nodes of its own while it records, and nobody else.
RECORDING = {
    "graph.Node.add_run",
    "graph.Output.has_other_grad",
    *(
        f"graph.Output.{name}"
        for name in ("capture", "copy_grad", "describe", "receive", "reread_grad")
    ),
    *(f"graph.Output.{name}" for name in ("is_current", "is_value_of", "keep", "keep_grad")),
}
ATTRIBUTES = {
    "Line": {"normal", "offset", "angle", "slope", "intercept"},
    "Fit": {"line", "loss", "n_steps", "converged", "covariance", "hessian_covariance"}
    | {"slope_se", "intercept_se", "chi2", "dof", "reduced_chi2", "p_value", "residuals"}
    | {"residual_scatter", "points", "n_minima"},
    "Moments": {"n", "mean_x", "mean_y", "sxx", "sxy", "syy", "rest_x", "rest_y"},
    "Descent": {"history", "best", "last", "line", "converged", "still", "minimum", "warning"},
    "History": {"loss", "slope", "intercept"},
    "Step": {"step", "loss", "slope", "intercept"},
    "NoisyLine": {"x", "y", "true_line"},
    "Hubble": {"x", "y", "names"},
    "PearsonYork": {"x", "y", "x_std", "y_std"},
    "graph.Graph": {"nodes", "edges"},
    "graph.Node": {"op", "kind", "backward_name", "grad_fn", "index", "outputs", "saved", "scope"}
    | {"value", "grad", "accumulated", "shape", "dtype", "device", "requires_grad", "is_leaf"}
    | {"name", "version"},
    "graph.Output": {"name", "value", "grad", "accumulated", "shape", "dtype", "device"}
    | {"requires_grad", "is_leaf"},
    "graph.Edge": {"source", "target", "output", "input", "grad"},
    "graph.Summary": {"rows"},
    "graph.ScopeCost": {"scope", "calls", "operations", "parameters", "saved", "forward"}
    | {"backward"},
    "graph.GradientTable": {"rows"},
    "graph.ParameterGradient": {"name", "shape", "rms", "largest", "ratio", "verdict"},
    "graph.Saved": {"name", "source", "output", "shape", "dtype", "nbytes"},
    "graph.PassStep": {"phase", "words", "nodes", "edges", "grads", "parts"},
    "tape.Layer": {"name", "forward", "backward"},
    "tape.Var": {"tape", "name", "layer", "inputs", "value", "requires_grad", "grad"},
}
SPACES = [linefit, linefit.graph, linefit.plotting, linefit.tape]
GRAPH = ROOT / "linefit" / "graph"
FUNCTIONS = [name for name in linefit.__all__ if inspect.isfunction(getattr(linefit, name))]


def _find(dotted):
    found = linefit
    for part in dotted.split("."):
        found = getattr(found, part)
    return found


def _arguments(function):
    """Return name, kind and default of each argument."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: (p.kind, p.default) for p in parameters}


@pytest.mark.parametrize("name", CONTRACT)
def test_signature_is_the_contract(name):
    """Arguments are as promised, in name, order, kind and default; new ones are optional."""
    promised, actual = _arguments(CONTRACT[name]), _arguments(_find(name))
    new = {name: actual[name] for name in actual if name not in promised}
    assert list(promised.items()) == [item for item in actual.items() if item[0] not in new]
    optional = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD
    for kind, default in new.values():
        assert kind in optional
        assert default is not inspect.Parameter.empty or kind is inspect.Parameter.VAR_KEYWORD


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_result_has_the_promised_attributes(name):
    """A result has the attributes that pages and scripts read, and no other that is public."""
    assert _attributes(_find(name)) == ATTRIBUTES[name]


def _public(space):
    """Return the public functions and classes of a module by their names within the package."""
    names = getattr(space, "__all__", None) or [
        name for name, value in vars(space).items() if _is_own(space, name, value)
    ]
    prefix = space.__name__.removeprefix("linefit").removeprefix(".")
    return {f"{prefix}.{name}".removeprefix("."): getattr(space, name) for name in names}


def _is_own(space, name, value):
    return (
        not name.startswith("_")
        and getattr(value, "__module__", "") == space.__name__
        and (inspect.isfunction(value) or inspect.isclass(value))
    )


def _methods(cls):
    kinds = types.FunctionType, classmethod, staticmethod
    return {
        name
        for name, value in vars(cls).items()
        if not name.startswith("_") and isinstance(value, kinds)
    }


def _attributes(cls):
    """Return the public properties, slots and fields of a class."""
    fields = [*vars(cls), *getattr(cls, "__slots__", ()), *inspect.get_annotations(cls)]
    return {name for name in fields if not name.startswith("_")} - _methods(cls)


PUBLIC = {name: value for space in SPACES for name, value in _public(space).items()}
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}


def test_the_contract_covers_every_public_signature():
    """A new public function or method is one that somebody has promised, here."""
    functions = {name for name, value in PUBLIC.items() if inspect.isfunction(value)}
    methods = {f"{name}.{method}" for name, cls in CLASSES.items() for method in _methods(cls)}
    assert (functions | methods | CONSTRUCTORS) - RECORDING == CONTRACT.keys()


def test_the_contract_covers_every_public_class():
    """A new public class has its attributes promised, if it has any."""
    assert {name for name, cls in CLASSES.items() if _attributes(cls)} == ATTRIBUTES.keys()


def test_the_contract_finds_what_is_new(monkeypatch):
    """The two tests above see a function, a method and an attribute that nobody has promised."""
    for space in (linefit.plotting, linefit.tape):
        new = types.FunctionType((lambda: None).__code__, {"__name__": space.__name__})
        monkeypatch.setattr(space, "new", new, raising=False)
        assert set(_public(space)) - PUBLIC.keys() == {f"{space.__name__.split('.')[1]}.new"}
    monkeypatch.setattr(linefit.Line, "new", classmethod(lambda cls: None), raising=False)
    assert "new" in _methods(linefit.Line)
    monkeypatch.setattr(linefit.Fit, "new", property(lambda self: None), raising=False)
    assert "new" in _attributes(linefit.Fit)


def test_graph_and_tape_are_reached_by_name():
    """`linefit.graph` records and `linefit.tape` is the engine by hand."""
    assert callable(linefit.graph.record)
    assert callable(linefit.tape.Tape)


def test_divergence_is_a_floating_point_error():
    """Who catches FloatingPointError catches a diverging descent."""
    assert issubclass(linefit.DivergenceError, FloatingPointError)


def test_public_names_are_sorted_and_exist():
    """`__all__` is in order, without repetition, and every name is there."""
    assert sorted(set(linefit.__all__)) == linefit.__all__
    assert all(hasattr(linefit, name) for name in linefit.__all__)


@pytest.mark.slow
def test_importing_does_not_import_matplotlib():
    """Only `linefit.plotting` draws; whoever does not draw does not wait for matplotlib."""
    code = "import sys, linefit.graph, linefit.tape; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_version_is_the_distributions():
    """The version is written once for people and once for pip: both say the same."""
    assert importlib.metadata.version("linefit-autograd") == linefit.__version__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstring_is_complete(name):
    """A public function describes its arguments and result and shows an example."""
    docstring = inspect.getdoc(getattr(linefit, name))
    needed = ["Returns\n---", "Examples\n---"]
    if inspect.signature(getattr(linefit, name)).parameters:
        needed.append("Parameters\n---")
    assert [section for section in needed if section not in docstring] == []


def _imported(path):
    """Return what a module imports of the graph package: "draw" for ``linefit.graph.draw.svg``."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    found = [n for n in tree if isinstance(n, ast.Import | ast.ImportFrom)]
    names = [
        f"{getattr(n, 'module', '')}.{alias.name}".strip(".") for n in found for alias in n.names
    ]
    return {name.split(".")[2] for name in names if name.startswith("linefit.graph.")}


@pytest.mark.parametrize(
    "path", sorted(GRAPH.rglob("*.py")), ids=lambda p: str(p.relative_to(GRAPH))
)
def test_rooms_of_the_graph_know_only_what_is_common(path):
    """Recorder, tape, figures, steps and exports meet in graph.py alone; only steps use figures."""
    room = path.relative_to(GRAPH).parts[0]
    if room not in {"graph.py", "__init__.py"}:
        common = {"errors", "find", "nodes", "numbers", "sentences"}
        assert _imported(path) <= common | {room} | ({"draw"} if room == "steps" else set())


@pytest.mark.parametrize(
    "path", sorted(GRAPH.rglob("*.py")), ids=lambda p: str(p.relative_to(GRAPH))
)
def test_english_of_figures_stands_in_one_module(path):
    """Elsewhere there are no phrases, but for docstrings and the messages of errors."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    errors = [part for n in ast.walk(tree) if isinstance(n, ast.Raise) for part in ast.walk(n)]
    docstrings = [n.value for n in ast.walk(tree) if isinstance(n, ast.Expr)]
    texts = {n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    phrase = re.compile(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}")
    phrases = [n.value for n in texts - {*errors, *docstrings} if phrase.search(n.value)]
    assert bool(phrases) == (path.name == "sentences.py")
