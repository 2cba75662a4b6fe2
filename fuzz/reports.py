"""Invariant: any octets are a report, a notification, or neither, and nothing escapes; one that we composed is read
back
as it was meant, and n octets cost O(n).

Run by itself: python fuzz/reports.py [SEED [ROUNDS]]. Under atheris: python fuzz/reports.py --atheris.
"""

from __future__ import annotations

from typing import Final

from harness import broken_pieces, run

from postel.message import parse_notification, parse_report

_TOP: Final = (
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n",
    b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n",
    b"MIME-Version: 1.0\r\n",
    b"Subject: x\r\n",
)
_PARTS: Final = (
    b"--b\r\n", b"--b--\r\n", b"\r\n", b"Content-Type: text/plain\r\n\r\n",
    b"Content-Type: message/delivery-status\r\n\r\n",
    b"Content-Type: message/global-delivery-status\r\n\r\n", b"Content-Type: message/disposition-notification\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Type: message/rfc822\r\n\r\n", b"Content-Type: text/rfc822-headers\r\n\r\n",
    b"Reporting-MTA: dns; mx.example\r\n", b"Final-Recipient: rfc822;a@b.example\r\n",
    b"Final-Recipient: utf-8; \xc3\xbc@b\r\n",
    b"Original-Recipient: rfc822;a+2Bb@c.example\r\n", b"Action: failed\r\n", b"Action: x\r\n", b"Status: 5.1.1\r\n",
    b"Status: 9.9999.1 (why)\r\n", b"Diagnostic-Code: smtp; 550 no\r\n", b"Remote-MTA: dns; x\r\n", b": \r\n",
    b" folded\r\n",
    b"Last-Attempt-Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n", b"Will-Retry-Until: never\r\n",
    b"Disposition: manual-action/MDN-sent-manually; displayed\r\n", b"Disposition: ;/;\r\n", b"\xff\xfe\0", b"=00=",
    b"QUJD\r\n",
)  # fmt: skip
_broken = broken_pieces([*_TOP, *_PARTS, *_PARTS, *_PARTS])


def some_input(chance):  # type: ignore[no-untyped-def]
    """A report, mostly."""
    return (chance.choice(_TOP) if chance.random() < 0.8 else b"") + _broken(chance)


def one_input(data: bytes) -> None:
    """As either. What is found stays found when the same octets come again."""
    report = parse_report(data)
    if report is not None:
        assert len(report.recipients) <= len(data)
        for one in report.recipients:
            assert one.mailbox is None or str(one.mailbox)
        assert parse_report(data) == report
    parse_notification(data)


if __name__ == "__main__":
    run(one_input, some_input, rounds=50_000)
