"""The sources of the site, read from the tree: what there must be in the built one."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
HTML = DOCS / "_build" / "html"
NPM = Path(os.environ.get("LINEFIT_NPM") or ROOT / ".nox" / "npm") / "node_modules"

SCRIPTS = sorted((ROOT / "gallery").glob("*/plot_*.py"))
PAGES = sorted(
    path
    for path in [*DOCS.rglob("*.md"), *DOCS.rglob("*.rst")]
    if path.relative_to(DOCS).parts[0] not in {"_build", "_static", "_templates", "auto_gallery"}
)
# A page with a kernel is executed in the build and offered as a notebook; not so the landing page.
EXECUTED = [
    path
    for path in PAGES
    if path != DOCS / "index.md"
    and re.match(r"---\n(?:.*\n)*?kernelspec:(?:.*\n)*?---\n", path.read_text(encoding="utf-8"))
]


def name(source):
    """Return the name of a page or script within the site, without a suffix."""
    if source in SCRIPTS:
        return f"auto_gallery/{source.relative_to(ROOT / 'gallery').with_suffix('')}"
    return str(source.relative_to(DOCS).with_suffix(""))


NAMES = [name(source) for source in [*PAGES, *SCRIPTS]]
# What the build adds: lists, the search, and the exercises of a page on paper.
MADE = [
    *("404", "genindex", "py-modindex", "search", "auto_gallery/index"),
    *sorted({f"auto_gallery/{path.parent.name}/index" for path in SCRIPTS}),
    *(
        f"practice/{path.stem}-{kind}"
        for path in PAGES
        if path.parent.name == "practice" and path.stem != "index"
        for kind in ("sheet", "answers")
    ),
]


def built_pages(html):
    """Return the built pages in the language of the sources; others have folders of their own."""
    others = [html / p.parent.name.replace("_", "-") for p in DOCS.glob("locales/*/LC_MESSAGES")]
    return [p for p in sorted(html.rglob("*.html")) if not any(map(p.is_relative_to, others))]


# The pages of each level, in the order in which they are to be read: what the landing page's tables
# of contents list under their captions.  The last of them is about the site itself.
STORY = {
    caption: pages.split()
    for caption, pages in re.findall(
        r"\{toctree\}\n:caption: (.+)\n:hidden:\n\n([^`]+)```",
        (DOCS / "index.md").read_text(encoding="utf-8"),
    )
    if caption != "About"
}
