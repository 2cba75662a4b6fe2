"""What the POP3 service is told.

Gives       Pop3ServiceOptions, Pop3Parts.
Not here    Limits of the protocol itself: proto.pop3.Pop3Limits. Limits of connections: servers.admission.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from postel.database import Database
from postel.directory import Directory
from postel.mail import Domain
from postel.net import Clock
from postel.proto.pop3 import Pop3Limits
from postel.routing import IPNetwork
from postel.servers.admission import Admission
from postel.servers.login import OFFERED_MECHANISMS
from postel.store import MaildropLocks, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop3ServiceOptions:
    """One listener's service.

    hostname            our name in the greeting.
    is_tls_implicit     pop3s: a TLS handshake comes before the greeting (RFC 8314 3.3).
    plaintext_login     networks whose clients may log in without TLS. Empty: a password never crosses a wire.
    mechanisms          the SASL mechanisms offered, in any order.
    offers_apop         whether accounts with a shared secret may use APOP.
    login_delay_s       least time between two logins of an account; 0: none (RFC 2449 6.5).
    lock_wait_s         how long a login waits for a maildrop that another session has open: a client that lost
                        its connection and comes back at once finds the old session about to end.
    session_s           how long a session may take in all.
    login_s             the same of its time before the login, whatever the client says meanwhile.
    handshake_s         how long a TLS handshake may take.
    """

    hostname: Domain
    is_tls_implicit: bool = False
    plaintext_login: tuple[IPNetwork, ...] = ()
    mechanisms: tuple[str, ...] = OFFERED_MECHANISMS
    offers_apop: bool = False
    login_delay_s: int = 0
    lock_wait_s: float = 1.0
    session_s: float = 24 * 3600.0
    login_s: float = 600.0
    handshake_s: float = 60.0
    limits: Pop3Limits = field(default_factory=Pop3Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop3Parts:
    """The rooms below that a session works with, joined by the application.

    new_session_id      names each session in the log.
    """

    clock: Clock
    database: Database
    directory: Directory
    store: Store
    locks: MaildropLocks
    admission: Admission
    new_session_id: Callable[[], str]
