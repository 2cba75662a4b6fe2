"""Invariant: any octets whatever from a server make SmtpClient give events and commands; nothing else escapes.
However they are cut, the same is said and seen; content goes out only after a 354, and a session always ends.

Run by itself: python fuzz/smtp_client.py [SEED [ROUNDS]]. Under atheris: python fuzz/smtp_client.py --atheris.
"""

from __future__ import annotations

import random
from typing import Any, Final

from harness import run

from postel.mail import Envelope, Recipient, parse_forward_path, parse_reverse_path
from postel.proto import NEED_DATA, PAUSED, sasl, smtp

_OPTIONS: Final = smtp.ClientOptions(
    hostname="fuzz.example.org", group_limit=3, limits=smtp.ReplyLimits(line=600, lines=8, octets=2000)
)
_LMTP: Final = smtp.ClientOptions(hostname="fuzz.example.org", is_lmtp=True, limits=_OPTIONS.limits)
_SEEDS: Final = (
    b"220 hi\r\n", b"554 no\r\n", b"250 ok\r\n", b"250-hi\r\n250 PIPELINING\r\n",
    b"250-hi\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250-SIZE 50\r\n250 SMTPUTF8\r\n",
    b"354 go\r\n", b"334 \r\n", b"334 VXNlcm5hbWU6\r\n", b"334 &\r\n", b"235 in\r\n", b"535 5.7.8 no\r\n",
    b"550 5.1.1 no\r\n", b"450-4.2.1 not\r\n450 4.2.1 now\r\n", b"552 full\r\n", b"421 bye\r\n", b"221 bye\r\n",
    b"500 what\r\n", b"999 x\r\n", b"250-x\r\n", b"\r\n", b"\n", b"\r", b"\0", b"\xff\xfe", b"2" * 700,
    b"250-hi\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-PRDR\r\n250 LIMITS RCPTMAX=1\r\n", b"353 each\r\n",
)  # fmt: skip
_OPENINGS: Final = (
    b"220 hi\r\n250 hi\r\n",
    b"220 hi\r\n250-hi\r\n250 PIPELINING\r\n",
    b"220 hi\r\n250-hi\r\n250-PRDR\r\n250 CHUNKING\r\n",
    b"",
)
_TO: Final = tuple(
    Recipient(parse_forward_path(f"<{path}>"))
    for path in ("a@b.example", "ä@b.example", "c@d.example", "e@f.example")
)
_MECHANISMS: Final = [
    row for row in sasl.MECHANISMS if not row.name.endswith("-PLUS")
]  # there is no TLS here
_LETTER: Final = Envelope(parse_reverse_path("<x@y.example>"), _TO)


def one_input(data: bytes) -> None:
    """Play one session whole, octet by octet, and cut as its first octet says."""
    first = data[0] if data else 0
    whole = _play([data[1:]], first)
    assert _play([data[n : n + 1] for n in range(1, len(data))], first) == whole
    step = first % 7 + 2
    assert _play([data[n : n + step] for n in range(1, len(data), step)], first) == whole


def _play(pieces: list[bytes], first: int) -> tuple[list[Any], bytes]:
    """All that was seen and said.

    The shell acts only when all has been received: when it acts is its own affair, and must not show.
    """
    shell = _Shell(_LMTP if first % 5 == 0 else _OPTIONS, random.Random(first))
    lines = b"".join(pieces).split(b"\n")
    for number, line in enumerate(lines):
        text = line + b"\n" if number < len(lines) - 1 else line
        size = max(len(piece) for piece in pieces) if pieces else 1
        for start in range(0, len(text), size):
            shell.client.receive(text[start : start + size])
        shell.act()
    shell.client.receive(b"")
    shell.act()
    assert shell.client.over
    return shell.seen, bytes(shell.said)


class _Shell:
    """Takes the step that an event suggests, or a random other one that is in turn."""

    def __init__(self, options: smtp.ClientOptions, chance: random.Random) -> None:
        self.client = smtp.SmtpClient(options)
        self.seen: list[Any] = []
        self.said = bytearray()
        self._chance = chance

    def act(self) -> None:
        while not self.client.over:
            event = self.client.next_event()
            self.said += self.client.data_to_send()
            if event is NEED_DATA or event is PAUSED:
                return
            self.seen.append(event)
            self._step(event)
        self.said += self.client.data_to_send()

    def _step(self, event: smtp.ClientEvent) -> None:
        client = self.client
        match event:
            case smtp.Greeting(reply) if reply.is_positive:
                client.hello()
            case smtp.Greeting() | smtp.HelloRefused():
                client.quit()
            case smtp.TlsReady():
                client.tls_started()
                client.hello()
            case smtp.ContentWanted():
                client.content(b"hello\r\n.")
                client.end_content()
            case smtp.SessionLost() | smtp.QuitDone():
                return
            case smtp.TransactionDone(replies):
                assert len(replies) == len(_TO)
                self._any_step()
            case _:
                self._any_step()

    def _any_step(self) -> None:
        match self._chance.randrange(8):
            case 0:
                self.client.start_tls()
            case 1:
                mechanism = self._chance.choice(_MECHANISMS)
                self.client.login(sasl.ClientExchange(mechanism, sasl.Credentials("x", "y")))
            case 2:
                self.client.reset()
            case 3:
                self.client.quit()
            case _:
                self.client.transact(_LETTER, self._chance.choice((None, 10, 100)))


def some_input(chance: random.Random) -> bytes:
    """A plausible server, or nearly one."""
    parts = [bytes([chance.randrange(256)]), chance.choice(_OPENINGS)]
    for _ in range(chance.randrange(1, 25)):
        part = chance.choice(_SEEDS)
        if chance.random() < 0.1:
            place = chance.randrange(len(part) + 1)
            part = part[:place] + bytes([chance.choice(b"\r\n.\0 -25\xff")]) + part[place + 1 :]
        parts.append(part)
    return b"".join(parts)


if __name__ == "__main__":
    run(one_input, some_input, rounds=10_000)
