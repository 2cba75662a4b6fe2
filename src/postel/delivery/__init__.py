"""Delivering: agents that take mail from the queue to its next hop. Floor 3."""

from postel.delivery.discard import DiscardAgent
from postel.delivery.fetching import ask_for, fetch
from postel.delivery.mailbox import MailboxAgent, MailboxOptions
from postel.delivery.opening import Opening, Target
from postel.delivery.pulling import PullAgent
from postel.delivery.relay import RelayAgent
from postel.delivery.relay_options import RelayOptions
from postel.delivery.smtp_session import SmtpSession
from postel.delivery.submit import submit
from postel.delivery.trouble import HopTrouble

__all__ = [
    "DiscardAgent",
    "HopTrouble",
    "MailboxAgent",
    "MailboxOptions",
    "Opening",
    "PullAgent",
    "RelayAgent",
    "RelayOptions",
    "SmtpSession",
    "Target",
    "ask_for",
    "fetch",
    "submit",
]
