"""The states of a session.

Implements  RFC 9051 3.
Gives       State, BEFORE, INSIDE, SELECTED, ANY.
"""

from __future__ import annotations

import enum
from typing import Final


class State(enum.Enum):
    """RFC 9051 3: where the session stands."""

    CONNECTED = "connected"  # the greeting is not said yet
    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


BEFORE: Final = frozenset({State.NOT_AUTHENTICATED})
INSIDE: Final = frozenset({State.AUTHENTICATED, State.SELECTED})
SELECTED: Final = frozenset({State.SELECTED})
ANY: Final = BEFORE | INSIDE
