"""What each room is told, made from the configuration. The only place that knows both sides.

Gives       a function per room.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from postel.config import Listen, Loaded, parse_duration, parse_network, parse_proxy, parse_size
from postel.delivery import MailboxOptions, RelayOptions
from postel.directory import DirectoryOptions, ThrottleOptions
from postel.hooks import HookOptions
from postel.mail import Domain, parse_domain
from postel.proto.smtp import SmtpLimits
from postel.queue import QueueOptions, RetrySchedule
from postel.servers import (
    AdmissionOptions,
    IPNetwork,
    Pop3ServiceOptions,
    Service,
    ServiceOptions,
    Trusted,
)


def hostname(loaded: Loaded) -> Domain:
    """Our name. config.check refuses a file without one."""
    assert loaded.config.hostname is not None
    return parse_domain(loaded.config.hostname)


def admission_options(loaded: Loaded) -> AdmissionOptions:
    """Limits of connections."""
    limits = loaded.config.limits
    # Behind a host that says who its clients are, many come from one address.
    proxies = [trusted(listen.xclient).networks for listen in loaded.config.listen]
    return AdmissionOptions(
        connections=limits.connections,
        connections_per_address=limits.connections_per_address,
        exempt=tuple(network for networks in proxies for network in networks),
    )


def directory_options(loaded: Loaded) -> DirectoryOptions:
    """The brake on guessing."""
    attempts = loaded.config.login.attempts
    return DirectoryOptions(throttle=ThrottleOptions(network_failures=attempts, account_failures=attempts))


def queue_options(loaded: Loaded) -> QueueOptions:
    """Schedules and limits of the queue."""
    queue = loaded.config.queue
    return QueueOptions(
        hostname=hostname(loaded).ascii,
        retry=RetrySchedule(tuple(parse_duration(text) for text in queue.retry)),
        warn_after_s=parse_duration(queue.warn),
        expire_after_s=parse_duration(queue.expire),
        concurrency=queue.deliveries,
        reserve=queue.deliveries // 4,
        down_limit=queue.deliveries // 4,
        lane_limit=queue.concurrency,
    )


def relay_options(loaded: Loaded) -> RelayOptions:
    """How we connect to others."""
    delivery = loaded.config.delivery
    return RelayOptions(
        hostname=hostname(loaded).ascii,
        port=delivery.port,
        sources=tuple(ip_address(text) for text in delivery.source),
        connect_s=parse_duration(delivery.connect_timeout),
    )


def mailbox_options(loaded: Loaded) -> MailboxOptions:
    """Limits of local delivery. Our own trace field is one more than the servers have counted."""
    return MailboxOptions(hops=max(100, loaded.config.limits.hops) + 1)


def hook_options(loaded: Loaded) -> HookOptions:
    """Limits of hooks."""
    return HookOptions(timeout_s=parse_duration(loaded.config.hooks.timeout))


def _plaintext_login(loaded: Loaded) -> tuple[IPNetwork, ...]:
    return tuple(parse_network(text) for text in loaded.config.login.plaintext)


def service_options(loaded: Loaded, listen: Listen) -> ServiceOptions:
    """One of the three ways in for SMTP."""
    limits = loaded.config.limits
    return ServiceOptions(
        hostname=hostname(loaded),
        service=Service(listen.protocol),
        limits=SmtpLimits(
            message_size=parse_size(limits.message_size),
            recipients=limits.recipients,
            faults=limits.faults,
        ),
        plaintext_login=_plaintext_login(loaded),
        xclient=trusted(listen.xclient),
        xforward=trusted(listen.xforward),
        own_from=loaded.config.login.own_from,
        hops=limits.hops,
        greet_delay_s=parse_duration(limits.greeting_delay) if listen.protocol == "smtp" else 0.0,
    )


def trusted(texts: Sequence[str]) -> Trusted:
    """Hosts that are believed, as a listener names them."""
    parsed = [parse_proxy(text) for text in texts]
    return Trusted(tuple(network for network in parsed if network is not None), None in parsed)


def pop3_options(loaded: Loaded, listen: Listen) -> Pop3ServiceOptions:
    """One listener's POP3."""
    return Pop3ServiceOptions(
        hostname=hostname(loaded),
        is_tls_implicit=listen.protocol == "pop3s",
        plaintext_login=_plaintext_login(loaded),
        offers_apop=loaded.config.login.apop,
        login_delay_s=round(parse_duration(loaded.config.login.pop3_delay)),
    )
