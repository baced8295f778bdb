"""Say in the site's language what the theme says on every page.

Most of it the theme's templates mark as messages; here is what they, and its navigation, do not.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

import furo
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util.typing import ExtensionMetadata

THEME = Path(furo.__file__).parent / "theme" / "furo"
TEMPLATES = [THEME / name for name in ("page.html", "base.html", "genindex.html")]
UNMARKED = (
    "Toggle site navigation sidebar",
    "Toggle table of contents sidebar",
    "Toggle Light / Dark / Auto color theme",
    "On Read the Docs",
    "On GitHub",
    # what its drawings are called
    "Contents",
    "Menu",
    "Expand",
    "Light mode",
    "Dark mode",
    "Auto light/dark, in light mode",
    "Auto light/dark, in dark mode",
)
HEARD = re.compile(
    rf"(?P<before>aria-label=\"|<title>)(?P<words>{'|'.join(map(re.escape, UNMARKED))})(?=[\"<])"
)
BRANCH = re.compile(r"(?<=aria-label=\")Toggle navigation of ([^\"]*)")


def translated(page: str) -> str:
    """Return a page with the theme's unmarked words in the site's language."""
    page = HEARD.sub(lambda found: found["before"] + escape(_(found["words"])), page)
    branch = escape(_("Toggle navigation of {page}"))
    return BRANCH.sub(lambda found: branch.replace("{page}", found[1]), page)


def tell(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Give a page's template what translates the theme."""
    context["translated"] = translated


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.connect("html-page-context", tell)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
