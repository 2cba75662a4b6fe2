"""Whether a command may come now: what the table, TLS, the login and its place in a pipelined group say.

Implements  RFC 5321 4.1.4 (order), 4.2.4 (500 and 502), RFC 2920 3.1 (what ends a group), RFC 3207 4 (before TLS),
            RFC 4954 4 and 6 (before login), RFC 2033 4.1 and 4.2 (LMTP).
Gives       unknown_command; allowed_row and check_group, which raise CommandRefused.
Not here    The table itself: commands. What stands after the verb: arguments. Counting: server.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from postel.mail import Reply, Status
from postel.proto.smtp import replies
from postel.proto.smtp.commands import (
    FOREIGN_VERBS,
    NOT_IMPLEMENTED,
    OPTIONAL,
    Row,
    Verb,
    find_row,
    is_allowed_before_login,
    is_allowed_before_tls,
    out_of_place,
)
from postel.proto.smtp.events import Auth, Breach, Event
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.options import GroupRule, ServerOptions, Standing
from postel.proto.smtp.states import State

# RFC 2033 4.1 and 4.2: LMTP has its own hello, and DATA for nobody is 503.
_IN_LMTP: Final[Mapping[Reply, Reply]] = MappingProxyType(
    {replies.EHLO_FIRST: replies.LHLO_FIRST, replies.NO_RECIPIENTS: replies.NO_RECIPIENTS_YET}
)


def unknown_command(word: str, hostname: str) -> CommandRefused:
    """What to say to a word, in upper case, that is no verb; `hostname` is for the 421 to what is no SMTP at all."""
    if word in FOREIGN_VERBS:
        reply = replies.closing(hostname, Status(4, 7, 0), "This is a mail server; closing")
        return CommandRefused(reply, Breach.FOREIGN_PROTOCOL, is_fatal=True)
    if word in NOT_IMPLEMENTED:
        return CommandRefused(replies.COMMAND_NOT_IMPLEMENTED, Breach.NOT_OFFERED)
    return CommandRefused(replies.COMMAND_UNKNOWN, Breach.UNKNOWN_COMMAND)


def allowed_row(verb: Verb, state: State, standing: Standing) -> Row:
    """The row of the table that lets the command through."""
    options = standing.options
    if (verb in OPTIONAL and verb not in options.commands) or (options.spoken and verb not in options.spoken):
        raise CommandRefused(replies.COMMAND_NOT_IMPLEMENTED, Breach.NOT_OFFERED)
    if options.needs_tls and not standing.is_tls and not is_allowed_before_tls(verb):
        raise CommandRefused(replies.TLS_FIRST, Breach.TLS_NEEDED)
    if options.needs_login and not standing.is_logged_in and not is_allowed_before_login(verb):
        raise CommandRefused(replies.LOGIN_FIRST, Breach.LOGIN_NEEDED)
    row = find_row(verb, state)
    if row is None:
        raise CommandRefused(_out_of_place(verb, state, options), Breach.BAD_SEQUENCE)
    if row.in_lmtp is not None and row.in_lmtp is not options.is_lmtp:
        reply = replies.THIS_IS_LMTP if options.is_lmtp else replies.COMMAND_NOT_IMPLEMENTED
        raise CommandRefused(reply, Breach.NOT_OFFERED)
    return row


def _out_of_place(verb: Verb, state: State, options: ServerOptions) -> Reply:
    reply = out_of_place(verb, state)
    return _IN_LMTP.get(reply, reply) if options.is_lmtp else reply


def check_group(verb: Verb, event: Event, rule: GroupRule) -> None:
    """Whether a command that ends a group may have input waiting behind it. QUIT may: nothing more is read."""
    if verb is Verb.QUIT:
        return
    if verb is Verb.STARTTLS:
        raise CommandRefused(replies.PLAINTEXT_BEFORE_TLS, Breach.PLAINTEXT_BEFORE_TLS, is_fatal=True)
    if verb in (Verb.ATRN, Verb.TURN):  # what is sent ahead would be read as an answer to our first command
        raise CommandRefused(replies.AHEAD_OF_REPLY, Breach.AHEAD_OF_REPLY, is_fatal=True)
    if isinstance(event, Auth) and event.initial is not None:
        return  # RFC 4954 4: with an initial response it may stand inside a group
    if rule is GroupRule.ALL or (rule is GroupRule.CONTENT and verb is Verb.DATA):
        raise CommandRefused(replies.AHEAD_OF_REPLY, Breach.AHEAD_OF_REPLY, is_fatal=True)
