"""Play transcript files, or bless them: `python -m postel.testing.transcript [--bless] FILE...`."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from postel.testing.transcript.bless import bless
from postel.testing.transcript.imap import ImapRole
from postel.testing.transcript.parse import parse_transcript
from postel.testing.transcript.players import SERVER_PLAYERS, MakeRole
from postel.testing.transcript.pop3 import Pop3Role
from postel.testing.transcript.smtp import SmtpRole
from postel.testing.transcript.stage import Mismatch

_ROLES: Final[Mapping[str, MakeRole]] = {"imap": ImapRole, "pop3": Pop3Role}


def main(arguments: list[str]) -> int:
    """0 when all files play as written; with --bless they are written as they play, and the diff is shown."""
    parser = argparse.ArgumentParser(prog="python -m postel.testing.transcript", description=__doc__)
    parser.add_argument("--bless", action="store_true", help="rewrite the S lines that no longer match")
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    play = _bless if options.bless else _play
    return max(play(path) for path in options.files)


def _role(path: Path) -> MakeRole:
    """By the directory that the file lies in."""
    return _ROLES.get(path.parent.name, SmtpRole)


def _play(path: Path) -> int:
    transcript = parse_transcript(path.stem, path.read_text("utf-8"))
    for player in SERVER_PLAYERS:
        try:
            player.play(transcript, _role(path))
        except Mismatch as mismatch:
            print(f"{player.name}: {mismatch}")
            return 1
    return 0


def _bless(path: Path) -> int:
    before = path.read_text("utf-8")
    after = bless(parse_transcript(path.stem, before), _role(path))
    diff = difflib.unified_diff(before.splitlines(True), after.splitlines(True), str(path), "blessed")
    sys.stdout.writelines(diff)
    path.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
