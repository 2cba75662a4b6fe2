"""The nouns of mail transport: addresses, paths, envelopes, replies, faults. Floor 0."""

from postel.mail.deliver_by import BY_LIMIT_S, DeliverBy, deliver_by_of, parse_deliver_by
from postel.mail.domain import AddressLiteral, Domain, Host, IPAddress, parse_domain, parse_host, plain_ip
from postel.mail.envelope import NO_PARAMETERS, Envelope, Parameters, Recipient
from postel.mail.fault import BadSyntax, Fault, LocalFault, RemoteFault
from postel.mail.future_release import (
    format_instant,
    parse_hold_for,
    parse_hold_until,
    release_of,
    release_request,
)
from postel.mail.mailbox import LocalPart, Mailbox, parse_local_part, parse_mailbox
from postel.mail.path import ForwardPath, ReversePath, parse_forward_path, parse_reverse_path, split_path
from postel.mail.priority import HIGHEST, LOWEST, parse_priority, priority_of
from postel.mail.reply import Reply, Status
from postel.mail.solicitation import SOLICITATION_LIMIT, parse_solicitation, unwanted
from postel.mail.statuses import STATUSES, StatusMeaning, meaning_of
from postel.mail.xtext import (
    as_ascii,
    format_original_recipient,
    format_unitext,
    format_xtext,
    parse_unitext,
    parse_xtext,
)

__all__ = [
    "BY_LIMIT_S",
    "HIGHEST",
    "LOWEST",
    "NO_PARAMETERS",
    "SOLICITATION_LIMIT",
    "STATUSES",
    "AddressLiteral",
    "BadSyntax",
    "DeliverBy",
    "Domain",
    "Envelope",
    "Fault",
    "ForwardPath",
    "Host",
    "IPAddress",
    "LocalFault",
    "LocalPart",
    "Mailbox",
    "Parameters",
    "Recipient",
    "RemoteFault",
    "Reply",
    "ReversePath",
    "Status",
    "StatusMeaning",
    "as_ascii",
    "deliver_by_of",
    "format_instant",
    "format_original_recipient",
    "format_unitext",
    "format_xtext",
    "meaning_of",
    "parse_deliver_by",
    "parse_domain",
    "parse_forward_path",
    "parse_hold_for",
    "parse_hold_until",
    "parse_host",
    "parse_local_part",
    "parse_mailbox",
    "parse_priority",
    "parse_reverse_path",
    "parse_solicitation",
    "parse_unitext",
    "parse_xtext",
    "plain_ip",
    "priority_of",
    "release_of",
    "release_request",
    "split_path",
    "unwanted",
]
