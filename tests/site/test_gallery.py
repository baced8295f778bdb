"""Every gallery script, run as a reader runs it: downloaded, elsewhere, in a clean process."""

import shutil
import subprocess
import sys

import pytest

from sources import SCRIPTS, name


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_downloaded_script_runs(script, page, reader, tmp_path):
    """The download equals the source, runs with warnings as errors, and leaves no file behind."""
    (offered,) = page(name(script)).downloads(".py")
    assert offered.read_bytes() == script.read_bytes()
    download = tmp_path / "downloads" / script.name
    download.parent.mkdir()
    shutil.copy(offered, download)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, "-W", "error", str(download)]
    done = subprocess.run(
        command, cwd=elsewhere, env=reader, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert list(elsewhere.iterdir()) == []


def test_a_reader_gets_the_package_of_the_site(package, reader, tmp_path):
    """A script imports linefit from the site's wheel, data sets included, not from the checkout."""
    code = "import linefit; print(linefit.__file__); linefit.hubble(); linefit.pearson_york()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=reader, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.startswith(str(package))
