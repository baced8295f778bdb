"""Run scripts as a reader does, each in a process of its own; started by ``test_gallery.py``.

A server that has imported the large libraries once forks these processes, where the system can;
linefit is not among them, since a reader's own copy is to be imported.
"""

import os
import runpy
import sys
import sysconfig
import warnings

import matplotlib as mpl
import numpy as np  # noqa: F401 - imported once for all scripts
import torch  # noqa: F401 - likewise

mpl.use("agg")
from matplotlib import pyplot as plt  # noqa: F401 - likewise


def run(script, folder, package, log):
    """Run a script in a folder with a package of its own; what it prints goes to two files."""
    for stream, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(log / name, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, stream)
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(package)  # for processes that the script starts
    installed = (sys.base_prefix, *map(sysconfig.get_path, ("purelib", "platlib")))
    libraries = [path for path in sys.path if path.startswith(installed)]  # not the checkout
    sys.path[:] = [str(script.parent), str(package), *libraries]
    sys.argv[:] = [str(script)]
    warnings.simplefilter("error")
    runpy.run_path(str(script), run_name="__main__")
