"""Receiving servers: the async shells around the conversations of proto. Floor 3.

They hold no rules: what is allowed stands in the machines, in routing, and in the policy functions.
"""

from postel.routing import IPNetwork
from postel.servers.admission import Admission, AdmissionOptions
from postel.servers.imapd import ImapParts, ImapService, ImapServiceOptions, KeptAnswers
from postel.servers.login import TOKEN_MECHANISMS
from postel.servers.pop3d import Pop3Service
from postel.servers.pop3d_options import Pop3Parts, Pop3ServiceOptions
from postel.servers.proxied import ProxyDoor, Trusted
from postel.servers.rates import Rates
from postel.servers.smtpd import SmtpService
from postel.servers.smtpd_access import AccessOptions, NameCheck
from postel.servers.smtpd_options import HandOver, NullMx, Service, ServiceOptions, SmtpParts
from postel.servers.smtpd_room import FullMailbox, Room
from postel.servers.smtpd_trust import Audience, CommandOptions
from postel.servers.smtpd_wishes import GrantOptions

__all__ = [
    "TOKEN_MECHANISMS",
    "AccessOptions",
    "Admission",
    "AdmissionOptions",
    "Audience",
    "CommandOptions",
    "FullMailbox",
    "GrantOptions",
    "HandOver",
    "IPNetwork",
    "ImapParts",
    "ImapService",
    "ImapServiceOptions",
    "KeptAnswers",
    "NameCheck",
    "NullMx",
    "Pop3Parts",
    "Pop3Service",
    "Pop3ServiceOptions",
    "ProxyDoor",
    "Rates",
    "Room",
    "Service",
    "ServiceOptions",
    "SmtpParts",
    "SmtpService",
    "Trusted",
]
