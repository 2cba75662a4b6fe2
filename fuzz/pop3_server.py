"""Invariant: any octets whatever make Pop3Server give events, answers and replies; nothing but that escapes,
no session reaches a message without a login, and n octets of input cost O(n) memory.

Run by itself: python fuzz/pop3_server.py [SEED [ROUNDS]]. Under atheris: python fuzz/pop3_server.py --atheris.
"""

from __future__ import annotations

import random
from typing import Any, Final

from harness import run

from postel.proto import NEED_DATA, PAUSED, pop3

_CONTENT: Final = b"Subject: x\r\n\r\n.dot\r\nline\r\n"
_DROP: Final = pop3.LoggedIn(
    [pop3.DropMessage(len(_CONTENT), "1-1"), pop3.DropMessage(len(_CONTENT), "1-2", True)]
)
_OPTIONS: Final = pop3.Pop3Options(
    hostname="fuzz.example.org",
    timestamp="<1@fuzz>",
    offers_stls=True,
    offers_plaintext=True,
    mechanisms=("PLAIN",),
)
_SEEDS: Final = (
    b"USER kitt\r\n", b"PASS sesame\r\n", b"AUTH PLAIN\r\n", b"AUTH PLAIN =\r\n", b"AAAA\r\n", b"*\r\n", b"STLS\r\n",
    b"UTF8\r\n", b"LANG *\r\n", b"LANG\r\n", b"CAPA\r\n", b"STAT\r\n", b"LIST\r\n", b"LIST 1\r\n", b"UIDL 2\r\n",
    b"RETR 1\r\n", b"RETR 2\r\n", b"TOP 1 1\r\n", b"DELE 1\r\n", b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n", b"\r\n",
    b"\n", b"\r", b"\0", b"APOP kitt 00\r\n", b"\xff\xfe", b"x" * 300, b"RETR 99999999999\r\n",
)  # fmt: skip


def one_input(data: bytes) -> None:
    """Play one session: the first octet says how it is cut, and each login succeeds or not by its octets."""
    machine = pop3.Pop3Server(_OPTIONS)
    step = data[0] + 1 if data else 1
    for start in range(1, len(data), step):
        machine.receive(data[start : start + step])
        _run(machine)
        if machine.over:
            return
    machine.receive(b"")
    _run(machine)
    assert machine.over


def _run(machine: pop3.Pop3Server) -> None:
    while not machine.over:
        event = machine.next_event()
        assert event is not PAUSED
        if event is NEED_DATA:
            break
        if isinstance(event, pop3.Retrieve | pop3.Update):
            assert machine.is_logged_in
        machine.answer(_answer(event))
        if isinstance(event, pop3.Retrieve):
            machine.content(_CONTENT)
            machine.end_content()
        elif isinstance(event, pop3.StartTls):
            machine.tls_started(_OPTIONS)
        assert len(machine.data_to_send()) < 200_000


def _answer(event: Any) -> pop3.Answer:
    match event:
        case pop3.Misbehaved() | pop3.AuthCancelled() | pop3.Answered() | pop3.Flush() | pop3.Over():
            return None
        case pop3.Login() | pop3.Apop():
            return _DROP
        case pop3.Auth():
            return pop3.Challenge(b"?")
        case pop3.AuthResponse(data):
            return _DROP if len(data) % 2 else pop3.LOGIN_FAILED
        case _:
            return pop3.Ok()


def some_input(chance: random.Random) -> bytes:
    """A session made of commands, broken in a few places."""
    session = bytearray(chance.randbytes(1) + b"".join(chance.choices(_SEEDS, k=chance.randrange(20))))
    for _ in range(chance.randrange(4)):
        session[chance.randrange(len(session))] = chance.randrange(256)
    return bytes(session)


if __name__ == "__main__":
    run(one_input, some_input, rounds=100_000)
