"""What all tests share: hypothesis settings, the browser, and markers that nobody can forget."""

import os
import shutil
from pathlib import Path

import hypothesis
import pytest
import torch

# A shared machine is slow at times, so no example has a deadline.  In CI the examples are the same
# in every run: a failure there is the change's, not chance's.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

torch.set_num_threads(1)  # small tensors: threads would only make parallel tests wait


@pytest.hookimpl(tryfirst=True)  # before ``-m`` chooses
def pytest_collection_modifyitems(items):
    """Mark each test that uses the browser or the built site as one that does."""
    for item in items:
        for fixture, marker in (("browser", "browser"), ("html", "site")):
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


@pytest.fixture(scope="session")
def browser():
    """Return a Chromium without a window; in CI there has to be one."""
    from playwright.sync_api import sync_playwright

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
