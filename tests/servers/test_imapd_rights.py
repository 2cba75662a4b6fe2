"""RFC 4314 4 as a table: each command with exactly one right missing, and what a stranger may not learn by it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from imap_world import LETTER, Client, World, world

from postel.store import ALL_RIGHTS

ANN = "ann@example.org"
PLANS = f'"Other Users/{ANN}/Plans"'
BELOW = f'"Other Users/{ANN}/Plans/Below"'
NOWHERE = f'"Other Users/{ANN}/Nowhere"'
SECRET = f'"Other Users/{ANN}/Secret"'
FLAGS = r"(\Seen \Deleted \Flagged word)"

# The right that is missing (the last letter), and a command that needs it and no more; {} is the mailbox.
NAMED = (
    ("r", "SELECT {}"),
    ("r", "EXAMINE {}"),
    ("r", "STATUS {} (MESSAGES)"),
    ("r", "GETQUOTAROOT {}"),
    ("i", "APPEND {} {{2+}}\r\nhi"),
    ("i", "APPEND {} CATENATE (TEXT {{2+}}\r\nhi)"),
    ("x", "DELETE {}"),
    ("a", "SETACL {} anyone l"),
    ("a", "SETACL {} anyone +l"),
    ("a", "DELETEACL {} anyone"),
    ("a", "GETACL {}"),
    ("a", "LISTRIGHTS {} anyone"),
    ("lw", 'SETMETADATA {} (/shared/comment "x")'),
)
FROM_INBOX = (("i", "COPY 1 {}"), ("i", "MOVE 1 {}"), ("i", "UID COPY 1 {}"), ("i", "UID MOVE 1 {}"))
REPLACING = ("i", "REPLACE 1 {} {{2+}}\r\nhi")
# The right, and a command in the shared mailbox, selected.
SELECTED = (
    ("e", "EXPUNGE"),
    ("e", "UID EXPUNGE 1:*"),
    ("t", "MOVE 1 INBOX"),
    ("e", "MOVE 1 INBOX"),
    ("t", "REPLACE 1 INBOX {2+}\r\nhi"),
    ("e", "REPLACE 1 INBOX {2+}\r\nhi"),
    ("s", r"STORE 1 +FLAGS (\Seen)"),
    ("t", r"STORE 1 +FLAGS (\Deleted)"),
    ("w", r"STORE 1 +FLAGS (\Flagged)"),
    ("w", "STORE 1 +FLAGS (word)"),
    ("w", r"STORE 1 -FLAGS (\Draft)"),
    ("t", r"STORE 1 FLAGS (\Seen)"),
)


@asynccontextmanager
async def shared() -> AsyncIterator[tuple[World, Client, Client]]:
    """Ann's Plans, with a letter in it; she, and Kitt to whom nothing is granted yet."""
    async with world() as w:
        await w.put(LETTER)
        ann, kitt = await w.login(ANN), await w.login()
        for name in ("Plans", "Secret"):
            await ann.ok(f"CREATE {name}")
        await ann.append(mailbox="Plans", options=r"(\Answered) ")
        yield w, ann, kitt


async def grant(ann: Client, rights: str, name: str = "Plans") -> None:
    await ann.ok(f'SETACL {name} kitt@example.org "{rights}"')


def without(*missing: str) -> str:
    return "".join(right for right in ALL_RIGHTS if right not in missing)


@pytest.mark.parametrize(("right", "command"), [*NAMED, *FROM_INBOX, REPLACING])
async def test_a_command_needs_its_right_on_the_mailbox_that_it_names(right: str, command: str) -> None:
    async with shared() as (_, ann, kitt):
        await grant(ann, without(right[-1]))
        denied = await kitt.cmd(command.format(PLANS))
        assert denied.tagged.startswith("NO [NOPERM]"), denied
        await grant(ann, without(right[-1], "l"))
        hidden = await kitt.cmd(command.format(PLANS))
        nowhere = await kitt.cmd(command.format(NOWHERE))
        nobody = await kitt.cmd(command.format('"Other Users/nobody@example.org/Plans"'))
        assert hidden.tagged == nowhere.tagged == nobody.tagged
        assert hidden.tagged.startswith(("NO [NONEXISTENT]", "NO [TRYCREATE]"))
        assert await status(ann, "MESSAGES") == 1
        await grant(ann, right + "r")
        await kitt.ok(command.format(PLANS))


async def status(client: Client, item: str) -> int:
    told = (await client.ok(f"STATUS Plans ({item})")).only("STATUS")
    return int(told.rstrip(")").split()[-1])


@pytest.mark.parametrize(("right", "command"), SELECTED)
async def test_a_command_needs_its_right_on_the_mailbox_that_is_selected(right: str, command: str) -> None:
    async with shared() as (_, ann, kitt):
        await ann.ok("SELECT Plans")
        await ann.ok(r"STORE 1 +FLAGS (\Deleted)")
        flags = (await ann.ok("FETCH 1 FLAGS")).lines
        await grant(ann, without(right))
        await kitt.ok(f"SELECT {PLANS}")
        denied = await kitt.cmd(command)
        assert denied.tagged.startswith("NO [NOPERM]"), denied
        assert (await ann.ok("FETCH 1 FLAGS")).lines == flags
        assert await status(ann, "MESSAGES") == 1


async def test_what_may_be_changed_is_changed_and_the_rest_is_left() -> None:
    async with shared() as (_, ann, kitt):
        await grant(ann, without("t"))
        await kitt.ok(f"SELECT {PLANS}")
        reply = await kitt.ok(rf"STORE 1 +FLAGS {FLAGS}")
        assert r"\Flagged" in reply.only("1 FETCH")
        assert r"\Deleted" not in reply.only("1 FETCH")


@pytest.mark.parametrize(
    ("missing", "lost"), [("s", (r"\Seen",)), ("t", (r"\Deleted",)), ("w", (r"\Flagged", "word"))]
)
@pytest.mark.parametrize("command", ["COPY 1 {}", "MOVE 1 {}", "APPEND {} {} {{2+}}\r\nhi"])
async def test_a_flag_without_its_right_is_lost_and_the_message_comes(
    command: str, missing: str, lost: tuple[str, ...]
) -> None:
    async with shared() as (_, ann, kitt):
        await grant(ann, without(missing))
        await kitt.ok(f"STORE 1 FLAGS {FLAGS}")
        await kitt.ok(command.format(PLANS, FLAGS))
        await ann.ok("EXAMINE Plans")
        told = (await ann.ok("FETCH 2 FLAGS")).only("2 FETCH")
        for flag in (r"\Seen", r"\Deleted", r"\Flagged", "word"):
            assert (flag in told) is (flag not in lost)


async def test_reading_marks_nothing_as_read_without_the_right() -> None:
    async with shared() as (_, ann, kitt):
        await grant(ann, without("s"))
        await kitt.ok(f"SELECT {PLANS}")
        await kitt.ok("FETCH 1 BODY[]")
        assert await status(ann, "UNSEEN") == 1


async def test_close_without_the_right_closes_and_removes_nothing() -> None:
    async with shared() as (_, ann, kitt):
        await grant(ann, without("e"))
        await kitt.ok(f"SELECT {PLANS}")
        await kitt.ok(r"STORE 1 +FLAGS (\Deleted)")
        await kitt.ok("CLOSE")
        assert await status(ann, "MESSAGES") == 1


@pytest.mark.parametrize("rights", ["r", "s", "w", "t", "e", "i"])
async def test_with_one_right_that_changes_the_mailbox_is_open_for_writing(rights: str) -> None:
    async with shared() as (_, ann, kitt):
        await grant(ann, "r" + rights)
        mode = "READ-ONLY" if rights == "r" else "READ-WRITE"
        assert f"[{mode}]" in (await kitt.ok(f"SELECT {PLANS}")).tagged


@pytest.mark.parametrize("right", list(ALL_RIGHTS))
async def test_any_of_six_rights_is_enough_to_ask_which_one_has(right: str) -> None:
    async with shared() as (_, ann, kitt):
        await grant(ann, right)
        reply = await kitt.cmd(f"MYRIGHTS {PLANS}")
        if right in "lrikxa":
            assert reply.lines == [f"MYRIGHTS {PLANS} {right}{'c' if right in 'kx' else ''}"]
        else:
            assert reply.tagged.startswith("NO [NONEXISTENT]")


async def test_the_old_letters_stand_for_the_new_rights() -> None:
    async with shared() as (_, ann, kitt):
        await grant(ann, "lrcd")
        assert (await kitt.ok(f"MYRIGHTS {PLANS}")).lines == [f"MYRIGHTS {PLANS} lrkxtecd"]
        await ann.ok("SETACL Plans kitt@example.org -c")
        assert (await kitt.ok(f"MYRIGHTS {PLANS}")).lines == [f"MYRIGHTS {PLANS} lrted"]
        await ann.ok("SETACL Plans -kitt@example.org e")
        assert (await kitt.ok(f"MYRIGHTS {PLANS}")).lines == [f"MYRIGHTS {PLANS} lrtd"]


async def test_mailboxes_are_made_where_the_right_is_held_and_hidden_ones_are_not_told_of() -> None:
    async with shared() as (_, ann, kitt):
        await grant(ann, without("k"))
        denied = (await kitt.cmd(f"CREATE {BELOW}")).tagged
        assert denied.startswith("NO [NOPERM]")
        for other in (SECRET, f'"Other Users/{ANN}/Secret/x"', NOWHERE, '"Other Users/nobody@example.org/x"'):
            assert (await kitt.cmd(f"CREATE {other}")).tagged == denied
        await grant(ann, "k")
        await kitt.ok(f"CREATE {BELOW}")
        assert (await ann.ok("GETACL Plans/Below")).lines[0].endswith("kitt@example.org kc")


async def test_a_rename_needs_the_right_above_the_new_name_and_stays_with_the_owner() -> None:
    async with shared() as (_, ann, kitt):
        await ann.ok("CREATE Plans/Below")
        await ann.ok("CREATE Other")
        await grant(ann, "lrx", "Plans/Below")
        to_other = f'RENAME {BELOW} "Other Users/{ANN}/Other/New"'
        assert (await kitt.cmd(to_other)).tagged.startswith("NO [NOPERM]")
        assert (await kitt.cmd(f"RENAME {PLANS} Mine")).tagged.startswith("NO [NONEXISTENT]")
        assert (await kitt.cmd(f"RENAME {NOWHERE} Mine")).tagged.startswith("NO [NONEXISTENT]")
        nobodys = '"Other Users/nobody@example.org/x"'
        assert (await kitt.cmd(f"RENAME {BELOW} {nobodys}")).tagged.startswith("NO [NOPERM]")
        assert (await kitt.cmd(f"RENAME {BELOW} Mine")).tagged.startswith("NO [CANNOT]")
        await grant(ann, "k", "Other")
        await kitt.ok(to_other)
        assert "kitt@example.org lrx" in (await ann.ok("GETACL Other/New")).lines[0]


async def test_what_may_not_be_seen_is_in_no_list() -> None:
    async with shared() as (_, ann, kitt):
        await ann.ok("CREATE Plans/Below")
        for rights, seen in ((without("l"), False), ("l", True)):
            await grant(ann, rights)
            for command in ('LIST "" *', f'LIST "" {PLANS}', 'LIST "" (* %) RETURN (CHILDREN)'):
                told = [line for line in (await kitt.ok(command)).lines if line.endswith(PLANS)]
                assert bool(told) is seen, (rights, command)
        # RFC 4314 4: what is above is told as a name, and as no mailbox.
        await grant(ann, "")
        await grant(ann, "lr", "Plans/Below")
        told = (await kitt.ok(f'LIST "" {PLANS}')).only("LIST")
        assert r"\Noselect" in told


async def test_a_subscription_tells_nothing() -> None:
    async with shared() as (_, _ann, kitt):
        for name in (SECRET, NOWHERE):
            await kitt.ok(f"SUBSCRIBE {name}")
        told = (await kitt.ok('LIST (SUBSCRIBED) "" *')).lines
        attributes = {line.rpartition(' "/" ')[0] for line in told if "Other Users" in line}
        assert attributes == {r"LIST (\NonExistent \HasNoChildren \Subscribed)"}
        assert len([line for line in (await kitt.ok('LSUB "" *')).lines if "Other Users" in line]) == 2
        for name in (SECRET, NOWHERE):
            await kitt.ok(f"UNSUBSCRIBE {name}")


async def test_a_list_tells_of_each_mailbox_no_more_than_its_rights_allow() -> None:
    async with shared() as (_, ann, kitt):
        await ann.ok('SETMETADATA Plans (/shared/comment "secret")')
        asking = f'LIST "" {PLANS} RETURN (STATUS (MESSAGES) MYRIGHTS METADATA (/shared/comment))'
        kinds = {}
        for rights in ("l", "lr"):
            await grant(ann, rights)
            kinds[rights] = {line.split()[0] for line in (await kitt.ok(asking)).lines}
        assert kinds == {"l": {"LIST", "MYRIGHTS"}, "lr": {"LIST", "MYRIGHTS", "STATUS", "METADATA"}}


async def test_annotations_need_to_see_the_mailbox_and_one_right_to_its_messages() -> None:
    async with shared() as (_, ann, kitt):
        await ann.ok('SETMETADATA Plans (/shared/comment "secret")')
        for rights, expected in (("l", "NO [NOPERM]"), ("lk", "NO [NOPERM]"), ("rswip", "NO [NONEXISTENT]")):
            await grant(ann, rights)
            assert (await kitt.cmd(f"GETMETADATA {PLANS} /shared/comment")).tagged.startswith(expected)
            assert (await kitt.cmd(f'SETMETADATA {PLANS} (/private/comment "x")')).tagged.startswith(expected)
        await grant(ann, "lp")
        assert "secret" in (await kitt.ok(f"GETMETADATA {PLANS} /shared/comment")).lines[0]
        await kitt.ok(f'SETMETADATA {PLANS} (/private/comment "mine")')
        assert "mine" not in str((await ann.ok("GETMETADATA Plans (/private/comment)")).lines)


async def test_a_url_names_only_what_its_user_may_read() -> None:
    async with shared() as (_, ann, kitt):
        url = f"/Other%20Users/{ANN}/Plans/;UID=1"
        for rights, expected in ((without("r"), "NO [BADURL"), ("r", "OK")):
            await grant(ann, rights)
            reply = await kitt.cmd(f'APPEND INBOX CATENATE (URL "{url}")')
            assert reply.tagged.startswith(expected), reply
        own = f"imap://kitt%40example.org@imap.example.org/Other%20Users/{ANN}/Plans/;UID=1;URLAUTH=anonymous"
        made = (await kitt.ok(f'GENURLAUTH "{own}" INTERNAL')).lines[0].removeprefix("GENURLAUTH ")
        assert "you" in (await ann.ok(f"URLFETCH {made}")).lines[0]
        await grant(ann, without("r"))
        assert (await ann.ok(f"URLFETCH {made}")).lines[0].endswith(" NIL")
        assert (await kitt.cmd(f'GENURLAUTH "{own}" INTERNAL')).tagged.startswith("NO [NOPERM]")
        await grant(ann, "")
        assert (await kitt.cmd(f'GENURLAUTH "{own}" INTERNAL')).tagged.startswith("NO [NONEXISTENT]")


async def test_a_search_passes_over_what_may_not_be_read() -> None:
    async with shared() as (_, ann, kitt):
        for rights, hits in ((without("r"), 0), (without("l"), 0), ("lr", 1)):
            await grant(ann, rights)
            told = (await kitt.ok(f"ESEARCH IN (mailboxes {PLANS}) RETURN (ALL) ALL")).lines
            assert len(told) == hits


async def test_news_are_told_of_what_may_be_read() -> None:
    async with shared() as (_, ann, kitt):
        notify = f"NOTIFY SET STATUS (mailboxes {PLANS} (MessageNew MessageExpunge MailboxName))"
        for rights, hits in ((without("r"), 0), (without("l"), 0), ("lr", 1)):
            await grant(ann, rights)
            assert sum(line.startswith("STATUS") for line in (await kitt.ok(notify)).lines) == hits
        await ann.append(mailbox="Plans")
        assert (await kitt.line()).startswith("* STATUS")
        await grant(ann, "l")
        await ann.append(mailbox="Plans")
        assert not [line for line in (await kitt.ok("NOOP")).lines if line.startswith("STATUS")]


async def test_a_right_that_is_taken_back_is_gone_at_the_next_command() -> None:
    async with shared() as (_, ann, kitt):
        await grant(ann, ALL_RIGHTS)
        await kitt.ok(f"SELECT {PLANS}")
        await kitt.ok(r"STORE 1 +FLAGS (\Deleted)")
        await grant(ann, without("e", "w"))
        assert (await kitt.cmd("EXPUNGE")).tagged.startswith("NO [NOPERM]")
        assert (await kitt.cmd("STORE 1 +FLAGS (word)")).tagged.startswith("NO [NOPERM]")
        await kitt.send(b"i IDLE\r\n")
        assert (await kitt.line()).startswith("+")
        await grant(ann, without("r"))
        assert (await kitt.line()).startswith("* BYE [NONEXISTENT]")
        assert await status(ann, "MESSAGES") == 1


async def test_no_command_reads_on_when_reading_is_forbidden() -> None:
    async with shared() as (_, ann, kitt):
        await grant(ann, "lr")
        await kitt.ok(f"SELECT {PLANS}")
        await ann.ok("DELETEACL Plans kitt@example.org")
        await kitt.send(b"f FETCH 1 BODY[]\r\n")
        assert (await kitt.line()).startswith("* BYE [NONEXISTENT]")


async def test_the_owner_loses_no_right() -> None:
    async with shared() as (_, ann, kitt):
        assert (await ann.cmd(f"SETACL Plans {ANN} l")).tagged.startswith("NO [CANNOT]")
        await ann.ok("SETACL Plans -anyone r")
        await grant(ann, "lra")
        assert (await kitt.cmd(f"DELETEACL {PLANS} {ANN}")).tagged.startswith("NO [CANNOT]")
        await ann.ok("SELECT Plans")
        assert (await kitt.cmd(f"SELECT {PLANS}")).tagged.startswith("NO [NOPERM]")


@pytest.mark.parametrize("who", ["kitt@example.org", "anyone"])
async def test_a_right_to_see_that_another_gives_or_takes_back_is_told(who: str) -> None:
    """RFC 5465 5.4: granting or revocation of the right l is creation or deletion of the mailbox."""
    async with world() as w:
        ann = await w.login(ANN, mailbox=None)
        await ann.ok("CREATE Plans")
        client = await w.login(mailbox=None)
        await client.ok('NOTIFY SET (subtree "Other Users" (MailboxName))')
        await ann.ok(f"SETACL Plans {who} lr")
        assert await client.line() == f'* LIST () "/" "Other Users/{ANN}/Plans"'
        await ann.ok(f"SETACL Plans {who} r")
        assert await client.line() == f'* LIST (\\NonExistent) "/" "Other Users/{ANN}/Plans"'
        await client.ok("NOTIFY NONE")
        await ann.ok(f"SETACL Plans {who} lr")
        assert (await client.ok("NOOP")).lines == []
