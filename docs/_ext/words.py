"""Find the words in a piece of HTML, and put others in their place."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape

# A text between tags, or an attribute that readers see or hear, or that a script shows.
WORDS = re.compile(
    r"(?P<before>>|\s(?:aria-label|title|alt|data-label|data-play|data-pause|data-say-\w+)=\")"
    r"(?P<text>[^<>\"]*[^\W\d_][^<>\"]*)"
    r"(?=[<\"])"
)


def found(html: str) -> list[str]:
    """Return the words of a piece of HTML, each text once, in their order.

    >>> found('<p title="Name">An <b>x</b> &amp; more</p>')
    ['Name', 'An', 'x', '& more']
    """
    return list(dict.fromkeys(unescape(m["text"]).strip() for m in WORDS.finditer(html)))


def replaced(html: str, translate: Callable[[str], str]) -> str:
    """Return the same HTML with each text, without the spaces around it, translated.

    >>> replaced('<p title="Name">An <b>x</b> &amp; more</p>', str.upper)
    '<p title="NAME">AN <b>X</b> &amp; MORE</p>'
    """

    def swap(match: re.Match[str]) -> str:
        text = match["text"]
        words = text.strip()
        start = text.index(words)
        put = escape(translate(unescape(words)))
        return match["before"] + text[:start] + put + text[start + len(words) :]

    return WORDS.sub(swap, html)
