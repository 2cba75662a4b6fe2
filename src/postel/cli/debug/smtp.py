"""`postel debug smtp`: talk to any server as a person would, each step shown, timed and explained.

Gives       smtp_command.
Not here    The session: talk. What is said in it: guide, terminal. What it looks like: screen, record.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from postel.app import run_loop
from postel.cli.context import fail
from postel.cli.debug.guide import Plan, TlsWish, guide
from postel.cli.debug.happenings import Audience, Happening, Noted
from postel.cli.debug.login import Login
from postel.cli.debug.record import Record, Steps
from postel.cli.debug.screen import Screen
from postel.cli.debug.talk import Patience, Talk, TalkOver
from postel.cli.debug.terminal import by_hand
from postel.mail import BadSyntax
from postel.net import DialFailed, Endpoint, Stream, SystemClock, TcpNetwork, parse_endpoint
from postel.tls import BadCertificate, ClientTls

F = TypeVar("F", bound=Callable[..., Any])

_PORT: Final = 25
_LMTP_PORT: Final = 24
_IMPLICIT_TLS_PORT: Final = 465  # RFC 8314 3.3
_CONNECT_S: Final = 30.0
_CONTENT_LIMIT: Final = 100_000_000  # octets of a file that is sent


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to talk to, and how. `name` is what the certificate should be for; None for a unix socket."""

    host: str
    port: int
    name: str | None
    is_lmtp: bool
    is_by_hand: bool
    patience: Patience


def _transaction_options(command: F) -> F:
    for option in reversed(
        (
            click.option(
                "--from",
                "sender",
                metavar="ADDRESS",
                help="Begin a transaction; '<>' is the null reverse path.",
            ),
            click.option(
                "--to", "recipients", metavar="ADDRESS", multiple=True, help="A recipient; may be repeated."
            ),
            click.option(
                "--mail", metavar="PARAMETER", multiple=True, help="A parameter of MAIL, as RET=HDRS."
            ),
            click.option(
                "--rcpt",
                metavar="PARAMETER",
                multiple=True,
                help="A parameter of each RCPT, as NOTIFY=NEVER.",
            ),
            click.option(
                "--body",
                metavar="TEXT|@FILE|-",
                help="Send this: a text, to which a header is made; a whole message in a file, or on standard input. "
                "Without it nothing is sent.",
            ),
            click.option("--bdat", is_flag=True, help="Send the content by BDAT (RFC 3030), not by DATA."),
        )
    ):
        command = option(command)
    return command


def _session_options(command: F) -> F:
    for option in reversed(
        (
            click.option("--lmtp", is_flag=True, help="Speak LMTP: LHLO, and a reply for each recipient."),
            click.option("--helo", metavar="NAME", help="Our name; else our address as a literal."),
            click.option(
                "--tls",
                type=click.Choice([wish.value for wish in TlsWish]),
                help="What is demanded of TLS: never, may (where offered; the default), must, verified (a good "
                "certificate too), implicit (from the first octet; the default on port 465).",
            ),
            click.option("--tls-name", metavar="NAME", help="What the certificate should be for; else HOST."),
            click.option(
                "--ca-file",
                type=click.Path(path_type=Path, exists=True, dir_okay=False),
                help="Trust anchors in PEM, in place of the system's.",
            ),
            click.option("--login", metavar="USER", help="Log in; the password, or token, is asked for."),
            click.option(
                "--mechanism", metavar="NAME", help="By this SASL mechanism; else by the strongest offered."
            ),
            click.option(
                "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
            ),
            click.option(
                "--say", "says", metavar="LINE", multiple=True, help="Say this too; may be repeated."
            ),
        )
    ):
        command = option(command)
    return command


@click.command("smtp")
@click.argument("place", metavar="HOST[:PORT]")
@_transaction_options
@_session_options
@click.option(
    "--by-hand", "-i", is_flag=True, help="Type the commands yourself; lines of standard input are said."
)
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Write the session as a transcript, in the form of Postel's tests.",
)
@click.option("--brief", is_flag=True, help="Leave the explanations out.")
@click.option("--timeout", type=click.FloatRange(0.1), metavar="SECONDS", help="Wait so long for a reply.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def smtp_command(place: str, **wishes: Any) -> None:
    """Talk to an SMTP or LMTP server as a person would, with every step shown, timed and explained.

    \b
    postel debug smtp mail.example.org
    postel debug smtp mail.example.org:587 --tls verified --login ann@example.org
    postel debug smtp mail.example.org --from ann@example.net --to bob@example.org
    postel debug smtp mail.example.org --from ann@example.net --to bob@example.org --body 'Hello, Bob!'
    postel debug smtp mail.example.org --by-hand --record session.txt
    postel debug smtp unix:/run/dovecot/lmtp --lmtp --from '<>' --to bob@example.org

    HOST is a name, an address, or unix:/path. What the server says is explained with the clause of the standard,
    and what it does wrong is marked with an exclamation mark. Without --body nothing is ever sent: the transaction
    ends with RSET. Passwords are neither shown nor recorded.

    Exit status 1 when something was refused, or the session ended before it should.
    """
    tls = TlsWish(wishes["tls"]) if wishes["tls"] else None
    host, port = _place(
        place, _IMPLICIT_TLS_PORT if tls is TlsWish.IMPLICIT else _LMTP_PORT if wishes["lmtp"] else _PORT
    )
    tls = tls or (TlsWish.IMPLICIT if port == _IMPLICIT_TLS_PORT else TlsWish.MAY)
    if (wishes["recipients"] or wishes["body"] is not None) and wishes["sender"] is None:
        raise click.UsageError("a transaction needs --from")
    patience = Patience() if wishes["timeout"] is None else Patience(*[wishes["timeout"]] * 3)
    name = None if host.startswith("unix:") else wishes["tls_name"] or host
    wanted = Wanted(host, port, name, wishes["lmtp"], wishes["by_hand"], patience)
    try:
        context = ClientTls(verify=tls is TlsWish.VERIFIED, ca_file=wishes["ca_file"])
        plan = _plan(wishes, tls)
    except (BadCertificate, OSError) as trouble:
        fail(str(trouble))
    _run(wanted, plan, context, wishes)


def _place(text: str, default: int) -> tuple[str, int]:
    """Host and port. Ends the command for what is neither."""
    if text.startswith("unix:"):
        return text, 0
    host, colon, port = text.rpartition(":")
    if text.count(":") > 1 and not text.startswith("["):
        host, colon, port = text, "", ""  # an IPv6 address without a port
    if not colon or text.endswith("]"):
        host, port = text, str(default)
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        fail(f'"{text}" is no HOST[:PORT]', 2)
    return host.strip("[]"), int(port)


def _plan(wishes: dict[str, Any], tls: TlsWish) -> Plan:
    return Plan(
        helo=wishes["helo"] or "",
        tls=tls,
        login=_login(wishes),
        says=wishes["says"],
        sender="" if wishes["sender"] == "<>" else wishes["sender"],
        recipients=wishes["recipients"],
        mail=wishes["mail"],
        rcpt=wishes["rcpt"],
        content=_content(wishes),
        by_chunks=wishes["bdat"],
    )


def _login(wishes: dict[str, Any]) -> Login | None:
    if wishes["login"] is None:
        return None
    if wishes["password_stdin"]:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = str(click.prompt("Password", hide_input=True, err=True))
    return Login(wishes["login"], password, wishes["mechanism"])


def _content(wishes: dict[str, Any]) -> bytes | None:
    body: str | None = wishes["body"]
    if body is None:
        return None
    if body == "-":
        return _with_crlf(sys.stdin.buffer.read(_CONTENT_LIMIT))
    if body.startswith("@"):
        with Path(body[1:]).open("rb") as file:
            return _with_crlf(file.read(_CONTENT_LIMIT))
    fields = {
        "From": "<postmaster@localhost>" if wishes["sender"] in ("", "<>") else f"<{wishes['sender']}>",
        "To": ", ".join(f"<{recipient}>" for recipient in wishes["recipients"]),
        "Subject": "A test",
        "Date": formatdate(),
        "Message-ID": make_msgid(domain="debug.invalid"),
    }
    head = "".join(f"{name}: {value}\n" for name, value in fields.items())
    return _with_crlf(f"{head}\n{body}\n".encode())


def _with_crlf(data: bytes) -> bytes:
    """Lines end in CRLF: RFC 5321 2.3.8."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def _run(wanted: Wanted, plan: Plan, context: ClientTls, wishes: dict[str, Any]) -> None:
    steps = Steps()
    record = Record(f"a session with {wanted.host}")
    shown: Audience = steps if wishes["as_json"] else Screen(is_brief=wishes["brief"])

    def audience(happening: Happening) -> None:
        shown(happening)
        record(happening)

    is_fine = run_loop(_session(wanted, plan, context, audience))
    if wishes["as_json"]:
        click.echo(steps.text)
    if wishes["record"] is not None:
        _write(wishes["record"], record.text)
    sys.exit(0 if is_fine else 1)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as trouble:
        fail(f"{path}: {trouble.strerror or trouble}")


async def _session(wanted: Wanted, plan: Plan, context: ClientTls, audience: Audience) -> bool:
    stream = await _connect(wanted, audience)
    if stream is None:
        return False
    talk = Talk(
        stream,
        audience,
        name=wanted.name,
        clock=SystemClock(),
        patience=wanted.patience,
        is_lmtp=wanted.is_lmtp,
    )
    try:
        if plan.tls is TlsWish.IMPLICIT:
            await talk.secure(context)
        if wanted.is_by_hand:
            await by_hand(talk, context)
            return True
        return await guide(talk, _named(plan, stream), context)
    except TalkOver:
        return False
    finally:
        await talk.stream.close()


def _named(plan: Plan, stream: Stream) -> Plan:
    """With a name for EHLO: RFC 5321 4.1.4 has a client without one say its address."""
    ip = stream.local.ip
    literal = "localhost" if ip is None else f"[IPv6:{ip}]" if ip.version == 6 else f"[{ip}]"
    return plan if plan.helo else replace(plan, helo=literal)


async def _connect(wanted: Wanted, audience: Audience) -> Stream | None:
    """A connection to the first address that takes one."""
    network, loop = TcpNetwork(), asyncio.get_running_loop()
    for endpoint in await _endpoints(wanted, audience):
        began_s = loop.time()
        try:
            stream = await network.dial(endpoint, timeout_s=_CONNECT_S)
        except DialFailed as failed:
            audience(Noted(f"{endpoint}: {failed.reason}", loop.time() - began_s))
        else:
            audience(Noted(f"connected to {endpoint}", loop.time() - began_s))
            return stream
    audience(Noted("nobody answers there"))
    return None


async def _endpoints(wanted: Wanted, audience: Audience) -> list[Endpoint]:
    """Where the host is, as this machine's resolver has it."""
    try:
        if wanted.host.startswith("unix:"):
            return [parse_endpoint(wanted.host)]
        return [Endpoint(str(ip_address(wanted.host)), wanted.port)]
    except (BadSyntax, ValueError):
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            wanted.host, wanted.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as trouble:
        audience(Noted(f"{wanted.host}: {getattr(trouble, 'strerror', None) or trouble}"))
        return []
    places = dict.fromkeys(Endpoint(str(address[0]), wanted.port) for *_, address in found)
    audience(Noted(f"{wanted.host} is " + ", ".join(place.host for place in places)))
    return list(places)
