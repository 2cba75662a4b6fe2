"""Invariant: any octets whatever make ImapServer give events, answers and responses; nothing but that escapes, no
command passes its states, every command gets one tagged result, a session ends with one Closed, and n octets of
input cost O(n) memory.

Run by itself: python fuzz/imap_server.py [SEED [ROUNDS]]. Under atheris: python fuzz/imap_server.py --atheris.
"""

from __future__ import annotations

import random
from typing import Any, Final

from harness import run

from postel.proto import NEED_DATA, PAUSED, imap

_OPTIONS: Final = imap.ImapOptions(
    hostname="fuzz.example.org",
    capabilities=(
        "IMAP4rev2", "IDLE", "ID", "CONDSTORE", "QRESYNC", "MULTIAPPEND", "CATENATE", "REPLACE", "COMPRESS=DEFLATE",
        "UTF8=ACCEPT", "UIDONLY", "SORT", "THREAD=REFERENCES", "METADATA", "NOTIFY", "ACL", "UNAUTHENTICATE",
    ),
    offers_starttls=True,
    offers_plaintext=True,
    mechanisms=("PLAIN",),
    limits=imap.ImapLimits(append=5000, literal=100, literals=200, swallow=6000, faults_before_close=30),
)  # fmt: skip
_SEEDS: Final = (
    b"a LOGIN kitt sesame\r\n", b"b LOGIN {4}\r\nkitt {6+}\r\nsesame\r\n", b"c AUTHENTICATE PLAIN\r\n", b"AAAA\r\n",
    b"*\r\n", b"d STARTTLS\r\n", b"e SELECT INBOX\r\n", b"f APPEND x (\\Seen) {5}\r\n", b"hello", b"\r\n", b"\n", b"\0",
    b"g APPEND x {3+}\r\nabc {2+}\r\nde\r\n", b"h APPEND x CATENATE (URL /x TEXT {2+}\r\nhi)\r\n", b" {3}\r\n", b")",
    b"i REPLACE 1 x ~{3+}\r\na\0b\r\n", b"j IDLE\r\n", b"DONE\r\n", b"k COMPRESS DEFLATE\r\n", b"l ENABLE UIDONLY\r\n",
    b"m FETCH 1:* (FLAGS BODY[1.2.MIME])\r\n", b"n UID SEARCH OR (SEEN) NOT {1+}\r\n1 UID 4\r\n", b"o LOGOUT\r\n",
    b"p UNAUTHENTICATE\r\n", b"q APPEND x {6001+}\r\n", b"x" * 200, b"r CREATE {101+}\r\n",
    b"s APPEND {1+}\r\nx {5+}\r\n",
    b"t NOTIFY SET (selected (MessageNew MessageExpunge))\r\n", b"u SETMETADATA \"\" (/private/x {3+}\r\nabc)\r\n",
    b"{99999999999999999999+}\r\n", b"v CAPABILITY\r\n", b"w ID (\"a\" NIL)\r\n", b"\xff\xfe", b"y CLOSE\r\n",
)  # fmt: skip
_UPLOADS: Final = (imap.Append, imap.Replace)
_ALONE: Final = (imap.Capability, imap.Check, imap.Compress, imap.Enable, imap.Idle, imap.Logout, imap.Noop)


def one_input(data: bytes) -> None:
    """Play one session: the first octet says how it is cut, and answers are yes or no by what they answer."""
    machine = imap.ImapServer(_OPTIONS)
    step = data[0] + 1 if data else 1
    for start in range(1, len(data), step):
        machine.receive(data[start : start + step])
        _run(machine)
    machine.receive(b"")
    _run(machine)
    assert machine.over


def _run(machine: imap.ImapServer) -> None:
    while (event := machine.next_event()) is not NEED_DATA:
        if event is PAUSED:
            assert machine.wants_tls
            machine.tls_started(_OPTIONS)
            continue
        assert not isinstance(event, imap.Closed) or machine.over
        if isinstance(event, imap.Received):
            _check(machine, event)
        if event.wants_answer:
            _answer(machine, event)
        assert len(machine.data_to_send()) < 200_000


def _check(machine: imap.ImapServer, event: imap.Received) -> None:
    assert event.tag
    if isinstance(event.command, imap.Select | imap.Append | imap.List | imap.Notify):
        assert machine.is_logged_in
    if isinstance(event.command, imap.Fetch | imap.Store | imap.Search | imap.Replace):
        assert machine.state is imap.State.SELECTED


def _answer(machine: imap.ImapServer, event: Any) -> None:
    command = getattr(event, "command", None)
    if isinstance(command, imap.Authenticate):
        machine.challenge(b"?")
    elif isinstance(event, imap.MessageStart) and event.size == 3:
        machine.answer(imap.NO.saying("No threes", imap.codes.LIMIT))
    elif isinstance(event, imap.UploadEnd | imap.AuthResponse):
        machine.answer(imap.OK)
    elif command is None or isinstance(command, _UPLOADS + _ALONE):
        machine.answer()
    else:
        machine.answer(imap.OK if len(event.tag) == 1 else imap.NO)


def some_input(chance: random.Random) -> bytes:
    """A session made of commands, broken in a few places."""
    login = b"a LOGIN kitt sesame\r\n" * chance.randrange(2)
    pieces = chance.choices(_SEEDS, k=chance.randrange(1, 20))
    session = bytearray(chance.randbytes(1) + login + b"".join(pieces))
    for _ in range(chance.randrange(4)):
        session[chance.randrange(len(session))] = chance.randrange(256)
    return bytes(session)


if __name__ == "__main__":
    run(one_input, some_input, rounds=100_000)
