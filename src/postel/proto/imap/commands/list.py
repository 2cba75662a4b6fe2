"""LIST, with selection and return options.

Implements  RFC 9051 6.3.9, RFC 5258 3, RFC 5819 (STATUS), RFC 6154 4 (SPECIAL-USE), RFC 8440 (MYRIGHTS),
            RFC 9590 (METADATA).
Gives       List, read_list.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from postel.mail import BadSyntax
from postel.proto.imap.commands.command import Command
from postel.proto.imap.commands.get_metadata import read_entries
from postel.proto.imap.commands.status import read_status_items
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand
from postel.proto.imap.names import NAME_LIMIT, decode_utf7
from postel.proto.imap.values import ListReturn, Selection

_SELECTIONS = {option.value: option for option in Selection}
_SIMPLE = {b"SUBSCRIBED": "subscribed", b"CHILDREN": "children"}
_PATTERNS_LIMIT = 100


@dataclass(frozen=True, slots=True)
class List(Command):
    """Mailboxes whose names match a pattern below the reference.

    is_extended    selection or return options, or several patterns, were given (RFC 5258 3): an empty
                   pattern asks for the delimiter only where it is not.
    """

    reference: str
    patterns: tuple[str, ...]
    selection: frozenset[Selection] = frozenset()
    returns: ListReturn = field(default_factory=ListReturn)
    is_extended: bool = False


def read_list(cursor: Cursor) -> List:
    """[selection] reference patterns [RETURN options]."""
    cursor.space()
    selection: frozenset[Selection] = frozenset()
    is_extended = cursor.is_at(b"(")
    if is_extended:
        selection = _read_selection(cursor)
        cursor.space()
    reference = read_pattern(cursor)
    cursor.space()
    many = cursor.is_at(b"(")
    patterns = (
        cursor.listed(lambda: read_pattern(cursor), most=_PATTERNS_LIMIT) if many else [read_pattern(cursor)]
    )
    returns = ListReturn()
    if has_returns := cursor.skip(b" ") and not cursor.at_end:
        returns = _read_returns(cursor)
    is_extended = is_extended or many or has_returns
    if is_extended and not cursor.knows("LIST-EXTENDED"):
        raise BadCommand("a mailbox pattern is expected")
    return List(reference, tuple(patterns), selection, returns, is_extended)


def read_pattern(cursor: Cursor) -> str:
    """A pattern or a reference, as text; it may be empty."""
    octets = cursor.list_mailbox()
    try:
        text = octets.decode("utf-8") if cursor.reading.is_utf8 else _from_utf7(octets)
    except UnicodeDecodeError:
        raise BadCommand("a mailbox name is UTF-8") from None
    if len(text) > NAME_LIMIT:
        raise BadCommand("the pattern is too long")
    return text


def _from_utf7(octets: bytes) -> str:
    try:
        return decode_utf7(octets)
    except BadSyntax as why:
        raise BadCommand(str(why)) from None


def _read_selection(cursor: Cursor) -> frozenset[Selection]:
    found = frozenset(cursor.listed(lambda: cursor.word(_SELECTIONS, "selection option"), least=0))
    if Selection.SPECIAL_USE in found and not cursor.knows("SPECIAL-USE"):
        raise BadCommand("unknown selection option")
    # RFC 5258 3.1: it says something of another option, so it cannot stand by itself or beside REMOTE alone.
    if Selection.RECURSIVEMATCH in found and not found - {Selection.RECURSIVEMATCH, Selection.REMOTE}:
        raise BadCommand("RECURSIVEMATCH needs another selection option")
    return found


def _read_returns(cursor: Cursor) -> ListReturn:
    if cursor.keyword() != b"RETURN":
        raise BadCommand("RETURN is expected")
    cursor.space()
    returns = ListReturn()

    def read_one() -> None:
        nonlocal returns
        returns = _read_return(cursor, returns)

    cursor.listed(read_one, least=0, most=20)
    return returns


def _read_return(cursor: Cursor, returns: ListReturn) -> ListReturn:
    name = cursor.keyword()
    if name in _SIMPLE:
        return replace(returns, **{_SIMPLE[name]: True})  # type: ignore[arg-type]
    if name == b"SPECIAL-USE" and cursor.knows("SPECIAL-USE"):
        return replace(returns, special_use=True)
    if name == b"MYRIGHTS" and cursor.knows("LIST-MYRIGHTS"):
        return replace(returns, my_rights=True)
    if name == b"STATUS" and cursor.knows("LIST-STATUS"):
        cursor.space()
        return replace(returns, status=read_status_items(cursor))
    if name == b"METADATA" and cursor.knows("LIST-METADATA"):
        cursor.space()
        return replace(returns, metadata=read_entries(cursor))
    raise BadCommand("unknown return option")
