"""Configure Sphinx; the logic of the site's own extensions is in ``_ext``."""

import logging
import os
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

from numpydoc.xref import DEFAULT_LINKS  # noqa: E402

import inventories  # noqa: E402  (found through the path above)
import reading  # noqa: E402

PACKAGE = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WHEEL = f"{PACKAGE['name'].replace('-', '_')}-{PACKAGE['version']}-py3-none-any.whl"
TORCH = next(need for need in PACKAGE["dependencies"] if need.startswith("torch>="))
OLDEST = {"python": PACKAGE["requires-python"], "torch": TORCH.removeprefix("torch")}
REPOSITORY = PACKAGE.get("urls", {}).get("Repository", "")
SITE_URL = os.environ.get("LINEFIT_SITE_URL") or os.environ.get("READTHEDOCS_CANONICAL_URL", "")

project = "linefit"
repository = os.environ.get("LINEFIT_REPOSITORY") or REPOSITORY
author = "The linefit authors"
copyright = f"{author}, MIT license"
version = release = PACKAGE["version"]
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "accessibility",
    "assets",
    "caches",
    "descriptions",
    "downloads",
    "editions",
    "exercises",
    "gallery_hooks",
    "images",
    "katex_math",
    "kernels",
    "least_width",
    "lesson",
    "page_markdown",
    "play",
    "provenance",
    "published",
    "reading",
    "search_store",
    "security",
    "take_along",
    "theme_words",
    "timing",
    "translation",
    "valid_html",
]
exclude_patterns = [
    "_build",
    "_inv",
    "auto_gallery/**/*.ipynb",
    "auto_gallery/**/*.py",
    "auto_gallery/**/*.md5",
    "auto_gallery/**/*.codeobj.json",
    "sg_execution_times.rst",
]
logging.getLogger("flit_core").setLevel(logging.WARNING)
logging.getLogger("traitlets").setLevel(logging.WARNING)
templates_path = ["_templates"]
nitpicky = True
suppress_warnings = [
    "config.cache",  # numpydoc and others keep sets in their configuration
    "i18n.inconsistent_references",  # numpydoc's types are links of one text here, there of two
]

# Pages and their cells
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
myst_substitutions = {"wheel": WHEEL, "version": version}
myst_substitutions |= {k: v.removeprefix(">=") for k, v in OLDEST.items()}
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_in_temp = True  # as for a reader, whose notebook is alone in its folder
nb_execution_timeout = 300
nb_merge_streams = True
nb_output_stderr = "warn"

# The story: no page needs one that comes after it
story = reading.story_of((HERE / "index.md").read_text(encoding="utf-8"))
del story["About"]  # not a level: it is about the site

# The package's reference
autodoc_typehints = "none"  # numpydoc's sections hold the types, in words
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
autosummary_generate = False  # numpydoc loads it; unused, it would import torch in every build
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_aliases = {"Axes": "matplotlib.axes.Axes", "Tensor": "torch.Tensor"} | {
    name: f"linefit.{name}" for name in ("Descent", "Fit", "History", "Line", "Moments", "Step")
}
numpydoc_xref_ignore = "all"
DEFAULT_LINKS.clear()  # words like bool and array-like need no link
intersphinx_mapping = inventories.compile_all(HERE / "_inv", HERE / "_build" / "inventories")

# The gallery
sphinx_gallery_conf = {
    "examples_dirs": "../gallery",
    "gallery_dirs": "auto_gallery",
    "subsection_order": "gallery_hooks.subsection_order",
    "within_subsection_order": "FileNameSortKey",
    "reset_modules": ("gallery_hooks.reset_matplotlib", "gallery_hooks.leave_assets_to_the_page"),
    "image_scrapers": ("gallery_hooks.scrape_figures",),
    "image_srcset": ["2x"],
    "capture_repr": ("_repr_html_", "__repr__"),
    "backreferences_dir": "auto_gallery/backreferences",
    "doc_module": ("linefit",),
    "abort_on_example_error": True,
    "download_all_examples": False,  # one archive holds them, and the pages' notebooks
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "show_api_usage": False,
    "show_signature": False,
}

# What it looks like
html_theme = "furo"
html_title = "linefit"
html_baseurl = SITE_URL
html_favicon = "_static/favicon.svg"
ASSETS = ["draw/figure.css", "steps/player.css", "steps/player.js"]  # left to the page by graphs
html_static_path = ["_static", *(f"../linefit/graph/{name}" for name in ASSETS)]
html_js_files = [("player.js", {"defer": ""})]
html_copy_source = False
html_theme_options = {"top_of_page_buttons": []}
html_additional_pages = {"search": "search.html", "404": "404.html"}
page_descriptions = {
    "search": "Search all pages: words, names of PyTorch, or an error message as you got it.",
    "genindex": "All names of the package linefit, each with the page that describes it.",
    "py-modindex": "The modules of the package linefit, each with the page that describes it.",
    "404": "There is no page at this address; search all pages, or begin at the landing page.",
}
search_weights = {  # a page that explains comes before one that asks, lists or looks back
    "learn/dynamic-and-static": 0,
    "learn/": 1.2,
    "glossary": 0.7,
    "practice/": 0.5,
    "reference/": 0.7,
}
search_tops = ["changelog"]  # what is below its top names nearly everything
