"""Make every word of the site a message: of scripts, of extensions, of figures and of markup.

Sphinx collects the messages of pages and templates.  Here come those of a page's own HTML and what
describes its figures, which are the page's, and, in the catalog of the templates, those of the
theme, of the site's extensions and scripts and of the package's figures.  A figure is not made
again for a translation: its sentences are found in it, and translated.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache, partial
from html import escape, unescape
from pathlib import Path
from typing import Any, NamedTuple

from babel.messages.extract import extract_from_file
from docutils import nodes
from myst_nb.ext.glue.roles import PasteTextRole
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.gettext import MsgOrigin
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.locale import _
from sphinx.locale import init as init_locale
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.i18n import docname_to_domain
from sphinx.util.typing import ExtensionMetadata
from sphinx_gallery.directives import ImageSg, imgsgnode

import editions
import theme_words
import words

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SENTENCES = Path("linefit", "graph", "sentences.py")  # from the root
CATALOG = "sphinx"  # where Sphinx puts the templates' messages
FIGURE = re.compile(r'class="lfg[- "]')
CHANGES = re.compile(r'(?<=\sdata-set=")[^"]*')  # what a step writes into the figure
BLANK = re.compile(r"\{(\w+)\}")
# What a blank may hold; where nothing is said of it here, anything.
BLANKS = {"shape": r"\([^()]*\)", "x": r"[^\s()]+"} | dict.fromkeys(
    ("least", "most", "number", "count"), r"[^\s();,]+"
)
END = re.compile(r"(?<=\.) ")  # of a sentence
WORDS = "words.js"
PROMPTS = ("prompt_show", "prompt_hide")  # of a folded cell
KINDS = {"input": "source", "all": "content"}  # what MyST-NB calls what a cell hides


class markup(nodes.raw, addnodes.translatable):  # noqa: N801 (docutils writes nodes in lower case)
    """HTML of a page, whose words are messages."""

    def preserve_original_messages(self) -> None:
        """Keep what is there before any translation."""
        self["words"] = words.found(self.astext())

    def apply_translated_message(self, original_message: str, translated_message: str) -> None:
        """Note the translation of some words."""
        translations: dict[str, str] = self.setdefault("translations", {})
        translations[original_message] = translated_message

    def extract_original_messages(self) -> Sequence[str]:
        """Return the words."""
        kept: list[str] = self["words"]
        return kept


class Markup(SphinxDirective):
    """Put HTML on the page, as ``raw`` does, but with words that can be translated."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the node."""
        text = "\n".join(self.content)
        node = markup("", text, format="html")
        self.set_source_info(node)
        return [node]


def visit_markup(self: Any, node: markup) -> None:
    """Write the HTML, in the words of the language."""
    translations: dict[str, str] = node.get("translations", {})
    html = node.astext()
    if translations:
        html = words.replaced(html, lambda text: translations.get(text, text))
    self.body.append(html + "\n")
    raise nodes.SkipNode


class script_figure(imgsgnode, addnodes.translatable):  # type: ignore[misc] # noqa: N801 (likewise)
    """A figure of a script, whose description is a message."""

    def preserve_original_messages(self) -> None:
        """Keep the description that there is before any translation."""
        self["described"] = self["alt"]

    def apply_translated_message(self, original_message: str, translated_message: str) -> None:
        """Describe the figure in the language."""
        self["alt"] = translated_message

    def extract_original_messages(self) -> Sequence[str]:
        """Return the description, if there is one."""
        return [self["described"]] if self["described"] else []


class ScriptFigure(ImageSg):  # type: ignore[misc] # sphinx_gallery publishes no types
    """Show a script's figure as Sphinx-Gallery does, with a description that can be translated."""

    def run(self) -> list[nodes.Node]:
        """Return the node."""
        (image,) = super().run()
        node = script_figure("", **image.attributes)
        node.source, node.line = self.state_machine.get_source_and_line(self.lineno)
        return [node]


def keep_figures(app: Sphinx, config: Config) -> None:
    """Keep the figures of cells where messages are collected: what describes them is one."""
    kept = [("gettext", "image/png", 0)]
    config.nb_mime_priority_overrides = [*config.nb_mime_priority_overrides, *kept]


class GlueText(PasteTextRole):  # type: ignore[misc] # myst_nb publishes no types
    """Put what a cell has computed into a translated sentence too.

    A translation is parsed as a document of its own, which knows nothing of the page's cells.
    """

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Lend the page's values to the translation of a part of it."""
        kept = self.document.settings.env.temp_data
        whole_page = "nb_renderer" in self.document
        if whole_page:
            kept["nb_renderer"] = self.document["nb_renderer"]
        elif "nb_renderer" in kept:
            self.document["nb_renderer"] = kept["nb_renderer"]
        found: tuple[list[nodes.Node], list[nodes.system_message]] = super().run()
        if not whole_page:
            self.document.attributes.pop("nb_renderer", None)  # it cannot be pickled
        return found


class Message(NamedTuple):
    """A message, and where it is written."""

    text: str
    path: Path
    line: int


def messages(root: Path) -> Iterator[Message]:
    """Yield the messages of extensions, scripts and figures below the root of the project."""
    static = root / "docs" / "_static"
    yield from _of(sorted(HERE.glob("*.py")), "python", "_")
    yield from _of(sorted(static.rglob("*.js")), "javascript", "say")
    yield from _of([root / SENTENCES], "python", "say")


def _of(paths: Sequence[Path], language: str, function: str) -> Iterator[Message]:
    for path in paths:
        for line, text, *_rest in extract_from_file(language, path, {function: None}):
            yield Message(str(text), path, line)


class Sentence(NamedTuple):
    """A text with blanks, and what recognizes it when they are filled in."""

    text: str
    form: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> Sentence:
        """Return a text with the pattern that has a group for each of its blanks."""
        pieces = BLANK.split(text)
        groups = [f"(?P<{name}>{BLANKS.get(name, '.+?')})" for name in pieces[1::2]]
        literals = [re.escape(piece) for piece in pieces[::2]]
        return cls(
            text, re.compile("".join(map("".join, zip(literals, [*groups, ""], strict=True))))
        )

    @property
    def is_sure(self) -> bool:
        """Whether it can be told from what stands around it."""
        return " " in self.text and all(name in BLANKS for name in BLANK.findall(self.text))


class Translator:
    """Translates what was written with the texts of ``say`` and is now English."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.whole = {text for text in texts if not BLANK.search(text)}
        # The surest first: what begins with a word, ends with a full stop, and has many words.
        order = sorted(
            filter(None, set(texts)),
            key=lambda text: (text[0] == "{", text[-1] != ".", -len(BLANK.sub("", text)), text),
        )
        sentences = [Sentence.of(text) for text in order]
        self.sentences = [each for each in sentences if each.text not in self.whole]
        self.sure = [each for each in sentences if each.is_sure]

    def __call__(self, text: str) -> str:
        """Return the translation of a text, or the text where nothing of it is a message."""
        if text in self.whole:
            return _(text)
        if len(parts := END.split(text)) > 1:
            return " ".join(map(self, parts))
        if "; " in text and not text.endswith("."):
            return "; ".join(map(self, text.split("; ")))
        for sentence in self.sentences:
            if found := sentence.form.fullmatch(text):
                return self._filled(sentence, found)
        for sentence in self.sure:
            text = sentence.form.sub(partial(self._filled, sentence), text)
        return text

    def _filled(self, sentence: Sentence, found: re.Match[str]) -> str:
        return _(sentence.text).format(**{k: self(v) for k, v in found.groupdict().items()})

    def figure(self, html: str) -> str:
        """Return a figure in the words of the language: what it shows, says and will show."""

        def change(match: re.Match[str]) -> str:
            found: dict[str, str] = json.loads(unescape(match[0]))
            put = {key: self(text) for key, text in found.items()}
            return escape(json.dumps(put, ensure_ascii=False, separators=(",", ":")))

        return words.replaced(CHANGES.sub(change, html), self)


@cache
def of_figures() -> Translator:
    """Return the translator of what the package's figures say, the same for all pages."""
    return Translator([message.text for message in _of([ROOT / SENTENCES], "python", "say")])


class TranslateFigures(SphinxPostTransform):
    """Translate the figures of graphs, which are the output of code."""

    default_priority = 400
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Do so unless the language is that of the sources."""
        if self.config.language == editions.SOURCE:
            return
        translator = of_figures()
        for node in list(self.document.findall(nodes.raw)):
            if FIGURE.search(text := node.astext()):
                node.replace_self(nodes.raw("", translator.figure(text), format="html"))


class TranslateFormulas(SphinxTransform):
    """Translate the words in formulas; Sphinx would take a formula in Markdown for prose."""

    default_priority = 19  # just before Sphinx translates the page

    def apply(self, **kwargs: Any) -> None:
        """Do so unless the language is that of the sources."""
        if self.config.language == editions.SOURCE:
            return
        folders = [self.env.srcdir / folder for folder in self.config.locale_dirs]
        domain = docname_to_domain(self.env.docname, self.config.gettext_compact)
        catalog, _found = init_locale(folders, self.config.language, domain)
        for formula in self.document.findall(nodes.math_block):
            formula["translatable"] = False  # from now on
            message = formula.rawsource or formula.astext()
            if (text := catalog.gettext(message)) != message:
                formula.rawsource = text
                formula.children = [nodes.Text(text)]


def folded(document: nodes.document) -> Iterator[nodes.container]:
    """Yield the cells of code that a reader opens."""
    return (node for node in document.findall(nodes.container) if PROMPTS[0] in node)


def prompt(cell: nodes.container, which: str) -> str:
    """Return what a folded cell, or an open one, asks a reader to press."""
    kind = KINDS.get(cell["hide_mode"], "output")
    return str(cell[which]).replace("{type}", kind)


class TranslatePrompts(SphinxPostTransform):
    """Translate what opens and closes a folded cell, which MyST-NB keeps as an attribute."""

    default_priority = 198  # just before MyST-NB makes it HTML
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Do so unless the language is that of the sources."""
        if self.config.language == editions.SOURCE:
            return
        for cell in folded(self.document):
            for which in PROMPTS:
                cell[which] = _(prompt(cell, which))


def collect(app: Sphinx, env: BuildEnvironment) -> None:
    """Give a translator the messages that stand in no page and in no template."""
    catalogs = getattr(app.builder, "catalogs", None)
    if catalogs is None:
        return
    for name in sorted(env.found_docs):
        for cell in folded(env.get_doctree(name)):
            for which in PROMPTS:
                origin = MsgOrigin(str(env.doc2path(name)), cell.line or 0)
                catalogs[CATALOG].add(prompt(cell, which), origin)
    levels = [Message(level, app.confdir / "index.md", 0) for level in app.config.story]
    described = app.config.page_descriptions.values()
    descriptions = [Message(text, app.confdir / "conf.py", 0) for text in described]
    for text, path, line in [*levels, *descriptions, *of_theme(app), *messages(ROOT)]:
        catalogs[CATALOG].add(text, MsgOrigin(str(path), line))


def of_theme(app: Sphinx) -> Iterator[Message]:
    """Yield the messages of the theme: Sphinx collects those of the site's own templates alone."""
    page = app.confdir / "_templates" / "page.html"  # which extends the theme's
    for path in theme_words.TEMPLATES:
        template = path.read_text(encoding="utf-8")
        found = app.builder.templates.environment.extract_translations(template)
        yield from (Message(text, page, 0) for _line, _function, text in found)
    yield from (Message(text, page, 0) for text in theme_words.UNMARKED)


def note_catalog(app: Sphinx, config: Config) -> None:
    """Write all pages again when the catalog changes that none of them has for its own."""
    folders = [app.confdir / place / config.language for place in config.locale_dirs]
    paths = [folder / "LC_MESSAGES" / f"{CATALOG}.po" for folder in folders]
    texts = [path.read_bytes() for path in paths if path.exists()]
    config.add("catalog_of_all", hashlib.sha256(b"".join(texts)).hexdigest(), "html", str)


def write_words(app: Sphinx) -> None:
    """Give the scripts their words, in another language than theirs."""
    if app.builder.format != "html" or app.config.language == editions.SOURCE:
        return
    texts = {message.text for message in messages(ROOT) if message.path.suffix == ".js"}
    table = {text: _(text) for text in sorted(texts)}
    script = f"globalThis.linefitWords = {json.dumps(table, ensure_ascii=False)};\n"
    folder = app.outdir / "_static"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WORDS).write_text(script, encoding="utf-8")
    app.add_js_file(WORDS, priority=100)  # before all that speaks, and so not deferred


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.add_node(markup, html=(visit_markup, None))
    app.add_directive("markup", Markup)
    app.add_directive("image-sg", ScriptFigure, override=True)
    app.add_role_to_domain("glue", "text", GlueText(), override=True)
    app.add_transform(TranslateFormulas)
    app.add_post_transform(TranslateFigures)
    app.add_post_transform(TranslatePrompts)
    app.connect("config-inited", note_catalog)
    app.connect("config-inited", keep_figures)
    app.connect("builder-inited", write_words)
    app.connect("env-updated", collect)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
