"""What Sphinx-Gallery is told about figures, their order and its pages."""

from types import SimpleNamespace

import matplotlib as mpl
import pytest
import torch
from bs4 import BeautifulSoup
from matplotlib import pyplot as plt

import gallery_hooks
from linefit import graph
from sources import SCRIPTS

RST = "\n.. image-sg:: /images/a.png\n   :alt: a title\n   :class: sphx-glr-single-img\n"


@pytest.fixture
def warnings(monkeypatch):
    """Return the list of the warnings that the hooks give, each with its place."""
    given = []
    monkeypatch.setattr(
        gallery_hooks.logger,
        "warning",
        lambda text, *values, location: given.append((text % values, location)),
    )
    return given


@pytest.fixture
def scrape(monkeypatch):
    """Return a function that scrapes a cell for which Sphinx-Gallery has saved some figures."""

    def scraped(code, figures):
        monkeypatch.setattr(gallery_hooks, "matplotlib_scraper", lambda *_: RST * figures)
        return gallery_hooks.scrape_figures(("code", code, 7), {"src_file": "plot_1.py"}, {})

    return scraped


def test_alt_text_comes_from_the_cell(scrape, warnings):
    """Each figure is described by the comment of its own, which may have several lines."""
    code = (
        "# Alt: The points, and\n#   the line.\nfig, ax = plt.subplots()\n"
        "for x in y:\n    # Alt: The loss: it falls.\n    plot(x)  # Alt: no comment of its own\n"
    )
    first, second = scrape(code, 2).split(".. image-sg::")[1:]
    assert ":alt: The points, and the line.\n" in first
    assert ":alt: The loss: it falls.\n" in second
    assert warnings == []


@pytest.mark.parametrize(
    ("code", "figures"), [("plt.plot(x)", 1), ("# Alt: One.", 2), ("# Alt: One.\n# Alt: Two.", 1)]
)
def test_each_figure_needs_its_text(scrape, warnings, code, figures):
    """Where figures and comments are not as many, a warning names the script and the line."""
    assert scrape(code, figures) == RST * figures
    ((text, location),) = warnings
    assert text.startswith(f"{figures} figures but {code.count('# Alt:')} comments")
    assert location == ("plot_1.py", 7)


def test_a_cell_without_figure_needs_no_text(scrape, warnings):
    """Where nothing is drawn there is nothing to describe."""
    assert scrape("x = 1", 0) == ""
    assert warnings == []


def test_backslashes_in_a_description_stay(scrape):
    """A description is text, not a pattern's replacement."""
    assert r":alt: \1 and \g<0>" in scrape(r"# Alt: \1 and \g<0>", 1)


CELL = "x = 1\n# Alt: The points, and\n#      the line.\nplot(x)  # Alt: stays\n# a reason\n"
CLEAN = "x = 1\nplot(x)  # Alt: stays\n# a reason\n"


def test_pages_show_no_description_of_a_figure():
    """A page of the gallery has the code alone, indented as it is; other pages are let be."""
    indented = CELL.replace("\n", "\n    ")
    for docname, code in (("auto_gallery/line/plot_1", CLEAN), ("start", CELL)):
        source = [indented]
        gallery_hooks.clean_page(None, docname, source)
        assert source == [code.replace("\n", "\n    ")]


ZIPPED = """\
    .. container:: sphx-glr-download sphx-glr-download-python

      :download:`Download Python source code: plot_1.py <plot_1.py>`

    .. container:: sphx-glr-download sphx-glr-download-zip

      :download:`Download zipped: plot_1.zip <plot_1.zip>`"""


def test_pages_offer_no_archive_of_one_script():
    """Of a script's downloads, the archive goes and the others stay."""
    source = [ZIPPED]
    gallery_hooks.clean_page(None, "auto_gallery/line/plot_1", source)
    assert source[0].rstrip().endswith("<plot_1.py>`")
    assert "zip" not in source[0]


def test_each_script_starts_with_the_sites_style():
    """What a script set before is undone, its figures closed, and nothing is shown."""
    with mpl.rc_context():
        plt.figure()
        mpl.rcParams["hatch.linewidth"] = 77
        mpl.rcParams["savefig.dpi"] = 300
        gallery_hooks.reset_matplotlib({}, "plot_1.py")
        assert plt.get_fignums() == []
        assert mpl.get_backend().lower() == "agg"
        assert mpl.rcParams["hatch.linewidth"] == mpl.rcParamsDefault["hatch.linewidth"]
        assert mpl.rcParams["savefig.dpi"] == 100
        site = mpl.rc_params_from_file(gallery_hooks.MATPLOTLIBRC, use_default_template=False)
        for key in site.keys() - {"savefig.dpi", "backend"}:
            assert mpl.rcParams[key] == site[key]


def test_graphs_of_scripts_leave_style_and_script_to_the_page():
    """A figure is without both after the hook, as the site has them as files."""
    x = torch.ones(1, requires_grad=True)
    with graph.record() as g:
        g.backward(x * 2)
    assert "<style" in g.player()
    gallery_hooks.leave_assets_to_the_page({}, "plot_1.py")
    try:
        assert "<style" not in g.player()
    finally:
        graph.set_display(assets="inline")


def test_every_topic_has_its_place():
    """The sections are those of the gallery, each once, in the order of the story."""
    topics = {script.parent.name for script in SCRIPTS}
    assert set(gallery_hooks.SECTIONS) == topics
    assert len(gallery_hooks.SECTIONS) == len(topics)
    order = sorted((f"../gallery/{topic}" for topic in topics), key=gallery_hooks.subsection_order)
    assert order == [f"../gallery/{topic}" for topic in gallery_hooks.SECTIONS]


@pytest.fixture
def app(tmp_path):
    """Return a site with one script and what was made of it."""
    (tmp_path / "gallery" / "line").mkdir(parents=True)
    (tmp_path / "gallery" / "line" / "plot_1_run.py").touch()
    (tmp_path / "docs" / "auto_gallery" / "line" / "images").mkdir(parents=True)
    return SimpleNamespace(confdir=tmp_path / "docs", srcdir=str(tmp_path / "docs"))


def test_what_was_made_of_a_removed_script_is_removed(app):
    """Of a script that is gone or renamed nothing is left; all else stays."""
    built = app.confdir / "auto_gallery"
    made = ["py", "ipynb", "rst", "zip", "py.md5", "codeobj.json"]
    for name in ("plot_1_run", "plot_1_old"):
        for suffix in made:
            (built / "line" / f"{name}.{suffix}").touch()
    (built / "line" / "index.rst").touch()
    gallery_hooks.remove_orphans(app)
    left = {path.name for path in built.rglob("*") if path.is_file()}
    assert left == {f"plot_1_run.{suffix}" for suffix in made} | {"index.rst"}


CARD = """\
Scripts
=======

.. raw:: html

    <div class="sphx-glr-thumbcontainer" tooltip="Question. How long is the line?">

:doc:`/script`

.. raw:: html

      <div class="sphx-glr-thumbnail-title">A line</div>
    </div>

.. toctree::

   script
"""
SCRIPT = "A line\n======\n\n**Question.** How long is the line that joins all of the points?\n"


def test_card_is_described_in_the_language(site, translate):
    """It tells what its script's page does in the translation, and has one title."""
    question = "How long is the line that joins all of the points?"
    translate("eo", "script", {f"**Question.** {question}": "Kiom longa?"})
    extensions = ["descriptions", "gallery_hooks"]
    settings = {"language": "eo", "locale_dirs": ["locales"]}
    app = site(extensions, {"index.rst": CARD, "script.rst": SCRIPT}, **settings)
    app.build()
    page = BeautifulSoup((app.outdir / "index.html").read_text("utf-8"), "html.parser")
    card = page.select_one(".sphx-glr-thumbcontainer")
    assert card["tooltip"] == "Kiom longa?"
    assert card.select(".sphx-glr-thumbnail-title") == []
    assert card.a.text == "A line"
