"""The commands. Floor 4; nothing here is meant to be imported by programs."""

from postel.cli.main import main


def sendmail_main() -> None:
    """The program that others know as /usr/sbin/sendmail."""
    from postel.cli.send import sendmail_main as run

    run()


__all__ = ["main", "sendmail_main"]
