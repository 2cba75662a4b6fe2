"""A draft on its whole way: APPEND over IMAP, GENURLAUTH, BURL on submission, and the recipient's mailbox elsewhere."""

import base64
import re

from postel.net import Endpoint, Stream
from postel.testing import MailNetwork

ZONE = "example.org. MX 10 mx.example.org.\nexample.net. MX 10 mx.example.net.\n"
IMAP = '[[listen]]\nprotocol = "imap"\naddress = "0.0.0.0:143"\n[[domain]]\nname = "example.net"\n'
HEAD = (
    b"From: ann@example.net\r\nTo: bob@example.org\r\nSubject: draft\r\n"
    b"Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@example.net>\r\n\r\n"
)
DRAFT = HEAD + b"Hello\r\n.\r\n..dots\r\n"
OWNER = "imap://ann%40example.net@mx.example.net"
ACCESS = "URLAUTH=submit+ann%40example.net"


async def _until(stream: Stream, end: bytes) -> str:
    """What is said up to a line that begins like this, and to that line's end."""
    heard = b"\r\n"
    while not re.search(rb"\r\n" + end + rb"[^\n]*\r\n", heard):
        data = await stream.read(1000)
        assert data, heard
        heard += data
    return heard.decode()


async def test_a_draft_reaches_its_recipient_without_being_sent_up_again() -> None:
    async with MailNetwork(ZONE) as net:
        ours = await net.start("mx.example.net", IMAP, accounts=["ann@example.net"])
        theirs = await net.start("mx.example.org", accounts=["bob@example.org"])
        ip = str(next(ip for ip in ours.host.ips if ip.version == 4))
        program = net.host("program.example.net")

        mail = await program.dial(Endpoint(ip, 143), timeout_s=10)
        commands = (
            b"LOGIN ann@example.net password",
            b"APPEND Drafts {%d+}\r\n%b" % (len(DRAFT), DRAFT),
            b'APPEND Drafts CATENATE (URL "/Drafts/;UID=1/;SECTION=HEADER" TEXT {6+}\r\nFine\r\n)',
            *(
                b'GENURLAUTH "%b/Drafts/;UID=%d;%b" INTERNAL' % (OWNER.encode(), n, ACCESS.encode())
                for n in (1, 2)
            ),
        )
        urls = []
        for command in commands:
            await mail.write(b"a " + command + b"\r\n")
            heard = await _until(mail, b"a OK")
            urls += re.findall(r'GENURLAUTH "([^"]+)"', heard)
        assert len(urls) == 2

        submission = await program.dial(Endpoint(ip, 587), timeout_s=10)
        login = base64.b64encode(b"\0ann@example.net\0password").decode()
        await submission.write(f"EHLO program.example.net\r\nAUTH PLAIN {login}\r\n".encode())
        await _until(submission, b"235 ")
        for url in urls:
            group = f"MAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nBURL {url} LAST\r\n"
            await submission.write(group.encode())
            await _until(submission, b"250 2.0.0 queued as")
        await net.settle()

        letters = sorted(letter.content for letter in await theirs.mailbox("bob"))
        assert len(letters) == 2
        for expected in (DRAFT, HEAD + b"Fine\r\n"):
            assert any(letter.endswith(b"\r\n" + expected) for letter in letters), letters
