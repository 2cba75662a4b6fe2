r"""The POP3 server machine as a role in transcripts.

Settings (`with:`) are fields of Pop3Options and Pop3Limits by name. `message1 = Subject: x\r\n\r\nbody\r\n`,
`message2 = ...` fill the maildrop, in the escapes of `C|` lines; `needs_utf8 = 2` marks some of them. Answers are
names from postel.proto.pop3 (MAILDROP_IN_USE), `LoggedIn`, or `+ text` for a SASL challenge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from postel.proto import pop3
from postel.testing.transcript.parse import unescape

HOSTNAME: Final = "pop.example.org"
_LIMITS: Final = frozenset(field.name for field in fields(pop3.Pop3Limits))
_OPTIONS: Final = frozenset(field.name for field in fields(pop3.Pop3Options))


@dataclass(frozen=True, slots=True)
class Update:
    """The event of that name, as transcripts write it: numbers with blanks between."""

    numbers: str


class Pop3Role:
    """A server named pop.example.org that lets in whoever knows `sesame`, and says yes to everything else."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self.talk = pop3.Pop3Server(options_of(settings))
        self._contents: list[bytes] = []
        while (text := settings.get(f"message{len(self._contents) + 1}")) is not None:
            self._contents.append(unescape(text))

    def watch(self, event: Any) -> tuple[Any, ...]:
        """Every event but the one that only says the peer is awake."""
        match event:
            case pop3.Answered() | pop3.Flush() | pop3.Over():
                return ()
            case pop3.Update(numbers):
                return (Update(" ".join(map(str, numbers))),)
            case _:
                return (event,)

    def answer(self, event: Any, answer: str | None) -> None:
        """By name, as a challenge, or the default; a message that is wanted follows at once."""
        given = self._default(event) if answer is None else self._named(answer)
        self.talk.answer(given)
        if isinstance(event, pop3.Retrieve) and isinstance(given, pop3.Ok):
            self._send(self._contents[event.number - 1])

    def tls_started(self) -> None:
        """The handshake is done: passwords may be told now."""
        settings = {**self._settings, "offers_stls": "no", "offers_plaintext": "yes", "mechanisms": "PLAIN"}
        self.talk.tls_started(options_of(settings))

    def _named(self, answer: str) -> pop3.Answer:
        if answer == "LoggedIn":
            return self._logged_in()
        if answer.startswith("+"):
            return pop3.Challenge(answer[1:].strip().encode())
        named: pop3.Answer = getattr(pop3, answer)
        return named

    def _default(self, event: Any) -> pop3.Answer:
        match event:
            case pop3.Connected() | pop3.StartTls() | pop3.Retrieve() | pop3.Update():
                return pop3.Ok()
            case pop3.Login(_, "sesame"):
                return self._logged_in()
            case pop3.Login() | pop3.Apop() | pop3.Auth() | pop3.AuthResponse():
                return pop3.LOGIN_FAILED
            case _:
                return None

    def _logged_in(self) -> pop3.LoggedIn:
        marked = self._settings.get("needs_utf8", "").split()
        return pop3.LoggedIn(
            [
                pop3.DropMessage(len(content), f"uid-{number}", str(number) in marked)
                for number, content in enumerate(self._contents, 1)
            ]
        )

    def _send(self, content: bytes) -> None:
        for start in range(0, len(content), 5):
            if self.talk.wants_content:
                self.talk.content(content[start : start + 5])
        self.talk.end_content()


def options_of(settings: Mapping[str, str]) -> pop3.Pop3Options:
    """The options that a transcript's `with:` lines ask for; plaintext login is offered unless they say no."""
    limits = {name: int(value) for name, value in settings.items() if name in _LIMITS}
    options = {name: _setting(name, value) for name, value in settings.items() if name in _OPTIONS}
    usual = {"hostname": HOSTNAME, "offers_plaintext": True, "mechanisms": ("PLAIN",)}
    return pop3.Pop3Options(**{**usual, **options, "limits": pop3.Pop3Limits(**limits)})


def _setting(name: str, value: str) -> Any:
    if name == "mechanisms":
        return tuple(value.split())
    if name in ("expire_days", "login_delay_s"):
        return int(value)
    return {"yes": True, "no": False}.get(value, value)
