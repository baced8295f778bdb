"""MyST Markdown as a notebook program shows it."""

import contextlib
import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plain_markdown import BOXES, DROPPED, UnknownMarkupError, plain

TEXTS = {
    ("doc", "learn/autograd"): "Autograd",
    ("ref", "there"): "That section",
    ("numref", "there"): "Section 4",
    ("eq", "loss"): "(3)",
    ("glue:text", "slope:.2f"): "2.51",
    ("substitution", "wheel"): "linefit.whl",
    ("install", ""): "python -m pip install ./linefit.whl",
}


def resolve(role, target):
    """Return the text of what a page refers to, as Sphinx would know it."""
    return TEXTS[role, target]


def shown(text):
    """Return a text, indented in a test, in its plain form."""
    return plain(textwrap.dedent(text).strip("\n"), resolve)


def lines(text):
    """Return a text that is indented in a test."""
    return textwrap.dedent(text).strip("\n")


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ("{play}`the run <post>`", "the run"),
        ("{term}`leaf`", "leaf"),
        ("{term}`leaves <leaf>`", "leaves"),
        ("{doc}`learn/autograd`", "Autograd"),
        ("{doc}`the chapter <learn/autograd>`", "the chapter"),
        ("{ref}`there`", "That section"),
        ("{ref}`there, below <there>`", "there, below"),
        ("{numref}`there`", "Section 4"),
        ("{eq}`loss`", "(3)"),
        ("{glue:text}`slope:.2f`", "2.51"),
        ("{func}`linefit.descend`", "`linefit.descend`"),
        ("{func}`~linefit.descend`", "`descend`"),
        ("{func}`!print`", "`print`"),
        ("{meth}`.backward`", "`backward`"),
        ("{py:meth}`the method <torch.Tensor.backward>`", "`the method`"),
        ("{class}`~torch.Tensor`", "`Tensor`"),
        ("{math}`a^2 + 1`", "$a^2 + 1$"),
        ("{download}`the data <data.csv>`", "the data"),
        ("{wheel}`the package`", "the package"),
        ("{archive}`the whole site <site.zip>`", "the whole site"),
        ("{abbr}`CPU (processor)`", "CPU (processor)"),
        ("{kbd}`Ctrl`", "Ctrl"),
        ("{term}``leaf``", "leaf"),
        ("{term}`a leaf\nof the graph <leaf>`", "a leaf\nof the graph"),
    ],
)
def test_role_becomes_its_text(role, text):
    """A role is what the page shows of it, wherever it stands in a line."""
    assert plain(role, resolve) == text
    assert plain(f"See **{role}**, and {role}.", resolve) == f"See **{text}**, and {text}."


def test_substitution_becomes_its_value():
    """A name in two braces is replaced, with spaces around it or without."""
    assert plain("Save {{ wheel }} or {{wheel}}.", resolve) == "Save linefit.whl or linefit.whl."


@pytest.mark.parametrize(
    "text",
    [
        "{unknown}`x`",
        "```{unknown}\ntext\n```",
        ":::{unknown}\ntext\n:::",
        ":::note\ntext\n:::",
        "- ```{unknown}\n  text\n  ```",
        "```{note}\n{unknown}`x`\n```",
        "[{unknown}`x`](page.md)",
        "[](page.md)",
        "<project:page.md>",
    ],
)
def test_what_has_no_plain_form_is_an_error(text):
    """An unknown role or directive is never shown as it is written, at no depth."""
    with pytest.raises(UnknownMarkupError, match=r"unknown|:::|\[\]|project"):
        plain(text, resolve)


def test_what_a_reference_leads_to_must_be_known():
    """A target that nobody knows is an error for the caller to report."""
    with pytest.raises(KeyError):
        plain("{ref}`nowhere`", resolve)


@pytest.mark.parametrize(
    "verbatim",
    [
        "`{term}`",
        "``{term}`leaf` ``",
        "`nodes[0](x)`",
        "`[text](page.md)`",
        "`{{ wheel }}`",
        "``a ` {{ wheel }}``",
        "`(there)=`",
        "`$a$ (loss)`",
        "$x[0](t)$",
        r"$\frac{{a}}{b}$",
        "$$f[a](b) + {{c}}$$",
        "$$\nf[a](b)\n% no comment of the page's\n(there)=\n\nd\n$$",
        "\\begin{equation}\nf[a](b) = {{c}}\n\n\\end{equation}",
        r"two dollars: \$5 and \$6",
        r"\{term}`leaf`",
        r"\[text](page.md)",
        "a `lone tick and, in the next paragraph,\n\nanother `one",
        "```{.python}\n{term}`leaf` [a](b) {{ wheel }}\n```",
        "```python\n{term}`leaf`\n(there)=\n% comment\n:option: kept\n```",
        "~~~python\n```\n{term}`leaf`\n~~~",
        "````\n```{note}\n{term}`leaf`\n```\n````",
        '```python\n"""\n    ```\n    {term}`leaf`\n"""\n```',
        "Text.\n\n    {term}`leaf`\n    ```{note}\n\nMore.",
        "- item\n\n      {term}`leaf`",
        "- ```python\n  {term}`leaf`\n  ```\n- next",
        "1. one\n\n   ```python\n   {term}`leaf`\n   ```\n\n2. two",
        "> ```python\n> {term}`leaf`\n>\n> [a](b)\n> ```",
        "```one` line```",
        "```",
    ],
)
def test_code_and_formulas_are_verbatim(verbatim):
    """What looks like markup is none inside code, in a formula or after a backslash."""
    assert plain(verbatim, resolve) == verbatim


@pytest.mark.parametrize(
    "around", ["`x` {role}", "{role} and `x`", "`a` {role} `b`", "$a$ {role} $b$", "`` ` `` {role}"]
)
def test_roles_beside_code_and_formulas_are_replaced(around):
    """Code ends where it ends: what follows it in the line is markup again."""
    text = around.replace("{role}", "{term}`leaves <leaf>`")
    assert plain(text, resolve) == around.replace("{role}", "leaves")


def test_text_after_a_list_with_code_is_markup_again():
    """A fence that opens beside a list's marker is closed by the mark below it."""
    text = "- ```python\n  x = 1\n  ```\n- {term}`leaf`\n\n    more of the {term}`leaf`"
    expected = "- ```python\n  x = 1\n  ```\n- leaf\n\n    more of the leaf"
    assert plain(text, resolve) == expected


@pytest.mark.parametrize(
    ("link", "text"),
    [
        ("[a chapter](learn/autograd.md)", "a chapter"),
        ("[below](#there)", "below"),
        ("[a chapter](../x.md#there)", "a chapter"),
        ('[a chapter](x.md "its title")', "a chapter"),
        ("[a chapter](<a page.md>)", "a chapter"),
        ("[`x.data[0]`](#there)", "`x.data[0]`"),
        ("[of [two] words](x.md)", "of [two] words"),
        ("[the {term}`leaf`](x.md)", "the leaf"),
        ("[here](https://example.org/a_(b))", "[here](https://example.org/a_(b))"),
        ("[the {term}`leaf`](https://example.org)", "[the leaf](https://example.org)"),
        ("[us](mailto:a@example.org)", "[us](mailto:a@example.org)"),
        ("<https://example.org/[a](b)>", "<https://example.org/[a](b)>"),
        ("![a drawing](https://example.org/a.png)", "![a drawing](https://example.org/a.png)"),
        ("![a drawing](data:image/png;base64,AAAA)", "![a drawing](data:image/png;base64,AAAA)"),
        ("![a drawing](figures/a.png)", "a drawing"),
        ("![](figures/a.png)", ""),
        ("[1, 2] (see below)", "[1, 2] (see below)"),
    ],
)
def test_links_that_lead_elsewhere_stay(link, text):
    """What lies beside the page is not beside the notebook: of such a link the text is left."""
    assert plain(f"See {link}!", resolve) == f"See {text}!"


@pytest.mark.parametrize("name", sorted(BOXES))
def test_box_becomes_a_quotation(name):
    """A box has its kind as heading, and its first line may stand beside the name."""
    heading = f"> **{name.capitalize()}**"
    assert plain(f":::{{{name}}}\nOne.\n\nTwo.\n:::", resolve) == f"{heading}\n>\n> One.\n>\n> Two."
    assert plain(f"``` {{{name}}} One.\n```", resolve) == f"{heading}\n>\n> One."


@pytest.mark.parametrize("name", ["admonition", "dropdown"])
def test_box_with_a_title(name):
    """A box of one's own has its title as heading; its options are no part of the text."""
    text = f"""
        :::{{{name}}} The {{term}}`leaf`
        :class: tip
        :open:

        :a: is text after the first empty line.
        :::
        """
    expected = """
        > **The leaf**
        >
        > :a: is text after the first empty line.
        """
    assert shown(text) == lines(expected)


def test_boxes_within_boxes():
    """Boxes, code and formulas within a box are quoted as deep as they stand."""
    text = """
        Before.
        :::::{note}
        ::::{tip}
        :::{dropdown} Answer
        ```python
        x = {term}`leaf`
        ```
        {term}`leaves <leaf>`
        :::
        ::::
        ```{math}
        a
        ```
        :::::
        After.
        """
    expected = """
        Before.
        > **Note**
        >
        > > **Tip**
        > >
        > > > **Answer**
        > > >
        > > > ```python
        > > > x = {term}`leaf`
        > > > ```
        > > > leaves
        > $$
        > a
        > $$
        After.
        """
    assert shown(text) == lines(expected)


def test_directive_in_a_list_keeps_its_indentation():
    """What a directive becomes stays within the item that it stands in."""
    text = """
        - One
          ```{code-block} python
          :caption: a file

          if x:
              y()
          ```
        - Two
          :::{tip}
          {term}`leaf`
          :::
        """
    expected = """
        - One
          ```python
          if x:
              y()
          ```
        - Two
          > **Tip**
          >
          > leaf
        """
    assert shown(text) == lines(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$$a$$ (loss)", "$$\na \\tag{3}\n$$"),
        ("$$\na\n= b\n$$ (loss)", "$$\na\n= b \\tag{3}\n$$"),
        ("```{math}\n:label: loss\n\na\n```", "$$\na \\tag{3}\n$$"),
        ("```{math} a\n```", "$$\na\n$$"),
        ("- item\n\n  $$a$$ (loss)", "- item\n\n  $$\n  a \\tag{3}\n  $$"),
        ("- item\n  ```{math}\n  a\n  ```", "- item\n  $$\n  a\n  $$"),
        ("$$a$$", "$$a$$"),
    ],
)
def test_labelled_formula_has_its_number(text, expected):
    """The number that the page gives a formula is written as a tag; without label there is none."""
    assert plain(text, resolve) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```{code-block} python\n:linenos:\nx\n```", "```python\nx\n```"),
        ("```{code} python\nx\n:label: y\n```", "```python\nx\n:label: y\n```"),
        ("````{code-block} text\n```\nx\n```\n````", "````text\n```\nx\n```\n````"),
        (":::{code-block} text\n```\nx\n```\n:::", "````text\n```\nx\n```\n````"),
        ("```{install}\n```", "```shell\npython -m pip install ./linefit.whl\n```"),
        (":::{div} wide\n{term}`leaf`\n:::", "leaf"),
    ],
)
def test_directive_becomes_its_content(text, expected):
    """Code keeps its language and every line after the options; other wrappers vanish."""
    assert plain(text, resolve) == expected


@pytest.mark.parametrize("name", sorted(DROPPED))
def test_what_only_a_page_can_show_is_left_out(name):
    """Figures and menus are dropped with everything in them, and the text around them stays."""
    assert plain(f"One.\n```{{{name}}} x\n:alt: y\n\nz\n```\nTwo.", resolve) == "One.\nTwo."


def test_targets_and_comments_are_left_out():
    """Where a reference leads and what only an author reads leave no line behind."""
    text = (
        "(there)=\n## Title\n% a comment\n%another\n%\nText, 5 % of it.\n\n(x.y:z-1)=\n```\na\n```"
    )
    assert plain(text, resolve) == "## Title\nText, 5 % of it.\n\n```\na\n```"


WORDS = st.text("abc xyz.,;!?()=+-*_#>\n0123456789|/'\"", max_size=200)


@given(WORDS)
def test_text_without_markup_is_unchanged(text):
    """Plain Markdown is its own plain form, up to empty lines at both ends."""
    anchor = re.compile(r"^\([\w:.-]+\)=[ \t]*$", re.MULTILINE)
    if not anchor.search(text):
        assert plain(text, resolve) == text.strip("\n")


CODE = st.lists(st.text("`{}[]()$: %=\\abc>-", max_size=20).filter(lambda t: "````" not in t))


@given(CODE, st.sampled_from(["", "  ", "- ", "1. ", "> ", "> - "]))
def test_fenced_code_is_verbatim(body, lead):
    """Between two fences nothing is changed, in a list or quotation neither."""
    rest = re.sub(r"[^> ]", " ", lead)
    block = "\n".join([f"{lead}````text", *(f"{rest}{line}" for line in body), f"{rest}````"])
    assert plain(f"a\n\n{block}\n\n{{term}}`leaf`", resolve) == f"a\n\n{block}\n\nleaf"


@given(st.text("{}[]()$ %=\\abc>-:`", min_size=1, max_size=30))
def test_inline_code_is_verbatim(text):
    """Between as many ticks as are needed nothing is changed."""
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    code = f"{ticks} {text} {ticks}"
    assert plain(f"a {code} {{term}}`leaf`", resolve) == f"a {code} leaf"


@given(st.text("{}[]()$ %\\ab`:=-~\n", max_size=300))
def test_no_text_takes_long_or_breaks(text):
    """Whatever is typed is translated or refused, and nothing else happens."""
    with contextlib.suppress(UnknownMarkupError):
        assert isinstance(plain(text, lambda _, target: target), str)


@pytest.mark.parametrize("part", ["`a` ", "[a] ", "{term}`a", "$a", "`", "[", "- ", "> "])
def test_long_lines_are_read_in_one_go(part):
    """Unfinished markup, a thousand times, does not make the search start over without end."""
    text = f"[{part * 1000}"
    assert "a" in plain(f"{text}a", lambda _, target: target)
