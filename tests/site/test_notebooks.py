"""Every notebook that the site offers, executed in another folder."""

import ast

import pytest
from nbclient import NotebookClient

import launcher
from sources import DOCS, EXECUTED, SCRIPTS, name

# These two run in the tests of their own pages: where what they can do without is missing.
ELSEWHERE = {"learn/cost", "learn/five-systems"}
# One script is enough, as the others hold the code of a script which runs.
NOTEBOOKS = [source for source in [*EXECUTED, SCRIPTS[0]] if name(source) not in ELSEWHERE]


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_notebook_of_a_script_has_its_code(script, page):
    """Cell by cell the same statements as the script, which another test runs."""
    cells = page(name(script)).notebook().cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    statements = [
        ast.dump(node) for node in ast.parse(script.read_text(encoding="utf-8")).body[1:]
    ]  # after the docstring, which is the notebook's first text
    assert [ast.dump(node) for node in ast.parse(code).body] == statements


@pytest.mark.parametrize("source", NOTEBOOKS, ids=name)
def test_downloaded_notebook_runs(source, page, package, tmp_path):
    """The notebook of a page or script runs from top to bottom and prints nothing on stderr."""
    notebook = page(name(source)).notebook()
    folders = tmp_path / "elsewhere", tmp_path / "printed"
    for folder in folders:
        folder.mkdir()
    code, _, errors = launcher.launch(launcher.run_notebook, notebook, folders, package)
    assert (code, errors) == (0, "")
    assert list(folders[0].iterdir()) == []


@pytest.mark.parametrize("source", [DOCS / "learn/graphs.md", SCRIPTS[0]], ids=name)
def test_jupyter_runs_a_downloaded_notebook(source, page, reader, tmp_path, monkeypatch):
    """The kernel that it names runs it too: the notebook of a page, and that of a script."""
    notebook = page(name(source)).notebook()
    assert any(cell.cell_type == "code" for cell in notebook.cells)
    for variable, value in reader.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("MPLBACKEND")  # a notebook has its own
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert [out.text for out in outputs if out.get("name") == "stderr"] == []
    assert list(tmp_path.iterdir()) == []
