"""Sentences of IMAP at random: every command of the grammar, with every option, in any combination.

Gives       Speaker(random): `.sentence()`, octets of one command without its tag, mostly well-formed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

OWN: Final = ("INBOX", "inbox", "Sent", "Plans", "Plans/Deep", "Trash", '"Odd &AOk- name"', "2024", "Nowhere")
FOREIGN: Final = (
    '"Other Users/ann@example.org/Shared"',
    '"Other Users/ann@example.org/INBOX"',
    '"Other Users/kitt@example.org/Plans"',
    '"Other Users/kitt@example.org/INBOX"',
    '"Other Users"',
)
FLAGS: Final = (
    "\\Seen",
    "\\Deleted",
    "\\Flagged",
    "\\Answered",
    "\\Draft",
    "$Junk",
    "work",
    "Work",
    "k1",
    "k2",
)
WORDS: Final = (
    "you",
    '"How are"',
    "{5+}\r\nHello",
    '""',
    "a",
    '"\\"x\\\\"',
    "example.net",
    "kitt",
    "{4+}\r\nH\u00e4l",
)
DATES: Final = ("1-Jan-1970", '"23-Nov-2026"', "31-Dec-9999", "01-Feb-2026")
SECTIONS: Final = (
    "",
    "HEADER",
    "TEXT",
    "1",
    "2",
    "1.MIME",
    "2.HEADER",
    "2.TEXT",
    "2.1",
    "1.1.1",
    "HEADER.FIELDS (Subject)",
    "HEADER.FIELDS (From To X-Odd References)",
    'HEADER.FIELDS.NOT ("Subject" Date)',
    "2.HEADER.FIELDS (Subject)",
    "2.HEADER.FIELDS.NOT (To)",
)
ATOMS: Final = [
    "UID",
    "FLAGS",
    "INTERNALDATE",
    "RFC822.SIZE",
    "ENVELOPE",
    "BODY",
    "BODYSTRUCTURE",
    "MODSEQ",
    "EMAILID",
    "THREADID",
    "SAVEDATE",
    "PREVIEW",
    "RFC822",
    "RFC822.HEADER",
    "RFC822.TEXT",
]
CRITERIA: Final = ["ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"]
STATUS: Final = [
    "MESSAGES",
    "UIDNEXT",
    "UIDVALIDITY",
    "UNSEEN",
    "RECENT",
    "SIZE",
    "DELETED",
    "HIGHESTMODSEQ",
    "APPENDLIMIT",
    "MAILBOXID",
    "DELETED-STORAGE",
]
ENTRIES: Final = ("/private/comment", "/shared/comment", "/private/filters/values/mine", "/shared/vendor/x/y")
LETTERS: Final = (
    b"Subject: one\r\n\r\nHow are you?\r\n",
    b"From: a@example.net\r\nReferences: <1@example.net>\r\nSubject: Re: one\r\n\r\n\x80\xff\r\n",
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n"
    b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner\r\n--b--\r\n",
    b"x",
)


class Speaker:
    """Makes commands at random."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._kinds: Sequence[Callable[[], str | bytes]] = (
            *(self._fetch, self._fetch, self._fetch, self._search, self._search, self._sort, self._thread),
            *(self._store, self._store, self._copy, self._expunge, self._select, self._select, self._list),
            *(
                self._status,
                self._append,
                self._append,
                self._replace,
                self._mailbox,
                self._rename,
                self._acl,
            ),
            *(self._metadata, self._quota, self._url, self._notify, self._esearch, self._lsub, self._plain),
        )

    def sentence(self) -> bytes:
        """One command."""
        said = self._one(self._kinds)()
        return said if isinstance(said, bytes) else said.encode()

    # --- pieces ------------------------------------------------------------------------------------------

    def _one(self, choices: Sequence[Callable[[], str | bytes]]) -> Callable[[], str | bytes]:
        return self._random.choice(choices)

    def _of(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _some(self, choices: Sequence[str], most: int = 3) -> str:
        return " ".join(self._random.choice(choices) for _ in range(self._random.randint(1, most)))

    def _maybe(self, text: str) -> str:
        return self._of(text, "")

    def _name(self) -> str:
        return self._random.choice(OWN if self._random.random() < 0.75 else FOREIGN)

    def _numbers(self) -> str:
        return self._of(
            "1", "1:*", "*", "2:4", "3:1,2", "1,1,*:2", "$", "1:4294967295", "4294967295", "2,4,6:8"
        )

    def _uid(self) -> str:
        return self._maybe("UID ")

    def _flags(self) -> str:
        return f"({self._some(FLAGS)})"

    def _number(self) -> str:
        return self._of("1", "0", "5", "300", "4294967295", "4294967296", "9223372036854775807")

    # --- reading -----------------------------------------------------------------------------------------

    def _item(self) -> str:
        if self._random.random() < 0.5:
            return self._random.choice(ATOMS)
        if self._random.random() < 0.2:
            return f"{self._of('BINARY', 'BINARY.PEEK', 'BINARY.SIZE')}[{self._of('', '1', '2', '2.1')}]"
        partial = self._of("", "", "<0.5>", "<7.4294967295>", "<4294967295.1>")
        return f"{self._of('BODY', 'BODY.PEEK')}[{self._random.choice(SECTIONS)}]{partial}"

    def _items(self) -> str:
        items = " ".join(self._item() for _ in range(self._random.randint(1, 4)))
        return self._of(f"({items})", f"({items})", f"({items})", "ALL", "FULL", "FAST", "(PREVIEW (LAZY))")

    def _fetch(self) -> str:
        uid = self._uid()
        changed = f" (CHANGEDSINCE {self._number()}{self._maybe(' VANISHED') if uid else ''})"
        windows = f" (PARTIAL {self._of('1:2', '-1:-3', '3:1', '100:200')})" if uid else ""
        return f"{uid}FETCH {self._numbers()} {self._items()}{self._of('', '', changed, windows)}"

    def _key(self, depth: int = 3) -> str:
        if depth and self._random.random() < 0.35:
            one, other = self._key(depth - 1), self._key(depth - 1)
            return self._of(f"NOT {one}", f"OR {one} {other}", f"({one} {other})", f"FUZZY {one}")
        field = self._of(
            "SUBJECT", "FROM", "TO", "CC", "BCC", "BODY", "TEXT", "HEADER Subject", "HEADER X-Odd"
        )
        modseq = f'MODSEQ "/flags/\\\\Seen" {self._of("all", "priv", "shared")} 1'
        return self._of(
            *("ALL", "SEEN", "UNSEEN", "NEW", "OLD", "RECENT", "DELETED", "UNDELETED", "UNANSWERED", "DRAFT"),
            *(f"{field} {self._word()}" for _ in range(8)),
            *(f"{self._of('KEYWORD', 'UNKEYWORD')} {self._of('work', '$Junk', 'none')}", self._numbers()),
            *(f"UID {self._numbers()}", f"{self._of('LARGER', 'SMALLER')} {self._number()}"),
            *(f"{self._of('OLDER', 'YOUNGER')} {self._of('1', '86400', '4294967295')}", "SAVEDATESUPPORTED"),
            *(f"{self._maybe('SENT')}{self._of('BEFORE', 'ON', 'SINCE')} {self._of(*DATES)}", modseq),
            *(f"SAVED{self._of('BEFORE', 'ON', 'SINCE')} {self._of(*DATES)}", f"MODSEQ {self._number()}"),
            *(f"EMAILID {self._of('L1', 'L2', 'x')}", f"THREADID {self._of('T1', 'T2')}", "FILTER mine"),
        )

    def _word(self) -> str:
        return self._random.choice(WORDS)

    def _keys(self) -> str:
        return " ".join(self._key() for _ in range(self._random.randint(1, 3)))

    def _returns(self) -> str:
        options = ["MIN", "MAX", "ALL", "COUNT", "SAVE", "PARTIAL 1:2", "PARTIAL -1:-2", "UPDATE", "CONTEXT"]
        chosen = self._random.sample(options, self._random.randint(0, 3))
        return self._of("", f"RETURN ({' '.join(chosen)}) ")

    def _search(self) -> str:
        charset = self._of("", "", "CHARSET UTF-8 ", "CHARSET US-ASCII ", "CHARSET x-none ")
        return f"{self._uid()}SEARCH {self._returns()}{charset}{self._keys()}"

    def _sort(self) -> str:
        criteria = " ".join(self._maybe("REVERSE ") + self._random.choice(CRITERIA) for _ in range(2))
        return f"{self._uid()}SORT {self._returns()}({criteria}) UTF-8 {self._keys()}"

    def _thread(self) -> str:
        return f"{self._uid()}THREAD {self._of('REFERENCES', 'ORDEREDSUBJECT')} UTF-8 {self._keys()}"

    def _esearch(self) -> str:
        where = self._of(
            "selected", "selected-delayed", "inboxes", "personal", "subscribed", "subtree", "mailboxes"
        )
        names = f" {self._of(self._name(), f'({self._name()} {self._name()})')}"
        scope = where + (names if where.startswith(("subtree", "mailboxes")) else "")
        return f"ESEARCH IN ({scope}) {self._returns()}{self._keys()}"

    def _select(self) -> str:
        known = self._of("", " 1:5", " 1:5 (1:2 1:2)")
        option = self._of("", "", "", " (CONDSTORE)", f" (QRESYNC (1 1{known}))")
        return f"{self._of('SELECT', 'SELECT', 'EXAMINE')} {self._name()}{option}"

    def _list(self) -> str:
        select = self._of("", "(SUBSCRIBED) ", "(SPECIAL-USE) ", "(SUBSCRIBED RECURSIVEMATCH REMOTE) ")
        pattern = self._of("*", "%", "2024", "Plans*", "%/%", "inbox/*", '"Other Users/*"', '("*" "%" INBOX)')
        more = f"STATUS ({self._some(STATUS)})"
        returns = self._of(*("", " RETURN ()", " RETURN (CHILDREN SUBSCRIBED SPECIAL-USE MYRIGHTS)"))
        metadata = ' RETURN (METADATA ("/shared/comment" "/private/comment"))'
        return f'LIST {select}"" {pattern}{self._of(returns, f" RETURN ({more})", metadata)}'

    def _lsub(self) -> str:
        return f"LSUB {self._of(chr(34) * 2, 'Plans/')} {self._of('*', '%', '2024')}"

    def _status(self) -> str:
        return f"STATUS {self._name()} ({self._some(STATUS)})"

    # --- changing ----------------------------------------------------------------------------------------

    def _store(self) -> str:
        since = self._of("", "", f"(UNCHANGEDSINCE {self._number()}) ")
        how = self._of("FLAGS", "+FLAGS", "-FLAGS", "+FLAGS.SILENT", "-FLAGS.SILENT", "FLAGS.SILENT")
        return f"{self._uid()}STORE {self._numbers()} {since}{how} {self._of(self._flags(), '()')}"

    def _copy(self) -> str:
        return f"{self._uid()}{self._of('COPY', 'MOVE')} {self._numbers()} {self._name()}"

    def _expunge(self) -> str:
        return self._of("EXPUNGE", f"UID EXPUNGE {self._numbers()}", "CLOSE", "UNSELECT")

    def _one_message(self) -> bytes:
        letter, date = self._random.choice(LETTERS), self._maybe('"23-Nov-2026 10:00:00 +0100" ')
        options = f"{self._maybe(self._flags() + ' ')}{date}".encode()
        url = self._of(
            "/INBOX/;UID=1", "/INBOX/;UID=1/;SECTION=TEXT", "/Nowhere/;UID=1", "x", "/Plans/;UID=*"
        )
        return options + self._random.choice(
            (
                b"{%d+}\r\n%b" % (len(letter), letter),
                b"~{%d+}\r\n%b" % (len(letter), letter),
                b"UTF8 (~{%d+}\r\n%b)" % (len(letter), letter),
                b'CATENATE (TEXT {%d+}\r\n%b URL "%b")' % (len(letter), letter, url.encode()),
            )
        )

    def _append(self) -> bytes:
        messages = b" ".join(self._one_message() for _ in range(self._random.choice((1, 1, 1, 3))))
        return b"APPEND %b %b" % (self._name().encode(), messages)

    def _replace(self) -> bytes:
        number = self._of("1", "2", "*", "4294967295")
        return b"%bREPLACE %b %b %b" % (
            self._uid().encode(),
            number.encode(),
            self._name().encode(),
            self._one_message(),
        )

    def _mailbox(self) -> str:
        use = self._of("", *(f" (USE ({use}))" for use in ("\\Sent", "\\All", "\\Flagged", "\\Important")))
        name = self._name()
        return self._of(
            f"CREATE {name}{use}",
            f"CREATE {name}",
            f"DELETE {name}",
            f"SUBSCRIBE {name}",
            f"UNSUBSCRIBE {name}",
        )

    def _rename(self) -> str:
        return f"RENAME {self._name()} {self._name()}"

    def _acl(self) -> str:
        who, name = self._of("ann@example.org", "kitt@example.org", "anyone", "-anyone", "x"), self._name()
        rights = self._of("lrswipkxtea", "lr", "+s", "-r", "lrswicd", '""', "q", "l")
        return self._of(
            *(f"SETACL {name} {who} {rights}", f"SETACL {name} {who} {rights}", f"DELETEACL {name} {who}"),
            *(f"GETACL {name}", f"MYRIGHTS {name}", f"LISTRIGHTS {name} {who}"),
        )

    def _metadata(self) -> str:
        name, entry = self._of(self._name(), '""'), self._random.choice(ENTRIES)
        value = self._of("NIL", '"x"', "{3+}\r\na\r\n", '"UNSEEN"', '"FILTER mine"', "~{2+}\r\n\0x")
        options = self._of("", "(MAXSIZE 1) ", "(DEPTH infinity) ", "(MAXSIZE 100 DEPTH 1) ")
        return self._of(f"SETMETADATA {name} ({entry} {value})", f"GETMETADATA {options}{name} ({entry})")

    def _quota(self) -> str:
        return self._of(f"GETQUOTAROOT {self._name()}", 'GETQUOTA ""', "GETQUOTA kitt@example.org")

    def _url(self) -> str:
        url = "imap://kitt%40example.org@imap.example.org/INBOX/;UID=1"
        return self._of(
            f'GENURLAUTH "{url};URLAUTH={self._of("anonymous", "authuser", "user+ann%40example.org")}" INTERNAL',
            *(
                f'URLFETCH "{url};URLAUTH=anonymous:INTERNAL:{"0" * 64}"',
                "RESETKEY",
                f"RESETKEY {self._name()}",
            ),
        )

    def _notify(self) -> str:
        where = self._of(
            "selected", "selected-delayed", "inboxes", "personal", "subscribed", f"subtree {self._name()}"
        )
        items = self._maybe(f" {self._items()}") if where.startswith("selected") else ""
        more = "" if where.startswith("selected") else self._maybe(" MailboxName SubscriptionChange")
        events = self._of(f"MessageNew{items} MessageExpunge{self._maybe(' FlagChange')}{more}", "NONE")
        group = f"({where} {events})" if events == "NONE" else f"({where} ({events}))"
        return self._of(f"NOTIFY SET {self._maybe('STATUS ')}{group}", "NOTIFY NONE")

    def _plain(self) -> str:
        return self._of(
            *("NOOP", "CHECK", "CAPABILITY", "NAMESPACE", "ID NIL", "LANGUAGE", "LANGUAGE de"),
            *(f"ENABLE {self._of('CONDSTORE', 'QRESYNC', 'UTF8=ACCEPT', 'IMAP4rev2')}", 'CANCELUPDATE "x"'),
        )
