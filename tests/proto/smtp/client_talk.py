"""A client machine on a workbench: what it says, and what it hears, as text."""

from __future__ import annotations

from postel.mail import Envelope, Recipient, parse_forward_path, parse_reverse_path
from postel.proto import NEED_DATA, PAUSED
from postel.proto.smtp.client import SmtpClient
from postel.proto.smtp.client_events import ClientEvent
from postel.proto.smtp.client_options import ClientOptions

FULL = (
    "PIPELINING",
    "SIZE 1000000",
    "8BITMIME",
    "SMTPUTF8",
    "ENHANCEDSTATUSCODES",
    "STARTTLS",
    "AUTH PLAIN LOGIN",
)


def envelope(*to: str, of: str = "frito@drag.net", **parameters: str | None) -> Envelope:
    """An envelope from text."""
    recipients = tuple(Recipient(parse_forward_path(f"<{path}>")) for path in to)
    return Envelope(parse_reverse_path(f"<{of}>"), recipients, parameters)


class Bench:
    """One client and the server's lines for it."""

    def __init__(
        self, *, greeted: bool = True, offers: tuple[str, ...] | None = None, lmtp: bool = False
    ) -> None:
        self.client = SmtpClient(ClientOptions(hostname="mail.drag.net", is_lmtp=lmtp))
        if greeted or offers is not None:
            self.hear("220 pluto.free.org ESMTP")
            assert self.event() is not None
        if offers is not None:
            self.client.hello()
            self.said()
            lines = ["pluto.free.org", *offers]
            self.hear(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")
            assert self.event() is not None

    def hear(self, *lines: str) -> None:
        """The server says these lines, in one segment."""
        if lines:
            self.client.receive("".join(f"{line}\r\n" for line in lines).encode())

    def said(self) -> list[str]:
        """The lines that the client has said since."""
        return self.client.data_to_send().decode().splitlines()

    def event(self) -> ClientEvent | None:
        """The next event, None where there is none."""
        event = self.client.next_event()
        return None if event is NEED_DATA or event is PAUSED else event
