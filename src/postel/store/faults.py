"""What the store refuses, by name: whoever answers a client finds the words.

Gives       NoSuchMailbox, MailboxExists, MailboxHasChildren, MailboxIsInbox, BadMailboxName, UseTaken, TooMany,
            OverQuota, NoSuchMessage, BadRights.
"""

from __future__ import annotations


class NoSuchMailbox(LookupError):
    """There is no such mailbox, or none that holds messages (\\Noselect), or not any more."""


class MailboxExists(Exception):
    """The name is taken (RFC 9051 6.3.4, 6.3.6)."""


class MailboxHasChildren(Exception):
    """It holds no messages, only other mailboxes: there is nothing to delete (RFC 9051 6.3.5)."""


class MailboxIsInbox(Exception):
    """INBOX is not deleted (RFC 9051 6.3.5)."""


class BadMailboxName(ValueError):
    """No mailbox can have this name; its text says why."""


class UseTaken(Exception):
    """Another mailbox of the account has this special use (RFC 6154 3, USEATTR)."""


class BadRights(ValueError):
    """A right that RFC 4314 2.1 does not know, or an identifier that nobody can have."""


class TooMany(Exception):
    """A limit of the store: so many `what` and no more."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"at most {limit} {what}")
        self.what = what
        self.limit = limit


class OverQuota(Exception):
    """The account may not store so much (RFC 9208 4.3.1)."""

    def __init__(self, what: str, limit: int, wanted: int) -> None:
        super().__init__(f"{wanted} of {limit} {what}")
        self.what = what
        self.limit = limit
        self.wanted = wanted


class NoSuchMessage(Exception):
    """The message was expunged, or never was."""
