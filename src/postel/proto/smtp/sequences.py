"""Which replies answer which command, and what each code says: the tables of the standard.

Implements  RFC 5321 4.3.2 (command-reply sequences), 4.2.2 and 4.2.3 (reply codes), and the same of the extensions.
Gives       Sequence, SEQUENCES, ANY_TIME, CodeMeaning, CODES; CONNECTED, CONTENT, RESPONSE.
Not here    Enhanced status codes: mail.statuses. What our own client makes of a reply: client_table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Sequence:
    """One line of the table.

    means          what the client asks for, for a person.
    success        codes that say it was done.
    intermediate   codes that ask for more.
    error          codes that the standard lists for a no; others of 4yz and 5yz are legal too.
    """

    means: str
    success: frozenset[int]
    intermediate: frozenset[int]
    error: frozenset[int]
    rfc: str

    @property
    def positive(self) -> frozenset[int]:
        """What may be answered besides a refusal."""
        return self.success | self.intermediate


def _codes(text: str) -> frozenset[int]:
    return frozenset(map(int, text.split()))


def _row(means: str, success: str, intermediate: str, error: str, rfc: str) -> Sequence:
    return Sequence(means, _codes(success), _codes(intermediate), _codes(error), rfc)


# RFC 5321 4.3.2: to any command, "if the corresponding unusual circumstances are encountered".
ANY_TIME: Final = frozenset({421, 500, 501})

CONTENT: Final = "content"  # in place of a verb: the end of mail data
CONNECTED: Final = "connect"  # in place of a verb: a connection that was opened
RESPONSE: Final = "response"  # in place of a verb: a line of a SASL exchange

# fmt: off
SEQUENCES: Final[Mapping[str, Sequence]] = MappingProxyType({
    CONNECTED: _row("a connection is opened, and the server greets", "220", "", "521 554", "5321 4.3.1"),
    "EHLO": _row("who we are, and which extensions are there?", "250", "", "502 504 550", "5321 4.1.1.1"),
    "HELO": _row("who we are, in the old way, without extensions", "250", "", "502 504 550", "5321 4.1.1.1"),
    "LHLO": _row("who we are, to a server that delivers", "250", "", "500 504 550", "2033 4.1"),
    "STARTTLS": _row("let us talk under TLS from here on", "220", "", "454 501", "3207 4"),
    "AUTH": _row("we prove who we are", "235", "334", "432 454 500 504 530 534 535 538", "4954 4"),
    RESPONSE: _row("the next step of the proof", "235", "334", "432 454 500 534 535 538", "4954 4"),
    "MAIL": _row("a mail transaction begins; reports go to this reverse path",
                 "250", "355", "451 452 455 503 530 550 552 553 555", "5321 4.1.1.2"),
    "RCPT": _row("one recipient",
                 "250 251", "", "450 451 452 455 503 530 550 551 552 553 555 556", "5321 4.1.1.3"),
    "DATA": _row("the content comes now", "", "354", "450 451 452 503 530 550 554", "5321 4.1.1.4"),
    CONTENT: _row("the end of the content: from the 250 on the server is responsible",
                  "250", "353", "450 451 452 500 550 552 554", "5321 4.1.1.4"),
    "BDAT": _row("a piece of the content, of so many octets", "250", "", "450 451 452 503 530 550 552 554", "3030 2"),
    "BURL": _row("a piece of the content, which an IMAP server has", "250", "", "451 452 503 552 554", "4468 6"),
    "RSET": _row("forget the transaction", "250", "", "", "5321 4.1.1.5"),
    "VRFY": _row("is this a mailbox?", "250 251 252", "", "502 504 550 551 553", "5321 4.1.1.6"),
    "EXPN": _row("who is on this list?", "250 252", "", "500 502 504 550", "5321 4.1.1.7"),
    "HELP": _row("what can be said here?", "211 214", "", "502 504", "5321 4.1.1.8"),
    "NOOP": _row("are you there?", "250", "", "", "5321 4.1.1.9"),
    "QUIT": _row("we have finished", "221", "", "", "5321 4.1.1.10"),
    "ETRN": _row("send now what you hold for this host", "250 251 252 253", "", "458 459 530", "1985 5.1"),
    "ATRN": _row("send me what you hold for my domains", "250", "", "450 451 453 502 530", "2645 5.2.1"),
    "XCLIENT": _row("somebody else is the client, and this is who", "220", "", "421 501 550", "5321 4.1.5"),
    "XFORWARD": _row("where the mail came from, for the log", "250", "", "421 501 550", "5321 4.1.5"),
    "VERB": _row("let me watch deliveries", "250", "", "502", "5321 4.1.5"),
    "ONEX": _row("only one transaction follows", "250", "", "502", "5321 4.1.5"),
    "TURN": _row("let us change places", "250", "", "502 503", "821 3.8"),
    "SEND": _row("a message for a terminal", "250", "", "502 552 451 452", "821 3.4"),
    "SOML": _row("a message for a terminal, or else a mailbox", "250", "", "502 552 451 452", "821 3.4"),
    "SAML": _row("a message for a terminal and a mailbox", "250", "", "502 552 451 452", "821 3.4"),
})
# fmt: on


@dataclass(frozen=True, slots=True)
class CodeMeaning:
    """What a code says, and who defined it."""

    text: str
    rfc: str


_REGISTRY: Final = """
211: System status, or an answer to HELP: 5321 4.2.3
214: Help, for a person: 5321 4.2.3
220: Ready: 5321 4.2.3
221: The server closes, as it was asked to: 5321 4.2.3
235: The login succeeded: 4954 6
250: Done: 5321 4.2.3
251: Not a user here, and forwarded; or, to ETRN, nothing waits: 5321 3.4
252: It cannot be verified, but a message will be tried; or, to ETRN, the queue is started: 5321 3.5.3
253: The queue is started, and so many messages wait: 1985 5.1
334: A challenge of the login, in base64: 4954 4
353: An answer for each recipient follows: 5321 4.2.1
354: The content may come, and ends with a lone dot: 5321 4.2.3
355: The content may come, from this octet on: 1845 3
421: The server closes now; come back later: 5321 4.2.3
432: A new password is needed: 4954 6
450: Not now: the mailbox is busy, or policy delays: 5321 4.2.3
451: Not now: trouble in the server: 5321 4.2.3
452: Not now: too little room, or too many recipients: 5321 4.2.3
453: You have no mail: 2645 5.2.1
454: Not now: TLS or the login is out of order: 3207 4
455: The parameters cannot be honoured now: 5321 4.2.3
458: Nothing can be queued for this node: 1985 5.1
459: This node is not allowed to ask: 1985 5.1
500: No such command, or a line that is too long: 5321 4.2.3
501: The arguments make no sense: 5321 4.2.3
502: Known, and not done here: 5321 4.2.4
503: Not now: commands have an order: 5321 4.2.3
504: That argument is not done here: 5321 4.2.3
521: This host takes no mail: 7504 3
530: First TLS, or a login: 4954 6
534: That mechanism is too weak for this user: 4954 6
535: The login failed: 4954 6
538: That mechanism needs encryption: 4954 6
550: Refused: no such mailbox, or policy: 5321 4.2.3
551: Not a user here; try another address: 5321 3.4
552: Too big, or no room left: 5321 4.2.3
553: No such name is allowed: 5321 4.2.3
554: It failed; or, as a greeting, there is no service: 5321 4.2.3
555: A parameter is unknown: 5321 4.2.3
556: The domain takes no mail: 7504 4
"""


def _read(registry: str) -> Mapping[int, CodeMeaning]:
    found = {}
    for line in registry.strip().splitlines():
        code, _, rest = line.partition(": ")
        text, _, rfc = rest.rpartition(": ")
        found[int(code)] = CodeMeaning(text, rfc)
    return MappingProxyType(found)


CODES: Final = _read(_REGISTRY)
