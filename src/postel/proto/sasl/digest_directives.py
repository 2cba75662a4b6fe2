"""The messages of DIGEST-MD5: directives apart by commas, some of them quoted.

Implements  RFC 2831 2.1.1 and 2.1.2 (directives, charset), 7.1 and 7.2 (grammar).
Gives       parse_directives, format_directives, quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from postel.mail import BadSyntax

MESSAGE_LIMIT: Final = 4096  # octets: RFC 2831 2.1.2 names this for responses, and 2048 for challenges

_DIRECTIVE: Final = re.compile(
    r'[ \t\r\n]*(?P<name>[A-Za-z-]+)[ \t\r\n]*=[ \t\r\n]*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<token>[^\s",=]+))'
    r"[ \t\r\n]*(?:,|\Z)",
    re.DOTALL,
)
_BLANK: Final = re.compile(r"[ \t\r\n,]*")
_SEVERAL: Final = frozenset({"realm", "auth-param"})  # may come more than once: the first one counts


def parse_directives(message: bytes) -> dict[str, str]:
    """Directives by name in lower case, their values unquoted. Raises BadSyntax.

    Text is UTF-8 where the message says so (RFC 2831 2.1.1), else ISO 8859-1.
    """
    if len(message) > MESSAGE_LIMIT:
        raise BadSyntax(f"a message of DIGEST-MD5 has at most {MESSAGE_LIMIT} octets")
    found = _read(message.decode("iso-8859-1"))
    if found.get("charset", "utf-8").lower() != "utf-8":
        raise BadSyntax("the only charset to name is utf-8")
    try:
        return _read(message.decode()) if "charset" in found else found
    except UnicodeDecodeError:
        raise BadSyntax("a message that says utf-8 is UTF-8") from None


def _read(text: str) -> dict[str, str]:
    directives: dict[str, str] = {}
    place = _BLANK.match(text).end()  # type: ignore[union-attr]  # matches the empty text too
    while place < len(text):
        match = _DIRECTIVE.match(text, place)
        if match is None:
            raise BadSyntax("a message of DIGEST-MD5 is name=value, apart by commas")
        name, value = match["name"].lower(), match["token"]
        if value is None:
            value = re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL)
        if name in directives and name not in _SEVERAL:
            raise BadSyntax("a directive is given once")
        directives.setdefault(name, value)
        place = _BLANK.match(text, match.end()).end()  # type: ignore[union-attr]
    return directives


def format_directives(directives: Mapping[str, str], *, is_utf8: bool = True) -> bytes:
    """The reverse; values are quoted already where they have to be. Raises BadSyntax for what ISO 8859-1 cannot say."""
    text = ",".join(f"{name}={value}" for name, value in directives.items())
    try:
        return text.encode("utf-8" if is_utf8 else "iso-8859-1")
    except UnicodeEncodeError:
        raise BadSyntax("the server knows only ISO 8859-1, which cannot say this name") from None


def quoted(text: str) -> str:
    """A value in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
