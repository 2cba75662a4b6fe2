"""Every limit of the server machine, with its name and the least that the standard asks.

Implements  RFC 5321 4.5.3.1, RFC 4954 4 (the length of authentication lines).
Gives       SmtpLimits.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpLimits:
    """Limits of one session. Lengths are octets, and those of lines include the CRLF.

    command_line          a command, before what extensions add to MAIL and RCPT.
    auth_line             a line of a SASL exchange, the AUTH command itself included.
    endless_line          how much of a line that is too long is swallowed before we hang up.
    text_line             a line of content as the standard has it; longer ones are noted in DataEnd.
    text_line_accepted    a line of content as we take it: much real mail has lines far beyond 998 octets,
                          and whoever passes it on may have to re-encode it, but must not lose it.
    message_size          the content; announced by SIZE.
    url                   the URL of a BURL.
    urls                  BURL commands in one transaction.
    overrun               how far beyond message_size a condemned message is swallowed before we hang up.
    recipients            accepted recipients of one transaction.
    parameters            parameters of one MAIL or RCPT.
    faults                commands that are nonsense before we hang up.
    idle_commands         commands that bring no mail forward (NOOP, RSET, VRFY...) before we hang up;
                          the count begins anew with each message accepted.
    refusals              MAIL, RCPT, DATA and contents refused before we hang up, for whatever reason; the count
                          begins anew with each message accepted. A long list of recipients may honestly meet many.
    failed_logins         AUTH commands that fail before we hang up.
    """

    command_line: int = 1024  # RFC 5321 4.5.3.1.4: at least 512
    auth_line: int = 12_288  # RFC 4954 4
    endless_line: int = 1 << 20
    text_line: int = 1000  # RFC 5321 4.5.3.1.6
    text_line_accepted: int = 1 << 20
    message_size: int = 50_000_000  # RFC 5321 4.5.3.1.7: at least 64K
    overrun: int = 100_000_000
    url: int = 4096
    urls: int = 100
    recipients: int = 1000  # RFC 5321 4.5.3.1.8: at least 100
    parameters: int = 20
    faults: int = 10
    idle_commands: int = 100
    refusals: int = 10_000
    failed_logins: int = 5

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(f"the limit {name} is at least {least}")


_LEAST = {
    "command_line": 512,
    "auth_line": 512,
    "endless_line": 512,
    "text_line": 1000,
    "text_line_accepted": 1000,
    "message_size": 65_536,
    "overrun": 0,
    "url": 512,
    "urls": 1,
    "recipients": 100,
    "parameters": 1,
    "faults": 1,
    "idle_commands": 1,
    "refusals": 1,
    "failed_logins": 1,
}
