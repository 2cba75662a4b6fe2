"""Log in to a next hop: by the strongest mechanism, and by another where that one is not to be had.

Implements  RFC 4954 4 and 6 (what each refusal means), RFC 5802 6 (when channel binding is spoken of).
Gives       LoginRefused, log_in.
Not here    The mechanisms (proto.sasl), the commands (proto.smtp).

504 and 534 say that the mechanism will not do, 432 that the server has nothing stored for it: another one is tried. A
server says 535 as well to who has no verifier or secret there yet, since it must not tell; so after a mechanism that
needs one stored, one that needs none is still tried, which shows the password and therefore wants TLS.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import partial
from typing import Final

from postel.delivery.smtp_session import SmtpSession
from postel.mail import Reply
from postel.net import Stream, Workers
from postel.proto import sasl
from postel.proto.smtp import ClientEvent, KeyWanted, LoginDone
from postel.tls import server_end_point

ANOTHER_MECHANISM: Final = frozenset({432, 504, 534})
NONCE_OCTETS: Final = 18


class LoginRefused(Exception):
    """The login came to nothing. `reply` is the server's last word; None where no mechanism could be used."""

    def __init__(self, reply: Reply | None) -> None:
        super().__init__(str(reply))
        self.reply = reply


async def log_in(
    session: SmtpSession,
    host: str,
    credentials: sasl.Credentials,
    workers: Workers | None,
    *,
    only: str = "",
) -> ClientEvent | None:
    """None when we are logged in; an event that ended the session. Raises LoginRefused.

    only        the one mechanism that may be used; "": whichever is the strongest.
    workers     make the keys of SCRAM; None: they are made here, which takes up to seconds.
    """
    refused = [row for row in sasl.MECHANISMS if only and row.name != only]
    last: Reply | None = None
    while (mechanism := _choose(session, credentials, refused)) is not None:
        event = await _exchange(session, mechanism, _for_one(session, host, credentials, mechanism), workers)
        if not isinstance(event, LoginDone):
            return event
        if event.reply.is_positive:
            return None
        last = event.reply
        refused += _out_of_question(mechanism, last)
    raise LoginRefused(last)


def _out_of_question(mechanism: sasl.Mechanism, reply: Reply) -> list[sasl.Mechanism]:
    """What is not tried any more: this one; or all that need something stored; or all."""
    if reply.code in ANOTHER_MECHANISM:
        return [mechanism]
    if reply.code == 535 and mechanism.stored is not sasl.Stored.NOTHING_MORE:
        return [row for row in sasl.MECHANISMS if row.stored is not sasl.Stored.NOTHING_MORE]
    return list(sasl.MECHANISMS)


def _choose(
    session: SmtpSession, credentials: sasl.Credentials, refused: list[sasl.Mechanism]
) -> sasl.Mechanism | None:
    return sasl.choose_mechanism(
        session.offered.mechanisms,
        is_private=is_private(session.stream),
        proofs=credentials.proofs,
        may_bind=_binding(session.stream) is not None,
        refused=refused,
    )


def _for_one(
    session: SmtpSession, host: str, credentials: sasl.Credentials, mechanism: sasl.Mechanism
) -> sasl.Credentials:
    """RFC 5802 6: we say that we would bind only where binding was offered in no mechanism at all."""
    is_offered = any(name.endswith("-PLUS") for name in session.offered.mechanisms)
    return replace(
        credentials,
        nonce=secrets.token_urlsafe(NONCE_OCTETS),
        binding=_binding(session.stream) if mechanism.binds or not is_offered else None,
        host=host,
        port=session.stream.peer.port,
    )


async def _exchange(
    session: SmtpSession, mechanism: sasl.Mechanism, credentials: sasl.Credentials, workers: Workers | None
) -> ClientEvent:
    event = await session.login(sasl.ClientExchange(mechanism, credentials))
    while isinstance(event, KeyWanted):
        asked = event.question
        work = partial(sasl.salted, asked.hash_name, asked.password, asked.salt, asked.iterations)
        event = await session.login_key(await workers.run(work) if workers else work())
    return event


def _binding(stream: Stream) -> bytes | None:
    tls = stream.tls
    return server_end_point(tls.peer_certificate) if tls and tls.peer_certificate else None


def is_private(stream: Stream) -> bool:
    """Whether a password may be shown: RFC 4954 4 wants TLS, unless nothing leaves this machine."""
    ip = stream.peer.ip
    return stream.tls is not None or ip is None or ip.is_loopback
