"""Live sessions of people: a terminal that waits, an IMAP session; what SEND, SOML and SAML reach. Floor 2."""

from postel.terminals.live import SHOWN_LIMIT, TerminalMessage, Terminals
from postel.terminals.schema import MIGRATIONS
from postel.terminals.waiting import Terminal, open_terminal

__all__ = ["MIGRATIONS", "SHOWN_LIMIT", "Terminal", "TerminalMessage", "Terminals", "open_terminal"]
