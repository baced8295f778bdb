"""The repository's files that must agree: pins, requirements, hooks, the README's commands."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import readme
from readme import commands
from sources import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = [Requirement(line) for line in LINES if not line.startswith("#")]
SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]
# What a hook and a session both run, by its name on the index.
HOOKS = {
    "https://github.com/astral-sh/ruff-pre-commit": "ruff",
    "https://github.com/python-jsonschema/check-jsonschema": "check-jsonschema",
    "https://github.com/zizmorcore/zizmor-pre-commit": "zizmor",
    "https://github.com/codespell-project/codespell": "codespell",
}


def meant(requirement, python):
    """Whether a requirement is for a Python, on Linux."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    return requirement.marker is None or requirement.marker.evaluate(environment)


def pinned(python):
    """Return the pins that count for a Python, by name."""
    found = [pin for pin in PINS if meant(pin, python)]
    names = [canonicalize_name(pin.name) for pin in found]
    assert len(names) == len(set(names)), "a name is pinned twice for one Python"
    return dict(zip(names, found, strict=True))


def test_pins_are_exact():
    """Each pin is one exact release, without an address."""
    for pin in PINS:
        (specifier,) = pin.specifier
        assert (specifier.operator, pin.url) == ("==", None)
        assert "*" not in specifier.version


@pytest.mark.parametrize("python", SUPPORTED)
def test_constraints_pin_every_requirement(python):
    """Each dependency has its one release on each Python, and it is among those allowed."""
    groups = PROJECT["dependency-groups"].values()
    texts = [text for group in groups for text in group if isinstance(text, str)]
    wanted = map(Requirement, texts + PROJECT["project"]["dependencies"])
    pins = pinned(python)
    for requirement in (each for each in wanted if meant(each, python)):
        (release,) = pins[canonicalize_name(requirement.name)].specifier
        assert requirement.specifier.contains(release.version), requirement


def test_supported_pythons_are_declared():
    """The classifiers name the supported Pythons, and none is ruled out."""
    head = "Programming Language :: Python :: "
    named = {c.removeprefix(head) for c in PROJECT["project"]["classifiers"] if head in c}
    assert named == {"3 :: Only", *SUPPORTED}
    assert PROJECT["project"]["requires-python"] == f">={SUPPORTED[0]}"


def test_hooks_have_the_pinned_releases():
    """What pre-commit runs is the release that the sessions run."""
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    revisions = {repo["repo"]: repo["rev"] for repo in yaml.safe_load(text)["repos"]}
    pins = pinned(SUPPORTED[0])
    wanted = {name: next(iter(pins[name].specifier)).version for name in HOOKS.values()}
    assert {name: revisions[repo].removeprefix("v") for repo, name in HOOKS.items()} == wanted


def test_readme_commands_are_the_ones_that_ci_runs(tmp_path):
    """What the README has its readers type is, to the letter, what CI types."""
    typed = commands((ROOT / "README.md").read_text(encoding="utf-8"))
    assert list(typed) == ["docs", "tests"]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    taken = re.findall(r"^(\w+)=\$\(python (tests/readme\.py \w+)\)$", script, re.MULTILINE)
    printed = {name: _printed(*call.split()) for name, call in taken}
    assert printed == {name: f"{command}\n" for name, command in typed.items()}
    assert re.findall(r'^bash -euc "\$(\w+)"', script, re.MULTILINE) == list(typed)


def _printed(script, *arguments):
    command = [sys.executable, ROOT / script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


COMMAND = "python -m pip install -c constraints.txt nox && python -m nox -s docs"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"```bash\n{COMMAND}\n```\n", {"docs": COMMAND}),
        (f"```bash\ncd linefit\n{COMMAND}\n```\n", {"docs": COMMAND}),
        (f"{COMMAND}\n", {}),
        (f"```text\n{COMMAND}\n```\n", {}),
        (f"```bash\n# {COMMAND}\n```\n", {}),
        (f"```bash\n{COMMAND} -- -v\n```\n", {}),
        ("```bash\npython -m pip install .\npython -m nox -s docs\n```\n", {}),
    ],
)
def test_command_is_a_line_of_shell_that_sets_itself_up(text, found):
    """Only a whole line within a block of shell that installs nox and runs a session counts."""
    assert commands(text) == found


def test_command_stands_once_in_the_readme():
    """With two commands for one session nobody would know which of them CI runs."""
    with pytest.raises(ValueError, match="two commands for 'docs'"):
        commands(f"```bash\n{COMMAND}\n```\n\n```bash\n{COMMAND}\n```\n")


def test_command_that_the_readme_lacks_is_an_error():
    """CI stops where the README has no command, and is told which there are."""
    with pytest.raises(SystemExit, match="no command for 'deploy', only for docs, tests"):
        readme.main("deploy")


def test_citation_is_of_the_package():
    """What others cite has the project's version, license and words for a search."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    about = PROJECT["project"]
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert cited["title"] == f"linefit: {about['description']}"
    assert cited["authors"] == about["authors"]
    for key in ("version", "license", "keywords"):
        assert cited[key] == about[key]


def test_ci_runs_only_sessions_that_exist():
    """Each session that the workflows name is in the noxfile."""
    named = set()
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"(?m)nox -s(( \w+)+)$|session: \[(.*)\]", text):
            named |= set(re.findall(r"\w+", match[1] or match[3]))
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    known = {f.name for f in tree.body if isinstance(f, ast.FunctionDef) and f.decorator_list}
    assert named
    assert named <= known


TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_can_fail(path):
    """A test asserts something itself, or expects an error or a warning."""
    functions = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    tests = [f for f in functions if isinstance(f, ast.FunctionDef) and f.name.startswith("test_")]
    assert [test.name for test in tests if not any(map(_asserts, ast.walk(test)))] == []


def _asserts(node):
    called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    return isinstance(node, ast.Assert) or re.match(
        r"assert_|pytest\.(raises|warns)$|.*\.assert_", called
    )
