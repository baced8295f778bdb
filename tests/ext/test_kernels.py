"""The settings of the kernels that run the pages."""

import atexit
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
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
    options, ended = [], []
    with monkeypatch.context() as patch:
        patch.setattr(graph, "set_display", lambda **given: options.append(given))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.setattr(atexit, "register", ended.append)
        for line in config.IPKernelApp.exec_lines:
            exec(line, names)  # noqa: S102 - what IPython does with these lines
    assert (out.flush_interval, err.flush_interval) == (1e6, 1e6)
    assert names.keys() == {"__builtins__"}
    assert options == [{"assets": "page"}]
    assert len(ended) == 1


COMPILES = """\
import atexit, gc
import torch

names = {"torch": torch}
exec("def f(x): return x + len([x])", names)
torch.compile(names["f"], backend="eager")(torch.ones(3))
kept = [names["f"]]

def end_like_a_kernel():
    names.clear()
    kept.clear()
    gc.collect()

atexit.register(end_like_a_kernel)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "silent"), [("", torch.__version__ >= "2.14"), (kernels.AT_THE_END, True)]
)
def test_kernel_that_compiled_ends_in_silence(code, silent):
    """A kernel empties its globals and then loses its functions; nothing is to be said of it."""
    command = [sys.executable, "-c", COMPILES + code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stderr == "") == silent, done.stderr


SPEAKS = """\
import warnings
from torch.utils import cpp_extension

cpp_extension._find_cuda_home()  # which a build of torch with CUDA calls on import
warnings.warn("Guards may run slower on Python 3.13.0. Consider upgrading.", RuntimeWarning)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("code", "said"), [("", 2), (kernels.QUIET, 0)])
def test_kernel_does_not_speak_of_the_machine(code, said, tmp_path):
    """Tools of CUDA without a GPU, or the first release of a Python, are no part of a page."""
    command = [sys.executable, "-c", code + SPEAKS]
    env = os.environ | {"CUDA_HOME": str(tmp_path), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    spoken = [notice in done.stderr for notice in ("No CUDA runtime", "Guards may run slower")]
    assert sum(spoken) == said, done.stderr


def test_a_second_build_finds_the_same(confdir):
    """Setting up again changes nothing."""
    files = {p: p.read_bytes() for p in confdir.rglob("*") if p.is_file()}
    kernels.setup(SimpleNamespace(confdir=confdir))
    assert {p: p.read_bytes() for p in confdir.rglob("*") if p.is_file()} == files
