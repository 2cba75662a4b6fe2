"""Invariant: whatever letters say of each other, each of them is in one place of one thread; threads are written with
as many brackets opened as closed; the base of a base subject is itself.

Run by itself: python fuzz/threads.py [SEED [ROUNDS]]. Under atheris: python fuzz/threads.py --atheris.
"""

from __future__ import annotations

import re
from typing import Final

from harness import broken_pieces, run

from postel.message import (
    IndexedContent,
    ThreadRow,
    base_subject,
    format_threads,
    index_content,
    thread_by_references,
    thread_by_subject,
)

_SEEDS: Final = (
    b"Message-ID: <a@b>\r\n", b"Message-ID: <c@d>\r\n", b"Message-ID: <\"a\"@b>\r\n", b"References: <a@b>",
    b" <c@d>", b"<e@f>", b"References:", b"In-Reply-To: <a@b>\r\n", b"In-Reply-To: <c@d> your mail\r\n",
    b"\r\n", b"\r\n\r\n|", b"|", b"|", b"|", b"Subject: Re: x\r\n", b"Subject: [fwd: x]\r\n",
    b"Subject: [a] x (fwd)\r\n", b"Subject: x\r\n", b"<", b">", b"[", b"]", b"re:",
    b"Date: 1 Jan 2026 00:00:00 +0000\r\n", b"Date: 2 Jan 2026 00:00:00 +0000\r\n", b"\xff", b"@",
)  # fmt: skip


def one_input(data: bytes) -> None:
    """Letters between bars."""
    rows = [row(number, letter) for number, letter in enumerate(data.split(b"|"), 1)]
    for threads in (thread_by_references(rows), thread_by_subject(rows)):
        written = format_threads(threads)
        assert sorted(map(int, re.findall(rb"\d+", written))) == [row.number for row in rows]
        assert written.count(b"(") == written.count(b")")
    subject = data.decode("latin-1")
    base, _ = base_subject(subject)
    assert base_subject(base)[0] == base


def row(number: int, letter: bytes) -> ThreadRow:
    index = IndexedContent.read(index_content(letter))
    keys = index.keys
    return ThreadRow(
        number, keys.message_id, keys.references, keys.base_subject, keys.is_reply, index.sent_at or number
    )


some_input: Final = broken_pieces(_SEEDS)

if __name__ == "__main__":
    run(one_input, some_input, rounds=50_000)
