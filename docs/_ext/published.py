"""What a site needs at its address: a map, robots, a picture, a page for addresses that are wrong.

Without an address (``html_baseurl``) the build leaves out all that would hold one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

import social_card

NOT_FOUND = "404"
CARD = "_static/social.png"
RELATIVE = re.compile(r'\b(href|src|action|data-content_root)="(?!#|/|[a-z]+:)([^"]*)"')


def address(app: Sphinx) -> str:
    """Return the site's address with a slash at its end, or nothing."""
    base = str(app.config.html_baseurl or "")
    return f"{base.rstrip('/')}/" if base else ""


def tell(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Tell a page's template its address and that of the picture for previews."""
    base = address(app)
    context["card"] = (urljoin(base, CARD), *social_card.SIZE) if base else None
    context["site_root"] = base
    if page == NOT_FOUND:
        context["pageurl"] = None  # it has no address of its own
    elif base and page == app.config.root_doc:
        context["pageurl"] = base


def draw(app: Sphinx) -> None:
    """Draw the picture for previews, once."""
    if app.builder.format == "html" and address(app):
        folder = app.confdir / "_build" / "card"
        social_card.draw(folder / Path(CARD).name)
        app.config.html_static_path.append(str(folder))


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the files that lie at the site's root."""
    if error is not None or app.builder.format != "html":
        return
    base = address(app)
    for name in ("sitemap.xml", "robots.txt"):
        Path(app.outdir, name).unlink(missing_ok=True)
    if base:
        Path(app.outdir, "sitemap.xml").write_text(sitemap(app, base), encoding="utf-8")
        maps = [f"Sitemap: {edition}sitemap.xml" for edition in app.config.editions.values()]
        robots = "\n".join(["User-agent: *", "Allow: /", *maps, ""])
        Path(app.outdir, "robots.txt").write_text(robots, encoding="utf-8")
        page = Path(app.outdir, f"{NOT_FOUND}.html")
        if page.exists():
            text = rooted(page.read_text(encoding="utf-8"), urlsplit(base).path)
            page.write_text(text, encoding="utf-8")


def sitemap(app: Sphinx, base: str) -> str:
    """Return the addresses of all pages, for search engines."""
    names = sorted(app.env.found_docs)
    pages = ["" if name == app.config.root_doc else f"{name}.html" for name in names]
    lines = [f"  <url><loc>{escape(urljoin(base, page))}</loc></url>" for page in pages]
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    start = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return "\n".join([head, start, *lines, "</urlset>", ""])


def rooted(html: str, root: str) -> str:
    """Return a page whose links begin at the root: a server shows it at an address of any depth."""
    return RELATIVE.sub(lambda found: f'{found[1]}="{urljoin(root, found[2])}"', html)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.setup_extension("editions")
    app.connect("builder-inited", draw)
    app.connect("html-page-context", tell)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
