"""What HELP says, made of the command table.

Implements  RFC 5321 4.1.1.8, 4.3.2 (214, 504).
Gives       help_on(topic) -> Reply.
"""

from __future__ import annotations

from typing import Final

from postel.mail import Reply, Status
from postel.proto.smtp.commands import SYNTAX, VERBS, Verb, clause_of

_HELP_STATUS: Final = Status(2, 0, 0)
TOPIC_UNKNOWN: Final = Reply(504, Status(5, 5, 4), "No help on that; HELP alone lists the commands")


def help_on(topic: str) -> Reply:
    """The commands, or the syntax and the clause of one."""
    if not topic:
        return Reply(214, _HELP_STATUS, "Commands:\n" + " ".join(Verb) + "\nHELP command tells more")
    verb = VERBS.get(topic.upper())
    if verb is None:
        return TOPIC_UNKNOWN
    return Reply(214, _HELP_STATUS, f"{SYNTAX[verb]}\nRFC {clause_of(verb)}")
