"""Put letters into two IMAP servers, and say where the two disagree about them:

    python tools/compare_letters.py FOLDER imap://ann:secret@127.0.0.1:143 imap://ann:secret@127.0.0.2:143

FOLDER holds letters, one in each file, or mbox files. Each server gets a mailbox of its own for the letters, which is
deleted at the end. Compared are the octets of each letter with its file, and between the servers RFC822.SIZE, ENVELOPE,
BODYSTRUCTURE, BODY, every part with its MIME header, some header fields, and what SEARCH finds in fields.

Status 0: the octets are the same and the servers agree; 1: what they differ in was printed. Passwords in arguments can
be read by everybody on the machine: use accounts made for this.
"""

from __future__ import annotations

import mailbox
import re
import socket
import ssl
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

PATIENCE_S: Final = 300.0
AT_ONCE: Final = 50  # letters that are sent before their answers are read
PARTS: Final = 20  # of one letter that are compared
FIELDS: Final = (b"SUBJECT", b"FROM", b"TO", b"CC")
SEARCHES: Final = 300
BOX: Final = b'"compare letters"'

_NEXT: Final = re.compile(
    rb' *(?:(?P<open>\()|(?P<close>\))|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<eight>~?)\{(?P<size>\d+)\}\r\n'
    rb'|(?P<atom>[^ ()"{\r\n]+))',
    re.DOTALL,
)
_SECTION: Final = re.compile(rb" ?(BODY\[[^\]]*\])(?:<\d+>)? ")
_LITERAL: Final = re.compile(rb"\{(\d+)\}\r\n\Z")


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it is sent: its lines end in CRLF."""

    name: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """What two servers do not agree about."""

    letter: str
    what: str
    first: Any
    second: Any

    def __str__(self) -> str:
        return (
            f"{self.letter}: {self.what}\n    first:  {_short(self.first)}\n    second: {_short(self.second)}"
        )


def letters_in(folder: Path) -> Iterator[Letter]:
    """All letters below a folder, by name; files that begin as a mbox does are taken apart."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        octets = path.read_bytes()
        if octets.startswith(b"From "):
            box = mailbox.mbox(path, create=False)
            for number, key in enumerate(box.keys(), 1):
                yield Letter(f"{name} {number}", with_crlf(box.get_bytes(key)))
            box.close()
        else:
            yield Letter(name, with_crlf(octets))


def with_crlf(octets: bytes) -> bytes:
    """Every line end is CRLF, as IMAP has it; NULs, which it does not allow, are gone."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", octets.replace(b"\0", b""))


class Server:
    """A session with an IMAP server, in a mailbox made for it."""

    def __init__(self, url: str) -> None:
        """Connect and log in. Raises OSError, ValueError for what the server refuses."""
        parts = urlsplit(url)
        port = parts.port or (993 if parts.scheme == "imaps" else 143)
        self._socket = socket.create_connection((parts.hostname or "", port), timeout=PATIENCE_S)
        if parts.scheme == "imaps":
            self._socket = ssl._create_unverified_context().wrap_socket(self._socket)
        self._file = self._socket.makefile("rb")
        self._file.readline()
        self.ask(
            b"LOGIN %b %b" % (_quoted(unquote(parts.username or "")), _quoted(unquote(parts.password or "")))
        )
        self._ends = 0

    def close(self) -> None:
        """The mailbox is deleted, the session ends."""
        self.ask(b"UNSELECT")
        self.ask(b"DELETE " + BOX)
        self._file.close()
        self._socket.close()

    def fill(self, letters: Sequence[Letter]) -> list[str]:
        """Upload the letters into a new mailbox and select it; the answer to each that was refused."""
        self._send(b"a CREATE " + BOX + b"\r\n")
        self._answers()
        refused = []
        for letter in letters:
            self._send(b"a APPEND %b {%d}\r\n" % (BOX, len(letter.octets)))
            line = self._file.readline()
            if line.startswith(b"+"):
                self._send(letter.octets + b"\r\n")
                line, _ = self._answers()
            if not line.startswith(b"a OK"):
                refused.append(f"{letter.name}: {line.decode('utf-8', 'replace').strip()}")
        self.ask(b"SELECT " + BOX)
        return refused

    def ask(self, command: bytes) -> list[bytes]:
        """The untagged answers, with their literals. Raises ValueError where the command is refused."""
        self._send(b"a " + command + b"\r\n")
        line, answers = self._answers()
        if not line.startswith(b"a OK"):
            raise ValueError(f"{command[:200]!r}: {line!r}")
        return answers

    def fetch(self, numbers: bytes, items: bytes) -> dict[int, dict[str, Any]]:
        """Items by message number and item."""
        found: dict[int, dict[str, Any]] = {}
        for line in self.ask(b"FETCH %b (%b)" % (numbers, items)):
            number, _, _ = line[2:].partition(b" ")
            found.setdefault(int(number), {}).update(_items(line[line.index(b"(") + 1 :]))
        return found

    def _send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def _answers(self) -> tuple[bytes, list[bytes]]:
        answers = []
        while not (line := self._file.readline()).startswith(b"a "):
            if not line:
                raise ValueError("the server has hung up")
            while literal := _LITERAL.search(line):
                line += self._file.read(int(literal[1])) + self._file.readline()
            answers.append(line)
        return line, answers


def compare(letters: Sequence[Letter], one: Server, other: Server) -> Iterator[Difference]:
    """Everything that differs. Both have taken the letters, all of them."""
    for number, letter in enumerate(letters, 1):
        yield from _octets(letter, number, one, other)
    for start in range(1, len(letters) + 1, AT_ONCE):
        yield from _structures(letters, start, min(start + AT_ONCE - 1, len(letters)), one, other)
    yield from _searches(letters, one, other)


def _octets(letter: Letter, number: int, one: Server, other: Server) -> Iterator[Difference]:
    for server, which in ((one, "first"), (other, "second")):
        found = server.fetch(b"%d" % number, b"RFC822.SIZE BODY.PEEK[]")[number]
        if found["BODY[]"] != letter.octets:
            yield Difference(
                letter.name, f"BODY[] of the {which} is not the file", letter.octets, found["BODY[]"]
            )
        if found["RFC822.SIZE"] != str(len(letter.octets)):
            yield Difference(
                letter.name, f"RFC822.SIZE of the {which}", len(letter.octets), found["RFC822.SIZE"]
            )


def _structures(
    letters: Sequence[Letter], first: int, last: int, one: Server, other: Server
) -> Iterator[Difference]:
    some = b"%d:%d" % (first, last)
    items = b"ENVELOPE BODYSTRUCTURE BODY"
    ours, theirs = one.fetch(some, items), other.fetch(some, items)
    for number in range(first, last + 1):
        name = letters[number - 1].name
        for item in items.decode().split():
            for where, *pair in differences_of(ours[number][item], theirs[number][item], item):
                yield Difference(name, where, *pair)
        if _plain(ours[number]["BODY"]) == _plain(theirs[number]["BODY"]):
            yield from _sections(name, number, ours[number]["BODY"], one, other)


def _sections(name: str, number: int, body: Any, one: Server, other: Server) -> Iterator[Difference]:
    names = [b"HEADER", b"TEXT", b"HEADER.FIELDS (From To Subject Date)", b"HEADER.FIELDS.NOT (Received To)"]
    for part in list(numbers_of(body))[:PARTS]:
        names += [part, part + b".MIME", part + b".HEADER", part + b".TEXT"]
    items = b" ".join(b"BODY.PEEK[%b]" % section for section in names)
    ours, theirs = (server.fetch(b"%d" % number, items)[number] for server in (one, other))
    for item, found in ours.items():
        if not is_same(found, theirs[item]):
            yield Difference(name, item, found, theirs[item])


def is_same(one: bytes | None, other: bytes | None) -> bool:
    """A section that is not there is NIL or empty. An empty line between a header and a boundary behind it may
    belong to either, and a header with nothing behind it may be given one.
    """
    return (one or b"").rstrip(b"\r\n") == (other or b"").rstrip(b"\r\n")


def numbers_of(body: Any, before: bytes = b"", *, is_message: bool = True) -> Iterator[bytes]:
    """The part numbers in a BODY, outermost first (RFC 9051 6.4.5.1)."""
    if isinstance(body[0], list):
        parts = [part for part in body if isinstance(part, list)]
        for number, part in enumerate(parts, 1):
            yield before + b"%d" % number
            yield from numbers_of(part, before + b"%d." % number, is_message=False)
    elif is_message:
        yield before + b"1"
        yield from numbers_of(body, before + b"1.", is_message=False)
    elif (body[0].lower(), body[1].lower()) == (b"message", b"rfc822") and len(body) > 8:
        yield from numbers_of(body[8], before)


def _searches(letters: Sequence[Letter], one: Server, other: Server) -> Iterator[Difference]:
    """What a field of a letter says must find it, in both servers, and the same others."""
    step = max(1, len(letters) * len(FIELDS) // SEARCHES)
    for number in range(1, len(letters) + 1, step):
        for field in FIELDS:
            for word in _words(letters[number - 1].octets, field):
                command = b"SEARCH HEADER %b %b" % (field, _quoted(word))
                ours, theirs = one.ask(command)[0].split()[2:], other.ask(command)[0].split()[2:]
                if ours != theirs:
                    alone = (
                        _named(set(ours) - set(theirs), letters),
                        _named(set(theirs) - set(ours), letters),
                    )
                    yield Difference(letters[number - 1].name, f"{command.decode()} finds alone", *alone)


def _named(numbers: set[bytes], letters: Sequence[Letter]) -> list[str]:
    return [letters[number - 1].name for number in sorted(map(int, numbers))]


def _words(octets: bytes, field: bytes) -> list[str]:
    """The longest word of a field, if it is plain."""
    head = octets.partition(b"\r\n\r\n")[0]
    match = re.search(rb"(?im)^%b:([^\r\n]*)" % field, head)
    words = re.findall(rb"[A-Za-z0-9]{4,40}", match[1]) if match and b"=?" not in match[1] else []
    return [max(words, key=len).decode()] if words else []


def differences_of(one: Any, other: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ, as deep inside as can be told. Blanks around a value mean nothing, nor does case."""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True), 1):
            yield from differences_of(*pair, f"{where}.{number}")
    elif _plain(one) != _plain(other):
        yield where, one, other


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.strip().lower() if isinstance(value, bytes) else value


def read_value(octets: bytes, at: int = 0, *, takes_literal8: bool = False) -> tuple[Any, int]:
    """The IMAP value that begins there, and where it ends: lists, octets, None for NIL, text for atoms.

    Raises ValueError.
    """
    waiting: list[list[Any]] = [[]]
    while True:
        match = _NEXT.match(octets, at)
        if match is None or (match["eight"] and not takes_literal8):
            raise ValueError(f"no IMAP value: {octets[at : at + 40]!r}")
        at = match.end()
        if match["open"]:
            waiting.append([])
            continue
        value: Any
        if match["close"]:
            value = waiting.pop()
        elif match["quoted"]:
            value = re.sub(rb"\\(.)", rb"\1", match["quoted"][1:-1], flags=re.DOTALL)
        elif match["size"]:
            at += int(match["size"])
            value = octets[at - int(match["size"]) : at]
        else:
            value = None if match["atom"] == b"NIL" else match["atom"].decode()
        waiting[-1].append(value)
        if len(waiting) == 1:
            return waiting[0][0], at


def _items(octets: bytes) -> dict[str, Any]:
    found, at = {}, 0
    while not octets.startswith(b")", at):
        match = _SECTION.match(octets, at)
        if match is not None:
            name, at = match[1].decode(), match.end()
        else:
            name, at = read_value(octets, at)
        found[name.upper()], at = read_value(octets, at, takes_literal8=True)
    return found


def _quoted(text: str) -> bytes:
    return b'"%b"' % text.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 600 else f"{text[:600]}… ({len(text)} characters)"


def main(folder: str, *urls: str) -> int:
    """Compare two servers, and print where they differ."""
    letters = list(letters_in(Path(folder)))
    servers = [Server(url) for url in urls]
    for url, server in zip(urls, servers, strict=True):
        if refused := server.fill(letters):
            print(
                f"{urlsplit(url).hostname} refused letters, so nothing is compared:", *refused, sep="\n    "
            )
            return 1
    differences = 0
    for difference in compare(letters, *servers):
        differences += 1
        print(difference)
    for server in servers:
        server.close()
    print(f"{len(letters)} letters, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 4 else __doc__)
