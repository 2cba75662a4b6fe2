"""The frame of reports: multipart/report, whatever it reports.

Implements  RFC 6522 3 (multipart/report), RFC 2046 5.1.1 (boundaries).
Gives       ReportPart, join_parts, content_type_of, thread_of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postel.message.encoding import Encoding, encode
from postel.message.fields import compose_field
from postel.message.report_facts import message_id_of


@dataclass(frozen=True, slots=True)
class ReportPart:
    """One part of the multipart."""

    type: str
    description: str
    encoding: Encoding
    octets: bytes

    def format(self) -> bytes:
        """Header and body, with the CRLF before the boundary that follows."""
        lines = [
            compose_field("Content-Description", [self.description]),
            compose_field("Content-Type", [self.type]),
            compose_field("Content-Transfer-Encoding", [self.encoding]),
        ]
        # RFC 2046 5.1.1: the CRLF before a boundary belongs to it, so the part's own last one stays whole.
        return b"".join(lines) + b"\r\n" + encode(self.octets, self.encoding) + b"\r\n"


def join_parts(parts: Iterable[ReportPart]) -> tuple[str, bytes]:
    """The boundary, and the body of the multipart."""
    formatted = [part.format() for part in parts]
    # A text cannot hold its own hash, so no part holds the boundary, whatever a stranger wrote into it.
    boundary = "=_" + hashlib.sha256(b"".join(formatted)).hexdigest()[:40]
    line = b"--" + boundary.encode()
    return boundary, b"".join(line + b"\r\n" + part for part in formatted) + line + b"--\r\n"


def content_type_of(report_type: str, boundary: str) -> bytes:
    """The Content-Type field of the whole."""
    words = ["multipart/report;", f"report-type={report_type};", f'boundary="{boundary}"']
    return compose_field("Content-Type", words)


def thread_of(head: bytes) -> Iterator[bytes]:
    """RFC 3834 3.1.5: mail programs then show the report beside what it is about."""
    if message_id := message_id_of(head):
        yield compose_field("In-Reply-To", [message_id])
        yield compose_field("References", [message_id])
