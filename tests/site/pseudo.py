"""Translate the site into marks, and find what a translator could not reach.

``python tests/site/pseudo.py translate GETTEXT LOCALE`` writes a catalog in which every message
stands between two marks; ``python tests/site/pseudo.py find SITE`` lists the texts of a site built
with it that have none.
"""

import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

import sphinx
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup, NavigableString

LANGUAGE = "eo"  # any that Sphinx knows and whose search is that of no other
BEFORE, AFTER = "⟦", "⟧"
# Sphinx's own messages, which come with it in many languages and need no catalog of ours.
OF_SPHINX = Path(sphinx.__file__).parent / "locale" / LANGUAGE / "LC_MESSAGES" / "sphinx.po"
BLOCKS = ["p", "li", "h1", "h2", "h3", "h4", "dt", "dd", "td", "th", "summary"]
ATTRIBUTES = ("alt", "aria-label", "placeholder", "title", "tooltip")
BY_SCRIPTS = ("data-label", "data-play", "data-pause", "data-none", "data-one", "data-many")
DESCRIPTIONS = 'meta[name="description"], meta[property$="description"], meta[property$=":alt"]'
# What is no prose: code and its output, signatures, formulas, drawings, what programs read, names
# of Python and of languages.
NO_PROSE = (
    "script, style, template, pre, code, dt.sig, svg, math, .katex, .cell_output, "
    ".sphx-glr-script-out, .sd-octicon, kbd, .genindextable, .modindextable, nav.editions"
)
# What is described in no words of ours: names of Python, and what a page's own code draws.
NO_WORDS = "pre *, a[title]:has(> code), .cell_output svg:not([class^=lfg])"
NAMES = {"linefit", "Sphinx", "Furo", "pradyunsg"}  # in the title and at the foot of each page
WORD = re.compile(r"(?<!\d\.)\b[A-Za-z]{3,}")  # not the "dev" of a version
INSIDE = re.compile(f"{BEFORE}[^{BEFORE}{AFTER}]*({AFTER}|$)")  # a long description ends early


def translate(folder: Path, locale: Path) -> int:
    """Write catalogs in which every message stands between marks; return how many there are."""
    count = 0
    for path in sorted(folder.rglob("*.pot")):
        with path.open("rb") as file:
            catalog = read_po(file, locale=LANGUAGE)
        if path.stem == OF_SPHINX.stem:
            with OF_SPHINX.open("rb") as file:
                for message in read_po(file):
                    catalog.add(message.id)
        for message in catalog:
            if message.id and not message.pluralizable:
                message.string = f"{BEFORE}{message.id}{AFTER}"
                count += 1
        name = path.relative_to(folder).with_suffix(".mo")
        target = locale / LANGUAGE / "LC_MESSAGES" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            write_mo(file, catalog)
    return count


def attributes(soup: BeautifulSoup) -> list[str]:
    """Return the texts of a page that are read out, or shown on demand."""
    names = [*ATTRIBUTES, *BY_SCRIPTS]
    silent = {id(element) for element in soup.select(NO_WORDS)}
    spoken = [element for element in soup.find_all(True) if id(element) not in silent]
    texts = [str(each[name]) for each in spoken for name in names if each.get(name)]
    described = [str(meta["content"]) for meta in soup.select(DESCRIPTIONS)]
    titles = [title.get_text() for title in soup.find_all("title")]
    return [*texts, *described, *titles]


def outside(text: str) -> str:
    """Return what no mark encloses; a message may fill in a blank of another.

    >>> outside("⟦a ⟦b⟧ c⟧ - d")
    ' - d'
    """
    while text != (text := INSIDE.sub("", text)):
        pass
    return text


def blocks(soup: BeautifulSoup) -> list[str]:
    """Return the prose of a page, block by block; text in no block is by itself."""
    for player in soup.select(".lfg-player"):  # the output of a cell, and yet prose
        player.find_parent("section").append(player.extract())
    for element in soup.select(f"title, {NO_PROSE}"):
        element.decompose()
    found: dict[int, list[str]] = defaultdict(list)
    for text in soup.find_all(string=True):
        if type(text) is NavigableString:  # not a comment
            found[id(text.find_parent(BLOCKS) or text.parent)].append(text)
    return [" ".join(" ".join(texts).split()) for texts in found.values()]


def untranslated(html: str) -> tuple[list[str], int]:
    """Return the texts of a page that no translation reaches, and how many attributes it has."""
    soup = BeautifulSoup(html, "html.parser")
    heard = attributes(soup)
    seen = [text for text in blocks(soup) if BEFORE not in text]
    bare = [text for text in [*heard, *seen] if set(WORD.findall(outside(text))) - NAMES]
    return bare, len(heard)


def find(site: Path) -> int:
    """Print each text that no catalog reaches, the most frequent first, with a page that has it.

    Returns how many there are.
    """
    counts: Counter[str] = Counter()
    seen: dict[str, str] = {}
    pages = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    checked = 0
    for path in pages:
        texts, count = untranslated(path.read_text(encoding="utf-8"))
        checked += count
        for text in texts:
            counts[text] += 1
            seen.setdefault(text, path.relative_to(site).as_posix())
    for text, count in counts.most_common():
        sys.stdout.write(f"{count:5}  {seen[text]}: {text[:100]}\n")
    total = f"{len(pages)} pages, {checked} attributes among them"
    sys.stdout.write(f"{len(counts)} texts without a translation on {total}\n")
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
