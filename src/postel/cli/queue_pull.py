"""`postel queue pull`: have another server send the mail that waits there, by ETRN, ATRN or TURN."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

import click

from postel.app import Bench
from postel.cli import words
from postel.cli.context import Settings, fail, pass_settings, plain
from postel.cli.work import CannotDo, run
from postel.delivery import HopTrouble, SmtpSession, Target, ask_for, fetch
from postel.mail import BadSyntax, Reply
from postel.net import Stream
from postel.routing import Login, TlsPolicy, ToHop, parse_route, with_login

_PORTS: Final = {"etrn": 25, "atrn": 366, "turn": 25}
_POLICIES: Final = {
    "none": TlsPolicy.NEVER,
    "may": TlsPolicy.WHEN_OFFERED,
    "must": TlsPolicy.REQUIRED,
    "verified": TlsPolicy.VERIFIED,
}
_LINE_LIMIT: Final = 510  # octets of a command without its CRLF: RFC 5321 4.5.3.1.4


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of ATRN or TURN: the reply, and how many messages are in our queue by it."""

    reply: Reply
    accepted: int


@click.command("pull")
@click.argument("host")
@click.option(
    "--etrn", "way", flag_value="etrn", help="Ask it to connect to us and send what waits (RFC 1985)."
)
@click.option("--atrn", "way", flag_value="atrn", help="Have it sent on our own connection (RFC 2645).")
@click.option("--turn", "way", flag_value="turn", help="As --atrn, by the TURN of RFC 821.")
@click.option(
    "--domain",
    "domains",
    metavar="DOMAIN",
    multiple=True,
    help="Whose mail; may be repeated. ETRN also takes @DOMAIN (with all below it) and #QUEUE. By default our domains "
    "for ETRN, and for ATRN all that the login has a right to.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="25 for ETRN and TURN, 366 for ATRN unless given."
)
@click.option("--user", metavar="NAME", help="Log in by this name. ATRN and TURN need it.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
@click.option(
    "--tls", type=click.Choice([*_POLICIES]), help="As in a route; verified with a login, may without."
)
@pass_settings
def pull_command(settings: Settings, /, host: str, way: str | None, user: str | None, **given: Any) -> None:
    """Have the mail sent that waits for us on another server.

    \b
    postel queue pull mail.example.net --etrn
    postel queue pull mail.example.net --etrn --domain @example.org
    postel queue pull mail.example.net --atrn --user office@example.org

    ETRN is the default, with --user it is ATRN. What ATRN brings goes through the policy of our port 25 into our
    queue, which a running server delivers at once. Exit status 1 when the other server refuses, 0 also when there is
    no mail.
    """
    way = way or ("atrn" if user else "etrn")
    if way != "etrn" and user is None:
        raise click.UsageError(f"--{way} needs a login: --user NAME")
    hop = _hop(host, way, user, given)
    if way == "etrn":
        _ask(settings, hop, given["domains"])
    else:
        _fetch(settings, hop, _turn_command(way, given["domains"]))


def _hop(host: str, way: str, user: str | None, given: dict[str, Any]) -> ToHop:
    """Where to connect, as if it were a route."""
    policy = _POLICIES[given["tls"]] if given["tls"] else TlsPolicy.VERIFIED if user else None
    port = given["port"] or _PORTS[way]
    try:
        target = parse_route(f"smtp:{_bracketed(host)}:{port}")
        login = Login(user, _password(given["password_stdin"])) if user else None
        hop = with_login(target, login, policy)
    except BadSyntax as complaint:
        raise click.UsageError(str(complaint)) from None
    assert isinstance(hop, ToHop), "smtp: leads to a host"
    return hop


def _bracketed(host: str) -> str:
    """An address as a route has it."""
    try:
        return f"[{ip_address(host)}]"
    except ValueError:
        return host


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, err=True))


def _turn_command(way: str, domains: Sequence[str]) -> str:
    if way == "turn":
        if domains:
            raise click.UsageError("TURN names no domains")
        return "TURN"
    command = f"ATRN {','.join(domains)}".rstrip()
    if not command.isprintable() or " " in command[5:]:
        raise click.UsageError("a domain is a name like example.org")
    if len(command.encode()) > _LINE_LIMIT:
        raise click.UsageError("too many domains for one command; call it several times")
    return command


def _ask(settings: Settings, hop: ToHop, domains: Sequence[str]) -> None:
    """ETRN for each, and what was said to each."""
    if any(not name.isprintable() or " " in name or not name for name in domains):
        raise click.UsageError("a node is a domain, @domain or #queue")

    async def work(bench: Bench) -> list[tuple[str, Reply]]:
        nodes = [*domains] or [row.domain.ascii for row in bench.table.domains]
        if not nodes:
            raise CannotDo("no domain is ours; say which mail is meant with --domain")
        with_target = await _connect(bench, hop)
        try:
            return await ask_for(*with_target, nodes)
        except HopTrouble as trouble:
            raise CannotDo(plain(trouble)) from None

    replies = run(settings, work)
    for node, reply in replies:
        click.echo(f"{node}: {plain(reply)}")
    if not all(reply.is_positive for _, reply in replies):
        sys.exit(1)


async def _connect(bench: Bench, hop: ToHop) -> tuple[Target, SmtpSession]:
    try:
        return await bench.relay_agent().connect(hop)
    except HopTrouble as trouble:
        raise CannotDo(plain(trouble)) from None


def _fetch(settings: Settings, hop: ToHop, command: str) -> None:
    """ATRN or TURN, and what came."""

    async def work(bench: Bench) -> Fetched:
        service = bench.smtp_service(is_for_programs=False)

        async def take(stream: Stream) -> None:
            await service.handle(stream)

        target, session = await _connect(bench, hop)
        try:
            reply = await fetch(target, session, command, take)
        except HopTrouble as trouble:
            raise CannotDo(plain(trouble)) from None
        finally:
            await service.stop(1.0)
        return Fetched(reply, service.accepted)

    fetched = run(settings, work)
    if fetched.reply.is_positive:
        click.echo(f"{words.count(fetched.accepted, 'message')} fetched from {hop.host}")
    elif fetched.reply.code == 453:  # RFC 2645 7
        click.echo(f"no mail waits at {hop.host}: {plain(fetched.reply)}")
    else:
        fail(f"{hop.host} refuses: {plain(fetched.reply)}")
