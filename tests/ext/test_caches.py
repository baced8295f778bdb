"""When pages and scripts are executed again."""

import importlib.metadata
from types import SimpleNamespace

import pytest

import caches


@pytest.fixture
def root(tmp_path):
    """Return a project with a package, a style and a folder for the site."""
    for path, text in {
        "linefit/line.py": "a = 1\n",
        "linefit/graph/player.js": "let a = 1;\n",
        "docs/matplotlibrc": "savefig.dpi: 100\n",
        "docs/auto_gallery/line/plot_1.py.md5": "0",
        "docs/_build/executed/old/cell.json": "{}",
    }.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def configured(root):
    """Return the configuration that a build of the project starts with."""
    app = SimpleNamespace(confdir=root / "docs", srcdir=str(root / "docs"))
    config = {}
    caches.use_stamp(app, config)
    return config


def change(root, path, text="changed\n"):
    """Write a file of the project."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "path", ["linefit/line.py", "linefit/graph/player.js", "linefit/new.py", "docs/matplotlibrc"]
)
def test_stamp_knows_the_sources(root, path):
    """The stamp is another one when a file of the package or the style is."""
    before = caches.stamp(root)
    assert caches.stamp(root) == before
    change(root, path)
    assert caches.stamp(root) != before


def test_stamp_knows_the_names_of_the_sources(root):
    """The same text in another module is another package."""
    before = caches.stamp(root)
    (root / "linefit" / "line.py").rename(root / "linefit" / "lines.py")
    assert caches.stamp(root) != before


@pytest.mark.parametrize("path", ["linefit/__pycache__/line.pyc", "docs/index.md", "README.md"])
def test_stamp_is_only_of_what_matters(root, path):
    """Bytecode and pages are no reason to execute all of them again."""
    before = caches.stamp(root)
    change(root, path)
    assert caches.stamp(root) == before


@pytest.mark.parametrize("fact", ["release", "compiler", "device"])
def test_stamp_knows_the_machine(root, monkeypatch, fact):
    """Another release of a library, compiler or device is a reason to execute again."""
    before = caches.stamp(root)
    monkeypatch.setattr(caches, fact, lambda *_: "another")
    assert caches.stamp(root) != before


def test_release_of_a_library():
    """A library that is missing has no release, which is no error."""
    assert caches.release("torch") == importlib.metadata.version("torch")
    assert caches.release("no-library-of-this-name") == "none"


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Return a function that puts a program on an otherwise empty search path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def add(name, does=""):
        (folder / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
        return str(folder / name)

    return add


def test_compiler_is_the_one_that_torch_would_take(programs, monkeypatch):
    """The first of the usual ones counts, unless CXX names one; without any there is none."""
    assert caches.compiler() == "none"
    clang = programs("clang++")
    assert caches.compiler() == clang
    gcc = programs("g++")
    assert caches.compiler() == gcc
    monkeypatch.setenv("CXX", "clang++")
    assert caches.compiler() == clang
    monkeypatch.setenv("CXX", "missing++")
    assert caches.compiler() == "none"


def test_device_is_the_one_that_torch_would_take(programs, monkeypatch):
    """The card's name counts where there is one that may be used."""
    assert caches.device() == "cpu"
    programs("nvidia-smi", "echo 'NVIDIA X100'")
    assert caches.device() == "NVIDIA X100\n"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert caches.device() == "cpu"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    programs("nvidia-smi", "exit 1")
    assert caches.device() == "cpu"


def test_a_new_stamp_forgets_what_the_old_one_made(root):
    """Executed pages and the scripts' digests of another stamp are removed."""
    config = configured(root)
    executed = root / "docs" / "_build" / "executed"
    assert config == {"nb_execution_cache_path": str(executed / caches.stamp(root))}
    assert list(executed.iterdir()) == []
    assert list((root / "docs").rglob("*.md5")) == []


def test_the_same_stamp_keeps_everything(root):
    """A second build finds the pages and digests of the first."""
    first = configured(root)
    kept = ["docs/auto_gallery/line/plot_1.py.md5", f"{first['nb_execution_cache_path']}/cell.json"]
    for path in kept:
        change(root, path)
    assert configured(root) == first
    assert [(root / path).exists() for path in kept] == [True, True]


def test_a_change_of_the_package_starts_again(root):
    """After a change the pages have another folder, and that of before is gone."""
    first = configured(root)["nb_execution_cache_path"]
    change(root, f"{first}/cell.json")
    change(root, "linefit/line.py")
    second = configured(root)["nb_execution_cache_path"]
    assert second != first
    assert not (root / first).exists()


def test_the_first_build_makes_its_folder(tmp_path):
    """From a clone, where nothing has been generated, it starts as well."""
    (tmp_path / "docs").mkdir()
    configured(tmp_path)
    stamp = tmp_path / "docs" / "auto_gallery" / "stamp.txt"
    assert stamp.read_text(encoding="utf-8") == caches.stamp(tmp_path)
