"""Asking the DNS: a stub resolver that never raises for trouble, and its memory. Floor 2."""

from postel.dns.driver import answer
from postel.dns.resolver import Resolver, TimedAnswer, TimedResolver

__all__ = ["Resolver", "TimedAnswer", "TimedResolver", "answer"]
