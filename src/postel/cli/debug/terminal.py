"""A session by hand: the person types, the server's words are explained.

Gives       by_hand, HELP.

Lines go to the server as they are typed. What TLS, a login or the content need is done: after the 220 to STARTTLS comes
the handshake, after the 354 all lines up to the lone dot are content, after BDAT so many octets of what is typed.
"""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

from postel.cli.debug.guide import start_tls
from postel.cli.debug.login import Login, log_in
from postel.cli.debug.talk import Talk, verb_of
from postel.proto.smtp import CONTENT
from postel.tls import ClientTls

HELP: Final = """\
Type commands as the server is to read them. Words for us:
  /login USER [MECHANISM]   log in; the password is asked for
  /help                     this
  /close                    hang up without QUIT; so does the end of the input"""

_BDAT: Final = re.compile(r"BDAT\s+(\d{1,9})(?:\s+LAST)?\s*", re.IGNORECASE)
_PROMPT: Final = "            > "

ReadLine = Callable[[], str]


async def by_hand(talk: Talk, context: ClientTls) -> None:
    """Until QUIT, the end of the input, or the server's end. Raises TalkOver."""
    await talk.greeting()
    talk.note("type commands; /help says what else can be typed")
    read = _reader()
    accepted = 0  # recipients of the transaction: LMTP answers for each
    while line := read():
        await talk.unasked()
        line = line.rstrip("\r\n")
        verb = verb_of(line)
        if line.startswith("/"):
            if not await _word_for_us(talk, line):
                break
        elif verb == "QUIT":
            await talk.quit()
            return
        elif verb == "STARTTLS":
            await start_tls(talk, context)
        elif match := _BDAT.fullmatch(line):
            await _chunk(talk, line, int(match[1]), read, accepted)
        elif line:
            answer = await talk.ask(line)
            accepted = 0 if verb == "MAIL" else accepted + (verb == "RCPT" and answer.is_positive)
            await _go_on(talk, verb, answer.code, read, accepted)
    await talk.close()


async def _go_on(talk: Talk, verb: str, code: int | None, read: ReadLine, accepted: int) -> None:
    """What a reply asks for: content after 354, responses after 334."""
    while code == 334 and (line := read()):
        code = (await talk.ask(line.rstrip("\r\n"), is_response=True)).code
    if code == 354 and verb == "DATA":
        await talk.say_content(_content(read))
        for _ in range(max(accepted, 1) if talk.scene.is_lmtp else 1):
            await talk.hear(CONTENT)


def _content(read: ReadLine) -> bytes:
    """All lines up to the lone dot, which is added where the input ends before."""
    lines: list[str] = []
    while (line := read()) and line.rstrip("\r\n") != ".":
        lines.append(line.rstrip("\r\n"))
    return "".join(f"{line}\r\n" for line in (*lines, ".")).encode("utf-8", "surrogateescape")


async def _chunk(talk: Talk, line: str, size: int, read: ReadLine, accepted: int) -> None:
    data = b""
    while len(data) < size and (more := read()):
        data += more.rstrip("\r\n").encode("utf-8", "surrogateescape") + b"\r\n"
    await talk.say(line)
    await talk.say_content(data[:size], is_chunk=True)
    is_last = line.upper().rstrip().endswith("LAST")
    for _ in range(max(accepted, 1) if talk.scene.is_lmtp and is_last else 1):
        await talk.hear("BDAT")


async def _word_for_us(talk: Talk, line: str) -> bool:
    """Whether the session goes on."""
    word, *rest = line.split()
    match word, rest:
        case "/login", [user, *mechanism]:
            password = str(click.prompt("Password", hide_input=True, err=True))
            login = Login(user, password, mechanism[0] if mechanism else None)
            await log_in(talk, login)
        case "/close", []:
            return False
        case _:
            click.echo(HELP)
    return True


def _reader() -> ReadLine:
    is_terminal = sys.stdin.isatty()

    def read() -> str:
        if is_terminal:
            click.echo(_PROMPT, nl=False)
        with _interruptible(is_terminal):
            return sys.stdin.readline()

    return read


@contextmanager
def _interruptible(is_terminal: bool) -> Iterator[None]:
    """The loop takes Ctrl-C for itself, and would not see it before the line is typed."""
    if not is_terminal:
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        sys.stdout.flush()
