"""Hand mail on to its next hop by SMTP or LMTP: the agent for the lanes `mx:...` and `hop:...`.

Implements  RFC 5321 3.3, 3.6, 4.5.4.1 (one transaction for all recipients of a hop), 5.1 (the next host when one
            is of no use), 6.1; RFC 2033 (LMTP); RFC 3461 5.2.1 (what goes on to a host that offers DSN);
            RFC 8689 4.2 (REQUIRETLS).
Asks        routing for the hosts, through DNS.
Gives       RelayAgent.
Not here    The protocol (proto.smtp), the order of hosts (routing), when to try again (queue).

A destination gets one connection, over which all its due messages go, one transaction each:

    the host is of no use before MAIL was answered     the next host
    the connection breaks amid what can be resumed     the same message on a new connection, where it stopped
    a reply 4yz, 5yz to MAIL, RCPT, DATA or content    delayed, failed: for the recipients it is about
    the connection breaks after MAIL was answered      delayed, and a new connection for the next message
    no host is of use                                  the lane is down
    there cannot be one (no such domain, null MX)      failed
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from postel.contents import Contents
from postel.delivery.fitting import Fit, Fitting
from postel.delivery.forwarding import forward
from postel.delivery.opening import Opening, Target
from postel.delivery.outcomes import after_loss, outcomes_of, wants_another_go
from postel.delivery.relay_options import RelayOptions
from postel.delivery.resuming import PAUSE_S, Resuming
from postel.delivery.smtp_session import SmtpSession
from postel.delivery.timing import Terms, terms_of
from postel.delivery.trouble import ENCRYPTION_NEEDED, LOGIN_NEEDED, HopTrouble, lost
from postel.delivery.tunnel import TUNNEL_OCTETS, tunnelled
from postel.delivery.walk import HopWalk, NobodyThere, Surroundings
from postel.delivery.wishes import Wishes, is_about_tls, outcome_without_tls
from postel.dns import Resolver, answer
from postel.mail import (
    Envelope,
    ForwardPath,
    Host,
    LocalFault,
    Parameters,
    Recipient,
    Reply,
    Status,
    format_original_recipient,
)
from postel.net import Clock, Endpoint, Network, Workers
from postel.observe import logger
from postel.proto import sasl
from postel.proto.smtp import ClientOptions, PartlyAccepted, SessionLost, TransactionDone
from postel.queue import Failed, Job, Jobs, Outcome, QueuedRecipient
from postel.routing import (
    Care,
    DestinationTls,
    HopFacts,
    HopPlan,
    Login,
    NoRoute,
    TlsDemand,
    ToHop,
    ToMx,
    cared_for,
    demand_of_hop,
    hops_of,
    next_hops,
)
from postel.tls import BadCertificate, CertificateFiles, ClientTls

log = logger("delivery")

BREAKS_LIMIT: Final = 3  # connections of a destination that may break in a row before it counts as down
NAMES_UNSIGNED: Final = Reply(
    550, ENCRYPTION_NEEDED, "Encryption needed, and the domain's MX records are not signed"
)
TLS_WANTED: Final = Reply(
    450, Status(4, 7, 10), "The message needs REQUIRETLS, which mail to be fetched cannot have"
)
NO_CERTIFICATE: Final = Reply(451, LOGIN_NEEDED, "There is no certificate to log in with")
NOT_CONFIGURED: Final = Reply(451, Status(4, 3, 5), "The next hop is no longer configured here")

TlsOf: TypeAlias = Callable[[Host], DestinationTls | None]


class RelayAgent:
    """A queue.DeliveryAgent; one serves all lanes.

    target_of       the route that a lane stands for: routing.target_of_lane of the present table.
    tls_of          what the MX hosts of a domain owe us in TLS; None: nothing is said of it.
    workers         make the keys that logins at smarthosts need.
    tls_any         does handshakes that ask not who the peer is; tls_verified those that do.
    """

    def __init__(
        self,
        network: Network,
        resolver: Resolver,
        contents: Contents,
        options: RelayOptions,
        *,
        facts: HopFacts,
        target_of: Callable[[str], ToMx | ToHop | None],
        tls_any: ClientTls,
        tls_verified: ClientTls,
        clock: Clock,
        tls_of: TlsOf = lambda domain: None,
        workers: Workers | None = None,
    ) -> None:
        self._network = network
        self._workers = workers
        self._clock = clock
        self._resolver = resolver
        self._contents = contents
        self._tls_any = tls_any
        self._tls_verified = tls_verified
        self.reload(options, facts=facts, target_of=target_of, tls_of=tls_of)

    def reload(
        self,
        options: RelayOptions,
        *,
        facts: HopFacts,
        target_of: Callable[[str], ToMx | ToHop | None],
        tls_of: TlsOf = lambda domain: None,
    ) -> None:
        """Work by a new configuration from the next connection on."""
        self._options = options
        self._showing: dict[Login, tuple[ClientTls, ClientTls]] = {}
        self._facts = facts
        self._target_of = target_of
        self._tls_of = tls_of

    async def deliver(self, jobs: Jobs) -> None:
        """Relay all that is due in the lane."""
        target = self._target_of(jobs.lane)
        is_told = isinstance(target, ToHop) and target.xforward
        errand = _Errand(
            jobs,
            self._wishes(target),
            self._clock,
            is_told=is_told,
            tunnels_priority=self._options.tunnels_priority,
            fitting=self._fitting(),
            resuming=self._resuming(),
        )
        await errand.begin()
        while errand.job is not None:
            walk = await self._walk(self._target_of(jobs.lane), errand.care)
            if isinstance(walk, NobodyThere):
                await errand.give_up(walk)
            else:
                walk.prefer(errand.resuming.last)
                await errand.run(walk)

    async def deliver_over(self, jobs: Jobs, target: Target, session: SmtpSession) -> bool:
        """Give what is due to a peer that has come for it, on a session that is open. Whether it is still there."""
        options = self._options
        errand = _Errand(
            jobs,
            self._wishes(None),
            self._clock,
            is_told=False,
            tunnels_priority=options.tunnels_priority,
            fitting=self._fitting(),
            resuming=self._resuming(),
        )
        await errand.begin()
        return await errand.run_over(target, session)

    async def connect(self, hop: ToHop) -> tuple[Target, SmtpSession]:
        """A session with a host, ready and logged in, for other things than mail. Raises HopTrouble."""
        found = await self._walk_to(hops_of(hop), self._opening(hop, Care.BY_POLICY), hop.port).next()
        if isinstance(found, NobodyThere):
            raise HopTrouble(found.remote or hop.host, found.reply, found.because)
        return found

    def client_options(self) -> ClientOptions:
        """How we speak where the peer has connected."""
        options = self._options
        return ClientOptions(hostname=options.hostname, timeouts=options.timeouts, limits=options.limits)

    def _resuming(self) -> Resuming:
        return Resuming(self._options.hostname, self._options.resume_from)

    def _fitting(self) -> Fitting:
        options = self._options
        return Fitting(self._contents, options.hostname, may_break_signatures=options.converts_signed)

    def _wishes(self, target: ToMx | ToHop | None) -> Wishes:
        return Wishes(
            self._contents,
            self._demand(target),
            may_be_optional=isinstance(target, ToMx),
            is_local=isinstance(target, ToHop) and target.is_unix,
        )

    def _demand(self, target: ToMx | ToHop | None) -> TlsDemand:
        match target:
            case ToMx(domain):
                row = self._tls_of(domain)
                return row.demand if row else self._options.tls
            case ToHop() as hop:
                return demand_of_hop(hop)
            case None:
                return self._options.tls

    async def _walk(self, target: ToMx | ToHop | None, care: Care) -> HopWalk | NobodyThere:
        match target:
            case None:
                return NobodyThere(NOT_CONFIGURED, "no route leads there any more")
            case ToMx(domain):
                plan = await answer(next_hops(domain, self._facts), self._resolver)
                if isinstance(plan, NoRoute):
                    return NobodyThere(plan.reply, plan.because)
                if care is Care.REQUIRED and not plan.is_authentic:
                    return NobodyThere(
                        NAMES_UNSIGNED, "REQUIRETLS is needed, and the MX records are not signed"
                    )
                return self._walk_to(plan, self._opening(target, care), self._options.port)
            case ToHop() as hop if hop.is_unix:
                return self._walk_to(Target(hop.host, Endpoint(hop.host)), self._opening(hop, care), 0)
            case ToHop() as hop:
                try:
                    opening = self._opening(hop, care)
                except BadCertificate as bad:
                    return NobodyThere(NO_CERTIFICATE, str(bad))
                return self._walk_to(hops_of(hop), opening, hop.port)

    def _walk_to(self, where: HopPlan | Target, opening: Opening, port: int) -> HopWalk:
        around = Surroundings(self._network, self._resolver, self._facts)
        return HopWalk(around, where, opening, port=port, limit=self._options.addresses)

    def _opening(self, target: ToMx | ToHop, care: Care) -> Opening:
        options = self._options
        hop = target if isinstance(target, ToHop) else None
        login = hop.login if hop else None
        tls_any, tls_verified = self._tls_for(login)
        return Opening(
            client=ClientOptions(
                hostname=options.hostname,
                is_lmtp=hop is not None and hop.protocol == "lmtp",
                timeouts=options.timeouts,
                limits=options.limits,
            ),
            tls=cared_for(self._demand(target), care),
            tls_any=tls_any,
            tls_verified=tls_verified,
            domain="" if isinstance(target, ToHop) else target.domain.ascii,
            is_tls_implicit=hop is not None and hop.is_tls_implicit,
            requiretls=care is Care.REQUIRED,
            credentials=sasl.Credentials(login.name, login.password) if login else None,
            mechanism=login.mechanism if login else "",
            has_certificate=bool(login and login.certificate),
            token_file=Path(login.token_file) if login and login.token_file else None,
            sources=options.sources,
            connect_s=options.connect_s,
            handshake_s=options.handshake_s,
            workers=self._workers,
        )

    def _tls_for(self, login: Login | None) -> tuple[ClientTls, ClientTls]:
        """Both sides of TLS, with the certificate that a login shows. Raises BadCertificate."""
        if login is None or not login.certificate:
            return self._tls_any, self._tls_verified
        if login not in self._showing:
            own = CertificateFiles(Path(login.certificate), Path(login.key))
            self._showing[login] = self._tls_any.showing(own), self._tls_verified.showing(own)
        return self._showing[login]


class _Errand:
    """All that is due in a lane, until it is done or the lane is down.

    job     the one in hand; None when nothing is left to do.
    resuming  what is known of transfers that were interrupted.
    care    what it says about TLS: a session is for messages that say the same.
    """

    def __init__(
        self,
        jobs: Jobs,
        wishes: Wishes,
        clock: Clock,
        *,
        is_told: bool,
        tunnels_priority: bool,
        fitting: Fitting,
        resuming: Resuming,
    ) -> None:
        self.job: Job | None = None
        self.resuming = resuming
        self.care = Care.BY_POLICY
        self._jobs = jobs
        self._wishes = wishes
        self._clock = clock
        self._is_told = is_told  # where messages came from
        self._tunnels_priority = tunnels_priority
        self._fitting = fitting
        self._breaks = 0  # in a row
        self._is_interrupted = False  # the message in hand, and it goes on at once

    async def begin(self) -> None:
        """Take the next job in hand."""
        self.job = await self._jobs.next()
        if self.job is not None:
            self.care = await self._wishes.of(self.job)

    async def give_up(self, nobody: NobodyThere, troubles: Sequence[HopTrouble] = ()) -> None:
        """No host: the lane is down; or all its mail fails, if there never will be one.

        Where only REQUIRETLS is wanting, this is about the one message.
        """
        if self.care is Care.REQUIRED:
            return await self._give_up_one(nobody, troubles)
        if nobody.reply.is_transient:
            await self._jobs.lane_down(nobody.reply, nobody.because)
            self.job = None
        while self.job is not None:
            failed: Outcome = Failed(nobody.reply, nobody.remote, nobody.because)
            await self._done(self.job, {recipient.id: failed for recipient in self.job.recipients})
        return None

    async def _give_up_one(self, nobody: NobodyThere, troubles: Sequence[HopTrouble]) -> None:
        """RFC 8689 4.2.1, and 5: a report goes on without REQUIRETLS."""
        job, outcome = self.job, outcome_without_tls(nobody, troubles)
        if job is None:
            raise LocalFault("nothing is in hand that could be given up")
        if job.reverse_path.is_null and is_about_tls(outcome, troubles):
            self._wishes.relax(job)
            self.care = Care.BY_POLICY
        else:
            await self._done(job, {recipient.id: outcome for recipient in job.recipients})

    async def run(self, walk: HopWalk) -> None:
        """Give the hosts of a walk everything. Ends with work left where a new walk promises more."""
        while self.job is not None:
            found = await walk.next()
            if isinstance(found, NobodyThere):
                return await self.give_up(found, walk.troubles)
            target, session = found
            gone = await self._serve(target, session)
            if self._is_interrupted:
                # RFC 1845 3: wait, ask DNS again, and try the same host first.
                self._is_interrupted, self.resuming.last = False, target.endpoint
                log.event(
                    "transfer_interrupted", id=self.job.queue_id if self.job else None, remote=target.remote
                )
                await asyncio.sleep(PAUSE_S)
                return None
            if gone is not None and not self._is_worth_calling_again(session, gone):
                walk.note(target, lost(target.remote, gone.because))
            else:
                return None
        return None

    async def run_over(self, target: Target, session: SmtpSession) -> bool:
        """Give everything to the one session there is; whether it is still there at the end."""
        gone = None
        while self.job is not None and gone is None:
            if self.care is Care.REQUIRED:  # we have not chosen this connection, and cannot make it safe
                await self._give_up_one(NobodyThere(TLS_WANTED, "REQUIRETLS is needed", target.remote), ())
            else:
                gone = await self._relay(self.job, target.remote, session)
        if gone is None:
            return True
        if self.job is not None:
            trouble = lost(target.remote, gone.because)
            await self.give_up(NobodyThere(trouble.reply, trouble.because, target.remote))
        return False

    def _is_worth_calling_again(self, session: SmtpSession, gone: SessionLost) -> bool:
        """A host that took something before it went away; or one that broke off, but may like the next better."""
        if session.transactions:
            self._breaks = 0
            return True
        self._breaks += gone.is_begun
        return gone.is_begun and self._breaks < BREAKS_LIMIT

    async def _serve(self, target: Target, session: SmtpSession) -> SessionLost | None:
        """Give the session messages until there are none for it, or it is gone; then say how."""
        gone, care = None, self.care
        try:
            while self.job is not None and gone is None and self.care is care and not session.is_spent:
                gone = await self._relay(self.job, target.remote, session)
            await session.quit()
        except BaseException:
            session.abort()
            raise
        return gone

    async def _relay(self, job: Job, remote: str, session: SmtpSession) -> SessionLost | None:
        """One message. A session that is gone before it began leaves the message in hand."""
        outcomes: dict[int, Outcome] = {}
        recipients = job.recipients
        terms = self._terms(job, session)
        fit = terms.refusal or await self._fitting.fit(job, session.offered, remote)
        if not isinstance(fit, Fit):
            await self._done(job, dict.fromkeys((each.id for each in recipients), fit))
            return None
        while recipients:
            recipients, rest = session.hop_limits.first(recipients, session.offered)
            event = await self._transact(job, recipients, session, fit)
            is_reporting = "DSN" in session.offered
            if isinstance(event, PartlyAccepted):
                refused, recipients = self._part(recipients, event, remote)
                outcomes |= refused
                recipients += rest
                continue
            if isinstance(event, SessionLost):
                if event.is_kept and not any(event.recipient_replies):
                    self._is_interrupted = self.resuming.may_go_on(session.offset, outcomes)
                    if self._is_interrupted:
                        return event
                if event.is_begun or outcomes:
                    event = replace(
                        event, recipient_replies=(*event.recipient_replies, *(None for _ in rest))
                    )
                    late = after_loss(
                        recipients + rest, event, remote, is_reporting=is_reporting, is_traced=terms.is_traced
                    )
                    await self._done(job, outcomes | late)
                return event
            now = outcomes_of(
                recipients,
                event.recipient_replies,
                remote,
                is_reporting=is_reporting,
                is_traced=terms.is_traced,
            )
            outcomes |= now
            again = wants_another_go(recipients, now)
            if again:
                session.hop_limits.learned = len(recipients) - len(again)
            recipients = again + rest
        await self._done(job, outcomes)
        return None

    @staticmethod
    def _part(
        recipients: tuple[QueuedRecipient, ...], event: PartlyAccepted, remote: str
    ) -> tuple[dict[int, Outcome], tuple[QueuedRecipient, ...]]:
        """The outcomes of those who were refused, and the others."""
        pairs = list(zip(recipients, event.recipient_replies, strict=True))
        refused = [(recipient, reply) for recipient, reply in pairs if reply is not None]
        outcomes = outcomes_of([one for one, _ in refused], [reply for _, reply in refused], remote)
        return outcomes, tuple(recipient for recipient, reply in pairs if reply is None)

    async def _transact(
        self, job: Job, recipients: tuple[QueuedRecipient, ...], session: SmtpSession, fit: Fit
    ) -> TransactionDone | PartlyAccepted | SessionLost:
        terms = self._terms(job, session)  # the time that is left is told as it is now (RFC 2852 4.1.4)
        parameters = dict(fit.parameters(terms.parameters))
        if self.care is not Care.REQUIRED:
            parameters.pop("REQUIRETLS", None)  # RFC 8689 2: only to a host whose certificate was verified
        to = tuple(
            Recipient(ForwardPath.of(each.mailbox), terms.notify(parameters_of(each))) for each in recipients
        )
        envelope = Envelope(job.reverse_path, to, parameters)
        if self._is_told and (gone := await forward(session, job)) is not None:
            return replace(gone, recipient_replies=(None,) * len(recipients))
        size_bytes, content = fit.size_bytes(job.size_bytes), self._fitting.content(job, fit)
        if self._tunnels_priority and job.priority and "MT-PRIORITY" not in session.offered:
            size_bytes = None if size_bytes is None else size_bytes + TUNNEL_OCTETS
            content = tunnelled(content, job.priority)
        elif fit.conversion is None and (transid := self.resuming.name(job, envelope, session.offered)):
            envelope = replace(envelope, parameters={**envelope.parameters, "TRANSID": transid})
        event = await session.transact(envelope, size_bytes, content)
        if not isinstance(event, TransactionDone | PartlyAccepted | SessionLost):
            raise LocalFault(f"{event} at the end of a transaction")
        return event

    def _terms(self, job: Job, session: SmtpSession) -> Terms:
        return terms_of(job, session.offered, self._clock.now(), is_final=session.is_lmtp)

    async def _done(self, job: Job, outcomes: dict[int, Outcome]) -> None:
        await self._jobs.done(job, outcomes)
        self.resuming.forget()
        await self.begin()


def parameters_of(recipient: QueuedRecipient) -> Parameters:
    """The parameters of RCPT: as they came, and for a member of an alias by whom it is meant.

    RFC 3461 5.2.1 (d) lets us add ORCPT: so that a report from further on names an address that the sender knows.
    """
    if "ORCPT" in recipient.parameters or recipient.original == recipient.mailbox:
        return recipient.parameters
    return {**recipient.parameters, "ORCPT": format_original_recipient(recipient.original)}
