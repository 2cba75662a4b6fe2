"""Local delivery: a real queue and store, with routing by a table and accounts in a dict."""

from __future__ import annotations

import asyncio
import email
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from postel import contents, queue, store
from postel.asks import answer_with
from postel.contents import Contents
from postel.database import SqliteDatabase, Transaction
from postel.delivery import MailboxAgent, MailboxOptions
from postel.mail import (
    NO_PARAMETERS,
    Envelope,
    ForwardPath,
    Mailbox,
    Parameters,
    Recipient,
    Reply,
    ReversePath,
    Status,
    parse_domain,
    parse_mailbox,
)
from postel.mail.replies import MAILBOX_FULL
from postel.message import index_content
from postel.queue import (
    AtOnce,
    DeliveryAgent,
    Jobs,
    NewMessage,
    Origin,
    Queue,
    QueueEntry,
    QueueOptions,
    Relayed,
    State,
)
from postel.routing import (
    AccountQuestion,
    Decision,
    Discard,
    FixedRoute,
    FixedTarget,
    OurDomain,
    Refuse,
    RoutingTable,
    ToMx,
    decide,
    lane,
    parse_alias,
    parse_pattern,
)
from postel.store import OverQuota, Store, StoredMessage
from postel.testing import FakeClock, InlineWorkers

LETTER = b"From: ann@example.net\r\nSubject: hello\r\n\r\nhello\r\n"
ACCOUNTS = {"kitt@free.org": 1, "frito@free.org": 2, "käthe@free.org": 3}
ALIASES = {
    "sales": ["kitt@free.org", "frito@free.org"],
    "mixed": ["kitt@free.org", "bob@example.com"],
    "frito": ["frito@free.org", "bob@example.com"],
    "away": ["bob@example.com"],
    "k": ["käthe@free.org"],
    "half": ["kitt@free.org", "nobody@free.org"],
}


class Far:
    """The rest of the world takes everything."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def deliver(self, jobs: Jobs) -> None:
        while (job := await jobs.next()) is not None:
            self.taken += [str(r.mailbox) for r in job.recipients]
            reply = Reply(250, Status(2, 0, 0), "OK")
            await jobs.done(job, {r.id: Relayed("mx.example.com", reply) for r in job.recipients})


@dataclass
class World:
    database: SqliteDatabase
    contents: Contents
    clock: FakeClock
    store: Store
    far: Far = field(default_factory=Far)
    accounts: dict[str, int] = field(default_factory=lambda: dict(ACCOUNTS))
    fixed: tuple[FixedRoute, ...] = ()
    options: MailboxOptions = field(default_factory=MailboxOptions)
    has_shortcut: ClassVar[bool]
    queue: Queue = field(init=False)

    def table(self) -> RoutingTable:
        org = parse_domain("free.org")
        aliases = dict(parse_alias(name, members, org) for name, members in ALIASES.items())
        return RoutingTable(
            hostname=parse_domain("pluto.free.org"), domains=(OurDomain(org, aliases),), routes=self.fixed
        )

    async def decide(self, mailbox: Mailbox) -> Decision:
        return answer_with(decide(self.table(), mailbox), self._answer)

    def _answer(self, question: Any) -> bool:
        assert isinstance(question, AccountQuestion)
        return question.address in self.accounts

    async def find_account(self, address: str) -> int | None:
        return self.accounts.get(address)

    def agent(self, name: str) -> DeliveryAgent:
        return self.local() if name == "local" else self.far

    def at_once(self, name: str) -> AtOnce | None:
        return self.local().at_once if name == "local" and self.has_shortcut else None

    def local(self) -> MailboxAgent:
        return MailboxAgent(
            self.decide, self.find_account, self.store, self.contents, self.clock, self.options
        )

    async def send(
        self,
        *to: str,
        content: bytes = LETTER,
        reverse_path: str = "ann@example.net",
        parameters: Parameters = NO_PARAMETERS,
    ) -> None:
        """Have the queue take a message, and let everything happen that can."""
        await self.accept(*to, content=content, reverse_path=reverse_path, parameters=parameters)
        await asyncio.sleep(1)

    async def accept(
        self,
        *to: str,
        content: bytes = LETTER,
        reverse_path: str = "ann@example.net",
        parameters: Parameters = NO_PARAMETERS,
    ) -> None:
        """Have the queue take a message."""
        draft = self.contents.draft()
        await draft.write(content)
        path = ReversePath(parse_mailbox(reverse_path)) if reverse_path else ReversePath.NULL
        message = NewMessage(
            queue_id=self.queue.next_id(),
            envelope=Envelope(
                path, tuple(Recipient(ForwardPath.of(parse_mailbox(t))) for t in to), parameters
            ),
            content=await draft.seal(),
            received_at=self.clock.now(),
            origin=Origin(protocol="ESMTP"),
        )
        await self.queue.accept(message)

    async def inbox(self, address: str) -> list[bytes]:
        return [await self.text(message) for message in await self.messages(address)]

    async def messages(self, address: str) -> list[StoredMessage]:
        box = await self.store.mailbox(ACCOUNTS[address])
        return [] if box is None else [message async for message in self.store.messages(box.id)]

    async def text(self, message: StoredMessage) -> bytes:
        return b"".join([chunk async for chunk in self.store.read(message)])

    async def queued(self) -> list[QueueEntry]:
        return list(await self.queue.list())

    async def count(self, table: str) -> int:
        row = await self.database.read(lambda tx: tx.fetch_one(f"SELECT COUNT(*) FROM {table}"))
        assert row is not None
        return int(row[0])


@pytest.fixture(params=[True, False], ids=["at once", "by the queue"], autouse=True)
def has_shortcut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """What is true of a delivery is true of it whichever way it takes."""
    monkeypatch.setattr(World, "has_shortcut", request.param, raising=False)
    return bool(request.param)


@asynccontextmanager
async def world(**facts: Any) -> AsyncIterator[World]:
    database = await SqliteDatabase.open(None, threaded=False)
    for room in (contents, queue, store):
        await database.migrate(room.MIGRATIONS)
    clock = FakeClock()
    all_contents = Contents(None, database, InlineWorkers())
    made = World(
        database, all_contents, clock, Store(database, all_contents, clock, InlineWorkers()), **facts
    )
    made.queue = Queue(
        database,
        all_contents,
        clock,
        QueueOptions(hostname="pluto.free.org"),
        lambda mailbox: lane(made.table(), mailbox),
        made.agent,
        rng=random.Random(1),
        at_once=made.at_once,
    )
    await made.queue.start()
    try:
        yield made
    finally:
        await made.queue.stop(1.0)
        await database.close()


async def test_a_letter_arrives_with_its_return_path_and_address_on_top() -> None:
    async with world() as w:
        await w.send("kitt@free.org")
        top = b"Return-Path: <ann@example.net>\r\nDelivered-To: kitt@free.org\r\n"
        assert await w.inbox("kitt@free.org") == [top + LETTER]
        (message,) = await w.messages("kitt@free.org")
        assert message.size_bytes == len(top + LETTER)
        assert message.internal_date_at == pytest.approx(w.clock.now(), abs=2)
        assert await w.queued() == []


@pytest.mark.parametrize("to", [("kitt@free.org", "käthe@free.org"), ("k@free.org", "kitt@free.org")])
async def test_mailboxes_have_a_letter_when_it_is_accepted_and_nobody_queues_it(
    to: tuple[str, ...], has_shortcut: bool
) -> None:
    async with world() as w:
        await w.accept(*to)
        is_there = bool(await w.inbox("kitt@free.org") and await w.inbox("käthe@free.org"))
        assert is_there == has_shortcut
        assert await w.count("queue_arrival") == (0 if has_shortcut else 1)
        await asyncio.sleep(1)
        assert await w.count("content") == 1
        assert await w.count("stored_message") == 2
        assert await w.queued() == []


async def test_a_null_reverse_path_stays_null() -> None:
    async with world() as w:
        await w.send("kitt@free.org", reverse_path="")
        (text,) = await w.inbox("kitt@free.org")
        assert text.startswith(b"Return-Path: <>\r\n")


async def test_a_letter_is_known_and_has_its_thread_as_it_arrives() -> None:
    async with world() as w:
        await w.send("kitt@free.org", "frito@free.org")
        for address in ("kitt@free.org", "frito@free.org"):
            (message,) = await w.messages(address)
            known = await w.store.index.known([message.content_id])
            assert known == {message.content_id: index_content(LETTER)}
            letters = await w.store.letters(message.mailbox_id, [message.uid])
            assert letters[message.uid].thread_id == message.letter_id


async def test_a_large_letter_is_delivered_before_it_is_read() -> None:
    async with world() as w:
        await w.send("kitt@free.org", content=LETTER + b"0123456789\r\n" * 100_000)
        (message,) = await w.messages("kitt@free.org")
        assert await w.store.index.known([message.content_id]) == {}
        await w.store.indexer.catch_up()
        assert len(await w.store.index.known([message.content_id])) == 1


async def test_the_content_is_stored_once_for_all() -> None:
    async with world() as w:
        await w.send("kitt@free.org", "frito@free.org", "käthe@free.org")
        assert await w.count("stored_message") == 3
        assert await w.count("content") == 1


async def test_a_detail_reaches_the_account_and_stays_readable() -> None:
    async with world() as w:
        await w.send("kitt+lists@free.org")
        (text,) = await w.inbox("kitt@free.org")
        # RFC 9228 4: the later address stands above the earlier one.
        assert b"\r\nDelivered-To: kitt@free.org\r\nDelivered-To: kitt+lists@free.org\r\n" in text


async def test_an_alias_reaches_all_its_accounts_in_one_transaction() -> None:
    async with world() as w:
        await w.send("sales@free.org")
        (text,) = await w.inbox("frito@free.org")
        assert b"\r\nDelivered-To: frito@free.org\r\nDelivered-To: sales@free.org\r\n" in text
        assert len(await w.inbox("kitt@free.org")) == 1


async def test_an_account_gets_one_copy_however_many_recipients_lead_to_it() -> None:
    async with world() as w:
        await w.send("kitt@free.org", "sales@free.org", "mixed@free.org", "kitt+x@free.org")
        assert len(await w.inbox("kitt@free.org")) == 1
        assert len(await w.inbox("frito@free.org")) == 1
        assert w.far.taken == ["bob@example.com"]


async def test_an_alias_with_members_here_and_abroad_reaches_both() -> None:
    async with world() as w:
        await w.send("mixed@free.org")
        assert len(await w.inbox("kitt@free.org")) == 1
        assert w.far.taken == ["bob@example.com"]
        assert await w.queued() == []


async def test_an_alias_that_names_its_own_account_keeps_a_copy() -> None:
    async with world() as w:
        await w.send("frito@free.org")
        assert len(await w.inbox("frito@free.org")) == 1
        assert w.far.taken == ["bob@example.com"]


async def test_an_alias_that_leads_abroad_only_is_a_new_recipient() -> None:
    async with world() as w:
        await w.send("away@free.org")
        assert w.far.taken == ["bob@example.com"]
        assert await w.count("stored_message") == 0


async def test_a_member_that_does_not_exist_is_reported_and_the_others_are_served() -> None:
    async with world() as w:
        await w.send("half@free.org")
        assert len(await w.inbox("kitt@free.org")) == 1
        assert w.far.taken == ["ann@example.net"]  # the report


async def test_a_recipient_who_is_gone_is_reported() -> None:
    async with world() as w:
        await w.send("nobody@free.org")
        assert w.far.taken == ["ann@example.net"]
        assert await w.queued() == []


@pytest.mark.parametrize(
    ("target", "left"),
    [
        (Refuse(Reply(550, Status(5, 7, 1), "closed"), "configured"), 0),
        (Refuse(Reply(451, Status(4, 7, 1), "later"), "configured"), 1),
    ],
)
async def test_a_route_that_refuses_fails_or_delays_by_its_reply(target: FixedTarget, left: int) -> None:
    async with world() as w:
        w.fixed = (FixedRoute(parse_pattern("free.org"), target, "here"),)
        await w.send("kitt@free.org")
        assert await w.inbox("kitt@free.org") == []
        assert len(await w.queued()) == left


async def test_an_account_that_goes_between_decision_and_delivery_is_decided_anew() -> None:
    async with world() as w:

        async def nobody(address: str) -> int | None:
            return None

        w.find_account, find_account = nobody, w.find_account  # type: ignore[method-assign]
        await w.send("kitt@free.org")
        assert len(await w.queued()) == 1
        w.find_account = find_account  # type: ignore[method-assign]
        await asyncio.sleep(3600)
        assert len(await w.inbox("kitt@free.org")) == 1


async def test_what_cannot_be_stored_now_is_tried_again_and_is_there_once() -> None:
    async with world() as w:
        append, w.store.append = w.store.append, _fails_once(w.store)  # type: ignore[method-assign]
        await w.send("kitt@free.org")
        assert await w.inbox("kitt@free.org") == []
        w.store.append = append  # type: ignore[method-assign]
        await asyncio.sleep(3600)
        assert len(await w.inbox("kitt@free.org")) == 1
        assert await w.queued() == []


async def test_room_that_another_delivery_has_taken_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    async def is_full(tx: Transaction, *facts: Any) -> int:
        raise OverQuota("octets", 10, 11)

    async with world() as w:
        append, w.store.append = w.store.append, is_full  # type: ignore[method-assign]
        await w.send("kitt@free.org")
        (waiting,) = await w.queued()
        assert waiting.message.recipients[0].reply == MAILBOX_FULL
        assert not any(record.message == "delivery_fault" for record in caplog.records)
        w.store.append = append  # type: ignore[method-assign]
        await asyncio.sleep(3600)
        assert len(await w.inbox("kitt@free.org")) == 1


def _fails_once(of: Store) -> Any:
    async def append(tx: Transaction, *facts: Any) -> int:
        raise RuntimeError("a bug")

    return append


async def test_a_message_that_went_around_too_often_fails() -> None:
    async with world() as w:
        # One more than the servers let in, and our own on top of that.
        await w.send("kitt@free.org", content=b"Received: from a by b\r\n" * 102 + LETTER)
        assert await w.inbox("kitt@free.org") == []
        assert w.far.taken == ["ann@example.net"]


async def test_received_fields_in_the_body_are_not_counted() -> None:
    async with world() as w:
        await w.send("kitt@free.org", content=LETTER + b"Received: from a by b\r\n" * 200)
        assert len(await w.inbox("kitt@free.org")) == 1


async def test_a_message_delivered_here_again_and_again_is_a_loop() -> None:
    async with world() as w:
        await w.send("kitt@free.org", content=b"Delivered-To: Kitt@free.org\r\n" * 3 + LETTER)
        assert await w.inbox("kitt@free.org") == []
        assert w.far.taken == ["ann@example.net"]


async def test_a_message_that_somebody_resends_is_no_loop() -> None:
    async with world() as w:
        again = b"Delivered-To: kitt@free.org\r\n" + b"Delivered-To: other@free.org\r\n" * 5 + LETTER
        await w.send("kitt@free.org", content=again)
        assert len(await w.inbox("kitt@free.org")) == 1


@pytest.mark.parametrize(
    ("to", "content", "parameters", "needs_utf8"),
    [
        ("kitt@free.org", LETTER, {"SMTPUTF8": None}, False),
        ("kitt@free.org", "Subject: Grüße\r\n\r\n".encode(), {"SMTPUTF8": None}, True),
        ("kitt@free.org", "Subject: x\r\n\r\nGrüße\r\n".encode(), {"SMTPUTF8": None}, False),
        ("kitt@free.org", "Subject: Grüße\r\n\r\n".encode(), {}, False),
        ("käthe@free.org", LETTER, {"SMTPUTF8": None}, True),
    ],
)
async def test_a_message_whose_header_is_utf8_is_marked(
    to: str, content: bytes, parameters: Mapping[str, str | None], needs_utf8: bool
) -> None:
    async with world() as w:
        await w.send(to, content=content, parameters=parameters)
        (message,) = await w.messages(to)
        assert message.needs_utf8 is needs_utf8


async def test_an_address_that_is_not_ascii_is_kept_from_an_ascii_message_by_its_mark() -> None:
    async with world() as w:
        await w.send("k@free.org")
        (message,) = await w.messages("käthe@free.org")
        assert message.needs_utf8
        assert "Delivered-To: käthe@free.org\r\nDelivered-To: k@free.org\r\n".encode() in await w.text(
            message
        )


async def test_routes_that_belong_to_another_lane_wait_for_the_reload_that_moves_them() -> None:
    async with world() as w:

        async def abroad(mailbox: Mailbox) -> Decision:
            route = Discard() if mailbox.local_part.text == "frito" else ToMx(parse_domain("example.com"))
            return Decision(mailbox, route, ())

        w.decide = abroad  # type: ignore[method-assign]
        await w.send("kitt@free.org", "frito@free.org")
        (entry,) = await w.queued()
        states = {str(r.recipient.mailbox): r.state for r in entry.message.recipients}
        assert states == {"kitt@free.org": State.WAITING, "frito@free.org": State.SETTLED}


async def test_a_hundred_letters_for_one_account_arrive_in_any_order_but_each_once() -> None:
    async with world() as w:
        await asyncio.gather(
            *(w.send("kitt@free.org", content=b"Subject: %d\r\n\r\n" % n) for n in range(100))
        )
        texts = await w.inbox("kitt@free.org")
        assert sorted(int(text.rpartition(b"Subject: ")[2]) for text in texts) == list(range(100))


# -- binary content ----------------------------------------------------------------------------------------

BINARY = (
    b"MIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\0one\ntwo\r"
)


async def test_a_binary_message_is_kept_in_lines() -> None:
    # RFC 3030 3: POP3 could not give it out
    async with world() as w:
        await w.send("kitt@free.org", "frito@free.org", content=BINARY, parameters={"BODY": "BINARYMIME"})
        (kept,) = await w.inbox("kitt@free.org")
        assert email.message_from_bytes(kept).get_payload(decode=True) == b"\0one\ntwo\r"
        assert kept.endswith(b"\r\n")
        (message,) = await w.messages("kitt@free.org")
        assert message.size_bytes == len(kept)
        assert await w.count("content") == 1  # one for all mailboxes, and the binary one is gone
        assert await w.queued() == []


async def test_lines_that_are_only_long_stay() -> None:
    async with world() as w:
        long = b"Subject: x\r\n\r\n" + b"x" * 2000 + b"\r\n"
        await w.send("kitt@free.org", content=long, parameters={"BODY": "BINARYMIME"})
        (kept,) = await w.inbox("kitt@free.org")
        assert kept.endswith(long)


async def test_a_binary_message_that_is_signed_stays_as_it_is() -> None:
    async with world() as w:
        signed = (
            b"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\n\0\r\n--x\r\n"
            b"Content-Type: application/pgp-signature\r\n\r\nx\r\n--x--\r\n"
        )
        await w.send("kitt@free.org", content=signed, parameters={"BODY": "BINARYMIME"})
        (kept,) = await w.inbox("kitt@free.org")
        assert kept.endswith(signed)
