"""The site: every page of docs/ as HTML, the chapters of the book executed. See CONTRIBUTING.md for the command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))  # pages.py stands beside this file
os.environ.setdefault("MPLCONFIGDIR", str(DOCS / "_build" / "matplotlib"))

project = "minigrad"
copyright = "the minigrad authors"
html_title = "minigrad"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # which brings MathJax along, so that nothing is loaded from elsewhere
    "pages",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_show_sphinx = False
html_copy_source = False

# -- Markdown, and the cells of the book --
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

# -- reference, from the docstrings --
default_role = "py:obj"  # a name in single backticks is a link if it is known, else code
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc's sections say it
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
