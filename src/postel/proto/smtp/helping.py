"""What HELP says, made of the command table.

Implements  RFC 5321 4.1.1.8, 4.3.2 (214, 504).
Gives       help_on(topic, offers) -> Reply, with what this client may use and nothing else.
"""

from __future__ import annotations

from typing import Final

from postel.mail import Reply, Status
from postel.proto.smtp.commands import COMMANDS, OPTIONAL, SYNTAX, VERBS, Verb, clause_of
from postel.proto.smtp.extensions import Offers

_HELP_STATUS: Final = Status(2, 0, 0)
TOPIC_UNKNOWN: Final = Reply(504, Status(5, 5, 4), "No help on that; HELP alone lists the commands")


_BEGINS: Final = frozenset({Verb.MAIL, Verb.SEND, Verb.SOML, Verb.SAML})
# Commands that stand and fall with an extension of another name or with an offer that comes and goes.
_NEEDS: Final = {
    Verb.STARTTLS: "STARTTLS",
    Verb.AUTH: "AUTH",
    Verb.BDAT: "CHUNKING",
    **{verb: str(verb) for verb in OPTIONAL | {Verb.XCLIENT, Verb.XFORWARD}},
}


def help_on(topic: str, offers: Offers) -> Reply:
    """The commands, or the syntax, the parameters and the clause of one."""
    usable = [verb for verb in Verb if _is_usable(verb, offers)]
    if not topic:
        return Reply(214, _HELP_STATUS, "Commands:\n" + " ".join(usable) + "\nHELP command tells more")
    verb = VERBS.get(topic.upper())
    if verb is None or verb not in usable:
        return TOPIC_UNKNOWN
    open_to_client = offers.mail if verb in _BEGINS else offers.rcpt if verb is Verb.RCPT else {}
    parameters = f"\nParameters: {' '.join(open_to_client)}" if open_to_client else ""
    return Reply(214, _HELP_STATUS, f"{SYNTAX[verb]}{parameters}\n{_source(verb)}")


def _source(verb: Verb) -> str:
    clause = clause_of(verb)
    if verb in (Verb.XCLIENT, Verb.XFORWARD):
        return "As Postfix has it"
    return "As sendmail has it" if clause == "none" else f"RFC {clause}"


def _is_usable(verb: Verb, offers: Offers) -> bool:
    options = offers.standing.options
    return (
        (not options.spoken or verb in options.spoken)
        and (verb not in _NEEDS or _NEEDS[verb] in offers.keywords)
        and any(row.in_lmtp in (None, options.is_lmtp) for row in COMMANDS if row.verb is verb)
    )
