"""Invariant: the arguments of a command, whatever octets they are, give that command or Refused; nothing else escapes,
and the time is O(n).

Run by itself: python fuzz/imap_cursor.py [SEED [ROUNDS]]. Under atheris: python fuzz/imap_cursor.py --atheris.
"""

from __future__ import annotations

import random
from typing import Final

from harness import run

from postel.proto import imap

_KNOWN: Final = frozenset(
    {
        "IMAP4REV2", "LIST-EXTENDED", "LIST-STATUS", "LIST-MYRIGHTS", "LIST-METADATA",
        "SPECIAL-USE", "CREATE-SPECIAL-USE",
        "ESEARCH", "SEARCHRES", "ESORT", "PARTIAL", "WITHIN", "SEARCH=FUZZY", "FILTERS", "CONDSTORE", "QRESYNC",
        "CONTEXT=SEARCH", "SORT=DISPLAY", "THREAD=REFERENCES", "OBJECTID", "SAVEDATE", "PREVIEW", "BINARY", "METADATA",
        "STATUS=SIZE", "APPENDLIMIT",
    }
)  # fmt: skip
_READINGS: Final = (
    imap.Reading(_KNOWN),
    imap.Reading(_KNOWN, frozenset({"UTF8=ACCEPT", "QRESYNC"})),
    imap.Reading(_KNOWN, frozenset({"UIDONLY"})),
    imap.Reading(),
)
_ROWS: Final = tuple(imap.COMMANDS.values())
_PIECES: Final = (
    b"1:*", b"$", b"4,7:9", b"(", b")", b"()", b" ", b" ", b" ", b'"a b"', b'"\\""', b"INBOX", b"&ZeVnLIqe-",
    b"gr\xc3\xbcn",
    b"{3+}\r\nabc", b"{3}\r\n", b"~{2+}\r\n\0x", b"FLAGS", b"(FLAGS UID)", b"BODY.PEEK[1.2.HEADER.FIELDS (To)]<0.5>",
    b"BODY[]", b"+FLAGS.SILENT", b"\\Seen", b"(\\Seen $x)", b"RETURN (MIN PARTIAL 1:2)", b"RETURN",
    b"CHARSET", b"UTF-8",
    b"KLINGON", b"NOT", b"OR", b"FUZZY", b"SEEN", b"HEADER", b"SINCE", b"1-Feb-2020", b"29-Feb-2019", b"MODSEQ", b"5",
    b"NIL", b"(CONDSTORE)", b"(QRESYNC (1 2 3:4 (1 2)))", b"(CHANGEDSINCE 5 VANISHED)", b"*", b"%", b"(SUBSCRIBED)",
    b"/private/x", b"(DEPTH 1)", b"SET", b"STATUS", b"(selected (MessageNew (UID) MessageExpunge))", b"IN (inboxes)",
    b"(REVERSE DATE)", b"REFERENCES", b"(USE (\\Sent))", b"DEFLATE", b"99999999999999999999", b"\r\n", b"(STORAGE 5)",
    b'" 1-Jan-2020 00:00:00 +0000"', b"UID", b"PREVIEW (LAZY)", b"BINARY.SIZE[1]", b"(PARTIAL -1:-5)", b"+lrs",
)  # fmt: skip


def one_input(data: bytes) -> None:
    """The first octet says which command, the second how it is read; the rest is what follows its name."""
    if len(data) < 2:
        return
    row = _ROWS[data[0] % len(_ROWS)]
    cursor = imap.Cursor(data[2:] + b"\r\n", _READINGS[data[1] % len(_READINGS)])
    try:
        command = row.read(cursor)
        cursor.end()
    except imap.Refused as refused:
        assert refused.result.format(b"t").count(b"\r\n") == 1
        return
    assert isinstance(command, imap.Command)
    assert command == row.read(imap.Cursor(cursor.text, cursor.reading)) or isinstance(
        command, imap.Authenticate
    )


def some_input(chance: random.Random) -> bytes:
    """A command's arguments made of likely pieces, broken in a few places."""
    data = bytearray(chance.randbytes(2) + b" ")
    for piece in chance.choices(_PIECES, k=chance.randrange(12)):
        data += piece + b" " * chance.randrange(2)
    for _ in range(chance.randrange(3)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


if __name__ == "__main__":
    run(one_input, some_input, rounds=200_000)
