"""The built site: complete, without errors, without strangers, readable by everyone."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import linefit
from built import foreign, in_css
from sources import DOCS, EXECUTED, NAMES, ROOT, SCRIPTS, name

# Promised to readers: these pages stay, whatever else is added.
PROMISED = {
    "index",
    "start",
    "learn/graphs",
    "learn/dynamic-and-static",
    "learn/dynamic-graphs",
    "learn/static-graphs",
    "learn/five-systems",
    "learn/cost",
    "learn/autograd",
    "learn/autograd-deeper",
    "learn/autograd-functions",
    "learn/line-fit",
    "learn/learning-rate",
    "learn/scale",
    "learn/which-line",
    "learn/step-size",
    "play/line",
    "then-and-now",
    "errors",
    "glossary",
    "practice/index",
    "teach",
    "about",
    "changelog",
    "auto_gallery/graphs/plot_1_by_hand",
    "auto_gallery/graphs/plot_2_caffe_layers",
    "auto_gallery/graphs/plot_3_changing_graph",
    "auto_gallery/graphs/plot_4_your_own_model",
    "auto_gallery/autograd/plot_1_requires_grad",
    "auto_gallery/autograd/plot_2_custom_function",
    "auto_gallery/autograd/plot_3_accumulation",
    "auto_gallery/line/plot_1_posts_run",
    "auto_gallery/line/plot_2_fit_today",
    "auto_gallery/line/plot_3_rate_decay",
    "auto_gallery/line/plot_4_scaling",
    "auto_gallery/line/plot_5_hubble",
    "auto_gallery/gpu/plot_1_fit_on_gpu",
    "auto_gallery/gpu/plot_2_crossover",
    "auto_gallery/gpu/plot_3_cuda_graphs",
}
TRACEBACK = "Traceback (most recent call last)"
GPU = [script for script in SCRIPTS if script.parent.name == "gpu"]
REFERENCE = [name for name in NAMES if name.startswith("reference/")]


def test_promised_pages_have_a_source():
    """No page or script that readers know has been lost or renamed."""
    assert PROMISED - set(NAMES) == set()
    assert REFERENCE


@pytest.mark.parametrize("name", NAMES)
def test_page_is_built(name, html):
    """Every page and every script has its HTML page."""
    assert (html / f"{name}.html").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_page_says_what_it_is(name, page):
    """A page has a language, one title and one first heading, which agree."""
    soup = page(name).soup
    headings = [h.get_text().rstrip("#¶ \n") for h in soup.find_all("h1")]
    assert soup.html["lang"]
    assert len(headings) == 1
    assert headings[0] in soup.title.get_text() or name == "index"


@pytest.mark.parametrize("name", NAMES)
def test_page_shows_no_error_of_ours(name, page):
    """Nothing unresolved, no message of Sphinx, nothing on stderr, no path of this machine."""
    here = page(name)
    unwanted = ".problematic, .system-message, .output.stderr, .sphx-glr-thumb-broken"
    assert here.soup.select(unwanted) == []
    assert str(ROOT) not in here.source


@pytest.mark.parametrize("source", [*EXECUTED, *SCRIPTS], ids=name)
def test_only_wanted_errors_are_shown(source, page):
    """A traceback stands only where a cell is tagged to raise one."""
    wanted = source.read_text(encoding="utf-8").count("raises-exception")
    assert page(name(source)).text().count(TRACEBACK) <= wanted


@pytest.mark.parametrize("name", NAMES)
def test_page_asks_nothing_of_other_hosts(name, page):
    """Scripts, styles, images and fonts all come from the site itself."""
    assert [address for address in page(name).fetched() if foreign(address)] == []


def test_style_sheets_ask_nothing_of_other_hosts(html):
    """No style sheet of the site loads a font or a picture from elsewhere."""
    sheets = [path for path in html.rglob("*.css") if path.is_file()]
    assert sheets
    found = [(p.name, a) for p in sheets for a in in_css(p.read_text("utf-8")) if foreign(a)]
    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_pictures_have_words(name, page):
    """Every image has an alt text, every drawing a label, for those who do not see them."""
    content = page(name).content
    images = [img["src"] for img in content.find_all("img") if not _described(img)]
    assert images == []
    hidden = {id(svg) for svg in content.select("[aria-hidden=true] svg, svg[aria-hidden=true]")}
    drawings = [svg for svg in content.find_all("svg") if id(svg) not in hidden]
    assert [str(svg)[:200] for svg in drawings if not _labelled(svg)] == []


def _described(image):
    """Whether there is an alt text, or an empty one where the link around it has words."""
    alt = image.get("alt")
    card = image.find_parent(class_="sphx-glr-thumbcontainer")
    return bool(alt and alt.strip()) or (alt == "" and card and card.get_text(strip=True))


def _labelled(svg):
    return svg.get("aria-label") or svg.get("aria-labelledby") or svg.find("title")


@pytest.mark.parametrize("source", EXECUTED, ids=name)
def test_executed_page_offers_its_notebook(source, page):
    """Each executed page can be taken along as a notebook."""
    (notebook,) = page(name(source)).downloads(".ipynb")
    assert notebook.is_file()


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_gallery_page_offers_its_script(script, page):
    """Each gallery page offers script, notebook and the archive of all."""
    here = page(name(script))
    (archive,) = here.downloads(".zip")
    with zipfile.ZipFile(archive) as opened:
        packed = {entry.rpartition("/")[2] for entry in opened.namelist()}
    assert {f"{script.stem}.py", f"{script.stem}.ipynb"} <= packed
    for suffix in (".py", ".ipynb"):
        (download,) = here.downloads(suffix)
        assert download.is_file()


def test_wheel_is_the_package(html):
    """The site's wheel holds every module and data file of the checkout, as they are."""
    (wheel,) = html.glob("_downloads/**/linefit_autograd-*.whl")
    assert wheel.name == f"linefit_autograd-{linefit.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        for path in (ROOT / "linefit").rglob("*"):
            if path.is_file() and path.suffix in {".py", ".csv", ".typed", ".css", ".js"}:
                assert archive.read(path.relative_to(ROOT).as_posix()) == path.read_bytes()


def test_internal_links_and_anchors_resolve(html):
    """No link within the site leads nowhere, not even to a missing heading."""
    beside_python = str(Path(sys.executable).parent)
    lychee = shutil.which("lychee", path=os.pathsep.join([beside_python, os.environ["PATH"]]))
    assert lychee, "lychee is missing: it comes with the test dependencies"
    options = ["--offline", "--include-fragments=full", "--no-progress", "--format=compact"]
    command = [lychee, *options, f"--root-dir={html}", str(html)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


@pytest.mark.parametrize("script", GPU, ids=name)
def test_gpu_page_says_which_half_ran(script, page):
    """A GPU page shows the CPU's results and says whether a CUDA device took part, and which."""
    here = page(name(script))
    output = " ".join(block.get_text(" ") for block in here.content.select(".sphx-glr-script-out"))
    assert re.search(r"\bCPU\b", output, re.IGNORECASE)
    assert re.search(r"\bCUDA\b", output, re.IGNORECASE)
    assert re.search(r"\d", output), "the CPU half has measured nothing"


@pytest.mark.parametrize("public", linefit.__all__)
def test_reference_describes_every_public_name(public, page):
    """Each name that `import linefit` gives has its entry in the reference."""
    ids = {tag["id"] for name in REFERENCE for tag in page(name).soup.select("dt[id]")}
    assert f"linefit.{public}" in ids


def test_landing_page_says_what_the_package_needs(page):
    """Its oldest Python and PyTorch are those that the package's metadata allow."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    python = project["requires-python"].removeprefix(">=")
    (torch,) = (need[7:] for need in project["dependencies"] if need.startswith("torch>="))
    said = " ".join(page("index").soup.text.split())
    assert f"They need Python {python} and PyTorch {torch} or newer" in said


def test_about_links_the_post_and_its_sources(page):
    """The post, at the commit whose run the site follows, and each of its references."""
    targets = [link["href"] for link in page("about").soup.select("article a[href^=http]")]
    post = "github.com/Hzzone/hzzone.github.io"
    assert any(f"{post}/tree/" in target for target in targets)
    for source in (post, "cs231n", "pytorch-cn", "cnblogs.com", "u013527419", "manong_wxd"):
        assert any(source in target for target in targets), source


def test_nobody_is_sent_to_the_other_linefit(html):
    """A package of another author has our import name: no page may tell readers to install it."""
    texts = {p: p.read_text("utf-8") for p in [*html.rglob("*.html"), *DOCS.glob("**/*.md")]}
    wrong = re.compile(r"pip\S* install (?:-\S+ )*linefit(?![-_\w])")
    assert [str(path) for path, text in texts.items() if wrong.search(text)] == []
