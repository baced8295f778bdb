"""Where the browser of this machine is."""

import os
import shutil
from pathlib import Path

OPTIONS = ["--no-sandbox"]  # as root, as in a container, Chromium runs only without its sandbox
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find(play):
    """Return the path of a Chromium: one that is named, one of the system, or Playwright's own."""
    own = Path(play.chromium.executable_path)
    candidates = [os.environ.get("LINEFIT_CHROMIUM"), *map(shutil.which, NAMES)]
    return next(filter(None, [*candidates, str(own) if own.exists() else None]), None)
