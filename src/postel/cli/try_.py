"""`postel try`: a complete mail system to play with, in a folder of its own."""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from postel.app import AccountPlan, CannotStart, run_server, server_of
from postel.cli.context import fail, fail_with
from postel.config import load

DOMAIN: Final = "postel.test"
ACCOUNTS: Final = ("ann", "bob")
# Protocol, and the port that is tried first.
PORTS: Final = (
    ("smtp", 2525),
    ("submission", 2587),
    ("submissions", 2465),
    ("imap", 2143),
    ("imaps", 2993),
    ("pop3", 2110),
    ("pop3s", 2995),
)

_CONFIG: Final = """\
# A mail system for trying out: on loopback, on high ports, for one domain that exists nowhere else.
hostname = "mail.postel.test"
data     = "data"
user     = "root"                   # who starts it as root stays root: it is only for trying out
{listeners}
[[domain]]
name    = "postel.test"
aliases = {{ "everybody" = ["ann", "bob"] }}

[login]
plaintext = ["127.0.0.0/8"]         # so that programs without TLS can be tried too

[route]
"*" = "error:550 5.7.1 This system is for trying out: it delivers to postel.test only"

[log]
level = "{level}"
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is being tried: ports by protocol, passwords by account."""

    ports: dict[str, int]
    passwords: dict[str, str]


@click.command("try")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("postel-try"),
    show_default=True,
    help="Where configuration and mail are kept. It may be thrown away.",
)
@click.option("--verbose", "-v", is_flag=True, help="Show the log of what happens.")
def try_command(folder: Path, verbose: bool) -> None:
    """A complete mail system for trying out, until Ctrl-C.

    \b
    postel try
    postel try --folder /tmp/mail --verbose
    """
    _make(folder)
    trial = Trial(_free_ports(), _passwords(folder))
    path = folder / "postel.toml"
    path.write_text(_config(trial, verbose))
    accounts = tuple(AccountPlan(f"{name}@{DOMAIN}", word) for name, word in trial.passwords.items())
    try:
        run_server(
            lambda: load(path, os.environ),
            accounts=accounts,
            on_ready=lambda: click.echo(_welcome(trial, folder)),
            reloads=False,
        )
    except CannotStart as error:
        fail_with([str(error)])
    click.echo(f"\nStopped. What was sent is kept in {folder}; `postel try` goes on with it.", err=True)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "postel.toml").touch()
    except OSError as error:
        fail(f"cannot write to {folder} ({error.strerror}); name another place with --folder")
    if (process := server_of(folder / "data")) is not None:
        fail(f"process {process} already runs in {folder}; stop it, or name another place with --folder")


def _config(trial: Trial, verbose: bool) -> str:
    listeners = "".join(
        f'\n[[listen]]\nprotocol = "{protocol}"\naddress  = "127.0.0.1:{port}"\n'
        for protocol, port in trial.ports.items()
    )
    return _CONFIG.format(listeners=listeners, level="info" if verbose else "warning")


def _free_ports() -> dict[str, int]:
    """The usual port for trying each protocol, or any that is free."""
    return {protocol: _free_port(port) for protocol, port in PORTS}


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    return fail("no port is free on 127.0.0.1")


def _passwords(folder: Path) -> dict[str, str]:
    """The same as last time, if there was one."""
    path = folder / "passwords.json"
    try:
        known = json.loads(path.read_text())
        return {name: str(known[name]) for name in ACCOUNTS}
    except (OSError, ValueError, KeyError):
        made = {name: secrets.token_hex(5) for name in ACCOUNTS}
    path.touch(mode=0o600)
    path.write_text(json.dumps(made))
    return made


def _welcome(trial: Trial, folder: Path) -> str:
    ann, bob = (trial.passwords[name] for name in ACCOUNTS)
    ports = trial.ports
    listening = "\n".join(
        f"  {protocol:<12} 127.0.0.1:{port:<6} {_PURPOSE[protocol]}" for protocol, port in ports.items()
    )
    return f"""\
Postel is running. Its files are in {folder}/, its configuration is {folder}/postel.toml.

  account               password
  ann@postel.test       {ann}
  bob@postel.test       {bob}

{listening}

Send a letter from ann to bob, any one of these:

  printf 'From: ann@postel.test\\nTo: bob@postel.test\\nSubject: hello\\n\\nHello, Bob!\\n' | curl -sS -T - \\
      smtp://127.0.0.1:{ports["submission"]} -u ann@postel.test:{ann} \\
      --mail-from ann@postel.test --mail-rcpt bob@postel.test --crlf

  swaks --server 127.0.0.1:{ports["submission"]} --tls --auth-user ann@postel.test --auth-password {ann} \\
      --from ann@postel.test --to bob@postel.test

  python3 -c 'import smtplib; s = smtplib.SMTP("127.0.0.1", {ports["submission"]}); s.starttls(); \\
      s.login("ann@postel.test", "{ann}"); s.sendmail("ann@postel.test", "bob@postel.test", \\
      "From: ann@postel.test\\r\\nTo: bob@postel.test\\r\\nSubject: hello\\r\\n\\r\\nHello, Bob!\\r\\n")'

Read it as bob:

  curl -sS "imap://127.0.0.1:{ports["imap"]}/INBOX;MAILINDEX=1" -u bob@postel.test:{bob}

  python3 -c 'import imaplib; m = imaplib.IMAP4("127.0.0.1", {ports["imap"]}); m.login("bob@postel.test", "{bob}"); \\
      m.select(); print(m.fetch("1", "BODY[]")[1][0][1].decode())'

  curl -sS pop3://127.0.0.1:{ports["pop3"]}/1 -u bob@postel.test:{bob}

  python3 -c 'import poplib; p = poplib.POP3("127.0.0.1", {ports["pop3"]}); p.user("bob@postel.test"); \\
      p.pass_("{bob}"); print(b"\\n".join(p.retr(1)[1]).decode())'

Ctrl-C stops it. (The certificate is self-signed: programs that check it must be told not to.)
"""


_PURPOSE: Final = {
    "smtp": "mail from other servers",
    "submission": "mail from your programs, STARTTLS, login",
    "submissions": "the same with TLS from the start",
    "imap": "reading mail, STARTTLS; any mail program",
    "imaps": "the same with TLS from the start",
    "pop3": "fetching mail",
    "pop3s": "the same with TLS from the start",
}
