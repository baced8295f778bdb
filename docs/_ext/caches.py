"""Execute pages and scripts again when something changed that their own caches do not look at.

MyST-NB and Sphinx-Gallery compare the text of a page or script.  The stamp of this module holds
the rest: the package's sources, the figures' style, the releases of the libraries, and whether
there are a C++ compiler and a CUDA device.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

LIBRARIES = (
    "torch", "numpy", "matplotlib", "scipy", "scikit-learn", "odrpack", "jax",
    "tensorflow", "tensorflow-cpu",
)  # fmt: skip
COMPILERS = ("g++", "clang++", "cl")  # which torch.compile looks for, unless CXX names one


def stamp(root: Path) -> str:
    """Return a short hash of all that the results depend on; torch is not imported for it."""
    sources = sorted(path for path in (root / "linefit").rglob("*") if path.suffix != ".pyc")
    files = [path for path in [*sources, root / "docs" / "matplotlibrc"] if path.is_file()]
    parts = [path.relative_to(root).as_posix().encode() + path.read_bytes() for path in files]
    facts = [platform.python_version(), *map(release, LIBRARIES), compiler(), device()]
    return hashlib.sha256(b"\0".join([*parts, *map(str.encode, facts)])).hexdigest()[:16]


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


def use_stamp(app: Sphinx, config: Config) -> None:
    """Give this stamp's executed pages a folder, and forget scripts run under another one."""
    now = stamp(app.confdir.parent)
    pages = app.confdir / "_build" / "executed"
    config["nb_execution_cache_path"] = str(pages / now)
    gallery = Path(app.srcdir, "auto_gallery")
    kept = gallery / "stamp.txt"
    if kept.exists() and kept.read_text(encoding="utf-8") == now:
        return
    for digest in gallery.rglob("*.md5"):
        digest.unlink()
    for old in pages.glob("*"):
        if old.name != now:
            shutil.rmtree(old)
    gallery.mkdir(exist_ok=True)
    kept.write_text(now, encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.connect("config-inited", use_stamp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
