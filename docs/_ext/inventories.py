"""Let intersphinx link to other projects without a network.

A list in ``_inv`` names the few objects that the site links to; this module compiles each list
into the inventory that intersphinx reads.  A line of a list is ``name role`` (or two roles, with
a comma) and, where the page is not the one that the list's ``page`` pattern gives, the page.
"""

from __future__ import annotations

from pathlib import Path

from sphobjinv import DataObjStr, Inventory, compress, writebytes


def read(path: Path) -> tuple[dict[str, str], list[list[str]]]:
    """Return a list's header (``base``, ``page``) and its entries, split into words."""
    lines = map(str.split, path.read_text(encoding="utf-8").splitlines())
    words = [line for line in lines if line and line[0] != "#"]
    header = {line[0]: line[1] for line in words if line[0] in {"base", "page"}}
    return header, [line for line in words if line[0] not in header]


def compile_one(source: Path, target: Path) -> str:
    """Compile a list and return the address of the project's documentation."""
    header, entries = read(source)
    inventory = Inventory()
    inventory.project, inventory.version = source.stem, ""
    for name, roles, *page in entries:
        place = page[0] if page else header["page"].format(name=name)
        uri = place if "#" in place else f"{place}#$"
        for role in roles.split(","):
            entry = {"name": name, "domain": "py", "role": role, "uri": uri}
            inventory.objects.append(DataObjStr(**entry, priority="1", dispname="-"))
    writebytes(str(target), compress(inventory.data_file()))
    return header["base"]


def compile_all(sources: Path, targets: Path) -> dict[str, tuple[str, str]]:
    """Compile every list; return the value of ``intersphinx_mapping``."""
    targets.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for source in sorted(sources.glob("*.txt")):
        target = targets / f"{source.stem}.inv"
        mapping[source.stem] = (compile_one(source, target), str(target))
    return mapping
