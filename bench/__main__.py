"""Measures mail servers beside each other, one row of the goals or all of them.

    python -m bench all --quick         is everything there
    python -m bench all                 an hour or two
    python -m bench accept relay --peers postel postfix postfix-tuned --sessions 50 --rounds 5

All contenders of a table take turns in one run on one disk. Tables are printed, and written with their plots and all
samples into a folder of the run (bench/results). It is run as root where there is Postfix, Exim or OpenSMTPD.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.contenders import CONTENDERS
from bench.contenders.imap_servers import IMAP_SERVERS
from bench.options import Options
from bench.rows import ROWS
from bench.tables import as_text
from bench.writing import new_folder, write

_QUICK = Options(
    rounds=1,
    seconds=1.0,
    sessions=(10,),
    held=200,
    queued=2000,
    destinations=200,
    large_mb=32,
    letters=(200,),
    is_quick=True,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that no server is left behind
    if given.first:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # all that is started here inherits it
    options, names = _options(given), list(ROWS) if "all" in given.rows else given.rows
    folder, tables = new_folder(given.results), []
    command = "python -m bench " + " ".join(arguments if arguments is not None else sys.argv[1:])
    for name in names:
        tables.append(ROWS[name](options))
        print(f"\n{as_text(tables[-1])}", flush=True)
        write(folder, tables, command)
    print(f"\nwritten into {folder}")
    return 0


def _options(given: argparse.Namespace) -> Options:
    base = _QUICK if given.quick else Options()
    wanted = {name: value for name, value in vars(given).items() if value is not None}
    for name in ("rows", "quick", "results", "first"):
        wanted.pop(name, None)
    if wanted.pop("new") or wanted.get("sizes"):
        wanted["new"] = (given.new,)
    elif given.reused:
        wanted["new"] = (False,)
    del wanted["reused"]
    return Options(**{name: getattr(base, name) for name in Options.__slots__} | wanted)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add, peers = parser.add_argument, sorted({*CONTENDERS, *IMAP_SERVERS})
    add("rows", nargs="+", choices=[*ROWS, "all"], metavar="ROW", help=f"all, or of: {' '.join(ROWS)}")
    add("--quick", action="store_true", help="a small version of each row")
    add("--peers", nargs="+", choices=peers, metavar="NAME", help=f"of: {' '.join(peers)}")
    add("--rounds", type=int, help="how often each is measured")
    add("--seconds", type=float, help="how long each load lasts")
    add("--sessions", type=int, nargs="+", metavar="N")
    add("--size", dest="sizes", type=int, nargs="+", metavar="OCTETS", help="in place of the row's own")
    add("--new", action="store_true", help="only a connection for each message")
    add("--reused", action="store_true", help="only connections that are reused")
    add("--pipelined", action="store_true", help="MAIL, RCPT and DATA in one write")
    add("--load", choices=["ours", "smtp-source"], help="who sends")
    add("--load-processes", type=int, metavar="N", help="of the source and of the sink")
    add("--held", type=int, metavar="N", help="idle sessions")
    add("--queued", type=int, metavar="N", help="messages in the long queue")
    add("--destinations", type=int, metavar="N", help="domains that the long queue is for")
    add("--large-mb", type=int, metavar="MB", help="size of the large message")
    add("--letters", type=int, nargs="+", metavar="N", help="in the mailbox that is read over IMAP")
    add(
        "--first", action="store_true", help="before all other programs of the machine (real-time scheduling)"
    )
    add("--directory", type=Path, help="on the disk to measure")
    add("--results", type=Path, help="where the folder of this run goes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
