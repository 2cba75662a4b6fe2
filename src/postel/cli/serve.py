"""`postel serve`: the server, in the foreground."""

from __future__ import annotations

import os
import sys

import click

from postel.app import CannotStart, run_server
from postel.cli.context import Settings, fail_with, pass_settings
from postel.config import load


@click.command("serve")
@pass_settings
def serve_command(settings: Settings) -> None:
    """Run the server until it is told to stop; the log goes to standard error.

    \b
    postel --config /etc/postel/postel.toml serve

    SIGTERM or Ctrl-C ends it in order, SIGHUP makes it read its configuration and certificates anew.
    Started as root it opens its ports and becomes the user that the configuration names.
    """
    settings.read()  # says all mistakes before anything is touched
    path = settings.found()
    try:
        run_server(lambda: load(path, os.environ))
    except CannotStart as error:
        fail_with([str(error)])
    sys.exit(0)
