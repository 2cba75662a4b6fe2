"""IMAP URLs: a server, a mailbox, a message, a part of it; and the authorized ones.

Implements  RFC 5092 (syntax, relative URLs), RFC 4467 3 and 9 (URLAUTH), RFC 5550 5.7.1 (URL-PARTIAL), RFC 5593,
            RFC 3986 2.1 (percent-encoding).
Gives       ImapUrl, UrlAuth, parse_imap_url, URL_LIMIT.
Not here    Whether an authorization holds: whoever has the key. Answers to GENURLAUTH and URLFETCH: responses.

    imap://ann@imap.example.org/Drafts;UIDVALIDITY=7/;UID=20/;SECTION=1.2/;PARTIAL=0.1024
    /Drafts/;UID=20        ;UID=20/;SECTION=2        relative ones, as CATENATE has them
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from postel.mail import BadSyntax
from postel.proto.imap.commands.fetch import read_section
from postel.proto.imap.cursor import Cursor, Reading
from postel.proto.imap.names import MailboxName, check_name
from postel.proto.imap.sequences import STAR
from postel.proto.imap.values import Section

URL_LIMIT: Final = 4096
_ACHAR: Final = "!$'()*+,&="  # RFC 5092 11, achar, beside letters, digits and -._~
_BCHAR: Final = _ACHAR + ":@/"
_URL: Final = re.compile(r"(?:imap://([^/?#]*))?(/?)(.*)", re.IGNORECASE | re.DOTALL)
_SERVER: Final = re.compile(r"(?:([^@]*)@)?(\[[0-9A-Fa-f:.]+\]|[^:@\[\]]*)(?::([0-9]{1,5}))?")
_AUTH: Final = re.compile(
    r"(?P<rump>.*?(?:;EXPIRE=(?P<expire>[0-9TZtz:.+-]+))?;URLAUTH=(?P<access>[^;:/?#]+))"
    r"(?::(?P<mechanism>[A-Za-z0-9.-]+):(?P<token>[0-9A-Fa-f]{32,}))?",
    re.IGNORECASE | re.DOTALL,
)
_LAST_PARTS: Final = (
    ("partial", re.compile(r"(?:^|/);PARTIAL=([0-9]{1,19})(?:\.([0-9]{1,19}))?$", re.IGNORECASE)),
    ("section", re.compile(r"(?:^|/);SECTION=([^;?]+)$", re.IGNORECASE)),
    ("uid", re.compile(r"(?:^|/);UID=([0-9]{1,10})$", re.IGNORECASE)),
    ("validity", re.compile(r";UIDVALIDITY=([0-9]{1,10})$", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class UrlAuth:
    """RFC 4467 3: who may follow the URL, and the proof.

    rump         the URL up to the access, as it was written: what the token is made of.
    expire       RFC 3339 date and time, as written; None: for ever.
    access       submit+user, user+user, authuser, anonymous; the user is percent-decoded.
    mechanism    upper case; None, with the token, where there is the rump only.
    token        lower-case hexadecimal.
    """

    rump: str
    access: str
    expire: str | None = None
    mechanism: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapUrl:
    """What a URL names; a relative one has no host, and perhaps no mailbox.

    partial    offset and count; without a count: to the end.
    search     a search program behind the mailbox, as octets.
    """

    host: str | None = None
    port: int | None = None
    user: str | None = None
    mechanism: str | None = None  # ;AUTH=
    mailbox: MailboxName | None = None
    uid_validity: int | None = None
    uid: int | None = None
    section: Section | None = None
    partial: tuple[int, int | None] | None = None
    search: bytes | None = None
    auth: UrlAuth | None = None

    def format(self) -> str:
        """The URL, as parse_imap_url reads it. What is authorized is written as it came."""
        if self.auth is not None:
            tail = f":{self.auth.mechanism}:{self.auth.token}" if self.auth.mechanism else ""
            return self.auth.rump + tail
        return self._format_server() + "/".join(self._format_path())

    def _format_server(self) -> str:
        if self.host is None:
            return "" if self.mailbox is None else "/"
        mechanism = "" if self.mechanism is None else f";AUTH={quote(self.mechanism, _ACHAR)}"
        user = quote(self.user or "", _ACHAR) + mechanism
        port = "" if self.port is None else f":{self.port}"
        return f"imap://{user}{'@' if user else ''}{self.host}{port}/"

    def _format_path(self) -> list[str]:
        parts: list[str] = []
        if self.mailbox is not None:
            validity = "" if self.uid_validity is None else f";UIDVALIDITY={self.uid_validity}"
            search = "" if self.search is None else f"?{quote(self.search, _BCHAR)}"
            name = quote(self.mailbox, _BCHAR)
            name = "%2F" + name[1:] if name.startswith("/") else name
            parts.append(name + validity + search)
        if self.uid is not None:
            parts.append(f";UID={self.uid}")
        if self.section is not None:
            parts.append(f";SECTION={quote(self.section.format(), _BCHAR)}")
        if self.partial is not None:
            offset, count = self.partial
            parts.append(f";PARTIAL={offset}" + ("" if count is None else f".{count}"))
        return parts


def parse_imap_url(text: str) -> ImapUrl:
    """Raises BadSyntax."""
    if len(text) > URL_LIMIT or not text.isascii() or not text.isprintable() or " " in text:
        raise BadSyntax("an IMAP URL is printable ASCII of a sensible length")
    auth, text = _split_auth(text)
    match = _URL.fullmatch(text)
    assert match is not None
    server, slash, path = match.groups()
    facts: dict[str, object] = {} if server is None else _parse_server(server)
    if server is not None and path and not slash:
        raise BadSyntax("a slash stands behind an IMAP URL's server")
    facts |= _parse_path(path)
    found = ImapUrl(auth=auth, **facts)  # type: ignore[arg-type]
    _check(found, is_rooted=bool(slash))
    return found


def _check(url: ImapUrl, *, is_rooted: bool) -> None:
    if is_rooted and url.mailbox is None and (url.uid or url.section or url.partial):
        raise BadSyntax("an IMAP URL with a message names its mailbox")
    if url.mailbox is not None and url.uid is None and (url.section or url.partial):
        raise BadSyntax("an IMAP URL with a part names its message")
    if url.auth is not None and (url.uid is None or url.mailbox is None or url.host is None):
        raise BadSyntax("an authorized URL names a message on a server")


def _split_auth(text: str) -> tuple[UrlAuth | None, str]:
    if ";urlauth=" not in text.lower():
        return None, text
    match = _AUTH.fullmatch(text)
    if match is None:
        raise BadSyntax("the authorization of an IMAP URL is not well-formed")
    rump, expire, access, mechanism, token = match.group("rump", "expire", "access", "mechanism", "token")
    end = len(rump) - len(";URLAUTH=" + access) - (len(";EXPIRE=" + expire) if expire else 0)
    auth = UrlAuth(rump, _decoded(access), expire, mechanism and mechanism.upper(), token and token.lower())
    return auth, rump[:end]


def _parse_server(server: str) -> dict[str, object]:
    match = _SERVER.fullmatch(server)
    if match is None or not match[2]:
        raise BadSyntax("an IMAP URL's server is [user@]host[:port]")
    user, host, port = match.groups()
    if port is not None and not 0 < int(port) < 65536:
        raise BadSyntax("a port is 1 to 65535")
    facts: dict[str, object] = {"host": host.lower(), "port": None if port is None else int(port)}
    if user is not None:
        name, semicolon, mechanism = user.partition(";")
        if semicolon and not mechanism.upper().startswith("AUTH="):
            raise BadSyntax("behind an IMAP URL's user stands ;AUTH=")
        facts |= {"user": _decoded(name) or None, "mechanism": _decoded(mechanism[5:]) if semicolon else None}
    return facts


def _parse_path(path: str) -> dict[str, object]:
    facts: dict[str, object] = {}
    if "?" in path:
        path, _, search = path.partition("?")
        facts["search"] = _octets(search)
    for name, pattern in _LAST_PARTS:
        if match := pattern.search(path):
            facts |= _part(name, match)
            path = path[: match.start()]
    if ";" in path or "#" in path:
        raise BadSyntax("an IMAP URL has its parts in their order")
    if path.startswith("/"):
        raise BadSyntax("an IMAP URL's mailbox does not begin with a slash")
    if path:
        facts["mailbox"] = check_name(_decoded(path))
    elif "uid_validity" in facts or "search" in facts:
        raise BadSyntax("an IMAP URL names a mailbox")
    return facts


def _part(name: str, match: re.Match[str]) -> dict[str, object]:
    if name == "partial":
        count = None if match[2] is None else int(match[2])
        if count == 0:
            raise BadSyntax("a part has at least one octet")
        return {"partial": (int(match[1]), count)}
    if name == "section":
        cursor = Cursor(_octets(match[1]), Reading())
        section = read_section(cursor)
        cursor.end()
        return {"section": section}
    number = int(match[1])
    if not 0 < number < STAR:
        raise BadSyntax("UIDs have 32 bits")
    return {"uid" if name == "uid" else "uid_validity": number}


def _octets(text: str) -> bytes:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise BadSyntax("a percent sign stands before two hexadecimal digits")
    return unquote_to_bytes(text)


def _decoded(text: str) -> str:
    try:
        return _octets(text).decode("utf-8")
    except UnicodeDecodeError:
        raise BadSyntax("an IMAP URL holds UTF-8") from None
