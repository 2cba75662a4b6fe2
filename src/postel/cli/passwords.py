"""Where a password for a command comes from: asked for, read from standard input, or made.

Gives       secret_options (a decorator), SecretFrom, take_secret.
Never       from the command line itself, which everybody on the machine can read.
"""

from __future__ import annotations

import enum
import secrets
import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # without letters that look like others: 5 bits each
_GROUPS: Final = 4
_GROUP_LENGTH: Final = 5


class SecretFrom(enum.Enum):
    """Which of the three."""

    TERMINAL = "terminal"
    STDIN = "stdin"
    GENERATED = "generated"


def secret_options(command: F) -> F:
    """Give a command the options; they arrive as `password_stdin` and `generate`."""
    generate: Callable[[F], F] = click.option(
        "--generate", is_flag=True, help="Make one, and print it on standard output."
    )
    stdin: Callable[[F], F] = click.option(
        "--password-stdin", is_flag=True, help="Read it from standard input, one line."
    )
    return stdin(generate(command))


def take_secret(word: str, *, password_stdin: bool, generate: bool) -> tuple[str, SecretFrom]:
    """The secret, called by this word. Ends the command on wrong usage."""
    if password_stdin and generate:
        raise click.UsageError("--password-stdin and --generate exclude each other")
    if generate:
        return make_secret(), SecretFrom.GENERATED
    if password_stdin:
        return sys.stdin.readline().rstrip("\r\n"), SecretFrom.STDIN
    asked = click.prompt(word.capitalize(), hide_input=True, confirmation_prompt=True, err=True)
    return str(asked), SecretFrom.TERMINAL


def make_secret() -> str:
    """A hundred bits that can be read out over the telephone."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)
