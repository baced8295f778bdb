"""Tell at each page's foot what it was made from, and how to cite and to edit it.

Dates are those of ``SOURCE_DATE_EPOCH`` or of the commit, so that the same commit gives the same
page.  A page's own date is that of its execution; the versions are those of this build, because
``caches`` executes again what ran with others.
"""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

BRANCH = "main"


def git(root: Path, *arguments: str) -> str:
    """Return what git says of a folder, or nothing where there is no git."""
    try:
        run = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def epoch() -> str:
    """Return the day of ``SOURCE_DATE_EPOCH``, or nothing."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    return day(float(seconds)) if seconds else ""


def day(seconds: float) -> str:
    """Return the day of a moment, in universal time."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def note(app: Sphinx, config: Config) -> None:
    """Note the commit and its date; the pages are written again when they change."""
    root = app.confdir.parent
    commit = git(root, "rev-parse", "--short=10", "HEAD") if (root / ".git").exists() else ""
    date = epoch() or (git(root, "log", "-1", "--format=%cs") if commit else "")
    config.add("built_from", {"commit": commit, "date": date}, "html", dict)


def home(repository: str) -> str:
    """Return a repository's address from itself or from ``owner/name`` on GitHub."""
    if repository and "://" not in repository:
        repository = f"https://github.com/{repository}"
    return repository.removesuffix(".git").rstrip("/")


def source(app: Sphinx, page: str) -> str:
    """Return the path of a page's source in the repository, or nothing for a generated page."""
    root = app.confdir.parent
    path = app.env.doc2path(page, base=False)
    if not page.startswith("auto_gallery/"):
        return f"docs/{path}" if page in app.env.found_docs else ""
    folder = Path("gallery", Path(page).relative_to("auto_gallery").parent)
    script, header = folder / f"{Path(page).name}.py", folder / "GALLERY_HEADER.rst"
    found = [each for each in (script, header) if (root / each).exists()]
    return found[0].as_posix() if found else ""


def executed(app: Sphinx, page: str) -> str:
    """Return the day on which a page was executed, or nothing if it has no results of its own."""
    if page.startswith("auto_gallery/"):
        digest = Path(app.srcdir, f"{page}.py.md5")
        moment = digest.stat().st_mtime if digest.exists() else None
    else:
        data = getattr(app.env, "nb_metadata", {}).get(page, {}).get("exec_data") or {}
        moment = data.get("mtime")
    return (epoch() or day(moment)) if moment else ""


def release(library: str) -> str:
    """Return a library's release, or nothing."""
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def tell(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Tell a page's template where it comes from."""
    context["built"] = built = app.config.built_from
    context["author"] = app.config.author
    context["year"] = built["date"][:4]
    context["executed"] = executed(app, page) if tree is not None else ""
    context["has_answers"] = "exercises" in app.env.metadata.get(page, {})
    context["python_release"] = platform.python_version()
    context["torch_release"] = release("torch")
    context["repository"] = place = home(app.config.repository)
    path = source(app, page) if place and tree is not None else ""
    context["edit_url"] = f"{place}/edit/{BRANCH}/{path}" if path else ""
    context["commit_url"] = f"{place}/commit/{built['commit']}" if place and built["commit"] else ""


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    if "repository" not in app.config:
        app.add_config_value("repository", "", "html", str)
    app.connect("config-inited", note)
    app.connect("html-page-context", tell)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
