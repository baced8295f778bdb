"""The package as a whole: its names, its signatures, its files and the commands of the README."""

import ast
import importlib.metadata
import inspect
import re
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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
    "Fit.__getitem__": lambda self, index: None,
    "Moments.to": lambda self, device: None,
    "Moments.__getitem__": lambda self, index: None,
    "Line.to": lambda self, target: None,
    "Line.__getitem__": lambda self, index: None,
    "Line.__call__": lambda self, x: None,
    "Line.from_slope_intercept": lambda slope, intercept: None,
    "Line.signed_distance": lambda self, x, y: None,
    "Line.y_at": lambda self, x: None,
    "plotting.plot_points": lambda ax, x, y, **kwargs: None,
    "plotting.plot_line": lambda ax, line, **kwargs: None,
    "plotting.plot_fit": lambda ax, fit, *, level=0.95, **kwargs: None,
    "plotting.plot_residuals": lambda ax, x, y, line, *, perpendicular=True: None,
    "plotting.plot_loss": lambda ax, descent, **kwargs: None,
    "plotting.plot_loss_map": lambda ax, x, y, *, slopes, intercepts,
    loss=linefit.perpendicular_loss: None,
    "plotting.plot_graph": lambda ax, graph: None,
}  # fmt: skip
ATTRIBUTES = {
    "Line": {"normal", "offset", "angle", "slope", "intercept"},
    "Descent": {"history", "best", "last", "line", "converged", "still", "minimum", "warning"},
    "Fit": {
        "line",
        "loss",
        "n_steps",
        "converged",
        "slope_se",
        "intercept_se",
        "covariance",
        "hessian_covariance",
        "chi2",
        "dof",
        "reduced_chi2",
        "p_value",
        "residuals",
        "points",
        "residual_scatter",
    },
    "Moments": {"n", "mean_x", "mean_y", "sxx", "sxy", "syy"},
    "History": {"loss", "slope", "intercept"},
    "Step": {"step", "loss", "slope", "intercept"},
    "NoisyLine": {"x", "y", "true_line"},
    "Hubble": {"x", "y", "names"},
    "PearsonYork": {"x", "y", "x_std", "y_std"},
}
MODULES = sorted((ROOT / "linefit").rglob("*.py"))
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
    """A result keeps the attributes that pages and scripts read."""
    cls = getattr(linefit, name)
    has = set(dir(cls)) | set(getattr(cls, "__dataclass_fields__", {}))
    assert ATTRIBUTES[name] - has == set()


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


@pytest.mark.parametrize("module", ["linefit", "linefit.graph", "linefit.tape"])
def test_importing_does_not_import_matplotlib(module):
    """Only `linefit.plotting` draws; whoever does not draw does not wait for matplotlib."""
    code = f"import sys, {module}; sys.exit('matplotlib' in sys.modules)"
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


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_reads_at_one_sitting(path):
    """A module has at most 250 lines, a function at most 25 without docstring and blank lines."""
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 250
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]
    long = {f.name: n for f in functions if (n := _body_lines(f, source)) > 25}
    assert long == {}


def _body_lines(function, source):
    body = function.body[ast.get_docstring(function) is not None :]
    lines = source.splitlines()[body[0].lineno - 1 : body[-1].end_lineno] if body else []
    return sum(bool(line.strip()) for line in lines)


def test_readme_commands_are_the_ones_that_ci_runs():
    """The two commands of the README set themselves up, and CI runs the very same lines."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python -m pip install .*nox -s \w+$", readme, re.MULTILINE)
    assert [command.split()[-1] for command in commands] == ["docs", "tests"]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "README.md" in script


def test_constraints_pin_every_requirement():
    """Each dependency that is for this system has its one exact release and no address."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    pinned = {re.sub(r"[-_.]+", "-", pin.partition("==")[0]).lower() for pin in pins}
    assert _required() - pinned == set()


def _required():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"].values()
    texts = [text for group in groups for text in group if isinstance(text, str)]
    wanted = map(Requirement, texts + project["project"]["dependencies"])
    return {canonicalize_name(r.name) for r in wanted if not r.marker or r.marker.evaluate()}
