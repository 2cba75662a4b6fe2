"""One command for the measurements that compare mail servers: `python -m bench WHAT [options]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import accept
from bench.contenders import CONTENDERS, Purpose

_PURPOSES = {"accept": Purpose.DISCARD, "relay": Purpose.RELAY, "mailbox": Purpose.MAILBOX}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=accept.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=list(_PURPOSES))
    parser.add_argument(
        "--peers", nargs="*", default=[], choices=list(CONTENDERS), help="default: all that are here"
    )
    parser.add_argument("--sessions", type=int, nargs="*", default=[10, 50, 200])
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--new", action="store_true", help="a connection for each message")
    parser.add_argument("--pipelined", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--load-processes", type=int, default=1)
    parser.add_argument("--directory", type=Path, help="on the disk to measure")
    options = parser.parse_args()
    accept.measure(_PURPOSES[options.what], options)


if __name__ == "__main__":
    main()
