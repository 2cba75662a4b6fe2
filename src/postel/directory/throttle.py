"""Slowing down those who guess.

Gives       ThrottleOptions, Throttled, Throttle, Memories.
Not here    What a guess is: directory.directory counts only wrong and new ones.

Failures are counted for the network they come from (an IPv4 address, an IPv6 /64: what one subscriber
has) and for the account they are aimed at, for all protocols together. Some are free; each further one
doubles the time in which no try is taken at all, not even with the right password, or guessing would go
on at full speed and only the answer "wrong" would be slow.

A network that has lately logged in to an account is not held up by what others do to that account:
else anybody could lock anybody out. Success forgets nothing: else somebody with one account of
his own could guess for ever at others. Time does: after `forget_after_s` without a failure.

The state is in memory, of bounded size; the longest quiet are dropped first. Failures are counted by all workers
together where there are several; which network knows an account is a matter of each.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from typing import TypeAlias

from postel.mail import IPAddress
from postel.net import Clock, Facts, Remembered, RememberedHere


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleOptions:
    """How patient we are with those who guess.

    Ten free failures let people mistype and a household's devices go on with an old password; from the
    eleventh on two seconds, then four, up to a quarter of an hour: under a hundred guesses a day.
    """

    network_failures: int = 10
    account_failures: int = 10
    first_delay_s: float = 2.0
    longest_delay_s: float = 900.0
    forget_after_s: float = 3600.0
    entries: int = 50_000  # networks and accounts in memory, each
    networks_known: int = 16  # of one account: those that have logged in
    v6_prefix: int = 64


@dataclass(frozen=True, slots=True)
class Throttled:
    """No try is taken for this long. The peer is told to come back later; `because` is for the log."""

    retry_after_s: float
    because: str


_Network: TypeAlias = str


@dataclass(frozen=True, slots=True)
class Memories:
    """Where failures are counted, by network and by account: how many, when the last was, until when to wait."""

    networks: Remembered
    accounts: Remembered


class Throttle:
    """Counts failures, and says who must wait. `account` is a folded address, known or not."""

    def __init__(self, clock: Clock, options: ThrottleOptions, memories: Memories | None = None) -> None:
        self._clock = clock
        self._options = options
        there = memories or Memories(RememberedHere(options.entries), RememberedHere(options.entries))
        self._networks, self._accounts = there.networks, there.accounts
        self._known: OrderedDict[str, OrderedDict[_Network, None]] = OrderedDict()

    def configure(self, options: ThrottleOptions) -> None:
        """Count by these from the next failure on; nobody's wait gets shorter."""
        self._options = options

    def check(self, account: str | None, ip: IPAddress | None) -> Throttled | None:
        """Whether a try must wait."""
        network = self._network(ip)
        if (wait_s := self._wait_s(self._networks, network)) > 0:
            return Throttled(wait_s, f"too many failures from {network}")
        if network in self._known.get(account or "", ()):
            return None
        if (wait_s := self._wait_s(self._accounts, account)) > 0:
            return Throttled(wait_s, f"too many failures for {account}")
        return None

    def failed(self, account: str | None, ip: IPAddress | None) -> None:
        """A try was wrong."""
        self._count(self._networks, self._network(ip), self._options.network_failures)
        self._count(self._accounts, account, self._options.account_failures)

    def succeeded(self, account: str, ip: IPAddress | None) -> None:
        """A try was right."""
        network = self._network(ip)
        if network is None:
            return
        known = self._known.setdefault(account, OrderedDict())
        self._known.move_to_end(account)
        known[network] = None
        known.move_to_end(network)
        _bound(known, self._options.networks_known)
        _bound(self._known, self._options.entries)

    def forget(self, account: str) -> None:
        """The account is gone, or has a new password: no network is trusted with it any more."""
        self._known.pop(account, None)

    def _network(self, ip: IPAddress | None) -> _Network | None:
        """None for a peer without an address (a unix socket): it is our own machine."""
        if ip is None:
            return None
        if isinstance(ip, IPv6Address):
            if ip.ipv4_mapped is None:
                return str(ip_network((ip, self._options.v6_prefix), strict=False))
            ip = ip.ipv4_mapped
        return str(ip)

    def _wait_s(self, memory: Remembered, key: str | None) -> float:
        failures = self._failures(memory, key)
        return 0.0 if failures is None else max(failures[2] - self._clock.now(), 0.0)

    def _failures(self, memory: Remembered, key: str | None) -> Facts | None:
        """What is known and not yet to be forgotten. A clock set back must not hold up anybody for ever."""
        failures = memory.get(key) if key is not None else None
        if failures is None or key is None:
            return None
        now, last_at = self._clock.now(), failures[1]
        if now - last_at > self._options.forget_after_s or now < last_at:
            memory.forget(key)
            return None
        return failures

    def _count(self, memory: Remembered, key: str | None, free: int) -> None:
        if key is None:
            return
        count = 1.0 + (self._failures(memory, key) or (0.0,))[0]
        now = self._clock.now()
        memory.put(key, (count, now, now + self._delay_s(round(count) - free)))

    def _delay_s(self, beyond: int) -> float:
        if beyond <= 0:
            return 0.0
        return min(self._options.first_delay_s * 2.0 ** min(beyond - 1, 60), self._options.longest_delay_s)


def _bound(table: OrderedDict[str, None] | OrderedDict[str, OrderedDict[str, None]], limit: int) -> None:
    while len(table) > limit:
        table.popitem(last=False)
