"""The page of commands, made of the command line's own help.

Gives       commands_page.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from generators.markdown import code, page, prose, table
from postel.cli.main import COMMANDS, main

INTRODUCTION = """\
Every command takes `--help`. Exit status 0 means done, 1 "no" (not found, refused, a check that failed) and 2
wrong usage. Errors are one sentence on standard error. What prints a table prints JSON with `--json`.

Commands that change something work on the data directory, at once and safely, whether the server runs or not."""


def commands_page() -> str:
    """All commands in the order of `postel --help`."""
    context = click.Context(main, info_name="postel")
    blocks = list(_described(main, context, level=2))
    for name in COMMANDS:
        blocks += _command(name, context, level=2)
    return page("Commands", INTRODUCTION, *blocks)


def _command(name: str, parent: click.Context, level: int) -> Iterator[str]:
    assert isinstance(parent.command, click.Group)
    command = parent.command.get_command(parent, name)
    assert command is not None, f"there is no command {name}"
    if command.hidden:
        return
    context = click.Context(command, info_name=name, parent=parent)
    yield from _described(command, context, level)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from _command(below, context, level + 1)


def _described(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    yield f"{'#' * level} {code(context.command_path)}"
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"```text\n{usage}\n```"
    yield from _help(inspect.cleandoc(command.help or ""))
    options = (option for option in command.params if isinstance(option, click.Option))
    rows = [record for option in options if (record := option.get_help_record(context))]
    if rows:
        meanings = ((code(names), prose(" ".join(meaning.split()))) for names, meaning in rows)
        yield table(("option", "meaning"), list(meanings))


def _help(text: str) -> Iterator[str]:
    """Paragraphs; those that click is told not to fold are examples."""
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b"):
            lines = paragraph.removeprefix("\b").strip("\n")
            yield f"```text\n{lines}\n```"
        elif paragraph.strip():
            yield prose(paragraph.strip())
