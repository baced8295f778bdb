"""Tell a script or notebook where it finds the package, and what else its code imports.

A script says it in inline metadata, which uv, pipx and pip read; a notebook in its first cell of
code.  Both name one address of the wheel, or the wheel beside them where the site has no address.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nbformat import v4
from packaging.requirements import Requirement
from sphinx.config import Config

import cloud

FOLDER = "_downloads"
SCRIPTS = "linefit-notebooks.zip"  # all scripts and notebooks
SITE = "linefit-site.zip"
MODULES = {"scikit-learn": "sklearn"}  # where a distribution and its module differ
PEERS = {"odrpack", "scikit-learn", "scipy"}  # what pages and scripts compare with
GROUP = "docs"  # of pyproject.toml, which lists the peers
CELL = "install"
BESIDE = "# Save {wheel} beside this notebook first."
PACKED = "# {wheel} came with this notebook, in the archive's folder."


class Package(NamedTuple):
    """The package as its project file declares it, and where its wheel is."""

    name: str
    python: str
    wheel: str
    address: str
    """Where the wheel can be fetched; empty if it has to lie beside the script."""
    own: dict[str, str]
    """What the wheel asks for itself, by the name of the module."""
    peers: dict[str, str]

    def needs(self, code: Iterable[str]) -> list[str]:
        """Return what code needs apart from the wheel: requirements of the modules it imports."""
        known = self.own | self.peers
        return [known[module] for module in sorted(known.keys() & set(imports(code)))]

    def place(self, folder: str = "./") -> str:
        """Return where pip finds the wheel."""
        return self.address or f"{folder}{self.wheel}"


def package(config: Config, folder: Path) -> Package:
    """Return what the site offers, from the project file and the site's configuration."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    about = project["project"]
    group = project.get("dependency-groups", {}).get(GROUP, [])
    group = [need for need in group if isinstance(need, str)]  # not another group's name
    wheel = config.myst_substitutions["wheel"]
    site = config.html_baseurl.rstrip("/")
    repository = getattr(config, "repository", "")  # a tiny site of a test may do without it
    return Package(
        about["name"],
        about["requires-python"],
        wheel,
        f"{site}/{FOLDER}/{wheel}" if site else cloud.raw(repository, wheel),
        _by_module(about.get("dependencies", [])),
        {m: need for m, need in _by_module(group).items() if Requirement(need).name in PEERS},
    )


def _by_module(requirements: Iterable[str]) -> dict[str, str]:
    names = {text: Requirement(text).name for text in requirements}
    return {MODULES.get(name, name.replace("-", "_")): text for text, name in names.items()}


def imports(code: Iterable[str]) -> Iterator[str]:
    """Yield the first names of all modules that pieces of code import, wherever they do."""
    for part in code:
        try:
            tree = ast.parse(part)
        except SyntaxError:  # shown on purpose, or a command of IPython
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def metadata(package: Package, code: str, folder: str = "") -> str:
    """Return the inline metadata of a script; a wheel in a folder is found from the script's own.

    The standard knows no address relative to the script, so a wheel beside it stands in the table
    of uv, which pipx uses too; pip finds it with ``--find-links``.
    """
    own = f"{package.name} @ {package.address}" if package.address else package.name
    needs = "".join(f'\n    "{need}",' for need in [own, *package.needs([code])])
    text = f'requires-python = "{package.python}"\ndependencies = [{needs}\n]\n'
    if not package.address:
        text += f'\n[tool.uv.sources]\n{package.name} = {{ path = "{folder}{package.wheel}" }}\n'
    lines = [f"# {line}".rstrip() for line in text.splitlines()]
    return "\n".join(["# /// script", *lines, "# ///", ""])


def script(package: Package, code: str, folder: str = "") -> str:
    """Return a script with its metadata above the code, which stays as it is."""
    return f"{metadata(package, code, folder)}\n{code}"


def cell(package: Package, code: Iterable[str], folder: str = "./") -> Any:
    """Return the cell of a notebook that installs what the others need."""
    # Quoted, because a shell takes what follows ">" for the name of a file.
    peers = [f'"{need}"' for need in package.needs(code) if need not in package.own.values()]
    lines = [f"%pip install --quiet {' '.join([package.place(folder), *peers])}"]
    if not package.address:
        lines.insert(0, BESIDE.format(wheel=package.wheel))
    return v4.new_code_cell("\n".join(lines), id=CELL)


def insert(cells: list[Any], package: Package, folder: str = "./") -> None:
    """Put the cell that installs before the first cell of code."""
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    first = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    cells.insert(first, cell(package, code, folder))
