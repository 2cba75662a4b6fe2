"""What a public conformance suite asks of a server, and what the clauses behind it say."""

from imap_world import LETTER, Client, World, world


async def _numbers(w: World, count: int) -> Client:
    client = await w.login()
    for _ in range(count):
        await client.append()
    return client


async def test_a_search_for_a_number_that_no_message_has_finds_nothing() -> None:
    async with world() as w:
        client = await _numbers(w, 3)
        assert (await client.ok("SEARCH 1000")).only("SEARCH") == "SEARCH"
        assert (await client.ok("SEARCH RETURN (COUNT) 1000")).only("ESEARCH").endswith(" COUNT 0")
        assert (await client.ok("SEARCH 4:*")).only("SEARCH") == "SEARCH 3"
        assert (await client.ok("SEARCH NOT 7")).only("SEARCH") == "SEARCH 1 2 3"
        assert (await client.cmd("FETCH 4 UID")).tagged.startswith("BAD")


async def test_the_first_need_for_mod_sequences_tells_where_the_mailbox_stands() -> None:
    """RFC 7162 3.1."""
    for command in ("FETCH 1 MODSEQ", "SEARCH MODSEQ 1", "STORE 1 (UNCHANGEDSINCE 9) +FLAGS (x)"):
        async with world() as w:
            client = await _numbers(w, 1)
            reply = await client.ok(command)
            assert len([line for line in reply.lines if line.startswith("OK [HIGHESTMODSEQ ")]) == 1, reply
            assert "HIGHESTMODSEQ" not in str(await client.ok(command.replace("9", "99")))


async def test_the_mod_sequence_of_a_search_is_that_of_what_it_returns() -> None:
    """RFC 4731 3.2."""
    async with world() as w:
        client = await _numbers(w, 3)
        told = {}
        for number in (1, 3, 2):
            line = (await client.ok(f"STORE {number} (UNCHANGEDSINCE 99) +FLAGS (x)")).only(f"{number} FETCH")
            told[number] = int(line.partition("MODSEQ (")[2].partition(")")[0])
        assert told[1] < told[3] < told[2]
        for options, wanted in (
            ("MIN", 1),
            ("MAX", 3),
            ("MIN MAX", 3),
            ("MIN COUNT", 2),
            ("ALL", 2),
            ("", 2),
        ):
            line = (await client.ok(f"SEARCH RETURN ({options}) MODSEQ 1")).only("ESEARCH")
            assert line.endswith(f" MODSEQ {told[wanted]}"), (options, line)


async def test_a_name_is_not_told_for_a_child_that_is_told_itself() -> None:
    """RFC 5258 3.5."""
    async with world() as w:
        client = await w.login()
        await client.ok("CREATE top/below")
        await client.ok("SUBSCRIBE top/below")
        told = (await client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" *')).lines
        assert [line for line in told if "top" in line] == [
            'LIST (\\HasNoChildren \\Subscribed) "/" top/below'
        ]
        assert "CHILDINFO" in (await client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" top')).only("LIST")
        await client.ok("SUBSCRIBE top")
        told = (await client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" *')).lines
        assert any(" top (" in line and "CHILDINFO" in line for line in told), told


async def test_a_watcher_of_flags_is_told_the_mod_sequence_at_first() -> None:
    """RFC 5465 3.1."""
    async with world() as w:
        client = await w.login()
        await client.ok("CREATE other")
        asked = "NOTIFY SET STATUS (MAILBOXES other (MessageNew MessageExpunge"
        assert "HIGHESTMODSEQ" not in (await client.ok(f"{asked}))")).only("STATUS")
        assert "HIGHESTMODSEQ" in (await client.ok(f"{asked} FlagChange))")).only("STATUS")


async def test_a_window_is_named_from_its_nearer_end() -> None:
    """RFC 9394 3.1: both orders mean the same."""
    async with world() as w:
        client = await _numbers(w, 5)
        for asked, told in (("4:2", "2:4 2:4"), ("-3:-2", "-2:-3 3:4"), ("1:9", "1:9 1:5")):
            line = (await client.ok(f"SEARCH RETURN (PARTIAL {asked}) ALL")).only("ESEARCH")
            assert line.endswith(f" PARTIAL ({told})"), line


async def test_what_is_expunged_leaves_the_results_before_its_number_goes() -> None:
    """RFC 5267 4.3.4."""
    async with world() as w:
        client = await _numbers(w, 4)
        await client.ok("STORE 1:3 +FLAGS (\\Seen)")
        await client.send(b"n SEARCH RETURN (UPDATE) SEEN\r\nu UID SEARCH RETURN (UPDATE) SEEN\r\n")
        while not (await client.line()).startswith("u OK"):
            pass
        await client.ok("STORE 2:4 +FLAGS (\\Deleted)")
        assert (await client.ok("EXPUNGE")).lines == [
            'ESEARCH (TAG "n") REMOVEFROM (0 2:3)',
            'ESEARCH (TAG "u") UID REMOVEFROM (0 2:3)',
            "4 EXPUNGE",
            "3 EXPUNGE",
            "2 EXPUNGE",
        ]
        await w.put(LETTER, LETTER)
        await client.ok("NOOP")
        told = (await client.ok("STORE 2:3 +FLAGS.SILENT (\\Seen)")).lines
        assert told == ['ESEARCH (TAG "n") ADDTO (0 2:3)', 'ESEARCH (TAG "u") UID ADDTO (0 5:6)']
