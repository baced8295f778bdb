"""Make what readers download ready to run elsewhere, and pack it: scripts, notebooks, the site.

Sphinx copies the gallery's files into the site as Sphinx-Gallery left them.  There they get what
installs the package; the gallery's own files stay as they are, so nothing is executed again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

import archives
import cloud
import editions
import install
import take_along
from gallery_hooks import without_alt

GALLERY = "auto_gallery/"
README = """\
# Scripts and notebooks of linefit

`uv run gallery/line/plot_1_posts_run.py`, or `pipx run` and any other script, installs what the
script names in its first lines, and runs it.
The first cell of code of a notebook installs what that needs.
With a package manager of your own: `python -m pip install -r requirements.txt`.
"""
# A link to the archive of the site, in HTML and in Markdown.
NAME = re.escape(install.SITE.encode())
LINK = re.compile(rb'<a [^>]*%s"[^>]*>(.*?)</a>|\[([^]]*)\]\([^)]*%s\)' % (NAME, NAME), re.DOTALL)
OTHERS = re.compile(rb'<nav class="editions".*?</nav>\s*', re.DOTALL)  # to other languages
LAST = 999  # after all that writes into the site when it is built


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Complete the gallery's downloads, and write the archive of all scripts and notebooks."""
    if exception or app.builder.format != "html":
        return
    package = install.package(app.config, app.confdir.parent)
    folder = Path(app.outdir, install.FOLDER)
    members = pages(app, package) | gallery(app, package)
    members["README.md"] = README.encode()
    members["requirements.txt"] = requirements(package).encode()
    if app.config.repository:
        members["binder/requirements.txt"] = (cloud.BINDER_INDEX + requirements(package)).encode()
    members[package.wheel] = (folder / package.wheel).read_bytes()
    in_folder = {f"linefit/{name}": content for name, content in members.items()}
    archives.write(folder / install.SCRIPTS, in_folder)


def pages(app: Sphinx, package: install.Package) -> dict[str, bytes]:
    """Return the pages' notebooks, each of which finds the wheel from its place in the archive."""
    folder = Path(app.outdir, install.FOLDER, "notebooks")
    found = {}
    for page in sorted(app.env.found_docs):
        path = folder / f"{page}.ipynb"
        if path.exists():
            name = f"{page}.ipynb"
            text = path.read_text(encoding="utf-8")
            up = "../" * page.count("/") or "./"
            found[name] = packed(package, text, up)
    return found


def packed(package: install.Package, notebook: str, up: str) -> bytes:
    """Return a notebook as the archive has it, with the way from its folder up to the wheel."""
    for written, wanted in {
        install.BESIDE.format(wheel=package.wheel): install.PACKED.format(wheel=package.wheel),
        f"./{package.wheel}": up + package.wheel,
    }.items():
        notebook = notebook.replace(written, wanted)
    return notebook.encode()


def gallery(app: Sphinx, package: install.Package) -> dict[str, bytes]:
    """Complete the gallery's scripts and notebooks in the site; return those for the archive."""
    found = {}
    for path, (_, place) in app.env.dlfiles.items():
        source = Path(path).as_posix()
        if not source.startswith(GALLERY):
            continue
        name = f"gallery/{source.removeprefix(GALLERY)}"
        up = "../" * name.count("/")
        text = Path(app.srcdir, source).read_text(encoding="utf-8")
        target = Path(app.outdir, install.FOLDER, place)
        if name.endswith(".py"):
            target.write_text(install.script(package, text), encoding="utf-8")
            found[name] = install.script(package, text, up).encode()
        elif name.endswith(".ipynb"):
            ready = notebook(package, text)
            target.write_text(ready, encoding="utf-8")
            found[name] = packed(package, ready, up)
    return found


def notebook(package: install.Package, text: str) -> str:
    """Return a notebook of Sphinx-Gallery with a cell that installs the package.

    Its code is without the descriptions of figures, which a page gives to its images.
    """
    cells = []
    for number, cell in enumerate(json.loads(text)["cells"]):
        made = NotebookNode(cell_type=cell["cell_type"], id=f"cell-{number}", metadata={})
        made.source = "".join(cell["source"])
        if made.cell_type == "code":
            made |= {"source": without_alt(made.source), "execution_count": None, "outputs": []}
        cells.append(made)
    install.insert(cells, package)
    return take_along.written(cells)


def requirements(package: install.Package) -> str:
    """Return a requirements file for all scripts and notebooks at once."""
    return "".join(f"{need}\n" for need in [package.place(), *package.peers.values()])


def pack_site(app: Sphinx, exception: Exception | None) -> None:
    """Write the archive of the whole site, without itself and without other languages."""
    if exception or app.builder.format != "html":
        return
    site = Path(app.outdir)
    target = site / install.FOLDER / install.SITE
    others = [site / editions.tag(language) for language in app.config.editions]
    left_out = {target, *site.glob(".buildinfo*")}
    files = [path for path in site.rglob("*") if path.is_file() and path not in left_out]
    files = [path for path in files if not any(map(path.is_relative_to, others))]
    members = {f"linefit/{path.relative_to(site).as_posix()}": unpacked(path) for path in files}
    archives.write(target, members)


def unpacked(path: Path) -> bytes:
    """Return a file of the site as its archive has it, without links to what is not in there."""
    content = path.read_bytes()
    if path.suffix not in {".html", ".md"}:
        return content
    return LINK.sub(rb"\1\2", OTHERS.sub(b"", content))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.setup_extension("editions")
    app.connect("build-finished", finish, priority=LAST - 1)
    app.connect("build-finished", pack_site, priority=LAST)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
