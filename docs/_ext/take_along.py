"""Let a reader take the site along: each page as a notebook, and the package as a wheel."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from docutils import nodes
from flit_core.wheel import make_wheel_in
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from myst_nb.core.variables import format_plain_text
from nbformat import v4
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util import docname_join, logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.typing import ExtensionMetadata

import cloud
import install
from install import FOLDER
from plain_markdown import UnknownMarkupError, plain
from reading import aim, minutes

if TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class Wheel(SphinxRole):
    """Link to the package's wheel: ``{wheel}`the package```."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link, relative to the page."""
        return [self.link(self.text, self.config.myst_substitutions["wheel"])], []

    def link(self, text: str, name: str) -> nodes.reference:
        """Return a link to a file that the build makes."""
        uri = "../" * self.env.docname.count("/") + f"{FOLDER}/{name}"
        return nodes.reference(self.rawtext, text, internal=True, refuri=uri)


class Archive(Wheel):
    """Link to an archive by the name of its file: ``{archive}`the site <linefit-site.zip>```."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link, relative to the page."""
        text, _, name = self.text.removesuffix(">").partition(" <")
        return [self.link(text, name)], []


class Install(SphinxDirective):
    """Show the command that installs the wheel from where a reader saved it."""

    def run(self) -> list[nodes.Node]:
        """Return the command."""
        command = self.config.install_command
        return [nodes.literal_block(command, command, language="shell")]


def find_wheel(app: Sphinx, config: Config) -> None:
    """Note the command that installs the wheel: another address is read into all pages again."""
    package = install.package(config, app.confdir.parent)
    config["install_command"] = f"python -m pip install {package.place()}"


def build_wheel(app: Sphinx) -> None:
    """Build the package's wheel into the site."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir, FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()  # perhaps of another version
    built = make_wheel_in(app.confdir.parent / "pyproject.toml", folder)
    if built.file.name != (name := app.config.myst_substitutions["wheel"]):
        raise ExtensionError(f"The wheel is {built.file.name}, but conf.py expects {name}.")


def offer(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Write a page's notebook, and tell the page's template what it can offer."""
    wheel = app.config.myst_substitutions["wheel"]
    context["wheel"] = (wheel, f"{FOLDER}/{wheel}")
    context["install_command"] = app.config.install_command
    context["local_wheel"] = "://" not in app.config.install_command
    context["archive"] = f"{FOLDER}/{install.SCRIPTS}"
    context["script"] = ""
    if page.rpartition("/")[2].startswith("plot_"):
        context["script"] = page.rpartition("/")[2] + ".py"
    context["notebook"] = None
    if tree is None or page == app.config.root_doc:
        return
    source = Path(app.env.doc2path(page)).read_text(encoding="utf-8")
    if is_myst_markdown_notebook(source):
        context["notebook"] = f"{FOLDER}/notebooks/{page}.ipynb"
        target = Path(app.outdir, context["notebook"])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(notebook(app, page, source), encoding="utf-8")


def open_elsewhere(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any
) -> None:
    """Tell the page's template where its notebook can be opened in the browser."""
    path = f"{page.replace('auto_gallery/', 'gallery/')}.ipynb"
    offered = context["notebook"] or context["script"]
    context["open_in"] = cloud.links(app.config.repository, path) if offered else {}


def notebook(app: Sphinx, page: str, source: str) -> str:
    """Return a page as a notebook without outputs, without cells tagged ``remove-cell``."""
    read = read_myst_markdown_notebook(source, config=app.env.myst_config)  # type: ignore[attr-defined]
    kept = [cell for cell in read.cells if "remove-cell" not in cell.metadata.get("tags", [])]
    resolve = partial(reference, app.env, page, glued(app, page))
    if exercises := app.env.metadata[page].get("exercises"):
        from exercise_notebook import inlined  # it writes notebooks with this module

        kept = inlined(kept, exercises, resolve)
    cells = []
    for number, cell in enumerate(kept):
        if cell.cell_type == "markdown":
            cell.source = _plain(cell.source, resolve, page)
        cells.append(_cell(cell, f"cell-{number}"))
    install.insert(cells, install.package(app.config, app.confdir.parent))
    return written(cells)


def written(cells: list[Any]) -> str:
    """Return a notebook of cells as text."""
    return str(nbformat.writes(v4.new_notebook(cells=cells, metadata=METADATA))) + "\n"


def _plain(source: str, resolve: partial[str], page: str) -> str:
    try:
        return plain(source, resolve)
    except (UnknownMarkupError, KeyError) as error:
        logger.warning("the page's notebook cannot show %s", error, location=page)
        return source


def _cell(cell: nbformat.NotebookNode, name: str) -> Any:
    """Return a cell with the metadata that a notebook program understands."""
    if cell.cell_type == "markdown":
        return v4.new_markdown_cell(cell.source, id=name)
    tags = cell.metadata.get("tags", [])
    metadata: dict[str, Any] = {}
    if "raises-exception" in tags:
        metadata["tags"] = ["raises-exception"]
    if {"hide-cell", "hide-input", "remove-input"} & set(tags):
        metadata["jupyter"] = {"source_hidden": True}
    return v4.new_code_cell(cell.source, id=name, metadata=metadata)


def glued(app: Sphinx, page: str) -> dict[str, str]:
    """Return the values that a page's cells glued, as plain text."""
    folder = Path(app.env.mystnb_config.output_folder)  # type: ignore[attr-defined]
    path = folder / f"{page}.glue.json"
    if not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {key: output["data"].get("text/plain", "") for key, output in kept.items()}


def reference(
    env: BuildEnvironment, page: str, values: dict[str, str], role: str, target: str
) -> str:
    """Return the text that a role shows on a page.

    Raises
    ------
    KeyError
        If the target is unknown; Sphinx has reported that already, except for glue.
    """
    match role:
        case "doc":
            text = env.titles[docname_join(page, target)].astext()
        case "ref" | "numref":
            text = env.domains.standard_domain.labels[target.lower()][2]
        case "eq":
            text = f"({env.domains.math_domain.equations[target][1]})"
        case "minutes":
            text = minutes(env, aim(env.config.story, page, target))
        case "glue:text":
            name, _, form = target.partition(":")
            text = str(format_plain_text(values[name], form))
        case "install":
            text = str(env.config.install_command)
        case "substitution":
            text = str(env.config.myst_substitutions[target])
        case _:
            text = target
    return text


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.add_role("wheel", Wheel())
    app.add_role("archive", Archive())
    app.add_directive("install", Install)
    app.add_config_value("install_command", "", "env", str)
    if "repository" not in app.config:
        app.add_config_value("repository", "", "env", str)
    app.connect("config-inited", find_wheel)
    app.connect("builder-inited", build_wheel)
    app.connect("html-page-context", offer)
    app.connect("html-page-context", open_elsewhere, priority=900)  # exercises have notebooks too
    return {"parallel_read_safe": True, "parallel_write_safe": True}
