"""NOTIFY, as several sessions and users see it (RFC 5465)."""

from __future__ import annotations

import pytest
from imap_world import LETTER, world

from postel.store import MailboxName


async def test_changes_of_flags_are_told_with_the_uid() -> None:
    """RFC 5465 5.1: the response MUST include UID and FLAGS."""
    async with world() as w:
        await w.put(LETTER, LETTER)
        client, other = await w.login(), await w.login()
        await other.ok("UID STORE 1 +FLAGS (\\Deleted)")
        await other.ok("EXPUNGE")
        await client.ok("NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))")
        await other.ok("STORE 1 +FLAGS (\\Flagged)")
        assert await client.line() == "* 1 FETCH (UID 2 FLAGS (\\Flagged \\Recent))"


async def test_what_several_groups_say_of_a_mailbox_holds_together() -> None:
    """RFC 5465 6: the example of INBOX."""
    async with world() as w:
        client, other = await w.login(mailbox=None), await w.login()
        await client.ok(
            "NOTIFY SET (mailboxes INBOX (MessageNew MessageExpunge)) (personal (SubscriptionChange))"
        )
        await other.append()
        assert (await client.line()).startswith("* STATUS INBOX (MESSAGES 1")
        await other.ok("UNSUBSCRIBE INBOX")
        assert await client.line() == '* LIST () "/" INBOX'


async def test_changed_annotations_are_told_by_name() -> None:
    """RFC 5465 5.6, 5.7: both events are required of who offers METADATA."""
    async with world() as w:
        client, other = await w.login(mailbox=None), await w.login(mailbox=None)
        await other.ok('SETMETADATA Drafts (/private/comment "old" /shared/comment "kept")')
        await client.ok("NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))")
        await other.ok('SETMETADATA Drafts (/private/comment "new")')
        assert await client.line() == "* METADATA Drafts /private/comment"
        await other.ok("SETMETADATA Drafts (/shared/comment NIL)")
        assert await client.line() == "* METADATA Drafts /shared/comment"
        await other.ok('SETMETADATA "" (/private/vendor/x/y "z")')
        assert await client.line() == '* METADATA "" /private/vendor/x/y'


async def test_annotations_that_nobody_asked_for_are_not_told() -> None:
    async with world() as w:
        client, other = await w.login(mailbox=None), await w.login(mailbox=None)
        await client.ok("NOTIFY SET (mailboxes Drafts (MailboxMetadataChange))")
        await other.ok('SETMETADATA "" (/private/comment "x")')
        await other.ok('SETMETADATA Archive (/private/comment "x")')
        await other.ok('SETMETADATA Drafts (/private/comment "x")')
        assert await client.line() == "* METADATA Drafts /private/comment"


async def test_a_mailbox_that_may_be_seen_and_not_read_is_said_to_be_so() -> None:
    """RFC 5465 3.1: with l and without r, LIST says NoAccess; without l it is as if it were not there."""
    async with world() as w:
        ann, kitt = await w.login("ann@example.org", mailbox=None), await w.login(mailbox=None)
        for name, rights in (("Seen", "l"), ("Hidden", "r"), ("Open", "lr")):
            await ann.ok(f"CREATE {name}")
            await ann.ok(f"SETACL {name} kitt@example.org {rights}")
        top = "Other Users/ann@example.org"
        names = " ".join(f'"{top}/{name}"' for name in ("Seen", "Hidden", "Open"))
        told = await kitt.ok(f"NOTIFY SET (mailboxes ({names}) (MessageNew MessageExpunge))")
        assert told.lines == [f'LIST (\\NoAccess) "/" "{top}/Seen"']
        await ann.append(mailbox="Seen")
        await ann.append(mailbox="Open")
        assert (await kitt.line()).startswith(f'* STATUS "{top}/Open" (MESSAGES 1')


async def test_what_happens_while_one_notify_takes_the_place_of_another_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RFC 5465 3.1: the one lasts until the next, so nothing falls between them."""
    events = "(MessageNew MessageExpunge)"
    async with world() as w:
        client = await w.login(mailbox=None)
        await client.ok(f"NOTIFY SET STATUS (mailboxes (Drafts Sent) {events})")
        with monkeypatch.context() as patch:  # committed, and the bell has not rung yet
            patch.setattr(w.parts.store.changes, "publish", lambda tx, mailbox_id: None)
            await w.put(LETTER, name=MailboxName("Drafts"))
            await w.put(LETTER, name=MailboxName("Sent"))
        reply = await client.ok(f"NOTIFY SET (mailboxes Drafts {events})")
        assert reply.only("STATUS").startswith("STATUS Drafts (MESSAGES 1 ")


async def test_what_was_not_told_of_a_mailbox_is_told_when_another_is_selected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = "(MessageNew MessageExpunge FlagChange)"
    async with world() as w:
        await w.put(LETTER, LETTER)
        client, other = await w.login(), await w.login()
        await other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        await other.ok("EXPUNGE")
        await client.ok(f"NOTIFY SET (selected {events}) (mailboxes INBOX {events})")
        await client.ok("SELECT Drafts")
        assert (await client.ok("NOOP")).lines == []
        await client.ok("SELECT INBOX")
        with monkeypatch.context() as patch:  # committed, and the bell has not rung yet
            patch.setattr(w.parts.store.changes, "publish", lambda tx, mailbox_id: None)
            await w.put(LETTER)
        await client.ok("SELECT Drafts")
        assert (await client.ok("NOOP")).only("STATUS").startswith("STATUS INBOX (MESSAGES 2 UIDNEXT 4 ")
        assert (await client.ok("NOOP")).lines == []
