"""What an SMTP session tells the log: one line an event, with the ids that join them.

Gives       SessionLog.
Not here    The event names and their meaning: observe.events. What the peer reads: replies.

A stranger can be refused thousands of times in a session; so many lines would hide what else the log says, or fill
the disk. The first ones are written and the rest are counted.
"""

from __future__ import annotations

from typing import Final

from postel.database import DatabaseTrouble
from postel.hooks import Client, Decision, Phase
from postel.mail import Mailbox, Parameters, Reply
from postel.observe import logger
from postel.proto.smtp import Breach
from postel.queue import NewMessage
from postel.servers.smtpd_transaction import MailTransaction

_WISHES: Final = (
    ("MT-PRIORITY", "priority"),
    ("BY", "deliver_by"),
    ("HOLDFOR", "hold_for"),
    ("HOLDUNTIL", "hold_until"),
)

log = logger("smtpd")

_EXCERPT_OCTETS = 80
REFUSALS_LOGGED = 100  # of one session


class SessionLog:
    """The voice of one session.

    unlogged    refusals and breaches beyond the first REFUSALS_LOGGED, which are only counted.
    """

    __slots__ = ("_logged", "_session", "unlogged")

    def __init__(self, session: str) -> None:
        self._session = session
        self._logged = 0
        self.unlogged = 0

    def _has_room(self) -> bool:
        has_room = self._logged < REFUSALS_LOGGED
        self._logged += has_room
        self.unlogged += not has_room
        return has_room

    def misbehaved(self, client: Client, breach: Breach, reply: Reply | None, excerpt: bytes) -> None:
        """The client broke the protocol."""
        if not self._has_room():
            return
        log.event(
            "client_misbehaved",
            session=self._session,
            client=client.ip,
            breach=breach,
            reply=reply,
            excerpt=excerpt[:_EXCERPT_OCTETS].decode("ascii", "backslashreplace") or None,
        )

    def client_named(self, before: Client, client: Client) -> None:
        """A trusted host has said who the client is."""
        log.event(
            "client_named",
            session=self._session,
            by=before.ip,
            client=client.ip,
            name=client.name,
            port=client.port or None,
            account=client.account,
        )

    def handshake_failed(self, client: Client, because: str) -> None:
        """STARTTLS came to nothing."""
        log.event("tls_failed", session=self._session, client=client.ip, because=because)

    def url_refused(self, client: Client, transaction: MailTransaction | None, because: Exception) -> None:
        """What a client wanted to have submitted could not be fetched. The URL may hold a token: it is not told."""
        if not self._has_room():
            return
        log.event(
            "url_refused",
            session=self._session,
            id=transaction.id_text if transaction else None,
            client=client.ip,
            account=client.account,
            because=because,
        )

    def logged_in(self, client: Client, mechanism: str) -> None:
        """The client is who it says."""
        log.event(
            "login_ok",
            session=self._session,
            account=client.account,
            client=client.ip,
            mechanism=mechanism,
            tls=client.tls,
        )

    def login_failed(self, client: Client, login: str, mechanism: str, reply: Reply, because: str) -> None:
        """The client has not proven who it is."""
        log.event(
            "login_failed",
            session=self._session,
            login=login or None,
            client=client.ip,
            mechanism=mechanism,
            reply=reply,
            because=because or None,
        )

    def refused(
        self,
        phase: Phase,
        client: Client,
        decision: Decision,
        transaction: MailTransaction | None = None,
        recipient: Mailbox | None = None,
    ) -> None:
        """Policy turned something away."""
        if not self._has_room():
            return
        verdict = decision.refusal
        log.event(
            "mail_refused",
            session=self._session,
            id=transaction.id_text if transaction else None,
            phase=phase,
            client=client.ip,
            hello=client.hello or None,
            account=client.account,
            reverse_path=f"<{transaction.reverse_path}>" if transaction else None,
            recipient=recipient,
            reply=verdict.reply if verdict else None,
            because=(verdict.because if verdict else "") or None,
            by=decision.source,
        )

    def recipient_discarded(self, transaction: MailTransaction, recipient: Mailbox, because: str) -> None:
        """A hook dropped one recipient."""
        if not self._has_room():
            return
        log.event(
            "recipient_discarded",
            session=self._session,
            id=transaction.id_text,
            recipient=recipient,
            because=because,
        )

    def discarded(self, client: Client, transaction: MailTransaction) -> None:
        """A hook had the message thrown away."""
        log.event(
            "message_discarded",
            session=self._session,
            id=transaction.id_text,
            client=client.ip,
            reverse_path=f"<{transaction.reverse_path}>",
            because=transaction.discard_as,
        )

    def shown(self, client: Client, transaction: MailTransaction, to: tuple[Mailbox, ...]) -> None:
        """A message for terminals was shown, or not."""
        log.event(
            "message_shown",
            session=self._session,
            id=transaction.id_text,
            client=client.ip,
            account=client.account,
            manner=transaction.manner,
            reverse_path=f"<{transaction.reverse_path}>",
            recipients=len(transaction.mailboxes),
            shown=", ".join(map(str, to)) or None,
        )

    def woken(self, client: Client, node: str, reply: Reply) -> None:
        """ETRN."""
        log.event(
            "queue_asked_for",
            session=self._session,
            client=client.ip,
            account=client.account,
            node=node,
            reply=reply,
        )

    def turned(self, client: Client, lanes: int) -> None:
        """The roles are about to be reversed."""
        log.event(
            "roles_reversed", session=self._session, client=client.ip, account=client.account, lanes=lanes
        )

    def handed_over(self, client: Client, messages: int) -> None:
        """The reversed session has ended."""
        log.event(
            "mail_fetched", session=self._session, client=client.ip, account=client.account, messages=messages
        )

    def aborted(self, transaction: MailTransaction | None, because: str) -> None:
        """The content did not come to its end."""
        queue_id = transaction.id_text if transaction else None
        log.event("content_aborted", session=self._session, id=queue_id, because=because)

    def not_stored(self, transaction: MailTransaction, reply: Reply, trouble: DatabaseTrouble) -> None:
        """The message could not be made durable."""
        log.trouble(
            "message_not_stored",
            session=self._session,
            id=transaction.id_text,
            reply=reply,
            because=trouble.reason,
        )

    def accepted(
        self, client: Client, transaction: MailTransaction, message: NewMessage, *, is_forwarded: bool
    ) -> None:
        """We are responsible for the message. is_forwarded: the client has said where it came from."""
        origin, parameters = message.origin, message.envelope.parameters
        log.event(
            "message_accepted",
            id=transaction.id_text,
            session=self._session,
            client=client.ip,
            account=client.account,
            origin=origin.client_ip if is_forwarded and origin.client_ip != str(client.ip) else None,
            ident=origin.ident,
            protocol=origin.protocol,
            reverse_path=f"<{transaction.reverse_path}>",
            recipients=len(transaction.recipients),
            size=message.content.size_bytes,
            **(_wishes(parameters) if parameters else {}),
        )

    def suspended(self, transaction: MailTransaction, octets: int) -> None:
        """The line broke, and what came is kept."""
        log.event("transaction_suspended", session=self._session, id=transaction.id_text, octets=octets)

    def resumed(self, transaction: MailTransaction, octets: int) -> None:
        """It goes on behind so many octets."""
        log.event("transaction_resumed", session=self._session, id=transaction.id_text, octets=octets)

    def not_kept(self, transaction: MailTransaction) -> None:
        """There is no room for it."""
        log.event("transaction_not_kept", session=self._session, id=transaction.id_text)

    def kept_badly(self, trouble: DatabaseTrouble) -> None:
        """What is kept of a transaction could not be written down."""
        log.trouble("transaction_kept_badly", session=self._session, because=trouble.reason)

    def failed(self, client: Client, fault: Exception) -> None:
        """A mistake of ours ended the session."""
        log.fault("session_failed", fault, session=self._session, client=client.ip)


def _wishes(parameters: Parameters) -> dict[str, str | None]:
    """RFC 6710 4.1 (3): what was wished of time and rank, as far as something was."""
    return {fact: parameters[name] for name, fact in _WISHES if name in parameters}
