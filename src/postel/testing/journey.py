"""The textbook journey, as data: who lives where, what DNS says, and the letter.

frito writes at mail.drag.net. free.org has MX 10 pluto.free.org, which is down, and MX 20 relay.reliable.com, which
takes the letter, finds itself in the MX list, and keeps trying pluto. When pluto is back, kitt has a letter.

Used by     `postel tour` (real sockets), the tests (memory), the tests with Postfix and Exim in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FRITO: Final = "frito@drag.net"
KITT: Final = "kitt@free.org"
ORIGIN: Final = "mail.drag.net"
RELAY: Final = "relay.reliable.com"
PLUTO: Final = "pluto.free.org"

ZONE: Final = f"""
drag.net.   MX 10 {ORIGIN}.
free.org.   MX 10 {PLUTO}.
            MX 20 {RELAY}.
"""

# What each server's configuration says beside its name and its listeners.
RULES: Final = {
    ORIGIN: '[[domain]]\nname = "drag.net"\n',
    RELAY: '[relay]\ndomains = ["free.org"]\n',
    PLUTO: '[[domain]]\nname = "free.org"\n',
}

LETTER: Final = (
    b"From: Frito <frito@drag.net>\r\n"
    b"To: Kitt <kitt@free.org>\r\n"
    b"Subject: A letter on its way\r\n"
    b"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <a-letter-on-its-way@drag.net>\r\n"
    b"\r\n"
    b"Dear Kitt,\r\n"
    b"\r\n"
    b"three servers will have carried this, and each will have written its name on it.\r\n"
    b".\r\n"
    b"The line above is a single dot, to see whether they are careful.\r\n"
    b"\r\n"
    b"Frito\r\n"
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is wrong with how the letter arrived; nothing, if it arrived well."""

    faults: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whole, once, with a trace field from each server."""
        return not self.faults


def check_arrival(letters: list[bytes]) -> Arrival:
    """Look at all that kitt received."""
    if len(letters) != 1:
        return Arrival((f"kitt has {len(letters)} letters, not one",))
    head, _, body = letters[0].partition(b"\r\n\r\n")
    wanted_head, _, wanted_body = LETTER.partition(b"\r\n\r\n")
    faults = []
    if body != wanted_body:
        faults.append("the body is not as it was written")
    if not head.endswith(wanted_head):
        faults.append("the header is not as it was written")
    hosts = trace_hosts(letters[0])
    if hosts != [PLUTO, RELAY, ORIGIN]:
        faults.append(f"the trace fields name {', '.join(hosts) or 'nobody'}")
    if not head.startswith(b"Return-Path: <frito@drag.net>\r\n"):
        faults.append("the Return-Path is missing")
    return Arrival(tuple(faults))


def trace_hosts(letter: bytes) -> list[str]:
    """The servers that wrote a trace field, the last one first."""
    head = letter.partition(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ")
    fields = [line for line in head.split(b"\r\n") if line.lower().startswith(b"received:")]
    return [field.partition(b" by ")[2].split(b" ")[0].decode() for field in fields]
