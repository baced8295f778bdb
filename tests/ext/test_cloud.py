"""Where a notebook can be opened in the browser."""

import pytest

import cloud


@pytest.mark.parametrize(
    ("repository", "short"),
    [
        ("someone/fork", "someone/fork"),
        ("https://github.com/someone/fork", "someone/fork"),
        ("https://github.com/someone/fork.git/", "someone/fork"),
        ("https://example.org/someone/fork", ""),
        ("", ""),
    ],
)
def test_repository_is_one_of_github(repository, short):
    """Its address and its short form mean the same; what is elsewhere has no links."""
    assert cloud.owner_and_name(repository) == short
    assert bool(cloud.links(repository, "a.ipynb")) == bool(short)
    assert bool(cloud.raw(repository, "a.whl")) == bool(short)


def test_links_lead_to_the_branch_of_notebooks():
    """Each service gets repository, branch and path as its address wants them."""
    assert cloud.links("a/b", "learn/what is.ipynb") == {
        "Colab": "https://colab.research.google.com/github/a/b/blob/notebooks/learn/what%20is.ipynb",
        "Binder": "https://mybinder.org/v2/gh/a/b/notebooks?labpath=learn/what%20is.ipynb",
    }
