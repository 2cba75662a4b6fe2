"""Invariant: any octets whatever make SmtpServer give events and replies; nothing else escapes. However they are cut,
the same events come; no session reaches a transaction without EHLO; n octets cost O(n) time and bounded memory.

Run by itself: python fuzz/smtp_server.py [SEED [ROUNDS]]. Under atheris: python fuzz/smtp_server.py --atheris.
"""

from __future__ import annotations

import random
from typing import Any, Final

from harness import run

from postel.mail import Reply, Status
from postel.proto import NEED_DATA, PAUSED, smtp
from postel.proto.smtp.replies import LOGGED_IN

_OPTIONS: Final = smtp.ServerOptions(
    hostname="fuzz.example.org",
    limits=smtp.SmtpLimits(
        command_line=512,
        auth_line=600,
        endless_line=2000,
        text_line_accepted=1000,
        faults=30,
        idle_commands=30,
    ),
    has_tls=True,
    mechanisms=("PLAIN", "LOGIN"),
    commands=frozenset({"BURL", "SEND", "SOML", "SAML", "ETRN", "VERB", "ONEX", "VRFY", "EXPN"}),
    group_rule=smtp.GroupRule.NONE,  # the only rule under which cuts do not show in the events
)
_SEEDS: Final = (
    b"EHLO a.example\r\n", b"HELO [192.0.2.1]\r\n", b"MAIL FROM:<a@b.example>\r\n",
    b"MAIL FROM:<> SIZE=1 BODY=8BITMIME\r\n", b"MAIL FROM:<\xc3\xa4@b.example> SMTPUTF8\r\n",
    b"RCPT TO:<c@d.example>\r\n", b"RCPT TO:<@a,@b:c@d.example>\r\n", b"RCPT TO:<postmaster>\r\n",
    b"DATA\r\n", b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n", b"HELP MAIL\r\n", b"VRFY x\r\n", b"EXPN x\r\n",
    b"AUTH PLAIN\r\n", b"AUTH PLAIN =\r\n", b"AUTH LOGIN AAAA\r\n", b"AAAA\r\n", b"*\r\n",
    b"GET / HTTP/1.1\r\n", b"ETRN x\r\n", b"ETRN @a.example\r\n", b"ETRN #q\r\n", b"VERB\r\n",
    b"ONEX\r\n", b"SEND FROM:<a@b.example>\r\n", b"SAML FROM:<>\r\n", b"HELP\r\n", b"ATRN\r\n", b"TURN\r\n",
    b"\r\n.\r\n", b"\n.\n", b"\r.\r", b"\r\n.", b".\r\n", b"\n",
    b"\r", b"\0", b"\xff", b"x" * 600, b"\x16\x03\x01",
    b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n", b"line\r\n", b"..dots\r\n",
    b" SIZE=99999999999999999999", b"MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n", b"MAIL FROM:<> PRDR\r\n",
    b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\n", b"BDAT 7\r\nhello\r\n",
    b"BDAT 3\r\n.\r\n", b"BDAT 6\r\nQUIT\r\n", b"BDAT 4\r\na\nb\r", b"BDAT 0 LAST\r\n",
    b"BDAT 1 LAST\r\n\n", b"BDAT 300\r\n", b"BDAT 99999999999\r\n", b"BDAT -1\r\n", b"BDAT 5 FIRST\r\n",
    b"BURL imap://h/a;UID=1 LAST\r\n", b"BURL imap://h/a;UID=1\r\n", b"BURL x:\r\n",
    b"BURL no:no\r\n", b"BURL \xff:\r\n",
)  # fmt: skip
_NO: Final = Reply(550, Status(5, 7, 1), "No")
# Events that tell of the moment at which octets came, not of the octets.
_OF_TIME: Final = {smtp.Breach.AHEAD_OF_REPLY}


def one_input(data: bytes) -> None:
    """Play one session whole, and cut as its first octet says."""
    whole = _play([data[1:]])
    step = data[0] + 1 if data else 1
    pieces = [data[start : start + step] for start in range(1, len(data), step)]
    assert _play(pieces) == whole
    assert _play([data[n : n + 1] for n in range(1, len(data))]) == whole


def _play(pieces: list[bytes]) -> tuple[list[Any], bytes]:
    server = smtp.SmtpServer(_OPTIONS)
    seen: list[Any] = []
    said = bytearray()
    for piece in [*(piece for piece in pieces if piece), b""]:
        _run(server, seen)
        server.receive(piece)
        _run(server, seen)
        said += server.data_to_send()
    assert server.over and isinstance(seen[-1], smtp.Closed)
    assert sum(isinstance(event, smtp.Closed) for event in seen) == 1
    assert all(len(line) <= 510 for line in said.split(b"\r\n"))
    return seen, bytes(said)


def _run(server: smtp.SmtpServer, seen: list[Any]) -> None:
    while (event := server.next_event()) is not NEED_DATA and event is not PAUSED:
        if isinstance(event, smtp.Mail):
            assert any(isinstance(earlier, smtp.Hello) for earlier in seen)
        _see(event, seen)
        _answer(server, event, seen)


def _see(event: Any, seen: list[Any]) -> None:
    """Keep an event so that cuts do not show: chunks joined, and those of aborted content dropped."""
    last = seen[-1] if seen else None
    if isinstance(event, smtp.Chunk):
        is_binary = any(
            "BINARYMIME" in str(one.parameters.get("BODY")) for one in seen if isinstance(one, smtp.Mail)
        )
        assert event.data and (is_binary or b"\n" not in event.data.replace(b"\r\n", b""))
        if isinstance(last, smtp.Chunk):
            seen[-1] = smtp.Chunk(last.data + event.data)
            return
    if isinstance(event, smtp.DataAborted) and isinstance(last, smtp.Chunk):
        seen.pop()
    if isinstance(event, smtp.DataEnd):
        assert event.size_bytes == _size_of(seen)
    if isinstance(event, smtp.Misbehaved):
        if event.breach in _OF_TIME:
            return
        event = event.breach  # excerpts show how much had come
    seen.append(event)


def _size_of(seen: list[Any]) -> int:
    """Octets of the content that ends now: DATA brings it in one go, BDAT chunk by chunk."""
    size = 0
    for event in reversed(seen):
        if isinstance(event, smtp.Chunk):
            size += len(event.data)
        elif isinstance(event, smtp.DataStart | smtp.Rcpt | smtp.Reset | smtp.DataAborted):
            break
    return size


def _answer(server: smtp.SmtpServer, event: Any, seen: list[Any]) -> None:
    """Yes to most; no by the octets themselves, so that the answers do not depend on the cuts."""
    match event:
        case smtp.Auth() | smtp.AuthResponse():
            if isinstance(event, smtp.Auth) and event.initial is None:
                server.challenge(b"go on")
            else:
                server.answer(_NO if event == smtp.AuthResponse(b"") else LOGGED_IN)
        case smtp.Burl(url="no:no"):
            server.answer(_NO)
        case smtp.Burl(url):
            _supply(server, url, seen)
        case smtp.StartTls() | smtp.DataEnd(size_bytes=6):
            server.answer(_NO)
        case _:
            server.answer(None)


def _supply(server: smtp.SmtpServer, url: str, seen: list[Any]) -> None:
    """The URL is its own content, in pieces as long as its first octet says."""
    octets = url.encode().replace(b"/", b"\r\n")
    step = octets[0] % 7 + 1
    for start in range(0, len(octets), step):
        kept = server.supply(octets[start : start + step])
        if kept:
            _see(smtp.Chunk(kept), seen)
    server.answer(None)


def some_input(chance: random.Random) -> bytes:
    """A plausible session, or nearly one."""
    parts = [bytes([chance.randrange(256)])]
    for _ in range(chance.randrange(1, 25)):
        part = chance.choice(_SEEDS)
        if chance.random() < 0.1:
            place = chance.randrange(len(part) + 1)
            part = part[:place] + bytes([chance.choice(b"\r\n.\0 <>=\xff")]) + part[place + 1 :]
        parts.append(part)
    return b"".join(parts)


if __name__ == "__main__":
    run(one_input, some_input, rounds=10_000)
