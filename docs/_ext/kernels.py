"""Give the kernels that run the pages the site's settings, and nobody's own."""

from __future__ import annotations

import os

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

# A kernel would warn that others on this machine could read what it sends.  And it sends what
# is printed when a timer says so, perhaps in the middle of a line: let it wait for the cell to end.
# Style and script of recorded graphs are files of the site.
# torch.compile keeps names in a cell's globals and removes each when the code that uses it dies.  A
# kernel that ends empties its globals first, which torch before 2.14 complains of at the very end;
# so what remains is dropped before.
AT_THE_END = """\
def drop():
    import sys
    if compiler := sys.modules.get("torch._dynamo.utils"):
        compiler.CleanupManager.instance.clear()

import atexit
atexit.register(drop)
del atexit, drop
"""
# What torch has to say of the builder's machine is no result of a page: that CUDA's tools are there
# without a GPU, and that Python 3.13.0 has later releases.
QUIET = """\
import logging, warnings
logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", "Guards may run slower on Python", RuntimeWarning)
del logging, warnings
"""
CONFIG = f"""\
c = get_config()
c.IPKernelApp.log_level = 40
c.IPKernelApp.exec_lines = [
    "import sys; sys.stdout.flush_interval = sys.stderr.flush_interval = 1e6; del sys",
    "from linefit import graph; graph.set_display(assets='page'); del graph",
    {AT_THE_END!r},
    {QUIET!r},
]
"""


def setup(app: Sphinx) -> ExtensionMetadata:
    """Point to the figures' style, and to a profile without start-up files and history."""
    home = app.confdir / "_build" / "ipython"
    profile = home / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(CONFIG, encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(home)
    # What torch.compile makes is kept beside what the pages show.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(app.confdir / "_build" / "inductor")
    os.environ["MATPLOTLIBRC"] = str(app.confdir / "matplotlibrc")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
