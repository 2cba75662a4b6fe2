"""\\Recent: one session is the first to hear of a message, and no other sees it so (RFC 3501 2.3.2)."""

from typing import Any

import pytest
from imap_world import world

from postel.database import Work
from postel.servers.imapd.recent import NOBODYS, Recent


def test_ranges_that_touch_are_one() -> None:
    recent = Recent(range(3, 5))
    recent.add(range(5, 6))
    recent.add(range(0))
    recent.add(range(9, 10))
    assert list(recent.ranges) == [(3, 5), (9, 9)]
    assert [uid for uid in range(12) if uid in recent] == [3, 4, 5, 9]
    assert recent.first == 3


def test_nothing_is_recent_at_first() -> None:
    recent = Recent()
    assert recent.first == NOBODYS
    assert 1 not in recent
    assert list(recent.ranges) == []


async def test_who_is_told_of_new_mail_has_it_and_who_is_told_later_does_not() -> None:
    async with world() as here:
        first, second = await here.login(), await here.login()
        await first.append()
        reply = await first.ok("FETCH 1 FLAGS")
        assert reply.lines == ["1 FETCH (FLAGS (\\Recent))"]
        reply = await second.ok("NOOP")
        assert reply.lines[-2:] == ["1 EXISTS", "0 RECENT"]
        assert (await second.ok("FETCH 1 FLAGS")).lines == ["1 FETCH (FLAGS ())"]
        assert (await second.ok("SEARCH RECENT")).lines == ["SEARCH"]
        assert (await first.ok("SEARCH NEW")).lines == ["SEARCH 1"]


async def test_status_counts_what_no_session_was_told_of() -> None:
    async with world() as here:
        client = await here.login()
        await client.append()
        assert (await client.ok("STATUS INBOX (RECENT)")).lines == ["STATUS INBOX (RECENT 0)"]
        other = await here.login(mailbox=None)
        await client.ok("UNSELECT")
        await here.put(b"Subject: x\r\n\r\n")
        assert (await other.ok("STATUS INBOX (RECENT)")).lines == ["STATUS INBOX (RECENT 1)"]


async def test_each_of_two_sessions_keeps_what_it_heard_first() -> None:
    async with world() as here:
        first, second = await here.login(), await here.login()
        for client in (first, second, first):
            await client.append()
        await second.ok("NOOP")
        assert (await first.ok("SEARCH RECENT")).lines == ["SEARCH 1 3"]
        assert (await second.ok("SEARCH RECENT")).lines == ["SEARCH 2"]


async def test_who_only_looks_takes_it_from_nobody() -> None:
    async with world() as here:
        looking = await here.login(mailbox=None)
        await looking.ok("EXAMINE INBOX")
        await here.put(b"Subject: x\r\n\r\n")
        assert (await looking.ok("NOOP")).lines == ["1 EXISTS", "1 RECENT"]
        reply = await (await here.login(mailbox=None)).ok("SELECT INBOX")
        assert reply.only("1 RECENT")


async def test_a_session_of_rev2_asks_for_none() -> None:
    async with world() as here:
        client = await here.login(mailbox=None)
        await client.ok("ENABLE IMAP4rev2")
        await client.ok("SELECT INBOX")
        await client.append()
        other = await here.login(mailbox=None)
        assert (await other.ok("SELECT INBOX")).only("1 RECENT")


async def test_what_a_client_puts_into_its_selected_mailbox_is_recent_to_it_in_the_one_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world() as there:
        first, second = await there.login(), await there.login()
        commits = 0
        write = there.parts.database.write

        async def counted(work: Work[Any]) -> Any:
            nonlocal commits
            commits += 1
            return await write(work)

        monkeypatch.setattr(there.parts.database, "write", counted)
        reply = await first.append()
        assert [line for line in reply.lines if line.endswith(("EXISTS", "RECENT"))] == [
            "1 EXISTS",
            "1 RECENT",
        ]
        assert commits == 1
        assert (await second.ok("NOOP")).lines == ["1 EXISTS", "0 RECENT"]
        assert (await first.ok("FETCH 1 FLAGS")).lines == ["1 FETCH (FLAGS (\\Recent))"]
        assert (await second.ok("FETCH 1 FLAGS")).lines == ["1 FETCH (FLAGS ())"]


async def test_what_comes_elsewhere_or_to_one_who_only_looks_is_recent_to_the_next_who_selects_it() -> None:
    async with world() as there:
        looker = await there.login(mailbox=None)
        await looker.ok("CREATE Plans")
        await looker.ok("EXAMINE INBOX")
        await looker.append()
        await looker.append(mailbox="Plans")
        for mailbox in ("INBOX", "Plans"):
            selected = await (await there.login(mailbox=None)).ok(f"SELECT {mailbox}")
            assert selected.only("1 RECENT")
