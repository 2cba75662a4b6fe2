"""What a mail program asks of a mailbox, of Postel and of Dovecot: the first time, and again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from bench.contenders.imap_servers import IMAP_SERVERS, PASSWORD, USER, served
from bench.load.imap import Client, letter
from bench.options import Options
from bench.results import Quantity, Results

_COLUMNS: Final = (
    Quantity("first_ms", "first ms", 1, "less"),
    Quantity("again_ms", "again ms", 1, "less"),
)
_AT_ONCE: Final = 100  # letters in one APPEND
_ALONE: Final = 300  # fetched, or put in, one after another

_QUESTIONS: Final = (
    ("SELECT", b"SELECT INBOX"),
    ("flags of all", b"FETCH 1:* (FLAGS)"),
    ("UID FLAGS date size of all", b"FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)"),
    ("ENVELOPE of all", b"FETCH 1:* (ENVELOPE)"),
    ("BODYSTRUCTURE of all", b"FETCH 1:* (BODYSTRUCTURE)"),
    ("four header fields of all", b"FETCH 1:* (BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])"),
    ("BODY[] of all", b"FETCH 1:* (BODY.PEEK[])"),
    ("SEARCH TEXT", b"SEARCH TEXT seldom"),
    ("SEARCH BODY", b"SEARCH BODY seldom"),
    ("SEARCH SUBJECT", b"SEARCH SUBJECT karur"),
    ("SEARCH FROM", b"SEARCH FROM writer7"),
    ("SORT (DATE)", b"SORT (DATE) UTF-8 ALL"),
    ("THREAD REFERENCES", b"THREAD REFERENCES UTF-8 ALL"),
    ("STORE +FLAGS on all", b"STORE 1:* +FLAGS.SILENT (\\Flagged)"),
)


def imap(options: Options) -> Results:
    title = f"IMAP, {', '.join(f'{count:,}' for count in options.letters)} letters of 13.5 KB"
    results = Results("imap", title, "as fast as Dovecot, searches far faster", _COLUMNS, rival="dovecot")
    wanted = [name for name in IMAP_SERVERS if not options.peers or name in options.peers]
    for count in options.letters:
        with ExitStack() as stack:
            clients: dict[str, Client] = {}
            for name in wanted:
                try:
                    port = stack.enter_context(served(IMAP_SERVERS[name], options.directory))
                    clients[name] = client = _logged_in(port)
                except (OSError, RuntimeError) as fault:
                    results.remark(f"{name} was not measured: {fault}")
                    continue
                stack.callback(client.close)
                _measure(results, f"{count:,}: login", name, lambda port=port: _logged_in(port).close())  # type: ignore[misc]
            _round(results, f"{count:,}", count, clients)
    return results


def _round(results: Results, case: str, count: int, clients: dict[str, Client]) -> None:
    alone = range(1, min(_ALONE, count) + 1)

    def each(what: str, do: Callable[[Client], object]) -> None:
        for name, client in clients.items():
            _measure(results, f"{case}: {what}", name, lambda client=client: do(client))  # type: ignore[misc]

    for client in clients.values():
        client.ask(b"CREATE Other")
        _append(client, count)
    for what, command in _QUESTIONS:
        each(what, lambda client, command=command: client.ask(command))  # type: ignore[misc]
    each(f"{len(alone)} letters, one by one", lambda client: _one_by_one(client, alone))
    each(f"APPEND x {len(alone)}", lambda client: _append_alone(client, len(alone)))
    each(f"COPY {min(count, 1000)}", lambda client: client.ask(b"COPY 1:%d Other" % min(count, 1000)))
    each(
        f"MOVE {min(count, 1000) // 2}",
        lambda client: client.ask(b"MOVE 1:%d Other" % (min(count, 1000) // 2)),
    )
    for client in clients.values():
        client.ask(b"SELECT Other")
    for name, client in clients.items():
        client.ask(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
        began = time.perf_counter()
        client.ask(b"EXPUNGE")
        results.add(f"{case}: EXPUNGE", name, {"first_ms": (time.perf_counter() - began) * 1e3})


def _measure(results: Results, case: str, name: str, do: Callable[[], object]) -> None:
    """Once, and the median of three times more."""
    taken = []
    for _ in range(4):
        began = time.perf_counter()
        do()
        taken.append((time.perf_counter() - began) * 1e3)
    results.add(case, name, {"first_ms": taken[0], "again_ms": statistics.median(taken[1:])})


def _logged_in(port: int) -> Client:
    client = Client(port)
    client.ask(f'LOGIN {USER} "{PASSWORD}"'.encode())
    return client


def _append(client: Client, count: int) -> None:
    for numbers in _batches(count):
        octets = b"".join(b" {%d+}\r\n%b" % (len(one), one) for one in map(letter, numbers))
        client.send(b"a APPEND INBOX" + octets + b"\r\n")
        client.result()


def _append_alone(client: Client, count: int) -> None:
    for number in range(count):
        octets = letter(number)
        client.ask(b"APPEND INBOX {%d+}\r\n%b" % (len(octets), octets))


def _batches(count: int) -> list[range]:
    return [range(start, min(start + _AT_ONCE, count)) for start in range(0, count, _AT_ONCE)]


def _one_by_one(client: Client, numbers: range) -> None:
    for number in numbers:
        client.ask(b"FETCH %d (BODY.PEEK[])" % number)
