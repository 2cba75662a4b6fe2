"""What a hostile user of IMAP tries: other people's octets, more room than there is, answers without end."""

import asyncio
import time
import zlib
from datetime import UTC, datetime

import pytest
from imap_world import LETTER, Client, World, world
from smtp_world import PASSWORD

from postel.mail import parse_mailbox

KITT = "kitt@example.org"
ANN = "ann@example.org"
MOST = 256 * 1024  # octets that wait for one client
MOST_S = 20.0  # of processor time for any one command here; each takes less than a fortieth of it


def url(rest: str = "INBOX/;UID=1", user: str = KITT) -> str:
    return f"imap://{user.replace('@', '%40')}@imap.example.org/{rest}"


async def authorized(client: Client, text: str) -> str:
    told = (await client.ok(f'GENURLAUTH "{text}" INTERNAL')).only("GENURLAUTH")
    return told.removeprefix("GENURLAUTH ").strip('"')


async def fetched(client: Client, text: str) -> bool:
    """Whether URLFETCH gives anything."""
    told = (await client.ok(f'URLFETCH "{text}"')).only("URLFETCH")
    return not told.endswith(" NIL")


# --- URLAUTH ---------------------------------------------------------------------------------------------


async def test_a_url_that_was_changed_is_nobodys() -> None:
    async with world() as w:
        await w.put(LETTER, LETTER)
        kitt, ann = await w.login(), await w.login(ANN)
        good = await authorized(kitt, url() + ";URLAUTH=user+ann@example.org")
        assert await fetched(ann, good)
        token = good.rpartition(":")[2]
        for bad in (
            good.replace("UID=1", "UID=2"),
            good.replace("UID=1", "UID=1/;SECTION=TEXT"),
            good.replace("INBOX", "Sent"),
            good.replace("user+ann", "user+kitt"),
            good.replace("user+ann@example.org", "anonymous"),
            good.replace("user+ann@example.org", "authuser"),
            good.replace("kitt%40", "ann%40"),
            good.replace("imap.example.org", "imap.example.com"),
            good.replace(token, "0" * len(token)),
            good.replace(token, token[:-1]),
            good.replace(token, token[:-1] + ("0" if token[-1] != "0" else "1")),
            good.replace(token, ""),
            good.replace("INTERNAL", "EXTERNAL"),
            good.replace(";URLAUTH", ";EXPIRE=2099-01-01T00:00:00Z;URLAUTH"),
            good.rpartition(":INTERNAL")[0],
        ):
            reply = await ann.cmd(f'URLFETCH "{bad}"')
            assert reply.tagged.startswith("BAD") or reply.only("URLFETCH").endswith(" NIL"), bad


async def test_a_url_is_for_whom_it_names() -> None:
    async with world() as w:
        await w.put(LETTER)
        kitt, ann = await w.login(), await w.login(ANN)
        for access, who in (
            ("anonymous", {"kitt", "ann"}),
            ("authuser", {"kitt", "ann"}),
            ("user+ann@example.org", {"ann"}),
            ("user+kitt@example.org", {"kitt"}),
            ("submit+kitt@example.org", set()),
        ):
            made = await authorized(kitt, url() + f";URLAUTH={access}")
            can = {name for name, one in (("kitt", kitt), ("ann", ann)) if await fetched(one, made)}
            assert can == who, access


async def test_a_url_ends_with_its_time_its_key_its_message_and_its_mailbox() -> None:
    async with world() as w:
        await w.put(LETTER)
        kitt, ann = await w.login(), await w.login(ANN)
        until = datetime.fromtimestamp(w.parts.clock.now() + 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        short = await authorized(kitt, url() + f";EXPIRE={until};URLAUTH=anonymous")
        forever = await authorized(kitt, url() + ";URLAUTH=anonymous")
        assert await fetched(ann, short)
        await asyncio.sleep(61)
        assert not await fetched(ann, short)
        assert await fetched(ann, forever)
        assert (await ann.cmd("RESETKEY INBOX INTERNAL")).tagged.startswith("OK"), "her own INBOX"
        assert await fetched(ann, forever), "of kitt's keys she resets none"
        await kitt.ok("RESETKEY INBOX INTERNAL")
        assert not await fetched(ann, forever)
        again = await authorized(kitt, url() + ";URLAUTH=anonymous")
        await kitt.ok("RESETKEY")
        assert not await fetched(ann, again)
        last = await authorized(kitt, url() + ";URLAUTH=anonymous")
        await kitt.ok(r"STORE 1 +FLAGS (\Deleted)")
        await kitt.ok("EXPUNGE")
        assert not await fetched(ann, last)


async def test_nobody_authorizes_what_is_not_his() -> None:
    async with world() as w:
        await w.put(LETTER)
        ann = await w.login(ANN)
        for text in (
            url(),
            url("Other%20Users/kitt@example.org/INBOX/;UID=1", ANN),
            url("Nowhere/;UID=1", ANN),
        ):
            reply = await ann.cmd(f'GENURLAUTH "{text};URLAUTH=anonymous" INTERNAL')
            assert reply.tagged.startswith(("BAD", "NO [NONEXISTENT]")), text
        huge = url("x" * 60_000 + "/;UID=1") + ";URLAUTH=anonymous:INTERNAL:" + "f" * 64
        assert (await ann.cmd(f'URLFETCH "{huge}"')).tagged.startswith(("BAD", "OK", "NO"))
        for text in (
            "imap://",
            "imap:///;UID=",
            "%",
            "imap://%ff@x/;UID=1",
            "http://x/",
            ";UID=0",
            "/;UID=4294967296",
        ):
            reply = await ann.cmd(f'APPEND INBOX CATENATE (URL "{text}")')
            assert reply.tagged.startswith("NO [BADURL"), reply


# --- UNAUTHENTICATE --------------------------------------------------------------------------------------


async def test_of_the_one_before_nothing_is_left() -> None:
    async with world() as w:
        await w.put(LETTER, LETTER)
        client, kitt = await w.login(), await w.login()
        await client.ok("ENABLE QRESYNC UTF8=ACCEPT IMAP4rev2")
        await client.ok("UID SEARCH RETURN (SAVE UPDATE ALL) ALL")
        await client.ok(
            "NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))"
        )
        await client.ok("UNAUTHENTICATE")
        await w.put(LETTER)
        await kitt.ok("NOOP")
        await kitt.ok("CREATE News")
        for command in ("FETCH 1 FLAGS", "SELECT INBOX", 'LIST "" *', "UID SEARCH $", "NOTIFY NONE", "CLOSE"):
            reply = await client.cmd(command)
            assert (reply.tagged[:3], reply.lines) == ("BAD", []), command
        await client.ok(f'LOGIN {ANN} "{PASSWORD}"')
        told = await client.ok("SELECT INBOX")
        assert "0 EXISTS" in told.lines
        assert any(line.endswith(" RECENT") for line in told.lines), "revision 1 again"
        assert (await client.ok("UID SEARCH $")).lines == ["SEARCH"]
        await w.put(LETTER, account=w.ann)
        told = await client.ok("NOOP")
        assert "1 EXISTS" in told.lines
        assert not [line for line in told.lines if "MODSEQ" in line or "STATUS" in line]
        assert (await client.ok("FETCH 1 FLAGS")).lines == [r"1 FETCH (FLAGS (\Recent))"]


async def test_whoever_logs_in_anew_is_counted_as_often_as_he_guesses() -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        await client.ok("UNAUTHENTICATE")
        heard: list[str] = []
        for _ in range(30):
            await client.send(f"g LOGIN {ANN} wrong\r\n".encode())
            heard.append(await client.line())
            if "BYE" in heard[-1]:
                break
        assert len(heard) < 10, "the connection ends"


# --- quota -----------------------------------------------------------------------------------------------


async def limited(w: World, *, octets: int | None = None, messages: int | None = None) -> None:
    people = w.parts.directory
    await people.set_quota(parse_mailbox(KITT), octets)
    await people.set_message_quota(parse_mailbox(KITT), messages)


@pytest.mark.parametrize(
    ("start", "then"),
    [
        (b"APPEND INBOX {5000}\r\n", b""),
        (b"APPEND INBOX {500}\r\n", b"x" * 500 + b" {600}\r\n"),
        (b"APPEND INBOX CATENATE (TEXT {500}\r\n", b"x" * 500 + b" TEXT {600}\r\n"),
        (b"APPEND INBOX CATENATE (TEXT {5000}\r\n", b""),
    ],
)
async def test_what_does_not_fit_is_refused_before_it_is_sent(start: bytes, then: bytes) -> None:
    async with world() as w:
        await limited(w, octets=1000)
        client = await w.login()
        await client.send(b"a " + start)
        if then:
            assert (await client.line()).startswith("+")
            await client.send(then)
        assert (await client.line()).startswith("a NO [OVERQUOTA]")
        await client.ok("NOOP")
        assert "MESSAGES 0" in (await client.ok("STATUS INBOX (MESSAGES)")).lines[0]


async def test_of_many_at_once_not_one_comes_beyond_the_limit() -> None:
    async with world() as w:
        await limited(w, messages=10)
        clients = [await w.login() for _ in range(4)]

        async def append(client: Client, number: int) -> int:
            letters = b" ".join(b"{%d+}\r\n%b" % (len(LETTER), LETTER) for _ in range(number))
            return number * (await client.cmd(b"APPEND INBOX " + letters)).tagged.startswith("OK")

        taken = 0
        for number in (3, 2, 1, 1):
            taken += sum(await asyncio.gather(*[append(client, number) for client in clients]))
            assert taken == (await w.parts.store.usage(w.kitt.id)).messages <= 10
        assert taken == 10
        copied = await clients[0].cmd("COPY 1 Sent")
        assert copied.tagged.startswith("NO [OVERQUOTA]")
        await clients[0].ok("MOVE 1 Sent")


async def test_a_full_account_can_replace_a_message_by_one_that_is_no_larger() -> None:
    async with world() as w:
        await w.put(LETTER)
        await limited(w, octets=len(LETTER), messages=1)
        client = await w.login()
        await client.ok(b"REPLACE 1 INBOX {%d+}\r\n%b" % (len(LETTER), LETTER))
        larger = await client.cmd(b"REPLACE 1 INBOX {%d+}\r\n%bx" % (len(LETTER) + 1, LETTER))
        assert larger.tagged.startswith("NO [OVERQUOTA]")
        assert "MESSAGES 1" in (await client.ok("STATUS INBOX (MESSAGES)")).lines[0]


async def test_the_room_of_a_shared_mailbox_is_its_owners() -> None:
    async with world() as w:
        await limited(w, messages=1)
        kitt, ann = await w.login(), await w.login(ANN)
        await kitt.ok(f"SETACL INBOX {ANN} lrswite")
        shared = '"Other Users/kitt@example.org/INBOX"'
        await ann.append(mailbox=shared)
        assert (await ann.cmd(f"APPEND {shared} {{2+}}\r\nhi")).tagged.startswith("NO [OVERQUOTA]")
        await ann.append()
        assert (await ann.cmd(f"COPY 1 {shared}")).tagged.startswith("NO [OVERQUOTA]")
        assert (await ann.cmd(f"MOVE 1 {shared}")).tagged.startswith("NO [OVERQUOTA]")
        assert "MESSAGES 1" in (await ann.ok("STATUS INBOX (MESSAGES)")).lines[0]


@pytest.mark.slow
async def test_messages_that_wait_in_memory_are_bounded() -> None:
    async with world() as w:
        client = await w.login()
        one = b"{100000+}\r\n" + b"x" * 100_000
        reply = await client.cmd(b"APPEND INBOX " + b" ".join([one] * 200))
        assert reply.tagged.startswith("NO [LIMIT]")
        assert "MESSAGES 0" in (await client.ok("STATUS INBOX (MESSAGES)")).lines[0]


# --- plaintext before TLS, compression -------------------------------------------------------------------


async def test_what_was_sent_before_tls_is_not_taken_for_sent_in_it() -> None:
    async with world(tls=True, plaintext_login=()) as w:
        client = await w.dial()
        told = (await client.ok("CAPABILITY")).only("CAPABILITY")
        assert "LOGINDISABLED" in told and "AUTH=" not in told
        assert (await client.cmd(f'LOGIN {KITT} "{PASSWORD}"')).tagged.startswith("NO [PRIVACYREQUIRED]")
        await client.send(f'a STARTTLS\r\nb LOGIN {KITT} "{PASSWORD}"\r\nc SELECT INBOX\r\n'.encode())
        heard = b""
        while data := await client.stream.read(1000):
            heard += data
        assert b"b OK" not in heard and b"c OK" not in heard


def deflated(octets: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(octets) + packer.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.slow
@pytest.mark.parametrize(
    "bomb",
    [
        deflated(b"a NOOP " + b"x" * 50_000_000),
        deflated(b"a APPEND INBOX {60000000+}\r\n" + b"x" * 60_000_000 + b"\r\n" + b"\0" * 100_000_000),
        deflated(b"\r\n" * 5_000_000),
        deflated(b"a NOOP\r\n" * 100_000),
        b"\xff" * 1000,
        bytes(1000),
    ],
    ids=["line", "append", "empty", "noops", "no stream", "nuls"],
)
async def test_a_bomb_is_taken_apart_within_the_limits_of_every_session(bomb: bytes) -> None:
    async with world() as w:
        client, other = await w.login(), await w.login()
        await client.ok("COMPRESS DEFLATE")
        sending = asyncio.create_task(client.send(bomb))
        for _ in range(100):
            await other.ok("NOOP")
            assert sum(session.talk._due for session in w.service._sessions) < MOST
        client.stream.abort()
        sending.cancel()
        await other.ok("NOOP")


# --- names, numbers, depths ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        b"../../etc/passwd", b"a/../b", b"/a", b"a/./b", b'"a\\\\b"', b'"a\x01b"', b'"a\x7fb"', b'"a*b"', b'"a%b"',
        b"{3+}\r\na\x00b", b"{3+}\r\na\rb", b"{3+}\r\na\nb", b"&AAA-", b"&AA0-", b"&AC8-", b"&2AA-", b"&", b"&x",
        b'"\xff"', b'"\xc3\xa4"', b"INBOX/" + b"x" * 5000, b"a/" * 500 + b"a", b'"Other Users/x"', b"x" * 60000,
    ],
)  # fmt: skip
async def test_an_odd_name_is_refused_or_is_what_it_is(name: bytes) -> None:
    async with world() as w:
        client = await w.login()
        before = len((await client.ok('LIST "" *')).lines)
        made = (await client.cmd(b"CREATE " + name)).tagged
        assert made.startswith(("OK", "NO", "BAD"))
        listed = (await client.ok('LIST "" *')).lines
        assert (len(listed) > before) is made.startswith("OK")
        assert not any(character in line for line in listed for character in "\0\r\n")
        if made.startswith("OK"):
            await client.ok(b"STATUS " + name + b" (MESSAGES)")
            await client.ok(b"DELETE " + name)


def thread(number: int, references: str) -> bytes:
    head = f"From: a@example.net\r\nSubject: Re: Re: x\r\nMessage-ID: <{number}@x>\r\n"
    return f"{head}References: {references}\r\n\r\nx\r\n".encode()


HOSTILE_THREADS = (
    [thread(n, f"<{(n + 1) % 200}@x>") for n in range(200)],  # one cycle
    [thread(n, f"<{n}@x>") for n in range(50)],  # each its own parent
    [thread(0, " ".join(f"<{n}@x>" for n in range(100_000)))] * 3,
    [thread(n, " ".join(f"<{m}@x>" for m in range(n + 1, n + 50))) for n in range(200)],
    [thread(n, " ".join(f"<{n - m}@x>" for m in range(n, 0, -1))) for n in range(400)],  # as deep as can be
    [thread(7, "<7@x> <8@x> <7@x>")] * 300,
    [b"Subject: " + b"Re: [x] " * 5000 + b"\r\n\r\n", b"Subject: " + b"[" * 50_000 + b"\r\n\r\n"],
    [b"Subject: =?utf-8?b?" + b"w6Q=" * 10_000 + b"?=\r\nDate: " + b"(" * 20_000 + b"\r\n\r\n"],
    [b"From: " + b"<" * 50_000 + b"\r\nTo: " + b"a@b, " * 20_000 + b"\r\n\r\n"],
)


def costs(began_s: float) -> float:
    return time.process_time() - began_s


@pytest.mark.slow
@pytest.mark.parametrize("letters", HOSTILE_THREADS, ids=range(len(HOSTILE_THREADS)))
async def test_hostile_headers_are_sorted_and_threaded_in_time(letters: list[bytes]) -> None:
    async with world() as w:
        await w.put(*letters)
        client = await w.login()
        for command in (
            "THREAD REFERENCES UTF-8 ALL",
            "THREAD ORDEREDSUBJECT UTF-8 ALL",
            "SORT (SUBJECT DATE FROM TO CC DISPLAYFROM) UTF-8 ALL",
            "FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)",
            "SEARCH OR FROM x OR SUBJECT x TEXT x",
        ):
            began_s = time.process_time()
            await client.ok(command)
            assert costs(began_s) < MOST_S, command
        found = (await client.ok("THREAD REFERENCES UTF-8 ALL")).lines[0]
        assert sorted(map(int, found.replace("(", " ").replace(")", " ").split()[1:])) == list(
            range(1, len(letters) + 1)
        )


def nested(depth: int) -> bytes:
    inner = b"Content-Type: text/plain\r\n\r\nx\r\n"
    for n in range(depth):
        inner = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n%b\r\n--b%d--\r\n' % (
            n,
            n,
            inner,
            n,
        )
    return inner


HOSTILE_MIME = (
    nested(200),
    b"Content-Type: message/rfc822\r\n\r\n" * 2000 + b"x",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 20_000 + b"--b--\r\n",
    b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n\r\n----\r\n",
    b'Content-Type: text/plain; charset="'
    + b"x" * 50_000
    + b'"\r\nContent-Transfer-Encoding: base64\r\n\r\n====',
    b"Content-Type: text/plain; " + b"; ".join(b"p%d*0*=utf-8''%%FF" % n for n in range(3000)) + b"\r\n\r\n",
    b"X: " + b"y" * 5_000_000 + b"\r\n\r\n",
    b"X: y\r\n" * 100_000 + b"\r\n",
    b"Content-Type: text/html\r\n\r\n" + b"<div>" * 100_000 + b"&" * 10_000 + b"<!--" * 10_000,
    b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 200_000,
    b"\0" * 1000,
    b"\r\n" * 1000,
)


@pytest.mark.slow
@pytest.mark.parametrize("letter", HOSTILE_MIME, ids=range(len(HOSTILE_MIME)))
async def test_hostile_mime_is_told_of_in_time(letter: bytes) -> None:
    async with world() as w:
        await w.put(letter, LETTER)
        client = await w.login()
        for command in (
            "FETCH 1 (BODYSTRUCTURE BODY ENVELOPE PREVIEW BINARY.SIZE[1])",
            "FETCH 1 (BODY.PEEK[HEADER.FIELDS (X SUBJECT)] BODY.PEEK[1.MIME] BODY.PEEK[1.1.1.1] BINARY.PEEK[1])",
            "SEARCH RETURN (ALL) FUZZY TEXT you",
            "SEARCH BODY you",
            "FETCH 1:* (UID RFC822.SIZE)",
        ):
            began_s = time.process_time()
            reply = await client.cmd(command)
            assert reply.tagged.startswith(("OK", "NO", "BAD")), command
            assert costs(began_s) < MOST_S, command
        octets = (await client.ok("FETCH 1 BODY.PEEK[]")).only("1 FETCH").encode("latin-1")
        assert letter in octets
