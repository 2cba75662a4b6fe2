"""One setting against another, and against the machine: mistakes, and warnings of what is dangerous.

Gives       check_config(loaded) -> Findings(mistakes, warnings).
Not here    Each key by itself: config.load. What relaying would allow: routing.dangers_of.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from postel.config.check_oauth import check_login, check_oauth
from postel.config.kinds import parse_network
from postel.config.load import Loaded, Mistake
from postel.config.settings import RouteSettings, TlsPolicySettings
from postel.config.units import parse_duration, parse_size
from postel.mail import BadSyntax, Domain, Mailbox, parse_domain, parse_local_part, parse_mailbox
from postel.routing import (
    Access,
    DomainPattern,
    ToHop,
    parse_path_rule,
    parse_pattern,
    parse_route,
    path_access,
)

LEAST_MESSAGE_OCTETS: Final = 64 * 1024  # RFC 5321 4.5.3.1.7
LEAST_IMAP_MESSAGES: Final = 1000  # RFC 9738 3.1
LEAST_EXPIRY_S: Final = 4 * 86400.0  # RFC 5321 4.5.4.1
_SAY_SO: Final = "say so, or take them out"
LOCAL_PROTOCOLS: Final = ("submission", "submissions", "lmtp", "pop3", "pop3s", "imap", "imaps")


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, and what works but is dangerous."""

    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]


def check_config(loaded: Loaded) -> Findings:
    """Everything that can be said without touching the network."""
    return Findings(
        tuple(
            _in_order(
                loaded,
                (
                    _names,
                    _listeners,
                    _domains,
                    _routes,
                    _pulls,
                    _same_hops,
                    _tls_policies,
                    _tls_files,
                    _more_certificates,
                    _authorities,
                    _queue,
                    _turning_workers,
                    _hook_files,
                    check_oauth,
                ),
            )
        ),
        tuple(
            _in_order(
                loaded,
                (
                    _forwards_everything,
                    _unfetched,
                    _idle_workers,
                    _plaintext_logins,
                    _route_passwords,
                    _believes_dns,
                    _refuses_ours,
                    _short_expiry,
                    _few_messages,
                    _nothing_ours,
                ),
            )
        ),
    )


def _in_order(loaded: Loaded, checks: tuple[object, ...]) -> list[Mistake]:
    found = [
        Mistake(loaded.file, loaded.line(*path), text)
        for check in checks
        for path, text in check(loaded)  # type: ignore[operator]
    ]
    return sorted(found, key=lambda mistake: mistake.line)


_Found = Iterator[tuple[tuple[str | int, ...], str]]


def _names(loaded: Loaded) -> _Found:
    if loaded.config.hostname is None:
        yield (
            (),
            'hostname is missing; add hostname = "mail.example.org", the name that leads to this machine',
        )
    elif "." not in parse_domain(loaded.config.hostname).ascii:
        yield ("hostname",), "hostname has no dot; other servers refuse such a name, so give the full one"


def _turning_workers(loaded: Loaded) -> _Found:
    if loaded.config.workers > 1 and loaded.config.commands.turn:
        text = "TURN wants the one process that delivers; say workers = 1, or leave turn out and use odmr"
        yield ("commands", "turn"), text


def _idle_workers(loaded: Loaded) -> _Found:
    processors = _processors()
    if loaded.config.workers > processors:
        text = (
            f"there are more workers than processors that we may use ({processors}); the rest is in their way"
        )
        yield ("workers",), text


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _listeners(loaded: Loaded) -> _Found:
    if not loaded.config.listen:
        yield (), "there is no [[listen]]; add one with protocol and address for each port"
    seen: dict[str, int] = {}
    for number, listen in enumerate(loaded.config.listen):
        if listen.address is None:
            yield (
                ("listen", number),
                'address is missing; add address = "0.0.0.0:25", or the address to listen on',
            )
        elif listen.protocol == "lmtp" and listen.address.endswith(":25"):
            # RFC 2033 5: it must not be used there, where others expect SMTP.
            yield ("listen", number, "address"), "LMTP is never spoken on port 25; say another port, as 24"
        elif listen.address.endswith(":0"):
            continue  # any free port: never the same twice
        elif listen.address in seen:
            line = loaded.line("listen", seen[listen.address])
            yield ("listen", number, "address"), f"{listen.address} is taken by the [[listen]] of line {line}"
        else:
            seen[listen.address] = number


def _domains(loaded: Loaded) -> _Found:
    seen: dict[str, int] = {}
    for number, settings in enumerate(loaded.config.domain):
        if settings.name is None:
            yield ("domain", number), 'name is missing; add name = "example.org"'
            continue
        domain = parse_domain(settings.name)
        if domain.ascii in seen:
            line = loaded.line("domain", seen[domain.ascii])
            yield ("domain", number, "name"), f"{domain} stands in line {line} already; join the two"
        seen[domain.ascii] = number
        yield from _aliases(number, domain, settings.aliases)
    for number, text in enumerate(loaded.config.relay.domains):
        if not text.startswith(".") and parse_domain(text).ascii in seen:
            yield (
                ("relay", "domains", number),
                f"{text} is a [[domain]] of ours too; it can only be one of the two",
            )


def _aliases(number: int, domain: Domain, aliases: dict[str, str | list[str]]) -> _Found:
    for name, value in aliases.items():
        path = ("domain", number, "aliases", name)
        targets = [value] if isinstance(value, str) else value
        if not targets:
            yield path, "the alias has no target"
        if name != "*":
            yield from _complaint(path, name, f"{name}@{domain}")
        for target in targets:
            yield from _complaint(path, target, target if "@" in target else f"{target}@{domain}")


def _complaint(path: tuple[str | int, ...], text: str, address: str) -> _Found:
    try:
        parse_mailbox(address) if "@" in text else parse_local_part(text)
    except BadSyntax as complaint:
        yield path, f'"{text}": {complaint}'


def _routes(loaded: Loaded) -> _Found:
    ours = {parse_domain(domain.name).ascii for domain in loaded.config.domain if domain.name}
    for name, route in loaded.config.route.items():
        path = ("route", name)
        if name != "*":
            try:
                parse_domain(name.removeprefix("."))
            except BadSyntax as complaint:
                yield path, f"{complaint}, or * for all that is not ours"
        if isinstance(route, RouteSettings):
            if route.to is None:
                yield path, 'to is missing; add to = "smtp:host:port"'
            yield from check_login(path, route)
            if route.mechanism is not None and route.user is None:
                yield path, "mechanism says how to log in; give user and password too, or take it out"
            if route.to is not None and not isinstance(parse_route(route.to), ToHop) and _wants_a_hop(route):
                yield path, 'only a route to "smtp:…" or "lmtp:…" has a login or a TLS policy; take them out'
            yield from _route_tls(path, route)
        if name in ours:
            yield path, f"{name} is a [[domain]] of ours; take it out of one of the two"


def _wants_a_hop(route: RouteSettings) -> bool:
    has_login = bool(route.user and (route.password or route.token or route.certificate))
    return route.tls is not None or has_login or bool(route.names or route.least or route.xforward)


def _route_tls(path: tuple[str | int, ...], route: RouteSettings) -> _Found:
    hop = parse_route(route.to) if route.to is not None else None
    if isinstance(hop, ToHop) and hop.is_tls_implicit and route.tls == "none":
        yield (
            path,
            'with tls = "none" nothing is sent to a port where TLS comes first; take one of the two out',
        )
    if route.names and (route.tls or ("verified" if route.user else None)) != "verified":
        yield path, f'names are looked at only with tls = "verified"; {_SAY_SO}'
    if {"domain", ".domain"} & set(route.names):
        yield path, "a route has no domain to take a name from; write the name itself"


def _same_hops(loaded: Loaded) -> _Found:
    """Two routes to one hop share its connections, so they cannot want different TLS."""
    seen: dict[tuple[str, str | None], tuple[str, object]] = {}
    for name, route in loaded.config.route.items():
        settings = RouteSettings(to=route) if isinstance(route, str) else route
        hop = parse_route(settings.to) if settings.to is not None else None
        if not isinstance(hop, ToHop):
            continue
        wanted = (settings.tls, tuple(settings.names), settings.least, settings.xforward, settings.mechanism)
        before, its = seen.setdefault((str(hop), settings.user), (name, wanted))
        if its != wanted:
            yield (
                ("route", name),
                f'the route of "{before}" leads to {hop} too, with another TLS policy or mechanism; make them alike',
            )


def _tls_policies(loaded: Loaded) -> _Found:
    for name, given in loaded.config.tls_policy.items():
        try:
            parse_pattern(name)
        except BadSyntax as complaint:
            yield ("tls_policy", name), str(complaint)
        if not isinstance(given, str) and given.names and given.tls != "verified":
            yield ("tls_policy", name), f'names are looked at only with tls = "verified"; {_SAY_SO}'


def _believes_dns(loaded: Loaded) -> _Found:
    """RFC 8461 1 and RFC 7672 1.3.2: who forges MX records names a host whose certificate is right."""
    if loaded.config.dns.validating:
        return
    for name, given in loaded.config.tls_policy.items():
        settings = TlsPolicySettings(tls=given) if isinstance(given, str) else given
        if settings.tls == "verified" and (not settings.names or "host" in settings.names):
            yield (
                ("tls_policy", name),
                "verified, but who forges the domain's MX records chooses the name that is verified; "
                "give names, or servers that validate DNSSEC (dns.validating)",
            )


def _refuses_ours(loaded: Loaded) -> _Found:
    """RFC 2505 2.6.2: forwarded mail, and mail of lists, comes from outside under our own names."""
    ours = [parse_domain(domain.name) for domain in loaded.config.domain if domain.name]
    for number, text in enumerate(loaded.config.access.reverse_paths):
        rule = parse_path_rule(text)
        if rule.access is Access.ACCEPT or not isinstance(rule.pattern, DomainPattern):
            continue
        hit = [d for d in ours if path_access([rule], Mailbox(parse_local_part("x"), d))]
        if hit:
            yield (
                ("access", "reverse_paths", number),
                f"{hit[0]} is ours: forwarded mail and lists come from outside under its name, and would be refused",
            )


def _authorities(loaded: Loaded) -> _Found:
    config = loaded.config
    for path, file in (
        (("delivery", "authorities"), config.delivery.authorities),
        (("login", "client_authorities"), config.login.client_authorities),
    ):
        if file is not None and _is_missing(loaded.resolve(file)):
            yield path, f"there is no file {loaded.resolve(file)}"


def _more_certificates(loaded: Loaded) -> _Found:
    if loaded.config.certificate and loaded.config.tls.certificate is None:
        yield (
            ("certificate", 0),
            "[tls] has no certificate; name there the one for clients that ask for no name",
        )
    for number, settings in enumerate(loaded.config.certificate):
        for word, file in (("chain", settings.chain), ("key", settings.key)):
            if file is None:
                yield ("certificate", number), f"{word} is missing; name the PEM file"
            elif _is_missing(loaded.resolve(file)):
                yield ("certificate", number, word), f"there is no file {loaded.resolve(file)}"


def _pulls(loaded: Loaded) -> _Found:
    for address, domains in loaded.config.pull.items():
        try:
            parse_mailbox(address)
        except BadSyntax as complaint:
            yield ("pull", address), f'"{address}": {complaint}'
        if not domains:
            yield ("pull", address), "the account fetches nothing; name a domain, or take the line out"
    for name in loaded.config.commands.queues:
        if not name.isascii() or not name.isprintable() or " " in name or not name:
            yield (
                ("commands", "queues", name),
                "the name of a queue is ASCII without blanks, as ETRN can say it",
            )


def _unfetched(loaded: Loaded) -> _Found:
    """Mail that nobody may fetch, or that strangers cannot send."""
    named = {text for texts in loaded.config.pull.values() for text in texts}
    takes = set(loaded.config.relay.domains)
    for name, route in loaded.config.route.items():
        text = route if isinstance(route, str) else route.to
        if text != "pull":
            continue
        if name not in named:
            yield ("route", name), f"nobody may fetch the mail for {name}; name an account for it in [pull]"
        if name not in takes:
            yield (
                ("route", name),
                f"strangers cannot send mail to {name} through us; name it in relay.domains if they shall",
            )


def _tls_files(loaded: Loaded) -> _Found:
    tls = loaded.config.tls
    if (tls.certificate is None) != (tls.key is None):
        yield ("tls",), "certificate and key belong together; give both or neither"
    for name, file in (("certificate", tls.certificate), ("key", tls.key)):
        if file is not None and _is_missing(loaded.resolve(file)):
            yield ("tls", name), f"there is no file {loaded.resolve(file)}"


def _is_missing(path: Path) -> bool:
    """Whether there is certainly no such file; who may not look finds out when he reads it."""
    try:
        return not path.is_file()
    except PermissionError:
        return False


def _queue(loaded: Loaded) -> _Found:
    queue = loaded.config.queue
    warn, expire = parse_duration(queue.warn), parse_duration(queue.expire)
    if warn >= expire:
        yield ("queue", "warn"), "warn is not before expire; the sender would only hear of the end"
    if any(parse_duration(text) <= 0 for text in queue.retry):
        yield ("queue", "retry"), "a wait of nothing would try without pause; give at least 1s"
    waits = [parse_duration(text) for text in queue.retry]
    if any(later < sooner for sooner, later in pairwise(waits)):
        yield (
            ("queue", "retry"),
            "the waits get shorter; a destination in trouble is given more time, not less",
        )
    if parse_size(loaded.config.limits.message_size) < LEAST_MESSAGE_OCTETS:
        yield ("limits", "message_size"), "RFC 5321 4.5.3.1.7 wants messages of 64 KiB taken at the least"


def _hook_files(loaded: Loaded) -> _Found:
    for number, name in enumerate(loaded.config.hooks.files):
        if _is_missing(loaded.resolve(name)):
            yield ("hooks", "files", number), f"there is no file {loaded.resolve(name)}"


def _forwards_everything(loaded: Loaded) -> _Found:
    for number, domain in enumerate(loaded.config.domain):
        value = domain.aliases.get("*", [])
        outside = [t for t in ([value] if isinstance(value, str) else value) if _is_outside(loaded, t)]
        if outside:
            yield (
                ("domain", number, "aliases", "*"),
                f"everything sent to any name at {domain.name}, junk included, is forwarded to {outside[0]}, "
                "whose server will take us for its source; forward named addresses only",
            )


def _is_outside(loaded: Loaded, target: str) -> bool:
    ours = {parse_domain(domain.name).ascii for domain in loaded.config.domain if domain.name}
    _, at, domain = target.rpartition("@")
    return bool(at) and parse_domain(domain).ascii not in ours


def _plaintext_logins(loaded: Loaded) -> _Found:
    for number, text in enumerate(loaded.config.login.plaintext):
        if not parse_network(text).is_loopback:
            yield (
                ("login", "plaintext", number),
                f"passwords from {text} cross the wire readable; keep this to loopback and use TLS elsewhere",
            )


def _route_passwords(loaded: Loaded) -> _Found:
    for name, route in loaded.config.route.items():
        if isinstance(route, str) or route.tls not in ("none", "may", "must"):
            continue
        if route.password is not None or route.token is not None:
            secret = "password" if route.password is not None else "token"
            yield (
                ("route", name),
                f'the {secret} goes out with tls = "{route.tls}": who tampers with the line can have it; '
                'say tls = "verified"',
            )


def _short_expiry(loaded: Loaded) -> _Found:
    if parse_duration(loaded.config.queue.expire) < LEAST_EXPIRY_S:
        yield (
            ("queue", "expire"),
            "mail is given up before four days, which RFC 5321 4.5.4.1 names as the least; a long weekend loses it",
        )


def _few_messages(loaded: Loaded) -> _Found:
    if 0 < loaded.config.limits.imap_messages < LEAST_IMAP_MESSAGES:
        yield (
            ("limits", "imap_messages"),
            f"RFC 9738 wants {LEAST_IMAP_MESSAGES} at the least; programs that do not know MESSAGELIMIT see fewer "
            "messages than there are",
        )


def _nothing_ours(loaded: Loaded) -> _Found:
    local = [listen.protocol for listen in loaded.config.listen if listen.protocol in LOCAL_PROTOCOLS]
    if not loaded.config.domain and local:
        yield (), f"there is no [[domain]], so nobody can have an account for {', '.join(sorted(set(local)))}"
