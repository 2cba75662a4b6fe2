"""What the IMAP service is told.

Gives       ImapServiceOptions, ImapParts.
Not here    Limits of the protocol itself: proto.imap.ImapLimits. Limits of connections: servers.admission.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from postel.contents import Contents
from postel.database import Database
from postel.directory import Directory
from postel.fulltext import FullText
from postel.mail import Domain
from postel.net import Clock, Workers
from postel.proto.imap import ImapLimits
from postel.routing import IPNetwork
from postel.servers.admission import Admission
from postel.servers.imapd.kept_answers import KeptAnswers
from postel.servers.login import OFFERED_MECHANISMS
from postel.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapServiceOptions:
    """One listener's service.

    hostname            our name in the greeting.
    is_tls_implicit     imaps: a TLS handshake comes before the greeting (RFC 8314 3.2).
    plaintext_login     networks whose clients may log in without TLS. Empty: a password never crosses a wire.
    mechanisms          the SASL mechanisms offered, in any order.
    session_s           how long a session may take in all: clients stay for days.
    login_s             the same of its time before the login, whatever the client says meanwhile.
    handshake_s         how long a TLS handshake may take.
    """

    hostname: Domain
    is_tls_implicit: bool = False
    plaintext_login: tuple[IPNetwork, ...] = ()
    mechanisms: tuple[str, ...] = OFFERED_MECHANISMS
    session_s: float = 30 * 24 * 3600.0
    login_s: float = 600.0
    handshake_s: float = 60.0
    limits: ImapLimits = field(default_factory=ImapLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapParts:
    """The rooms below that a session works with, joined by the application.

    new_session_id      names each session in the log.
    kept_answers        what was worked out of mailboxes, for all sessions.
    """

    clock: Clock
    workers: Workers
    database: Database
    contents: Contents
    directory: Directory
    store: Store
    fulltext: FullText
    admission: Admission
    new_session_id: Callable[[], str]
    kept_answers: KeptAnswers = field(default_factory=KeptAnswers)
