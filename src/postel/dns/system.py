"""A stub resolver: asks the system's DNS servers, and never raises for trouble.

Implements  RFC 1123 6.1.3.3 (trying servers in turn), RFC 1035 7.1 (CNAMEs), RFC 6891 7 (servers without
            EDNS), RFC 6840 5.7 (the AD bit).
Asks        The clock of the loop, for timeouts only.
Gives       SystemResolver, read_resolv_conf.
Not here    Remembering answers (dns.cache), octets (dns.wire), sockets (dns.transport).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from postel.asks import DnsAnswer, DnsQuestion, DnsStatus
from postel.dns.records import is_askable
from postel.dns.resolver import TimedAnswer
from postel.dns.transport import Datagrams, Forged, UdpDatagrams, ask_over_tcp
from postel.dns.wire import CHAIN_LIMIT, BadReply, Reply, build_query, read_reply
from postel.net import ConnectionLost, DialFailed, Endpoint, Network, TimedOut

_PORT: Final = 53
_SERVER_LIMIT: Final = 3  # of resolv.conf, as resolv.conf(5) says
_RESOLV_CONF: Final = Path("/etc/resolv.conf")
_ROUNDS_S: Final = (2.0, 4.0)  # how long each server may take, in the first round and in the next
_IN_FLIGHT_LIMIT: Final = 100  # questions, and so sockets, at one time; a burst would overrun the server


class SystemResolver:
    """Asks these servers, which must be recursive resolvers.

    servers         in the order to try them; None reads /etc/resolv.conf, once.
    validating      whether the servers check DNSSEC and the way to them is safe, as with one on this
                    host. Only then is their AD bit believed.
    network         for TCP, when a reply does not fit in a datagram.
    """

    def __init__(
        self,
        servers: Sequence[Endpoint] | None = None,
        *,
        validating: bool = False,
        network: Network,
        datagrams: Datagrams | None = None,
    ) -> None:
        self._servers = tuple(servers or read_resolv_conf())
        self._validating = validating
        self._network = network
        self._datagrams = datagrams or UdpDatagrams()
        self._places = asyncio.Semaphore(_IN_FLIGHT_LIMIT)
        self._first = 0  # the server that answered last

    async def ask(self, question: DnsQuestion) -> DnsAnswer:
        """The answer; see `dns.Resolver`."""
        return (await self.ask_with_ttl(question)).answer

    async def ask_with_ttl(self, question: DnsQuestion) -> TimedAnswer:
        """The answer and how long it holds. CNAMEs that the server leaves to us are followed."""
        if not is_askable(question.name):
            return TimedAnswer(DnsAnswer(DnsStatus.NO_NAME, note="no such name can exist"), 0)
        name, is_authentic, ttl_s, steps = question.name, self._validating, float("inf"), 0
        while steps <= CHAIN_LIMIT:
            try:
                reply = await self._reply(DnsQuestion(name, question.type))
            except _Trouble as trouble:
                return _trouble(name, str(trouble))
            found = reply.finding()
            is_authentic = is_authentic and reply.is_authentic
            ttl_s, steps, name = min(ttl_s, found.ttl_s), steps + found.steps, found.canonical
            if found.status is not None:
                answer = DnsAnswer(found.status, found.records, name, is_authentic, found.note)
                return TimedAnswer(answer, ttl_s)
        return _trouble(name, f"more than {CHAIN_LIMIT} CNAMEs from {question.name}")

    async def _reply(self, question: DnsQuestion) -> Reply:
        """A reply that settles the question, from any server. Raises _Trouble."""
        async with self._places:
            notes: list[str] = []
            for timeout_s in _ROUNDS_S:
                was_silent = False
                for place in self._order():
                    try:
                        reply = await self._ask_one(self._servers[place], question, timeout_s)
                    except _Silent as silent:
                        was_silent = True
                        notes.append(str(silent))
                    except _Trouble as trouble:
                        notes.append(str(trouble))
                    else:
                        self._first = place
                        return reply
                if not was_silent:
                    break  # all have said that they cannot answer: they would say so again
            raise _Trouble("; ".join(dict.fromkeys(notes)))

    def _order(self) -> list[int]:
        """The servers, the one that answered last first."""
        count = len(self._servers)
        return [(self._first + place) % count for place in range(count)]

    async def _ask_one(self, server: Endpoint, question: DnsQuestion, timeout_s: float) -> Reply:
        """One server's settling reply. Raises _Silent, _Trouble."""
        try:
            reply = await self._exchange(server, question, timeout_s, edns=True)
            if reply.rcode in ("FORMERR", "NOTIMP"):
                # RFC 6891 7: a server that does not know EDNS is asked again without.
                reply = await self._exchange(server, question, timeout_s, edns=False)
        except TimedOut:
            raise _Silent(f"no answer from {server}") from None
        except (DialFailed, ConnectionLost, BadReply) as fault:
            raise _Trouble(f"{fault}, from {server}") from None
        if reply.rcode not in ("NOERROR", "NXDOMAIN"):
            raise _Trouble(f"{reply.rcode} from {server}")
        if reply.is_referral:
            raise _Trouble(f"{server} does not resolve for us")
        return reply

    async def _exchange(
        self, server: Endpoint, question: DnsQuestion, timeout_s: float, *, edns: bool
    ) -> Reply:
        query_id = secrets.randbelow(65536)  # RFC 5452 9.2: one that cannot be guessed
        query = build_query(question, query_id, edns=edns, validating=self._validating)
        accept = partial(read_reply, question=question, query_id=query_id)
        try:
            reply = await self._datagrams.ask(server, query, accept, timeout_s)
            if not reply.is_truncated:
                return reply
        except Forged:
            pass
        return await ask_over_tcp(self._network, server, query, accept, timeout_s)


class _Trouble(Exception):
    """A server, or all of them, could not answer; the text says why."""


class _Silent(_Trouble):
    """A server did not answer in time: it may, if it is given more."""


def _trouble(name: str, note: str) -> TimedAnswer:
    return TimedAnswer(DnsAnswer(DnsStatus.TROUBLE, canonical=name, note=note), 0)


def read_resolv_conf(path: Path = _RESOLV_CONF) -> tuple[Endpoint, ...]:
    """The DNS servers that a resolv.conf(5) names; this host's own when it names none. Never raises."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines]
    servers = [_server(word[1]) for word in words if len(word) > 1 and word[0] == "nameserver"]
    usable = [server for server in servers if server is not None][:_SERVER_LIMIT]
    return tuple(usable) or (Endpoint("127.0.0.1", _PORT),)


def _server(text: str) -> Endpoint | None:
    try:
        return Endpoint(str(ip_address(text)), _PORT)
    except ValueError:
        return None
