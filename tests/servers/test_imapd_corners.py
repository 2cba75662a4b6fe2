"""The IMAP service where two rules meet: mailboxes that change under a session, numbers that are gone, odd parts."""

from imap_world import LETTER, world

ODD = (
    b"From: a@example.net\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
    b"Content-Transfer-Encoding: x-odd\r\n\r\nbody\r\n"
)


async def test_a_part_of_an_unknown_encoding_breaks_no_line() -> None:
    async with world() as w:
        await w.put(LETTER, ODD)
        client = await w.login()
        reply = await client.cmd("FETCH 1:2 (UID BINARY.PEEK[1])")
        assert reply.tagged.startswith("NO [UNKNOWN-CTE]")
        assert all(line.endswith(")") for line in reply.lines if "FETCH" in line), reply
        assert len((await client.ok("FETCH 1:2 UID")).lines) == 2


async def test_copy_and_move_within_one_mailbox() -> None:
    async with world() as w:
        await w.put(LETTER, LETTER)
        client = await w.login()
        reply = await client.ok("COPY 1:2 INBOX")
        assert "COPYUID" in reply.tagged and "4 EXISTS" in reply.lines
        reply = await client.ok("MOVE 1:2 INBOX")
        assert len([line for line in reply.lines if "EXPUNGE" in line]) == 2, reply
        assert (await client.ok("UID SEARCH ALL")).lines == ["SEARCH 3 4 5 6"]


async def test_a_selected_mailbox_is_renamed_and_stays_selected() -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        await client.ok("CREATE Plans")
        await client.append(mailbox="Plans")
        await client.ok("SELECT Plans")
        other = await w.login(mailbox=None)
        await other.ok("RENAME Plans Dreams")
        assert len((await client.ok("FETCH 1 UID")).lines) == 1
        await client.ok("RENAME Dreams Plans")
        await client.ok("STORE 1 +FLAGS (\\Seen)")


async def test_a_selected_mailbox_that_another_session_deletes_is_the_end_of_this_one() -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        await client.ok("CREATE Plans")
        await client.ok("SELECT Plans")
        other = await w.login(mailbox=None)
        await other.ok("DELETE Plans")
        await client.send(b"a NOOP\r\n")
        assert (await client.line()).startswith("* BYE")


async def test_a_client_of_uids_hears_no_sequence_numbers() -> None:
    async with world() as w:
        await w.put(LETTER, LETTER)
        client = await w.login(mailbox=None)
        await client.ok("ENABLE UIDONLY")
        await client.ok("SELECT INBOX")
        assert (await client.cmd("FETCH 1 FLAGS")).tagged.startswith("BAD [UIDREQUIRED]")
        assert (await client.cmd("STORE 1 +FLAGS (\\Seen)")).tagged.startswith("BAD [UIDREQUIRED]")
        assert (await client.cmd("UID SEARCH 1")).tagged.startswith("BAD [UIDREQUIRED]")
        assert (await client.ok("UID FETCH 2 (UID FLAGS)")).lines[0].startswith("2 UIDFETCH (UID 2 FLAGS (")
        assert (await client.ok("UID FETCH 2 FLAGS")).lines[0].startswith("2 UIDFETCH (")
        await client.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
        assert "VANISHED 1" in (await client.ok("EXPUNGE")).lines


async def test_a_client_of_uids_knows_no_pairs() -> None:
    """RFC 9586 3.7."""
    async with world() as w:
        await w.put(LETTER)
        client = await w.login(mailbox=None)
        await client.ok("ENABLE QRESYNC UIDONLY")
        box = await w.parts.store.mailbox(w.kitt.id)
        assert box is not None
        known = f"{box.uid_validity} 1"
        assert (await client.cmd(f"SELECT INBOX (QRESYNC ({known} 1 (1 1)))")).tagged.startswith(
            "BAD [UIDREQ"
        )
        await client.ok(f"SELECT INBOX (QRESYNC ({known} 1))")


async def test_a_window_is_what_is_saved() -> None:
    """RFC 9394 3.2, table 1."""
    async with world() as w:
        await w.put(*[LETTER] * 6)
        client = await w.login()
        for options, saved in (
            ("PARTIAL 2:3", "2:3"),
            ("PARTIAL 2:3 MIN", "1:3"),
            ("PARTIAL 2:3 MAX", "2:3,6"),
            ("MIN PARTIAL -2:-3 MAX", "1,4:6"),
            ("PARTIAL 2:3 COUNT MIN", "1:6"),
            ("PARTIAL 9:10", None),
        ):
            await client.ok(f"SEARCH RETURN (SAVE {options}) ALL")
            line = (await client.ok("SEARCH RETURN (ALL) $")).only("ESEARCH")
            assert line.partition(" ALL ")[2] == (saved or ""), options


async def test_of_a_window_what_changed_is_told() -> None:
    """RFC 9394 3.4: the window is of all messages, not of those that changed."""
    async with world() as w:
        await w.put(*[LETTER] * 6)
        client = await w.login()
        since = (await client.ok("STATUS INBOX (HIGHESTMODSEQ)")).only("STATUS").split()[-1].strip(")")
        await client.ok("UID STORE 1:2,6 +FLAGS.SILENT (\\Flagged)")
        reply = await client.ok(f"UID FETCH 1:* UID (PARTIAL -1:-3 CHANGEDSINCE {since})")
        assert [line.partition(" ")[0] for line in reply.lines] == ["6"]


async def test_a_name_told_for_its_children_has_neither_status_nor_metadata() -> None:
    """RFC 5819 2, RFC 9590 4."""
    async with world() as w:
        client = await w.login(mailbox=None)
        for command in ("CREATE top/below", "SUBSCRIBE top/below"):
            await client.ok(command)
        returns = 'STATUS (MESSAGES) METADATA ("/private/comment")'
        lines = (await client.ok(f'LIST (SUBSCRIBED RECURSIVEMATCH) "" top RETURN ({returns})')).lines
        assert len(lines) == 1 and lines[0].startswith("LIST (") and "CHILDINFO" in lines[0]
        lines = (await client.ok(f'LIST "" top RETURN ({returns})')).lines
        assert [line.split()[0] for line in lines] == ["LIST", "STATUS", "METADATA"]
        assert lines[2].endswith("(/private/comment NIL)")


async def test_the_pairs_that_a_client_knows_shorten_what_it_is_told_of() -> None:
    async with world() as w:
        await w.put(*[LETTER] * 6)
        client = await w.login()
        await client.ok("ENABLE QRESYNC")
        told = await client.ok("SELECT INBOX")
        validity = told.only("OK [UIDVALIDITY").split()[2].rstrip("]")
        modseq = told.only("OK [HIGHESTMODSEQ").split()[2].rstrip("]")
        await client.ok("STORE 2,5 +FLAGS.SILENT (\\Deleted)")
        await client.ok("EXPUNGE")
        back = await w.login(mailbox=None)
        await back.ok("ENABLE QRESYNC")
        whole = await back.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq}))")
        assert "VANISHED (EARLIER) 2,5" in whole.lines
        some = await back.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq} 1:3))")
        assert "VANISHED (EARLIER) 2" in some.lines
        odd = await back.ok(f"SELECT INBOX (QRESYNC ({int(validity) + 1} {modseq}))")
        assert not [line for line in odd.lines if "VANISHED" in line]


async def test_a_store_that_comes_too_late_says_which_messages_it_left_alone() -> None:
    async with world() as w:
        await w.put(*[LETTER] * 3)
        one, two = await w.login(), await w.login()
        modseq = (await one.ok("STATUS INBOX (HIGHESTMODSEQ)")).only("STATUS").split()[-1].rstrip(")")
        await two.ok("STORE 2 +FLAGS (\\Flagged)")
        reply = await one.ok(f"STORE 1:3 (UNCHANGEDSINCE {modseq}) +FLAGS.SILENT (\\Seen)")
        assert "[MODIFIED 2]" in reply.tagged
        assert any("1 FETCH (MODSEQ" in line for line in reply.lines), reply


async def test_what_was_saved_is_less_after_an_expunge() -> None:
    async with world() as w:
        await w.put(*[LETTER] * 3)
        client = await w.login()
        await client.ok("SEARCH RETURN (SAVE) ALL")
        await client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        await client.ok("EXPUNGE")
        assert (await client.ok("UID SEARCH $")).lines == ["SEARCH 1 3"]
        assert len((await client.ok("FETCH $ UID")).lines) == 2
        await client.cmd("SEARCH RETURN (SAVE) CHARSET x-none ALL")


async def test_rev2_says_what_the_new_revision_says() -> None:
    async with world() as w:
        await w.put(LETTER)
        client = await w.login(mailbox=None)
        await client.ok("ENABLE IMAP4rev2")
        told = (await client.ok("SELECT INBOX")).lines
        assert not [line for line in told if "RECENT" in line]
        assert any(line.startswith("LIST ") for line in told)
        assert (await client.ok("SEARCH ALL")).lines[0].startswith("ESEARCH (TAG ")
        await client.ok("CREATE a")
        assert "OLDNAME" in (await client.ok("RENAME a b")).only("LIST")


async def test_partial_fetches_beyond_the_end_are_empty() -> None:
    async with world() as w:
        await w.put(LETTER)
        client = await w.login()
        for item in ("BODY.PEEK[]", "BODY.PEEK[TEXT]", "BODY.PEEK[HEADER.FIELDS (From)]"):
            reply = await client.ok(f"FETCH 1 {item}<4294967295.10>")
            assert "<4294967295> {0}\r\n)" in reply.only("1 FETCH"), reply
        reply = await client.ok("FETCH 1 BINARY.PEEK[1]<4294967295.10>")
        assert reply.only("1 FETCH").endswith("{0}\r\n)"), reply
        assert "BODY[9] NIL" in (await client.ok("FETCH 1 BODY.PEEK[9]")).only("1 FETCH")


async def test_lsub_with_a_percent_tells_the_level_above() -> None:
    async with world() as w:
        client = await w.login()
        await client.ok("CREATE top/below")
        await client.ok("SUBSCRIBE top/below")
        assert 'LSUB (\\Noselect) "/" top' in (await client.ok('LSUB "" %')).lines
        reply = await client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" %')
        assert any("CHILDINFO" in line and " top " in line for line in reply.lines), reply


async def test_an_append_keeps_its_date_and_keywords() -> None:
    async with world() as w:
        client = await w.login()
        await client.append(options='($Work \\Flagged) "01-Feb-2020 10:00:00 +0100" ')
        found = (await client.ok("FETCH 1 (FLAGS INTERNALDATE)")).only("1 FETCH")
        assert "$Work" in found and "\\Flagged" in found and " 1-Feb-2020 09:00:00 +0000" in found


async def test_names_and_headers_in_utf8() -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        await client.ok("CREATE Entw&APw-rfe")
        await client.ok("ENABLE UTF8=ACCEPT")
        lines = (await client.ok('LIST "" Entw*')).lines
        assert "Entwürfe".encode() in lines[0].encode("latin-1")
        await client.ok('SELECT "Entwürfe"')
