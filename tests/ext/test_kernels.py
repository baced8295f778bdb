"""The settings of the kernels that run the pages."""

import os
import sys
from types import SimpleNamespace

import pytest
from traitlets.config import PyFileConfigLoader

import kernels
from linefit import graph
from sources import DOCS

VARIABLES = ["IPYTHONDIR", "TORCHINDUCTOR_CACHE_DIR", "MATPLOTLIBRC"]


@pytest.fixture
def confdir(tmp_path, monkeypatch):
    """Return a site's folder after the extension was set up; the environment is then restored."""
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "what somebody had set before")
    kernels.setup(SimpleNamespace(confdir=tmp_path))
    return tmp_path


def test_kernels_have_the_sites_environment(confdir):
    """Profile, caches and style are the site's, whatever was set before."""
    assert os.environ["IPYTHONDIR"] == str(confdir / "_build" / "ipython")
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(confdir / "_build" / "inductor")
    assert os.environ["MATPLOTLIBRC"] == str(confdir / "matplotlibrc")


def test_the_style_is_there():
    """The file that the kernels are pointed to is one of the site's sources."""
    assert (DOCS / "matplotlibrc").is_file()


def test_profile_is_one_that_ipython_reads(confdir, monkeypatch):
    """Kernels are quiet, print when a cell ends, and leave graphs' style and script to the page."""
    folder = confdir / "_build" / "ipython" / "profile_default"
    config = PyFileConfigLoader("ipython_kernel_config.py", path=str(folder)).load_config()
    assert config.IPKernelApp.log_level == 40
    out, err = SimpleNamespace(flush_interval=0.2), SimpleNamespace(flush_interval=0.2)
    names = {}
    options = []
    with monkeypatch.context() as patch:
        patch.setattr(graph, "set_display", lambda **given: options.append(given))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        for line in config.IPKernelApp.exec_lines:
            exec(line, names)  # noqa: S102 - what IPython does with these lines
    assert (out.flush_interval, err.flush_interval) == (1e6, 1e6)
    assert names.keys() == {"__builtins__"}
    assert options == [{"assets": "page"}]


def test_a_second_build_finds_the_same(confdir):
    """Setting up again changes nothing."""
    files = {p: p.read_bytes() for p in confdir.rglob("*") if p.is_file()}
    kernels.setup(SimpleNamespace(confdir=confdir))
    assert {p: p.read_bytes() for p in confdir.rglob("*") if p.is_file()} == files
