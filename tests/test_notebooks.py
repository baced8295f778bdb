"""Every notebook that the site offers, executed in another folder."""

import nbformat
import pytest
from nbclient import NotebookClient

from sources import EXECUTED, SCRIPTS, name

pytestmark = pytest.mark.site


@pytest.mark.parametrize("source", [*EXECUTED, *SCRIPTS], ids=name)
def test_downloaded_notebook_runs(source, page, reader, tmp_path, monkeypatch):
    """The notebook of a page or script runs from top to bottom and prints nothing on stderr."""
    (download,) = page(name(source)).downloads(".ipynb")
    notebook = nbformat.read(download, as_version=4)
    assert any(cell.cell_type == "code" for cell in notebook.cells)
    for variable, value in reader.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("MPLBACKEND")  # a notebook has its own
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert [out.text for out in outputs if out.get("name") == "stderr"] == []
    assert list(tmp_path.iterdir()) == []
