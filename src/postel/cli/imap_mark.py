"""How far a mailbox of another server was taken.

Implements  RFC 9051 2.3.1.1 (UIDs ascend, so what is beyond the greatest that was taken is new).
Gives       Mark.
Not here    Where it is kept, and what takes: imap_import.

Servers may leave out letters that they cannot give, and give the rest; so what was passed over is kept beside how far
it went, and asked for again by whoever goes on, be it this run or the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from postel.mail import BadSyntax
from postel.proto.imap import UidSet, parse_uid_set

LONGEST: Final = 32 * 1024  # octets; a server that passes over more, in pieces, is believed to give the rest


@dataclass(slots=True)
class Mark:
    """How far a mailbox was taken.

    reached     the greatest UID that was taken.
    passed      smaller ones that are there and were not.
    taken       the UIDs that were taken in this run.
    """

    mailbox_id: int
    entry: str
    validity: int
    reached: int = 0
    passed: set[int] = field(default_factory=set)
    taken: set[int] = field(default_factory=set)
    _expected: Sequence[int] = ()
    _place: int = 0

    def read(self, value: bytes) -> None:
        """Go on where an earlier run ended, if the mailbox is still the same one."""
        validity, reached, *passed = value.split()
        if int(validity) == self.validity:
            self.reached = int(reached)
            try:
                self.passed = set().union(*(parse_uid_set(some) for some in passed))
            except BadSyntax:
                self.passed = set()

    def value(self) -> bytes:
        """What `read` takes."""
        passed = UidSet.of(self.passed).format()
        mark = b"%d %d" % (self.validity, self.reached)
        return mark + b" " + passed if 0 < len(passed) <= LONGEST else mark

    def expect(self, uids: Sequence[int]) -> None:
        """These (ascending) are there and new."""
        self._expected, self._place = uids, 0

    def take(self, uid: int) -> None:
        """This one is taken."""
        self.taken.add(uid)
        self.passed.discard(uid)
        self.reached = max(self.reached, uid)
        expected = self._expected
        while self._place < len(expected) and expected[self._place] <= uid:
            if expected[self._place] not in self.taken:
                self.passed.add(expected[self._place])
            self._place += 1

    def left(self) -> list[int]:
        """What is there, as far as is known, and was not taken."""
        return sorted(self.passed.union(self._expected[self._place :]))

    def forget(self, uids: Sequence[int]) -> None:
        """These are not there any more: they were asked for, and did not come."""
        self.passed.difference_update(uids)
