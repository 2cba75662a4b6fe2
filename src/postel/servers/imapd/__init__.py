"""IMAP: the shell around `proto.imap`, one file for each group of commands.

session     the loop: what a session has, and who handles which command
selected    the mailbox that is selected: the client's view of it, kept in step with the store
"""

from postel.servers.imapd.kept_answers import KeptAnswers
from postel.servers.imapd.options import ImapParts, ImapServiceOptions
from postel.servers.imapd.service import ImapService

__all__ = ["ImapParts", "ImapService", "ImapServiceOptions", "KeptAnswers"]
