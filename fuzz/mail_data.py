"""Invariant: DataReader finds the end of mail data, and the content before it, exactly where a five-line
reference does, however the octets are cut; what it takes back is what DotStuffer made; nothing else ends the data.

Run by itself: python fuzz/mail_data.py [SEED [ROUNDS]]. Under atheris: python fuzz/mail_data.py --atheris.
"""

from __future__ import annotations

from typing import Final

from harness import broken_pieces, run

from postel.proto.smtp import DotStuffer
from postel.proto.smtp.content import DataReader
from postel.proto.smtp.limits import SmtpLimits

_LIMITS: Final = SmtpLimits()
some_input = broken_pieces(
    [b"\r\n", b".\r\n", b"\r\n.\r\n", b"\r\n..\r\n", b"\r\n.x", b".", b"..", b"\n.\n", b"\r.\r", b"\r\n.\n",
     b"\n.\r\n", b"text", b"x" * 70 + b"\r\n", b"\r", b"\n", b"\xff", b"MAIL FROM:<x@y>\r\n"]
)  # fmt: skip


def reference(data: bytes) -> tuple[bytes, bytes] | None:
    """Content and what follows it, as RFC 5321 4.5.2 says; None: no end, or a bare CR or LF before it."""
    whole = b"\r\n" + data
    end = whole.find(b"\r\n.\r\n")
    lines = whole[: end + 2].split(b"\r\n")[1:-1]
    if end < 0 or any(b"\r" in line or b"\n" in line for line in lines):
        return None
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines), whole[end + 5 :]


def one_input(data: bytes) -> None:
    """Read it whole, octet by octet, and in pieces; then as content that is stuffed first."""
    wanted = reference(data)
    for step in (len(data) or 1, 1, 3):
        found = _read(data, step)
        if wanted is not None:
            assert found == wanted
        else:
            assert found is None
    _stuffed(data)


def _read(data: bytes, step: int) -> tuple[bytes, bytes] | None:
    buffer = bytearray()
    reader, content = DataReader(_LIMITS, buffer), b""
    for start in range(0, len(data), step):
        buffer += data[start : start + step]
        while not reader.is_done and (piece := reader.read(buffer)):
            content += piece
        if reader.is_done:
            return None if reader.trouble else (content, bytes(buffer) + data[start + step :])
    return None


def _stuffed(data: bytes) -> None:
    """Any lines at all come back."""
    content = data.replace(b"\r", b"").replace(b"\n", b"\r\n")
    stuffer = DotStuffer()
    sent = b"".join(stuffer.stuff(content[n : n + 7]) for n in range(0, len(content), 7)) + stuffer.end()
    whole = content if content.endswith(b"\r\n") or not content else content + b"\r\n"
    assert _read(sent, 5) == (whole, b"")


if __name__ == "__main__":
    run(one_input, some_input, rounds=100_000)
