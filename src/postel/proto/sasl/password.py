"""The last step of the mechanisms: yes, no or a Denied becomes the verdict.

Asks        CheckPassword.
Gives       check_password, verdict_of.
"""

from __future__ import annotations

from postel.asks import Asks
from postel.proto.sasl.contract import Authenticated, Denied, Verdict
from postel.proto.sasl.questions import CheckPassword


def check_password(authcid: str, password: str, authzid: str) -> Asks[Verdict]:
    """Ask, for mechanisms that show the server a password."""
    answer: bool | Denied = yield CheckPassword(authcid, password, authzid)
    return verdict_of(answer, authcid, authzid, f"no such password for {authcid}")


def verdict_of(answer: bool | Denied, authcid: str, authzid: str, because: str) -> Verdict:
    """Turn yes, no, or a Denied into the verdict; `because` is what a plain no is about."""
    if isinstance(answer, Denied):
        return answer
    return Authenticated(authcid, authzid or authcid) if answer else Denied(because)
