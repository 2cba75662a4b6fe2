"""The last step of every mechanism that shows the server a password.

Asks        CheckPassword.
Gives       check_password.
"""

from __future__ import annotations

from postel.asks import Asks
from postel.proto.sasl.contract import Authenticated, CheckPassword, Denied, Verdict


def check_password(authcid: str, password: str, authzid: str) -> Asks[Verdict]:
    """Ask, and turn yes, no, or a Denied into the verdict."""
    answer: bool | Denied = yield CheckPassword(authcid, password, authzid)
    if isinstance(answer, Denied):
        return answer
    if not answer:
        return Denied(f"no such password for {authcid}")
    return Authenticated(authcid, authzid or authcid)
