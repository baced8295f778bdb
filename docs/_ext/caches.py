"""Execute a page or script again when something changed that its own cache does not look at.

MyST-NB and Sphinx-Gallery compare the text of a page or script.  The stamp of a source holds the
rest: the files of the package that it imports, the figures' style, the releases of the
libraries, and whether there are a C++ compiler and a CUDA device.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from docutils import nodes
from jupyter_cache import get_cache
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

from dependencies import Package, code_of

LIBRARIES = (
    "torch", "numpy", "matplotlib", "scipy", "scikit-learn", "odrpack", "jax",
    "tensorflow", "tensorflow-cpu",
)  # fmt: skip
COMPILERS = ("g++", "clang++", "cl")  # which torch.compile looks for, unless CXX names one
STYLE = ("docs/matplotlibrc", "docs/_ext/kernels.py")


def stamps(root: Path) -> dict[str, str]:
    """Return a short hash for each page and script, by its path; torch is not imported for it."""
    package = Package(root / "linefit")
    style = (root.joinpath(path).read_bytes() for path in STYLE)
    common = b"\0".join([*map(str.encode, facts()), *style])
    content = {p: p.relative_to(root).as_posix().encode() + p.read_bytes() for p in package.files}
    found = {}
    for source in sources(root):
        needed = sorted(package.needed(code_of(source)))
        parts = [common, *(content[path] for path in needed)]
        digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
        found[source.relative_to(root).as_posix()] = digest[:16]
    return found


def remembered(root: Path, memory: Path) -> dict[str, str]:
    """Return the stamps, found anew only if a file or a fact is not what it was the last time."""
    files = [*Package(root / "linefit").files, *sources(root), *(root / name for name in STYLE)]
    files += [Path(__file__), Path(__file__).with_name("dependencies.py")]
    texts = [part for path in files for part in (str(path).encode(), path.read_bytes())]
    state = hashlib.sha256(b"\0".join([*map(str.encode, facts()), *texts])).hexdigest()
    if memory.exists():
        known = json.loads(memory.read_text(encoding="utf-8"))
        if known["state"] == state:
            return dict(known["stamps"])
    now = stamps(root)
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps({"state": state, "stamps": now}), encoding="utf-8")
    return now


def facts() -> list[str]:
    """Return what beside the files decides what comes out."""
    return [platform.python_version(), *map(release, LIBRARIES), compiler(), device()]


def sources(root: Path) -> list[Path]:
    """Return all that the build may execute."""
    pages = (p for p in (root / "docs").rglob("*.md") if "_build" not in p.parts)
    scripts = (root / "gallery").glob("*/*.py")
    return sorted([*pages, *scripts])


def release(library: str) -> str:
    """Return the release of a library, or ``none``: some pages do without it and say so."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


def compiler() -> str:
    """Return the path of a C++ compiler, or ``none``."""
    names = [name] if (name := os.environ.get("CXX")) else COMPILERS
    return next(filter(None, map(shutil.which, names)), "none")


def device() -> str:
    """Return the name of the CUDA device, or ``cpu``."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "" or not shutil.which("nvidia-smi"):
        return "cpu"
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout or "cpu"


def forget_changed(app: Sphinx, config: Config) -> None:
    """Take from both caches what was executed under another stamp."""
    root = app.confdir.parent
    cache = app.confdir / "_build" / "executed"
    config["nb_execution_cache_path"] = str(cache)
    kept = cache / "stamps.json"
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    now = remembered(root, app.confdir / "_build" / "stamps.json")
    changed = {name for name in now if before.get(name) != now[name]}
    if not before:
        shutil.rmtree(cache, ignore_errors=True)
    elif changed:
        _forget_pages(cache, {str(root / name) for name in changed})
    for digest in Path(app.srcdir, "auto_gallery").rglob("*.md5"):
        script = digest.relative_to(Path(app.srcdir, "auto_gallery")).with_suffix("")
        if f"gallery/{script.as_posix()}" in changed:
            digest.unlink()
    cache.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(now, indent=1), encoding="utf-8")
    config.add("page_stamps", now, "", [])


def _forget_pages(cache: Path, pages: set[str]) -> None:
    """Remove all that was kept of some pages, whatever their text was."""
    executed = get_cache(cache)
    for record in executed.list_cache_records():
        if record.uri in pages:
            executed.remove_cache(record.pk)
    executed.db.dispose()  # or its files stay open


def outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Have Sphinx read a page again that was read under another stamp."""
    return [name for name in env.found_docs if env.metadata[name].get("stamp") != _stamp(app, name)]


def remember(app: Sphinx, doctree: nodes.document) -> None:
    """Note under which stamp a page was read."""
    name = app.env.docname
    app.env.metadata[name]["stamp"] = _stamp(app, name)


def _stamp(app: Sphinx, page: str) -> Any:
    return app.config.page_stamps.get(f"docs/{page}.md", "")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.connect("config-inited", forget_changed)
    app.connect("env-get-outdated", outdated)
    app.connect("doctree-read", remember)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
