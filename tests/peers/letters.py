"""A letter with all that programs get wrong: dots, blank lines, long lines, octets above 127."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Final

BODY: Final = (
    "Dear friend,\r\n"
    "\r\n"
    ".\r\n"
    "..two dots\r\n"
    ".hidden\r\n"
    "From the start of a line\r\n"
    "trailing blanks  \r\n"
    f"{'x' * 990}\r\n"
    "Grüße aus Ærø\r\n"
    "\r\n"
    "the end\r\n"
)


def compose(sender: str, recipient: str, subject: str = "by hand", body: str = BODY) -> bytes:
    """A letter that needs nothing added."""
    return (
        f"From: {sender}\r\n"
        f"To: {recipient}\r\n"
        f"Subject: {subject}\r\n"
        "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n"
        f"Message-ID: <{subject.replace(' ', '-')}-{recipient}>\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n"
        "\r\n"
        f"{body}"
    ).encode()


def read(letter: bytes) -> EmailMessage:
    """The letter as a mail program understands it."""
    return email.message_from_bytes(letter, policy=email.policy.default)


def body_of(letter: bytes) -> str:
    """The text, lines ending in LF."""
    part = read(letter).get_body(("plain",))
    assert part is not None
    text: str = part.get_content()
    return text.replace("\r\n", "\n")
