"""A shell without a network: answers the machine's events from a dict of passwords and a list of messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from postel.proto import NEED_DATA, PAUSED, pop3


@dataclass
class Shell:
    """Plays one session. `events` are all events in order, `sent` all octets."""

    machine: pop3.Pop3Server
    contents: Sequence[bytes] = ()
    answers: dict[type, Any] = field(default_factory=dict)
    chunk_size: int = 7
    events: list[Any] = field(default_factory=list)
    sent: bytearray = field(default_factory=bytearray)
    needs_utf8: frozenset[int] = frozenset()

    def say(self, data: bytes) -> bytes:
        """Give octets to the machine and run it until it needs more; what it sent since."""
        self.machine.receive(data)
        return self.run()

    def run(self) -> bytes:
        before = len(self.sent)
        while not self.machine.over:
            event = self.machine.next_event()
            if event is NEED_DATA or event is PAUSED:
                break
            self._take(event)
        self.sent += self.machine.data_to_send()
        return bytes(self.sent[before:])

    def _take(self, event: Any) -> None:
        if isinstance(event, pop3.Flush):
            self.sent += self.machine.data_to_send()
            return
        if isinstance(event, pop3.Answered | pop3.Over):
            return
        self.events.append(event)
        answer = self.answers.get(type(event), self._usual(event))
        self.machine.answer(answer)
        if isinstance(event, pop3.Retrieve) and isinstance(answer, pop3.Ok):
            self._retrieve(self.contents[event.number - 1])

    def _usual(self, event: Any) -> Any:
        match event:
            case pop3.Connected() | pop3.StartTls() | pop3.Retrieve() | pop3.Update():
                return pop3.Ok()
            case pop3.Login(_, "sesame"):
                return self.logged_in()
            case pop3.Auth(_, None):
                return pop3.Challenge(b"")
            case pop3.Auth(_, b"\0kitt\0sesame") | pop3.AuthResponse(b"\0kitt\0sesame"):
                return self.logged_in()
            case pop3.Misbehaved() | pop3.AuthCancelled():
                return None
            case _:
                return pop3.LOGIN_FAILED

    def logged_in(self) -> pop3.LoggedIn:
        return pop3.LoggedIn(
            [
                pop3.DropMessage(len(content), f"7-{number}", number in self.needs_utf8)
                for number, content in enumerate(self.contents, 1)
            ]
        )

    def _retrieve(self, content: bytes) -> None:
        for chunk in chunks(content, self.chunk_size):
            if not self.machine.wants_content:
                break
            self.machine.content(chunk)
            self.sent += self.machine.data_to_send()
        self.machine.end_content()

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def connect(*contents: bytes, options: dict[str, Any] | None = None, **more: Any) -> Shell:
    """A session that has greeted; plaintext login and PLAIN are offered unless `options` say otherwise."""
    offered = {"hostname": "pop.free.org", "offers_plaintext": True, "mechanisms": ("PLAIN",)}
    shell = Shell(pop3.Pop3Server(pop3.Pop3Options(**{**offered, **(options or {})})), contents, **more)
    shell.run()
    return shell


def log_in(*contents: bytes, **more: Any) -> Shell:
    """A session in the TRANSACTION state."""
    shell = connect(*contents, **more)
    assert shell.say(b"USER kitt\r\nPASS sesame\r\n").count(b"+OK") == 2
    return shell
