"""BDAT at a whole server: RFC 3030 2 and 3. What comes in chunks is kept whole, or not at all."""

from __future__ import annotations

from standard_kit import Stranger, served

BINARY = bytes(range(256)) + b"\r\n.\r\nQUIT\r\n\n\r"
HEAD = b"Subject: chunks\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\n"


async def begin(session: Stranger, body: str = "BINARYMIME") -> None:
    codes = await session.say_all(f"MAIL FROM:<ann@example.net> BODY={body}", "RCPT TO:<bob@example.org>")
    assert codes == [250, 250]


async def chunk(session: Stranger, data: bytes, last: str = "") -> int:
    await session.write(f"BDAT {len(data)}{last}\r\n".encode() + data)
    return await session.reply()


async def test_2_octets_arrive_as_they_were_whatever_they_are_and_however_they_are_cut() -> None:
    async with served() as (net, server, session):
        await begin(session)
        assert await chunk(session, HEAD + BINARY[:100]) == 250
        assert await chunk(session, BINARY[100:], " LAST") == 250
        await net.settle()
        letter = (await server.mailbox("bob")).only().message  # encoded, since mail programs read lines
        assert letter.get_payload(decode=True) == BINARY


async def test_2_a_last_chunk_may_be_empty() -> None:
    async with served() as (net, server, session):
        await begin(session, "8BITMIME")
        assert await chunk(session, b"Subject: x\r\n\r\nhello\r\n") == 250
        assert await session.say("BDAT 0 LAST") == 250
        await net.settle()
        assert (await server.mailbox("bob")).only().content.endswith(b"\r\nhello\r\n")


async def test_2_a_single_empty_chunk_is_a_message_without_anything() -> None:
    async with served() as (net, server, session):
        await begin(session, "7BIT")
        assert await session.say("BDAT 0 LAST") == 250
        await net.settle()
        assert len(await server.mailbox("bob")) == 1


async def test_2_rset_between_chunks_leaves_nothing_behind() -> None:
    async with served() as (net, server, session):
        await begin(session)
        assert await chunk(session, b"Subject: forgotten\r\n\r\n") == 250
        assert await session.say("RSET") == 250
        await begin(session)
        assert await chunk(session, b"Subject: kept\r\n\r\nhello\r\n", " LAST") == 250
        await net.settle()
        letter = (await server.mailbox("bob")).only()
        assert letter.subject == "kept"
        assert b"forgotten" not in letter.content


async def test_2_a_session_that_breaks_off_within_a_chunk_brings_nothing() -> None:
    async with served() as (net, server, session):
        await begin(session)
        assert await chunk(session, b"Subject: x\r\n\r\n") == 250
        await session.write(b"BDAT 1000 LAST\r\nonly so much")
        await session.close()
        await net.settle()
        assert len(await server.mailbox("bob")) == 0


async def test_2_data_and_bdat_do_not_mix() -> None:
    async with served() as (_, _, session):
        await begin(session, "8BITMIME")
        assert await chunk(session, b"Subject: x\r\n\r\n") == 250
        assert await session.say("DATA") == 503
