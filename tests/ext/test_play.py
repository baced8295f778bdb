"""Links to a state of the page to touch, from that page and from others."""

import pytest
from bs4 import BeautifulSoup

TOCTREE = "```{toctree}\nlearn/page\nplay/line\n```\n"
PAGES = {
    "index.md": f"# Start\n\nSee {{play}}`the run <post>`.\n\n{TOCTREE}",
    "learn/page.md": "# A page\n\nSee {play}`it <post>`.\n",
    "play/line.md": "# The line\n\n{play}`A <post>`, {play}`b <angle>`, {play}`c <post>`.\n",
}


@pytest.fixture
def built(site, tmp_path):
    """Return a function that returns the links of a page to a state."""
    for folder in ("learn", "play"):
        (tmp_path / "docs" / folder).mkdir(parents=True)
    app = site(["myst_parser", "play"], PAGES)
    app.build()
    assert app.warning.getvalue() == ""

    def links(name):
        html = (app.outdir / f"{name}.html").read_text("utf-8")
        return BeautifulSoup(html, "html.parser").select("a[href*='#preset=']")

    return links


def test_links_are_relative_to_their_page(built):
    """From each folder the link leads to the page, with the state in its fragment."""
    assert [link["href"] for link in built("index")] == ["play/line.html#preset=post"]
    assert [link["href"] for link in built("learn/page")] == ["../play/line.html#preset=post"]


def test_page_has_each_address_once(built):
    """On the page the first link to a state is where its address leads."""
    found = [(link["href"], link.get("id")) for link in built("play/line")]
    assert found == [
        ("#preset=post", "preset=post"),
        ("#preset=angle", "preset=angle"),
        ("#preset=post", None),
    ]
