"""Where tests get processes of their own: a server that has imported the large libraries once.

The server does not search the tests' folders, so that it is told the libraries' own names.
linefit is not among them, since a reader's copy of it is to be imported.  Where a system has no
such server, each process is started from nothing.
"""

import multiprocessing
import sys

LIBRARIES = [
    "IPython.core.interactiveshell",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "nbformat",
    "torch.distributed",
]

CONTEXT = multiprocessing.get_context(
    min({"forkserver", "spawn"} & set(multiprocessing.get_all_start_methods()))
)
CONTEXT.set_forkserver_preload(LIBRARIES)


def tell_imported(end):
    """Send the names of the modules that a new process begins with."""
    end.send(set(sys.modules))
