"""The IMAP service and clients that mean it harm, or have bad luck: others are served, and nothing is left behind."""

import asyncio
from typing import Any

import pytest
from imap_world import LETTER, World, world

from postel.database import DatabaseTrouble, Transaction
from postel.store import MailboxName

# Cut off after any octet: nothing of it is left.
CUT = (
    b"SELECT INBOX\r\n",
    b"FETCH 1:* (UID BODY[])\r\n",
    b"APPEND INBOX {10+}\r\nabcdefghij\r\n",
    b'APPEND INBOX CATENATE (TEXT {4+}\r\nabcd URL "/INBOX/;UID=1")\r\n',
    b"IDLE\r\nDONE\r\n",
    b"NOTIFY SET (personal (MessageNew MessageExpunge))\r\n",
    b"COMPRESS DEFLATE\r\n\x00\xff\xff",
    b"UID SEARCH RETURN (UPDATE ALL) TEXT you\r\n",
    b"COPY 1 Sent\r\n",
)
# Each is refused or answered, and the session goes on.
ODD = (
    b'LIST "" ' + b"*%" * 500,
    b"SEARCH " + b"NOT " * 49 + b"ALL",
    b"SEARCH " + b"(" * 5000,
    b"SEARCH " + b"OR ALL " * 5000 + b"ALL",
    b"FETCH 1:* (" + b"BODY.PEEK[] " * 500 + b"UID)",
    b"FETCH 1 BODY.PEEK[" + b"1." * 5000 + b"1]",
    b"FETCH " + b",".join(b"%d" % n for n in range(1, 9000)) + b" UID",
    b"UID FETCH " + b",".join(b"%d:*" % n for n in range(1, 8000)) + b" UID",
    b"UID FETCH 1:4294967295 (FLAGS)",
    b"STORE 1 +FLAGS (" + b" ".join(b"k%d" % n for n in range(5000)) + b")",
    b"CREATE " + b"a/" * 3000 + b"b",
    b"CREATE " + b"a" * 5000,
    b"CREATE a//b",
    b'CREATE ""',
    b"SORT (" + b"REVERSE " * 2000 + b"DATE) UTF-8 ALL",
    b"ESEARCH IN (personal) RETURN (COUNT) TEXT you",
    b"SETMETADATA INBOX (/private/x ~{100000+}\r\n" + bytes(100_000) + b")",
    b"ID (" + b" ".join(b'"k%d" "v"' % n for n in range(1000)) + b")",
    b'GENURLAUTH "imap://x/;UID=" INTERNAL',
    b'URLFETCH "imap://kitt%40example.org@imap.example.org/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:ff"',
    b"SELECT INBOX (QRESYNC (1 0 1:4294967295 (1:4294967295 1:4294967295)))",
    b"THREAD REFERENCES X-NONE ALL",
    b"STATUS INBOX (" + b"MESSAGES " * 1000 + b"UIDNEXT)",
)


def _no_watches(w: World) -> bool:
    return not w.parts.store.changes.is_watched


async def _all_gone(w: World) -> None:
    for _ in range(2000):
        if w.parts.admission.total == 0 and _no_watches(w):
            return
        await asyncio.sleep(0)
    raise AssertionError("a session, or what it watches, is left behind")


@pytest.mark.parametrize("command", ODD, ids=range(len(ODD)))
async def test_an_odd_command_is_one_command(command: bytes) -> None:
    async with world() as w:
        await w.put(LETTER)
        client, other = await w.login(), await w.login()
        assert (await client.cmd(command)).tagged.startswith(("OK", "NO", "BAD"))
        await client.ok("NOOP")
        await other.ok("FETCH 1 BODY.PEEK[]")
        await (await w.login()).ok("NOOP")


@pytest.mark.parametrize("command", CUT, ids=lambda command: command.split()[0].decode())
async def test_a_connection_that_is_cut_leaves_nothing_behind(command: bytes) -> None:
    async with world() as w:
        await w.put(LETTER)
        for length in range(2, len(command) + 3, 3):
            client = await w.login()
            await client.send((b"x " + command)[:length])
            await asyncio.sleep(0)
            client.stream.abort()
        await _all_gone(w)
        client = await w.login()
        kept = (await client.ok("STATUS INBOX (MESSAGES)")).only("STATUS")
        assert command.startswith(b"APPEND") or kept == "STATUS INBOX (MESSAGES 1)"


class _Broken:
    """A store whose snapshots cannot be had for a while."""

    def __init__(self, w: World) -> None:
        self._snapshots, self._real = w.parts.store.snapshots, w.parts.store.snapshots.current

    async def _fail(self, *_: Any) -> Any:
        raise DatabaseTrouble("disk full")

    def __enter__(self) -> None:
        self._snapshots.current = self._fail  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        self._snapshots.current = self._real  # type: ignore[method-assign]


async def test_trouble_with_the_database_is_the_end_of_a_command_and_of_no_session() -> None:
    async with world() as w:
        client = await w.login()
        with _Broken(w):
            assert (await client.cmd("FETCH 1:* FLAGS")).tagged.startswith("NO [UNAVAILABLE]")
            assert (await client.cmd("FETCH 5 FLAGS")).tagged.startswith("NO [UNAVAILABLE]")
            await client.ok("NOOP")
            await client.cmd("SELECT Nowhere")
            assert (await client.cmd("SELECT INBOX")).tagged.startswith("NO [UNAVAILABLE]")
        await client.ok("SELECT INBOX")
        with _Broken(w):
            await w.put(LETTER)
            await client.ok("NOOP")
        assert "1 EXISTS" in (await client.ok("NOOP")).lines


async def test_one_who_idles_through_trouble_hears_of_it_later() -> None:
    async with world() as w:
        client = await w.login()
        await client.send(b"i IDLE\r\n")
        assert (await client.line()).startswith("+")
        with _Broken(w):
            await w.put(LETTER)
            for _ in range(50):
                await asyncio.sleep(0)
        await w.put(LETTER)
        assert await client.line() == "* 2 EXISTS"
        await client.send(b"DONE\r\n")


async def test_a_client_that_never_reads_holds_no_more_than_its_share() -> None:
    async with world() as w:
        big = LETTER + b"x" * 400_000 + b"\r\n"
        await w.put(*[big] * 20)
        client, other = await w.login(), await w.login()
        await client.send(b"a FETCH 1:* (BODY.PEEK[])\r\n")
        for _ in range(200):
            await asyncio.sleep(0)
        await other.ok("FETCH 1:20 (UID FLAGS)")
        (waiting,) = [one for one in w.service._sessions if one.talk.is_full or not one.is_between_commands]
        assert len(waiting.talk.data_to_send()) < 2 * 1024 * 1024


async def test_thousands_of_pipelined_commands_hold_up_nobody() -> None:
    async with world() as w:
        client, other = await w.login(), await w.login()
        flood = asyncio.create_task(client.send(b"".join(b"n%d NOOP\r\n" % n for n in range(3000))))
        await other.ok("NOOP")
        for n in range(3000):
            assert (await client.line()).startswith(f"n{n} OK")
        await flood


async def test_pairs_without_end_are_compared_to_the_first_that_does_not_fit() -> None:
    async with world() as w:
        await w.put(*[LETTER] * 3)
        client = await w.login(mailbox=None)
        await client.ok("ENABLE QRESYNC")
        told = await client.ok("SELECT INBOX")
        validity = told.only("OK [UIDVALIDITY").split()[2].rstrip("]")
        all_there_can_be = "1:4294967295"
        reply = await client.ok(
            f"SELECT INBOX (QRESYNC ({validity} 1 {all_there_can_be} ({all_there_can_be} {all_there_can_be})))"
        )
        assert not [line for line in reply.lines if line.startswith("VANISHED")]


async def test_what_is_beyond_the_limits_is_not_asked_for() -> None:
    async with world() as w:
        for verb in (b"SELECT", b"CREATE", b'LIST ""', b"SEARCH TEXT", b"STATUS", b"DELETE", b"URLFETCH"):
            client = await w.login()
            await client.send(b"a " + verb + b" {100000000}\r\n")
            assert (await client.line()).startswith(("a BAD", "a NO", "* BYE"))
        client = await w.login()
        assert (await client.cmd(b"APPEND INBOX {99999999999}")).tagged.startswith("NO [TOOBIG]")
        await client.ok("NOOP")


async def test_a_storm_of_mailboxes_ends_at_the_limit_and_is_listed() -> None:
    async with world() as w:
        client = await w.login()
        made = 0
        while made < 1200 and (await client.cmd(f"CREATE storm/{made}")).tagged.startswith("OK"):
            made += 1
        assert made > 100
        assert (await client.cmd(f"CREATE storm/{made}")).tagged.startswith(("NO [LIMIT]", "OK"))
        await client.ok("RENAME storm calm")
        assert len((await client.ok('LIST "" "calm/*%*%*%*%*"')).lines) >= made
        await client.ok("NOTIFY SET STATUS (personal (MessageNew MessageExpunge))")
        await client.ok("ESEARCH IN (personal) RETURN (COUNT) ALL")


async def test_news_of_one_mailbox_among_many_are_had_by_looking_at_that_one() -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        for n in range(20):
            await client.ok(f"CREATE box{n}")
        await client.ok("NOTIFY SET (personal (MessageNew MessageExpunge FlagChange))")
        boxes = w.parts.store.mailboxes
        w.parts.store.mailboxes = _refuse  # type: ignore[method-assign]
        await w.put(LETTER, name=MailboxName("box7"))
        assert (await client.line()).startswith("* STATUS box7 (MESSAGES 1 ")
        w.parts.store.mailboxes = boxes  # type: ignore[method-assign]
        other = await w.login(mailbox=None)
        await other.ok("RENAME box7 box77")
        await w.put(LETTER, name=MailboxName("box77"))
        assert (await client.line()).startswith("* STATUS box77 (MESSAGES 2 ")


async def _refuse(*_: Any) -> Any:
    raise DatabaseTrouble("disk full")


async def test_a_notify_that_fails_half_way_watches_nothing() -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        tree = w.parts.store.tree
        subscriptions, asked = tree.subscriptions, list[int]()

        async def fail_later(account_id: int) -> Any:
            asked.append(account_id)
            return await (_refuse() if len(asked) == 3 else subscriptions(account_id))

        tree.subscriptions = fail_later  # type: ignore[method-assign]
        notify = "NOTIFY SET (inboxes (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))"
        assert (await client.cmd(notify)).tagged.startswith("NO [UNAVAILABLE]")
        client.stream.abort()
        await _all_gone(w)


async def test_thousands_of_names_hold_up_nobody() -> None:
    async with world() as w:
        client, other = await w.login(), await w.login()
        await w.parts.database.write(lambda tx: _many(w, tx))
        listing = asyncio.create_task(client.ok('LIST "" * RETURN (SUBSCRIBED STATUS (MESSAGES))'))
        answered = 0
        while not listing.done():
            await other.ok("NOOP")
            answered += 1
        assert answered > 5
        assert len((await listing).lines) > 2 * 2000


async def _many(w: World, tx: Transaction) -> None:
    for n in range(2000):
        await w.parts.store.tree.create(tx, w.kitt.id, f"many{n}")
