"""The browser of this machine: where it is, and how a test asks a page that forbids it to.

Playwright's ``wait_for_function`` and ``add_script_tag`` run their text in the page, which the
policy of the site's pages forbids; what the debugger evaluates is free of it.
"""

import os
import shutil
import time
from pathlib import Path

from sources import NPM

OPTIONS = ["--no-sandbox"]  # as root, as in a container, Chromium runs only without its sandbox
# First the one without a user interface, of which each window would cost as much as the page.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)

AXE = "axe.run({preload: false, resultTypes: ['violations']}).then(found => found.violations)"


def find(play):
    """Return the path of a Chromium: one that is named, one of the system, or Playwright's own."""
    own = Path(play.chromium.executable_path)
    candidates = [os.environ.get("LINEFIT_CHROMIUM"), *map(shutil.which, NAMES)]
    return next(filter(None, [*candidates, str(own) if own.exists() else None]), None)


def until(page, condition, timeout=30):
    """Wait, ``timeout`` seconds at most, until a JavaScript condition holds on a page."""
    end = time.monotonic() + timeout
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"In {timeout} s it did not come to: {condition}"
        page.wait_for_timeout(20)


def violations(page, check=AXE, given=None):
    """Return the rules of axe that a page breaks, each with the elements that break it."""
    page.evaluate((NPM / "axe-core" / "axe.min.js").read_text("utf-8"))
    found = page.evaluate(check, given)
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]
