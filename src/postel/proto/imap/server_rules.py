"""What a server decides of a command by looking at nothing but the command and its options.

Implements  RFC 9051 3 (how results change the state), 6.2.1 to 6.2.3 (STARTTLS, AUTHENTICATE and LOGIN that are not
            offered), 6.2.2 (how an exchange is cancelled), 6.3.13 (DONE), RFC 4978 3 (COMPRESS a second time).
Gives       check_row, check_command, state_after, filled, auth_response, is_done, LOGINS.
Not here    Which command is allowed in which state: the table in commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from postel.mail import BadSyntax
from postel.proto import sasl
from postel.proto.imap import codes
from postel.proto.imap.capabilities import ImapOptions
from postel.proto.imap.codes import NO, Code, Condition, Result
from postel.proto.imap.commands import (
    Authenticate,
    Close,
    Compress,
    Login,
    Row,
    Select,
    StartTls,
    Unauthenticate,
    Unselect,
)
from postel.proto.imap.fault import BadCommand, Refused
from postel.proto.imap.framing import LineFault
from postel.proto.imap.states import State

LOGINS: Final = (Login, Authenticate)

# RFC 9051 3: how the state changes.
_STATE_AFTER_OK: Final[Mapping[type, State]] = {
    Login: State.AUTHENTICATED,
    Authenticate: State.AUTHENTICATED,
    Select: State.SELECTED,
    Close: State.AUTHENTICATED,
    Unselect: State.AUTHENTICATED,
    Unauthenticate: State.NOT_AUTHENTICATED,
}


def check_row(row: Row, options: ImapOptions) -> None:
    """Before the arguments are read. Raises Refused."""
    if row.name == "LOGIN" and not options.offers_plaintext:
        # RFC 9051 6.2.3: no password is even asked for.
        raise Refused(NO.saying("No login in plaintext here", codes.PRIVACYREQUIRED))


def check_command(command: Any, options: ImapOptions, *, is_compressed: bool) -> None:
    """Whether a command may go to the shell. Raises Refused."""
    if isinstance(command, StartTls):
        if not options.offers_starttls:
            raise BadCommand("TLS is not offered here")
    elif isinstance(command, Authenticate) and command.mechanism not in options.mechanisms:
        needs_tls = options.offers_starttls and not options.mechanisms
        code = codes.PRIVACYREQUIRED if needs_tls else codes.CANNOT
        raise Refused(NO.saying("The mechanism is not available", code))
    elif isinstance(command, Compress) and is_compressed:
        raise Refused(NO.saying("Compression is active already", codes.COMPRESSIONACTIVE))


def state_after(command: Any, result: Result, state: State) -> State:
    """Where the session stands once a command has its result."""
    if result.condition is Condition.OK:
        return _STATE_AFTER_OK.get(type(command), state)
    if isinstance(command, Select) and result.condition is Condition.NO and state is State.SELECTED:
        return State.AUTHENTICATED  # RFC 9051 6.3.2: the one before is closed all the same
    return state


def filled(result: Result, row: Row | None, code: Code | None) -> Result:
    """With a text, and this code where it has none."""
    name = row.name if row else "The command"
    verb = "completed" if result.condition is Condition.OK else "failed"
    return replace(result, text=result.text or f"{name} {verb}", code=result.code or code)


def auth_response(line: bytes | LineFault) -> bytes:
    """What the client answers to a challenge. Raises BadSyntax, saying why the exchange is cancelled."""
    if isinstance(line, LineFault):
        raise BadSyntax("The response is too long")
    if line == sasl.CANCEL + b"\r\n":
        raise BadSyntax("Cancelled")
    return sasl.decode(line[:-2])


def is_done(line: bytes | LineFault) -> bool:
    """Whether it ends IDLE as it should."""
    return not isinstance(line, LineFault) and line.strip().upper() == b"DONE"
