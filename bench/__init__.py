"""Measurements: Postel beside the mail servers that are installed, and its parts alone.

`python -m bench --help` tells what there is to measure. Nothing here is part of the tests: a figure depends on the
machine and on who else uses it; trust the ratios, since all contenders of a table take turns in one run.
"""
