"""What the tests share: hypothesis settings, the built site and the package that it offers."""

import functools
import os
import shutil
import zipfile
from pathlib import Path

import hypothesis
import pytest
import torch
from playwright.sync_api import sync_playwright

from built import Page
from sources import HTML

# A shared machine is slow at times, so no example has a deadline.  In CI the examples are the same
# in every run: a failure there is the change's, not chance's.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

torch.set_num_threads(1)  # small tensors: threads would only make parallel tests wait


@pytest.fixture(scope="session")
def html():
    """Return the folder of the built site; ``nox -s tests`` builds it before the tests start."""
    if not (HTML / "index.html").exists():
        pytest.fail("The site is not built: run `python -m nox -s docs` first.", pytrace=False)
    return HTML


@pytest.fixture(scope="session")
def page(html):
    """Return a function that reads a page of the built site by its name, each page once."""
    return functools.cache(lambda name: Page(html / f"{name}.html"))


@pytest.fixture(scope="session")
def package(html, tmp_path_factory):
    """Return a folder with the package unpacked from the wheel that the site offers."""
    (wheel,) = html.rglob("linefit_autograd-*.whl")
    folder = tmp_path_factory.mktemp("package")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def reader(package):
    """Return the environment of a reader who has installed the site's wheel."""
    return os.environ | {"PYTHONPATH": str(package), "MPLBACKEND": "agg"}


@pytest.fixture(scope="session")
def browser():
    """Return a Chromium without a window; in CI there has to be one."""
    with sync_playwright() as play:
        own = Path(play.chromium.executable_path)
        names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
        candidates = [os.environ.get("LINEFIT_CHROMIUM"), *map(shutil.which, names)]
        candidates.append(str(own) if own.exists() else None)
        path = next(filter(None, candidates), None)
        if path is None:
            missing = pytest.fail if os.environ.get("CI") else pytest.skip
            missing("There is no Chromium: install one, or name it in LINEFIT_CHROMIUM.")
        # As root, as in a container, Chromium runs only without its sandbox.
        chromium = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()
