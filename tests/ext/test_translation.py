"""Sentences that are found in a figure again, and words that are found in HTML."""

import io
import json
import re
from base64 import b64encode
from pathlib import Path

import pytest
import torch
from PIL import Image

import translation
import words
from linefit import graph
from sources import DOCS, ROOT


@pytest.fixture
def translator(monkeypatch):
    """Return a translator that puts each message between marks."""
    monkeypatch.setattr(translation, "_", lambda text: f"<{text}>")
    found = translation.messages(ROOT)
    return translation.Translator([m.text for m in found if m.path.name == "sentences.py"])


@pytest.mark.parametrize(
    ("english", "marked"),
    [
        ("Nothing is recorded.", "<Nothing is recorded.>"),
        ("Step 3 of 12", "<Step 3 of 12>"),
        (
            "The inputs: a = 2 and b = 0 require gradients. x = 1 is a constant.",
            "<The inputs: <<a = 2 and b = 0> require gradients.>> <x = 1 is a constant.>",
        ),
        (
            "Forward: relu(u) = (3,) all 1. Autograd records Relu and keeps its result.",
            "<Forward: relu(u) = (3,) <all 1>.> <Autograd records Relu and keeps <its result>.>",
        ),
        (
            "For b: (30,) from 0.0667 to 3.93 × 1 → 60, the sum over what was repeated.",
            "<For b: <<(30,) from 0.0667 to 3.93> × 1 → 60, the sum over what was repeated>.>",
        ),
        (
            "A hook changes the gradient of mul(a, x): it was None and is (2,) all 1.",
            "<A hook changes <the gradient of mul(a, x)>: it was None and is (2,) <all 1>.>",
        ),
        (
            "Computational graph: two operations; u is 3; the gradient reaching a is −1.",
            "<Computational graph: <two operations>; <u is 3>; <the gradient reaching a is −1>.>",
        ),
        ("W = mul", "W = mul"),
        ("add(x, y)", "add(x, y)"),
    ],
)
def test_sentence_is_told_by_what_was_said(english, marked, translator):
    """The text with its blanks is translated, and so is what fills them in, but no code."""
    assert translator(english) == marked


def test_every_sentence_of_a_training_step_is_found(translator):
    """Whatever the words of a real recording, each step begins and ends with a message."""
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    x = torch.randn(5, 3)
    with graph.record() as g:
        h = model(x)
        loss = h.square().mean() + h.sum() * 2
    g.backward(loss)
    steps = [translator(step.words) for step in g.steps()]
    assert len(steps) > 15
    assert [words for words in steps if not (words.startswith("<") and words.endswith(">"))] == []


def test_figure_keeps_all_but_its_words(translator, monkeypatch):
    """With every message as its own translation a player is what it was."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with graph.record() as g:
        y = (x * x).sum()
    g.backward(y)
    html = g.player()._repr_html_()
    monkeypatch.setattr(translation, "_", str)
    assert translator.figure(html) == html


def test_messages_come_from_all_kinds_of_sources():
    """Extensions, scripts and figures have some; none is written twice in different words."""
    found = list(translation.messages(ROOT))
    assert {message.path.suffix for message in found} == {".py", ".js"}
    shared = {m.text for m in found if m.path.name == "graph-words.js"}
    assert shared <= {m.text for m in found if m.path.name == "sentences.py"}


def test_no_message_of_a_script_is_overlooked():
    """What a script says stands where its messages are read, so in no template string."""
    said = re.compile(r"""\bsay\(\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')""")
    for path in (DOCS / "_static").rglob("*.js"):
        found = {message.text for message in translation.messages(ROOT) if message.path == path}
        texts = said.findall(path.read_text(encoding="utf-8"))
        assert {double or single for double, single in texts} == found, path.name


def test_words_are_texts_and_what_is_heard():
    """Neither code in attributes nor numbers are words; entities are read and written."""
    html = '<p id="a b" aria-label="Say &quot;x&quot;">1 <i>two</i>\n</p>'
    assert words.found(html) == ['Say "x"', "two"]
    assert words.replaced(html, str.upper) == html.replace("Say", "SAY").replace(
        "&quot;x", "&quot;X"
    ).replace("two", "TWO")


def test_own_messages_have_no_repeated_spaces():
    """A translator meets each text as it is shown."""
    texts = [message.text for message in translation.messages(Path(ROOT))]
    assert [text for text in texts if "  " in text or not text.strip()] == []


EXTENSIONS = ["myst_nb", "reading", "descriptions", "translation"]
FOLDED = """\
---
file_format: mystnb
---

# Page

```{code-cell}
---
tags: [hide-input]
mystnb: {code_prompt_show: "Show the sum"}
---
1 + 1
```
"""


@pytest.mark.parametrize(
    ("builder", "name", "form"),
    [("gettext", "sphinx.pot", 'msgid "{}"'), ("html", "index.html", ">&lt;{}&gt;<")],
)
def test_prompts_of_folded_cells_are_messages(builder, name, form, site, monkeypatch):
    """What opens and closes a cell goes to the translator, and comes back onto the page."""
    monkeypatch.setattr(translation, "_", lambda text: f"<{text}>")
    settings = {"nb_execution_mode": "off", "language": "eo"}
    app = site(EXTENSIONS, {"index.md": FOLDED}, buildername=builder, **settings)
    app.build()
    text = (app.outdir / name).read_text(encoding="utf-8")
    for prompt in ("Show the sum", "Hide code cell source"):
        assert form.format(prompt) in text


def cell(alt, png):
    """Return a notebook whose one cell has drawn something, with its description."""
    output = {"output_type": "display_data", "metadata": {}, "data": {"image/png": png}}
    drawn = {"cell_type": "code", "source": "plot()", "execution_count": 1, "outputs": [output]}
    drawn["metadata"] = {"mystnb": {"image": {"alt": alt}}}
    title = {"cell_type": "markdown", "source": "# Page", "metadata": {}}
    return json.dumps({"cells": [title, drawn], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def pages_with_figures(folder):
    """Return a page with a figure of a cell, and one with a script's as Sphinx-Gallery shows it."""
    (folder / "docs").mkdir()
    png = io.BytesIO()
    Image.new("RGBA", (8, 8)).save(png, "PNG")
    (folder / "docs" / "a.png").write_bytes(png.getvalue())
    of_script = ":orphan:\n\nScript\n======\n\n.. image-sg:: /a.png\n   :alt: A line.\n"
    of_cell = cell("A valley.", b64encode(png.getvalue()).decode())
    return {"index.ipynb": of_cell, "script.rst": f"{of_script}   :srcset: /a.png, /a.png 2.00x\n"}


def test_words_of_theme_and_generated_pages_are_messages(site):
    """A translator meets what the theme marks, what it does not, and what conf.py describes."""
    described = {"search": "Search all pages."}
    app = site(EXTENSIONS, {"index.md": "# A"}, buildername="gettext", page_descriptions=described)
    app.build()
    found = (app.outdir / "sphinx.pot").read_text(encoding="utf-8")
    for text in ("Skip to content", "Toggle site navigation sidebar", "Search all pages."):
        assert f'msgid "{text}"' in found


FIGURES = {"nb_execution_mode": "off", "language": "eo", "locale_dirs": ["locales"]}


def test_descriptions_of_figures_are_messages_of_their_pages(site, tmp_path):
    """What describes a figure of a cell, or of a script, goes to the translator with its place."""
    pages = pages_with_figures(tmp_path)
    app = site([*EXTENSIONS, "images"], pages, buildername="gettext", **FIGURES)
    app.build()
    places = [("index", "index.ipynb:", "A valley."), ("script", "script.rst:6", "A line.")]
    for catalog, place, text in places:
        found = (app.outdir / f"{catalog}.pot").read_text(encoding="utf-8")
        assert re.search(rf'#: .*{place}.*\nmsgid "{text}"', found), found


def test_figures_are_described_in_the_language(site, tmp_path, translate):
    """Both kinds of figures have their translated description on the page."""
    pages = pages_with_figures(tmp_path)
    translate("eo", "index", {"A valley.": "Valo."})
    translate("eo", "script", {"A line.": "Linio."})
    app = site([*EXTENSIONS, "images"], pages, **FIGURES)
    app.build()
    for name, text in (("index", "Valo."), ("script", "Linio.")):
        assert f'alt="{text}"' in (app.outdir / f"{name}.html").read_text(encoding="utf-8")


def test_words_in_formulas_are_translated(site, translate):
    """A formula stays one, in the words of the language."""
    translate("eo", "index", {r"x \text{ if } y": r"x \text{ se } y"})
    page = "# Page\n\n```{math}\nx \\text{ if } y\n```\n"
    app = site(EXTENSIONS, {"index.md": page}, language="eo", locale_dirs=["locales"])
    app.build()
    html = (app.outdir / "index.html").read_text(encoding="utf-8")
    assert r"\[x \text{ se } y\]" in html
