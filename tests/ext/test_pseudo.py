"""How the proof finds what no translation reaches."""

import pytest

from pseudo import untranslated


@pytest.mark.parametrize(
    "html",
    [
        "<p>some words</p>",
        "<li>some words<ul><li>⟦a⟧</li></ul></li>",
        "<a>some words</a>",
        '<img alt="some words">',
        '<svg class="lfg" aria-label="⟦a⟧ and some words"></svg>',
        '<input placeholder="some words">',
        '<a title="some words">⟦a⟧</a>',
        '<meta name="description" content="some words">',
        "<svg><title>some words</title></svg>",
    ],
)
def test_text_that_is_seen_or_heard_is_found(html):
    """Prose in a block or in none, attributes, descriptions and titles need a mark."""
    texts, _ = untranslated(html)
    assert len(texts) == 1
    assert "some words" in texts[0]


@pytest.mark.parametrize(
    "html",
    [
        "<p>⟦some words⟧</p>",
        "<title>⟦some words⟧ - linefit</title>",
        "<p>linefit 0.2.0.dev0.</p>",
        '<svg class="lfg" aria-label="⟦some ⟦more⟧ words⟧"></svg>',
        '<meta name="description" content="⟦some words …">',
        '<pre><a title="torch.add">add</a></pre>',
        '<a title="linefit.fit_line"><code>fit_line</code></a>',
        "<!-- some words -->",
    ],
)
def test_marked_text_names_and_code_are_not(html):
    """A mark may enclose others, and a long description ends before its mark."""
    assert untranslated(html)[0] == []
