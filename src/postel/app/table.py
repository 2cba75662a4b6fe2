"""The routing table that a configuration stands for, every row with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from postel.config import Loaded, RouteSettings, TlsPolicySettings, parse_network
from postel.mail import IPAddress, parse_domain, parse_mailbox
from postel.routing import (
    Alias,
    DestinationTls,
    FixedRoute,
    FixedTarget,
    Login,
    NamedQueue,
    OurDomain,
    PullRight,
    RelayDomain,
    RelayNetwork,
    RoutingTable,
    TlsDemand,
    TlsPolicy,
    parse_alias,
    parse_certificate_name,
    parse_pattern,
    parse_route,
    with_login,
)

_TLS_POLICIES: Final = {
    "none": TlsPolicy.NEVER,
    "may": TlsPolicy.WHEN_OFFERED,
    "must": TlsPolicy.REQUIRED,
    "verified": TlsPolicy.VERIFIED,
}


def routing_table(loaded: Loaded, own_addresses: frozenset[IPAddress]) -> RoutingTable:
    """Build the table of a configuration that has no mistakes.

    own_addresses   what this host's interfaces have, and what it listens on.
    """
    config = loaded.config
    assert config.hostname is not None, "config.check refuses a file without a hostname"
    return RoutingTable(
        hostname=parse_domain(config.hostname),
        domains=tuple(_domains(loaded)),
        relay_domains=tuple(
            RelayDomain(
                parse_pattern(text, allows_everything=False), loaded.source("relay", "domains", number)
            )
            for number, text in enumerate(config.relay.domains)
        ),
        relay_networks=tuple(
            RelayNetwork(parse_network(text), loaded.source("relay", "networks", number))
            for number, text in enumerate(config.relay.networks)
        ),
        routes=tuple(
            FixedRoute(parse_pattern(name), _target(loaded, route), loaded.source("route", name))
            for name, route in config.route.items()
        ),
        tls=tuple(_tls(loaded)),
        pulls=tuple(_pulls(loaded)),
        queues=tuple(_queues(loaded)),
        own_addresses=own_addresses,
        postmaster=parse_mailbox(config.postmaster) if config.postmaster else None,
        postmaster_source=loaded.source("postmaster"),
        detail_separator=config.detail_separator,
    )


def _pulls(loaded: Loaded) -> Iterator[PullRight]:
    for address, domains in loaded.config.pull.items():
        source = loaded.source("pull", address)
        yield PullRight(parse_mailbox(address), tuple(map(parse_pattern, domains)), source)


def _queues(loaded: Loaded) -> Iterator[NamedQueue]:
    for name, domains in loaded.config.commands.queues.items():
        source = loaded.source("commands", "queues", name)
        yield NamedQueue(name.casefold(), tuple(map(parse_pattern, domains)), source)


def _domains(loaded: Loaded) -> Iterator[OurDomain]:
    for number, settings in enumerate(loaded.config.domain):
        assert settings.name is not None, "config.check refuses a domain without a name"
        domain = parse_domain(settings.name)
        aliases: dict[str, Alias] = {}
        for name, members in settings.aliases.items():
            key, alias = parse_alias(name, members, domain, loaded.source("domain", number, "aliases", name))
            aliases[key] = alias
        yield OurDomain(domain, aliases, loaded.source("domain", number))


def _tls(loaded: Loaded) -> Iterator[DestinationTls]:
    for name, given in loaded.config.tls_policy.items():
        settings = TlsPolicySettings(tls=given) if isinstance(given, str) else given
        demand = TlsDemand(_TLS_POLICIES[settings.tls], _names(settings.names), settings.least)
        yield DestinationTls(parse_pattern(name), demand, loaded.source("tls_policy", name))


def _names(texts: list[str]) -> tuple[str, ...]:
    return tuple(parse_certificate_name(text) for text in texts)


def _target(loaded: Loaded, route: str | RouteSettings) -> FixedTarget:
    if isinstance(route, str):
        return parse_route(route)
    assert route.to is not None, "config.check refuses a route that leads nowhere"
    login = _login(loaded, route)
    tls = route.tls or ("verified" if login else None)
    return with_login(
        parse_route(route.to),
        login,
        _TLS_POLICIES[tls] if tls else None,
        names=_names(route.names),
        least=route.least,
        xforward=route.xforward,
    )


def _login(loaded: Loaded, route: RouteSettings) -> Login | None:
    if not route.user:
        return None
    return Login(
        route.user,
        route.password or "",
        token_file=str(loaded.resolve(route.token)) if route.token else "",
        mechanism=route.mechanism or "",
        certificate=str(loaded.resolve(route.certificate)) if route.certificate else "",
        key=str(loaded.resolve(route.key)) if route.key else "",
    )
