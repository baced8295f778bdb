"""Run scripts and notebooks as a reader does, each in a process of its own.

The copy of linefit that they import is the reader's.
"""

import os
import runpy
import sys
import sysconfig
import warnings

import matplotlib as mpl
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import pyplot as plt
from matplotlib_inline.backend_inline import configure_inline_support
from traitlets.config import Config

from forked import CONTEXT

mpl.use("agg")


def launch(run, source, folders, package):
    """Have one of the functions below run a source; return its exit code, stdout and stderr.

    ``folders`` are two empty ones: where it runs, and where what it prints is written.
    """
    elsewhere, printed = folders
    process = CONTEXT.Process(target=run, args=(source, elsewhere, package, printed))
    process.start()
    process.join(300)
    process.kill()
    output = [(printed / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")]
    return process.exitcode, *output


def run_script(script, folder, package, log):
    """Run a script; a warning is an error."""
    _move(script.parent, folder, package, log)
    sys.argv[:] = [str(script)]
    warnings.simplefilter("error")
    runpy.run_path(str(script), run_name="__main__")


def run_notebook(notebook, folder, package, log):
    """Run the cells of a notebook in IPython's shell until one fails that should not."""
    _move(folder, folder, package, log)
    os.environ["IPYTHONDIR"] = str(log)
    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    plt.switch_backend("module://matplotlib_inline.backend_inline")
    configure_inline_support(shell, "inline")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            result = shell.run_cell(cell.source, store_history=True)
            if "raises-exception" not in cell.metadata.get("tags", []):
                result.raise_error()


def _move(place, folder, package, log):
    """Leave the checkout: imports come from a place and a package, prints go to two files."""
    for stream, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(log / name, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, stream)
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(package)  # for processes that are started from there
    installed = (sys.base_prefix, *map(sysconfig.get_path, ("purelib", "platlib")))
    libraries = [path for path in sys.path if path.startswith(installed)]
    sys.path[:] = [str(place), str(package), *libraries]
