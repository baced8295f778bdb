"""Archives: the same bytes for the same members, written only if these changed."""

import zipfile

import archives

MEMBERS = {"b/two.txt": b"2\n", "a.txt": b"1\n"}


def test_same_members_make_the_same_bytes(tmp_path):
    """Neither the hour nor the order of the members is in an archive."""
    archives.write(tmp_path / "one.zip", MEMBERS)
    archives.write(tmp_path / "new" / "two.zip", dict(reversed(MEMBERS.items())))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "new" / "two.zip").read_bytes()


def test_archive_holds_its_members(tmp_path):
    """Each member has its content, and can be read by everybody once unpacked."""
    archives.write(tmp_path / "one.zip", MEMBERS)
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == MEMBERS
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o644}


def test_archive_is_written_only_when_something_changed(tmp_path):
    """A second time nothing is written; a name or a content that changed is noticed."""
    path = tmp_path / "one.zip"
    assert archives.write(path, MEMBERS)
    assert not archives.write(path, MEMBERS)
    assert archives.write(path, MEMBERS | {"a.txt": b"3\n"})
    assert archives.write(path, {"b/two.txt": b"2\n", "c.txt": b"3\n"})


def test_members_cannot_be_confused(tmp_path):
    """What belongs to a name and what to a content is told apart."""
    path = tmp_path / "one.zip"
    archives.write(path, {"a": b"b", "c": b""})
    assert archives.write(path, {"a": b"", "c": b"b"})


def test_archive_that_was_cut_off_is_written_again(tmp_path):
    """What an interrupted build left is no reason to stop."""
    path = tmp_path / "one.zip"
    path.write_bytes(b"PK")
    assert archives.write(path, MEMBERS)
