"""The IMAP service: what a mail program does all day."""

from imap_world import LETTER, world
from smtp_world import PASSWORD

from postel.message import index_content
from postel.store import MailboxName


async def test_a_program_logs_in_and_sees_the_mailboxes_that_people_expect() -> None:
    async with world() as w:
        client = await w.dial()
        reply = await client.ok(f'LOGIN kitt@example.org "{PASSWORD}"')
        assert "IMAP4rev2" in reply.tagged
        listed = (await client.ok('LIST "" *')).lines
        assert listed[0] == 'LIST (\\HasNoChildren) "/" INBOX'
        assert 'LIST (\\HasNoChildren \\Sent) "/" Sent' in listed and len(listed) == 6
        assert len((await client.ok('LSUB "" *')).lines) == 6


async def test_a_wrong_password_is_refused_in_the_words_of_the_rfc() -> None:
    async with world() as w:
        client = await w.dial()
        assert (await client.cmd("LOGIN kitt@example.org wrong")).tagged.startswith(
            "NO [AUTHENTICATIONFAILED]"
        )


async def test_strangers_are_told_the_name_and_no_version() -> None:
    async with world() as w:
        stranger = await w.dial()
        assert (await stranger.ok("ID NIL")).only("ID") == 'ID ("name" "Postel")'
        assert '"version"' in (await (await w.login()).ok("ID NIL")).only("ID")


async def test_an_envelope_is_known_as_soon_as_the_letter_is_appended() -> None:
    async with world() as w:
        client = await w.login()
        await client.append()
        known = await w.parts.database.read(lambda tx: tx.fetch_all("SELECT data FROM stored_index"))
        assert [data for (data,) in known] == [index_content(LETTER)]


async def test_a_letter_goes_out_as_it_came_in() -> None:
    async with world() as w:
        client = await w.login()
        assert "[APPENDUID " in (await client.append()).tagged
        found = (await client.ok("FETCH 1 BODY.PEEK[]")).only("1 FETCH")
        assert found == f"1 FETCH (BODY[] {{{len(LETTER)}}}\r\n{LETTER.decode()})"
        parts = await client.ok("FETCH 1 (BODY.PEEK[HEADER] BODY.PEEK[TEXT])")
        assert "How are you?" in parts.only("1 FETCH")


async def test_fetching_a_body_sets_seen_and_tells_it_at_once() -> None:
    async with world() as w:
        client = await w.login()
        await client.append()
        assert "FLAGS (\\Seen" in (await client.ok("FETCH 1 BODY[TEXT]")).only("1 FETCH")
        assert "\\Seen" in (await client.ok("FETCH 1 FLAGS")).only("1 FETCH")


async def test_new_mail_and_expunges_of_others_come_with_the_next_command() -> None:
    async with world() as w:
        one, two = await w.login(), await w.login()
        await w.put(LETTER, LETTER)
        assert "2 EXISTS" in (await one.ok("NOOP")).lines
        await two.ok("NOOP")
        await two.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        await two.ok("EXPUNGE")
        assert "1 EXPUNGE" not in (await one.ok("FETCH 2 FLAGS")).lines  # RFC 9051 7.5.1
        assert (await one.ok("NOOP")).lines[0] == "1 EXPUNGE"


async def test_idle_hears_of_new_mail_without_asking() -> None:
    async with world() as w:
        client = await w.login()
        await client.send(b"i IDLE\r\n")
        assert (await client.line()).startswith("+")
        await w.put(LETTER)
        assert await client.line() == "* 1 EXISTS"
        assert await client.line() == "* 1 RECENT"
        await client.send(b"DONE\r\n")
        assert (await client.line()).startswith("i OK")


async def test_flags_of_one_session_are_seen_in_another() -> None:
    async with world() as w:
        one, two = await w.login(), await w.login()
        await w.put(LETTER)
        await one.ok("NOOP")
        await two.ok("NOOP")
        assert "\\Flagged" in (await one.ok("STORE 1 +FLAGS (\\Flagged $work)")).only("1 FETCH")
        assert "\\Flagged" in (await two.ok("NOOP")).only("1 FETCH")


async def test_copy_and_move_say_which_uid_became_which() -> None:
    async with world() as w:
        client = await w.login()
        await client.append()
        await client.append()
        assert "COPYUID" in (await client.ok("COPY 1:2 Archive")).tagged
        moved = await client.ok("UID MOVE 1 Trash")
        assert moved.lines[0].startswith("OK [COPYUID") and moved.lines[1] == "1 EXPUNGE"
        status = await client.ok("STATUS Archive (MESSAGES UNSEEN UIDNEXT)")
        assert status.only("STATUS") == "STATUS Archive (MESSAGES 2 UNSEEN 2 UIDNEXT 3)"


async def test_a_mailbox_that_could_be_made_is_said_to_be() -> None:
    async with world() as w:
        client = await w.login()
        await client.append()
        assert (await client.cmd("COPY 1 Nowhere")).tagged.startswith("NO [TRYCREATE]")
        assert (await client.cmd("SELECT Nowhere")).tagged.startswith("NO [NONEXISTENT]")


async def test_texts_are_found_before_and_after_they_are_indexed() -> None:
    questions = (
        ('TEXT "how are"', "SEARCH 1"),
        ("BODY hällo".encode(), "SEARCH"),
        ("SUBJECT HÄLLO".encode(), "SEARCH 1"),
        ("FROM ann@example", "SEARCH 1"),
        ("HEADER Message-ID 1@", "SEARCH 1"),
        ("TEXT yo", "SEARCH 1"),
        ("NOT TEXT yo", "SEARCH"),
        ("SENTON 23-Nov-2026", "SEARCH 1"),
        ("OR SEEN LARGER 10", "SEARCH 1"),
    )
    async with world() as w:
        client = await w.login()
        await w.put(LETTER)
        await client.ok("NOOP")
        for is_indexed in (False, True):
            for key, found in questions:
                text = key if isinstance(key, bytes) else key.encode()
                head = b"SEARCH CHARSET UTF-8 "
                if not text.isascii():
                    name, _, needle = text.partition(b" ")
                    text = name + b" {%d+}\r\n%b" % (len(needle), needle)
                assert (await client.ok(head + text)).only("SEARCH") == found, (key, is_indexed)
            await w.filler.catch_up()


async def test_sort_and_thread() -> None:
    answer = LETTER.replace(b"<1@example.net>", b"<2@example.net>\r\nReferences: <1@example.net>")
    async with world() as w:
        client = await w.login()
        await w.put(LETTER, answer)
        await client.ok("NOOP")
        assert (await client.ok("SORT (REVERSE ARRIVAL) UTF-8 ALL")).only("SORT") == "SORT 1 2"
        assert (await client.ok("THREAD REFERENCES UTF-8 ALL")).only("THREAD") == "THREAD (1 2)"


async def test_a_client_that_comes_back_hears_what_changed() -> None:
    async with world() as w:
        client = await w.login()
        await w.put(LETTER, LETTER, LETTER)
        await client.ok("ENABLE QRESYNC")
        selected = await client.ok("SELECT INBOX")
        validity = selected.only("OK [UIDVALIDITY").split()[2].rstrip("]")
        modseq = selected.only("OK [HIGHESTMODSEQ").split()[2].rstrip("]")
        await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        await client.ok("EXPUNGE")
        await client.ok("STORE 2 +FLAGS (\\Answered)")
        back = await w.login(mailbox=None)
        await back.ok("ENABLE QRESYNC")
        lines = (await back.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq}))")).lines
        assert "VANISHED (EARLIER) 1" in lines
        assert any(line.startswith("2 FETCH (UID 3 FLAGS (\\Answered") for line in lines)


async def test_mailboxes_are_made_renamed_and_deleted() -> None:
    async with world() as w:
        client = await w.login()
        await client.ok("CREATE Work/Plans")
        await client.ok("RENAME Work Job")
        names = [line.split('"/" ')[1] for line in (await client.ok('LIST "" J%')).lines]
        assert names == ["Job", "Junk"]
        assert (await client.cmd("CREATE Job")).tagged.startswith("NO [ALREADYEXISTS]")
        await client.ok("DELETE Job/Plans")
        assert (await client.cmd("DELETE INBOX")).tagged.startswith("NO [CANNOT]")


async def test_what_others_share_is_seen_and_no_more_may_be_done_than_was_granted() -> None:
    async with world() as w:
        await w.login("ann@example.org")
        parts = w.parts
        await w.put(LETTER, account=w.ann)
        inbox = await parts.store.mailbox(w.ann.id)
        assert inbox is not None
        await parts.database.write(lambda tx: parts.store.rights.set(tx, inbox.id, "kitt@example.org", "lr"))
        client = await w.login(mailbox=None)
        name = MailboxName("Other Users/ann@example.org/INBOX")
        assert any(name in line for line in (await client.ok('LIST "" *')).lines)
        assert "[READ-ONLY]" in (await client.ok(f'SELECT "{name}"')).tagged
        assert (await client.cmd("STORE 1 +FLAGS (\\Deleted)")).tagged.startswith("NO [NOPERM]")
        assert (await client.cmd('SELECT "Other Users/ann@example.org/Sent"')).tagged.startswith(
            "NO [NONEXISTENT]"
        )


async def test_several_letters_are_appended_together_or_not_at_all() -> None:
    async with world() as w:
        client = await w.login()
        both = b"APPEND INBOX (\\Seen) {%d+}\r\n%b {%d+}\r\n%b" % (len(LETTER), LETTER, len(LETTER), LETTER)
        assert "1:2" in (await client.ok(both)).tagged
        uid = await client.ok(b"UID REPLACE 2 INBOX {%d+}\r\n%b" % (len(LETTER), LETTER))
        assert any("APPENDUID" in line for line in uid.lines)
        assert (await client.ok("UID SEARCH ALL")).only("SEARCH") == "SEARCH 1 3"


async def test_starttls_comes_before_a_password_where_the_network_is_not_trusted() -> None:
    async with world(tls=True, plaintext_login=()) as w:
        client = await w.dial()
        assert "LOGINDISABLED" in (await client.ok("CAPABILITY")).only("CAPABILITY")
        assert (await client.cmd("LOGIN kitt@example.org x")).tagged.startswith("NO [PRIVACYREQUIRED]")


async def test_rights_are_granted_taken_back_and_told() -> None:
    async with world() as w:
        client = await w.login()
        await client.ok("SETACL INBOX ann@example.org lrs")
        await client.ok("SETACL INBOX ann@example.org +i")
        acl = (await client.ok("GETACL INBOX")).only("ACL")
        assert acl == "ACL INBOX kitt@example.org lrswipkxteacd ann@example.org lrsi"
        ann = await w.login("ann@example.org")
        shared = "Other Users/kitt@example.org/INBOX"
        rights = (await ann.ok(f'MYRIGHTS "{shared}"')).only("MYRIGHTS")
        assert rights == f'MYRIGHTS "{shared}" lrsi'
        await client.ok("DELETEACL INBOX ann@example.org")
        assert (await ann.cmd(f'MYRIGHTS "{shared}"')).tagged.startswith("NO [NONEXISTENT]")
        assert "l r s w i p k x t e a" in (await client.ok("LISTRIGHTS INBOX bob@x.org")).only("LISTRIGHTS")


async def test_annotations_are_private_or_shared() -> None:
    async with world() as w:
        client = await w.login()
        await client.ok('SETMETADATA INBOX (/private/comment "mine" /shared/comment "ours")')
        told = (await client.ok("GETMETADATA INBOX (/private/comment /shared/comment)")).only("METADATA")
        assert told == 'METADATA INBOX (/private/comment "mine" /shared/comment "ours")'
        await client.ok("SETMETADATA INBOX (/private/comment NIL)")
        deep = (await client.ok("GETMETADATA INBOX (DEPTH infinity) (/shared/comment)")).only("METADATA")
        assert deep == 'METADATA INBOX (/shared/comment "ours")'
        await client.ok('SETMETADATA "" (/private/vendor/x "{}")')
        listed = await client.ok('LIST "" INBOX RETURN (METADATA (/shared/comment))')
        assert 'METADATA INBOX (/shared/comment "ours")' in listed.lines


async def test_one_search_looks_into_several_mailboxes() -> None:
    async with world() as w:
        client = await w.login()
        await client.append(mailbox="Archive")
        await client.append()
        await client.append()
        lines = (await client.ok('ESEARCH IN (personal) RETURN (COUNT) SUBJECT "there"')).lines
        counts = sorted(line.rsplit(" ", 1)[1] for line in lines if line.startswith("ESEARCH"))
        assert counts == ["1", "2"] and all("MAILBOX" in line for line in lines)


async def test_a_session_goes_on_compressed_and_as_somebody_else() -> None:
    async with world() as w:
        client = await w.login()
        assert (await client.ok("LANGUAGE")).only("LANGUAGE") == 'LANGUAGE ("i-default" "en")'
        await client.ok("UNAUTHENTICATE")
        assert (await client.cmd("SELECT INBOX")).tagged.startswith("BAD")
        await client.ok(f'LOGIN ann@example.org "{PASSWORD}"')
        assert (await client.ok("GETQUOTAROOT INBOX")).lines == ["QUOTAROOT INBOX"]


async def test_a_letter_is_put_together_of_what_is_there_already() -> None:
    async with world() as w:
        client = await w.login()
        await client.append()
        text = b"Subject: new\r\n\r\n"
        await client.ok(
            b'APPEND INBOX CATENATE (TEXT {%d+}\r\n%b URL "/INBOX/;UID=1/;SECTION=TEXT")' % (len(text), text)
        )
        found = (await client.ok("FETCH 2 BODY.PEEK[]")).only("2 FETCH")
        assert "Subject: new\r\n\r\nHow are you?" in found
        missing = await client.cmd('APPEND INBOX CATENATE (URL "/INBOX/;UID=9")')
        assert missing.tagged.startswith('NO [BADURL "/INBOX/;UID=9"]')
        assert (await client.ok("SEARCH ALL")).only("SEARCH") == "SEARCH 1 2"


async def test_a_part_is_handed_to_whoever_has_an_authorized_url() -> None:
    async with world() as w:
        client = await w.login()
        await client.append()
        rump = "imap://kitt%40example.org@imap.example.org/INBOX/;UID=1/;SECTION=TEXT;URLAUTH="
        made = (await client.ok(f'GENURLAUTH "{rump}anonymous" INTERNAL')).only("GENURLAUTH")
        url = made.split('"')[1]
        ann = await w.login("ann@example.org")
        assert "How are you?" in (await ann.ok(f'URLFETCH "{url}"')).only("URLFETCH")
        forged = url[:-1] + ("1" if url.endswith("0") else "0")
        assert (await ann.ok(f'URLFETCH "{forged}"')).only("URLFETCH").endswith("NIL")
        own = (await client.ok(f'GENURLAUTH "{rump}user+kitt%40example.org" INTERNAL')).only("GENURLAUTH")
        assert (await ann.ok(f"URLFETCH {own.split(' ')[1]}")).only("URLFETCH").endswith("NIL")
        await client.ok("RESETKEY")
        assert (await ann.ok(f'URLFETCH "{url}"')).only("URLFETCH").endswith("NIL")


async def test_a_search_that_is_kept_has_a_name() -> None:
    async with world() as w:
        client = await w.login()
        await client.append()
        await client.ok('SETMETADATA "" (/private/filters/values/ann "FROM ann")')
        assert (await client.ok("SEARCH FILTER ann")).only("SEARCH") == "SEARCH 1"
        assert (await client.cmd("SEARCH FILTER bob")).tagged.startswith("NO [UNDEFINED-FILTER")


async def test_a_search_is_kept_up_to_date_until_it_is_cancelled() -> None:
    async with world() as w:
        client = await w.login()
        await client.append()
        await client.send(b"s UID SEARCH RETURN (UPDATE COUNT) UNSEEN\r\n")
        assert await client.line() == '* ESEARCH (TAG "s") UID COUNT 1'
        assert (await client.line()).startswith("s OK")
        await w.put(LETTER)
        assert 'ESEARCH (TAG "s") UID ADDTO (0 2)' in (await client.ok("NOOP")).lines
        told = (await client.ok("STORE 1 +FLAGS.SILENT (\\Seen)")).lines
        assert told == ['ESEARCH (TAG "s") UID REMOVEFROM (0 1)']
        await client.ok('CANCELUPDATE "s"')
        await w.put(LETTER)
        assert not any("ADDTO" in line for line in (await client.ok("NOOP")).lines)


async def test_a_client_hears_of_other_mailboxes_without_asking() -> None:
    async with world() as w:
        client, other = await w.login(), await w.login()
        await client.ok("NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))")
        await other.append(mailbox="Archive")
        assert (await client.line()).startswith("* STATUS Archive (MESSAGES 1 UIDNEXT 2")
        await other.ok("CREATE Plans")
        assert await client.line() == '* LIST () "/" Plans'
        await other.ok("DELETE Plans")
        assert await client.line() == '* LIST (\\NonExistent) "/" Plans'
        await client.ok("NOTIFY NONE")
        await other.append()
        assert (await client.ok("NOOP")).lines == ["1 EXISTS", "0 RECENT"]  # RFC 9051 5.2


async def test_new_mail_in_the_selected_mailbox_comes_with_what_is_wanted_of_it() -> None:
    async with world() as w:
        client = await w.login()
        await client.ok("NOTIFY SET (selected (MessageNew (UID RFC822.SIZE) MessageExpunge))")
        await w.put(LETTER)
        assert await client.line() == "* 1 EXISTS"
        assert await client.line() == "* 1 RECENT"
        assert await client.line() == f"* 1 FETCH (UID 1 RFC822.SIZE {len(LETTER)})"
