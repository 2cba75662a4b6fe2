"""Invariant: any octets are an mbox file or NotMbox; what MboxWriter wrote of any messages comes back as those
messages.

Run by itself: python fuzz/mbox.py [SEED [ROUNDS]]. Under atheris: python fuzz/mbox.py --atheris.
"""

from __future__ import annotations

import io
from typing import Final

from harness import broken_pieces, run

from postel.cli.mbox import MboxWriter, NotMbox, Quoting, split_mbox

some_input = broken_pieces(
    [b"From a@b.example Mon Nov 23 12:00:00 2026\n", b"From - \n", b"From \n", b">From x\n", b">>From x\n", b"\n",
    b"\r\n",
     b"Subject: x\n", b"text\n", b"Content-Length: 5\n", b"From", b"\xff\0", b"x" * 300,
     b"From x Thu Jan 1 00:00:00 99999\n"]
)  # fmt: skip
_LATEST: Final = 4_102_444_800.0


def one_input(data: bytes) -> None:
    """As a file; and cut into messages that are written and read back."""
    for quoting in Quoting:
        try:
            for message in split_mbox(io.BytesIO(data), quoting):
                assert sum(len(piece) for piece in message.pieces) <= len(data)
        except NotMbox:
            continue
    _there_and_back([part for part in data.split(b"x") if part])


def _there_and_back(messages: list[bytes]) -> None:
    file = io.BytesIO()
    writer = MboxWriter(file)
    for number, message in enumerate(messages):
        writer.begin("a@b.example", min(number * 1e9, _LATEST))
        for start in range(0, len(message), 7):
            writer.write(message[start : start + 7])
        writer.end()
    file.seek(0)
    read = [b"".join(one.pieces) for one in split_mbox(file)]
    assert [_lines(one) for one in read] == [_lines(one) for one in messages], (read, messages)


def _lines(message: bytes) -> bytes:
    """What an mbox file keeps: lines end in LF, and the last one ends."""
    text = message if message.endswith(b"\n") else message + b"\n"
    return text.replace(b"\r\n", b"\n")


if __name__ == "__main__":
    run(one_input, some_input, rounds=20_000)
