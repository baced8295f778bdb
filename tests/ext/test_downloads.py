"""What the gallery offers, ready to run, and the archives of scripts, notebooks and site."""

import zipfile

import nbformat
import pytest
from nbformat import v4

import downloads
import install

WHEEL = "demo-1.0-py3-none-any.whl"
PROJECT = """\
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"

[project]
name = "demo"
version = "1.0"
description = "A package"
requires-python = ">=3"
"""
INDEX = """\
# Start

```{toctree}
page
auto_gallery/line/plot_1_run
```
"""
PAGE = """\
---
file_format: mystnb
kernelspec:
  name: python3
---

# A page

```{code-cell}
"the first cell"
```
"""
CODE = '"""A script."""\n\nimport demo\n\n# Alt: A line.\nplot(demo.a)\n'
RST = """\
A script
========

:download:`script <plot_1_run.py>` :download:`notebook <plot_1_run.ipynb>`
"""
ARCHIVES = "_downloads/linefit-notebooks.zip", "_downloads/linefit-site.zip"


@pytest.fixture
def build(site, tmp_path):
    """Return a function that builds a site with a page and a script of the gallery."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "demo.py").write_text("a = 1\n", encoding="utf-8")
    line = tmp_path / "docs" / "auto_gallery" / "line"
    line.mkdir(parents=True)
    (line / "plot_1_run.py").write_text(CODE, encoding="utf-8")
    cells = [v4.new_markdown_cell("A script"), v4.new_code_cell("# Alt: A line.\nplot(demo.a)")]
    nbformat.write(v4.new_notebook(cells=cells), line / "plot_1_run.ipynb")

    def built(**options):
        pages = {"index.md": INDEX, "page.md": PAGE}
        pages["auto_gallery/line/plot_1_run.rst"] = RST
        settings = {
            "nb_execution_mode": "off",
            "exclude_patterns": ["_build", "auto_gallery/**/*.ipynb"],
            "myst_substitutions": {"wheel": WHEEL},
        }
        extensions = ["myst_nb", "reading", "take_along", "downloads"]
        app = site(extensions, pages, **settings, **options)
        app.build()
        return app

    return built


def packed(app, name):
    """Return the members of an archive of the site."""
    with zipfile.ZipFile(app.outdir / "_downloads" / name) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_script_in_the_site_has_its_metadata(build):
    """What is offered is the script below its metadata; the gallery's own file stays."""
    app = build()
    (script,) = app.outdir.rglob("plot_1_run.py")
    text = script.read_text(encoding="utf-8")
    assert text.startswith("# /// script\n")
    assert text.endswith(CODE)
    assert (app.srcdir / "auto_gallery/line/plot_1_run.py").read_text(encoding="utf-8") == CODE


def test_notebook_of_a_script_installs_and_describes_no_figure(build):
    """It is valid, its first code installs, and the text for images is gone."""
    (path,) = build().outdir.rglob("plot_1_run.ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.id for cell in notebook.cells] == ["cell-0", install.CELL, "cell-1"]
    assert notebook.cells[2].source == "plot(demo.a)"


def test_everything_in_the_archive_finds_the_wheel(build):
    """From its own folder, each script and notebook leads to the wheel at the top."""
    members = packed(build(), "linefit-notebooks.zip")
    assert set(members) == {
        f"linefit/{name}"
        for name in (
            "README.md",
            "requirements.txt",
            WHEEL,
            "page.ipynb",
            "gallery/line/plot_1_run.ipynb",
            "gallery/line/plot_1_run.py",
        )
    }
    assert f'"../../{WHEEL}"'.encode() in members["linefit/gallery/line/plot_1_run.py"]
    assert f" ../../{WHEEL}".encode() in members["linefit/gallery/line/plot_1_run.ipynb"]
    assert f" ./{WHEEL}".encode() in members["linefit/page.ipynb"]
    assert members["linefit/requirements.txt"] == f"./{WHEEL}\n".encode()
    assert [name for name, content in members.items() if b"beside this notebook" in content] == []


def test_archive_of_the_site_is_the_site(build):
    """It has every file but itself; the other archive and the search are included."""
    app = build()
    members = packed(app, "linefit-site.zip")
    files = {path for path in app.outdir.rglob("*") if path.is_file()}
    wanted = {path.relative_to(app.outdir).as_posix(): path.read_bytes() for path in files}
    for own in ("_downloads/linefit-site.zip", ".buildinfo"):
        del wanted[own]
    assert members == {f"linefit/{name}": content for name, content in wanted.items()}
    assert "linefit/searchindex.js" in members


def test_site_in_its_archive_has_no_link_to_the_archive(tmp_path):
    """The words of such a link stay, in HTML and in Markdown, and so do all other links."""
    link = '<a class="reference internal" href="_downloads/linefit-{}.zip">{} <em>this</em></a>'
    page = tmp_path / "page.html"
    other = link.format("notebooks", 1)
    switch = '<nav class="editions"><a href="../zh/index.html">中文</a></nav>\n'
    page.write_text(f"{switch}<p>{other} or {link.format('site', 2)}.</p>", "utf-8")
    assert downloads.unpacked(page) == f"<p>{other} or 2 <em>this</em>.</p>".encode()
    page = tmp_path / "page.md"
    page.write_text("[a](a.html), [b](../_downloads/linefit-site.zip)", "utf-8")
    assert downloads.unpacked(page) == b"[a](a.html), b"


def test_second_build_makes_the_same_archives(build, monkeypatch):
    """Two builds of the same sources give the same bytes."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first = {name: (build().outdir / name).read_bytes() for name in ARCHIVES}
    app = build(freshenv=True)
    assert [name for name in ARCHIVES if (app.outdir / name).read_bytes() != first[name]] == []


def test_address_is_the_only_place_of_the_wheel(build):
    """With an address, nothing looks for a wheel in a folder."""
    members = packed(build(html_baseurl="https://example.org"), "linefit-notebooks.zip")
    del members[f"linefit/{WHEEL}"]
    for name, content in members.items():
        assert content.count(WHEEL.encode()) == content.count(
            f"https://example.org/_downloads/{WHEEL}".encode()
        ), name


def test_other_builders_make_no_archive(build):
    """A builder that makes no pages packs nothing."""
    assert list(build(buildername="text").outdir.rglob("*.zip")) == []
