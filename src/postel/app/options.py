"""What each room is told, made from the configuration. The only place that knows both sides.

Gives       a function per room.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from postel.app.part import WHOLE, Part
from postel.checkpoints import CheckpointOptions
from postel.config import (
    Listen,
    Loaded,
    is_url,
    parse_audience,
    parse_duration,
    parse_network,
    parse_proxy,
    parse_size,
)
from postel.delivery import MailboxOptions, RelayOptions
from postel.directory import DirectoryOptions, ThrottleOptions, TokenOptions
from postel.hooks import HookOptions
from postel.mail import Domain, parse_domain
from postel.proto.imap import ImapLimits
from postel.proto.smtp import SmtpLimits
from postel.queue import QueueOptions, RetrySchedule
from postel.routing import parse_client_rule, parse_path_rule
from postel.servers import (
    TOKEN_MECHANISMS,
    AccessOptions,
    AdmissionOptions,
    Audience,
    CommandOptions,
    FullMailbox,
    GrantOptions,
    ImapServiceOptions,
    IPNetwork,
    NameCheck,
    NullMx,
    Pop3ServiceOptions,
    Service,
    ServiceOptions,
    Trusted,
)
from postel.store import StoreOptions


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


def token_options(loaded: Loaded) -> TokenOptions | None:
    """Whose OAuth tokens are believed; None: nobody's."""
    oauth = loaded.config.oauth
    if not (oauth.keys or oauth.introspection):
        return None
    keys = oauth.keys or ""
    return TokenOptions(
        issuer=oauth.issuer or "",
        audience=oauth.audience or "",
        keys=loaded.resolve(keys) if keys and not is_url(keys) else keys,
        introspection=oauth.introspection or "",
        client=oauth.client or "",
        secret=oauth.secret or "",
        claim=oauth.claim,
    )


def _mechanisms(loaded: Loaded) -> tuple[str, ...]:
    believes = token_options(loaded) is not None
    return (*loaded.config.login.mechanisms, *(TOKEN_MECHANISMS if believes else ()))


def queue_options(loaded: Loaded, part: Part = WHOLE) -> QueueOptions:
    """Schedules and limits of the queue; workers divide the limits among themselves."""
    queue = loaded.config.queue
    deliveries = part.share(queue.deliveries)
    usual = QueueOptions()
    return QueueOptions(
        hostname=hostname(loaded).ascii,
        retry=RetrySchedule(tuple(parse_duration(text) for text in queue.retry)),
        warn_after_s=parse_duration(queue.warn),
        expire_after_s=parse_duration(queue.expire),
        concurrency=deliveries,
        reserve=deliveries // 4,
        down_limit=max(1, deliveries // 4),
        fresh_limit=part.share(queue.in_memory),
        lane_limit=part.share(queue.concurrency),
        lane_limits={lane: part.share(limit) for lane, limit in usual.lane_limits.items()},
    )


def relay_options(loaded: Loaded) -> RelayOptions:
    """How we connect to others."""
    delivery = loaded.config.delivery
    return RelayOptions(
        hostname=hostname(loaded).ascii,
        port=delivery.port,
        sources=tuple(ip_address(text) for text in delivery.source),
        resume_from=parse_size(loaded.config.checkpoint.resume),
        connect_s=parse_duration(delivery.connect_timeout),
        tunnels_priority=loaded.config.priority.tunnel,
        converts_signed=delivery.convert_signed,
    )


def store_options(loaded: Loaded) -> StoreOptions:
    """What accounts may have, and how long expunged mail is kept."""
    mailboxes = loaded.config.mailboxes
    return StoreOptions(keep_s=parse_duration(mailboxes.undelete), mailboxes=mailboxes.per_account)


def checkpoint_options(loaded: Loaded) -> CheckpointOptions:
    """What is kept of transactions that are interrupted."""
    checkpoint = loaded.config.checkpoint
    return CheckpointOptions(
        keep_s=parse_duration(checkpoint.keep),
        transactions=checkpoint.transactions,
        per_client=checkpoint.per_client,
        octets=parse_size(checkpoint.size),
        spare_octets=parse_size(checkpoint.spare),
    )


def mailbox_options(loaded: Loaded) -> MailboxOptions:
    """Limits of local delivery. Our own trace field is one more than the servers have counted."""
    limits = loaded.config.limits
    return MailboxOptions(hops=max(100, limits.hops) + 1, returns_when_full=limits.full_mailbox == "return")


def hook_options(loaded: Loaded) -> HookOptions:
    """Limits of hooks."""
    return HookOptions(timeout_s=parse_duration(loaded.config.hooks.timeout))


def _plaintext_login(loaded: Loaded) -> tuple[IPNetwork, ...]:
    return tuple(parse_network(text) for text in loaded.config.login.plaintext)


def reserve_bytes(loaded: Loaded) -> int:
    """How much of the disk is to stay free."""
    return parse_size(loaded.config.limits.reserve)


def grant_options(loaded: Loaded) -> GrantOptions:
    """What originators may wish of time and rank."""
    config = loaded.config
    queue, priority = config.queue, config.priority
    return GrantOptions(
        deliver_by_least_s=round(parse_duration(queue.deliver_by)),
        hold_longest_s=round(parse_duration(queue.future_release)),
        hold_messages=queue.future_messages,
        priority_profile=priority.profile or "",
        priority_networks=tuple(parse_network(text) for text in priority.networks),
        priority_logins=priority.accounts,
        priority_highest=priority.highest,
        tunnels_priority=priority.tunnel,
        no_soliciting=tuple(config.no_soliciting),
        domains_not_soliciting=tuple(
            (parse_domain(domain.name).ascii, tuple(domain.no_soliciting))
            for domain in config.domain
            if domain.name and domain.no_soliciting
        ),
    )


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
        mechanisms=_mechanisms(loaded),
        xclient=trusted(listen.xclient),
        xforward=trusted(listen.xforward),
        commands=command_options(loaded),
        null_mx=NullMx(loaded.config.dns.null_mx),
        access=access_options(loaded),
        hides_client=loaded.config.login.hide_client,
        neighbours=tuple(map(parse_network, listen.clients)) if listen.protocol == "lmtp" else None,
        wishes=grant_options(loaded),
        full_mailbox=FullMailbox(limits.full_mailbox),
        keeps_transactions=parse_duration(loaded.config.checkpoint.keep) > 0 and listen.protocol != "lmtp",
        own_from=loaded.config.login.own_from,
        hops=limits.hops,
        greet_delay_s=parse_duration(limits.greeting_delay) if listen.protocol == "smtp" else 0.0,
    )


def command_options(loaded: Loaded) -> CommandOptions:
    """Who may use which commands."""
    commands = loaded.config.commands
    return CommandOptions(
        verify=_audience(commands.verify),
        etrn=_audience(commands.etrn),
        send=_audience(commands.send),
        verbose=_audience(commands.verbose),
        fetches=bool(loaded.config.pull),
        turns=commands.turn,
    )


def _audience(texts: Sequence[str]) -> Audience:
    parsed = [parse_audience(text) for text in texts]
    return Audience(tuple(network for network in parsed if network is not None), None in parsed)


def access_options(loaded: Loaded) -> AccessOptions:
    """Whom port 25 takes mail from."""
    access = loaded.config.access
    return AccessOptions(
        clients=tuple(parse_client_rule(text) for text in access.clients),
        reverse_paths=tuple(parse_path_rule(text) for text in access.reverse_paths),
        client_names=NameCheck(access.names),
        checks_domain=access.check_domain,
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
        mechanisms=_mechanisms(loaded),
        offers_apop=loaded.config.login.apop,
        login_delay_s=round(parse_duration(loaded.config.login.pop3_delay)),
        login_s=parse_duration(loaded.config.limits.login_time),
    )


def kept_answers_bytes(loaded: Loaded) -> int:
    """How much IMAP may remember of mailboxes, in each process."""
    return parse_size(loaded.config.limits.imap_answers)


def imap_options(loaded: Loaded, listen: Listen) -> ImapServiceOptions:
    """One listener's IMAP."""
    return ImapServiceOptions(
        hostname=hostname(loaded),
        is_tls_implicit=listen.protocol == "imaps",
        plaintext_login=_plaintext_login(loaded),
        mechanisms=_mechanisms(loaded),
        login_s=parse_duration(loaded.config.limits.login_time),
        limits=ImapLimits(
            append=parse_size(loaded.config.limits.message_size), messages=loaded.config.limits.imap_messages
        ),
    )
