"""Turn MyST Markdown into the Markdown that any notebook program shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import takewhile

from markdown_it import MarkdownIt

FENCE = re.compile(
    r"^(?P<lead> *(?:(?:[-*+]|\d{1,9}[.)]|>) +)*)"  # a fence may open in a list or a quotation
    r"(?P<mark>`{3,}|~{3,}|:{3,})(?: *\{(?P<name>[\w:-]+)\})?(?P<title>.*)$"
)
OPTION = re.compile(r"^:(?P<name>[\w-]+):(?P<value> .*)?$")
TITLED = re.compile(r"^(?P<text>.*?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
ELSEWHERE = re.compile(r"<?(?!(?:inv|myst|path|project):)[a-z][a-z0-9+.-]*:", re.IGNORECASE)

# What prose can hold, first come, first served: in code and in formulas nothing is markup.
CHARACTER = r"(?:(?!\n[ \t]*\n).)"  # within a paragraph
CODE = rf"(?<!`)(?P<ticks>`++){CHARACTER}+?(?<!`)(?P=ticks)(?!`)"
MARKUP = re.compile(
    rf"""
    (?P<environment> \\begin\{{(?P<kind> [a-z]+\*?)\}}.*?\\end\{{(?P=kind)\}})
    | (?P<escape> \\.)
    | (?P<comment> ^[ ]{{0,3}}%[^\n]*\n)
    | (?P<anchor> ^\([\w:.-]+\)=[ \t]*\n)
    | \{{(?P<role> [\w:+-]+)\}}(?P<mark> `++)(?P<content> {CHARACTER}+?)(?<!`)(?P=mark)(?!`)
    | (?P<code> {CODE})
    | \$\$(?P<display> (?:\\.|(?!\$\$).)+)\$\$(?:[ ]*\((?P<label> [\w:.-]+)\))?
    | (?P<formula> \$(?:\\.|(?![$\\]){CHARACTER})+\$)
    | \{{\{{[ ]*(?P<substitution> \w+)[ ]*\}}\}}
    | (?P<address> <[a-zA-Z][a-zA-Z0-9+.-]*:[^<>\s]*>)
    | (?P<image> !)?\[(?P<text> (?:\\.|{CODE.replace("ticks", "inner")}|\[[^\]]*\]|[^\[\]])*+)\]
      \((?P<target> <[^>]*>|[^)\s]*)(?:\s+"[^"]*")?\)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)

BOXES = frozenset(
    {"attention", "caution", "danger", "error", "hint", "important", "note", "seealso"}
    | {"tip", "warning"}
)
DROPPED = frozenset(
    {"figure", "glue", "glue:figure", "image", "minigallery", "markup", "raw", "toctree"}
)

Resolve = Callable[[str, str], str]
"""Return the text of a reference, from the role's name and its target."""


class UnknownMarkupError(ValueError):
    """Raised for a role or directive that has no plain form here."""


def plain(text: str, resolve: Resolve) -> str:
    """Return plain Markdown that says what the MyST Markdown says."""
    return "\n".join(_blocks(text.split("\n"), resolve)).strip("\n")


def _blocks(lines: list[str], resolve: Resolve) -> Iterator[str]:
    """Yield the text block by block: prose, code, or what a directive becomes."""
    indented = _indented_code(lines)
    prose: list[str] = []
    position = 0
    while position < len(lines):
        fence = None if position in indented else _opening(lines[position])
        end = _closing(lines, position, fence) if fence else position
        if fence or position in indented:
            yield from _prose(prose, resolve)
            prose = []
            yield from _block(fence, lines[position : end + 1], resolve)
        else:
            prose.append(lines[position])
        position = end + 1
    yield from _prose(prose, resolve)


def _indented_code(lines: list[str]) -> set[int]:
    """Return the indices of the lines that are code because they are indented."""
    tokens = MarkdownIt("commonmark").parse("\n".join(lines))
    blocks = [token.map for token in tokens if token.type == "code_block" and token.map]
    return {index for first, end in blocks for index in range(first, end)}


def _opening(line: str) -> re.Match[str] | None:
    """Return the parts of a line that opens a fence, which ```` ```code``` ```` does not."""
    fence = FENCE.match(line)
    return None if fence and fence["mark"][0] == "`" and "`" in fence["title"] else fence


def _closing(lines: list[str], start: int, fence: re.Match[str]) -> int:
    """Return the index of the line that closes a fence, or of the last one."""
    mark = fence["mark"]
    for index in range(start + 1, len(lines)):
        line = _without(lines[index], _lead(fence))
        text = line.strip()
        if len(text) >= len(mark) and set(text) == {mark[0]} and not line.startswith(" " * 4):
            return index
    return len(lines)


def _lead(fence: re.Match[str]) -> str:
    """Return what stands before the second and further lines of a fence in a list or quotation."""
    return re.sub(r"[^> ]", " ", fence["lead"])


def _without(line: str, lead: str) -> str:
    return line.removeprefix(lead if line.startswith(lead) else lead.rstrip())


def _block(fence: re.Match[str] | None, lines: list[str], resolve: Resolve) -> Iterator[str]:
    """Yield code as it is, and a directive in its plain form."""
    if fence is None or (fence["name"] is None and fence["mark"][0] != ":"):
        yield from lines
        return
    lead = _lead(fence)
    body = [_without(line, lead) for line in lines[1 : _closing(lines, 0, fence)]]
    plain_form = _directive(fence["name"], fence["title"].strip(), body, resolve)
    for index, line in enumerate(plain_form):
        yield ((lead if index else fence["lead"]) + line).rstrip()


def _directive(name: str | None, title: str, body: list[str], resolve: Resolve) -> Iterator[str]:
    options, content = _options(body)
    if name in {"code", "code-block"}:
        yield from _code(title, _trim(content))
    elif name == "math":
        tex = "\n".join(_trim([title, *content]))
        yield from _numbered(tex, options.get("label", ""), resolve).split("\n")
    elif name in BOXES:
        yield from _quoted(str(name).capitalize(), [title, *content], resolve)
    elif name in {"admonition", "dropdown"}:
        yield from _quoted(plain(title, resolve), content, resolve)
    elif name == "div":
        yield from _blocks(content, resolve)
    elif name == "install":
        yield from _code("shell", [resolve("install", "")])
    elif name not in DROPPED:
        raise UnknownMarkupError(f"the directive {{{name}}}" if name else f"the block :::{title}")


def _options(body: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options at the head of a directive, and its content."""
    found = [OPTION.match(line.strip()) for line in body]
    head = [option for option in takewhile(bool, found) if option]
    return {option["name"]: (option["value"] or "").strip() for option in head}, body[len(head) :]


def _code(language: str, lines: list[str]) -> Iterator[str]:
    """Yield a block of code between fences that nothing in it closes."""
    runs = re.findall("`{3,}", "\n".join(lines))
    mark = "`" * (max(map(len, runs), default=2) + 1)
    yield from [mark + language, *lines, mark]


def _quoted(heading: str, body: list[str], resolve: Resolve) -> Iterator[str]:
    """Yield a box as a quotation with a heading."""
    inner = _trim(list(_blocks(_trim(body), resolve)))
    yield from (f"> {line}".rstrip() for line in [f"**{heading}**", "", *inner])


def _trim(lines: list[str]) -> list[str]:
    """Return the lines without empty ones at both ends."""
    return "\n".join(lines).strip("\n").split("\n")


def _numbered(tex: str, label: str, resolve: Resolve) -> str:
    tag = rf" \tag{{{resolve('eq', label)[1:-1]}}}" if label else ""
    return f"$$\n{tex.strip()}{tag}\n$$"


def _prose(lines: list[str], resolve: Resolve) -> Iterator[str]:
    """Yield lines outside fences with their roles, labels and targets in plain form."""
    yield from _inline("".join(f"{line}\n" for line in lines), resolve).split("\n")[:-1]


def _inline(text: str, resolve: Resolve) -> str:
    return MARKUP.sub(lambda match: _markup(match, resolve), text)


def _markup(match: re.Match[str], resolve: Resolve) -> str:
    """Return the plain form of one piece of markup."""
    if match["comment"] or match["anchor"]:
        return ""
    if match["role"]:
        return _role(match["role"], match["content"], resolve)
    if match["label"]:
        line = match.string[: match.start()].rpartition("\n")[2]
        formula = _numbered(match["display"], match["label"], resolve)
        return formula.replace("\n", f"\n{line}") if line.isspace() else formula
    if match["substitution"]:
        return resolve("substitution", match["substitution"])
    if match["target"] is not None or match["address"]:
        return _link(match, resolve)
    return match.group()


def _link(match: re.Match[str], resolve: Resolve) -> str:
    """Return a link to elsewhere as it is; of what lies beside the page, the text."""
    text = _inline(match["text"] or "", resolve)
    if ELSEWHERE.match(match["target"] or match["address"]):
        return match.group().replace(match["text"] or "", text, 1)
    if not text and not match["image"]:
        raise UnknownMarkupError(f"the link {match.group()} without a text")
    return text


def _role(name: str, content: str, resolve: Resolve) -> str:
    """Return the text of one role."""
    titled = TITLED.match(content)
    if name in {"wheel", "abbr", "kbd", "command", "file"}:
        return content
    if name in {"archive", "term", "download", "play"}:
        return titled["text"] if titled else content
    if name == "math":
        return f"${content}$"
    if name.rpartition(":")[2] in {"func", "class", "meth", "attr", "mod", "exc", "data", "obj"}:
        short = content[1:].rpartition(".")[2] if content.startswith("~") else content.lstrip("!.")
        return f"`{titled['text'] if titled else short}`"
    if name in {"doc", "ref", "eq", "numref", "glue:text", "minutes"}:
        return titled["text"] if titled else resolve(name, content)
    raise UnknownMarkupError(f"the role {{{name}}}")
