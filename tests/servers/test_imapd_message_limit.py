"""RFC 9738: what one command may work on, where the administrator has set a limit."""

from imap_world import LETTER, world

from postel.proto.imap import ImapLimits

TWO = ImapLimits(messages=2)
FOUR = (LETTER,) * 4


async def test_without_a_limit_none_is_announced() -> None:
    async with world() as w:
        client = await w.login()
        assert "MESSAGELIMIT" not in (await client.ok("CAPABILITY")).only("CAPABILITY")
        assert (await client.cmd("UID SEARCH UIDAFTER 1")).tagged.startswith("BAD")


async def test_a_limit_is_announced_with_its_number() -> None:
    async with world(limits=TWO) as w:
        client = await w.login()
        assert "MESSAGELIMIT=2" in (await client.ok("CAPABILITY")).only("CAPABILITY")


async def test_a_fetch_of_more_tells_the_newest_and_how_far_it_came() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client = await w.login()
        reply = await client.ok("FETCH 1:4 UID")
        assert reply.lines == ["3 FETCH (UID 3)", "4 FETCH (UID 4)"]
        assert "[MESSAGELIMIT 2 3]" in reply.tagged
        assert "MESSAGELIMIT" not in (await client.ok("UID FETCH 1:2 UID")).tagged


async def test_the_window_of_partial_and_what_changed_are_chosen_before_it_counts() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client = await w.login()
        reply = await client.ok("UID FETCH 1:4 UID (PARTIAL 1:2)")
        assert reply.lines == ["1 FETCH (UID 1)", "2 FETCH (UID 2)"]
        assert "MESSAGELIMIT" not in reply.tagged


async def test_flags_of_the_newest_are_stored() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client = await w.login()
        reply = await client.ok("STORE 1:4 +FLAGS (\\Flagged)")
        assert "[MESSAGELIMIT 2 3]" in reply.tagged
        assert (await client.ok("UID SEARCH FLAGGED")).only("SEARCH") == "SEARCH 3 4"


async def test_of_two_codes_the_limit_comes_in_a_line_of_its_own() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client = await w.login()
        await client.ok("STORE 3:4 +FLAGS (\\Flagged)")
        reply = await client.ok("STORE 1:4 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)")
        assert "[MODIFIED 3:4]" in reply.tagged
        assert reply.only("NO [MESSAGELIMIT").startswith("NO [MESSAGELIMIT 2 3]")


async def test_copies_are_whole_or_not_at_all() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client = await w.login()
        for command in ("COPY 1:4 Archive", "UID COPY 1:4 Archive"):
            assert (await client.cmd(command)).tagged.startswith("NO [MESSAGELIMIT 2 3]")
        assert "MESSAGES 0" in (await client.ok("STATUS Archive (MESSAGES)")).only("STATUS")
        await client.ok("COPY 1:2 Archive")


async def test_a_move_takes_the_newest_and_is_repeated_until_all_are_moved() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client = await w.login()
        reply = await client.ok("UID MOVE 1:4 Archive")
        assert "[MESSAGELIMIT 2 3]" in reply.tagged
        assert " 3:4 1:2]" in reply.only("OK [COPYUID")
        assert "MESSAGELIMIT" not in (await client.ok("UID MOVE 1:4 Archive")).tagged
        assert "MESSAGES 4" in (await client.ok("STATUS Archive (MESSAGES)")).only("STATUS")


async def test_a_window_that_is_wider_than_the_limit_is_refused() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client = await w.login()
        for window in ("1:3", "-1:-3", "3:1"):
            reply = await client.cmd(f"UID FETCH 1:4 UID (PARTIAL {window})")
            assert reply.tagged.startswith("NO [MESSAGELIMIT 2]") and not reply.lines


async def test_what_is_gone_and_what_is_left_are_both_told() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client, other = await w.login(), await w.login()
        await other.ok("UID STORE 4 +FLAGS.SILENT (\\Deleted)")
        await other.ok("EXPUNGE")
        await w.parts.store.kept.prune(w.parts.clock.now())
        for command in ("FETCH 1:4 BODY.PEEK[]", "STORE 1:4 +FLAGS (\\Flagged)"):
            reply = await client.ok(command)
            assert "[EXPUNGEISSUED]" in reply.tagged
            assert reply.only("NO [MESSAGELIMIT").startswith("NO [MESSAGELIMIT 2 3]")


async def test_an_upload_of_more_leaves_nothing() -> None:
    async with world(limits=TWO) as w:
        client = await w.login()
        three = b" {2+}\r\nab" * 3
        assert (await client.cmd(b"APPEND INBOX" + three)).tagged.startswith("NO [MESSAGELIMIT 2]")
        assert "MESSAGES 0" in (await client.ok("STATUS INBOX (MESSAGES)")).only("STATUS")
        await client.ok(b"APPEND INBOX" + b" {2+}\r\nab" * 2)


async def test_a_search_looks_at_the_newest_of_what_it_names() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client = await w.login()
        reply = await client.ok("UID SEARCH ALL")
        assert (reply.only("SEARCH"), "[MESSAGELIMIT 2 3]" in reply.tagged) == ("SEARCH 3 4", True)
        reply = await client.ok("UID SEARCH UIDBEFORE 3 SUBJECT there")
        assert (reply.only("SEARCH"), "MESSAGELIMIT" in reply.tagged) == ("SEARCH 1 2", False)
        assert (await client.ok("UID SEARCH UIDAFTER 3")).only("SEARCH") == "SEARCH 4"
        assert (await client.ok("UID SEARCH UIDAFTER 4")).only("SEARCH") == "SEARCH"
        assert (await client.ok("UID SEARCH UIDBEFORE 1")).only("SEARCH") == "SEARCH"


async def test_what_a_search_keeps_ends_where_it_stopped() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client = await w.login()
        assert "[MESSAGELIMIT 2 3]" in (await client.ok("UID SEARCH RETURN (SAVE) ALL")).tagged
        assert (await client.ok("UID FETCH $ UID")).lines == ["3 FETCH (UID 3)", "4 FETCH (UID 4)"]


async def test_only_an_expunge_of_named_messages_is_limited() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client = await w.login()
        for numbers in ("1:2", "3:4"):
            await client.ok(f"STORE {numbers} +FLAGS.SILENT (\\Deleted)")
        assert "MESSAGELIMIT" not in (await client.ok("EXPUNGE")).tagged
        assert (await client.ok("UID SEARCH ALL")).only("SEARCH") == "SEARCH"


async def test_an_expunge_takes_the_newest_first() -> None:
    async with world(limits=TWO) as w:
        await w.put(*FOUR)
        client = await w.login()
        for numbers in ("1:2", "3:4"):
            await client.ok(f"STORE {numbers} +FLAGS.SILENT (\\Deleted)")
        reply = await client.ok("UID EXPUNGE 1:4")
        assert "[MESSAGELIMIT 2 3]" in reply.tagged
        assert (await client.ok("UID SEARCH ALL")).only("SEARCH") == "SEARCH 1 2"
        assert "MESSAGELIMIT" not in (await client.ok("EXPUNGE")).tagged
