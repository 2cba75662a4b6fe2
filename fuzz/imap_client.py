"""Invariant: whatever a server says, ImapClient gives events and, at the end, one Lost; nothing escapes, no list nests
without end, and what is held is bounded by what was received.

Run by itself: python fuzz/imap_client.py [SEED [ROUNDS]]. Under atheris: python fuzz/imap_client.py --atheris.
"""

from __future__ import annotations

from typing import Any, Final

from harness import broken_pieces, run

from postel.proto import NEED_DATA, imap
from postel.proto.imap import client_values as heard

_PIECES: Final = (
    b"* OK hi\r\n", b"* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n", b"* BYE\r\n", b"+ go\r\n", b"+ AAAA\r\n",
    b"+\r\n",
    b"c1 OK done\r\n", b"c2 NO [TRYCREATE] no\r\n", b"c3 BAD [X \"]\"] no\r\n", b"* 5 EXISTS\r\n", b"* 2 EXPUNGE\r\n",
    b"* 1 FETCH (UID 7 FLAGS (\\Seen) BODY[] {5}\r\nhello ENVELOPE (NIL ((NIL))))\r\n", b"* 1 FETCH (BODY[] {30}\r\n",
    b"x" * 30, b")\r\n", b"(" * 30, b"* LIST () \"/\" &ZeVnLIqe-\r\n", b"* STATUS x (MESSAGES 3)\r\n",
    b"* SEARCH 1 2\r\n",
    b"* VANISHED (EARLIER) 1:3\r\n", b"* VANISHED x\r\n", b"* LIST () NIL {30}\r\n", b"\r\n", b"\n", b"\0", b"\xff",
    b"* 1 FETCH (BINARY[1] ~{25}\r\n", b"{99999999999999999999}\r\n", b"* ENABLED UTF8=ACCEPT\r\n", b"* ",
    b"\"", b"NIL",
)  # fmt: skip
_LIMITS: Final = imap.ClientLimits(response=10_000, literal=20, literals=1000)

some_input = broken_pieces(_PIECES)


def one_input(data: bytes) -> None:
    """A client with a few commands, hearing this, cut as the first octet says."""
    client = imap.ImapClient(_LIMITS)
    client.login("ann", "p\u00e4ss")
    client.append("x", 3, [b"\\Seen"])
    client.more(b"abc")
    client.authenticate("PLAIN")
    step = data[0] + 1 if data else 1
    seen: list[Any] = []
    for start in range(0, len(data), step):
        client.receive(data[start : start + step])
        _run(client, seen)
    client.receive(b"")
    _run(client, seen)
    assert client.over
    assert sum(isinstance(event, heard.Lost) for event in seen) == 1
    assert isinstance(seen[-1], heard.Lost)
    assert sum(len(event.data) for event in seen if isinstance(event, heard.LiteralPiece)) <= len(data)


def _run(client: imap.ImapClient, seen: list[Any]) -> None:
    while (event := client.next_event()) is not NEED_DATA:
        seen.append(event)
    client.data_to_send()


if __name__ == "__main__":
    run(one_input, some_input, rounds=100_000)
