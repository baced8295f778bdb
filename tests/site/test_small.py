"""A small site, configured as the whole one: built again, and built for a repository."""

import functools
import subprocess
import sys
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup

import pseudo
import small
from reproducible import contents, differing, excused

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Return the folder of the small site's sources, built once as `plain`."""
    folder = tmp_path_factory.mktemp("small")
    small.write(folder)
    small.build(folder, "plain", SOURCE_DATE_EPOCH="1700000000")
    return folder


@pytest.fixture(scope="module")
def published(sources):
    """Return the site built for an address on this machine and a repository, and served there."""
    folder = sources / "published"
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    handler.func.log_message = lambda *_: None
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}/"
        small.build(sources, "published", LINEFIT_SITE_URL=place, LINEFIT_REPOSITORY="someone/fork")
        yield folder
        server.shutdown()


NAMES = ["learn/page", "auto_gallery/line/plot_1_line"]


@pytest.mark.parametrize("name", NAMES)
def test_notebook_opens_elsewhere_only_with_a_repository(name, sources, published):
    """The links name a notebook that the branch has; without a repository there are none."""
    assert [a for a in links(sources / "plain", name) if "://" in a and "colab" in a] == []
    (colab,) = [a for a in links(published, name) if "colab" in a]
    (binder,) = [a for a in links(published, name) if "mybinder" in a]
    path = colab.partition("/blob/notebooks/")[2]
    assert parse_qs(urlsplit(binder).query) == {"labpath": [path]}
    with zipfile.ZipFile(published / "_downloads" / "linefit-notebooks.zip") as archive:
        assert "linefit/binder/requirements.txt" in archive.namelist()
        notebook = nbformat.reads(archive.read(f"linefit/{path}").decode(), as_version=4)
    nbformat.validate(notebook)


def links(site, name):
    """Return the links of a page's part that says what can be taken along."""
    soup = BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
    return [a["href"] for a in soup.select(".take-along a[href]")]


@pytest.mark.parametrize("name", NAMES)
def test_first_cell_installs_from_the_address(name, published, tmp_path):
    """What pip is told in the notebook leads to the package, over the network."""
    (address,) = [a for a in links(published, name) if a.endswith("notebooks.zip")]
    with zipfile.ZipFile((published / f"{name}.html").parent / address) as archive:
        member = f"linefit/{name.replace('auto_gallery', 'gallery')}.ipynb"
        notebook = nbformat.reads(archive.read(member).decode(), as_version=4)
    (install,) = [cell.source for cell in notebook.cells if cell.source.startswith("%pip install ")]
    options = ["--no-deps", "--no-index", "--target", str(tmp_path)]
    wanted = install.removeprefix("%pip install --quiet ").split()
    command = [sys.executable, "-m", "pip", "install", "--quiet", *options, *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "linefit" / "__init__.py").is_file()


def test_second_cold_build_gives_the_same_bytes(sources):
    """Executed again from nothing, page and script give every file again, byte by byte."""
    small.forget(sources)
    again, log = small.build(sources, "again", SOURCE_DATE_EPOCH="1700000000")
    assert "learn/page" in log.partition("build succeeded")[0].rpartition("s  in all")[0]
    first = contents(sources / "plain")
    assert differing(first, contents(again)) == set()
    assert "_downloads/linefit-site.zip" in first


def test_difference_is_found_and_excused_only_where_something_is_measured():
    """A page in the list may differ with its own images; other files may not."""
    page = b'<img src="../_images/a.png"> <img src="../_images/both.png">'
    first = {"learn/cost.html": page, "index.html": b'src="_images/both.png"', "x": b"1"}
    second = {**first, "learn/cost.html": page.replace(b"a.png", b"b.png"), "x": b"2", "y": b""}
    assert differing(first, second) == {"learn/cost.html", "x", "y"}
    allowed = excused(first, second)
    assert {"learn/cost.html", "learn/cost.md", "_images/a.png", "_images/b.png"} <= allowed
    assert not {"_images/both.png", "index.html", "x"} & allowed


@pytest.fixture(scope="module")
def translated(sources):
    """Return the messages found, and the site in which each stands between two marks."""
    messages, _ = small.build(sources, "gettext", builder="gettext")
    assert pseudo.translate(messages, sources / "locale") > 0
    options = ["-D", f"language={pseudo.LANGUAGE}", "-D", f"locale_dirs={sources / 'locale'}"]
    return messages, *small.build(sources, "pseudo", *options)


def test_pages_scripts_and_templates_have_messages(translated):
    """A translator gets the text of each kind of source."""
    texts = [path.read_text(encoding="utf-8") for path in translated[0].rglob("*.pot")]
    found = "\n".join(texts)
    for message in (
        "A sentence with a {doc}`link </index>`, and a graph:",
        "It draws a line, which rises from nothing to one, and leaves everything else to you.",
        "Download this page as a notebook",
        "Words within HTML",
        "Put the lines in order",
        "Try once more, or open the answer.",
        "Autograd records {node} and keeps {names}.",
    ):
        assert f'msgid "{message}"' in found


def test_all_prose_comes_from_a_message(translated):
    """Every paragraph, title and item of pages and scripts has the marks of the translation."""
    for name in ("index", "learn/page", "auto_gallery/index", "auto_gallery/line/plot_1_line"):
        html = (translated[1] / f"{name}.html").read_text(encoding="utf-8")
        assert pseudo.untranslated(html)[0] == []
        assert pseudo.BEFORE in html


def test_scripts_and_figures_are_translated(translated):
    """Whatever a script or a player will say has a translation, in the page or in a table."""
    html = (translated[1] / "learn" / "page.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(html, "html.parser")
    labels = [element["aria-label"] for element in soup.select(".lfg-player [aria-label]")]
    assert len(labels) > 5
    assert [label for label in labels if pseudo.BEFORE not in label] == []
    changes = "".join(item["data-set"] for item in soup.select(".lfg-steps li"))
    assert f"{pseudo.BEFORE}grad " in changes
    assert soup.select_one(f'[aria-label="{pseudo.BEFORE}Words within HTML{pseudo.AFTER}"]')
    table = (translated[1] / "_static" / "words.js").read_text(encoding="utf-8")
    assert f'"Not yet.":"{pseudo.BEFORE}Not yet.{pseudo.AFTER}"' in table
    assert "words.js" in html
    assert "A cell has computed 0.50, and" in soup.get_text()


def test_translation_executes_nothing(translated):
    """A second language takes what the first has executed."""
    assert "Executing notebook" not in translated[2]
    assert "s  of code" not in translated[2]


def test_text_without_a_translation_is_found():
    """A paragraph of which no catalog knows is told; code and formulas are not."""
    html = "<article role=main><p>⟦One.⟧</p><p>Two words.</p><pre>code here</pre></article>"
    assert pseudo.untranslated(html)[0] == ["Two words."]
