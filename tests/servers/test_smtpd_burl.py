"""BURL (RFC 4468) against the real services: what is in a mailbox is submitted without being sent up again."""

import pytest
from burl_world import LETTER, OPTIONS, Submitter, World, world
from smtp_world import world as smtp_world

from postel.proto.smtp import SmtpLimits

SUBMIT = "submit+kitt%40example.org"
ANN = "ann@example.org"
PLAIN = "imap://kitt%40example.org@mx.example.org/INBOX/;UID=1"


async def _last_of(client: Submitter, url: str, sender: str = "kitt@example.org") -> str:
    await client.begin(sender)
    return (await client.say(f"BURL {url} LAST"))[0]


async def _with_letter(w: World, letter: bytes = LETTER) -> None:
    client = await w.mail.login()
    await client.append(letter)


async def test_a_draft_that_was_appended_is_submitted_byte_for_byte() -> None:
    async with world() as w:
        mail = await w.mail.login()
        await mail.ok("CREATE Plans")
        await mail.append(LETTER, "Plans")
        client = await w.submitter()
        reply = await _last_of(client, await w.url(SUBMIT, "Plans/;UID=1"))
        assert reply.startswith("250 2.0.0 queued as ")
        assert await w.submitted() == [LETTER]


async def test_what_catenate_put_together_is_submitted_byte_for_byte() -> None:
    async with world() as w:
        await _with_letter(w)
        mail = await w.mail.login()
        url = "/INBOX/;UID=1/;SECTION=HEADER"
        await mail.ok(f'APPEND INBOX CATENATE (URL "{url}" TEXT {{7+}}\r\nFine.\r\n)')
        client = await w.submitter()
        assert (await _last_of(client, await w.url(SUBMIT, "INBOX/;UID=2"))).startswith("250")
        assert await w.submitted() == [LETTER.partition(b"\r\n\r\n")[0] + b"\r\n\r\nFine.\r\n"]


async def test_pieces_by_url_and_by_chunk_are_one_message_and_all_of_it_in_one_group() -> None:
    async with world() as w:
        await _with_letter(w)
        client = await w.submitter()
        head = await w.url(SUBMIT, "INBOX/;UID=1/;SECTION=HEADER")
        group = [
            "MAIL FROM:<kitt@example.org>",
            "RCPT TO:<bob@free.example>",
            f"BURL {head}",
            b"BDAT 6\r\nHello\r",
            b"BDAT 1\r\n\n",
            f"BURL {PLAIN}/;SECTION=TEXT/;PARTIAL=0.4",
            b"BDAT 2 LAST\r\n\r\n",
        ]
        replies = await client.say(*group)
        assert replies[2] == "250 2.5.0 Waiting for additional BURL or BDAT commands"
        assert [reply[:3] for reply in replies] == ["250"] * 7
        assert await w.submitted() == [LETTER.partition(b"\r\n\r\n")[0] + b"\r\n\r\nHello\r\nHow \r\n"]


async def test_it_is_announced_where_mail_is_submitted_and_nowhere_else() -> None:
    async with world() as w:
        client = await w.submitter()
        (after,) = await client.say("EHLO client.example.org")
        assert "BURL imap imap://mx.example.org" in after
        assert "BURL imap-url [LAST]" in (await client.say("HELP BURL"))[0]
    async with smtp_world() as incoming:
        assert incoming.service._counter.urls is None


@pytest.mark.parametrize("access", [SUBMIT, "user+kitt%40example.org", "authuser", "anonymous"])
async def test_whoever_a_url_is_for_may_submit_it(access: str) -> None:
    async with world() as w:
        await _with_letter(w)
        client = await w.submitter()
        assert (await _last_of(client, await w.url(access))).startswith("250")


@pytest.mark.parametrize("access", [SUBMIT, "user+kitt%40example.org"])
async def test_a_url_for_somebody_else_is_refused(access: str) -> None:
    async with world() as w:
        await _with_letter(w)
        ann = await w.submitter("ann@example.org")
        assert await _last_of(ann, await w.url(access), ANN) == "554 5.7.0 IMAP URL authorization failed"
        assert await w.submitted() == []


async def test_a_url_for_the_submission_server_is_nothing_for_a_session_of_imap() -> None:
    async with world() as w:
        await _with_letter(w)
        mail = await w.mail.login()
        url = await w.url(SUBMIT)
        assert (await mail.ok(f'URLFETCH "{url}"')).only("URLFETCH").endswith("NIL")


async def test_what_another_user_gave_away_may_be_submitted() -> None:
    async with world() as w:
        await _with_letter(w)
        ann = await w.submitter("ann@example.org")
        url = await w.url("submit+ann%40example.org")
        assert (await _last_of(ann, url, ANN)).startswith("250")
        assert await w.submitted() == [LETTER]


async def test_a_url_is_refused_that_is_forged_expired_withdrawn_or_names_nothing() -> None:
    async with world() as w:
        await _with_letter(w)
        client = await w.submitter()
        good = await w.url(SUBMIT)
        forged = good[:-1] + ("1" if good.endswith("0") else "0")
        old = await w.url(SUBMIT, "INBOX/;UID=1;EXPIRE=2020-01-01T00:00:00Z")
        replies = {
            forged: "554 5.7.0 ",
            good.replace("UID=1", "UID=2"): "554 5.7.0 ",
            good.rpartition(":INTERNAL:")[0]: "554 5.7.0 ",
            old: "554 5.7.0 ",
            await w.url(SUBMIT, "INBOX/;UID=9"): "554 5.6.6 ",
            await w.url(SUBMIT, "INBOX;UIDVALIDITY=1/;UID=1"): "554 5.6.6 ",
            PLAIN.replace("INBOX", "Nowhere"): "554 5.6.6 ",
            PLAIN.replace("kitt", "ann"): "554 5.7.0 ",
            PLAIN.replace("mx.example.org", "imap.free.example"): "554 5.7.8 ",
            good.replace("mx.example.org", "imap.free.example"): "554 5.7.8 ",
            "http://mx.example.org/a": "554 5.6.6 ",
            "imap:///INBOX;UID=1": "554 5.6.6 ",
        }
        heard = {url: (await _last_of(client, url))[:10] for url in replies}
        assert heard == replies
        mail = await w.mail.login()
        await mail.ok("RESETKEY")
        assert (await _last_of(client, good)).startswith("554 5.7.0")
        assert await w.submitted() == []


async def test_a_url_that_fails_fails_what_follows_it_in_its_group() -> None:
    async with world() as w:
        await _with_letter(w)
        client = await w.submitter()
        await client.begin()
        bad = PLAIN.replace("UID=1", "UID=9")
        replies = await client.say(f"BURL {PLAIN}", f"BURL {bad}", b"BDAT 3 LAST\r\nabc", "RSET")
        assert [reply[:3] for reply in replies] == ["250", "554", "503", "250"]
        for broken in ("BURL LAST", "BURL " + "x" * 8000, "BURL imap://\u00e4/ LAST"):
            await client.begin()
            replies = await client.say(f"BURL {PLAIN}", broken, b"BDAT 3 LAST\r\nabc", "RSET")
            assert [reply[:1] for reply in replies] == ["2", "5", "5", "2"], broken
        assert await w.submitted() == []


async def test_the_size_of_the_whole_counts() -> None:
    limits = SmtpLimits(message_size=65_536)
    async with world(limits=limits) as w:
        await _with_letter(w, LETTER + b"x" * 70 + (b"\r\n" + b"y" * 70) * 800 + b"\r\n")
        client = await w.submitter()
        await client.begin()
        replies = await client.say(f"BURL {PLAIN}", f"BURL {PLAIN} LAST")
        assert replies == [
            "250 2.5.0 Waiting for additional BURL or BDAT commands",
            "554 5.3.4 Message too big for system",
        ]
        assert (await _last_of(client, PLAIN)).startswith("250")


async def test_so_many_urls_make_one_message_and_no_more() -> None:
    async with world(limits=SmtpLimits(urls=2)) as w:
        await _with_letter(w)
        client = await w.submitter()
        await client.begin()
        replies = await client.say(f"BURL {PLAIN}", f"BURL {PLAIN}", f"BURL {PLAIN} LAST", "BDAT 0 LAST")
        assert [reply[:9] for reply in replies] == ["250 2.5.0", "250 2.5.0", "554 5.5.3", "503 5.5.1"]
        assert await w.submitted() == []


async def test_content_beyond_seven_bits_is_declared_as_it_is() -> None:
    async with world() as w:
        await _with_letter(w, LETTER + "Grüße\r\n".encode())
        client = await w.submitter()
        assert (await _last_of(client, PLAIN)).startswith("250")
        (entry,) = await w.parts.queue.list()
        assert entry.message.parameters["BODY"] == "8BITMIME"


async def test_binary_content_needs_to_be_declared() -> None:
    async with world() as w:
        mail = await w.mail.login()
        letter = LETTER + b"\0\n\r"
        await mail.ok(f"APPEND INBOX ~{{{len(letter)}+}}\r\n".encode() + letter)
        client = await w.submitter()
        assert await _last_of(client, PLAIN) == "554 5.6.3 Conversion required but not supported"
        await client.begin(parameters=" BODY=BINARYMIME")
        assert (await client.say(f"BURL {PLAIN} LAST"))[0].startswith("250")
        assert await w.submitted() == [letter]


async def test_a_url_comes_after_a_recipient_and_not_before_a_login() -> None:
    async with world() as w:
        await _with_letter(w)
        client = await w.submitter()
        burl = f"BURL {PLAIN} LAST"
        assert (await client.say(burl))[0].startswith("503 5.5.1")
        assert (await client.say("MAIL FROM:<kitt@example.org>", burl))[1].startswith("554 5.5.1")
        stranger = Submitter(await w.mail.client.dial(w.port, timeout_s=10))
        await stranger.reply()
        assert "BURL imap\n" in (await stranger.say("EHLO a.example"))[0].replace("250-", "")
        assert (await stranger.say(burl))[0].startswith("530")


async def test_no_other_author_gets_in_by_url() -> None:
    async with world(OPTIONS, own_from=True) as w:
        await _with_letter(w)
        client = await w.submitter()
        assert (await _last_of(client, PLAIN)).startswith("550 5.7.1")
        assert await w.submitted() == []
