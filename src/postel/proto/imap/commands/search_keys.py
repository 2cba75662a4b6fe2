"""The search program: keys, charset and RETURN options, as SEARCH, SORT, THREAD and ESEARCH have them.

Implements  RFC 9051 6.4.4, RFC 3501 6.4.4, RFC 4731, RFC 5032 (WITHIN), RFC 5182 (SAVE), RFC 5267, RFC 5465 7 (UPDATE
            with items), RFC 5466 3.1, RFC 6203 (FUZZY), RFC 6855 3, RFC 7162 3.1.5 (MODSEQ), RFC 8474 6, RFC 8514 4.3,
            RFC 9394 3.1.
Gives       read_keys, read_returns, read_charset, skip_charset, parse_search_program, Charset, UTF_8.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from postel.message import known_codec
from postel.proto.imap.codes import NO, bad_charset
from postel.proto.imap.commands.fetch import read_fetch_items
from postel.proto.imap.cursor import MAX_32, MAX_63, Cursor, Reading
from postel.proto.imap.fault import BadCommand, Refused, UidRequired
from postel.proto.imap.search_values import (
    ALL,
    And,
    Dated,
    DateOf,
    Filtered,
    Fuzzy,
    HasFlag,
    HasObjectId,
    InBody,
    InHeader,
    InText,
    InUnknownCharset,
    ModifiedSince,
    Not,
    Numbered,
    Or,
    Order,
    ReturnOption,
    Returns,
    SaveDateSupported,
    SearchKey,
    Sized,
    Within,
)
from postel.proto.imap.sequences import Partial, SequenceSet
from postel.proto.imap.values import FetchItem

Charset: TypeAlias = str | None  # a codec; None: it is not known
UTF_8: Final = "utf-8"
_KNOWN: Final = ("US-ASCII", "UTF-8", "ISO-8859-1")
_KEYS_LIMIT: Final = 2000
_Read: TypeAlias = Callable[[Cursor, Charset], SearchKey]


def read_charset(cursor: Cursor) -> Charset:
    """The codec for a charset's name. Of one that is not known, the rest of the command is read all the same."""
    codec = known_codec(cursor.astring().decode("ascii", "replace"))
    return UTF_8 if codec == "ascii" else codec


def skip_charset(cursor: Cursor) -> Charset:
    """[CHARSET name], and the space behind it."""
    if not cursor.skip_word(b"CHARSET"):
        return UTF_8
    if "UTF8=ACCEPT" in cursor.reading.enabled:  # RFC 6855 3
        raise BadCommand("everything is UTF-8 after ENABLE UTF8=ACCEPT")
    charset = read_charset(cursor)
    cursor.space()
    return charset


def read_keys(cursor: Cursor, charset: Charset = UTF_8) -> SearchKey:
    """One or more keys: what each of them finds, all together."""
    keys = [_read_key(cursor, charset)]
    while cursor.skip(b" ") and not cursor.at_end:
        keys.append(_read_key(cursor, charset))
        if len(keys) > _KEYS_LIMIT:
            raise BadCommand("too many search keys")
    if charset is None:
        return InUnknownCharset(_KNOWN)
    return keys[0] if len(keys) == 1 else And(tuple(keys))


def _read_key(cursor: Cursor, charset: Charset) -> SearchKey:
    if cursor.is_at(b"("):
        keys = tuple(cursor.listed(lambda: _read_key(cursor, charset), most=_KEYS_LIMIT))
        return keys[0] if len(keys) == 1 else And(keys)
    next_octet = cursor.text[cursor.place : cursor.place + 1]
    if next_octet in _DIGITS:
        return _numbered(cursor, is_uid=False)
    read, needs = cursor.word(_KEYS, "search key")
    if needs is not None and not cursor.knows(needs):
        raise BadCommand("unknown search key")
    return read(cursor, charset)


_DIGITS: Final = frozenset([b"*", b"$", *(b"%d" % digit for digit in range(10))])


def _numbered(cursor: Cursor, *, is_uid: bool) -> SearchKey:
    if cursor.reading.is_uid_only and not is_uid and not cursor.is_at(b"$"):
        raise UidRequired
    return Numbered(cursor.sequence_set(), is_uid)


def _text(cursor: Cursor, charset: Charset) -> str:
    cursor.space()
    try:
        return cursor.astring().decode(charset or "latin-1")
    except (UnicodeError, LookupError):
        raise BadCommand("the text is not in its charset") from None


def _fixed(key: SearchKey) -> _Read:
    return lambda cursor, charset: key


def _keyword(cursor: Cursor, charset: Charset) -> SearchKey:
    cursor.space()
    return HasFlag(cursor.atom())


def _unkeyword(cursor: Cursor, charset: Charset) -> SearchKey:
    return Not(_keyword(cursor, charset))


def _in_field(field: bytes, cursor: Cursor, charset: Charset) -> SearchKey:
    return InHeader(field, _text(cursor, charset))


def _in_header(cursor: Cursor, charset: Charset) -> SearchKey:
    cursor.space()
    field = cursor.astring()
    return InHeader(field, _text(cursor, charset))


def _in_body(cursor: Cursor, charset: Charset) -> SearchKey:
    return InBody(_text(cursor, charset))


def _in_text(cursor: Cursor, charset: Charset) -> SearchKey:
    return InText(_text(cursor, charset))


def _dated(of: DateOf, order: Order, cursor: Cursor, charset: Charset) -> SearchKey:
    cursor.space()
    return Dated(of, order, cursor.date())


def _sized(is_larger: bool, cursor: Cursor, charset: Charset) -> SearchKey:
    cursor.space()
    return Sized(cursor.number(MAX_63), is_larger)


def _within(is_younger: bool, cursor: Cursor, charset: Charset) -> SearchKey:
    cursor.space()
    return Within(cursor.positive(), is_younger)


def _uid(cursor: Cursor, charset: Charset) -> SearchKey:
    cursor.space()
    return _numbered(cursor, is_uid=True)


def _uids_beyond(is_after: bool, cursor: Cursor, charset: Charset) -> SearchKey:
    """RFC 9738: UIDs greater or smaller than one; unlike a set that ends in `*`, it may be none at all."""
    cursor.space()
    uid = cursor.positive()
    low, high = (uid + 1, MAX_32) if is_after else (1, uid - 1)
    return Numbered(SequenceSet(((low, high),)), is_uid=True) if low <= high else Not(ALL)


def _not(cursor: Cursor, charset: Charset) -> SearchKey:
    return Not(_read_inner(cursor, charset))


def _fuzzy(cursor: Cursor, charset: Charset) -> SearchKey:
    return Fuzzy(_read_inner(cursor, charset))


def _read_inner(cursor: Cursor, charset: Charset) -> SearchKey:
    cursor.space()
    cursor.deepen()
    key = _read_key(cursor, charset)
    cursor.leave()
    return key


def _or(cursor: Cursor, charset: Charset) -> SearchKey:
    cursor.space()
    cursor.deepen()
    one = _read_key(cursor, charset)
    cursor.space()
    other = _read_key(cursor, charset)
    cursor.leave()
    return Or(one, other)


def _modseq(cursor: Cursor, charset: Charset) -> SearchKey:
    # RFC 7162 3.1.5: MODSEQ ["/flags/\\Seen" all] 620162338
    cursor.space()
    if not cursor.is_at(b'"'):
        return ModifiedSince(cursor.modseq())
    entry = cursor.string().decode("ascii", "replace")
    cursor.space()
    entry_type = cursor.keyword().decode("ascii").lower()
    if entry_type not in ("priv", "shared", "all") or not entry.startswith("/flags/"):
        raise BadCommand("an entry of flags is expected")
    cursor.space()
    return ModifiedSince(cursor.modseq(), entry, entry_type)


def _object_id(is_thread: bool, cursor: Cursor, charset: Charset) -> SearchKey:
    cursor.space()
    return HasObjectId(cursor.astring().decode("ascii", "replace"), is_thread)


def _filter(cursor: Cursor, charset: Charset) -> SearchKey:
    cursor.space()
    return Filtered(cursor.atom().decode("ascii"))


def _flag_keys() -> dict[bytes, tuple[_Read, str | None]]:
    keys: dict[bytes, tuple[_Read, str | None]] = {}
    for word in (b"ANSWERED", b"DELETED", b"DRAFT", b"FLAGGED", b"SEEN"):
        flag = HasFlag(b"\\" + word.capitalize())
        keys[word] = _fixed(flag), None
        keys[b"UN" + word] = _fixed(Not(flag)), None
    return keys


def _date_keys() -> dict[bytes, tuple[_Read, str | None]]:
    kinds = ((b"", DateOf.INTERNAL, None), (b"SENT", DateOf.SENT, None), (b"SAVED", DateOf.SAVED, "SAVEDATE"))
    return {
        prefix + order.name.encode(): (partial(_dated, of, order), needs)
        for prefix, of, needs in kinds
        for order in Order
    }


_RECENT: Final = HasFlag(b"\\Recent")
_KEYS: Final[dict[bytes, tuple[_Read, str | None]]] = {
    **_flag_keys(),
    **_date_keys(),
    **{
        word: (partial(_in_field, word.capitalize()), None)
        for word in (b"BCC", b"CC", b"FROM", b"SUBJECT", b"TO")
    },
    b"ALL": (_fixed(ALL), None),
    b"RECENT": (_fixed(_RECENT), None),
    b"OLD": (_fixed(Not(_RECENT)), None),
    b"NEW": (_fixed(And((_RECENT, Not(HasFlag(b"\\Seen"))))), None),
    b"KEYWORD": (_keyword, None),
    b"UNKEYWORD": (_unkeyword, None),
    b"HEADER": (_in_header, None),
    b"BODY": (_in_body, None),
    b"TEXT": (_in_text, None),
    b"LARGER": (partial(_sized, True), None),
    b"SMALLER": (partial(_sized, False), None),
    b"UID": (_uid, None),
    b"NOT": (_not, None),
    b"OR": (_or, None),
    b"YOUNGER": (partial(_within, True), "WITHIN"),
    b"OLDER": (partial(_within, False), "WITHIN"),
    b"MODSEQ": (_modseq, "CONDSTORE"),
    b"UIDAFTER": (partial(_uids_beyond, True), "MESSAGELIMIT"),
    b"UIDBEFORE": (partial(_uids_beyond, False), "MESSAGELIMIT"),
    b"EMAILID": (partial(_object_id, False), "OBJECTID"),
    b"THREADID": (partial(_object_id, True), "OBJECTID"),
    b"SAVEDATESUPPORTED": (_fixed(SaveDateSupported()), "SAVEDATE"),
    b"FUZZY": (_fuzzy, "SEARCH=FUZZY"),
    b"FILTER": (_filter, "FILTERS"),
}


def parse_search_program(text: bytes, reading: Reading) -> SearchKey:
    """A search program by itself: [CHARSET name] keys, in a stored filter (RFC 5466 3.1) or a URL. Raises Refused."""
    cursor = Cursor(text, reading)
    charset: Charset = UTF_8
    if cursor.skip_word(b"CHARSET"):
        charset = read_charset(cursor)
        cursor.space()
    key = read_keys(cursor, charset)
    cursor.end()
    if isinstance(key, InUnknownCharset):
        raise Refused(NO.saying("Unknown charset", bad_charset(key.known)))
    return key


_RETURNS: Final = {option.value: option for option in ReturnOption}
_RETURN_NEEDS: Final = {
    ReturnOption.SAVE: ("SEARCHRES",),
    ReturnOption.RELEVANCY: ("SEARCH=FUZZY",),
    ReturnOption.UPDATE: ("CONTEXT=SEARCH", "CONTEXT=SORT"),
    ReturnOption.CONTEXT: ("CONTEXT=SEARCH", "CONTEXT=SORT"),
    ReturnOption.PARTIAL: ("PARTIAL", "CONTEXT=SEARCH", "CONTEXT=SORT"),
}


def read_returns(cursor: Cursor) -> Returns:
    """The options in parentheses, behind RETURN and its space; none: ALL."""
    window: Partial | None = None
    items: tuple[FetchItem, ...] = ()

    def read_one() -> ReturnOption:
        nonlocal window, items
        option = cursor.word(_RETURNS, "return option")
        needs = _RETURN_NEEDS.get(option)
        if needs is not None and not any(map(cursor.knows, needs)):
            raise BadCommand("unknown return option")
        if option is ReturnOption.PARTIAL:
            cursor.space()
            if window is not None:  # RFC 9394 3.1
                raise BadCommand("only one PARTIAL is allowed")
            window = cursor.partial()
        if option is ReturnOption.UPDATE and cursor.knows("NOTIFY") and cursor.is_at(b" ("):
            cursor.space()
            items = read_fetch_items(cursor)
        return option

    options = frozenset(cursor.listed(read_one, least=0, most=20))
    # RFC 9394 3.1, RFC 5267 4.4: the window, or all of it.
    if {ReturnOption.PARTIAL, ReturnOption.ALL} <= options:
        raise BadCommand("PARTIAL and ALL exclude each other")
    return Returns(options or frozenset({ReturnOption.ALL}), window, items)
