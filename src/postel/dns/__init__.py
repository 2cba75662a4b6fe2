"""Asking the DNS: a stub resolver that never raises for trouble, and its memory. Floor 2."""

from postel.dns.driver import answer
from postel.dns.records import Record, is_askable, to_name, to_record
from postel.dns.resolver import Resolver, TimedAnswer, TimedResolver

__all__ = [
    "Record",
    "Resolver",
    "TimedAnswer",
    "TimedResolver",
    "answer",
    "is_askable",
    "to_name",
    "to_record",
]
