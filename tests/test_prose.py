"""The words of the site, as far as a machine can judge them: its conventions and its claims."""

import re

import pytest
import yaml

from linefit import graph
from sources import PAGES, ROOT, SCRIPTS, name

MODULES = sorted((ROOT / "linefit").rglob("*.py"))
TEXTS = [*PAGES, *SCRIPTS, *MODULES, ROOT / "README.md"]
MARKDOWN = [page for page in PAGES if page.suffix == ".md"]
# Turns of phrase that are not English, as CONTRIBUTING.md lists them with what to write instead.
AVOIDED = [
    r"belongs? into",
    r"(is|are) asked of",
    r"shall",
    r"br(ing|ings|ought) forth",
    r"the same comes of",
    r"makes? of the (descent|line|result|loss)",
    r"as it comes",
    r"has not (the|a|an)\b",
    r"\bis no (leaf|bowl|minimum|filter|accident|fault)",
    r"takes? [\w`$ ]+ for a constant",
    r"(grey|short) ways",
    r"shortest way",
    r"[Ff]rom how many",
    r"takes? (a (learning )?rate of )?`?(lr = )?1e-",
]
# What the site said once, and what turned out to be wrong.
WRONG = [
    r"names? for its `Variable`s",
    r"it the bound",
    r"two kinds of view",
    r"dropped after each backward",
    r"`backward` frees the graph",
    r"[Aa]utograd is such a tape",
    r"only one of them that finds the new gradient",
    r"orange lines upwards",
    r"the GPU runs nothing",
    r"puzzled the author",
    r"no address for the post",
    r"decided while the graph was built",
    r"runs? anywhere with Python",
    r"[Oo]ne program, five systems|[Oo]ne program in five systems",
    r"walks and frees it",
    r"a right angle away from",
    r"requires a gradient exactly if",
    r"as every optimizer does",
]


def prose(source):
    """Return a text as one line, so that a turn of phrase is found across a line's end."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".md":  # a listing that is shown for its form is not ours to word
        text = re.sub(r"(?ms)^```\{code-block\}.*?^```$", "", text)
    return " ".join(re.sub(r"(?m)^ *(#:?|\*|-|\|) ", "", text).split())


each_text = pytest.mark.parametrize("source", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))


@each_text
def test_avoided_turns_do_not_occur(source):
    """No page, script, module or README has a turn of phrase that the conventions name."""
    text = prose(source)
    found = [
        text[m.start() : m.end()] for turn in AVOIDED for m in re.finditer(rf"\b{turn}\b", text)
    ]
    assert found == []


@each_text
def test_corrected_claims_do_not_come_back(source):
    """What was once wrong on the site is not said again."""
    assert [claim for claim in WRONG if re.search(claim, prose(source))] == []


@pytest.mark.parametrize("source", [*MARKDOWN, ROOT / "README.md"], ids=lambda path: path.stem)
def test_no_word_is_doubled(source):
    """No word of the text stands twice in a row."""
    text = re.sub(r"(?ms)^```.*?^```$|\$.*?\$|`[^`\n]*`", " ⋯ ", source.read_text(encoding="utf-8"))
    pairs = re.findall(r"\b([A-Za-z]{2,}) \1\b", text)
    assert [word for word in pairs if word not in {"that", "had"}] == []


@pytest.mark.parametrize("source", MARKDOWN, ids=name)
def test_front_matter_describes_the_page(source):
    """Front matter is valid YAML; a description in it fits where search engines show it."""
    text = source.read_text(encoding="utf-8")
    if text.startswith("---\n"):
        front = yaml.safe_load(text.split("---\n")[1])
        meta = front.get("myst", {}).get("html_meta", {})
        assert 50 <= len(meta.get("description", "." * 50)) <= 160


def test_constants_are_drawn_dashed_and_empty():
    """The figure shows what the pages say of it: constants dashed and without a fill."""
    import torch

    x, a = torch.ones(2), torch.ones(2, requires_grad=True)
    with graph.record() as g:
        loss = (a * x).sum()
    g.backward(loss)
    (rule,) = re.findall(r"\.lfg-constant \.lfg-box\{([^}]*)\}", g.to_svg())
    assert "stroke-dasharray" in rule
    assert "fill:none" in rule
    assert {node.name: node.kind for node in g.nodes if node.name} == {
        "x": "constant",
        "a": "leaf",
        "loss": "operation",
    }


def test_gradients_and_the_current_step_are_orange():
    """The figure shows what the pages say of it: orange gradients, and an orange outline."""
    draw, steps = ROOT / "linefit/graph/draw/figure.css", ROOT / "linefit/graph/steps/player.css"
    (gradients,) = re.findall(r"\.lfg-grad,[^{]*\{([^}]*)\}", draw.read_text(encoding="utf-8"))
    (outline,) = re.findall(r"\.lfg-now \.lfg-box\{([^}]*)\}", steps.read_text(encoding="utf-8"))
    assert "fill:color-mix(in srgb,#d55e00" in gradients
    assert "stroke:#d55e00" in outline
    assert "fill" not in outline


@pytest.mark.parametrize("source", [*MARKDOWN, *SCRIPTS], ids=name)
def test_no_part_of_a_recorded_graph_is_called_grey(source):
    """A text about a recorded graph tells its parts by shape and dashes: none of them is grey."""
    if "graph.record(" in source.read_text(encoding="utf-8"):
        assert not re.search(r"\b(grey|gray)\b", prose(source))


def test_conventions_name_what_is_avoided():
    """CONTRIBUTING.md shows an instead for the turns that the tests look for."""
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Write English")[2]
    rows = re.findall(r"(?m)^\| ([^|]+) \| ([^|]+) \|$", table.partition("\n## ")[0])
    assert len(rows) > 8
    wrong = " ; ".join(row[0] for row in rows)
    right = " ; ".join(row[1] for row in rows)
    assert any(re.search(turn, wrong) for turn in AVOIDED)
    assert not any(re.search(rf"\b{turn}\b", right) for turn in AVOIDED)
