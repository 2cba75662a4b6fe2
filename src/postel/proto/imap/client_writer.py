"""What a client says: commands, literals and responses to challenges, in the order in which they may go out.

Implements  RFC 9051 2.2.1 (continuations), 6 (commands), RFC 7888 (LITERAL+, LITERAL-), RFC 4959, RFC 6855 3 and
            RFC 3501 5.1.3 (names), RFC 2177 (IDLE).
Gives       ClientWriter, the part of ImapClient that reads nothing.
Not here    What the server says: client. SASL mechanisms: proto.sasl.

A literal waits for the server's leave where it must; what is given behind it waits too.
"""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from postel.mail import LocalFault
from postel.proto import sasl
from postel.proto.imap.intake import LITERAL_MINUS
from postel.proto.imap.names import check_name, format_name
from postel.proto.imap.responses import internal_date, listed, quoted
from postel.proto.imap.sequences import SequenceSet, UidSet

_QUOTED_MOST: Final = 1000  # octets: a longer string is a literal


@dataclass(frozen=True, slots=True)
class _Leave:
    """What follows may be sent when the server says so to the command with this tag."""

    tag: bytes


_END: Final = b"\r\n"  # of a command; known by identity, for a literal may hold the same octets


class _Argument(bytes):
    """A string that must be a literal."""


def _string(octets: bytes, *, is_utf8: bool = False) -> bytes:
    """Quoted where that is possible, else a literal."""
    if (
        len(octets) > _QUOTED_MOST
        or any(char in octets for char in b"\r\n\0")
        or not (is_utf8 or octets.isascii())
    ):
        return _Argument(octets)
    return quoted(octets)


class ClientWriter:
    """Puts commands into the line; any number of them may be given at once."""

    def __init__(self) -> None:
        self._waiting: deque[bytes | _Leave] = deque()  # to be sent, or to be waited for
        self._tags = 0
        self._tag = b""  # of the command that is being put
        self._challenging: bytes | None = None  # the tag of AUTHENTICATE or IDLE
        self._upload: int | None = None  # octets of an APPEND's literal that are still to be given
        self._is_refused = False  # ... and nobody wants them
        self._is_utf8 = False
        self.capabilities: frozenset[str] = frozenset()
        """What the server said last that it can do, in upper case; empty: it did not say."""

    def data_to_send(self) -> bytes:
        """All bytes now due to the server; they are forgotten here."""
        due: list[bytes] = []
        while self._waiting and isinstance(first := self._waiting[0], bytes):
            due.append(first)
            self._waiting.popleft()
        return b"".join(due)

    @property
    def is_waiting(self) -> bool:
        """Whether something waits for the server's leave; what is given to `more` then is held in memory."""
        return any(isinstance(piece, _Leave) for piece in self._waiting)

    def can(self, capability: str) -> bool:
        """Whether the server said so."""
        return capability.upper() in self.capabilities

    def command(self, *parts: bytes) -> bytes:
        """Any command, in pieces as they are written; its tag."""
        tag = self._begin()
        for part in parts:
            self._put_argument(part)
        self._put(_END)
        return tag

    def login(self, name: str, password: str) -> bytes:
        """LOGIN."""
        return self.command(b"LOGIN ", _string(name.encode()), b" ", _string(password.encode()))

    def authenticate(self, mechanism: str, initial: bytes | None = None) -> bytes:
        """AUTHENTICATE. Challenged follows, and `respond`; without SASL-IR the initial response answers the first."""
        words = b"AUTHENTICATE " + mechanism.encode("ascii")
        if initial is not None and self.can("SASL-IR"):
            words += b" " + sasl.encode_initial(initial)
        self._challenging = tag = self.command(words)
        return tag

    def respond(self, data: bytes | None) -> None:
        """The response to a challenge; None: cancel."""
        if self._challenging is None:
            raise LocalFault("nothing was asked")
        self._put((sasl.CANCEL if data is None else sasl.encode(data)) + b"\r\n")

    def starttls(self) -> bytes:
        """STARTTLS; on Completed do the handshake and call tls_started."""
        return self.command(b"STARTTLS")

    def enable(self, *names: str) -> bytes:
        """ENABLE; names are written in UTF-8 once the server says that it has switched that on."""
        return self.command(b"ENABLE " + " ".join(names).encode("ascii"))

    def select(self, mailbox: str, *, read_only: bool = False, parameters: bytes = b"") -> bytes:
        """SELECT or EXAMINE; parameters: b"(CONDSTORE)"."""
        more = b" " + parameters if parameters else b""
        return self.command(b"EXAMINE " if read_only else b"SELECT ", self._name(mailbox), more)

    def list(self, reference: str, pattern: str, *, returns: bytes = b"") -> bytes:
        """LIST; returns: b"RETURN (SUBSCRIBED)"."""
        more = b" " + returns if returns else b""
        return self.command(b"LIST ", self._pattern(reference), b" ", self._pattern(pattern), more)

    def lsub(self, reference: str, pattern: str) -> bytes:
        """LSUB."""
        return self.command(b"LSUB ", self._pattern(reference), b" ", self._pattern(pattern))

    def status(self, mailbox: str, items: Sequence[bytes]) -> bytes:
        """STATUS."""
        return self.command(b"STATUS ", self._name(mailbox), b" " + listed(items))

    def on_mailbox(self, verb: bytes, *mailboxes: str) -> bytes:
        """CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE and others that take names only."""
        parts = [piece for mailbox in mailboxes for piece in (b" ", self._name(mailbox))]
        return self.command(verb, *parts)

    def fetch(
        self,
        numbers: SequenceSet | UidSet,
        items: Iterable[bytes],
        *,
        uid: bool = True,
        modifier: bytes = b"",
    ) -> bytes:
        """FETCH; items: b"FLAGS", b"BODY.PEEK[]"."""
        verb = b"UID FETCH " if uid else b"FETCH "
        more = b" " + modifier if modifier else b""
        return self.command(verb + numbers.format() + b" " + listed(items) + more)

    def store(
        self, numbers: SequenceSet | UidSet, change: bytes, flags: Iterable[bytes], *, uid: bool = True
    ) -> bytes:
        """STORE; change: b"+FLAGS.SILENT"."""
        verb = b"UID STORE " if uid else b"STORE "
        return self.command(verb + numbers.format() + b" " + change + b" " + listed(flags))

    def search(self, program: bytes, *, uid: bool = True) -> bytes:
        """SEARCH; program: keys as they are written."""
        return self.command((b"UID SEARCH " if uid else b"SEARCH ") + program)

    def copy(
        self, numbers: SequenceSet | UidSet, mailbox: str, *, uid: bool = True, move: bool = False
    ) -> bytes:
        """COPY or MOVE."""
        verb = (b"UID " if uid else b"") + (b"MOVE " if move else b"COPY ")
        return self.command(verb + numbers.format() + b" ", self._name(mailbox))

    def expunge(self, uids: UidSet | None = None) -> bytes:
        """EXPUNGE, or UID EXPUNGE."""
        return self.command(b"EXPUNGE" if uids is None else b"UID EXPUNGE " + uids.format())

    def append(
        self,
        mailbox: str,
        size: int,
        flags: Iterable[bytes] = (),
        date: datetime.datetime | None = None,
        *,
        is_binary: bool = False,
    ) -> bytes:
        """APPEND of so many octets: give them with `more`, all of them."""
        tag = self._begin()
        self._put(b"APPEND ")
        self._put_argument(self._name(mailbox))
        when = b"" if date is None else b' "' + internal_date(date) + b'"'
        self._put(b" " + listed(flags) + when + (b" ~" if is_binary else b" "))
        self._put_head(size)
        self._upload, self._is_refused = size, False
        self._end_upload()
        return tag

    def more(self, data: bytes) -> None:
        """The next octets of the message; dropped once it was refused. Raises LocalFault for too many."""
        if self._is_refused:
            return
        if self._upload is None or len(data) > self._upload:
            raise LocalFault("more octets than APPEND announced")
        self._put(data)
        self._upload -= len(data)
        self._end_upload()

    def _end_upload(self) -> None:
        if self._upload == 0:
            self._upload = None
            self._put(_END)

    def idle(self) -> bytes:
        """IDLE; Challenged says that it has begun, `done` ends it."""
        self._challenging = tag = self.command(b"IDLE")
        return tag

    def done(self) -> None:
        """DONE."""
        self._put(b"DONE\r\n")

    def logout(self) -> bytes:
        """LOGOUT."""
        return self.command(b"LOGOUT")

    # --- writing -----------------------------------------------------------------------------------------

    def _name(self, mailbox: str) -> bytes:
        return _string(format_name(check_name(mailbox), is_utf8=self._is_utf8), is_utf8=self._is_utf8)

    def _pattern(self, text: str) -> bytes:
        return _string(format_name(text, is_utf8=self._is_utf8))

    def _begin(self) -> bytes:
        if self._upload is not None and not self._is_refused:
            raise LocalFault("the message of an APPEND is not complete")
        self._tags += 1
        self._tag = b"c%d" % self._tags
        self._put(self._tag + b" ")
        return self._tag

    def _put(self, data: bytes) -> None:
        if data:
            self._waiting.append(data)

    def _put_argument(self, part: bytes) -> None:
        if isinstance(part, _Argument):
            self._put_head(len(part))
        self._put(part)

    def _put_head(self, size: int) -> None:
        # RFC 7888 3 and 5.
        if self.can("LITERAL+") or (
            size <= LITERAL_MINUS and (self.can("LITERAL-") or self.can("IMAP4REV2"))
        ):
            self._put(b"{%d+}\r\n" % size)
        else:
            self._put(b"{%d}\r\n" % size)
            self._waiting.append(_Leave(self._tag))

    # --- what the server says of it ----------------------------------------------------------------------

    def _may_go_on(self) -> bool:
        """The server lets a literal come; False: none waits for that."""
        if not self._waiting or not isinstance(self._waiting[0], _Leave):
            return False
        self._waiting.popleft()
        return True

    def _drop_literal(self, tag: bytes) -> None:
        """RFC 9051 4.3: a command that is refused before its literal: what was to follow is not sent."""
        first = self._waiting[0] if self._waiting else None
        if isinstance(first, _Leave) and first.tag == tag:
            while self._waiting and self._waiting.popleft() is not _END:
                pass
            self._is_refused = self._upload is not None
