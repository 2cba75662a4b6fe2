"""What another session waits for while one does something heavy in a large mailbox: each NOOP of it, of Postel.

Gives       imap_beside.

The other one is of another account, so that it has nothing of its own to be told. A third, of the same account, idles
in the mailbox and is told of all that happens, as a phone beside a desktop.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final

from bench.contenders.accounting import settle
from bench.contenders.contender import DOMAIN, REPOSITORY, environment
from bench.contenders.imap_servers import PASSWORD, USER, Served, add_account, served
from bench.load.beside import beside
from bench.load.imap import Client
from bench.options import Options
from bench.results import Quantity, Results

_COLUMNS: Final = (
    Quantity("took_ms", "took ms", 0, "less"),
    Quantity("noop_ms", "NOOP median ms", 2, "less"),
    Quantity("p99_ms", "99 % ms", 1, "less"),
    Quantity("worst_ms", "worst ms", 1, "less"),
)
_OTHER: Final = f"bea@{DOMAIN}"
_BRANCHES: Final = 4900
_UNREST_S: Final = 600.0
_REST_S: Final = 0.3

# HALF and TENTH are so many of the letters.
_COMMANDS: Final = (
    ("nothing", "NOOP"),
    ("SELECT", "SELECT INBOX"),
    ("FETCH 1:* (FLAGS)", "FETCH 1:* (FLAGS)"),
    ("FETCH 1:* (ENVELOPE)", "FETCH 1:* (ENVELOPE)"),
    ("FETCH 1:* (BODY.PEEK[])", "FETCH 1:* (BODY.PEEK[])"),
    ("SEARCH SUBJECT", "SEARCH SUBJECT nowhere"),
    ("SEARCH SENTSINCE", "SEARCH SENTSINCE 12-Nov-2026"),
    ("SEARCH TEXT", "SEARCH TEXT nowhere"),
    ("SORT (DATE)", "SORT (DATE) UTF-8 ALL"),
    ("SORT (SUBJECT DATE)", "SORT (SUBJECT DATE) UTF-8 ALL"),
    ("THREAD REFERENCES", "THREAD REFERENCES UTF-8 ALL"),
    ("THREAD again", "THREAD REFERENCES UTF-8 ALL"),
    ("STORE 1:* +FLAGS.SILENT", "STORE 1:* +FLAGS.SILENT (\\Answered)"),
    ("STORE 1:* +FLAGS", "STORE 1:* +FLAGS (\\Flagged)"),
    ("STORE 1:* +FLAGS, nothing changes", "STORE 1:* +FLAGS (\\Flagged)"),
    ("COPY of half", "COPY 1:HALF Other"),
    ("MOVE of a tenth", "MOVE 1:TENTH Other"),
    ("STORE half +FLAGS \\Deleted", "STORE 1:HALF +FLAGS.SILENT (\\Deleted)"),
    ("EXPUNGE of half", "EXPUNGE"),
    ("NOTIFY SET STATUS", "NOTIFY SET STATUS (personal (MessageNew MessageExpunge))"),
    ("NOTIFY NONE", "NOTIFY NONE"),
    ('LIST "" *', 'LIST "" *'),
    ('LIST "" * with STATUS', 'LIST "" * RETURN (STATUS (MESSAGES UNSEEN))'),
    ("RENAME of a tree", "RENAME Tree Forest"),
    ("DELETE of a full mailbox", "DELETE Other"),
)


def imap_beside(options: Options) -> Results:
    title = f"NOOP beside a heavy session, {', '.join(f'{count:,}' for count in options.letters)} letters of 300 octets"
    results = Results("imap-beside", title, "others wait for 20 ms at most", _COLUMNS, rival="none")
    for count in options.letters:
        with served("postel", options.directory) as there:
            _prepare(there, count, 40 if options.is_quick else _BRANCHES)
            _run(there, count, results)
    return results


def _prepare(there: Served, count: int, branches: int) -> None:
    add_account(there, _OTHER)
    command = [sys.executable, "-m", "bench.load.small_letters", str(there.folder / "data"), USER]
    subprocess.run(
        [*command, str(count), str(branches)],
        cwd=REPOSITORY,
        env=environment(),
        check=True,
    )
    settle(there.account, _UNREST_S)


def _run(there: Served, count: int, results: Results) -> None:
    busy, idler = there.client(), _Idler(there)
    busy.ask(b"CREATE Other")
    busy.ask(b"SELECT INBOX")
    idler.start()
    for what, command in _COMMANDS:
        octets = command.replace("HALF", str(count // 2)).replace("TENTH", str(count // 10)).encode()
        with beside(there.imap, _OTHER, PASSWORD) as other:
            began_s = time.perf_counter()
            busy.ask(octets)
            took_s = time.perf_counter() - began_s
            idler.wait_for_rest()  # who idles is told of it: that is heavy too
        results.add(f"{count:,}: {what}", "postel", _figures(took_s, other.waits_ms))
    busy.close()
    idler.close()


def _figures(took_s: float, waits_ms: Sequence[float]) -> dict[str, float]:
    ordered = sorted(waits_ms) or [0.0]
    return {
        "took_ms": took_s * 1e3,
        "noop_ms": statistics.median(ordered),
        "p99_ms": ordered[len(ordered) * 99 // 100],
        "worst_ms": ordered[-1],
    }


class _Idler:
    """A session that idles in INBOX, and reads all that it is told."""

    def __init__(self, there: Served) -> None:
        self._client: Client = there.client()
        self._client.ask(b"SELECT INBOX")
        self._client.idle()
        self._heard_s = 0.0
        self._thread = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._client.shut()
        self._thread.join()

    def wait_for_rest(self) -> None:
        """Nothing has come for a while."""
        self._heard_s = time.monotonic()
        while time.monotonic() - self._heard_s < _REST_S:
            time.sleep(_REST_S / 5)

    def _read(self) -> None:
        try:
            while self._client.drop():
                self._heard_s = time.monotonic()
        except OSError:
            return
