"""The site: `sphinx-build -W docs docs/_build`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import generate

import postel

generate.write()

project = "Postel"
author = "The Postel authors"
release = postel.__version__
html_title = f"Postel {release}"
language = "en"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "generators"]

myst_heading_anchors = 4  # so that links may name a heading
html_theme = "furo"
html_show_sphinx = False
