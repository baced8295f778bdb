"""Which files of the package a page or script depends on."""

import re

import pytest

from dependencies import Package, code_of
from sources import PAGES, ROOT, SCRIPTS

FILES = {
    "__init__.py": "from pack.one import first\nfrom pack.two import second as other\n",
    "one.py": "from pack._base import shared\n",
    "two.py": "import pack.one\n",
    "three.py": "from pack import first\n",
    "_base.py": "shared = 1\n",
    "data/points.csv": "1,2\n",
    "sub/__init__.py": "from pack.sub import inner\n",
    "sub/inner.py": "",
    "sub/look.css": "",
}
EVERYTHING = {*FILES}
ONE = {"one.py", "_base.py", "data/points.csv"}
SUB = {"sub/__init__.py", "sub/inner.py", "sub/look.css"}


@pytest.fixture
def package(tmp_path):
    """Return a package of a few modules, with data beside them and in a folder of its own."""
    for name, text in FILES.items():
        path = tmp_path / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Package(tmp_path / "pack")


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("import torch", set()),
        ("x = 'pack'", set()),
        ("from pack import first", ONE),
        ("from pack import first as f", ONE),
        ("from pack import other", ONE | {"two.py"}),
        ("from pack.one import first", ONE),
        ("import pack.two as two", ONE | {"two.py"}),
        ("import pack\npack.first()", ONE),
        ("import pack as p\np.other()", ONE | {"two.py"}),
        ("import pack\nprint(pack.__version__)", EVERYTHING),
        ("def f():\n    from pack import three", ONE | {"three.py"}),
        ("from pack import sub", SUB),
        ("from pack.sub import inner", SUB - {"sub/__init__.py"}),
        ("from pack.sub import thing", SUB),
        ("from pack import *", EVERYTHING),
        ("from pack import unknown", EVERYTHING),
        ("run('import pack; pack.first()')", EVERYTHING),
        ("%timeit pack.first()", EVERYTHING),
        ("1 +", set()),
    ],
)
def test_code_needs_the_files_behind_its_imports(package, code, files):
    """From an import to the module that defines the name, and along the modules' own imports."""
    assert {p.relative_to(package.folder).as_posix() for p in package.needed([code])} == files


def test_code_of_a_page_is_that_of_its_cells(tmp_path):
    """Cells count, without their options; what is only shown does not."""
    page = tmp_path / "page.md"
    page.write_text(
        "```{code-cell} python3\n---\ntags: [hide-cell]\n---\na = 1\n```\n"
        "```{code-cell} python3\n:tags: [hide-cell]\n\nb = 2\n```\n"
        "```python\nc = 3\n```\n"
        ":::{code-cell} python3\nd = 4\n:::\n",
        encoding="utf-8",
    )
    assert [code.strip() for code in code_of(page)] == ["a = 1", "b = 2", "d = 4"]


@pytest.fixture(scope="module")
def linefit():
    """Return the package of this site, whose modules are parsed once for all pages."""
    return Package(ROOT / "linefit")


@pytest.mark.parametrize("source", [*PAGES, *SCRIPTS], ids=lambda path: path.name)
def test_what_a_page_of_this_site_imports_is_found(source, linefit):
    """A page that imports the package depends on it, and one that takes `york` on its module."""
    code = code_of(source)
    text = "\n".join(code)
    needed = {path.stem for path in linefit.needed(code)}
    assert bool(needed) == bool(re.search(r"(?m)^\s*(?:import|from) linefit", text))
    assert "weighted" in needed or not re.search(r"import .*\byork\b", text)
