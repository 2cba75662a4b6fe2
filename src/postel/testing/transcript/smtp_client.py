"""The players with the roles swapped: the S lines drive the client machine, and what it says must be the C lines.

Gives       SmtpClientPlayer, CLIENT_PLAYERS.

The form is that of every transcript, read from the client's side:

    S 220 ...                            what the server says, to the letter
    = Greeting(220) -> hello             an event that the shell must see, and the steps that it takes then
    = nothing -> hello                   steps without an event
    C EHLO mail.drag.net                 what the client must say
    silence                              the server says nothing until the timeout
    ! MAIL                               from here on no line of the client begins like this

Steps, several joined by " ; ":  hello | start_tls | login NAME PASSWORD MECHANISM | reset | quit | content TEXT | end
    command LINE | turn LINE
    transact FROM TO... KEYWORD=VALUE... size=OCTETS      FROM may be <>; +KEYWORD=VALUE belongs to the TO before it
Settings: `hostname`, `lmtp = yes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from postel.mail import Envelope, Recipient, Reply, parse_forward_path, parse_reverse_path
from postel.proto import NEED_DATA, PAUSED, sasl, smtp
from postel.testing.transcript.parse import (
    ClientSays,
    Closes,
    Never,
    Sees,
    ServerSays,
    Silence,
    StartsTls,
    Step,
    Transcript,
    unescape,
)
from postel.testing.transcript.players import AtOnce, Bytewise, RandomSplits, WholeLines
from postel.testing.transcript.stage import Mismatch

Cut = Callable[[list[bytes]], Iterable[bytes]]


class SmtpClientPlayer:
    """Acts the server's lines to a client machine; a turn's octets are cut by `cut`."""

    def __init__(self, name: str, cut: Cut) -> None:
        self.name = name
        self._cut = cut

    def play(self, transcript: Transcript) -> None:
        """Raises Mismatch where the performance differs."""
        stage = _Stage(transcript)
        turn: list[bytes] = []
        for step in transcript.steps:
            if isinstance(step, ServerSays):
                turn.append(step.pattern.encode() + b"\r\n")
                continue
            stage.feed(self._cut(turn))
            turn = []
            stage.act(step)
        stage.feed(self._cut(turn))
        stage.demand_quiet()


class _Stage:
    """One client machine, and what it has said and not been asked about yet."""

    def __init__(self, transcript: Transcript) -> None:
        settings = transcript.settings
        hostname = settings.get("hostname", "mail.drag.net")
        self._client = smtp.SmtpClient(
            smtp.ClientOptions(hostname=hostname, is_lmtp=settings.get("lmtp") == "yes")
        )
        self._name = transcript.name
        self._said = b""
        self._never: tuple[str, ...] = ()
        self._line = 0

    def feed(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._client.receive(piece)

    def act(self, step: Step) -> None:
        self._line = step.line + 1
        match step:
            case ClientSays():
                self._demand_said(step.data)
            case Sees():
                self._demand_event(step)
            case Never():
                self._never = (*self._never, step.prefix)
            case StartsTls():
                self._client.tls_started()
            case Silence():
                self._client.timed_out()
            case Closes(side="server"):
                self._client.receive(b"")
            case _:
                if not self._client.over:
                    self._complain("the client is not over")

    def demand_quiet(self) -> None:
        self._hear_client()
        if self._said:
            self._complain(f"the client also says {self._said!r}")
        if (event := self._next_event()) is not None:
            self._complain(f"the shell also sees {describe(event)}")

    def _hear_client(self) -> None:
        data = self._client.data_to_send()
        for line in data.decode().splitlines():
            if line.startswith(self._never) and self._never:
                self._complain(f"the client says {line!r}")
        self._said += data

    def _demand_said(self, data: bytes) -> None:
        self._hear_client()
        if not self._said.startswith(data):
            self._complain(f"the client says {self._said!r}, not {data!r}")
        self._said = self._said[len(data) :]

    def _demand_event(self, step: Sees) -> None:
        event = None if step.pattern == "nothing" else self._next_event()
        shown = "nothing" if event is None else describe(event)
        if not re.fullmatch(".*".join(map(re.escape, step.pattern.split("..."))), shown):
            self._complain(f"the shell sees {shown}, not {step.pattern}")
        for words in (step.answer or "").split(" ; "):
            if words:
                take_step(self._client, words)

    def _next_event(self) -> smtp.ClientEvent | None:
        if self._client.over:
            return None
        event = self._client.next_event()
        return None if event is NEED_DATA or event is PAUSED else event

    def _complain(self, text: str) -> None:
        raise Mismatch(f"{self._name}:{self._line}: {text}")


def describe(event: smtp.ClientEvent) -> str:
    """An event as transcripts write it: its name, and in brackets reply codes, keywords, or the reason."""
    match event:
        case smtp.HelloDone(offered):
            inner = " ".join(sorted(offered.keywords))
        case smtp.TransactionDone(replies):
            inner = _codes(replies)
        case smtp.ContentWanted(offset):
            inner = f"from {offset}" if offset else ""
        case smtp.PartlyAccepted(replies):
            inner = _codes(replies)
        case smtp.SessionLost(_, because, replies):
            inner = f"{_codes(replies)}: {because}" if replies else because
        case smtp.Greeting(reply) | smtp.HelloRefused(reply) | smtp.TlsRefused(reply) | smtp.LoginDone(reply):
            inner = str(reply.code)
        case smtp.CommandDone(reply) | smtp.TurnDone(reply):
            inner = str(reply.code)
        case _:
            inner = ""
    return f"{type(event).__name__}({inner})" if inner else type(event).__name__


def _codes(replies: Iterable[Reply | None]) -> str:
    return " ".join("-" if reply is None else str(reply.code) for reply in replies)


def take_step(client: smtp.SmtpClient, words: str) -> None:
    """Take one step, written as transcripts write it. Raises ValueError for what is none."""
    verb, _, rest = words.strip().partition(" ")
    match verb:
        case "hello" | "start_tls" | "reset" | "quit":
            getattr(client, verb)()
        case "login":
            name, password, mechanism_name = rest.split()
            mechanism = sasl.find_mechanism(mechanism_name)
            if mechanism is None:
                raise ValueError(f"no mechanism {mechanism_name}")
            client.login(sasl.ClientExchange(mechanism, sasl.Credentials(name, password)))
        case "transact":
            client.transact(*_envelope(rest.split()))
        case "command":
            client.command(rest)
        case "turn":
            client.turn(rest)
        case "content":
            client.content(unescape(rest))
        case "end":
            client.end_content()
        case _:
            raise ValueError(f"no step of a client: {words}")


def _envelope(words: list[str]) -> tuple[Envelope, int | None]:
    of, *rest = words
    to: list[tuple[str, dict[str, str | None]]] = []
    for word in rest:
        if word.startswith("+"):
            keyword, _, value = word[1:].partition("=")
            to[-1][1][keyword] = value or None
        elif not _is_setting(word):
            to.append((word, {}))
    settings = [word.partition("=") for word in rest if _is_setting(word)]
    size = next((int(value) for key, _, value in settings if key == "size"), None)
    envelope = Envelope(
        parse_reverse_path("<>" if of == "<>" else f"<{of}>"),
        tuple(Recipient(parse_forward_path(f"<{path}>"), parameters) for path, parameters in to),
        {key: value or None for key, _, value in settings if key != "size"},
    )
    return envelope, size


def _is_setting(word: str) -> bool:
    """A parameter of MAIL, or the size; an address may hold a = in its local part."""
    has_value = "=" in word and not word.startswith("+")
    return has_value and ("@" not in word or word.startswith("TRANSID="))


CLIENT_PLAYERS: Final = tuple(
    SmtpClientPlayer(f"client, {player.name}", player.cut)
    for player in (WholeLines(), Bytewise(), AtOnce(), RandomSplits(1), RandomSplits(2))
)
