"""Makes the pages of the reference out of the program itself: tables, docstrings, the command line's own help.

Each module makes one kind of page and gives a function that returns Markdown. `docs/generate.py` joins them.
"""
