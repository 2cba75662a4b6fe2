"""What routing asks of the directory.

Gives       AccountQuestion, FirstAccountQuestion.
Not here    The answers: directory, joined in app.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountQuestion:
    """Is there an account of this address? The answer is a bool.

    address     `mail.Mailbox.folded`, exactly: details after a separator are routing's affair.
    """

    address: str


@dataclass(frozen=True, slots=True)
class FirstAccountQuestion:
    """Whose is mail that must reach somebody? The answer is a folded address, or None without any account.

    domain      the account made first at this domain (A-label form); if it has none, the first of all.
    """

    domain: str
