"""Give each page a Content-Security-Policy: what is not the site's own does not run or load.

Nothing stands inline, neither scripts nor styles, so the policy needs no exception for them.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],  # the theme's icons stand in its style
    "font-src": ["'self'", "data:"],  # the fonts of formulas stand in theirs
    "connect-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
}
# An exercise runs a reader's Python: MicroPython is WebAssembly, in a worker.  A page opened from a
# folder can start only one made of a blob, which inherits the page's policy.
PYTHON = {"script-src": ["'wasm-unsafe-eval'"], "worker-src": ["'self'", "blob:"]}
RUNS_PYTHON = 'data-kind="code"'

# What the theme writes into a page, and the same without a script or a style.
INLINE_SCRIPT = re.compile(r"<script>\s*document\.body\.dataset\.theme = .*?</script>", re.DOTALL)
ATTRIBUTES = {
    'style="display: none;"': 'class="icons" width="0" height="0"',
    'style="opacity: 50%"': 'opacity="0.5"',
    'style="width: 33%; vertical-align: top;"': 'class="index-column"',
    '<table style="width: 100%" ': "<table ",
    'style="display: none" alt="-"': 'hidden width="11" height="11" alt="-"',
}


def policy(text: str) -> str:
    """Return the policy of a page with a text."""
    parts = {name: list(sources) for name, sources in POLICY.items()}
    if RUNS_PYTHON in text:
        for name, sources in PYTHON.items():
            parts[name] = [*parts.get(name, []), *sources]
    return "; ".join(" ".join([name, *sources]) for name, sources in parts.items())


def without_inline(body: str) -> str:
    """Return the theme's part of a page without what the policy would refuse."""
    body = INLINE_SCRIPT.sub("", body, count=1)
    for found, wanted in ATTRIBUTES.items():
        body = body.replace(found, wanted)
    return body


def add(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Give the page's template the policy, and what it needs to keep to it."""
    context["content_security_policy"] = policy(context.get("body", ""))
    context["without_inline"] = without_inline


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.connect("html-page-context", add, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
