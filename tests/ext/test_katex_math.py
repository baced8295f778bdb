"""Formulas rendered in the build: collected, kept, numbered, and found when they are wrong."""

import base64
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document
from sphinx.errors import ExtensionError

import katex_math
from sources import NPM

FIRST = """\
# First

A formula $a$, once more $a$, and {eq}`loss`.

$$
b
$$ (loss)
"""
SECOND = """\
# Second

The same $a$, a new one, $c < d$, and a display:

$$e \\\\ f$$
"""


FONTS = ["a", *katex_math.EMBEDDED]


class Node:
    """Stands for node: renders a formula as its own TeX, or finds it wrong."""

    def __init__(self):
        self.runs = []
        self.kept = []
        self.returncode = 0

    def __call__(self, arguments, *, input, **options):  # noqa: A002 - subprocess has this name
        formulas = json.loads(input)
        if isinstance(formulas, dict):  # the characters that the fonts are to keep
            self.kept.append(formulas)
            folder = Path(arguments[-1])
            folder.mkdir(parents=True)
            for name in FONTS:
                (folder / f"{name}.woff2").write_text(formulas[""], encoding="utf-8")
            return SimpleNamespace(returncode=self.returncode)
        self.runs.append([tuple(formula) for formula in formulas])
        results = [
            {"error": "no such function"} if r"\wrong" in tex else {"html": f"<i>{tex}</i>"}
            for tex, _ in formulas
        ]
        answer = json.dumps(results)
        return SimpleNamespace(returncode=self.returncode, stdout=answer, stderr="no module")


@pytest.fixture
def node(monkeypatch):
    """Return what runs instead of node."""
    node = Node()
    monkeypatch.setattr(katex_math, "run_node", node)
    return node


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a folder that npm might have filled."""
    package = tmp_path / "npm" / "node_modules" / "katex"
    (package / "dist" / "fonts").mkdir(parents=True)
    (package / "package.json").write_text('{"version": "1.2.3"}', encoding="utf-8")
    addresses = '{src:url(fonts/%s.woff2) format("woff2"),url(fonts/%s.woff) format("woff")}'
    style = "".join(f"@font-face{addresses % (name, name)}" for name in FONTS)
    (package / "dist" / "katex.min.css").write_text(style, encoding="utf-8")
    for name in FONTS:
        for suffix in ("woff2", "woff", "ttf"):
            (package / "dist" / "fonts" / f"{name}.{suffix}").touch()
    monkeypatch.setenv("LINEFIT_NPM", str(tmp_path / "npm"))
    return package


@pytest.fixture
def book(site, package):
    """Return a function that builds two pages, and the application that did."""

    def build(second=SECOND, **settings):
        pages = {"index.md": f"{FIRST}\n```{{toctree}}\nsecond\n```\n", "second.md": second}
        options = {"myst_enable_extensions": ["dollarmath"], "html_math_renderer": "katex"}
        app = site(["myst_parser", "katex_math"], pages, **options, **settings)
        app.build()
        return app

    return build


def page(app, name):
    """Return a built page."""
    html = (app.outdir / f"{name}.html").read_text(encoding="utf-8")
    return BeautifulSoup(html, "html.parser")


def block(tex):
    """Return the node of a formula on its own."""
    return nodes.math_block(tex, tex)


@pytest.mark.parametrize(
    ("written", "rendered"),
    [
        ("a", "a"),
        ("  a \n", "a"),
        ("a\n\nb", r"\begin{aligned}a \\ b\end{aligned}"),
        (r"a \\ b", r"\begin{aligned}a \\ b\end{aligned}"),
        ("a \\\\ b\n \nc", r"\begin{aligned}a \\ b \\ c\end{aligned}"),
        (r"\begin{align}a\end{align}", r"\begin{align*}a\end{align*}"),
        (r"\begin{gather*}a\end{gather*}", r"\begin{gather*}a\end{gather*}"),
        (r"\begin{cases}a \\ b\end{cases}", r"\begin{cases}a \\ b\end{cases}"),
    ],
)
def test_display_is_left_for_sphinx_to_number(written, rendered):
    """Rows are aligned where there are several, and no environment numbers itself."""
    assert katex_math.display_tex(block(written)) == rendered


def test_formulas_of_a_page_are_each_named_once():
    """The same TeX is one formula within a line and another on its own."""
    document = new_document("page")
    document += nodes.paragraph("", "", nodes.math("a", "a"), nodes.math("a", "a"))
    document += [block("a"), block("b")]
    assert katex_math.formulas(document) == {("a", False), ("a", True), ("b", True)}


def test_place_is_the_nearest_known_line():
    """A formula within a paragraph has no line of its own: the paragraph's is told."""
    inline, around = nodes.math("a", "a"), nodes.paragraph()
    around += inline
    around.line = 7
    assert katex_math.place(inline) is around
    assert katex_math.place(nodes.math("a", "a")).line is None


def test_all_pages_take_one_run_of_node(book, node):
    """Every formula is rendered once, however often and on however many pages it stands."""
    book()
    (run,) = node.runs
    aligned = katex_math.display_tex(block(r"e \\ f"))
    assert run == [(aligned, True), ("a", False), ("b", True), ("c < d", False)]


def test_what_is_rendered_stands_in_the_page(book, node):
    """Inline and display, each at its place; a labelled one has its number and a link to it."""
    app = book()
    first, second = page(app, "index"), page(app, "second")
    assert [e.decode_contents() for e in first.select("span.math")] == ["<i>a</i>"] * 2
    (display,) = first.select("div.math")
    assert display.find("i").text == "b"
    assert display.select_one("span.eqno").text.startswith("(1)")
    assert display["id"] == "equation-loss"
    assert first.select_one("a[href='#equation-loss']:not(.headerlink)").text == "(1)"
    assert second.select_one("div.math").find("span", class_="eqno") is None
    assert app.warning.getvalue() == ""


def test_a_second_build_renders_only_what_is_new(book, node):
    """What an earlier build rendered is kept beside it, also when every page is read again."""
    book()
    changed = SECOND.replace("c < d", "g")
    book(changed)
    assert node.runs[1:] == [[("g", False)]]
    book(f"{changed}\nMore text.\n")
    assert len(node.runs) == 2


def test_another_release_of_katex_renders_everything_anew(book, node, package):
    """What one release rendered is not mixed with what another does."""
    book()
    (package / "package.json").write_text('{"version": "1.2.4"}', encoding="utf-8")
    book(second=SECOND + "\nMore text.\n")
    assert ("c < d", False) in node.runs[1]


def test_a_wrong_formula_is_shown_and_told(book, node):
    """The warning has KaTeX's message, the TeX and page and line; the page shows the TeX."""
    app = book(second="# Second\n\nBefore.\n\nA line\nwith $\\wrong < 1$ in it.\n")
    said = app.warning.getvalue()
    assert re.search(r"second\.md:[56]: .*no such function in '\\\\wrong < 1'", said)
    assert page(app, "second").select_one("span.math code").text == r"\wrong < 1"
    kept = json.loads((app.confdir / "_build" / "katex.json").read_text(encoding="utf-8"))
    assert [tex for tex, *_ in kept["formulas"]] == ["a", "b"]


def test_a_wrong_formula_is_told_again(book, node):
    """It is not kept: the next build that reads the page warns as well."""
    wrong = "# Second\n\n$\\wrong$\n"
    book(second=wrong)
    assert "no such function" in book(second=f"{wrong}\nMore.\n").warning.getvalue()


def test_node_that_fails_ends_the_build(book, node):
    """Where node cannot run, its own words are the error."""
    node.returncode = 1
    with pytest.raises(ExtensionError, match="node could not run KaTeX: no module"):
        book()


def test_without_katex_the_build_says_what_to_do(site, tmp_path, monkeypatch):
    """The message names the folder and the session that fills it."""
    monkeypatch.setenv("LINEFIT_NPM", str(tmp_path / "nothing"))
    with pytest.raises(ExtensionError, match=r"not in .*nothing.node_modules.*nox -s docs"):
        site(["katex_math"], {"index.rst": ""}, html_math_renderer="katex")


def test_other_builders_do_without(site, tmp_path, monkeypatch):
    """A builder that makes no pages, such as linkcheck, needs no KaTeX."""
    monkeypatch.setenv("LINEFIT_NPM", str(tmp_path / "nothing"))
    app = site(["katex_math"], {"index.rst": ":math:`a`"}, buildername="text")
    app.build()
    assert "a" in (app.outdir / "index.txt").read_text(encoding="utf-8")


def test_fonts_are_those_that_browsers_take(book, node):
    """The site has one format of each font, made once for the same characters."""
    static = book().outdir / "_static" / "katex"
    [file] = (static / "fonts").iterdir()
    assert file.name == "a.woff2"
    assert set(file.read_text(encoding="utf-8")) >= set("abc")
    style = (static / "katex.min.css").read_text(encoding="utf-8")
    assert '@font-face{src:url(fonts/a.woff2) format("woff2")}' in style
    assert len(node.kept) == 1


def test_the_fonts_of_every_formula_stand_in_the_style(book, node):
    """A page need not wait for them once it has its style."""
    style = (book().outdir / "_static" / "katex" / "katex.min.css").read_text(encoding="utf-8")
    fonts = re.findall(r"url\(data:font/woff2;base64,([^)]*)\) format", style)
    kept = [node.kept[0][""].encode() for _ in katex_math.EMBEDDED]
    assert [base64.b64decode(font) for font in fonts] == kept


def test_a_style_without_a_font_to_embed_is_an_error(book, node, package):
    """Another release of KaTeX may have other names."""
    style = package / "dist" / "katex.min.css"
    style.write_text("@font-face{}", encoding="utf-8")
    with pytest.raises(ExtensionError, match="does not name fonts/KaTeX_Main-Regular"):
        book()


STYLED = (
    '<span class="katex"><math><mi>x</mi></math><span class="strut" style="height:1em;top:-2em;">'
    '</span><span style="top:0;"><span class="mord mathnormal">a&lt;</span></span>'
    '<span class="mord texttt">t</span><span class="mop op-symbol large-op">∑</span>'
    "</span>"
)


def test_styles_become_classes():
    """A part of a formula has a class in place of its style, beside those that it has."""
    soup = BeautifulSoup(katex_math.with_classes(STYLED), "html.parser")
    tall, low = (katex_math.class_of(style) for style in ("height:1em;top:-2em;", "top:0;"))
    assert soup.select("[style]") == []
    assert soup.select_one(".strut")["class"] == ["strut", tall]
    assert soup.select_one(".mathnormal").parent["class"] == [low]
    assert set(katex_math.rules([STYLED, STYLED])) == {
        f".katex .{tall}{{height:1em!important;top:-2em!important}}",
        f".katex .{low}{{top:0!important}}",
    }


def test_each_font_has_its_characters():
    """Letters of variables and of code are not in the upright font, nor what is read aloud."""
    assert katex_math.characters([STYLED]) == {
        "": "<at∑",
        "KaTeX_Main-Regular": "∑",
        "KaTeX_Math-Italic": "<a",
        "KaTeX_Typewriter-Regular": "t",
    }


@pytest.mark.site
def test_katex_renders(tmp_path, monkeypatch):
    """KaTeX itself gives HTML and MathML, and names what is wrong in a formula."""
    if not (NPM / "katex").is_dir():
        pytest.fail("KaTeX is not installed: run `python -m nox -s docs` first.", pytrace=False)
    monkeypatch.setenv("LINEFIT_NPM", str(NPM.parent))
    katex = katex_math.Katex(SimpleNamespace(confdir=tmp_path / "docs"))
    katex.render({(r"\frac{a}{b}", True), ("x", False), (r"\wrong", False)})
    fraction = BeautifulSoup(katex.rendered[r"\frac{a}{b}", True], "html.parser")
    assert fraction.select_one(".katex-display math mfrac")
    assert "katex-display" not in katex.rendered["x", False]
    assert r"Undefined control sequence: \wrong" in katex.errors[r"\wrong", False]
