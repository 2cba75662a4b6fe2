"""How far a long command has come, where somebody watches.

Gives       progress(text, total) -> a function to be told how much is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def progress(text: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error if that is a terminal; nothing otherwise. A total of 0 is an unknown one."""
    console = Console(stderr=True, markup=False, emoji=False)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(text, total=total or None)
        yield lambda done: bar.update(task, completed=done)
