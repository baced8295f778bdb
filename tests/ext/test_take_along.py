"""What a reader takes along: pages as notebooks, and the package as a wheel."""

import json
import zipfile
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from sphinx.errors import ExtensionError

import take_along

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
---
file_format: mystnb
kernelspec:
  name: python3
---

# Start

```{code-cell}
"the first cell"
```

```{toctree}
learn/page
plain
```
"""
PLAIN = """\
# A page without cells

Save {wheel}`the package` and {archive}`all notebooks <all.zip>`.
"""
PAGE = """\
---
file_format: mystnb
kernelspec:
  name: python3
---

(top)=
# A page

Up to {ref}`top`, see {doc}`/plain`, save {wheel}`the package`, and $a$ is {eq}`one`.

$$
a = 1
$$ (one)

```{install}
```

```{code-cell}
x = 1
```

```{code-cell}
:tags: [remove-cell]

from myst_nb import glue
glue("x", x)
```

+++

The number is not known: {glue:text}`x`.

```{code-cell}
:tags: [raises-exception, hide-input]

1 / 0
```

```{code-cell}
:tags: [hide-cell]

x
```

```{code-cell}
:tags: [remove-input]

x + 1
```

Read {doc}`/plain` in {minutes}`/plain`.
"""


@pytest.fixture
def build(site, tmp_path):
    """Return a function that builds three pages without executing them."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "demo.py").write_text("a = 1\n", encoding="utf-8")
    (tmp_path / "docs" / "learn").mkdir(parents=True)

    def built(page=PAGE, wheel=WHEEL, **options):
        pages = {"index.md": INDEX, "plain.md": PLAIN, "learn/page.md": page}
        settings = {
            "nb_execution_mode": "off",
            "myst_enable_extensions": ["colon_fence", "dollarmath", "substitution"],
            "myst_substitutions": {"wheel": wheel},
        }
        app = site(["myst_nb", "reading", "take_along"], pages, **settings, **options)
        app.build()
        return app

    return built


def notebook(app, page="learn/page"):
    """Return a page's notebook, which has to be a valid one."""
    path = app.outdir / "_downloads" / "notebooks" / f"{page}.ipynb"
    read = nbformat.read(path, as_version=4)
    nbformat.validate(read)
    return read


def page(app, name):
    """Return a built page."""
    html = (app.outdir / f"{name}.html").read_text(encoding="utf-8")
    return BeautifulSoup(html, "html.parser")


def test_notebook_has_the_cells_of_the_page(build):
    """Text and code come in the page's order, without what only the site needs."""
    cells = notebook(build()).cells
    assert [cell.cell_type for cell in cells] == [
        "markdown", "code", "code", "markdown", "code", "code", "code", "markdown"
    ]  # fmt: skip
    assert [cell.source for cell in cells if cell.cell_type == "code"][1:] == [
        "x = 1", "1 / 0", "x", "x + 1"
    ]  # fmt: skip
    assert [cell.id for cell in cells] == ["cell-0", "install", *(f"cell-{n}" for n in range(1, 7))]
    assert "glue" not in "".join(cell.source for cell in cells if cell.cell_type == "code")


def test_notebook_says_how_to_install_the_package(build):
    """The first code installs it, from the site's address if it has one."""
    assert notebook(build()).cells[1].source.endswith(f"\n%pip install --quiet ./{WHEEL}")
    app = build(html_baseurl="https://example.org/docs/")
    address = f"https://example.org/docs/_downloads/{WHEEL}"
    assert notebook(app).cells[1].source == f"%pip install --quiet {address}"


def test_another_address_is_told_on_every_page(build):
    """A page that was read under another address is read again, and so is its notebook."""
    address = f"https://example.org/docs/_downloads/{WHEEL}"
    for options in ({}, {"html_baseurl": "https://example.org/docs/"}):
        app = build(**options)
    (code,) = page(app, "learn/page").select("div.highlight-shell pre")
    assert code.text.strip() == f"python -m pip install {address}"
    assert f"python -m pip install {address}" in notebook(app).cells[0].source


def test_text_of_the_notebook_is_plain(build):
    """References have the titles and numbers that the page shows."""
    assert notebook(build()).cells[0].source == (
        "# A page\n\nUp to A page, see A page without cells, save the package, and $a$ is (1).\n\n"
        "$$\na = 1 \\tag{1}\n$$\n\n"
        f"```shell\npython -m pip install ./{WHEEL}\n```"
    )


def test_cells_keep_what_a_notebook_program_understands(build):
    """An expected error stays one, and folded input stays folded; other tags are dropped."""
    first, error, hidden, removed = [
        c.metadata for c in notebook(build()).cells[2:] if c.cell_type == "code"
    ]
    folded = {"source_hidden": True}
    assert first == {}
    assert error == {"tags": ["raises-exception"], "jupyter": folded}
    assert hidden == removed == {"jupyter": folded}


def test_minutes_stand_in_the_notebook(build):
    """The time that another page takes is told as the page tells it."""
    assert notebook(build()).cells[-1].source == "Read A page without cells in 1 min."


def test_notebook_has_no_outputs_and_the_same_bytes(build):
    """It is as if never run, on any machine, and a second build writes the same file."""
    first = notebook(build())
    assert all(cell.outputs == [] for cell in first.cells if cell.cell_type == "code")
    assert first.metadata.kernelspec.name == "python3"
    assert notebook(build()) == first


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("{glue:text}`x`", "'x'"),
        ("{sub}`x`", "the role {sub}"),
        ("\n:::{rubric} a\n:::", "{rubric}"),
    ],
)
def test_what_a_notebook_cannot_show_is_a_warning(build, wrong, said):
    """The warning names the page and the markup, so that a build with -W stops."""
    app = build(page=PAGE.replace("{glue:text}`x`", wrong))
    told = [w for w in app.warning.getvalue().splitlines() if "notebook cannot show" in w]
    assert len(told) == 1
    assert said in told[0]
    assert "page.md" in told[0]


def test_glued_values_are_those_of_the_page(build):
    """What a page's cells have glued stands in the text, in the form that the page gives it."""
    app = build()
    kept = {"x": {"data": {"text/plain": "2.51239", "text/html": "<b>2.51239</b>"}}}
    folder = Path(app.env.mystnb_config.output_folder)
    (folder / "learn").mkdir(parents=True, exist_ok=True)
    (folder / "learn" / "page.glue.json").write_text(json.dumps(kept), encoding="utf-8")
    source = PAGE.replace("{glue:text}`x`", "{glue:text}`x`, about {glue:text}`x:.2f`")
    cells = nbformat.reads(take_along.notebook(app, "learn/page", source), as_version=4).cells
    assert cells[3].source == "The number is not known: 2.51239, about 2.51."


@pytest.mark.parametrize(
    ("name", "link"), [("plain", f"_downloads/{WHEEL}"), ("learn/page", f"../_downloads/{WHEEL}")]
)
def test_wheel_is_linked_from_every_depth(build, name, link):
    """The role leads to the file in the site, from a page in a folder too."""
    (found,) = [a for a in page(build(), name).select("a[href]") if a.text == "the package"]
    assert found["href"] == link


def test_archive_is_linked_by_its_name(build):
    """The role shows its words and leads to the file among the downloads."""
    (found,) = [a for a in page(build(), "plain").select("a[href]") if a.text == "all notebooks"]
    assert found["href"] == "_downloads/all.zip"


def test_install_shows_the_command(build):
    """The directive shows a command for the file as it was saved."""
    (code,) = page(build(), "learn/page").select("div.highlight-shell pre")
    assert code.text.strip() == f"python -m pip install ./{WHEEL}"


def test_wheel_is_in_the_site(build):
    """It holds the package, and can be unpacked."""
    with zipfile.ZipFile(build().outdir / "_downloads" / WHEEL) as wheel:
        assert "demo.py" in wheel.namelist()


def test_wheel_of_another_version_is_removed(build):
    """A site has one wheel, also where an older build had left its own."""
    folder = build().outdir / "_downloads"
    (folder / "demo-0.9-py3-none-any.whl").touch()
    build()
    assert [path.name for path in folder.glob("*.whl")] == [WHEEL]


def test_wheel_must_have_the_name_that_pages_tell(build):
    """If the configuration expects another file, the build ends and names both."""
    with pytest.raises(ExtensionError, match=rf"The wheel is {WHEEL}, but .* expects other.whl"):
        build(wheel="other.whl")


def test_only_executed_pages_have_a_notebook(build):
    """A page without cells and the landing page are offered none."""
    app, offered = build(), {}
    app.connect("html-page-context", lambda _, page, *rest: offered.update({page: rest[1]}), 999)
    app.build(force_all=True)
    assert offered["learn/page"]["notebook"] == "_downloads/notebooks/learn/page.ipynb"
    assert offered["plain"]["notebook"] is offered["index"]["notebook"] is None
    assert offered["genindex"]["notebook"] is None
    assert offered["plain"]["wheel"] == (WHEEL, f"_downloads/{WHEEL}")
    assert [path.name for path in app.outdir.rglob("*.ipynb")] == ["page.ipynb"]


def test_other_builders_make_no_wheel(build):
    """A builder that makes no pages takes nothing along."""
    app = build(buildername="text")
    assert list(app.outdir.rglob("*.whl")) == []
