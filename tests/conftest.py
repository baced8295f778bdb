"""What all tests share: hypothesis settings, the browser, and markers that nobody can forget."""

import os

import hypothesis
import pytest
import torch

import chromium

# A shared machine is slow at times, so no example has a deadline.  In CI the examples are the same
# in every run: a failure there is the change's, not chance's.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

torch.set_num_threads(1)  # small tensors: threads would only make parallel tests wait


@pytest.hookimpl(tryfirst=True)  # before ``-m`` chooses
def pytest_collection_modifyitems(items):
    """Mark each test that uses the browser or the built site as one that does.

    Coverage is that of the package by its own tests: Sphinx and the waiting for a browser would be
    slower by a fifth if it was measured there too.
    """
    for item in items:
        if item.path.parent.name in {"ext", "site"}:
            item.add_marker("no_cover")
        for fixture, marker in (("browser", "browser"), ("html", "site")):
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


@pytest.fixture(scope="session")
def browser():
    """Return a Chromium without a window; in CI there has to be one."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        path = chromium.find(play)
        if path is None:
            missing = pytest.fail if os.environ.get("CI") else pytest.skip
            missing("There is no Chromium: install one, or name it in LINEFIT_CHROMIUM.")
        opened = play.chromium.launch(executable_path=path, args=chromium.OPTIONS)
        yield opened
        opened.close()
