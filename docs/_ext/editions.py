"""Tell each page where it stands in the other languages of the site.

A language has an edition as soon as ``docs/locales`` has a folder of its catalogs.  English, in
which the sources are written, is at the site's root; each other edition has a folder there, with
the same pages at the same places.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

from babel import Locale
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

import published

SOURCE = "en"  # the language of the sources


class Edition(NamedTuple):
    """A page in one language, as the template of another sees it."""

    tag: str  # such as zh-CN
    name: str  # what the language calls itself
    href: str  # the link that leads there
    address: str  # where the site has an address
    is_this: bool


def folder(language: str) -> str:
    """Return the folder of an edition, from the site's root: none for the language of the sources.

    >>> folder("zh_CN"), folder("en")
    ('zh-CN/', '')
    """
    return "" if language == SOURCE else f"{tag(language)}/"


def tag(language: str) -> str:
    """Return what browsers call a language that catalogs call ``zh_CN``: ``zh-CN``."""
    return language.replace("_", "-")


def languages(docs: Path) -> list[str]:
    """Return the languages that the site comes in, that of its sources first."""
    return [SOURCE, *sorted(path.parent.name for path in docs.glob("locales/*/LC_MESSAGES"))]


def place(app: Sphinx, config: Config) -> None:
    """Give this edition its own address, and note those of all."""
    root = published.address(app)
    found = dict.fromkeys([*languages(app.confdir), config.language])
    addresses = {language: root and urljoin(root, folder(language)) for language in found}
    config.html_baseurl = addresses[config.language]
    config.add("editions", addresses, "html", dict)


def tell(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Tell a page's template where the page is in each language, if there are several."""
    here = app.config.language
    root = context["content_root"] + "../" * folder(here).count("/")
    target = app.builder.get_target_uri(page)
    at_address = "" if page == app.config.root_doc else target
    editions = [
        Edition(
            tag(language),
            str(Locale.parse(language).get_display_name(language)),
            root + folder(language) + target,
            address + at_address,
            language == here,
        )
        for language, address in app.config.editions.items()
    ]
    # A server shows one page for every address that leads nowhere.
    is_alone = len(editions) == 1 or page == published.NOT_FOUND
    context["editions"] = [] if is_alone else editions


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.connect("config-inited", place)
    app.connect("html-page-context", tell)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
