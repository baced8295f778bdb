"""A page of the built site, and what a browser would ask for to show it."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from bs4 import BeautifulSoup

# What a browser fetches by itself; a link that a reader may follow is not among it.
FETCHED = {
    "script": ["src"],
    "img": ["src", "srcset"],
    "source": ["src", "srcset"],
    "iframe": ["src"],
    "embed": ["src"],
    "object": ["data"],
    "video": ["src", "poster"],
    "audio": ["src"],
    "track": ["src"],
    "input": ["src"],
    "use": ["href", "xlink:href"],
    "image": ["href", "xlink:href"],
}
NOT_FETCHED = {"canonical", "next", "prev", "search", "index", "author", "license", "alternate"}
INSTALLS = ("# Save ", "%pip ")
IN_CSS = re.compile(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""")


class Page:
    """Read a page once and answer questions about it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = path.read_text(encoding="utf-8")
        self.soup = BeautifulSoup(self.source, "html.parser")

    @property
    def content(self):
        """The page's own part, without menus: furo's article."""
        return self.soup.select_one("article[role=main]")

    def text(self) -> str:
        """Return the words of the content, spaces collapsed."""
        return " ".join(self.content.get_text(" ").split())

    def downloads(self, suffix: str) -> list[Path]:
        """Return the local files with a suffix that the content links to, each once."""
        links = {a["href"] for a in self.content.select("a[href]")}
        parts = [urlsplit(link) for link in links if urlsplit(link).path.endswith(suffix)]
        paths = {(self.path.parent / unquote(p.path)).resolve() for p in parts if not p.netloc}
        return sorted(paths)

    def notebook(self):
        """Return the page's notebook without the cell that installs what it needs."""
        (path,) = self.downloads(".ipynb")
        notebook = nbformat.read(path, as_version=4)
        (install,) = (cell for cell in notebook.cells if cell.source.startswith(INSTALLS))
        notebook.cells.remove(install)
        return notebook

    def fetched(self) -> list[str]:
        """Return every address that a browser asks for by itself to show the page."""
        found = []
        for tag, attributes in FETCHED.items():
            for element in self.soup.find_all(tag):
                values = [element.get(attribute, "") for attribute in attributes]
                found += [part.split()[0] for v in values for part in v.split(",") if part.strip()]
        for link in self.soup.find_all("link", href=True):
            if not NOT_FETCHED & set(link.get("rel", [])):
                found.append(link["href"])
        styles = [e.get_text() for e in self.soup.find_all("style")]
        styles += [e["style"] for e in self.soup.find_all(style=True)]
        return found + [address for style in styles for address in in_css(style)]


def in_css(text: str) -> list[str]:
    """Return the addresses that a style sheet refers to."""
    return [url or imported for url, imported in IN_CSS.findall(text)]


def foreign(address: str) -> bool:
    """Whether an address leads to another host; data: and relative ones do not."""
    parts = urlsplit(address.strip())
    return bool(parts.netloc) or parts.scheme in {"http", "https", "ws", "wss", "ftp"}
