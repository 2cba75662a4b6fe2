"""What a status means to somebody who is no mail expert, and what to do about it.

Implements  RFC 3463 3 (the codes), IANA's registry of enhanced status codes, in everyday words.
Gives       advice_for.

The first row that fits wins: an exact status before its subject, a subject before nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from postel.mail import Status
from postel.message.report_facts import Action


class Advice(NamedTuple):
    """What happened, and what the sender can do."""

    meaning: str
    remedy: str


_CHECK_ADDRESS: Final = (
    "check the address for a slip of the keyboard, or ask the person for the right one in another way, "
    "for example by telephone. Then send the message again."
)
_LATER: Final = "send the message again later. If it is urgent, reach the person in another way."
_SMALLER: Final = (
    "send it again with smaller attachments or in several messages, or share the files in another way "
    "and send only a link."
)
_ASK_THEM: Final = (
    "ask the recipient, in another way, to show this message to those who look after their mail. "
    "They can see why it was turned away."
)
_ASK_US: Final = "answer this message, so that those who look after this mail server learn of it."

# (subject, detail); detail None stands for every other detail of the subject.
_ADVICE: Final[dict[tuple[int, int | None], Advice]] = {
    (1, 1): Advice("There is no such mailbox at the other end.", _CHECK_ADDRESS),
    (1, 2): Advice("The part of the address after the @ does not exist.", _CHECK_ADDRESS),
    (1, 3): Advice("The other side says that the address is not written correctly.", _CHECK_ADDRESS),
    (1, 6): Advice("The person has moved, and left no new address.", _CHECK_ADDRESS),
    (1, 10): Advice("Those who run this domain say that it takes no mail at all.", _CHECK_ADDRESS),
    (1, None): Advice("The other side did not accept the address.", _CHECK_ADDRESS),
    (2, 1): Advice("The mailbox exists but is closed at the moment.", _LATER),
    (2, 2): Advice("The recipient's mailbox is full.", _LATER),
    (2, 3): Advice("The message is larger than this mailbox takes.", _SMALLER),
    (2, 4): Advice("The address stands for a list of people, and the list is not set up well.", _ASK_THEM),
    (2, None): Advice("Something is wrong with the recipient's mailbox.", _ASK_THEM),
    (3, 1): Advice("The recipient's mail server has no room left.", _LATER),
    (3, 3): Advice(
        "A mail server on the way cannot do what the message asks for, such as delivery within a time.",
        "send it again without that wish.",
    ),
    (3, 4): Advice("The message is larger than the recipient's mail server takes.", _SMALLER),
    (3, None): Advice("The recipient's mail server has a problem of its own.", _LATER),
    (4, 1): Advice("The recipient's mail server did not answer.", _LATER),
    (4, 2): Advice("The connection to the recipient's mail server broke off.", _LATER),
    (4, 3): Advice("It could not be found out where mail for this domain goes.", _LATER),
    (4, 4): Advice("It is not published where mail for this domain goes.", _CHECK_ADDRESS),
    (4, 6): Advice("The mail goes in a circle: mail servers hand it to each other without an end.", _ASK_US),
    (4, 7): Advice("It could not be delivered in the time that we try.", _LATER),
    (4, None): Advice("The recipient's mail server could not be reached properly.", _LATER),
    (5, 3): Advice("There were too many recipients at once.", "send it to fewer people at a time."),
    (5, None): Advice("The two mail servers did not understand each other.", _ASK_US),
    (6, 7): Advice(
        "The address has letters beyond the English alphabet, and a mail server on the way cannot handle them.",
        "ask the recipient for an address of plain letters and digits.",
    ),
    (6, None): Advice(
        "The recipient's mail server cannot handle the form of the message.",
        "send it again as plain text, or with the attachments packed differently.",
    ),
    (7, 0): Advice("The message was stopped by a rule.", _ASK_US),
    (7, 1): Advice("The recipient's side does not accept this message from you.", _ASK_THEM),
    (7, None): Advice(
        "The recipient's side turned the message away by a rule of its own, against unwanted mail for example.",
        _ASK_THEM,
    ),
}
_UNKNOWN: Final = {
    Action.FAILED: Advice("The other side did not accept the message.", _ASK_THEM),
    Action.DELAYED: Advice("The message could not be handed over so far.", _LATER),
}


def advice_for(status: Status, action: Action) -> Advice:
    """The advice about a recipient whose delivery failed or is delayed."""
    exact = _ADVICE.get((status.subject, status.detail))
    return exact or _ADVICE.get((status.subject, None)) or _UNKNOWN.get(action, _UNKNOWN[Action.FAILED])
