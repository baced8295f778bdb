"""The languages of a site: one at the root, others in folders, each page linked to its others."""

import pytest
from bs4 import BeautifulSoup

import editions

ADDRESS = "https://example.org/fit/"
PAGES = {
    "index.md": "# Start\n\n```{toctree}\nlearn/page\nstart\nerrors\nglossary\n```\n",
    "learn/page.md": "# A page\n\nThis is a page.\n",
    **{f"{name}.md": f"# {name}\n\nThis is {name}.\n" for name in ("start", "errors", "glossary")},
}


@pytest.fixture
def build(furnished, tmp_path, translate):
    """Return a function that builds a site in a language; one page has a Chinese title."""
    (tmp_path / "docs" / "learn").mkdir(parents=True)

    def built(language="en", translations=("zh_CN",), **options):
        for name in translations:
            translate(name, "learn", {"A page": "第一页"})
        quiet = {"suppress_warnings": ["descriptions"]}
        return furnished(PAGES, language=language, **quiet, **options)

    return built


def soup(app, name):
    return BeautifulSoup((app.outdir / f"{name}.html").read_text("utf-8"), "html.parser")


def switch(page):
    """Return the links to a page's languages: language, name, target, and if it is this one."""
    return [
        (a["lang"], a.text, a["href"], a.get("aria-current") == "true")
        for a in page.select("nav.editions a")
    ]


def test_page_at_the_root_leads_to_its_translation(build):
    """From English a link goes down into the folder of the other language, to the same page."""
    app = build()
    assert switch(soup(app, "learn/page")) == [
        ("en", "English", "../learn/page.html", True),
        ("zh-CN", "中文 (简体, 中国)", "../zh-CN/learn/page.html", False),
    ]
    assert [href for _, _, href, _ in switch(soup(app, "index"))] == [
        "./index.html",
        "./zh-CN/index.html",
    ]


def test_translated_page_leads_back(build):
    """A translation is in its own language, says so, and links up to the root."""
    page = soup(build("zh_CN"), "learn/page")
    assert page.html["lang"] == "zh-CN"
    assert page.h1.text.startswith("第一页")
    assert switch(page) == [
        ("en", "English", "../../learn/page.html", False),
        ("zh-CN", "中文 (简体, 中国)", "../../zh-CN/learn/page.html", True),
    ]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_search_engines_are_told_of_all_languages(build, language):
    """Each page names the addresses of all of them, its own too, and English for the others."""
    app = build(language, html_baseurl=ADDRESS)
    for name, at in (("learn/page", "learn/page.html"), ("index", "")):
        page = soup(app, name)
        alternates = {a["hreflang"]: a["href"] for a in page.select("link[hreflang]")}
        english, chinese = f"{ADDRESS}{at}", f"{ADDRESS}zh-CN/{at}"
        assert alternates == {"en": english, "x-default": english, "zh-CN": chinese}
        canonical = page.find("link", rel="canonical")["href"]
        assert canonical == alternates[editions.tag(language)]
    robots = (app.outdir / "robots.txt").read_text("utf-8").splitlines()
    assert robots[2:] == [
        f"Sitemap: {ADDRESS}sitemap.xml",
        f"Sitemap: {ADDRESS}zh-CN/sitemap.xml",
    ]


def test_without_an_address_no_search_engine_is_told(build):
    """Alternates have whole addresses or none."""
    assert soup(build(), "index").select("link[hreflang]") == []


def test_site_of_one_language_offers_no_choice(build):
    """Without a catalog there is neither a switch nor an alternate."""
    page = soup(build(translations=(), html_baseurl=ADDRESS), "index")
    assert switch(page) == []
    assert page.select("link[hreflang]") == []


def test_page_for_wrong_addresses_offers_no_choice(build):
    """A server shows one page for every address that leads nowhere, so it has no counterpart."""
    assert switch(soup(build(), "404")) == []
