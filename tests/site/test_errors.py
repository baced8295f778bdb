"""The error museum: every exhibit is indexed, says what it promises, and runs by itself."""

import re
from dataclasses import dataclass

import pytest
import torch

from sources import DOCS

SOURCE = (DOCS / "errors.md").read_text(encoding="utf-8")
ROW = re.compile(r"(?m)^\| \[(?P<words>.+)\]\(#(?P<anchor>[\w-]+)\) \| .+ \| (?P<kind>\w+) \|$")
HEADING = re.compile(r"(?m)^\((?P<anchor>error-[\w-]+)\)=\n### (?P<words>.+)$")
CELL = re.compile(r"(?ms)^```\{code-cell\} python3\n(?:---\n.*?\n---\n)?(?P<code>.*?)^```$")
END = re.compile(r"(?m)^(?:\(error-|## )")
GROUPS = ["Loud, in backward", "Loud, before backward", "Silent", "Compile, export, transform"]
INDEX = [match.groupdict() for match in ROW.finditer(SOURCE)]


@dataclass
class Exhibit:
    """A section with a target: what stands between its heading and the next one."""

    anchor: str
    heading: str
    text: str

    @property
    def words(self):
        """The heading without its marks."""
        return self.heading.strip("`")

    def cells(self, tag):
        """Return the code of the cells with a tag."""
        found = [match["code"] for match in CELL.finditer(self.text)]
        head = f":tags: [{tag}]\n"
        return [code.removeprefix(head) for code in found if code.startswith(head)]

    @property
    def kind(self):
        """What its cause brings forth; an error that comes with a warning is an error."""
        (cause,) = self.cells("cause")
        kinds = re.findall(r"with says\((\w+)", cause)
        if not kinds:
            return "silent"
        return "warning" if all(kind.endswith("Warning") for kind in kinds) else "error"


def _exhibits():
    found = list(HEADING.finditer(SOURCE))
    parts = [SOURCE[m.end() : END.search(SOURCE, m.end()).start()] for m in found]
    return [Exhibit(m["anchor"], m["words"], part) for m, part in zip(found, parts, strict=True)]


EXHIBITS = _exhibits()
each = pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.anchor)


def same(text):
    """Return a text as it is compared: one space for many, straight quotes."""
    return " ".join(text.replace("‘", "'").replace("’", "'").split())


def test_museum_is_large_enough():
    """There are at least eighteen exhibits, each with a target of its own, in four groups."""
    anchors = [exhibit.anchor for exhibit in EXHIBITS]
    assert len(anchors) == len(set(anchors)) >= 18
    assert len(anchors) == SOURCE.count("\n### ")
    groups = re.findall(r"(?m)^## (.+)$", SOURCE)
    assert groups[: len(GROUPS)] == GROUPS


def test_index_leads_to_every_exhibit_once():
    """The index names each exhibit by its heading, once, in the page's order, with its kind."""
    rows = [(row["anchor"], row["words"].replace("\\", ""), row["kind"]) for row in INDEX]
    assert rows == [(one.anchor, one.words, one.kind) for one in EXHIBITS]
    assert SOURCE.index(INDEX[-1]["words"]) < SOURCE.index(f"## {GROUPS[0]}")


def test_silent_exhibits_stand_together():
    """What is silent stands in the group of that name, and nothing else does."""
    start, end = (SOURCE.index(f"\n## {group}\n") for group in GROUPS[2:])
    inside = {e.anchor for e in EXHIBITS if start < SOURCE.index(f"({e.anchor})=") < end}
    assert inside == {e.anchor for e in EXHIBITS if e.kind == "silent"}


@each
def test_exhibit_is_complete(exhibit):
    """An exhibit has a cause, a reason of one to four sentences, and a fix that is asserted."""
    (cause,), (fix,) = exhibit.cells("cause"), exhibit.cells("fix")
    assert exhibit.kind != "silent" or "assert" in cause
    assert "assert " in fix
    assert "says(" not in fix
    why, remedy = exhibit.text.index("**Why.**\n"), exhibit.text.index("**Fix.**\n")
    assert exhibit.text.index(cause) < why < remedy < exhibit.text.index(fix)
    sentences = exhibit.text[why:remedy].strip().splitlines()[1:]
    assert 1 <= len(sentences) <= 4


@each
def test_loud_heading_is_the_message(exhibit):
    """A heading set as code is a message, and only a symptom is set as prose."""
    assert exhibit.heading.startswith("`") == (exhibit.kind != "silent")


@pytest.fixture
def as_it_was():
    """Leave PyTorch's settings and random numbers as the page found them."""
    with torch.random.fork_rng():
        yield
    torch.set_warn_always(False)
    torch._logging.set_logs()
    torch.compiler.reset()


@pytest.mark.usefixtures("as_it_was")
@each
def test_exhibit_stands_alone(exhibit, tmp_path, capsys):
    """An exhibit runs after the first cell alone, prints its message, and warns of nothing."""
    parts = {
        "first": CELL.search(SOURCE)["code"],
        "cause": exhibit.cells("cause")[0],
        "fix": exhibit.cells("fix")[0],
    }
    names = {"__name__": "__main__"}
    printed = {}
    for part, code in parts.items():
        path = tmp_path / f"{exhibit.anchor}-{part}.py"  # a traceback shows lines of a file
        path.write_text(code, encoding="utf-8")
        exec(compile(code, path, "exec"), names)  # noqa: S102  (the page's own code)
        printed[part] = capsys.readouterr()
    assert exhibit.kind == "silent" or same(exhibit.words) in same(printed["cause"].out)
    assert [out.err for out in printed.values()] == [""] * 3
    assert printed["cause"].out.strip()


@each
def test_built_exhibit_shows_its_message(exhibit, page):
    """The built page has the section at its anchor, and what the cause printed in it."""
    here = page("errors")
    section = here.soup.find(id=exhibit.anchor)
    section = section if section.name == "section" else section.find_parent("section")
    heading = section.find("h3").get_text().rstrip("#¶ \n")
    assert same(heading) == same(exhibit.words)
    (output,) = section.select(".tag_cause .cell_output")
    assert exhibit.kind == "silent" or same(exhibit.words) in same(output.get_text())


def test_built_index_leads_to_the_sections(page):
    """The first table of the built page links each exhibit by its words, once."""
    table = page("errors").content.find("table")
    links = [(a["href"], same(a.get_text())) for a in table.select("a")]
    assert links == [(f"#{one.anchor}", same(one.words)) for one in EXHIBITS]


def test_built_page_knows_no_temporary_file(page):
    """No message shows where the build kept its cells."""
    assert not re.search(r"ipykernel|/tmp/|site-packages", page("errors").text())
