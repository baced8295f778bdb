"""The repository's files that must agree with each other: pins, requirements, hooks."""

import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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
