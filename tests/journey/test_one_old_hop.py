"""Letters that say more than ASCII, through a network with one relay that has heard of nothing since 1993."""

from __future__ import annotations

import contextlib
from typing import Any

from postel.delivery import submit
from postel.mail import Envelope, ForwardPath, Recipient, ReversePath
from postel.message import decode_content, parse_report, read_mime
from postel.net import ConnectionLost, Endpoint, Stream
from postel.proto import NEED_DATA, PAUSED
from postel.proto.smtp import Chunk, DataEnd, Mail, Rcpt, ServerOptions, SmtpServer
from postel.testing import MailNetwork, MailServer
from postel.testing.network import MemoryHost

ZONE = "example.org. MX 10 old.example.com.\nexample.net. MX 10 mx.example.net."
LACKS = frozenset({"8BITMIME", "SMTPUTF8", "BINARYMIME", "CHUNKING"})
UTF8 = {"SMTPUTF8": None, "BODY": "8BITMIME"}
GREETING = "Grüße aus Köln, und bis bald!\n" * 10


class OldRelay:
    """Takes mail for anybody, and hands it on to the one server behind it as it got it."""

    def __init__(self, host: MemoryHost, behind: Endpoint) -> None:
        self._host = host
        self._behind = behind
        self.contents: list[bytes] = []

    async def serve(self, stream: Stream) -> None:
        """One session."""
        with contextlib.suppress(ConnectionLost):
            await self._serve(stream)

    async def _serve(self, stream: Stream) -> None:
        talk = SmtpServer(ServerOptions(hostname="old.example.com", withheld=LACKS))
        reverse_path, paths, content = ReversePath.NULL, list[ForwardPath](), b""
        while not talk.over:
            event: Any = talk.next_event()
            if event is NEED_DATA or event is PAUSED:
                await stream.write(talk.data_to_send())
                talk.receive(await stream.read())
                continue
            match event:
                case Mail():
                    reverse_path, paths, content = event.reverse_path, [], b""
                case Rcpt():
                    paths.append(event.forward_path)
                case Chunk(data):
                    content += data
                case DataEnd():
                    self.contents.append(content)
                    envelope = Envelope(reverse_path, tuple(map(Recipient, paths)))
                    await submit(self._host, self._behind, envelope, content)
            if event.wants_answer:
                talk.answer(None)
        await stream.write(talk.data_to_send())


async def network(net: MailNetwork) -> tuple[MailServer, OldRelay, MailServer]:
    """ann@example.net, the old relay, bob@example.org."""
    ours = await net.start("mx.example.net", accounts=["ann@example.net", "jürgen@example.net"])
    behind = await net.start("mx.example.org", accounts=["bob@example.org"])
    host = net.host("old.example.com", "203.0.113.7")
    address = str(next(r.to_text() for r in net.dns.rdatas("mx.example.org", "A")))
    old = OldRelay(host, Endpoint(address, 25))
    await host.listen(Endpoint("0.0.0.0", 25), old.serve)
    return ours, old, behind


async def send(server: MailServer, sender: str, content: str) -> None:
    octets = content.replace("\n", "\r\n").encode()
    replies = await server.submit(octets, sender=sender, to="bob@example.org", mail=UTF8)
    assert [reply.code for reply in replies] == [250]


def letter(author: str, subject: str) -> str:
    return (
        f"From: {author}\nTo: bob@example.org\nSubject: {subject}\nMIME-Version: 1.0\n"
        f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{GREETING}"
    )


async def test_the_letter_arrives_as_it_was_meant_though_one_relay_knew_ascii_only() -> None:
    async with MailNetwork(ZONE) as net:
        ours, old, behind = await network(net)
        await send(ours, "ann@example.net", letter("Änn <ann@example.net>", "Grüße"))
        await net.settle()
        (passed,) = old.contents
        assert passed.isascii()
        (arrived,) = await behind.mailbox("bob")
        assert arrived.subject == "Grüße"
        assert arrived.message["From"].addresses[0].display_name == "Änn"
        assert arrived.message.get_content().replace("\r\n", "\n") == GREETING
        assert len(await ours.mailbox("ann")) == 0


async def test_an_author_whom_the_relay_cannot_name_hears_that_it_did_not_go() -> None:
    # RFC 6531 3.2, RFC 3463 3.7: 5.6.7
    async with MailNetwork(ZONE) as net:
        ours, old, _ = await network(net)
        await send(ours, "jürgen@example.net", letter("jürgen@example.net", "Grüße"))
        await net.settle()
        assert old.contents == []
        (told,) = await ours.mailbox("jürgen@example.net")
        report = parse_report(told.content)
        assert report is not None
        (bob,) = report.recipients
        assert (str(bob.mailbox), str(bob.status)) == ("bob@example.org", "5.6.7")


async def test_what_is_signed_comes_back_whole() -> None:
    async with MailNetwork(ZONE) as net:
        ours, old, _ = await network(net)
        signed = (
            "From: ann@example.net\nTo: bob@example.org\nMIME-Version: 1.0\n"
            "Content-Type: multipart/signed; boundary=x\n\n--x\nContent-Type: text/plain; charset=utf-8\n\n"
            f"{GREETING}\n--x\nContent-Type: application/pgp-signature\n\nxxx\n--x--\n"
        )
        await send(ours, "ann@example.net", signed)
        await net.settle()
        assert old.contents == []
        (told,) = await ours.mailbox("ann")
        report = parse_report(told.content)
        assert report is not None
        assert str(report.recipients[0].status) == "5.6.3"
        returned = read_mime(told.content).section(3)
        assert returned is not None
        octets = decode_content(told.content[returned.body_start : returned.end], returned.encoding)
        assert octets.endswith(signed.replace("\n", "\r\n").encode())
