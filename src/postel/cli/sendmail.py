"""`sendmail`: the program that cron, mailx, PHP and a thousand others send mail with.

Gives       run_sendmail(arguments, settings) -> exit status.
Exit        sysexits.h, as those programs expect: 0 all is taken; 64 wrong usage; 65 a message or an address that
            makes no sense; 67 no such recipient; 69 refused; 75 try again later; 77 not allowed; 78 configuration.
Not here    Sending itself: cli.posting. The options: cli.sendmail_options. The program by its names: cli.send.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from postel.app import CannotBecome, run_loop
from postel.cli import exits
from postel.cli.context import Settings
from postel.cli.exits import Exit
from postel.cli.local_smtp import speak_smtp
from postel.cli.posting import post
from postel.cli.sendmail_options import BadUsage, Mode, SendmailOptions, parse_sendmail
from postel.cli.who import find_user, origin_of, parse_mailboxes
from postel.cli.work import TROUBLES, CannotDo, take_data, telling_trouble
from postel.config import Loaded
from postel.database import DatabaseTooNew
from postel.mail import BadSyntax
from postel.net import DialFailed


def run_sendmail(arguments: Sequence[str], settings: Settings) -> int:
    """Do what the arguments ask for; the exit status."""
    try:
        with telling_trouble():
            return _run(arguments, settings)
    except Exit as end:
        return _end(end.status, str(end))
    except BadUsage as complaint:
        return _end(exits.USAGE, str(complaint))
    except (CannotBecome, CannotDo) as refusal:
        return _end(exits.NOT_ALLOWED, str(refusal))
    except DatabaseTooNew as trouble:
        return _end(exits.CONFIG, str(trouble))
    except (*TROUBLES, DialFailed) as trouble:
        return _end(exits.TRY_LATER, str(trouble))
    except BrokenPipeError:
        raise  # whoever reads what we print has seen enough
    except OSError as trouble:
        return _end(exits.TRY_LATER, f"{trouble.filename or 'local trouble'}: {trouble.strerror or trouble}")


def _run(arguments: Sequence[str], settings: Settings) -> int:
    options = parse_sendmail(arguments)
    if options.config is not None:
        settings = Settings(Path(options.config))
    user = find_user()  # before we become somebody else
    loaded = _read(settings)
    match options.mode:
        case Mode.SEND:
            return post(loaded, options, user, _may_use_data)
        case Mode.SMTP:
            run_loop(speak_smtp(loaded, into_data=_may_use_data(loaded)))
            return 0
        case Mode.REBUILD_ALIASES:
            return 0  # they stand in the configuration
        case Mode.LIST_QUEUE:
            return _delegate(settings, "queue", "list")
        case Mode.FLUSH_QUEUE:
            return _delegate(settings, "queue", "flush")
        case Mode.VERIFY:
            return _verify(settings, loaded, options)


def _read(settings: Settings) -> Loaded:
    try:
        return settings.read()
    except SystemExit:
        raise Exit(exits.CONFIG, "the configuration cannot be used") from None


def _may_use_data(loaded: Loaded) -> bool:
    """Whether we may write to the data directory; root becomes its owner. Raises CannotBecome."""
    try:
        take_data(loaded, makes_data=True)
    except CannotDo:
        return False
    return True


def _delegate(settings: Settings, *arguments: str) -> int:
    """Have another command of ours do it."""
    from postel.cli.main import main

    try:
        main.main([*settings.arguments, *arguments], prog_name="postel", standalone_mode=False)
    except SystemExit as end:
        return exits.UNAVAILABLE if end.code else 0
    except click.ClickException as complaint:
        raise Exit(exits.USAGE, complaint.format_message()) from None
    return 0


def _verify(settings: Settings, loaded: Loaded, options: SendmailOptions) -> int:
    """Say where mail from this machine to the addresses would go."""
    status = 0
    for text in options.recipients:
        try:
            mailboxes = parse_mailboxes(text, origin_of(loaded))
        except BadSyntax as complaint:
            raise Exit(exits.DATA, f"{text!r}: {complaint}") from None
        for mailbox in mailboxes:
            if _delegate(settings, "explain", str(mailbox), "--login"):
                status = exits.NO_USER
    return status


def _end(status: int, message: str) -> int:
    click.echo(f"postel: {message}", err=True)
    return status
