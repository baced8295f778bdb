"""Write archives whose bytes depend on nothing but what is in them."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can hold


def write(path: Path, members: Mapping[str, bytes]) -> bool:
    """Write an archive, and return whether it had to be written: its comment tells its content."""
    digest = hashlib.sha256()
    for name in sorted(members):
        digest.update(f"{name}\0{len(members[name])}\0".encode() + members[name])
    comment = digest.hexdigest().encode()
    if path.exists() and _comment(path) == comment:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name in sorted(members):
            member = zipfile.ZipInfo(name, DATE)
            member.create_system = 3  # Unix, on every system
            member.external_attr = 0o644 << 16
            archive.writestr(member, members[name], zipfile.ZIP_DEFLATED)
    return True


def _comment(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment
    except zipfile.BadZipFile:  # left by a build that was interrupted
        return b""
