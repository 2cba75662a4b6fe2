"""Keep secrets out of what is shown and recorded.

Gives       Secrets, hidden_line, SHOWN.
"""

from __future__ import annotations

import base64
import re
from typing import Final

SHOWN: Final = "***"
# What a record has in place of a SASL response: `\0hidden\0hidden`, which every server can read.
_RECORDED: Final = base64.b64encode(b"\0hidden\0hidden").decode()
_AUTH: Final = re.compile(r"(AUTH\s+\S+\s+)(?!=\s*$)\S.*", re.IGNORECASE | re.DOTALL)
_URLAUTH: Final = re.compile(r"(;URLAUTH=)\S+", re.IGNORECASE)
_SHORTEST: Final = 4  # octets; shorter texts stand in too much that is no secret


def hidden_line(line: str, *, is_response: bool) -> tuple[str, str]:
    """A line of ours as it may be shown, and as it may be recorded.

    is_response     whether it is an answer to a challenge (RFC 4954 4), where all of it may be secret.
    """
    if is_response and line.strip() not in ("*", ""):
        return SHOWN, _RECORDED
    return (
        _URLAUTH.sub(rf"\1{SHOWN}", _AUTH.sub(rf"\1{SHOWN}", line)),
        _URLAUTH.sub(r"\1hidden", _AUTH.sub(rf"\1{_RECORDED}", line)),
    )


class Secrets:
    """What must not be shown, wherever it turns up: a server may repeat what it was told."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def add(self, secret: bytes) -> None:
        """Hide this from now on, in plain and in base64."""
        for form in (secret, base64.b64encode(secret)):
            if len(form) >= _SHORTEST:
                self._known.add(form)

    def hide(self, data: bytes) -> bytes:
        """The octets without secrets."""
        for secret in sorted(self._known, key=len, reverse=True):
            data = data.replace(secret, SHOWN.encode())
        return data
