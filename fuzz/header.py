"""Invariant: any octets whatever parse as a header section without losing one, twice alike, at a cost of O(n);
no address list, date or subject in them makes anything escape; what we compose of them stays one field each.

Run by itself: python fuzz/header.py [SEED [ROUNDS]]. Under atheris: python fuzz/header.py --atheris.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness import broken_pieces, run

from postel.mail import Reply, parse_domain, parse_mailbox
from postel.message import (
    Action,
    HeadCollector,
    HeaderBlock,
    RecipientReport,
    ReportFacts,
    SubmissionFacts,
    complete_submission,
    compose_field,
    compose_report,
    decode_words,
    inspect_submission,
    parse_date,
    recipients_of,
)

_FROM: Final = parse_mailbox("frito@drag.net")
_DOMAIN: Final = parse_domain("drag.net")
_FACTS: Final = SubmissionFacts(account=_FROM, hostname="mail.drag.net", queue_id="0abc", submitted_at=0)
_REPORT: Final = ReportFacts(
    hostname="mail.drag.net",
    report_id="0",
    composed_at=0,
    to=_FROM,
    recipients=(RecipientReport(mailbox=_FROM, action=Action.FAILED, reply=Reply(550, None, "no")),),
    head=b"",
    arrived_at=0,
)
_SEEDS: Final = (
    b"From: ", b"To: ", b"Cc: ", b"Bcc: ", b"Sender: ", b"Date: ", b"Subject: ", b"Message-ID: <1@a.org>", b"a@b.org",
    b"<", b">", b",", b";", b":", b"(", b")", b'"', b"\\", b"[192.0.2.1]", b"@", b".", b" ", b"\t", b"\r\n", b"\r\n ",
    b"\n", b"\r", b"\r\n\r\n", b"\0", b"\xff", b"=?utf-8?q?=C3=A4?=", b"=?utf-8?b?w6Q=?=",
    b"Thu, 1 Jan 2026 00:00:00 +0000",
    b"Resent-To: ", b"x" * 100, b"\xc3\xbc",
)  # fmt: skip


def one_input(data: bytes) -> None:
    """Parse, read and compose from one header section."""
    block = HeaderBlock.parse(data)
    assert block.raw + block.separator == data[: block.size_bytes]
    assert HeaderBlock.parse(block.raw + block.separator) == block
    collector = HeadCollector()
    for start in range(0, len(data), 7):
        collector.feed(data[start : start + 7])
    assert collector.is_missing == data.startswith((b" ", b"\t"))  # then it is all body
    assert collector.head == (b"" if collector.is_missing else data[: block.size_bytes])
    recipients_of(block, _DOMAIN)
    inspect_submission(block)
    added = HeaderBlock.parse(complete_submission(block, _FACTS))
    assert all(field.name in ("Date", "Message-ID", "From", "Sender") for field in added.fields)
    for field in block.fields:
        parse_date(field.value)
        composed = compose_field("X-Test", decode_words(field.value).split(" "))
        assert len(HeaderBlock.parse(composed).fields) == 1
    assert compose_report(replace(_REPORT, head=data)).isascii()


some_input: Final = broken_pieces(_SEEDS)

if __name__ == "__main__":
    run(one_input, some_input, rounds=100_000)
