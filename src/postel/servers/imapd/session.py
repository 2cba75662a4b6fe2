"""One IMAP session: act on what the machine sees, and answer it.

Implements  RFC 9051 3 (states), 5.2 (updates come with every command), 6.1, RFC 8314 4.1 (no password in plaintext).
Gives       ImapSession, Handler.
Not here    The order and syntax of commands: proto.imap. What each group of commands does: the other files here.

Every command ends the same way: what others did to the selected mailbox is told, then the tagged result is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from postel.directory import Account
from postel.net import ConnectionLost, Stream, TimedOut
from postel.observe import logger
from postel.proto.imap import (
    BYE,
    NO,
    AuthCancelled,
    AuthResponse,
    Connected,
    IdleDone,
    ImapOptions,
    ImapServer,
    Misbehaved,
    Received,
    Result,
    codes,
)
from postel.servers.admission import is_within
from postel.servers.drive import Drive, Ended
from postel.servers.imapd.capabilities import CAPABILITIES
from postel.servers.imapd.contexts import Contexts
from postel.servers.imapd.faults import TROUBLES, Denied, as_result, trouble_result
from postel.servers.imapd.login import Logins
from postel.servers.imapd.message_limit import capabilities_within
from postel.servers.imapd.names import Names
from postel.servers.imapd.notify import Watcher
from postel.servers.imapd.options import ImapParts, ImapServiceOptions
from postel.servers.imapd.selected import Selected
from postel.servers.imapd.upload import Uploads
from postel.servers.login import offered_mechanisms, verified_certificate
from postel.tls import HandshakeFailed, ServerTls, start_server

log = logger("imapd")

_NO_ACCOUNT: Final = BYE.saying("The account is gone", codes.NONEXISTENT)
_BROKEN: Final = NO.saying("Something went wrong on our side", codes.SERVERBUG)


Handler: TypeAlias = Callable[["ImapSession", Any], Awaitable[None]]


class ImapSession:
    """Runs one session on one stream, TLS already on it where that comes first.

    handlers    who acts on which command; what is not there the machine does alone.
    talk        the machine.
    account     who is logged in.
    selected    the mailbox that is selected.
    tag         of the command in hand.
    """

    def __init__(
        self,
        stream: Stream,
        options: ImapServiceOptions,
        parts: ImapParts,
        tls: ServerTls | None,
        handlers: Mapping[type, Handler],
    ) -> None:
        self.id = parts.new_session_id()
        self.stream = stream
        self.options: ImapServiceOptions = options
        self.parts = parts
        self.account: Account | None = None
        self.selected: Selected | None = None
        self.tag = b""
        self._names: Names | None = None
        self._tls = tls
        self._handlers = handlers
        self.talk = ImapServer(self.machine_options())
        self.drive = Drive(self.talk, stream, options.session_s, self._tell_news)
        self.logins = Logins(self)
        self.uploads = Uploads(self)
        self.contexts = Contexts(self)
        self.watcher: Watcher | None = None
        self._commands = 0
        self._accounts_seen = -1  # Directory.changes when the account was last known to be there

    async def run(self) -> Ended:
        """The session, to its end. Raises CancelledError; faults of our own are logged, and close it."""
        try:
            return await self.drive.run(self)
        except Exception as fault:
            log.fault("session_failed", fault, session=self.id, client=self.stream.peer.ip)
            return Ended.OVER
        finally:
            self.leave()
            await self.uploads.discard()

    def stop(self) -> None:
        """End at the next place between two commands."""
        self.drive.stop(self)

    def counts(self) -> dict[str, object]:
        """What the session came to, for the log."""
        if self.account is None:
            return {}
        return {"account": str(self.account.mailbox), "commands": self._commands}

    # What the loop asks

    async def handle(self, event: Any) -> None:
        """Act on one event."""
        match event:
            case Received():
                await self._command(event)
            case Connected():
                self.talk.answer()
            case AuthResponse():
                await self.logins.respond(event)
            case AuthCancelled():
                self.logins.cancel()
            case IdleDone():
                await self.finish(None)
            case Misbehaved(fault):
                log.detail(
                    "client_misbehaved", session=self.id, client=self.stream.peer.ip, breach=str(fault)
                )
            case _:
                await self._guarded(self.uploads.take(event))

    @property
    def is_between_commands(self) -> bool:
        """Whether ending now would interrupt nothing; a client that idles waits for nothing but news."""
        return self.talk.is_between_commands or self.talk.is_idling

    @property
    def patience_s(self) -> float:
        """Beside the machine's own timer, how long a stranger may stay (RFC 9051 5.4), and an upload take in all."""
        return self.uploads.left_s if self.talk.is_logged_in else self.drive.left_s(self.options.login_s)

    def part(self, why: Ended) -> None:
        """RFC 9051 7.1.5: BYE says why."""
        if why is Ended.TIMED_OUT:
            self.talk.timed_out()
        else:
            self.talk.shut_down()

    # What handlers use

    @property
    def account_id(self) -> int:
        """Of the account that is logged in."""
        assert self.account is not None, "proto.imap lets nobody in who is not"
        return self.account.id

    @property
    def names(self) -> Names:
        """The mailboxes as the account sees them."""
        assert self._names is not None, "proto.imap lets nobody in who is not"
        return self._names

    def enter(self, account: Account) -> None:
        """Somebody has logged in."""
        self.account = account
        self._accounts_seen = -1
        self._names = Names(self.parts.store, self.parts.directory, account)

    def leave(self) -> None:
        """Nobody is logged in any more; who comes next has the time of a stranger anew."""
        self.drive.begin_anew()
        self.deselect()
        if self.watcher is not None:
            self.watcher.close()
            self.watcher = None

    @property
    def is_utf8(self) -> bool:
        """Whether names and texts are told in UTF-8 (RFC 6855 3, RFC 9051 5.1)."""
        return self.talk.reading.is_utf8

    @property
    def box(self) -> Selected:
        """The mailbox that is selected."""
        assert self.selected is not None, "proto.imap knows which commands need one"
        return self.selected

    async def send(self, data: bytes) -> None:
        """Put untagged responses out, and wait for the client to take them where there are many."""
        self.talk.send(data)
        if self.talk.is_full:
            await self.drive.flush()

    async def enable_condstore(self) -> None:
        """RFC 7162 3.1: the first command that needs mod-sequences hears where the selected mailbox stands."""
        if "CONDSTORE" in self.talk.enabled:
            return
        self.talk.enable("CONDSTORE")
        if self.selected is not None:
            await self.send(self.selected.standing())

    async def finish(self, result: Result | None, *, may_expunge: bool = True) -> None:
        """Tell what is new in the selected mailbox, then the command's result."""
        code = None if result is None else result.code
        names_modseq = code is None or code.name != codes.HIGHEST_MODSEQ
        await self._catch_up(may_expunge=may_expunge, names_modseq=names_modseq)
        self.talk.answer(result)

    def select(self, selected: Selected) -> None:
        """From now on this mailbox."""
        self.selected = selected
        selected.watch(self.drive.wake)

    def deselect(self) -> None:
        """None is selected any more."""
        if self.selected is not None:
            self.contexts.clear()
            if self.watcher is not None:
                self.watcher.deselected(self.selected.id, self.selected.view)
            self.selected.close()
            self.selected = None

    def machine_options(self) -> ImapOptions:
        """What the connection as it is now may do."""
        options, stream = self.options, self.stream
        # RFC 8314 4.1: a password in plaintext only where the configuration trusts the network.
        is_tls = stream.tls is not None
        is_private = is_tls or is_within(stream.peer.ip, options.plaintext_login)
        return ImapOptions(
            hostname=options.hostname.ascii,
            capabilities=capabilities_within(options.limits, CAPABILITIES),
            offers_starttls=self._tls is not None and not is_tls,
            offers_plaintext=is_private,
            mechanisms=offered_mechanisms(
                options.mechanisms,
                is_private=is_private,
                is_tls=is_tls,
                has_certificate=verified_certificate(stream) is not None,
            ),
            limits=options.limits,
        )

    async def start_tls(self) -> None:
        """RFC 9051 6.2.1. The client has been told OK when this is called."""
        if self._tls is None:
            raise ConnectionLost("no certificate")
        await self.drive.flush()
        try:
            self.stream = await start_server(self.stream, self._tls, timeout_s=self.options.handshake_s)
        except HandshakeFailed as failed:
            log.event("tls_failed", session=self.id, client=self.stream.peer.ip, because=failed.reason)
            raise ConnectionLost("no TLS handshake") from None
        self.drive.stream = self.stream
        self.talk.tls_started(self.machine_options())

    # Inside

    async def _command(self, event: Received) -> None:
        self._commands += 1
        self.tag = event.tag
        handler = self._handlers.get(type(event.command))
        if handler is None:
            await self.finish(None)
        else:
            await self._guarded(self._act(handler, event.command))
        if self.talk.is_full:  # one who never reads is answered no further
            await self.drive.flush()

    async def _act(self, handler: Handler, command: Any) -> None:
        if not await self._is_account_there():
            self.talk.shut_down(_NO_ACCOUNT)
        elif self.selected is None or await self.selected.may_go_on():
            await handler(self, command)

    async def _is_account_there(self) -> bool:
        """Whether whoever has logged in still may: an account that was removed gets nothing new to its name."""
        directory, account = self.parts.directory, self.account
        if account is None or directory.changes == self._accounts_seen:
            return True
        changes, now = directory.changes, await directory.find(account.mailbox.folded)
        if now is None or now.id != account.id:
            return False
        self._accounts_seen = changes
        return True

    async def _guarded(self, doing: Any) -> None:
        """Whatever goes wrong in a command is that command's result, and no other's; nothing half done is left."""
        try:
            await doing
        except (ConnectionLost, TimedOut):
            raise
        except Exception as fault:
            await self.uploads.discard()
            if isinstance(fault, Denied):
                await self.finish(fault.result)
            else:
                self.talk.answer(self._result_of(fault))

    def _result_of(self, fault: Exception) -> Result:
        if isinstance(fault, TROUBLES):
            log.trouble("imap_trouble", session=self.id, because=str(fault) or type(fault).__name__)
            return trouble_result(fault)
        result = as_result(fault)
        if result is None:
            log.fault("session_failed", fault, session=self.id, client=self.stream.peer.ip)
            return _BROKEN
        return result

    async def _catch_up(self, *, may_expunge: bool, names_modseq: bool = True) -> None:
        """What is new. When it cannot be looked up now, it is told later; the command itself has been done."""
        try:
            await self._tell_changes(may_expunge=may_expunge, names_modseq=names_modseq)
        except TROUBLES as trouble:
            log.trouble("imap_trouble", session=self.id, because=str(trouble) or type(trouble).__name__)

    async def _tell_changes(self, *, may_expunge: bool, names_modseq: bool) -> None:
        if self.selected is not None:
            await self.selected.catch_up(may_expunge=may_expunge, names_modseq=names_modseq)
            await self.contexts.update()
        if self.watcher is not None:
            await self.watcher.tell()

    async def _tell_news(self) -> None:
        """Something happened while the client is silent: it hears of it now if it has said IDLE, or NOTIFY."""
        if self.talk.is_idling:
            await self._catch_up(may_expunge=True)
        elif self.watcher is not None and self.talk.is_between_commands:
            if self.selected is not None and self.watcher.is_immediate:
                await self._catch_up(may_expunge=True)
            else:
                await self.watcher.tell()
