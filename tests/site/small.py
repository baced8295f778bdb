"""A small site with the configuration and the extensions of the whole one."""

import os
import shutil
import subprocess
import sys

from sources import DOCS, NPM, ROOT

INDEX = """\
# Small

The landing page of a site that has one of each: a page, a script, a formula and a graph.
One formula, $a = 1$, and {doc}`a page <learn/page>`.

```{toctree}
:caption: Start
:hidden:

learn/page
```

```{toctree}
:caption: Look up
:hidden:

auto_gallery/index
```

```{toctree}
:caption: About
:hidden:

about
```
"""
ABOUT = """\
# About

This page says that the site is small, and that nothing more needs to be said about it.
"""
PAGE = """\
---
file_format: mystnb
kernelspec: {name: python3, display_name: Python 3}
---

# A page

The page of the small site records a graph and prints a word, and does nothing beside that.

A sentence with a {doc}`link </index>`, and a graph:

```{code-cell} python3
import torch
from linefit import graph

x = torch.tensor(2.0, requires_grad=True)
with graph.record() as g:
    g.backward(x * 3)
g.player()
```

```{code-cell} python3
from myst_nb import glue

print("executed")
glue("half", 0.5, display=False)
```

A cell has computed {glue:text}`half:.2f`, and this sentence says so.

```{markup}
<section aria-label="Words within HTML">
<p title="A hint">A paragraph that <b>is raw</b></p>
</section>
```

```{exercise} A product
id: product
kind: number
rung: core
code: |
  x = torch.tensor(3.0, requires_grad=True)
  (x * 2).backward()
ask: What is `x.grad`, and why is it so?
answer: x.grad
wrong:
  - value: 3
    hint: That is the number itself.
why: The other factor is the gradient.
```
"""
GALLERY = """\
Gallery
=======

A gallery with a single script in it, which is there to be built and not to be read.
"""
LINE = """\
Line
====

The only topic of the gallery is the line, and the only script of the topic draws one.
"""
SCRIPT = '''\
r"""
A script
========

It draws a line, which rises from nothing to one, and leaves everything else to you.
"""

# %%
# The line
# --------

import matplotlib.pyplot as plt

# Alt: A line that rises.
fig, ax = plt.subplots()
ax.plot([0, 1])
plt.show()
'''


def write(folder):
    """Write the sources of the site into a folder."""
    docs = folder / "docs"
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("_ext", "_inv", "_static", "_templates"):
        shutil.copytree(DOCS / name, docs / name, ignore=ignored)
    shutil.copytree(ROOT / "linefit", folder / "linefit", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copy(DOCS / "matplotlibrc", docs)
    shutil.copy(DOCS / "package.json", docs)
    conf = (DOCS / "conf.py").read_text(encoding="utf-8")
    texts = {
        docs / "conf.py": conf,
        docs / "index.md": INDEX,
        docs / "about.md": ABOUT,
        docs / "learn" / "page.md": PAGE,
        folder / "gallery" / "GALLERY_HEADER.rst": GALLERY,
        folder / "gallery" / "line" / "GALLERY_HEADER.rst": LINE,
        folder / "gallery" / "line" / "plot_1_line.py": SCRIPT,
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def build(folder, name="html", *options, builder="html", **env):
    """Build the site into a folder beside its sources, and return that folder and the log."""
    out = folder / name
    command = [sys.executable, "-m", "sphinx", "-b", builder, "-d", folder / f"{name}-doctrees"]
    own = {"LINEFIT_NPM": str(NPM.parent), "PYTHONPATH": str(folder)}
    kept = {k: v for k, v in os.environ.items() if k not in {"LINEFIT_SITE_URL", "CI"}}
    done = subprocess.run(
        [*map(str, command), "-W", "--keep-going", *options, str(folder / "docs"), str(out)],
        env=kept | own | env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out, done.stdout


def forget(folder):
    """Remove all that earlier builds have left, so that the next one starts from nothing."""
    for place in ("docs/_build", "docs/auto_gallery"):
        shutil.rmtree(folder / place, ignore_errors=True)
