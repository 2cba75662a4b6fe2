"""`postel`: the command line.

Commands are imported when they are called, so that `postel send` and `postel --help` start quickly.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

import click

import postel
from postel.cli.context import Settings

# Name, file below postel.cli, what `postel --help` says of it; in the order of that text.
COMMANDS: Final = {
    "try": ("try_", "A complete mail system for trying out, until Ctrl-C."),
    "tour": ("tour", "The journey of a letter through three real servers."),
    "serve": ("serve", "Run the server until it is told to stop."),
    "check": ("check", "Say what is wrong with the configuration, and what is dangerous."),
    "explain": ("explain", "Say where mail for an address would go, and why."),
    "debug": ("debug", "One engine at a time, on given facts, each step explained."),
    "account": ("account", "Accounts: who has a mailbox here and may log in."),
    "queue": ("queue", "The queue: mail that is accepted and not delivered yet."),
    "send": ("send", "Send the message on standard input, as sendmail does."),
    "terminal": ("terminal", "Wait for messages that people send to one's screen."),
    "import": ("mailboxes", "Put the mail of files, folders or another IMAP server into mailboxes."),
    "export": ("mailboxes", "Write one mailbox, or all of them, to files."),
    "backup": ("backup", "Copy queue, mailboxes and accounts, while the server runs or not."),
    "restore": ("backup", "Make a data directory from a backup."),
}


class _Commands(click.Group):
    """Finds commands in the table, not by import."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"postel.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


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
