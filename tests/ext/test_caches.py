"""When pages and scripts are executed again."""

import importlib.metadata
import json
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from sphinx.config import Config

import caches

PAGES = {"docs/learn/fit.md": "fit", "docs/learn/draw.md": "draw", "docs/about.md": None}
SCRIPT = "gallery/line/plot_1.py"


@pytest.fixture
def root(tmp_path):
    """Return a project: a page and a script that fit, a page that draws, a page without code."""
    files = {
        "linefit/__init__.py": "from linefit.fit import fit\nfrom linefit.draw import draw\n",
        "linefit/fit.py": "def fit(): pass\n",
        "linefit/draw.py": "def draw(): pass\n",
        "docs/matplotlibrc": "savefig.dpi: 100\n",
        "docs/_ext/kernels.py": "CONFIG = ''\n",
        SCRIPT: "from linefit import fit\n",
    }
    for page, name in PAGES.items():
        cell = f"```{{code-cell}} python3\nfrom linefit import {name}\n```\n"
        files[page] = f"# Page\n\n{cell if name else ''}"
    for path, text in files.items():
        change(tmp_path, path, text)
    return tmp_path


def change(root, path, text="changed = True\n"):
    """Write a file of the project."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def changed(root, path, text="changed = True\n"):
    """Write a file of the project and return whose stamps that changes."""
    before = caches.stamps(root)
    change(root, path, text)
    after = caches.stamps(root)
    return {name for name in before if after[name] != before[name]}


ALL = {*PAGES, SCRIPT}
FITS = {"docs/learn/fit.md", SCRIPT}


@pytest.mark.parametrize(
    ("path", "whose"),
    [
        ("linefit/fit.py", FITS),
        ("linefit/draw.py", {"docs/learn/draw.md"}),
        ("linefit/__init__.py", set()),
        ("linefit/new.py", set()),
        ("linefit/__pycache__/fit.pyc", set()),
        ("docs/matplotlibrc", ALL),
        ("docs/_ext/kernels.py", ALL),
        ("docs/about.md", set()),
        ("README.md", set()),
    ],
)
def test_stamp_knows_what_a_page_depends_on(root, path, whose):
    """A stamp changes with the modules that a page or script imports, and with no others."""
    assert caches.stamps(root) == caches.stamps(root)
    text = (root / path).read_text(encoding="utf-8") if (root / path).exists() else ""
    assert changed(root, path, f"{text}\n# changed\n") == whose


def test_stamp_knows_the_names_of_the_sources(root):
    """The same text in another module is another package."""
    before = caches.stamps(root)
    (root / "linefit" / "fit.py").rename(root / "linefit" / "fits.py")
    init = (root / "linefit/__init__.py").read_text(encoding="utf-8")
    change(root, "linefit/__init__.py", init.replace("linefit.fit", "linefit.fits"))
    after = caches.stamps(root)
    assert {name for name in before if after[name] != before[name]} == FITS


@pytest.mark.parametrize("fact", ["release", "compiler", "device"])
def test_stamp_knows_the_machine(root, monkeypatch, fact):
    """Another release of a library, compiler or device is a reason to execute again."""
    before = caches.stamps(root)
    monkeypatch.setattr(caches, fact, lambda *_: "another")
    assert all(stamp != before[name] for name, stamp in caches.stamps(root).items())


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


@pytest.fixture
def built(root):
    """Return a function that starts a build, and what a build has left of the last one."""
    executed = root / "docs" / "_build" / "executed"
    digest = root / "docs" / "auto_gallery" / "line" / "plot_1.py.md5"

    def start():
        app = SimpleNamespace(confdir=root / "docs", srcdir=str(root / "docs"))
        app.config = Config({}, {})
        app.config.add("nb_execution_cache_path", "", "env", [str])
        caches.forget_changed(app, app.config)
        assert app.config["nb_execution_cache_path"] == str(executed)
        return app

    def execute():
        cache = get_cache(executed)
        for page in PAGES:
            cells = [nbformat.v4.new_code_cell(page, execution_count=1)]
            bundle = CacheBundleIn(nbformat.v4.new_notebook(cells=cells), str(root / page))
            cache.cache_notebook_bundle(bundle, overwrite=True)
        cache.db.dispose()
        digest.parent.mkdir(parents=True, exist_ok=True)
        digest.write_text("0", encoding="utf-8")

    def left():
        cache = get_cache(executed)
        names = {record.uri.removeprefix(f"{root}/") for record in cache.list_cache_records()}
        cache.db.dispose()
        return names | ({SCRIPT} if digest.exists() else set())

    return start, execute, left


def test_the_first_build_finds_nothing(built):
    """What an unknown build has left is executed again."""
    start, execute, left = built
    execute()
    start()
    assert left() == set()


def test_the_same_stamps_keep_everything(built):
    """A second build finds the pages and digests of the first."""
    start, execute, left = built
    start()
    execute()
    start()
    assert left() == ALL


def test_a_change_forgets_what_depends_on_it(built, root):
    """After an edit of one module only the pages and scripts that import it are executed."""
    start, execute, left = built
    start()
    execute()
    change(root, "linefit/fit.py")
    start()
    assert left() == ALL - FITS


def test_sphinx_reads_a_page_again_that_was_read_under_another_stamp(built, root):
    """Also where the build between was stopped: what counts is when the page was read."""
    start, *_ = built
    app = start()
    names = {"learn/fit", "learn/draw", "about"}
    app.env = SimpleNamespace(found_docs=names, metadata={name: {} for name in names})
    assert set(caches.outdated(app, app.env, set(), set(), set())) == names
    for app.env.docname in names:
        caches.remember(app, None)
    assert caches.outdated(app, app.env, set(), set(), set()) == []
    change(root, "linefit/draw.py")
    start()  # a build that ends before it reads a page
    again = start()
    assert caches.outdated(again, app.env, set(), set(), set()) == ["learn/draw"]


def test_a_clone_gets_its_folder(built, root):
    """From a clone, where nothing has been generated, it starts as well."""
    start, *_ = built
    start()
    kept = root / "docs" / "_build" / "executed" / "stamps.json"
    assert json.loads(kept.read_text(encoding="utf-8")) == caches.stamps(root)


def test_stamps_are_found_anew_only_after_a_change(root, tmp_path, monkeypatch):
    """The second time they come from memory; a file or a library that changed is noticed."""
    memory = tmp_path / "new" / "stamps.json"
    first = caches.remembered(root, memory)
    assert first == caches.stamps(root)
    with monkeypatch.context() as patch:
        patch.setattr(caches, "stamps", None)  # not to be called
        assert caches.remembered(root, memory) == first
    change(root, "linefit/draw.py")
    second = caches.remembered(root, memory)
    assert second == caches.stamps(root) != first
    monkeypatch.setattr(caches, "release", lambda library: "another")
    assert caches.remembered(root, memory) == caches.stamps(root) != second
