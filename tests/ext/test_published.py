"""The head and foot of a page, and the files at the root, with an address and without."""

import re
import struct
import subprocess
from xml.etree import ElementTree as ET

import pytest
from bs4 import BeautifulSoup

import descriptions
import published

ADDRESS = "https://example.org/fit/"
INDEX = """\
# Start

You find out how a page gets a head, a foot and a description, without any fuss.

```{toctree}
learn/page
start
errors
glossary
```
"""
PAGE = """\
# A page

After this page you can tell a head from a foot, and a foot from a description.

See {doc}`the start </index>`, and {ref}`below <part>`.

(part)=
## A part

```python
a = 1
```

![three points](picture.png)
"""
OTHER = "# {}\n\nThis is the page of {}, which is here because other pages link to it.\n"
DESCRIPTIONS = {
    name: f"The page {name}, which is made by Sphinx and lists what there is to be found."
    for name in ("search", "404", "genindex")
}


@pytest.fixture
def build(furnished, tmp_path, monkeypatch):
    """Return a function that builds a small site with the templates of ours."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    (tmp_path / "docs" / "learn").mkdir(parents=True)
    (tmp_path / "docs" / "learn" / "picture.png").write_bytes(b"")

    def built(page=PAGE, **options):
        others = {f"{n}.md": OTHER.format(n, n) for n in ("start", "errors", "glossary")}
        pages = {"index.md": INDEX, "learn/page.md": page, **others}
        return furnished(pages, version="1.0", page_descriptions=DESCRIPTIONS, **options)

    return built


def soup(app, name):
    return BeautifulSoup((app.outdir / f"{name}.html").read_text("utf-8"), "html.parser")


def meta(page):
    found = page.find_all("meta", content=True)
    return {tag.get("name") or tag.get("property"): tag["content"] for tag in found}


def test_page_with_an_address_tells_it(build):
    """Canonical address and preview tags hold the page's own address, title and description."""
    app = build(html_baseurl=ADDRESS)
    page = soup(app, "learn/page")
    assert page.find("link", rel="canonical")["href"] == f"{ADDRESS}learn/page.html"
    tags = meta(page)
    assert tags["og:url"] == f"{ADDRESS}learn/page.html"
    assert tags["og:title"] == "A page"
    assert tags["og:description"] == tags["description"]
    assert tags["og:image"] == f"{ADDRESS}_static/social.png"
    assert soup(app, "index").find("link", rel="canonical")["href"] == ADDRESS
    assert app.warning.getvalue() == ""


def test_picture_for_previews_has_the_size_that_they_want(build):
    """The picture is a PNG of 1200 by 630 pixels."""
    picture = (build(html_baseurl=ADDRESS).outdir / "_static" / "social.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (1200, 630)


def test_map_lists_all_pages(build):
    """The map lists each page once, the landing page by the site's address; robots are told."""
    app = build(html_baseurl=ADDRESS)
    tree = ET.fromstring((app.outdir / "sitemap.xml").read_text("utf-8"))  # noqa: S314
    found = [element.text for element in tree.iter() if element.tag.endswith("loc")]
    names = ["errors.html", "glossary.html", "", "learn/page.html", "start.html"]
    assert found == [ADDRESS + name for name in names]
    assert f"Sitemap: {ADDRESS}sitemap.xml" in (app.outdir / "robots.txt").read_text("utf-8")


def test_page_without_an_address_claims_none(build):
    """Without an address there is no tag and no file that would need one."""
    app = build()
    page = soup(app, "learn/page")
    assert page.find("link", rel="canonical") is None
    assert not [name for name in meta(page) if name and name.startswith(("og:", "twitter:"))]
    assert meta(page)["theme-color"]
    assert not (app.outdir / "sitemap.xml").exists()
    assert not (app.outdir / "robots.txt").exists()
    assert not (app.outdir / "_static" / "social.png").exists()
    assert app.warning.getvalue() == ""


def test_address_that_is_gone_leaves_no_files(build):
    """A second build without the address removes what the first wrote for it."""
    app = build(html_baseurl=ADDRESS)
    app.config.html_baseurl = ""
    published.write(app, None)
    assert not (app.outdir / "sitemap.xml").exists()


def test_missing_page_works_at_any_depth(build):
    """With an address, links and files of the page for wrong addresses begin at the root."""
    page = soup(build(html_baseurl=ADDRESS), "404")
    tags = page.find_all(["link", "script", "a", "form", "img"])
    found = [tag.get(name) for tag in tags for name in ("href", "src", "action") if tag.get(name)]
    own = [address for address in found if not re.match(r"#|https?:", address)]
    assert len(own) > 5
    assert [address for address in own if not address.startswith("/fit/")] == []
    assert page.html["data-content_root"] == "/fit/"
    assert page.find("link", rel="canonical") is None
    assert meta(page)["robots"] == "noindex"


def test_missing_page_is_there_without_an_address(build):
    """Without an address its links are those of a page at the root."""
    page = soup(build(), "404")
    assert page.h1.get_text() == "This page does not exist"
    assert page.select_one("article a")["href"] == "index.html"


def test_page_has_its_markdown(build):
    """A page's Markdown lies beside it, with code, formulas, pictures and links to Markdown."""
    app = build()
    link = soup(app, "learn/page").find("link", rel="alternate", type="text/markdown")
    assert link["href"] == "page.md"
    text = (app.outdir / "learn" / "page.md").read_text("utf-8")
    assert text.startswith("# A page\n")
    assert "[the start](../index.md)" in text
    assert "## A part" in text
    assert "```python\na = 1\n```" in text
    assert "three points" in text
    assert "below" in text
    assert "(#part)" not in text


def test_drawings_and_formulas_are_told_in_words():
    """Of a drawing the Markdown has the description, of a formula its TeX."""
    from page_markdown import markdown

    drawing = '<svg aria-label="a graph of two nodes"><text>mul</text></svg>'
    formula = "<math><semantics><mi>a</mi><annotation>a^2</annotation></semantics></math>"
    text = markdown(f"<h1>T<a class='headerlink' href='#t'>#</a></h1>{drawing}<p>{formula}</p>")
    assert text == "# T\n\n*a graph of two nodes*\n\n$a^2$\n"


def test_list_for_machines_names_every_page(build):
    """llms.txt lists each page's Markdown with its description, the story's pages first."""
    app = build(html_baseurl=ADDRESS)
    text = (app.outdir / "llms.txt").read_text("utf-8")
    assert text.startswith("# demo\n\n> You find out how")
    assert text.index("## Start") < text.index("## Others")
    listed = re.findall(r"\]\((\S+)\.md\): .{50,160}$", text, re.MULTILINE)
    assert listed == [ADDRESS + name for name in ("start", "errors", "glossary", "learn/page")]


def test_foot_tells_version_date_and_citation(build):
    """The foot has the version and the date, and no commit and no edit link if there are none."""
    foot = soup(build(), "learn/page").select_one(".provenance")
    words = " ".join(foot.get_text().split())
    assert words.startswith("demo 1.0, 2023-11-14.")
    assert "Some authors (2023). “A page”. demo 1.0." in words
    assert "commit" not in words
    assert "Edit" not in words
    assert "Executed" not in words


def test_foot_with_a_repository_leads_to_the_source(build, tmp_path):
    """With a repository and git, the foot links to the commit and to the page's source."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    foot = soup(build(repository="some/where"), "learn/page").select_one(".provenance")
    links = [a["href"] for a in foot.select("a")]
    home = "https://github.com/some/where"
    assert f"{home}/edit/main/docs/learn/page.md" in links
    assert any(re.fullmatch(rf"{home}/commit/[0-9a-f]{{10}}", link) for link in links)


def test_description_is_the_promise(build):
    """The first paragraph describes a page."""
    assert meta(soup(build(), "learn/page"))["description"].startswith("After this page")


def test_front_matter_describes_a_page_better(build):
    """What the front matter says comes before the promise, and there is one description."""
    front = "---\nmyst:\n  html_meta:\n    description: " + "What the front matter says " * 3
    app = build(page=f"{front}\n---\n{PAGE}")
    assert meta(soup(app, "learn/page"))["description"].startswith("What the front matter")
    page = soup(app, "learn/page")
    assert len(page.find_all("meta", attrs={"name": "description"})) == 1


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("# A page\n\nShort.\n", "has 6 characters"),
        (INDEX.partition("```")[0], "is also that of"),
        ("# A page\n", "has 0 characters"),
    ],
)
def test_page_without_a_description_of_its_own_is_warned_about(build, page, said):
    """A description that is missing, too short or another page's is a warning."""
    assert said in build(page=page).warning.getvalue()


def test_long_promise_is_cut_where_it_can_be():
    """As many sentences as fit, or else whole clauses with an ellipsis."""
    long = "One clause of some length, " * 8
    assert descriptions.fitting(f"{'A sentence. ' * 12}{long}") == ("A sentence. " * 12).strip()
    cut = descriptions.fitting(long)
    assert cut.endswith("length …")
    assert descriptions.SHORTEST <= len(cut) <= descriptions.LONGEST


def test_wrong_kinds_of_links_are_left_alone():
    """Addresses that begin with a scheme, a slash or a hash stay as they are."""
    html = '<a href="#a"></a><a href="/b"></a><a href="https://c"></a><a href="d/e.html"></a>'
    assert published.rooted(html, "/fit/") == html.replace('"d/e', '"/fit/d/e')
