"""What the tests of the site share: the built pages and the package that they offer."""

import functools
import os
import zipfile
from pathlib import Path

import pytest

from built import Page
from sources import HTML

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before ``-m`` chooses
def pytest_collection_modifyitems(items):
    """Mark all that stands in this folder, also what only reads the site's sources."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("site")


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
    (wheel,) = html.glob("_downloads/**/linefit_autograd-*.whl")
    folder = tmp_path_factory.mktemp("package")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def reader(package):
    """Return the environment of a reader who has installed the site's wheel."""
    return os.environ | {"PYTHONPATH": str(package), "MPLBACKEND": "agg"}
