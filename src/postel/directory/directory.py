"""Who has an account here, and who can prove it.

Gives       Directory, DirectoryOptions.
Not here    Which addresses lead to an account: routing. What an account may do: servers, by their options.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

from postel.database import Action, Database, DatabaseTrouble, Transaction
from postel.directory.account import (
    Account,
    Credentials,
    all_accounts,
    find_account,
    find_credentials,
    first_account,
    fold,
    get_account,
    insert_account,
    quota_in,
)
from postel.directory.answers import Answers
from postel.directory.passwords import PasswordHasher, PasswordOptions, prepare_password
from postel.directory.throttle import Memories, Throttle, Throttled, ThrottleOptions
from postel.directory.token_claims import BadToken, TokenOptions
from postel.directory.tokens import Tokens, open_tokens
from postel.directory.verifiers import ScramOptions, Verifiers, store_verifiers
from postel.mail import BadSyntax, IPAddress, Mailbox, parse_mailbox
from postel.net import Clock, Workers
from postel.proto.sasl import Verifier

CHANNEL: Final = "accounts"  # announced when accounts change
LOGIN_LIMIT: Final = 512  # characters of a login name that are looked at

Verdict: TypeAlias = Account | Throttled | None
Also: TypeAlias = Callable[[Transaction, Account], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryOptions:
    """Limits and costs.

    login_domain      the domain of a login name without one; None: such a name is nobody's.
    remember_for_s    how long an answer about a password is remembered.
    """

    passwords: PasswordOptions = field(default_factory=PasswordOptions)
    throttle: ThrottleOptions = field(default_factory=ThrottleOptions)
    scram: ScramOptions = field(default_factory=ScramOptions)
    login_domain: str | None = None
    remember_for_s: float = 600.0
    answers_kept: int = 10_000
    accounts_kept: int = 10_000


class Directory:
    """The accounts of one database.

    `verify` is for all protocols: what is guessed over one counts for the others.
    """

    def __init__(
        self,
        database: Database,
        workers: Workers,
        clock: Clock,
        options: DirectoryOptions | None = None,
        memories: Memories | None = None,
    ) -> None:
        self._options = options or DirectoryOptions()
        self._database = database
        self._workers = workers
        self._clock = clock
        self._hasher = PasswordHasher(self._options.passwords)
        self._hashing = asyncio.Semaphore(self._options.passwords.at_once)
        self._throttle = Throttle(clock, self._options.throttle, memories)
        self._verifiers = Verifiers(database, workers, self._options.scram)
        self._answers = Answers(clock, self._options.remember_for_s, self._options.answers_kept)
        self._found: OrderedDict[str, Account | None] = OrderedDict()
        self._quotas: OrderedDict[int, tuple[int | None, int | None]] = OrderedDict()
        self._first: dict[str, Account | None] = {}
        self._verified: set[int] = set()  # accounts that were looked at for their verifiers
        self._tokens: Tokens | None = None
        self.changes = (
            0  # of accounts, as far as they were heard of: who holds one looks again when this has moved on
        )
        self._unwatch: Action = database.hear(CHANNEL, self._forget_found)

    def throttle_by(self, options: ThrottleOptions) -> None:
        """Be as patient as this with those who guess, from now on."""
        self._throttle.configure(options)

    def believe_tokens(self, options: TokenOptions | None) -> None:
        """Believe these tokens from now on; None: none at all. Raises ImportError (`open_tokens`)."""
        self._tokens = open_tokens(options, self._workers, self._clock) if options is not None else None

    # Accounts.

    async def add(
        self, mailbox: Mailbox, password: str, *, quota_bytes: int | None = None, also: Also | None = None
    ) -> Account:
        """Make an account; `also` runs in the same transaction (its INBOX is made there).

        Raises AccountExists, BadSyntax for the password.
        """
        password_hash = await self._hash(password)
        verifiers = await self._verifiers.make(fold(mailbox.folded), password)

        async def work(tx: Transaction) -> Account:
            account = await insert_account(tx, mailbox, password_hash, quota_bytes, self._clock.now())
            await store_verifiers(tx, account.id, verifiers)
            if also is not None:
                await also(tx, account)
            tx.announce(CHANNEL)
            return account

        return await self._database.write(work)

    async def remove(self, mailbox: Mailbox, *, also: Also | None = None) -> None:
        """Take an account away; `also` runs before, in the same transaction. Raises NoAccount."""

        async def work(tx: Transaction) -> None:
            account = await get_account(tx, mailbox)
            if also is not None:
                await also(tx, account)
            await store_verifiers(tx, account.id, {})
            await tx.execute("DELETE FROM account WHERE id = ?", (account.id,))
            self._changes(tx, mailbox)

        await self._database.write(work)

    async def list(self) -> tuple[Account, ...]:
        """Every account, by address."""
        return await self._database.read(all_accounts)

    async def find(self, folded: str) -> Account | None:
        """The account of a folded address (`Mailbox.folded`). Remembered, so that it costs nothing."""
        key = fold(folded)
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]
        account = await self._database.read(partial(find_account, folded=key))
        self._found[key] = account
        if len(self._found) > self._options.accounts_kept:
            self._found.popitem(last=False)
        return account

    async def first(self, domain: str) -> Account | None:
        """The account made first at a domain (in A-label form), or else at all. Remembered: strangers ask for it,
        whenever they write to a postmaster.
        """
        if domain not in self._first:
            if len(self._first) >= self._options.accounts_kept:
                self._first.clear()
            self._first[domain] = await self._database.read(partial(first_account, domain=domain))
        return self._first[domain]

    def _forget_found(self) -> None:
        self.changes += 1
        self._found.clear()
        self._quotas.clear()
        self._first.clear()

    async def set_password(self, mailbox: Mailbox, password: str) -> None:
        """Change a password, at once and everywhere. Raises NoAccount, BadSyntax."""
        password_hash = await self._hash(password)
        verifiers = await self._verifiers.make(fold(mailbox.folded), password)

        async def work(tx: Transaction) -> None:
            account = await get_account(tx, mailbox)
            await tx.execute("UPDATE account SET password_hash = ? WHERE id = ?", (password_hash, account.id))
            await store_verifiers(tx, account.id, verifiers)
            self._changes(tx, mailbox)

        await self._database.write(work)

    async def set_quota(self, mailbox: Mailbox, quota_bytes: int | None) -> None:
        """Change how much may be stored; None for no limit. Raises NoAccount."""
        await self._set(mailbox, "quota_bytes", quota_bytes)

    async def set_message_quota(self, mailbox: Mailbox, quota_messages: int | None) -> None:
        """Change how many messages may be stored; None for no limit. Raises NoAccount."""
        await self._set(mailbox, "quota_messages", quota_messages)

    async def quota_in(self, tx: Transaction, account_id: int) -> tuple[int | None, int | None]:
        """How many octets and messages an account may store; None for no limit. In the caller's transaction.

        Each delivery asks, so it is kept in mind until an account changes.
        """
        quota = self._quotas.get(account_id)
        if quota is None:
            quota = self._quotas[account_id] = await quota_in(tx, account_id)
            if len(self._quotas) > self._options.accounts_kept:
                self._quotas.popitem(last=False)
        return quota

    async def set_shared_secret(self, mailbox: Mailbox, secret: str | None) -> None:
        """Store a secret that can be read back, which APOP needs; None takes it away. Raises NoAccount."""
        await self._set(mailbox, "shared_secret", secret)

    async def shared_secret(self, account: Account) -> str | None:
        """The secret of an account that has one."""
        credentials = await self._credentials(account.mailbox.folded)
        return None if credentials is None else credentials.shared_secret

    def close(self) -> None:
        """Watch the database no more."""
        self._unwatch()

    # Proof.

    async def verify(self, login: str, password: str, peer_ip: IPAddress | None) -> Verdict:
        """The account, if this is its password; None if not; Throttled if no try is taken now.

        A peer that must wait is told so whatever the password, even the right one. An unknown account
        takes as long as a known one. Raises DatabaseTrouble.
        """
        folded = self._folded(login)
        try:
            octets = prepare_password(password)
        except BadSyntax:
            return await self._refuse(folded, peer_ip)
        return self._throttle.check(folded, peer_ip) or await self._verify(folded, octets, peer_ip)

    async def verify_secret(
        self, login: str, proves: Callable[[str], bool], peer_ip: IPAddress | None
    ) -> Verdict:
        """As `verify`, for mechanisms that prove the shared secret: `proves(secret)` says whether."""
        folded = self._folded(login)
        if throttled := self._throttle.check(folded, peer_ip):
            return throttled
        credentials = await self._credentials(folded)
        secret = None if credentials is None else credentials.shared_secret
        # Asked of a random one too, so that it takes its time.
        is_proven = proves(secret or secrets.token_hex())
        if credentials is None or secret is None or not is_proven:
            return await self._refuse(folded, peer_ip)
        return self._welcome(credentials, peer_ip)

    async def find_verifier(
        self, login: str, hash_name: str, peer_ip: IPAddress | None
    ) -> Verifier | Throttled:
        """What SCRAM goes by; for a login without an account, or without a verifier, a made-up one.

        Raises DatabaseTrouble.
        """
        folded = self._folded(login)
        if throttled := self._throttle.check(folded, peer_ip):
            return throttled
        credentials = await self._credentials(folded)
        account_id = None if credentials is None else credentials.account.id
        return await self._verifiers.find(account_id, folded or login, hash_name)

    async def settle(self, login: str, is_right: bool, peer_ip: IPAddress | None) -> Verdict:
        """As `verify`, where the proof was judged outside. Raises DatabaseTrouble."""
        folded = self._folded(login)
        if throttled := self._throttle.check(folded, peer_ip):
            return throttled
        credentials = await self._credentials(folded)
        if credentials is None or not is_right:
            return await self._refuse(folded, peer_ip)
        return self._welcome(credentials, peer_ip)

    async def verify_token(self, token: str, peer_ip: IPAddress | None) -> tuple[str, Verdict]:
        """The login name that an OAuth 2.0 token stands for, and what `verify` gives. Who must wait has no name yet.

        Raises BadToken, which counts as a failure of the peer, TokenTrouble, DatabaseTrouble.
        """
        if throttled := self._throttle.check(None, peer_ip):
            return "", throttled
        try:
            if self._tokens is None:
                raise BadToken("no tokens are believed")
            login = await self._tokens.login(token)
        except BadToken:
            await self._refuse(None, peer_ip)
            raise
        return login, await self.settle(login, True, peer_ip)

    async def _verify(self, folded: str | None, password: bytes, ip: IPAddress | None) -> Verdict:
        credentials = await self._credentials(folded)
        # The answer about an unknown account is remembered by its name, of known ones by their hash.
        stored = f"?{folded}" if credentials is None else credentials.password_hash
        digest = self._answers.digest(stored, password)
        if (is_right := self._answers.find(digest)) is None:
            async with self._hashing:
                # While this one waited, others may have asked the same, or have failed too often.
                if throttled := self._throttle.check(folded, ip):
                    return throttled
                if (is_right := self._answers.find(digest)) is None:
                    is_right = await self._try(credentials, password)
                    self._answers.remember(digest, is_right)
                    if not is_right:
                        self._throttle.failed(folded, ip)
        if not is_right or credentials is None:
            return None
        await self._renew(credentials, password)
        await self._make_verifiers(credentials, password)
        return self._welcome(credentials, ip)

    async def _try(self, credentials: Credentials | None, password: bytes) -> bool:
        stored = self._hasher.nobodys_hash if credentials is None else credentials.password_hash
        return await self._workers.run(partial(self._hasher.is_right, stored, password))

    async def _renew(self, credentials: Credentials, password: bytes) -> None:
        """Store a right password at today's cost. If that fails, the login has succeeded all the same."""
        stored = credentials.password_hash
        if not self._hasher.is_outdated(stored):
            return
        with suppress(DatabaseTrouble):
            renewed = await self._workers.run(partial(self._hasher.hash, password))
            sql = "UPDATE account SET password_hash = ? WHERE id = ? AND password_hash = ?"
            params = (renewed, credentials.account.id, stored)

            async def work(tx: Transaction) -> None:
                await tx.execute(sql, params)

            await self._database.write(work)

    async def _make_verifiers(self, credentials: Credentials, password: bytes) -> None:
        """An account from before SCRAM, or whose verifiers cost another number of iterations than is configured (more
        than some clients take): its next login with a password gives it verifiers.
        """
        account, stored = credentials.account, credentials.password_hash
        if account.id in self._verified:
            return
        with suppress(DatabaseTrouble):
            if await self._verifiers.are_outdated(account.id):
                made = await self._verifiers.make(fold(account.mailbox.folded), password.decode())

                async def work(tx: Transaction) -> None:
                    now = await find_credentials(tx, account.mailbox.folded)
                    # Not if the password was changed meanwhile, or stored anew: then the next login will.
                    if now is not None and now.account.id == account.id and now.password_hash == stored:
                        await store_verifiers(tx, account.id, made)

                await self._database.write(work)
            self._verified.add(account.id)
            if len(self._verified) > self._options.accounts_kept:
                self._verified.clear()

    async def _refuse(self, folded: str | None, ip: IPAddress | None) -> Throttled | None:
        if throttled := self._throttle.check(folded, ip):
            return throttled
        self._throttle.failed(folded, ip)
        return None

    def _welcome(self, credentials: Credentials, ip: IPAddress | None) -> Account:
        self._throttle.succeeded(fold(credentials.account.mailbox.folded), ip)
        return credentials.account

    def _folded(self, login: str) -> str | None:
        """The address that a login name means; None for one that cannot be anybody's."""
        text = fold(login.strip()[:LOGIN_LIMIT])
        if "@" not in text and self._options.login_domain is not None:
            text = f"{text}@{self._options.login_domain}"
        try:
            text.encode()  # half a surrogate pair is no character, and nobody's name
            return fold(parse_mailbox(text).folded)
        except (BadSyntax, UnicodeEncodeError):
            return None

    async def _credentials(self, folded: str | None) -> Credentials | None:
        if folded is None:
            return None
        return await self._database.read(partial(find_credentials, folded=folded))

    async def _hash(self, password: str) -> str:
        return await self._workers.run(partial(self._hasher.hash, prepare_password(password)))

    async def _set(self, mailbox: Mailbox, column: str, value: str | int | None) -> None:
        async def work(tx: Transaction) -> None:
            account = await get_account(tx, mailbox)
            await tx.execute(f"UPDATE account SET {column} = ? WHERE id = ?", (value, account.id))
            self._changes(tx, mailbox)

        await self._database.write(work)

    def _changes(self, tx: Transaction, mailbox: Mailbox) -> None:
        tx.announce(CHANNEL)
        tx.after_commit(partial(self._throttle.forget, fold(mailbox.folded)))
