"""Links to other projects without a network."""

import pytest
from sphinx.util.inventory import InventoryFile

import inventories
from sources import DOCS

LIST = """\
# What the site links to.
base https://example.org/docs/
page api/{name}.html

a.function function
a.Class class,exception
a.Class.method method api/a.Class.html
a.term function words.html#a-term
"""


@pytest.fixture
def folder(tmp_path):
    """Return a folder with one list."""
    (tmp_path / "example.txt").write_text(LIST, encoding="utf-8")
    return tmp_path


def loaded(path, base):
    """Return an inventory as intersphinx reads it: for each role and name an address."""
    data = InventoryFile.loads(path.read_bytes(), uri=base).data
    return {(role, name): item.uri for role, items in data.items() for name, item in items.items()}


def test_list_is_read_without_comments(folder):
    """The header is told from the entries, and comments and empty lines are skipped."""
    header, entries = inventories.read(folder / "example.txt")
    assert header == {"base": "https://example.org/docs/", "page": "api/{name}.html"}
    assert entries[0] == ["a.function", "function"]
    assert len(entries) == 4


def test_intersphinx_reads_what_was_compiled(folder):
    """Every role of an entry has the address that its page and the project's give."""
    base = inventories.compile_one(folder / "example.txt", folder / "example.inv")
    assert base == "https://example.org/docs/"
    assert loaded(folder / "example.inv", base) == {
        ("py:function", "a.function"): f"{base}api/a.function.html#a.function",
        ("py:class", "a.Class"): f"{base}api/a.Class.html#a.Class",
        ("py:exception", "a.Class"): f"{base}api/a.Class.html#a.Class",
        ("py:method", "a.Class.method"): f"{base}api/a.Class.html#a.Class.method",
        ("py:function", "a.term"): f"{base}words.html#a-term",
    }


def test_mapping_names_every_list(folder):
    """The folder for the results is made, and each list stands under its name."""
    target = folder / "made" / "here"
    mapping = inventories.compile_all(folder, target)
    assert mapping == {"example": ("https://example.org/docs/", str(target / "example.inv"))}
    assert (target / "example.inv").exists()


def test_the_same_list_gives_the_same_bytes(folder):
    """A list compiled twice is the same file."""
    files = [folder / "one.inv", folder / "two.inv"]
    for file in files:
        inventories.compile_one(folder / "example.txt", file)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("source", sorted((DOCS / "_inv").glob("*.txt")), ids=lambda p: p.stem)
def test_the_sites_own_lists_can_be_read(source, tmp_path):
    """Each of them names a project's address, and intersphinx finds all of its entries."""
    base = inventories.compile_one(source, tmp_path / "site.inv")
    assert base.startswith("https://")
    assert base.endswith("/")
    _, entries = inventories.read(source)
    wanted = {(f"py:{role}", entry[0]) for entry in entries for role in entry[1].split(",")}
    assert loaded(tmp_path / "site.inv", base).keys() == wanted
