"""The page on what the graph costs: its ledger, and that it does without a C++ compiler."""

import pytest
from nbclient import NotebookClient

WAYS = [
    "eager", "division moved", "compiled loss", "compiled whole step", "torch.func.grad",
    "moments", "NumPy by hand",
]  # fmt: skip
COMPILED = WAYS[2:4]
SIZES = ["100 points", "10,000 points", "1,000,000 points"]
NOT_RUN = "not run in this build: no C++ compiler"


@pytest.fixture(scope="module")
def tables(page):
    """Return the two tables that the page's code makes, as lists of rows of texts, by caption."""
    tables = [table for table in page("learn/cost").content.find_all("table") if table.caption]
    return {table.caption.get_text(): _rows(table) for table in tables}


def _rows(table):
    return [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in table("tr")]


def test_ledger_has_each_way_at_each_size(tables):
    """Below each size stands a row for each way, in the same order."""
    names = [row[0] for row in tables["What a step costs"][1:]]
    assert names == [name for size in SIZES for name in (size, *WAYS)]


def test_ledger_is_complete_or_says_why(tables):
    """Each row has both times and when it pays, or it says what was missing."""
    head, *rows = tables["What a step costs"]
    for name, first, later, *pays in (row for row in rows if row[0] in WAYS):
        assert len(pays) == len(head) - 3
        if name in COMPILED and first.startswith("not run"):
            assert later == ""
        else:
            assert float(first.replace(",", "")) > 0
            assert float(later.replace(",", "")) > 0


def test_ledger_marks_the_best_of_each_column(page):
    """In each block the smallest number of each column is bold, ties included, and nothing else."""
    tables = page("learn/cost").content.find_all("table")
    (ledger,) = (t for t in tables if t.caption and t.caption.get_text() == "What a step costs")
    for block in ledger.find_all("tbody"):
        columns = zip(*(row("td") for row in block("tr")[1:]), strict=True)
        for column in columns:
            numbers = [_number(cell.get_text()) for cell in column]
            least = min(number for number in numbers if number is not None)
            best = [number == least for number in numbers]
            assert [cell.find("strong") is not None for cell in column] == best
            assert ["best" in cell.get("class", ()) for cell in column] == best


def _number(text):
    first = text.replace(",", "").split(" ")[0]
    return float(first) if first[:1].isdigit() else None


def test_only_what_is_constant_reaches_the_limit(tables):
    """A float and a tensor are inputs; a count of rounds and an attribute are compiled in."""
    rows = {row[0]: row[1:] for row in tables["What makes a compiled function compile again"]}
    assert rows["learning rate, a Python float"][1:] == ["1", "no"]
    assert rows["learning rate, a tensor"][1:] == ["0", "no"]
    assert rows["rounds of a loop, a Python int"][1:] == ["7", "yes"]
    assert rows["epoch, an int attribute of a module"][1:] == ["7", "yes"]


def test_notebook_does_without_a_compiler(page, reader, tmp_path, monkeypatch):
    """Where no compiler is found the notebook ends well, silently, and says what was not run."""
    notebook = page("learn/cost").notebook()
    nowhere, folder = tmp_path / "nowhere", tmp_path / "folder"
    folder.mkdir()
    for variable, value in {**reader, "CXX": str(nowhere / "c++"), "PATH": str(nowhere)}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("MPLBACKEND")
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert [out.text for out in outputs if out.get("name") == "stderr"] == []
    assert NOT_RUN in next(out.text for out in outputs if out.get("name") == "stdout")
    (ledger,) = (html for out in outputs if "What a step costs" in (html := _html(out)))
    assert ledger.count(NOT_RUN) == len(COMPILED) * len(SIZES)
    assert list(folder.iterdir()) == []


def _html(output):
    return output.get("data", {}).get("text/html", "")
