"""The command line that programs know from /usr/sbin/sendmail.

Gives       parse_sendmail(arguments) -> SendmailOptions; BadUsage.
Form        One letter, its value glued on or in the next word: `-fann@example.org`, `-f ann@example.org`.
            `-oX` and `-bX` always have their value glued on. What sendmail accepted for tuning itself is
            accepted and has no meaning here.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final


class Mode(enum.Enum):
    """What the program is asked to do: sendmail's -b."""

    SEND = "m"  # read a message, the default
    SMTP = "s"  # speak SMTP on standard input and output
    LIST_QUEUE = "p"
    REBUILD_ALIASES = "i"  # nothing to do: aliases stand in the configuration
    VERIFY = "v"  # say where the addresses lead
    FLUSH_QUEUE = "q"


class BadUsage(Exception):
    """The command line makes no sense; the text says what to do."""


@dataclass(slots=True)
class SendmailOptions:
    """What was asked for.

    reverse_path        -f or -r; None: the invoking user.
    full_name           -F.
    from_header         -t: take recipients from To, Cc and Bcc too, and drop Bcc.
    dot_ends            False after -i or -oi: a line with a single dot is content.
    envelope_id, ret    -V and -R (RFC 3461).
    notify              -N (RFC 3461).
    """

    mode: Mode = Mode.SEND
    reverse_path: str | None = None
    full_name: str | None = None
    from_header: bool = False
    dot_ends: bool = True
    is_verbose: bool = False
    envelope_id: str | None = None
    ret: str | None = None
    notify: str | None = None
    config: str | None = None
    recipients: list[str] = field(default_factory=list)


_WITH_VALUE: Final = frozenset("ABCDFLNOQRVXfhpr")
_ALONE: Final = frozenset("GUimnstv")
_MODES: Final = {mode.value: mode for mode in Mode} | {"d": None, "D": None, "t": None, "h": None, "H": None}


def parse_sendmail(arguments: Sequence[str]) -> SendmailOptions:
    """Read sendmail's options. Raises BadUsage."""
    options = SendmailOptions()
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--":
            options.recipients += words
            break
        if not word.startswith("-") or word == "-":
            options.recipients.append(word)
            continue
        _take(options, word[1], word[2:], words)
    return options


def _take(options: SendmailOptions, letter: str, glued: str, words: list[str]) -> None:
    if letter == "b":
        _take_mode(options, glued)
    elif letter == "o":
        options.dot_ends = options.dot_ends and glued != "i"
    elif letter == "q":
        options.mode = Mode.FLUSH_QUEUE
    elif letter in _WITH_VALUE:
        if not glued and not words:
            raise BadUsage(f"-{letter} wants a value after it")
        _take_value(options, letter, glued or words.pop(0))
    elif letter in _ALONE:
        _take_flags(options, letter + glued)
    else:
        raise BadUsage(f"there is no option -{letter}; see sendmail --help")


def _take_mode(options: SendmailOptions, glued: str) -> None:
    mode = _MODES.get(glued)
    if mode is None:
        raise BadUsage(f"-b{glued} is not supported; -bm, -bs, -bp, -bv, -bi and -bq are")
    options.mode = mode


def _take_value(options: SendmailOptions, letter: str, value: str) -> None:
    name = {"f": "reverse_path", "r": "reverse_path", "F": "full_name", "C": "config"}.get(letter)
    name = name or {"V": "envelope_id", "R": "ret", "N": "notify"}.get(letter)
    if name is not None:
        setattr(options, name, value)
    elif letter == "O" and value.partition("=")[0].strip().casefold() == "ignoredots":
        options.dot_ends = False


def _take_flags(options: SendmailOptions, letters: str) -> None:
    """Letters without a value may be joined: `-ti`."""
    for letter in letters:
        if letter not in _ALONE:
            raise BadUsage(f"there is no option -{letter}; see sendmail --help")
        options.from_header = options.from_header or letter == "t"
        options.dot_ends = options.dot_ends and letter != "i"
        options.is_verbose = options.is_verbose or letter == "v"
