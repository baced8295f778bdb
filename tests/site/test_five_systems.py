"""The page that compares six systems: whole with TensorFlow and JAX, and whole without them."""

import importlib.util

import nbformat
import pytest
from nbclient import NotebookClient

PAGE = "learn/five-systems"
SYSTEMS = {
    "PyTorch, eager": "torch",
    "torch.compile": "torch",
    "torch.export": "torch",
    "TensorFlow, eager": "tensorflow",
    "TensorFlow, tf.function": "tensorflow",
    "JAX, jax.jit": "jax",
}
ABSENT = "not run in this build"


@pytest.fixture(scope="module")
def without(page, reader, tmp_path_factory):
    """Return the page's notebook, executed where TensorFlow and JAX cannot be imported."""
    notebook = page(PAGE).notebook()
    block = "import sys\nsys.modules |= {'tensorflow': None, 'jax': None}"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(block))
    folder = tmp_path_factory.mktemp("without")
    resources = {"metadata": {"path": str(folder)}}
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in reader.items():
            patch.setenv(variable, value)
        patch.delenv("MPLBACKEND")  # a notebook has its own
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    assert list(folder.iterdir()) == []
    return notebook


def outputs(cell, kind):
    """Return what a cell printed to a stream, as one text."""
    found = [out.text for out in cell.get("outputs", []) if out.get("name") == kind]
    return "".join(found)


def test_page_runs_without_tensorflow_and_jax(without):
    """Without the two libraries every cell runs to its end, and nothing goes to stderr."""
    cells = [cell for cell in without.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells if cell.source)
    assert [text for cell in cells if (text := outputs(cell, "stderr"))] == []


@pytest.mark.parametrize(("name", "module"), [("TensorFlow", "tf"), ("JAX", "jax")])
def test_each_cell_says_that_it_was_not_run(name, module, without):
    """A cell of a missing library prints one sentence, and nothing else."""
    head = f"if {module} is None:"
    cells = [c for c in without.cells if c.cell_type == "code" and c.source.startswith(head)]
    assert len(cells) >= 6
    sentence = f"{name} is not installed here, so this cell was not run.\n"
    assert {outputs(cell, "stdout") for cell in cells} == {sentence}


def test_table_says_which_systems_were_not_run(without):
    """Without the two libraries the table keeps their rows, and the count is of the others."""
    shown = [out.data["text/html"] for cell in without.cells for out in cell.get("outputs", [])
             if "text/html" in out.get("data", {})]  # fmt: skip
    (table,) = [html for html in shown if "<table" in html and "Three programs" in html]
    for name, module in SYSTEMS.items():
        row = table.partition(f'<th scope="row">{name}</th>')[2].partition("</tr>")[0]
        assert row, f"no row for {name}"
        assert (ABSENT in row) == (module != "torch")
    printed = "".join(outputs(c, "stdout") for c in without.cells if c.cell_type == "code")
    assert "3 of 6 rows ran" in printed


def test_built_page_has_a_row_per_system(page):
    """The table has a row for each system: with numbers where it is installed, else saying so."""
    (caption,) = [c for c in page(PAGE).content.find_all("caption") if "six systems" in c.text]
    rows = {row.th.get_text(): row for row in caption.parent.select("tbody tr")}
    assert list(rows) == list(SYSTEMS)
    for name, module in SYSTEMS.items():
        cells = [cell.get_text() for cell in rows[name].find_all("td")]
        if importlib.util.find_spec(module) is None:
            assert cells == [ABSENT]
        else:
            assert len(cells) == 6
            assert float(cells[-1]) < 1e-12
