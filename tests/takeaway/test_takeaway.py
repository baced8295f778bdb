"""Every script and notebook of the site, unchanged, where only its first lines install anything.

One environment, empty at first, serves all of them; pip resolves what they name.
``nox -s takeaway`` builds the site and runs this, for many minutes; ``nox -s tests`` leaves it out.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from built import INSTALLS, Page
from sources import EXECUTED, HTML, SCRIPTS, name

PRACTICE = sorted((HTML / "_downloads" / "notebooks" / "practice").glob("*.ipynb"))
MINUTES = 10


def downloads(suffix, sources):
    """Return the files with a suffix that the pages of some sources offer."""
    pages = (Page(HTML / f"{name(source)}.html") for source in sources)
    return [path for page in pages for path in page.downloads(suffix)]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Return the folder in which a reader saves the package and, one by one, the rest."""
    made = tmp_path_factory.mktemp("downloads")
    (wheel,) = (HTML / "_downloads").glob("*.whl")
    shutil.copy(wheel, made)
    return made


@pytest.fixture(scope="session")
def run(folder, tmp_path_factory):
    """Return a function that runs a program of the one environment and returns its output."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    scripts = place / ("Scripts" if sys.platform == "win32" else "bin")
    path = os.pathsep.join([str(scripts), os.environ["PATH"]])
    own = {"PATH": path, "IPYTHONDIR": str(place / "ipython")}
    env = os.environ | own
    env.pop("PYTHONPATH", None)

    def run_program(program, *arguments):
        command = [str(scripts / program), *map(str, arguments)]
        how = {"cwd": folder, "env": env, "timeout": 60 * MINUTES, "text": True}
        done = subprocess.run(command, **how, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    # A program to run notebooks with, and the first pip that reads a script's metadata.
    run_program("python", "-m", "pip", "install", "-q", "-U", "pip>=26", "ipykernel", "nbclient")
    return run_program


@pytest.fixture
def save(folder):
    """Return a function that saves a download, which is gone again after the test."""
    before = set(folder.iterdir())
    saved = []

    def copied(download):
        saved.append(Path(shutil.copy(download, folder)))
        return saved[0].name

    yield copied
    left = set(folder.iterdir()) - before - set(saved)
    for path in saved:
        path.unlink()
    assert left == set(), "a file was left behind"


@pytest.mark.parametrize("script", downloads(".py", SCRIPTS), ids=lambda path: path.stem)
def test_script_runs_with_what_it_names(script, run, save):
    """Pip installs what the metadata lists; then the script runs, with warnings as errors."""
    file = save(script)
    options = ["-q", "--find-links=.", "--requirements-from-script"]
    run("python", "-m", "pip", "install", *options, file)
    assert run("python", "-W", "error", file).stderr == ""


NOTEBOOKS = [*downloads(".ipynb", [*EXECUTED, *SCRIPTS]), *PRACTICE]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_with_what_it_installs(notebook, run, save, folder):
    """From the first cell to the last, with nothing on stderr but what pip may say."""
    file = save(notebook)
    run("jupyter-execute", "--inplace", f"--timeout={60 * MINUTES}", file)
    done = nbformat.read(folder / file, as_version=4)
    own = [cell for cell in done.cells if not cell.source.startswith(INSTALLS)]
    printed = [out for cell in own for out in cell.get("outputs", [])]
    assert [out.text for out in printed if out.get("name") == "stderr"] == []
