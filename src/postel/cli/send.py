"""The two doors to sendmail: the command `postel send`, and the program by its own names.

Gives       send_command, sendmail_main.
Not here    What sendmail does: cli.sendmail.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from postel.cli.context import Settings, pass_settings
from postel.cli.sendmail import run_sendmail

_HELP: Final = ("-h", "--help")
# Names under which the program is something else.
_BY_NAME: Final = {"mailq": "-bp", "newaliases": "-bi"}


class _PassThrough(click.Command):
    """Leaves its arguments as they are. Click would drop `--`, after which an address may begin with a hyphen."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Nothing is parsed but a lone request for help."""
        if len(args) == 1 and args[0] in _HELP:
            return super().parse_args(ctx, args)
        ctx.params["arguments"] = tuple(args)
        return []


@click.command("send", cls=_PassThrough)
@click.argument("arguments", metavar="[ADDRESS]...", nargs=-1)
@pass_settings
def send_command(settings: Settings, arguments: tuple[str, ...]) -> None:
    """Send the message on standard input. What /usr/sbin/sendmail understands is understood.

    \b
    printf 'Subject: hello\\n\\nHello, Ann!\\n' | postel send ann@example.org
    postel send -t < letter.eml
    ln -s "$(command -v postel-sendmail)" /usr/sbin/sendmail

    \b
    -t          take the recipients from To, Cc and Bcc too
    -f ADDRESS  the reverse path (-f '<>': the null one); else the user at our first domain
    -F NAME     the full name in a From field that is missing
    -i, -oi     a line with a single dot does not end the message
    -bs         speak SMTP on standard input and output
    -bp, -q     show the queue; try all of it now
    -bv         say where the addresses lead
    -N, -R, -V  when to report, what to return, under which id (RFC 3461)
    -v          say of each recipient what became of it
    -C FILE     the configuration

    An address without a domain is at the first of our domains. A missing From, Date or Message-ID is added,
    Bcc is taken out. Who may write to the data directory queues there, and a running server notices; others
    hand the message to the server's own listener.

    Exit status: 0 taken, 64 wrong usage, 65 senseless data, 67 no such recipient, 69 refused, 75 try again
    later, 77 not allowed, 78 the configuration.
    """
    sys.exit(run_sendmail(arguments, settings))


def sendmail_main() -> None:
    """The program by its own name, or as mailq or newaliases."""
    arguments = sys.argv[1:]
    if mode := _BY_NAME.get(Path(sys.argv[0]).name):
        arguments = [mode, *arguments]
    if arguments[:1] == ["--help"]:
        send_command.main(["--help"], prog_name="sendmail")
    sys.exit(run_sendmail(arguments, Settings.of_environment()))
