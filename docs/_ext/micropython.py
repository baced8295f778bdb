"""Make MicroPython two scripts of the site, so that a page can load it from a folder as well.

A page opened from a folder may not fetch a file, but it may load a script: the interpreter goes
into one, compressed.  Nor may it start a worker from a file there: the other script is a worker
where the site is served, and in a folder a function, which the page makes a worker of.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

PACKAGE = "@micropython/micropython-webassembly-pyscript"
# The worker is no module, because a page opened from a folder could not start one.
CHANGES = {
    "let Module={": "let Module={wasmBinary:options.wasm,",  # in place of fetching a file
    "export default _createMicroPythonModule": "",
    "export async function loadMicroPython": "async function loadMicroPython",
    "import.meta.url": "self.location.href",
}
NOTICE = "MicroPython, copyright Damien P. George and others, MIT license: micropython.org"
STATIC = Path(__file__).parents[1] / "_static" / "practice"


def make(app: Sphinx) -> None:
    """Write the scripts where Sphinx copies static files from."""
    home = Path(os.environ.get("LINEFIT_NPM") or app.confdir.parent / ".nox" / "npm").resolve()
    package = home / "node_modules" / PACKAGE
    if not package.exists():
        raise ExtensionError(
            f"MicroPython is not in {home}. Run `nox -s docs`, which installs it and builds the "
            "site, or set LINEFIT_NPM to a folder where npm installed docs/package.json."
        )
    folder = app.confdir / "_build" / "micropython"
    (folder / "practice").mkdir(parents=True, exist_ok=True)
    for name, text in scripts(package).items():
        (folder / "practice" / name).write_text(text, encoding="utf-8")
    app.config.html_static_path.append(str(folder))


def scripts(package: Path) -> dict[str, str]:
    """Return two scripts: the compressed interpreter with the tape, and the worker."""
    engine = (package / "micropython.mjs").read_text(encoding="utf-8")
    for found, wanted in CHANGES.items():
        if found not in engine:
            raise ExtensionError(f"This release of MicroPython has no {found!r}.")
        engine = engine.replace(found, wanted)
    worker = f"{engine}\n{(STATIC / 'worker.js').read_text(encoding='utf-8')}"
    tape = (STATIC / "scalar_tape.py").read_text(encoding="utf-8")
    wasm = gzip.compress((package / "micropython.wasm").read_bytes(), mtime=0)
    kept = {"wasm": base64.b64encode(wasm).decode(), "tape": tape}
    function = f"self.exWorker = async () => {{{worker}}};"
    start = 'if (typeof document === "undefined") self.exWorker();'
    return {
        "micropython.js": f"// {NOTICE}\nwindow.exMicroPython = {json.dumps(kept)};\n",
        "micropython-worker.js": f"// {NOTICE}\n{function}\n{start}\n",
    }
