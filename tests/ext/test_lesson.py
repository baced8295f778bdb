"""Links from a lesson, on a tiny site: where they lead, and what is missed."""

import pytest
from bs4 import BeautifulSoup

PLAYER = '<div class="lfg-player"><li data-label="1"></li><li data-label="2"></li></div>'
PAGE = f"# Page\n\n## First part\n\n```{{raw}} html\n{PLAYER}\n```\n\n## Second part\n"


def built(site, text):
    """Return the links of a page, and what the build warned of."""
    pages = {"index.md": f"# Lesson\n\n{text}\n", "learn/page.md": PAGE, "practice/topic.md": PAGE}
    app = site(["myst_parser", "lesson"], pages, exclude_patterns=["_build"])
    app.build()
    html = (app.outdir / "index.html").read_text(encoding="utf-8")
    links = BeautifulSoup(html, "html.parser").select("section a:not(.headerlink)")
    return [(link.text, link["href"]) for link in links], app.warning.getvalue()


@pytest.fixture(autouse=True)
def folders(tmp_path):
    """Make the folders of the tiny site."""
    for name in ("learn", "practice"):
        (tmp_path / "docs" / name).mkdir(parents=True)


def test_link_opens_a_section_of_the_projector_view_at_a_step(site):
    """The address holds the view, the step and the section; a sheet lies beside its page."""
    text = "{show}`there <learn/page#first-part@2>` {show}`all <learn/page>` {sheet}`it <topic>`"
    links, warnings = built(site, text)
    assert links == [
        ("there", "learn/page.html?present&step=2#first-part"),
        ("all", "learn/page.html?present"),
        ("it", "practice/topic-sheet.html"),
    ]
    assert "to show" not in warnings


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("learn/none", "there is no page learn/none to show"),
        ("learn/page#third-part", "learn/page has no section third-part to show"),
        ("learn/page#first-part@3", "learn/page#first-part has no step 3"),
        ("learn/page#second-part@1", "learn/page#second-part has no step 1"),
        ("learn/page first-part", "not a page#section@step"),
    ],
)
def test_link_to_nothing_is_a_warning(site, target, message):
    """A page, a section and a step have to be there."""
    assert message in built(site, f"{{show}}`there <{target}>`")[1]
