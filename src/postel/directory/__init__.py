"""Accounts: who has a mailbox here, and who can prove it. Floor 2."""

from postel.directory.account import MIGRATIONS, Account, AccountExists, NoAccount
from postel.directory.directory import Directory, DirectoryOptions
from postel.directory.passwords import PasswordOptions
from postel.directory.throttle import Memories, Throttled, ThrottleOptions
from postel.directory.token_claims import BadToken, TokenOptions, TokenTrouble
from postel.directory.verifiers import ScramOptions

__all__ = [
    "MIGRATIONS",
    "Account",
    "AccountExists",
    "BadToken",
    "Directory",
    "DirectoryOptions",
    "Memories",
    "NoAccount",
    "PasswordOptions",
    "ScramOptions",
    "ThrottleOptions",
    "Throttled",
    "TokenOptions",
    "TokenTrouble",
]
