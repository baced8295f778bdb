"""Translate the site into marks, and find what a translator could not reach.

``python tests/site/pseudo.py translate GETTEXT LOCALE`` writes a catalog in which every message
stands between two marks; ``python tests/site/pseudo.py find SITE`` lists the texts of a site built
with it that have none.
"""

import re
import sys
from collections import Counter
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup

LANGUAGE = "eo"  # any that Sphinx knows and whose search is that of no other
BEFORE, AFTER = "⟦", "⟧"
# What is no prose: code and its output, signatures, formulas, drawings, what programs read.
NO_PROSE = (
    "script, style, template, pre, code, dt.sig, svg, math, .katex, .cell_output, "
    ".sphx-glr-script-out, .headerlink, .sd-octicon, kbd"
)
# What Sphinx and the theme have catalogs of their own for.
OTHERS = ".theme-toggle-container, footer, .admonition-title"
INDICES = {"genindex.html", "py-modindex.html"}  # Sphinx's too, of names
BLOCKS = ["p", "li", "h1", "h2", "h3", "h4", "dt", "dd", "td", "th", "summary"]
WORD = re.compile(r"[A-Za-z]{3,}")


def translate(folder: Path, locale: Path) -> int:
    """Write catalogs in which every message stands between marks; return how many there are."""
    count = 0
    for path in sorted(folder.rglob("*.pot")):
        with path.open("rb") as file:
            catalog = read_po(file, locale=LANGUAGE)
        for message in catalog:
            if message.id:
                message.string = f"{BEFORE}{message.id}{AFTER}"
                count += 1
        name = path.relative_to(folder).with_suffix(".mo")
        target = locale / LANGUAGE / "LC_MESSAGES" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            write_mo(file, catalog)
    return count


def untranslated(html: str) -> list[str]:
    """Return the blocks of prose on a page that have no mark."""
    soup = BeautifulSoup(html, "html.parser")
    for player in soup.select(".lfg-player"):  # the output of a cell, and yet prose
        player.find_parent("section").append(player.extract())
    for element in soup.select(f"{NO_PROSE}, {OTHERS}"):
        element.decompose()
    article = soup.select_one("article[role=main]") or soup
    blocks = article.find_all(BLOCKS)
    innermost = [block for block in blocks if not block.find(BLOCKS)]
    texts = (" ".join(b.get_text(" ").split()) for b in innermost)
    return [text for text in texts if WORD.search(text) and BEFORE not in text]


def find(site: Path) -> int:
    """Print each text that no catalog reaches, the most frequent first, with a page that has it.

    Returns how many there are.
    """
    counts: Counter[str] = Counter()
    seen: dict[str, str] = {}
    pages = [
        path
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts and path.name not in INDICES
    ]
    for path in pages:
        for text in untranslated(path.read_text(encoding="utf-8")):
            counts[text] += 1
            seen.setdefault(text, path.relative_to(site).as_posix())
    for text, count in counts.most_common():
        sys.stdout.write(f"{count:5}  {seen[text]}: {text[:100]}\n")
    sys.stdout.write(f"{len(counts)} texts without a translation on {len(pages)} pages\n")
    return len(counts)


def main(task: str, *folders: str) -> int:
    """Do one of the two tasks; return 1 if a text has no translation."""
    places = [Path(folder) for folder in folders]
    if task == "translate":
        sys.stdout.write(f"{translate(*places)} messages\n")
        return 0
    return int(find(*places) > 0)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
