"""What the server machine is told about the service it speaks for.

Gives       ServerOptions, GroupRule, Standing.
Not here    The limits: limits. Which extension is offered to whom: extensions.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from postel.proto.smtp.limits import SmtpLimits
from postel.proto.smtp.states import TIMEOUTS, State
from postel.proto.smtp.wishes import WishOptions


class GroupRule(enum.Enum):
    """Which commands must not have input waiting behind them already (RFC 2920 3.1: "ends a group").

    Only a client that does not read our replies, or a message smuggled inside another, looks like that.
    STARTTLS is bound under every rule.
    """

    NONE = "none"
    CONTENT = "content"  # DATA: nobody may send content before our 354
    ALL = "all"  # every command that the table says ends a group


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServerOptions:
    """One service, as a session sees it at the moment; changeable while the session runs.

    Two are equal when they are one object: what is made of options is made once for each.

    hostname         our name in the greeting, in the answer to EHLO, and in 421.
    product          what the greeting says after ESMTP.
    limits           see SmtpLimits.
    has_tls          whether STARTTLS can be done.
    needs_tls        whether anything but EHLO, NOOP, STARTTLS and QUIT waits for TLS (RFC 3207 4).
    mechanisms       the SASL mechanisms offered now, best first; empty: no AUTH. To offer some only
                     under TLS, change the options once TLS stands.
    needs_login      whether mail waits for AUTH (RFC 4954 6, RFC 6409 4.3).
    keeps_transactions  whether interrupted transactions are kept: CHECKPOINT (RFC 1845).
    commands         what this client is trusted with besides: the names of optional commands (commands.OPTIONAL), and
                     VRFY and EXPN where they are answered in earnest, and so announced.
    spoken           the only verbs that the service knows; empty: all.
    is_lmtp          whether LMTP is spoken instead of SMTP (RFC 2033).
    withheld         keywords of extensions that are not to be offered though we could.
    wishes           which wishes of originators are listened to; see WishOptions.
    group_rule       what ends the session when a client talks on without waiting; see GroupRule.
    timeouts         seconds per state; see TIMEOUTS.
    """

    hostname: str
    product: str = "Postel"
    limits: SmtpLimits = field(default_factory=SmtpLimits)
    has_tls: bool = False
    needs_tls: bool = False
    mechanisms: tuple[str, ...] = ()
    needs_login: bool = False
    keeps_transactions: bool = False
    commands: frozenset[str] = frozenset()
    spoken: frozenset[str] = frozenset()
    is_lmtp: bool = False
    withheld: frozenset[str] = frozenset()
    wishes: WishOptions = field(default_factory=WishOptions)
    group_rule: GroupRule = GroupRule.CONTENT
    timeouts: Mapping[State, float] = field(default_factory=lambda: TIMEOUTS)


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides which extensions a client is offered."""

    options: ServerOptions
    is_tls: bool = False
    is_logged_in: bool = False
