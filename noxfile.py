# /// script
# dependencies = ["nox"]
# ///
"""Every task of the project; ``nox -l`` lists them, ``nox -s docs`` runs one."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import nox
from nox.command import CommandFailed
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
CONSTRAINTS = ROOT / "constraints.txt"
PINS_HEADER = """\
# The releases that this project is built and tested with, on every Python that it supports.
# Written by `nox -s pins`; do not edit by hand.
"""
# Each wheel of torch asks for the CUDA libraries that it was built with; we pin none of them.
CUDA = re.compile(r"(cuda|nvidia)-|triton=")
HTML = ROOT / "docs" / "_build" / "html"
LOCALES = ROOT / "docs" / "locales"  # the catalogs of each language that has an edition
NPM = ROOT / ".nox" / "npm"

# PyTorch's own index offers wheels without CUDA for Linux; elsewhere the default one has no other.
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
TORCH_INDEX = os.environ.get("LINEFIT_TORCH_INDEX", CPU_WHEELS if sys.platform == "linux" else "")

# TensorFlow and JAX are large: a page that compares them says so where they are missing.
SYSTEMS = [] if os.environ.get("LINEFIT_SYSTEMS", "") in {"", "0"} else ["systems"]

ENV = ROOT / ".nox" / f"env-{sys.version_info.major}.{sys.version_info.minor}"
BIN = ENV / ("Scripts" if sys.platform == "win32" else "bin")
DOCTREES = ROOT / "docs" / "_build" / "doctrees"
SPHINX = ["-n", "-d", str(DOCTREES), "docs"]
AUTOBUILD_IGNORE = r"auto_gallery|sg_execution_times|/_inv/|/_build/|backreferences"

# Two tests at a time, because many wait for a process of their own.
SIDE_BY_SIDE = ["--numprocesses=2", "--dist=worksteal"]
PACKAGE = ["--ignore=tests/site", "--ignore=tests/ext"]
UNIT = ["-m", "not site and not browser", *PACKAGE]
EXTENSIONS = ["-m", "not site and not browser", "tests/ext"]
QUICK = ["-m", "not slow and not site and not browser", "--ignore=tests/site"]

# These sessions share one environment: torch is then unpacked once, and the tests meet the
# site that `docs` has built with the very same interpreter.
shared = partial(nox.session, venv_backend="none")


@shared(default=True)
def lint(session: nox.Session) -> None:
    """Check style, formatting, types and the workflow files; change nothing."""
    run = _environment(session, "lint")
    run("ruff", "check")
    run("ruff", "format", "--check", "--diff")
    run("mypy")
    run("codespell")
    for schema, path in _schemas():
        run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", path)
    run("zizmor", "--offline", "--no-progress", ".github")


@shared(default=True)
def docs(session: nox.Session) -> None:
    """Build the site, executing every page and script; a warning is an error."""
    run = _environment(session, "docs")
    _build(run, *session.posargs)
    session.log(f"The site: {HTML / 'index.html'}")


@shared(default=True)
def tests(session: nox.Session) -> None:
    """Run the tests, the site's among them; arguments after ``--`` go to pytest."""
    run = _environment(session, "test")
    _build(run)
    # A part of the tests cannot reach the coverage of the whole.
    run("pytest", *(session.posargs or ["--cov", *SIDE_BY_SIDE]))


@shared(default=False)
def site(session: nox.Session) -> None:
    """Build the site, measure each of its pages and print the table; a missed goal is an error."""
    run = _environment(session, "test")
    _build(run)
    run("python", "tests/site/measure.py")


@shared(default=False)
def unit(session: nox.Session) -> None:
    """Test the package; build nothing, open no browser."""
    run = _environment(session, "test")
    run("pytest", *UNIT, *(session.posargs or SIDE_BY_SIDE))


@shared(default=False)
def extensions(session: nox.Session) -> None:
    """Test the site's extensions on tiny sites."""
    run = _environment(session, "test")
    run("pytest", *EXTENSIONS, *(session.posargs or SIDE_BY_SIDE))


@shared(default=False)
def quick(session: nox.Session) -> None:
    """Run the tests of package and extensions but for those that take seconds."""
    run = _environment(session, "test")
    run("pytest", *QUICK, *(session.posargs or SIDE_BY_SIDE))


@shared(default=False)
def takeaway(session: nox.Session) -> None:
    """Run every download of the site in one empty environment, as its first lines fill it."""
    run = _environment(session, "test")
    _build(run)
    # What the downloads name is installed in the releases that the site was built with.
    session.env["PIP_CONSTRAINT"] = str(CONSTRAINTS)
    if TORCH_INDEX:
        session.env["PIP_EXTRA_INDEX_URL"] = TORCH_INDEX
    run("pytest", *(session.posargs or ["tests/takeaway"]))


@shared(default=False)
def reproducible(session: nox.Session) -> None:
    """Build the site twice from nothing, and compare the bytes; measured times may differ."""
    run = _environment(session, "test")
    _install_from_npm(run)
    place = Path(session.create_tmp())
    date = session.run("git", "log", "-1", "--format=%ct", external=True, silent=True)
    session.env["SOURCE_DATE_EPOCH"] = str(date).strip()
    sites = [place / "first", place / "second"]
    for site in sites:
        for folder in (place / "sources", site, place / "doctrees"):
            shutil.rmtree(folder, ignore_errors=True)
        _copy_sources(session, place / "sources")
        session.env["PYTHONPATH"] = str(place / "sources")  # not the checkout's package
        docs = ["-n", "-d", str(place / "doctrees"), str(place / "sources" / "docs")]
        run("sphinx-build", "-b", "html", "-W", "--keep-going", *docs, str(site))
    run("python", "tests/site/reproducible.py", *map(str, sites))


@shared(default=False)
def pseudo(session: nox.Session) -> None:
    """Put every message between marks, build, and fail if no translation reaches some text."""
    run = _environment(session, "test")
    _build(run)
    place = ROOT / "docs" / "_build" / "pseudo"
    shutil.rmtree(place, ignore_errors=True)
    _write_messages(run, place / "messages")
    program, locale = "tests/site/pseudo.py", place / "locale"
    run("python", program, "translate", str(place / "messages"), str(locale))
    _build_edition(run, "eo", locale, place / "trees", place / "html")
    run("python", program, "find", str(place / "html"))


@nox.session(default=False)
def translate(session: nox.Session) -> None:
    """Write all messages, or those that changed, for translators: ``-- zh_CN`` names languages."""
    languages = [f"--language={name}" for name in session.posargs or _languages()]
    if not languages:
        session.error("name a language, as in: nox -s translate -- zh_CN")
    session.install("sphinx-intl")
    run = _environment(session, "docs")
    _install_from_npm(run)
    messages = ROOT / "docs" / "_build" / "messages"
    _write_messages(run, messages)
    places = [f"--pot-dir={messages}", f"--locale-dir={LOCALES}"]
    session.run("sphinx-intl", "update", *places, *languages)


@shared(default=False)
def serve(session: nox.Session) -> None:
    """Build the site, show it at a local address, and rebuild it at every change."""
    run = _environment(session, "serve")
    _install_from_npm(run)
    ignore = ["--re-ignore", AUTOBUILD_IGNORE]
    watch = ["--watch", "linefit", "--watch", "gallery"]
    run("sphinx-autobuild", *ignore, *watch, *SPHINX, str(HTML), *session.posargs)


@shared(default=False)
def linkcheck(session: nox.Session) -> None:
    """Follow every link that leaves the site; needs a network."""
    run = _environment(session, "docs")
    _install_from_npm(run)
    run("sphinx-build", "-b", "linkcheck", *SPHINX, "docs/_build/linkcheck", *session.posargs)


@shared(default=False)
def bench(session: nox.Session) -> None:
    """Time the package against the plain alternatives; print a table, write a JSON file."""
    run = _environment(session, "bench")
    report = ROOT / ".nox" / "bench.json"
    found = ["-o", "python_files=bench_*.py", "-o", "python_functions=bench_*"]
    columns = "--benchmark-columns=min,median,iqr,rounds"
    output = [columns, f"--benchmark-json={report}", "--benchmark-sort=min"]
    run("pytest", *found, *output, "tests/benchmarks", *session.posargs)
    session.log(f"All timings: {report}")


@nox.session(default=False)
def minimums(session: nox.Session) -> None:
    """Test the package with the oldest releases that pyproject.toml allows."""
    package = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    oldest = [f"{requirement.name}=={_lower_bound(requirement)}" for requirement in package]
    # The test tools stay as they are pinned; what an old release needs beside it is its own choice.
    tools = {canonicalize_name(Requirement(text).name) for text in _requirements("package")}
    kept = [str(pin) for pin in _pins() if canonicalize_name(pin.name) in tools]
    pins = Path(session.create_tmp()) / "constraints.txt"
    pins.write_text("\n".join([*kept, *oldest]), encoding="utf-8")
    for arguments in _pip_arguments(["build", "package"], ["-c", str(pins)]):
        session.install(*arguments)
    # Old releases meet new ones here: their deprecation warnings are nobody's fault.
    session.run("pytest", *UNIT, "-W", "default", *(session.posargs or SIDE_BY_SIDE))


@nox.session(default=False)
def newest(session: nox.Session) -> None:
    """Build the site and test package and extensions with the newest release of everything."""
    for arguments in _pip_arguments(["test", *SYSTEMS], ["--upgrade"]):
        session.install(*arguments)
    session.run("python", "-m", "pip", "freeze", "--exclude-editable")
    run = partial(session.run, env={"LINEFIT_NPM": str(NPM)})
    _build(run)
    for selected in (UNIT, EXTENSIONS):
        run("pytest", *selected, *(session.posargs or SIDE_BY_SIDE))


@nox.session(default=False)
def review(session: nox.Session) -> None:
    """Hold the repository against the Scientific Python guidelines."""
    session.install("-c", str(CONSTRAINTS), *_requirements("review"))
    session.run("sp-repo-review", ".", *session.posargs)


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Ask for known vulnerabilities of everything that is pinned; needs a network."""
    session.install("pip-audit")
    pins = ["--requirement", str(CONSTRAINTS), "--no-deps", "--disable-pip"]
    session.run("pip-audit", *pins, *session.posargs)


@nox.session(default=False)
def pins(session: nox.Session) -> None:
    """Write constraints.txt anew; hold a release back with ``-- torch==2.13.0``."""
    session.install("uv")
    held = Path(session.create_tmp()) / "held.txt"
    held.write_text("\n".join(session.posargs), encoding="utf-8")
    # One resolution for all systems and for every Python from the oldest on: where a release
    # needs a newer Python, the older one keeps what it can have.
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    command = ["uv", "pip", "compile", "pyproject.toml", "--group=dev", "--universal"]
    options = [f"--python-version={oldest}", f"--constraints={held}", "--no-header"]
    resolved = session.run(*command, *options, "--no-annotate", "--quiet", silent=True)
    lines = [line for line in str(resolved).splitlines() if not CUDA.match(line)]
    CONSTRAINTS.write_text(PINS_HEADER + "\n".join(lines) + "\n", encoding="utf-8")


Run = Callable[..., object]  # runs a program of the shared environment


def _environment(session: nox.Session, group: str) -> Run:
    """Make the shared environment hold a dependency group; return what runs programs in it.

    Nothing is installed, and no network needed, while pyproject.toml and the pins stay the same.
    """
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    env = {"PATH": path, "VIRTUAL_ENV": str(ENV), "LINEFIT_NPM": str(NPM)}

    def run(program: str, *args: str) -> object:
        return session.run(str(BIN / program), *args, env=env, external=True)

    if not BIN.exists():
        session.run(sys.executable, "-m", "virtualenv", "--quiet", str(ENV), external=True)
    sources = [ROOT / "pyproject.toml", CONSTRAINTS]
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    groups = [group, *SYSTEMS]
    stamp = ENV / f"installed-{'-'.join(groups)}.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != state:
        session.log("Installing; the first time takes a minute or more, and a network.")
        for arguments in _pip_arguments(groups, ["-c", str(CONSTRAINTS)]):
            run("python", "-m", "pip", "install", "-qq", *arguments)
        stamp.write_text(state, encoding="utf-8")
    return run


def _pip_arguments(groups: list[str], releases: list[str]) -> Iterator[list[str]]:
    """Install torch first and without CUDA, then dependency groups, then the package.

    ``releases`` tells pip which releases to take: pinned ones, or the newest.
    """
    index = ["--extra-index-url", TORCH_INDEX, "--retries=2"] if TORCH_INDEX else []
    yield [*releases, *index, "--no-deps", "torch"]  # the rest comes from the usual index
    yield [*releases, *_requirements(*groups)]
    yield [*releases, "--no-build-isolation", "-e", "."]


def _pins() -> list[Requirement]:
    """Return the pins that are for this Python on this system."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    return [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]


def _requirements(*groups: str) -> list[str]:
    return list(dict.fromkeys(nox.project.dependency_groups(PROJECT, *groups)))


def _build(run: Run, *args: str) -> None:
    """Build the site into docs/_build/html; without a change this takes seconds."""
    languages = _languages()
    _install_from_npm(run)
    _forget_removed(languages)
    try:
        run("sphinx-build", "-b", "html", "-W", "--keep-going", *SPHINX, str(HTML), *args)
        for language in languages:
            trees = DOCTREES.with_name(f"doctrees-{language}")  # the languages share none
            edition = HTML.with_name(f"html-{language}")  # MyST-NB writes beside it, too
            _build_edition(run, language, LOCALES, trees, edition, *args)
            published = _place(language)
            shutil.rmtree(published, ignore_errors=True)
            shutil.copytree(edition, published)
    except CommandFailed:
        # Sphinx would not warn again about a page that it has read: make it read all of them.
        for trees in DOCTREES.parent.glob("doctrees*"):
            shutil.rmtree(trees, ignore_errors=True)
        raise


def _languages() -> list[str]:
    """Return the languages that have an edition beside the English one."""
    return sorted(path.parent.name for path in LOCALES.glob("*/LC_MESSAGES"))


def _place(language: str) -> Path:
    """Return where an edition is published."""
    return HTML / language.replace("_", "-")


def _write_messages(run: Run, folder: Path) -> None:
    """Write all that can be translated as templates of catalogs."""
    trees = folder.with_name("message-trees")
    strict = ["-q", "-n", "-W", "--keep-going"]
    run("sphinx-build", "-b", "gettext", *strict, "-d", str(trees), "docs", str(folder))


def _build_edition(
    run: Run, language: str, locales: Path, trees: Path, target: Path, *args: str
) -> None:
    """Build the site in a translation; no code runs again for it."""
    options = ["-D", f"language={language}", "-D", f"locale_dirs={locales}", "-d", str(trees)]
    strict = ["-q", "-n", "-W", "--keep-going"]
    run("sphinx-build", "-b", "html", *strict, *options, "docs", str(target), *args)


def _copy_sources(session: nox.Session, folder: Path) -> None:
    """Copy what git knows or could add: the sources, without what builds have left."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = str(session.run(*listed, external=True, silent=True)).split("\0")
    for name in (name for name in names if name and (ROOT / name).is_file()):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)


def _forget_removed(languages: list[str]) -> None:
    """Forget editions without catalogs; start from nothing if a script is gone.

    Sphinx-Gallery would stumble over what a removed script has left.
    """
    for edition in HTML.parent.glob("html-*"):
        language = edition.name.removeprefix("html-")
        if language not in languages:
            for folder in (edition, DOCTREES.with_name(f"doctrees-{language}"), _place(language)):
                shutil.rmtree(folder, ignore_errors=True)
    generated = ROOT / "docs" / "auto_gallery"
    known = {path.relative_to(ROOT / "gallery") for path in ROOT.glob("gallery/*/plot_*.py")}
    if {path.relative_to(generated) for path in generated.glob("*/plot_*.py")} - known:
        built = [*HTML.parent.glob("html*"), *HTML.parent.glob("doctrees*")]
        for folder in (generated, *built):
            shutil.rmtree(folder, ignore_errors=True)


def _install_from_npm(run: Run) -> None:
    """Install what docs/package.json pins beside the environments, once."""
    wanted = (ROOT / "docs" / "package.json").read_bytes()
    copy = NPM / "package.json"
    if copy.exists() and copy.read_bytes() == wanted and (NPM / "node_modules").exists():
        return
    NPM.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(wanted)
    run("npm", "install", "--prefix", str(NPM), "--no-audit", "--no-fund", "--no-package-lock")


def _lower_bound(requirement: Requirement) -> str:
    return next(s.version for s in requirement.specifier if s.operator == ">=")


def _schemas() -> list[tuple[str, str]]:
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    templates = ROOT / ".github" / "ISSUE_TEMPLATE"
    forms = [path for path in sorted(templates.glob("*.yml")) if path.stem != "config"]
    return [
        *(("github-workflows", str(path.relative_to(ROOT))) for path in workflows),
        *(("github-issue-forms", str(path.relative_to(ROOT))) for path in forms),
        ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("dependabot", ".github/dependabot.yml"),
        ("readthedocs", ".readthedocs.yaml"),
    ]


if __name__ == "__main__":
    nox.main()
