"""One Postel of a mail network: what a test may do to it and ask of it.

Gives       MailServer, Letter, Waiting.
"""

from __future__ import annotations

import email
import email.policy
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import Final, Generic, TypeVar

from postel.app import Edges, Postel
from postel.config import Loaded
from postel.delivery import submit
from postel.mail import (
    NO_PARAMETERS,
    Envelope,
    Parameters,
    Recipient,
    Reply,
    parse_forward_path,
    parse_mailbox,
    parse_reverse_path,
)
from postel.net import Endpoint
from postel.proto.sasl import Credentials
from postel.queue import QueueEntry, State
from postel.store import INBOX
from postel.testing.machine import Machine
from postel.testing.network import MemoryHost, MemoryNetwork

T = TypeVar("T")
PASSWORD: Final = "password"  # of every account, unless a test gives another


class Listing(Sequence[T], Generic[T]):
    """What was found, in order."""

    def __init__(self, items: Sequence[T]) -> None:
        self._items = items

    def only(self) -> T:
        """The one there is. Raises AssertionError when there are more, or none."""
        assert len(self._items) == 1, f"not one but {len(self._items)}: {list(self._items)}"
        return self._items[0]

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(list(self._items))


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in a mailbox: `content` octet for octet, and read as a mail program reads it."""

    content: bytes

    @property
    def message(self) -> EmailMessage:
        """Parsed by the standard library."""
        return email.message_from_bytes(self.content, policy=email.policy.default)

    @property
    def subject(self) -> str:
        """The Subject field."""
        return str(self.message["Subject"])

    @property
    def body(self) -> str:
        """The first text part."""
        part = self.message.get_body(("plain",))
        return part.get_content() if part else ""

    @property
    def trace(self) -> list[str]:
        """The Received fields, the last one first."""
        return [str(value) for value in self.message.get_all("Received", [])]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One recipient in a queue.

    attempts    when it was tried, since the message came, as "0m", "5m", "1h20m".
    """

    queue_id: str
    reverse_path: str
    recipient: str
    attempts: list[str]
    state: str
    reply: Reply | None
    next_at: float
    is_gated: bool


class MailServer:
    """A Postel with its host. Made by `MailNetwork.start`."""

    def __init__(
        self,
        internet: MemoryNetwork,
        host: MemoryHost,
        loaded: Loaded,
        edges: Edges,
        machine: Machine | None = None,
    ) -> None:
        self._internet = internet
        self._loaded = loaded
        self._edges = edges
        self._machine = machine
        self._has_power = True
        self.host = host
        self.name = host.name
        self.postel: Postel

    async def boot(self, accounts: dict[str, str]) -> None:
        """Start with these accounts, by address and password."""
        self.postel = await Postel.open(self._loaded, self._edges)
        for address, password in accounts.items():
            await self.postel.rooms.directory.add(parse_mailbox(address), password)
        await self.postel.start()

    async def restart(self) -> None:
        """Stop in order, and start again on the same data."""
        await self.postel.stop()
        await self.boot({})

    async def stop(self) -> None:
        """Stop for good."""
        if self._has_power:
            await self.postel.stop()

    @property
    def machine(self) -> Machine:
        """What it runs on, where the network has disks."""
        if self._machine is None:
            raise ValueError("this network has no disks")
        return self._machine

    def power_off(self, rng: random.Random) -> None:
        """The power goes: the process is gone at this instant, and with it what the disk had not synced."""
        self.machine.cut_power(rng)
        self._has_power = False

    async def power_on(self) -> None:
        """Start on what the disk has kept."""
        self._edges = replace(
            self._edges,
            network=self.machine.network,
            contents=self.machine.folder,
            disk=self.machine.power.disk,
            boot=self.machine.boot,
        )
        self._has_power = True
        await self.boot({})

    def unplug(self) -> None:
        """Pull the cable: connections break, and nobody reaches it."""
        self._internet.unplug(self.name)

    def plug_in(self) -> None:
        """Put the cable back."""
        self._internet.plug_in(self.name)

    def slow(self, octets_per_s: float | None) -> None:
        """Limit the speed of its line; None lifts the limit."""
        self._internet.slow(self.name, octets_per_s)

    async def account(self, address: str, password: str = PASSWORD) -> None:
        """Make an account."""
        await self.postel.rooms.directory.add(parse_mailbox(address), password)

    async def quota(self, address: str, quota_bytes: int | None) -> None:
        """Say how much an account may store."""
        await self.postel.rooms.directory.set_quota(parse_mailbox(address), quota_bytes)

    async def submit(
        self,
        content: bytes | str | EmailMessage,
        *,
        sender: str | None = None,
        to: str | Sequence[str] | None = None,
        password: str = PASSWORD,
        login: bool = True,
        mail: Parameters = NO_PARAMETERS,
        rcpt: Parameters = NO_PARAMETERS,
    ) -> list[Reply]:
        """Send as a mail program of this server's users does; the reply for each recipient.

        sender, to  the envelope; by default what From and To, Cc, Bcc say. The login is the sender's.
        mail, rcpt  the parameters of MAIL, and those of every RCPT.
        """
        octets = as_content(content)
        parsed = email.message_from_bytes(octets, policy=email.policy.default)
        sender = sender if sender is not None else parsed["From"].addresses[0].addr_spec
        recipients = [to] if isinstance(to, str) else list(to or _recipients(parsed))
        replies = await submit(
            self.host,
            Endpoint("127.0.0.1", 587 if login else 25),
            envelope(sender, recipients, mail, rcpt),
            octets,
            hostname="program.example",
            login=Credentials(sender, password) if login else None,
        )
        return list(replies)

    async def mailbox(self, address: str) -> Listing[Letter]:
        """The letters in an account's INBOX; an address without @ is at the server's only such domain."""
        rooms = self.postel.rooms
        accounts = await rooms.directory.list()
        account = next(
            a for a in accounts if address.casefold() in (a.mailbox.folded, a.mailbox.local_part.folded)
        )
        inbox = await rooms.store.mailbox(account.id, INBOX)
        if inbox is None:
            return Listing([])
        return Listing(
            [
                Letter(b"".join([chunk async for chunk in rooms.store.read(message)]))
                async for message in rooms.store.messages(inbox.id)
            ]
        )

    async def queue(self) -> Listing[Waiting]:
        """Every recipient that waits or is held."""
        return Listing([row for entry in await self.postel.queue.list() for row in _waiting(entry)])


def envelope(
    sender: str,
    recipients: Sequence[str],
    mail: Parameters = NO_PARAMETERS,
    rcpt: Parameters = NO_PARAMETERS,
) -> Envelope:
    """An envelope from plain text addresses; "" is the null reverse path."""
    to = tuple(Recipient(parse_forward_path(f"<{address}>"), rcpt) for address in recipients)
    return Envelope(parse_reverse_path(f"<{sender}>"), to, mail)


def as_content(content: bytes | str | EmailMessage) -> bytes:
    """The octets of a message, lines ending in CRLF."""
    if isinstance(content, EmailMessage):
        return content.as_bytes(policy=email.policy.SMTP)
    if isinstance(content, str):
        return "\r\n".join(content.splitlines()).encode() + b"\r\n"
    return content


def _recipients(parsed: EmailMessage) -> list[str]:
    fields = [field for name in ("To", "Cc", "Bcc") for field in parsed.get_all(name, [])]
    return [address.addr_spec for field in fields for address in field.addresses]


def _waiting(entry: QueueEntry) -> list[Waiting]:
    message = entry.message
    return [
        Waiting(
            str(message.queue_id),
            str(message.reverse_path),
            str(row.recipient.mailbox),
            [_span(seconds) for seconds in row.tries_s],
            row.state.name.lower(),
            row.reply,
            row.next_at,
            row.lane in entry.lanes_down,
        )
        for row in message.recipients
        if row.state is not State.SETTLED
    ]


def _span(seconds: int) -> str:
    """`80` minutes is "1h20m"."""
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes}m"
    return f"{hours}h{minutes}m" if minutes else f"{hours}h"
