"""What a mail program asks of a mailbox, of Postel and of Dovecot: the first time, and again.

Gives       imap.
Not here    Letters that come: bench.rows.lmtp.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Final, TypeAlias

from bench.contenders.imap_servers import IMAP_SERVERS, PASSWORD, USER, Served, served
from bench.load.imap import LmtpClient, Pop3Client
from bench.load.letters import letter
from bench.load.source import Load, run_load
from bench.options import Options
from bench.results import Quantity, Results

_COLUMNS: Final = (
    Quantity("first_ms", "first ms", 1, "less"),
    Quantity("again_ms", "again ms", 1, "less"),
)
_ALONE: Final = 1000  # at most: fetched, put in, copied or moved
_COME: Final = 100  # letters that have just come
_PATIENCE_S: Final = 60.0  # for letters that were accepted to be seen
_IDLE: Final = 20  # letters that a session is told of

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
)
_FLAG: Final = b"STORE 1:* +FLAGS (\\Flagged)"
_UNFLAG: Final = b"STORE 1:* -FLAGS.SILENT (\\Flagged)"

_Do: TypeAlias = Callable[[], object]


class _One:
    """A server, and the session that measures it, in INBOX."""

    def __init__(self, there: Served, count: int) -> None:
        self.there = there
        self.client = there.client()
        self.other = (
            there.client()
        )  # who is asked for counts: Dovecot's STATUS of what is selected stands still
        self.count = count
        self.few = min(count, _ALONE)
        self._letters = [letter(number) for number in range(self.few)]  # they cost time to make
        self.client.ask(b"CREATE Other")

    def log_in(self) -> None:
        self.there.client().close()

    def fetch_one_by_one(self) -> None:
        for number in range(1, self.few + 1):
            self.client.ask(b"FETCH %d (BODY.PEEK[])" % number)

    def append_one_by_one(self) -> None:
        for octets in self._letters:
            self.client.ask(b"APPEND INBOX {%d+}\r\n%b" % (len(octets), octets))

    def copy(self) -> None:
        self.client.ask(b"COPY 1:%d Other" % self.few)

    def move(self) -> None:
        self.client.ask(b"MOVE 1:%d Other" % self.few)

    def move_back(self) -> None:
        self.client.ask(b"SELECT Other")
        self.client.ask(b"MOVE 1:%d INBOX" % self.few)
        self.client.ask(b"SELECT INBOX")

    def make_rubbish(self) -> None:
        """In Other: twice as many as are copied, all of them deleted, and nothing else."""
        self.client.ask(b"SELECT INBOX")
        self.client.ask(b"DELETE Other")
        self.client.ask(b"CREATE Other")
        self.copy()
        self.copy()
        self.client.ask(b"SELECT Other")
        self.client.ask(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")

    def retrieve(self) -> None:
        session = Pop3Client(self.there.pop3, USER, PASSWORD)
        session.retrieve_all()
        session.close()

    def let_come(self, number: int = _COME) -> None:
        """Letters come."""
        before = self.other.count_of(b"INBOX")
        run_load(Load(self.there.lmtp, 1, number, is_letters=True))
        ends_s = time.monotonic() + _PATIENCE_S
        while self.other.count_of(b"INBOX") < before + number:
            if time.monotonic() > ends_s:
                raise TimeoutError("letters that were accepted did not come")

    def envelopes_of_new(self) -> None:
        self.client.ask(b"NOOP")
        last = self.other.count_of(b"INBOX")
        self.client.ask(b"FETCH %d:* (ENVELOPE)" % max(1, last - _COME + 1))

    def idle_ms(self) -> list[float]:
        """From the last octet of a letter that comes by LMTP to the EXISTS of a session that idles, in ms each."""
        sender = LmtpClient(self.there.lmtp, USER)
        taken = []
        for number in range(_IDLE):
            sender.begin()
            self.client.idle()
            began_s = time.perf_counter()
            sender.send(letter(number) + b".\r\n")
            self.client.wait_for_exists()
            taken.append((time.perf_counter() - began_s) * 1e3)
            sender.end()
            self.client.done()
        sender.close()
        return taken


def imap(options: Options) -> Results:
    title = f"IMAP, {', '.join(f'{count:,}' for count in options.letters)} letters of 13.5 KB"
    results = Results("imap", title, "as fast as Dovecot, searches far faster", _COLUMNS, rival="dovecot")
    wanted = [name for name in IMAP_SERVERS if not options.peers or name in options.peers]
    for count in options.letters:
        with ExitStack() as stack:
            there: dict[str, _One] = {}
            for name in wanted:
                try:
                    there[name] = _One(stack.enter_context(served(name, options.directory, count)), count)
                except (OSError, RuntimeError) as fault:
                    results.remark(f"{name} was not measured: {fault}")
            _Round(results, options.rounds, f"{count:,}", there).run()
    return results


class _Round:
    """One size of mailbox: each question to all, in turns."""

    def __init__(self, results: Results, rounds: int, case: str, there: dict[str, _One]) -> None:
        self._results = results
        self._rounds = rounds
        self._case = case
        self._there = there

    def run(self) -> None:
        print("\n" + _heading(self._case, list(self._there)), flush=True)
        few = min((one.few for one in self._there.values()), default=0)
        self._each("login", lambda one: one.log_in)
        for what, command in _QUESTIONS:
            self._each(what, lambda one, command=command: lambda: one.client.ask(command))  # type: ignore[misc]
        self._each(
            "STORE +FLAGS on all",
            lambda one: lambda: one.client.ask(_FLAG),
            after=lambda one: lambda: one.client.ask(_UNFLAG),
        )
        self._each(f"{few} letters, one by one", lambda one: one.fetch_one_by_one)
        self._each("POP3: UIDL and RETR of all", lambda one: one.retrieve)
        self._each(f"APPEND x {few}", lambda one: one.append_one_by_one)
        self._each(f"COPY {few}", lambda one: one.copy)
        self._each(f"MOVE {few}", lambda one: one.move, after=lambda one: one.move_back)
        self._each(
            f"EXPUNGE {2 * few}",
            lambda one: lambda: one.client.ask(b"EXPUNGE"),
            before=lambda one: one.make_rubbish,
        )
        for one in self._there.values():
            one.client.ask(b"SELECT INBOX")
        self._each(
            f"ENVELOPE of {_COME} that just came",
            lambda one: one.envelopes_of_new,
            before=lambda one: one.let_come,
        )
        self._add("a letter comes, until EXISTS", {name: one.idle_ms() for name, one in self._there.items()})
        for one in self._there.values():
            one.client.close()
            one.other.close()

    def _each(
        self,
        what: str,
        do: Callable[[_One], _Do],
        *,
        before: Callable[[_One], _Do] | None = None,
        after: Callable[[_One], _Do] | None = None,
    ) -> None:
        """Once, and the median of so many times more; all take turns."""
        taken: dict[str, list[float]] = {name: [] for name in self._there}
        for _ in range(1 + self._rounds):
            for name, one in self._there.items():
                if before is not None:
                    before(one)()
                taken[name].append(_timed_ms(do(one)))
                if after is not None:
                    after(one)()
        self._add(what, taken)

    def _add(self, what: str, taken: Mapping[str, Sequence[float]]) -> None:
        figures = {name: _figures(samples) for name, samples in taken.items()}
        for name, figure in figures.items():
            self._results.add(f"{self._case}: {what}", name, figure)
        print(_line(what, list(figures.values())), flush=True)


def _heading(case: str, names: Sequence[str]) -> str:
    """What stands above the lines of a table in Markdown, that are printed as they come."""
    titles = [f"{case} letters", *(f"{name.capitalize()}, first / again, ms" for name in names)]
    if len(names) == 2:
        titles.append("times as fast")
    return f"| {' | '.join(titles)} |\n| --- |{' ---: |' * (len(titles) - 1)}"


def _line(what: str, figures: Sequence[Mapping[str, float]]) -> str:
    cells = [what, *(f"{one['first_ms']:,.1f} / {one['again_ms']:,.1f}" for one in figures)]
    if len(figures) == 2:
        mine, rival = figures
        cells.append(" / ".join(f"{rival[key] / mine[key]:.1f}" for key in mine))
    return f"| {' | '.join(cells)} |"


def _figures(samples: Sequence[float]) -> dict[str, float]:
    return {"first_ms": samples[0], "again_ms": statistics.median(samples[1:])}


def _timed_ms(do: _Do) -> float:
    began_s = time.perf_counter()
    do()
    return (time.perf_counter() - began_s) * 1e3
