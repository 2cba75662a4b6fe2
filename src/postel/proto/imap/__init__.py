"""IMAP4rev2 and IMAP4rev1 without a network. Floor 1."""

from postel.proto.imap.view import MailboxChange, MailboxView, Updates

__all__ = ["MailboxChange", "MailboxView", "Updates"]
