"""`postel`: the command line.

Commands are imported when they are called, so that `postel send` starts quickly.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

import click

import postel
from postel.cli.context import Settings

# Name, file below postel.cli, in the order of the help text.
COMMANDS: Final = {
    "try": "try_",
    "tour": "tour",
    "serve": "serve",
    "check": "check",
    "explain": "explain",
    "account": "account",
    "queue": "queue",
    "send": "send",
    "import": "mailboxes",
    "export": "mailboxes",
    "backup": "backup",
    "restore": "backup",
}


class _Commands(click.Group):
    """Finds commands in the table, not by import."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"postel.cli.{COMMANDS[cmd_name]}")
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(postel.__version__, "--version", "-V", prog_name="postel")
@click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="POSTEL_CONFIG",
    metavar="FILE",
    help="The configuration; else POSTEL_CONFIG, /etc/postel/postel.toml, ./postel.toml.",
)
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """Postel, a complete Internet mail system.

    \b
    To see it work:      postel try
                         postel tour
    To run a server:     postel check && postel serve
    To find out why:     postel explain ann@example.org

    Completion: eval "$(_POSTEL_COMPLETE=bash_source postel)", or zsh_source, fish_source.
    """
    context.obj = Settings(config)
