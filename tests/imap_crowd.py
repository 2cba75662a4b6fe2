"""People at one mailbox, each doing what it likes over a connection of its own, and what each was told of it.

A Person holds the server to the rules as it listens (RFC 9051 7.4.1 and 7.5.1: numbers only go when they may;
RFC 7162: who hears VANISHED; RFC 3501 2.3.2: \\Recent to one session only; RFC 9051 2.3.1.1: a UID means one message
for ever), and knows at every moment the UIDs and flags that a mail program would show. In the end all know the same.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

_LITERAL: Final = re.compile(rb"\{(\d+)\}\r\n\Z")
_FLAGS_TOLD: Final = re.compile(r"[( ]FLAGS \(([^)]*)\)")
_UID_TOLD: Final = re.compile(r"[( ]UID (\d+)")
_MODSEQ_TOLD: Final = re.compile(r"[( ]MODSEQ \((\d+)\)")
_SUBJECT_TOLD: Final = re.compile(r"BODY\[TEXT\] \{\d+\}\r\n(body \d+)")
_HIGHEST: Final = re.compile(r"\[HIGHESTMODSEQ (\d+)\]")
_VALIDITY: Final = re.compile(r"\[UIDVALIDITY (\d+)\]")
_FLAGS: Final = ("\\Seen", "\\Flagged", "\\Answered $x", "$Junk \\Seen", "")
# RFC 9051 7.5.1: while these are answered no number may change its meaning.
_NUMBERED: Final = ("FETCH", "STORE", "SEARCH", "SORT", "THREAD")
_EXTENSIONS: Final = ("", "", "CONDSTORE", "QRESYNC", "QRESYNC", "UIDONLY", "UIDONLY QRESYNC", "IMAP4rev2")

MAILBOX: Final = "Crowd"


class Cut(Exception):
    """The server hung up."""


@dataclass
class Wire:
    """A connection: how to read and write octets."""

    read: Callable[[], Awaitable[bytes]]
    write: Callable[[bytes], Awaitable[None]]
    close: Callable[[], None]
    _buffer: bytes = b""

    async def line(self) -> str:
        """The next line with its literals, without its CRLF. Raises Cut."""
        line = b""
        while True:
            piece = await self._until_crlf()
            line += piece
            match = _LITERAL.search(piece)
            if match is None:
                return line[:-2].decode("latin-1")
            while len(self._buffer) < int(match[1]):
                await self._more()
            line += self._buffer[: int(match[1])]
            self._buffer = self._buffer[int(match[1]) :]

    async def _until_crlf(self) -> bytes:
        while b"\r\n" not in self._buffer:
            await self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line + b"\r\n"

    async def _more(self) -> None:
        try:
            data = await self.read()
        except OSError:
            data = b""
        if not data:
            raise Cut
        self._buffer += data


Dial = Callable[[], Awaitable[Wire]]


@dataclass
class Truth:
    """What everybody must agree on: which letter a UID means, and who was first to hear of it."""

    letters: dict[int, str] = field(default_factory=dict)
    recent: dict[int, int] = field(default_factory=dict)
    validity: int = 0
    bodies: itertools.count[int] = field(default_factory=itertools.count)
    sessions: itertools.count[int] = field(default_factory=itertools.count)
    busy: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Message:
    """As the client knows it; a UID of 0 and flags of None: not told."""

    uid: int = 0
    flags: frozenset[str] | None = None
    modseq: int = 0


class Person:
    """A client; `seen` is what it knows, by sequence number less one."""

    def __init__(self, dial: Dial, login: str, truth: Truth, chance: random.Random) -> None:
        self._dial, self._login, self._truth, self._chance = dial, login, truth, chance
        self.extensions = frozenset(chance.choice(_EXTENSIONS).split())
        self.seen: list[Message] = []
        self.modseq = 0
        self.done = 0
        self.cuts = 0
        self.is_told_at_once = False
        self._tags = itertools.count(1)

    # --- the connection ----------------------------------------------------------------------------------

    async def begin(self, *, returning: bool = False) -> None:
        """Connect, log in, and select, until it is done; `returning` with QRESYNC from what it knows."""
        while True:
            try:
                return await self._begin(returning)
            except Cut:
                self.cuts += 1
                self.wire.close()

    async def _begin(self, returning: bool) -> None:
        self.wire = await self._dial()
        assert (await self.wire.line()).startswith("* OK")
        self._session = next(self._truth.sessions)
        await self.ok(f"LOGIN {self._login}")
        if self.extensions:
            await self.ok(f"ENABLE {' '.join(sorted(self.extensions))}")
        known = ",".join(str(one.uid) for one in self.seen if one.uid)
        if returning and "QRESYNC" in self.extensions and known and self.modseq:
            await self._return(list(self.seen), f"(QRESYNC ({self._truth.validity} {self.modseq} {known}))")
        else:
            self.seen, self.modseq = [], 0
            await self.ok(f"SELECT {MAILBOX}")
            await self._notify()
        await self.look()

    async def _notify(self) -> None:
        """RFC 5465 5.3: who is told at once may not use numbers; who is told when it may be, may."""
        which = self._chance.choice(("SELECTED", "SELECTED-DELAYED", "", "", ""))
        self.is_told_at_once = which == "SELECTED"
        if which and not self.is_uid_only:
            await self.ok(f"NOTIFY SET ({which} (MessageNew (UID) MessageExpunge FlagChange))")

    async def _return(self, before: list[Message], how: str) -> None:
        """RFC 7162 3.2.5: what is still there, less what vanished, then what is new."""
        told, result = await self._talk(f"SELECT {MAILBOX} {how}")
        assert result.startswith("OK"), result
        earlier = [line.removeprefix("VANISHED (EARLIER) ") for line in told if line.startswith("VANISHED (")]
        gone = {uid for line in earlier for uid in _uids(line)}
        kept = [one for one in before if one.uid and one.uid not in gone]
        number = next(int(line.split()[0]) for line in told if line.endswith(" EXISTS"))
        assert number >= len(kept), "a message has vanished that nobody told of"
        self.seen = kept + [Message() for _ in range(number - len(kept))]
        for line in told:
            if "FETCH (" in line:
                self.hear(line, "")
            elif highest := _HIGHEST.search(line):
                self.modseq = int(highest[1])

    async def ok(self, command: str) -> list[str]:
        """A command that must succeed: what it was told with it."""
        told, result = await self._told(command)
        assert result.startswith("OK"), (command, result)
        return told

    async def _told(self, command: str) -> tuple[list[str], str]:
        told, result = await self._talk(command)
        for line in told:
            self.hear(line, command)
        assert not result.startswith(("BAD", "BYE")), (command, result)
        return told, result

    async def _talk(self, command: str) -> tuple[list[str], str]:
        tag = await self._send(command)
        return await self._result(tag)

    async def _send(self, command: str) -> str:
        tag = f"t{next(self._tags)}"
        try:
            await self.wire.write(f"{tag} {command}\r\n".encode())
        except OSError:
            raise Cut from None
        return tag

    async def _result(self, tag: str) -> tuple[list[str], str]:
        told: list[str] = []
        while not (line := await self.wire.line()).startswith(f"{tag} "):
            if line.startswith("* BYE"):
                raise Cut
            told.append(line.removeprefix("* "))
        return told, line.removeprefix(f"{tag} ")

    # --- what it hears -----------------------------------------------------------------------------------

    @property
    def is_uid_only(self) -> bool:
        """RFC 9586: it may name no sequence number, and hears of none."""
        return "UIDONLY" in self.extensions

    def may_lose(self, command: str) -> bool:
        """Whether a number may change its meaning while this is answered."""
        return self.is_told_at_once or not command.startswith(_NUMBERED)

    def hear(self, line: str, command: str) -> None:
        """One untagged response."""
        number, _, what = line.partition(" ")
        if what == "EXISTS":
            assert int(number) >= len(self.seen), "EXISTS never shrinks"
            self.seen += [Message() for _ in range(int(number) - len(self.seen))]
        elif what == "EXPUNGE":
            assert not self.extensions & {"QRESYNC", "UIDONLY"}, line
            assert self.may_lose(command), (command, line)
            del self.seen[int(number) - 1]
        elif number == "VANISHED":
            assert self.extensions & {"QRESYNC", "UIDONLY"}, line
            assert self.may_lose(command), (command, line)
            for uid in _uids(what):
                del self.seen[self.seen.index(self._message(uid)) if self.is_uid_only else self._place(uid)]
        elif what.startswith("FETCH ("):
            assert not self.is_uid_only, line
            self._fetched(self.seen[int(number) - 1], what)
        elif what.startswith("UIDFETCH ("):
            assert self.is_uid_only, line
            self._fetched(self._message(int(number)), what)
        elif validity := _VALIDITY.search(line):
            self._truth.validity = self._truth.validity or int(validity[1])
            assert self._truth.validity == int(validity[1])
        elif (highest := _HIGHEST.search(line)) and command.startswith("SELECT"):
            self.modseq = int(highest[1])

    def _fetched(self, message: Message, what: str) -> None:
        if uid := _UID_TOLD.search(what):
            assert message.uid in (0, int(uid[1])), "a number means another message"
            message.uid = int(uid[1])
        if flags := _FLAGS_TOLD.search(what):
            words = frozenset(flags[1].split())
            message.flags = words - {"\\Recent"}
            if "\\Recent" in words and message.uid:
                assert self._truth.recent.setdefault(message.uid, self._session) == self._session, what
        if modseq := _MODSEQ_TOLD.search(what):
            assert int(modseq[1]) >= message.modseq, "a mod-sequence goes back"
            message.modseq = int(modseq[1])
        if (text := _SUBJECT_TOLD.search(what)) and message.uid:
            assert self._truth.letters.setdefault(message.uid, text[1]) == text[1], "a UID means two letters"

    def _message(self, uid: int) -> Message:
        """The one of that UID; where numbers do not count, those whose UID is not told come last."""
        found = next((one for one in self.seen if one.uid == uid), None)
        if found is None:
            found = next((one for one in self.seen if not one.uid), None)
            assert found is not None, "a message is named that nobody told of"
            found.uid = uid
            self.seen.sort(key=lambda one: one.uid or 1 << 32)
        return found

    def _place(self, uid: int) -> int:
        """Where a message is whose UID the client may not have been told: between the UIDs that it knows."""
        before = -1
        for place, one in enumerate(self.seen):
            if one.uid == uid:
                return place
            if 0 < one.uid < uid:
                before = place
        assert before + 1 < len(self.seen), "a message is named that nobody told of"
        assert self.seen[before + 1].uid == 0, "a message is named that nobody told of"
        return before + 1

    # --- what it does ------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Know every UID and all flags."""
        if self.seen:
            await self.ok("UID FETCH 1:* (FLAGS)")

    async def live(self, actions: int) -> None:
        """Do that many things; where the server hangs up, come back and go on."""
        for _ in range(actions):
            try:
                await self.act()
            except Cut:
                self.cuts += 1
                self.wire.close()
                await self.begin(returning=True)
            self.done += 1
            if self.done * 4 > actions:
                self._truth.busy.set()

    async def act(self) -> None:
        """One thing. Raises Cut."""
        action = self._chance.choice(self._actions())
        await action()
        while any(not one.uid for one in self.seen):  # with what it asks, news may come
            await self.look()

    def _actions(self) -> list[Callable[[], Awaitable[object]]]:
        if len(self.seen) < 3:
            return [self._append, self._append, self._idle, self._say_noop]
        common = [self._store, self._fetch, self._search, self._expunge, self._copy, self._say_noop]
        return [*common, *common, self._append, self._append, self._idle, self._pipeline, self._leave]

    def _some(self) -> str:
        """A set of messages, with the command's UID in front where it needs one: "UID %s 3:9"."""
        one, other = self._chance.choice(self.seen), self._chance.choice(self.seen)
        if self.is_uid_only or self.is_told_at_once or self._chance.random() < 0.5:
            return f"UID %s {one.uid}:{other.uid}"
        return f"%s {self._chance.randint(1, len(self.seen))}:{self._chance.randint(1, len(self.seen))}"

    def _a_store(self) -> str:
        how = self._chance.choice(("", "+", "-")) + "FLAGS" + self._chance.choice(("", ".SILENT"))
        since = ""
        if self.extensions & {"CONDSTORE", "QRESYNC"} and self._chance.random() < 0.3:
            since = f" (UNCHANGEDSINCE {self._chance.choice(self.seen).modseq})"
        flags = self._chance.choice((*_FLAGS, "\\Deleted", "\\Deleted"))
        return f"{self._some() % 'STORE'}{since} {how} ({flags})"

    async def _store(self) -> None:
        command = self._a_store()
        await self._told(command)
        if "SILENT" in command:
            self._forget_flags()

    def _forget_flags(self) -> None:
        """It did not want to hear, so it does not know."""
        for one in self.seen:
            one.flags = None

    async def _fetch(self) -> None:
        items = ("(FLAGS)", "(UID BODY.PEEK[TEXT])", "(UID FLAGS BODY[TEXT])", "(UID RFC822.SIZE ENVELOPE)")
        await self._told(f"{self._some() % 'FETCH'} {self._chance.choice(items)}")

    async def _search(self) -> None:
        keys = ("ALL", "UNSEEN", "DELETED", "RETURN (SAVE) FLAGGED", "RETURN (COUNT MAX) SEEN", "TEXT body")
        uid = "UID " if self.is_uid_only or self._chance.random() < 0.5 else ""
        await self.ok(f"{uid}SEARCH {self._chance.choice(keys)}")

    async def _expunge(self) -> None:
        chance = self._chance.random()
        if self.is_uid_only or chance < 0.4:
            await self.ok(f"UID EXPUNGE {self._chance.choice(self.seen).uid}:*")
        else:
            await self.ok("EXPUNGE")

    async def _copy(self) -> None:
        verb = self._chance.choice(("COPY", "MOVE", "MOVE"))
        one = self._chance.choice(self.seen).uid
        await self._told(f"UID {verb} {one} {self._chance.choice((MAILBOX, 'Archive'))}")

    async def _append(self) -> None:
        more = "".join(self._letter() for _ in range(self._chance.randint(1, 3)))
        await self.ok(f"APPEND {MAILBOX}{more}")

    def _letter(self) -> str:
        text = f"Subject: {self._session}\r\n\r\nbody {next(self._truth.bodies)}\r\n"
        return f" ({self._chance.choice(_FLAGS)}) {{{len(text)}+}}\r\n{text}"

    async def _say_noop(self) -> None:
        await self.ok("NOOP")

    async def _idle(self) -> None:
        tag = await self._send("IDLE")
        while not (line := await self.wire.line()).startswith("+"):
            self.hear(line.removeprefix("* "), "IDLE")
        for _ in range(self._chance.randint(0, 30)):
            await asyncio.sleep(0)
        await self.wire.write(b"DONE\r\n")
        told, _ = await self._result(tag)
        for line in told:
            self.hear(line, "IDLE")

    async def _pipeline(self) -> None:
        """Several commands in one go; all by UID, so that none needs the result of another."""
        uid = self._chance.choice(self.seen).uid
        commands = [
            f"UID STORE {uid} +FLAGS (\\Flagged)",
            f"UID FETCH {uid}:* (FLAGS)",
            f"UID STORE {uid} -FLAGS (\\Flagged)",
            "NOOP",
        ]
        tags = [await self._send(command) for command in commands]
        for tag, command in zip(tags, commands, strict=True):
            told, result = await self._result(tag)
            assert result.startswith(("OK", "NO")), (command, result)
            for line in told:
                self.hear(line, command)

    async def _leave(self) -> None:
        """Go, in order or without a word, and come back later."""
        if self._chance.random() < 0.5:
            with suppress(Cut):
                await self._talk("LOGOUT")
        self.wire.close()
        await self.begin(returning=True)

    # --- in the end --------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Hear all there is; nobody does anything any more."""
        try:
            await self.ok("NOOP")
        except Cut:
            await self.begin(returning=True)
        while any(not one.uid for one in self.seen):
            await self.look()


def _uids(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition(":")
        found += range(int(low), int(high or low) + 1)
    return found


Meanwhile = Callable[[], Awaitable[None]]


async def crowd(
    dial: Dial, login: str, seed: int, people: int, actions: int, meanwhile: Meanwhile | None = None
) -> list[Person]:
    """People do things at once; in the end all know what is there. Gives them, the last of whom has just come.

    meanwhile   what happens when they are busy.
    """
    chance, truth = random.Random(seed), Truth()
    all_ = [Person(dial, login, truth, random.Random(chance.random())) for _ in range(people)]
    for one in all_:
        await one.begin()
    living = [asyncio.create_task(one.live(actions)) for one in all_]
    if meanwhile is not None:
        await truth.busy.wait()
        await meanwhile()
    await asyncio.gather(*living)
    for one in all_:
        await one.settle()
    fresh = Person(dial, login, truth, chance)
    fresh.extensions = frozenset()
    await fresh.begin()
    for one in all_:
        _agree(one, fresh)
    status = await fresh.ok(f"STATUS {MAILBOX} (MESSAGES UNSEEN DELETED)")
    flags = [one.flags or frozenset() for one in fresh.seen]
    unseen, deleted = (
        sum(map(test, flags)) for test in (lambda f: "\\Seen" not in f, lambda f: "\\Deleted" in f)
    )
    assert f"(MESSAGES {len(flags)} UNSEEN {unseen} DELETED {deleted})" in " ".join(status)
    for one in (*all_, fresh):
        one.wire.close()
    return [*all_, fresh]


def _agree(one: Person, fresh: Person) -> None:
    assert [message.uid for message in one.seen] == [message.uid for message in fresh.seen], one.extensions
    for known, there in zip(one.seen, fresh.seen, strict=True):
        assert known.flags in (None, there.flags), (one.extensions, known, there)
