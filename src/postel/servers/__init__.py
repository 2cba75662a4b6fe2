"""Receiving servers: the async shells around the conversations of proto. Floor 3.

They hold no rules: what is allowed stands in the machines, in routing, and in the policy functions.
"""

from postel.routing import IPNetwork
from postel.servers.admission import Admission, AdmissionOptions
from postel.servers.pop3d import Pop3Service
from postel.servers.pop3d_options import Pop3Parts, Pop3ServiceOptions
from postel.servers.proxied import ProxyDoor, Trusted
from postel.servers.smtpd import SmtpService
from postel.servers.smtpd_options import Service, ServiceOptions, SmtpParts

__all__ = [
    "Admission",
    "AdmissionOptions",
    "IPNetwork",
    "Pop3Parts",
    "Pop3Service",
    "Pop3ServiceOptions",
    "ProxyDoor",
    "Service",
    "ServiceOptions",
    "SmtpParts",
    "SmtpService",
    "Trusted",
]
