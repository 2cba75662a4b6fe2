"""The table of mechanisms, strongest first, and the choice a client makes from it.

Gives       MECHANISMS, find_mechanism, choose_mechanism.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from postel.proto.sasl.contract import Mechanism
from postel.proto.sasl.login import login_client, login_server
from postel.proto.sasl.plain import plain_client, plain_server

MECHANISMS: Final[tuple[Mechanism, ...]] = (
    #         name     defined in                      TLS   initial  server        client
    Mechanism("PLAIN", "RFC 4616", True, True, plain_server, plain_client),
    Mechanism("LOGIN", "draft-murchison-sasl-login-00", True, True, login_server, login_client),
)

_BY_NAME: Final = {mechanism.name: mechanism for mechanism in MECHANISMS}


def find_mechanism(name: str) -> Mechanism | None:
    """The mechanism of this name, in any case (RFC 4954 3), or None."""
    return _BY_NAME.get(name.upper())


def choose_mechanism(offered: Collection[str], *, is_private: bool) -> Mechanism | None:
    """The strongest mechanism that the server offers and that may be used.

    `is_private` says that nobody listens: TLS, or a network that the configuration trusts.
    """
    names = {name.upper() for name in offered}
    for mechanism in MECHANISMS:
        if mechanism.name in names and (is_private or not mechanism.needs_tls):
            return mechanism
    return None
