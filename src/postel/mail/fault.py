"""Whose fault it is when a conversation goes wrong.

Gives       Fault, RemoteFault, LocalFault, BadSyntax.
Not here    Faults of one protocol only: those subclass these in their proto room.

Nothing else may escape a proto room; the fuzzers assert it.
"""

from __future__ import annotations


class Fault(Exception):
    """A breach of a protocol, or of the way a conversation is to be driven."""


class RemoteFault(Fault):
    """The peer broke the protocol. It is answered and logged at info; it is no bug of ours."""


class LocalFault(Fault):
    """Our own code drove a conversation wrongly. It must crash a test."""


class BadSyntax(ValueError):
    """Text that does not follow its grammar. The message says, in one clause, what was expected.

    It is safe to show to a stranger, and quotes nothing of what the stranger sent.
    """
