"""The nouns of mail transport: addresses, paths, envelopes, replies, faults. Floor 0."""

from postel.mail.domain import AddressLiteral, Domain, Host, IPAddress, parse_domain, parse_host, plain_ip
from postel.mail.envelope import NO_PARAMETERS, Envelope, Parameters, Recipient
from postel.mail.fault import BadSyntax, Fault, LocalFault, RemoteFault
from postel.mail.mailbox import LocalPart, Mailbox, parse_local_part, parse_mailbox
from postel.mail.path import ForwardPath, ReversePath, parse_forward_path, parse_reverse_path, split_path
from postel.mail.reply import Reply, Status
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
    "NO_PARAMETERS",
    "STATUSES",
    "AddressLiteral",
    "BadSyntax",
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
    "format_original_recipient",
    "format_unitext",
    "format_xtext",
    "meaning_of",
    "parse_domain",
    "parse_forward_path",
    "parse_host",
    "parse_local_part",
    "parse_mailbox",
    "parse_reverse_path",
    "parse_unitext",
    "parse_xtext",
    "plain_ip",
    "split_path",
]
