"""Asking the DNS: a stub resolver that never raises for trouble, and its memory. Floor 2."""

from postel.dns.cache import CacheOptions, CachingResolver
from postel.dns.driver import answer
from postel.dns.records import Record, is_askable, to_name, to_record
from postel.dns.resolver import Resolver, TimedAnswer, TimedResolver
from postel.dns.system import SystemResolver, read_resolv_conf
from postel.dns.transport import Accept, Datagrams, Forged, UdpDatagrams
from postel.dns.wire import BadReply, Reply

__all__ = [
    "Accept",
    "BadReply",
    "CacheOptions",
    "CachingResolver",
    "Datagrams",
    "Forged",
    "Record",
    "Reply",
    "Resolver",
    "SystemResolver",
    "TimedAnswer",
    "TimedResolver",
    "UdpDatagrams",
    "answer",
    "is_askable",
    "read_resolv_conf",
    "to_name",
    "to_record",
]
