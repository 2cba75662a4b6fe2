"""`postel explain`: where mail for an address would go, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import click

from postel.app import Bench
from postel.cli.context import Settings, fail, pass_settings, plain
from postel.cli.work import run
from postel.dns import answer
from postel.mail import BadSyntax, ForwardPath, IPAddress, Mailbox, Reply, parse_forward_path, parse_mailbox
from postel.proto.smtp import replies
from postel.routing import Explanation, Onward, Step, explain, may_relay, render


@click.command("explain")
@click.argument("address")
@click.option("--from", "reverse_path", metavar="ADDRESS", help="The reverse path of the mail.")
@click.option("--client", metavar="IP", help="The client that brings it; by default a stranger.")
@click.option("--login", is_flag=True, help="The client is logged in.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@pass_settings
def explain_command(
    settings: Settings,
    address: str,
    reverse_path: str | None,
    client: str | None,
    login: bool,
    as_json: bool,
) -> None:
    """Say where mail for ADDRESS would go, and every rule and look-up that leads there.

    \b
    postel explain ann@example.org
    postel explain kitt@free.org --client 192.0.2.7
    postel explain kitt@free.org --from ann@example.org --login

    Before the first start there are no accounts, and every address of ours that is no alias is unknown.
    Exit status 1 when a client like this one would be refused.
    """
    recipient, ip = _recipient(address), _ip(client)
    originator = _mailbox(reverse_path) if reverse_path else None

    async def work(bench: Bench) -> Explanation:
        right = may_relay(bench.table, ip, is_authenticated=login)
        asks = explain(bench.table, bench.rules.facts, recipient, right)
        return await answer(asks, bench.resolver, bench.answers)

    told = run(settings, work, may_lack_data=True)
    if as_json:
        click.echo(json.dumps(_facts(told, originator), ensure_ascii=False, indent=2))
    else:
        for line in (*render(told), *_dialogue(told, originator)):
            click.echo(plain(line))
    sys.exit(1 if told.for_client.refusal else 0)


def _recipient(text: str) -> ForwardPath:
    try:
        return parse_forward_path(f"<{text}>")
    except BadSyntax as complaint:
        return fail(f'"{text}" is no address: {complaint}', 2)


def _mailbox(text: str) -> Mailbox:
    try:
        return parse_mailbox(text)
    except BadSyntax as complaint:
        return fail(f'"{text}" is no address: {complaint}', 2)


def _ip(text: str | None) -> IPAddress | None:
    if text is None:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return fail(f'"{text}" is no IP address', 2)


def _dialogue(told: Explanation, reverse_path: Mailbox | None) -> Iterator[str]:
    """What this client would send, and see; and what the log would say."""
    yield "The session"
    yield f"  MAIL FROM:<{reverse_path or ''}>  ->  {replies.REVERSE_PATH_OK}"
    yield f"  RCPT TO:<{told.decision.mailbox}>  ->  {_reply(told)}"
    if told.for_client.because:
        yield f"    because {told.for_client.because}"


def _reply(told: Explanation) -> Reply:
    return told.for_client.refusal or replies.RECIPIENT_OK


def _facts(told: Explanation, reverse_path: Mailbox | None) -> dict[str, Any]:
    return {
        "address": str(told.decision.mailbox),
        "reverse_path": None if reverse_path is None else str(reverse_path),
        "lane": told.lane,
        "text": list(render(told)),
        "steps": _steps(told.decision.trail),
        "accepted": told.for_client.refusal is None,
        "reply": str(_reply(told)),
        "because": told.for_client.because,
        "accepted_from_stranger": told.for_stranger.refusal is None,
        "members": [str(member.mailbox) for member in told.members],
        "onward": [_onward(onward) for onward in told.onward],
    }


def _steps(trail: tuple[Step, ...]) -> list[dict[str, str]]:
    return [{"text": step.text, "source": step.source} for step in trail]


def _onward(onward: Onward) -> dict[str, Any]:
    return {
        "address": str(onward.mailbox),
        "steps": _steps(onward.trail),
        "hosts": [
            {"name": host.name, "addresses": [str(a) for a in host.addresses]} for host in onward.hosts
        ],
        "tls": {"text": onward.tls.text, "source": onward.tls.source},
        "reply": str(onward.no_route.reply) if onward.no_route else None,
    }
