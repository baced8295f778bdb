"""Turn MyST Markdown into the Markdown that any notebook program shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

FENCE = re.compile(r"^(?P<indent> *)(?P<mark>`{3,}|:{3,})(?:\{(?P<name>[\w:-]+)\})?(?P<title>.*)$")
OPTION = re.compile(r"^:[\w-]+:.*$")
ROLE = re.compile(r"\{(?P<name>[\w:+-]+)\}`(?P<content>[^`]+)`", re.DOTALL)
TITLED = re.compile(r"^(?P<text>.*?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
LOCAL_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?!https?:|mailto:)[^)\s]*\)")
LABELED_MATH = re.compile(r"\$\$(?P<tex>(?:(?!\$\$).)+)\$\$[ ]*\((?P<label>[\w:.-]+)\)", re.DOTALL)
SUBSTITUTION = re.compile(r"\{\{\s*(\w+)\s*\}\}")
TARGET = re.compile(r"^\([\w:.-]+\)=\s*$")

BOXES = frozenset(
    {"attention", "caution", "danger", "error", "hint", "important", "note", "seealso"}
    | {"tip", "warning"}
)
DROPPED = frozenset({"figure", "glue", "glue:figure", "image", "minigallery", "toctree"})

Resolve = Callable[[str, str], str]
"""Return the text of a reference, from the role's name and its target."""


class UnknownMarkupError(ValueError):
    """Raised for a role or directive that has no plain form here."""


def plain(text: str, resolve: Resolve) -> str:
    """Return plain Markdown that says what the MyST Markdown says."""
    return "\n".join(_blocks(text.split("\n"), resolve)).strip("\n")


def _blocks(lines: list[str], resolve: Resolve) -> Iterator[str]:
    """Yield the text block by block: prose, or what stands between two fences."""
    prose: list[str] = []
    position = 0
    while position < len(lines):
        fence = FENCE.match(lines[position])
        if not fence:
            prose.append(lines[position])
            position += 1
            continue
        yield from _prose(prose, resolve)
        prose = []
        end = _closing(lines, position, fence)
        body = [line.removeprefix(fence["indent"]) for line in lines[position + 1 : end]]
        yield from (fence["indent"] + line for line in _fenced(fence, body, resolve))
        position = end + 1
    yield from _prose(prose, resolve)


def _closing(lines: list[str], start: int, fence: re.Match[str]) -> int:
    """Return the index of the line that closes a fence."""
    mark = fence["mark"]
    for index in range(start + 1, len(lines)):
        line = lines[index].strip()
        if len(line) >= len(mark) and set(line) == {mark[0]}:
            return index
    return len(lines)


def _fenced(fence: re.Match[str], body: list[str], resolve: Resolve) -> Iterator[str]:
    """Yield a directive in its plain form, or a block of code as it is."""
    name, title = fence["name"], fence["title"].strip()
    if name is None:
        yield from [fence.group().lstrip(), *body, fence["mark"]]
        return
    options = [line.strip() for line in body if OPTION.match(line.strip())]
    content = [line for line in body if line.strip() not in options]
    if name in {"code", "code-block"}:
        yield from [f"```{title}", *_trim(content), "```"]
    elif name == "math":
        label = "".join(option.split()[1] for option in options if option.startswith(":label:"))
        yield _numbered("\n".join(_trim([title, *content])), label, resolve)
    elif name in BOXES:
        yield from _quoted(name.capitalize(), [title, *content], resolve)
    elif name in {"admonition", "dropdown"}:
        yield from _quoted(title, content, resolve)
    elif name == "div":
        yield from _blocks(content, resolve)
    elif name == "install":
        wheel = resolve("substitution", "wheel")
        yield from ["```shell", f"python -m pip install ./{wheel}", "```"]
    elif name not in DROPPED:
        raise UnknownMarkupError(f"the directive {{{name}}}")


def _quoted(heading: str, body: list[str], resolve: Resolve) -> Iterator[str]:
    """Yield a box as a quotation with a heading."""
    inner = _blocks(_trim(body), resolve)
    yield from (f"> {line}".rstrip() for line in [f"**{heading}**", "", *inner])


def _trim(lines: list[str]) -> list[str]:
    """Return the lines without empty ones at both ends."""
    return "\n".join(lines).strip("\n").split("\n")


def _numbered(tex: str, label: str, resolve: Resolve) -> str:
    tag = rf" \tag{{{resolve('eq', label)[1:-1]}}}" if label else ""
    return f"$$\n{tex.strip()}{tag}\n$$"


def _prose(lines: list[str], resolve: Resolve) -> Iterator[str]:
    """Yield lines outside fences with their roles, labels and targets in plain form."""
    kept = [line for line in lines if not TARGET.match(line) and not line.startswith("% ")]
    text = "\n".join(kept)
    text = LABELED_MATH.sub(lambda m: _numbered(m["tex"], m["label"], resolve), text)
    text = ROLE.sub(lambda m: _role(m, resolve), text)
    text = SUBSTITUTION.sub(lambda m: resolve("substitution", m[1]), text)
    yield from LOCAL_LINK.sub(r"\g<text>", text).split("\n") if kept else []


def _role(match: re.Match[str], resolve: Resolve) -> str:
    """Return the text of one role."""
    name, content = match["name"], match["content"]
    titled = TITLED.match(content)
    if name in {"term", "download", "wheel", "abbr", "kbd", "command", "file"}:
        return titled["text"] if titled and name in {"term", "download"} else content
    if name == "math":
        return f"${content}$"
    if name.split(":")[-1] in {"func", "class", "meth", "attr", "mod", "exc", "data", "obj"}:
        short = content[1:].rpartition(".")[2] if content.startswith("~") else content
        return f"`{titled['text'] if titled else short}`"
    if name in {"doc", "ref", "eq", "numref", "glue:text"}:
        return titled["text"] if titled else resolve(name, content)
    raise UnknownMarkupError(f"the role {{{name}}}")
