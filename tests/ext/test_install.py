"""What scripts and notebooks say about the packages that they need."""

import re
import tomllib
from types import SimpleNamespace

import pytest
from nbformat import v4
from packaging.requirements import Requirement

import install
from sources import ROOT

WHEEL = "demo_package-1.0-py3-none-any.whl"
PROJECT = """\
[project]
name = "demo-package"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["numpy>=2.0", "torch>=2.8"]

[dependency-groups]
docs = [{ include-group = "build" }, "furo", "scikit-learn>=1.5", "scipy"]
build = []
"""
CODE = "import torch, os\n\ndef f():\n    from sklearn.linear_model import Ridge\n"
BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


@pytest.fixture
def package(tmp_path):
    """Return a function that reads a project, of which the site may have an address."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")

    def read(site="", repository=""):
        config = SimpleNamespace(
            html_baseurl=site, repository=repository, myst_substitutions={"wheel": WHEEL}
        )
        return install.package(config, tmp_path)

    return read


def table(text):
    """Return the metadata of a script, read as the standard reads it."""
    (block,) = BLOCK.finditer(text)
    assert block["type"] == "script"
    lines = block["content"].splitlines(keepends=True)
    return tomllib.loads("".join(line[2:] if line[1] == " " else line[1:] for line in lines))


def test_script_names_what_it_imports(package):
    """Python and each requirement are those of the project file; the code is below, untouched."""
    text = install.script(package(), CODE)
    found = table(text)
    assert found["requires-python"] == ">=3.11"
    assert found["dependencies"] == ["demo-package", "scikit-learn>=1.5", "torch>=2.8"]
    assert text.endswith(f"# ///\n\n{CODE}")


@pytest.mark.parametrize("site", ["https://example.org/docs/", "https://example.org/docs"])
def test_script_names_the_address_of_the_wheel(package, site):
    """Where the site has an address, the wheel is fetched from there, and from nowhere else."""
    found = table(install.script(package(site), CODE))
    own = Requirement(found["dependencies"][0])
    assert (own.name, own.url) == ("demo-package", f"https://example.org/docs/_downloads/{WHEEL}")
    assert "tool" not in found


def test_repository_has_the_wheel_where_no_site_has_it(package):
    """Its branch of notebooks is the second choice, the site's address the first."""
    line = install.cell(package("", "someone/fork"), []).source
    address = f"https://raw.githubusercontent.com/someone/fork/notebooks/{WHEEL}"
    assert line == f"%pip install --quiet {address}"
    assert "example.org" in install.cell(package("https://example.org", "someone/fork"), []).source


@pytest.mark.parametrize("folder", ["", "../../"])
def test_script_finds_the_wheel_beside_it(package, folder):
    """Without an address, the wheel has a place relative to the script."""
    found = table(install.script(package(), CODE, folder))
    assert found["tool"]["uv"]["sources"] == {"demo-package": {"path": folder + WHEEL}}


def test_notebook_installs_the_wheel_and_what_does_not_come_with_it(package):
    """The cell is for pip; requirements of the wheel are not repeated, others are quoted."""
    assert install.cell(package(), [CODE]).source.splitlines() == [
        f"# Save {WHEEL} beside this notebook first.",
        f'%pip install --quiet ./{WHEEL} "scikit-learn>=1.5"',
    ]
    assert install.cell(package("https://example.org"), ["import torch"]).source == (
        f"%pip install --quiet https://example.org/_downloads/{WHEEL}"
    )


def test_cell_comes_before_the_first_code(package):
    """Title and introduction stay at the top."""
    cells = [v4.new_markdown_cell("# Title"), v4.new_code_cell("1"), v4.new_code_cell("2")]
    install.insert(cells, package())
    assert [cell.cell_type for cell in cells] == ["markdown", "code", "code", "code"]
    assert cells[1].id == install.CELL


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import a.b as c, d", {"a", "d"}),
        ("from a.b import c", {"a"}),
        ("from . import a", set()),
        ("if x:\n    import a", {"a"}),
        ("%matplotlib inline\nimport a", set()),
    ],
)
def test_imports_are_found_wherever_they_are(code, found):
    """Also within functions and conditions; what is not Python imports nothing."""
    assert set(install.imports([code])) == found


def test_peers_are_in_the_project_file():
    """Each package that pages compare with has its requirement there."""
    wheel = {"wheel": "w.whl"}
    config = SimpleNamespace(html_baseurl="", repository="", myst_substitutions=wheel)
    assert set(install.package(config, ROOT).peers) == {"odrpack", "scipy", "sklearn"}
