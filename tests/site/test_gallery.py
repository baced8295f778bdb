"""Every gallery script, run as a reader runs it: downloaded, elsewhere, in a process of its own."""

import shutil

import pytest

import launcher
from sources import SCRIPTS, name


@pytest.fixture
def folders(tmp_path):
    """Return three empty folders: for the download, to run it in, and for what it prints."""
    made = [tmp_path / name for name in ("downloads", "elsewhere", "printed")]
    for folder in made:
        folder.mkdir()
    return made


@pytest.fixture
def run(package, folders):
    """Return a function that runs a script and returns its exit code, stdout and stderr."""
    return lambda script: launcher.launch(launcher.run_script, script, folders[1:], package)


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_downloaded_script_runs(script, page, run, folders):
    """It is the source below its metadata, runs with warnings as errors, and leaves no file."""
    (offered,) = page(name(script)).downloads(".py")
    head, _, code = offered.read_text(encoding="utf-8").partition("# ///\n\n")
    assert code == script.read_text(encoding="utf-8")
    assert all(line.startswith("#") for line in head.splitlines())
    downloads, elsewhere, _ = folders
    code, _, errors = run(shutil.copy(offered, downloads / script.name))
    assert (code, errors) == (0, "")
    assert list(elsewhere.iterdir()) == []


def test_a_reader_gets_the_package_of_the_site(package, run, folders):
    """A script imports linefit from the site's wheel, data sets included, not from the checkout."""
    script = folders[0] / "script.py"
    text = "import linefit; print(linefit.__file__); linefit.hubble(); linefit.pearson_york()"
    script.write_text(text, encoding="utf-8")
    code, output, _ = run(script)
    assert code == 0
    assert output.startswith(str(package))


def test_a_script_that_warns_is_found_out(run, folders):
    """A warning that a reader would see is an error."""
    script = folders[0] / "script.py"
    script.write_text("import warnings; warnings.warn('old')", encoding="utf-8")
    code, _, errors = run(script)
    assert code == 1
    assert "UserWarning: old" in errors
