"""Passwords: which are taken, how they are kept, and what it costs to try one.

Implements  RFC 8265 4.2 in the small (OpaqueString: NFC, other blanks become SPACE, no control characters,
            not empty), RFC 9106 (argon2id).
Gives       PasswordOptions, prepare_password, PasswordHasher.

All of PasswordHasher blocks for tens of milliseconds and releases the interpreter lock: it runs in workers.
"""

from __future__ import annotations

import secrets
import unicodedata
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

import argon2
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError

from postel.database import DatabaseTrouble
from postel.mail import BadSyntax

PASSWORD_LIMIT: Final = 1024  # octets: nobody's password is longer, and hashing reads it all


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordOptions:
    """What one guess costs.

    The defaults (19 MiB, two passes, one lane) are the least that OWASP's password storage rules ask of
    argon2id. A server hashes at each login that it has not seen lately, and a small one has little memory:
    `at_once` of them are held at a time.
    """

    memory_kib: int = 19 * 1024
    passes: int = 2
    lanes: int = 1
    at_once: int = 2


def prepare_password(text: str) -> bytes:
    """The octets that stand for a password, however it was typed. Raises BadSyntax."""
    if len(text) > PASSWORD_LIMIT:
        raise BadSyntax(f"a password has at most {PASSWORD_LIMIT} octets")
    blanks = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
    composed = unicodedata.normalize("NFC", blanks)
    if not composed:
        raise BadSyntax("a password is not empty")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in composed):
        raise BadSyntax("a password holds no control characters")
    octets = composed.encode()
    if len(octets) > PASSWORD_LIMIT:
        raise BadSyntax(f"a password has at most {PASSWORD_LIMIT} octets")
    return octets


class PasswordHasher:
    """argon2id with the cost of the options."""

    def __init__(self, options: PasswordOptions) -> None:
        self._argon2 = argon2.PasswordHasher(options.passes, options.memory_kib, options.lanes)
        # Nobody's hash, of no password, at today's cost: what a guess at an unknown account is tried on,
        # so that it takes as long as one at a known account.
        self.nobodys_hash = (
            f"$argon2id$v=19$m={options.memory_kib},t={options.passes},p={options.lanes}"
            f"${_base64(secrets.token_bytes(16))}${_base64(secrets.token_bytes(32))}"
        )

    def hash(self, password: bytes) -> str:
        """What to store. Raises DatabaseTrouble when there is no memory for it."""
        try:
            return self._argon2.hash(password)
        except HashingError as error:
            raise DatabaseTrouble(f"cannot hash a password: {error}") from error

    def is_right(self, stored: str, password: bytes) -> bool:
        """Whether it is the password. Raises DatabaseTrouble when there is no memory to tell."""
        try:
            return self._argon2.verify(stored, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
        except VerificationError as error:
            raise DatabaseTrouble(f"cannot verify a password: {error}") from error

    def is_outdated(self, stored: str) -> bool:
        """Whether it was stored at another cost than today's."""
        return self._argon2.check_needs_rehash(stored)


def _base64(octets: bytes) -> str:
    return b64encode(octets).decode().rstrip("=")
