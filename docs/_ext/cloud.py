"""Link to services that open a notebook in the browser, where the site has a repository.

They take it from a branch of its own, which holds what the archive of all notebooks holds.
"""

from __future__ import annotations

from urllib.parse import quote

BRANCH = "notebooks"
RAW = "https://raw.githubusercontent.com/{repository}/{branch}/{path}"
SERVICES = {
    "Colab": "https://colab.research.google.com/github/{repository}/blob/{branch}/{path}",
    "Binder": "https://mybinder.org/v2/gh/{repository}/{branch}?labpath={path}",
}
# Binder has no GPU: without this it would fetch gigabytes of CUDA.
BINDER_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu\n"


def owner_and_name(repository: str) -> str:
    """Return a repository of GitHub in short, or nothing for one that is elsewhere."""
    short = repository.removeprefix("https://github.com/").strip("/").removesuffix(".git")
    return short if short.count("/") == 1 and ":" not in short else ""


def links(repository: str, path: str) -> dict[str, str]:
    """Return the addresses that open a notebook, by the name of the service."""
    short = owner_and_name(repository)
    places = {"repository": short, "branch": BRANCH, "path": quote(path)}
    return {name: form.format(**places) for name, form in SERVICES.items()} if short else {}


def raw(repository: str, path: str) -> str:
    """Return the address of a file of the branch, or nothing without a repository."""
    short = owner_and_name(repository)
    return RAW.format(repository=short, branch=BRANCH, path=quote(path)) if short else ""
