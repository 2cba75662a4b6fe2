"""`postel tour`: the textbook journey of a letter, told while it happens.

Three real Postels, each a process of its own, on loopback addresses; a name server of the tour's own; frito and
kitt are Python's own smtplib and poplib. What is told is what the servers' logs say.
"""

from __future__ import annotations

import asyncio
import poplib
import smtplib
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from postel.app import run_loop
from postel.cli.tour_host import TourHost, free_port
from postel.net import Endpoint, TcpNetwork
from postel.testing import DnsServer, Zone, journey

PASSWORD: Final = "correct horse"
ADDRESSES: Final = {journey.ORIGIN: "127.0.0.2", journey.RELAY: "127.0.0.3", journey.PLUTO: "127.0.0.4"}
PATIENCE_S: Final = 120.0  # for any one step, on the slowest machine


class TourFailed(Exception):
    """The journey did not go as it should; the text says where."""


@click.command("tour")
@click.option("--verbose", "-v", is_flag=True, help="Show the servers' log lines too.")
def tour_command(verbose: bool) -> None:
    """The journey of a letter through three servers, told while it happens.

    \b
    postel tour
    postel tour --verbose

    Exit status 0 only if the letter arrived whole and once.
    """
    with tempfile.TemporaryDirectory(prefix="postel-tour-") as folder:
        try:
            run_loop(_Tour(Path(folder), verbose).run())
        except (TourFailed, TimeoutError, OSError, smtplib.SMTPException, poplib.error_proto) as failure:
            click.echo(f"\nThe tour failed: {failure or type(failure).__name__}", err=True)
            sys.exit(1)


class _Tour:
    def __init__(self, folder: Path, verbose: bool) -> None:
        self._port = free_port(ADDRESSES.values())
        self._zone = Zone.parse(journey.ZONE + "".join(f"{name}. A {ip}\n" for name, ip in ADDRESSES.items()))
        self._hosts = {name: self._host(name, folder, verbose) for name in ADDRESSES}
        self._began = time.monotonic()

    def _host(self, name: str, folder: Path, verbose: bool) -> TourHost:
        return TourHost(
            name, ADDRESSES[name], self._port, folder / name, journey.RULES[name], verbose, self._tell
        )

    def _tell(self, text: str) -> None:
        click.echo(f"{time.monotonic() - self._began:5.1f}s  {text}")

    async def run(self) -> None:
        dns = await DnsServer.start(self._zone, TcpNetwork(), Endpoint("127.0.0.1", 0))
        try:
            async with asyncio.timeout(4 * PATIENCE_S):
                await self._journey(dns.endpoint)
        finally:
            await asyncio.gather(*(host.stop() for host in self._hosts.values()))
            await dns.close()

    async def _journey(self, dns: Endpoint) -> None:
        origin, relay, pluto = (self._hosts[name] for name in (journey.ORIGIN, journey.RELAY, journey.PLUTO))
        self._tell(
            "DNS says:  " + "   ".join(line.strip() for line in journey.ZONE.split("\n") if "MX" in line)
        )
        self._tell(f"{journey.ORIGIN} and {journey.RELAY} start. {journey.PLUTO} is down.")
        await asyncio.gather(
            origin.start(dns, {journey.FRITO: PASSWORD}),
            relay.start(dns, {}),
            pluto.prepare(dns, {journey.KITT: PASSWORD}),
        )
        self._tell(f"frito's mail program logs in to {journey.ORIGIN} and submits a letter to kitt@free.org.")
        await asyncio.to_thread(_submit, ADDRESSES[journey.ORIGIN], origin.submission_port)
        await origin.said("message_accepted", "takes the letter: it is on disk, and now frito hears 250")
        await origin.said(
            "relayed", f"finds {journey.PLUTO} silent, so the letter goes to the next MX, {journey.RELAY}"
        )
        await relay.said("message_accepted", "is the backup: it stores the letter")
        await relay.said(
            "lane_down",
            f"finds itself in the MX list, keeps only what is better: {journey.PLUTO}. It is down, so: later",
        )
        self._tell(f"{journey.PLUTO} comes back.")
        await pluto.boot()
        await relay.said("relayed", f"tries again, and {journey.PLUTO} takes the letter")
        await pluto.said("delivered", "puts it into kitt's mailbox")
        self._tell("kitt's mail program logs in by POP3, fetches the letter and deletes it.")
        letters = await asyncio.to_thread(_fetch, ADDRESSES[journey.PLUTO], pluto.pop3_port)
        self._tell("The letter as kitt has it:")
        click.echo("\n" + _indented(letters) + "\n")
        await self._judge(letters)

    async def _judge(self, letters: list[bytes]) -> None:
        """Whole, and once: also after a while in which a second copy could come."""
        for host in self._hosts.values():
            await host.queue_empty()
        pluto = self._hosts[journey.PLUTO]
        letters += await asyncio.to_thread(_fetch, ADDRESSES[journey.PLUTO], pluto.pop3_port)
        arrival = journey.check_arrival(letters)
        if not arrival.is_good:
            raise TourFailed("; ".join(arrival.faults))
        self._tell("Three servers, three trace fields, one letter, whole, once.")


def _submit(ip: str, port: int) -> None:
    with smtplib.SMTP(ip, port, timeout=PATIENCE_S) as program:
        program.starttls()
        program.login(journey.FRITO, PASSWORD)
        program.sendmail(journey.FRITO, journey.KITT, journey.LETTER)


def _fetch(ip: str, port: int) -> list[bytes]:
    """Everything in kitt's maildrop; what was fetched is deleted."""
    program = poplib.POP3(ip, port, timeout=PATIENCE_S)
    try:
        program.stls()
        program.user(journey.KITT)
        program.pass_(PASSWORD)
        count = program.stat()[0]
        letters = [b"\r\n".join(program.retr(number + 1)[1]) + b"\r\n" for number in range(count)]
        for number in range(count):
            program.dele(number + 1)
    finally:
        program.quit()
    return letters


def _indented(letters: Iterable[bytes]) -> str:
    text = b"\r\n".join(letters).decode("utf-8", "replace")
    return "\n".join(f"       | {line}" for line in text.splitlines())
