"""Find the files of the package that a page or script depends on, from its imports.

``from linefit import york`` leads to the module that defines it, and from there along the
imports between modules.  What cannot be followed, such as code within a string, counts as a
use of the whole package: a page may be executed once too often, never once too seldom.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

CODE_CELL = re.compile(
    r"(?ms)^(?P<mark>`{3,}|:{3,})\{code-cell\}[^\n]*\n(?P<code>.*?)^(?P=mark)\s*$"
)
CELL_OPTIONS = re.compile(r"(?ms)\A(?:---\n.*?^---\n|(?::[^\n]*\n)+)")


def code_of(source: Path) -> list[str]:
    """Return the code of a script as one text, or that of a page cell by cell."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".py":
        return [text]
    return [CELL_OPTIONS.sub("", cell["code"]) for cell in CODE_CELL.finditer(text)]


class Package:
    """The files of a package and the imports between them."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.folder = folder
        self.files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc")

    def needed(self, code: list[str]) -> set[Path]:
        """Return the files that code depends on, directly or not."""
        found: set[Path] = set()
        ahead = [path for part in code for path in self._used(part)]
        while ahead:
            path = ahead.pop()
            if path not in found:
                found.add(path)
                ahead += self.imports.get(path, ())
        return found | self._data(found) if found else found

    @cached_property
    def imports(self) -> dict[Path, set[Path]]:
        """The files that each module imports."""
        modules = [path for path in self.files if path.suffix == ".py"]
        trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in modules}
        return {path: set(self._followed(tree)) - {path} for path, tree in trees.items()}

    @cached_property
    def names(self) -> dict[str, Path]:
        """The modules that define what the package offers under its own name."""
        tree = ast.parse((self.folder / "__init__.py").read_text(encoding="utf-8"))
        return {
            alias.asname or alias.name: path
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and (path := self._module(node.module or ""))
            for alias in node.names
        }

    def _used(self, code: str) -> set[Path]:
        """Return the files that a piece of code names, or all where that cannot be told."""
        if self.name not in code:
            return set()
        try:
            tree = ast.parse(code)
        except SyntaxError:  # shown on purpose, or a command of IPython
            return set(self.files)
        texts = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant))
        statement = re.compile(rf"\b(?:import|from)\s+{self.name}\b")
        if any(isinstance(text, str) and statement.search(text) for text in texts):
            return set(self.files)
        return set(self._followed(tree))

    def _followed(self, tree: ast.AST) -> Iterator[Path]:
        """Yield the files that the imports of a module lead to."""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and self._is_own(node.module):
                for alias in node.names:
                    yield from self._offered(f"{node.module}.{alias.name}")
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name == self.name:  # then which of its names are used?
                        yield from self._attributes(tree, alias.asname or self.name)
                    elif self._is_own(alias.name):
                        yield from self._offered(alias.name)

    def _is_own(self, module: str | None) -> bool:
        return bool(module) and str(module).partition(".")[0] == self.name

    def _attributes(self, tree: ast.AST, name: str) -> Iterator[Path]:
        """Yield the files behind ``name.this`` and ``name.that``."""
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(value=ast.Name(id=found), attr=attribute) if found == name:
                    yield from self._offered(f"{self.name}.{attribute}")

    def _offered(self, dotted: str) -> Iterator[Path]:
        """Yield the file behind a dotted name: a module, or the one that defines it."""
        parent, _, last = dotted.rpartition(".")
        module = self._module(dotted) or (parent != self.name and self._module(parent))
        if module:
            yield module
        elif last in self.names:
            yield self.names[last]
        else:  # such as the version
            yield from self.files

    def _module(self, dotted: str) -> Path | None:
        """Return the file of a module or package, if there is one of that name."""
        path = self.folder.parent.joinpath(*dotted.split("."))
        candidates = (path.with_suffix(".py"), path / "__init__.py")
        return next((file for file in candidates if file in self.files), None)

    def _data(self, modules: set[Path]) -> set[Path]:
        """Return the data files that lie beside modules, or below where no other module is."""
        data = (path for path in self.files if path.suffix != ".py")
        return {path for path in data if self._owner(path) & modules}

    def _owner(self, path: Path) -> set[Path]:
        """Return the modules of the nearest folder that has any."""
        folder = path.parent
        while not (modules := set(folder.glob("*.py"))):
            folder = folder.parent
        return modules
