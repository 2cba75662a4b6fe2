"""IMAP of a real server whose disk is full, or that has no file handles, or no memory: a NO, and it goes on."""

from __future__ import annotations

import resource
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from imap_line import ImapLine
from served import LOGIN, Serve, Served, add_account, configuration, eventually
from test_nothing_left import LARGE, address_space, small_disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

RULES: Final = '[[domain]]\nname = "example.org"\n[limits]\nreserve = "0"\n' + LOGIN
AL: Final = "al@example.org"
SMALL: Final = "Subject: small\r\n\r\n" + "x" * 20_000 + "\r\n"
BIG: Final = "Subject: big\r\n\r\n" + "x" * LARGE + "\r\n"
NO_ROOM: Final = "NO [UNAVAILABLE]"
# All of them want to write, those who take room first.
WRITING: Final = (
    f"APPEND INBOX {{{len(BIG)}+}}\r\n{BIG}",
    f"APPEND INBOX {{{len(SMALL)}+}}\r\n{SMALL} {{{len(BIG)}+}}\r\n{BIG}",
    f"APPEND INBOX CATENATE (TEXT {{{len(BIG)}+}}\r\n{BIG} TEXT {{2+}}\r\nhi)",
    "COPY 1:* Sent",
    "MOVE 1 Sent",
    "STORE 1 +FLAGS (keyword)",
    "CREATE Made",
    'SETMETADATA INBOX (/private/comment "told")',
    "RENAME Drafts Sketches",
    "SUBSCRIBE Elsewhere",
)


def serving(serve: Serve, folder: Path) -> Served:
    served = serve(configuration("imap", rules=RULES)).ready()
    add_account(folder, AL)
    return served


def no_faults(served: Served) -> None:
    faults = [line for line in served.lines if '"level": "error"' in line or "Traceback" in line]
    assert not faults, "\n".join(faults[:3])


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "data" / "contents").rglob("*") if path.is_file()}


def test_on_a_full_disk_each_command_says_no_and_nothing_half_written_stays(
    serve: Serve, folder: Path
) -> None:
    with small_disk(folder / "data") as disk:
        served = serving(serve, folder)
        al = ImapLine(served.port("imap"), AL)
        for _ in range(3):
            assert al.append(BIG).startswith("OK")
        taken = 3
        al.ok("SELECT INBOX")
        kept = files(folder)
        disk.fill(served)
        for _ in range(400):  # what the database still has room for
            result = al.append(SMALL)
            taken += result.startswith("OK")
            if not result.startswith("OK"):
                break
        assert result.startswith(NO_ROOM), result
        for command in WRITING:
            result, _ = al.command(command)
            assert result.startswith(("OK", NO_ROOM)), (command[:40], result)
            taken += result.startswith("OK") and command.startswith("APPEND")
        assert al.command(WRITING[0])[0].startswith(NO_ROOM)
        assert "EXISTS" in str(al.ok("EXAMINE INBOX"))
        al.ok("FETCH 1 BODY.PEEK[]")
        assert ImapLine(served.port("imap")).greeting.startswith("* OK")
        disk.free(served)
        eventually(lambda: al.append(BIG).startswith("OK"), "there is room, and it is seen")
        assert sum(map(al.messages, ("INBOX", "Sent"))) >= taken + 1
        eventually(lambda: len(files(folder) - kept) <= 1, "no file of what was refused")
        no_faults(served)
        served.end()


def test_without_file_handles_uploads_are_refused_and_sessions_go_on(serve: Serve, folder: Path) -> None:
    limit = 100
    served = serve(
        configuration("imap", rules=RULES),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
    ).ready()
    add_account(folder, AL)
    al, taken = ImapLine(served.port("imap"), AL), 0
    crowd: list[ImapLine] = []
    for _ in range(limit):
        with suppress(OSError):
            one = ImapLine.__new__(ImapLine)
            super(ImapLine, one).__init__(served.port("imap"))
            crowd.append(one)
    for _ in range(5):
        result = al.append(BIG)
        assert result.startswith(("OK", NO_ROOM)), result
        taken += result.startswith("OK")
        al.ok("NOOP")
    for one in crowd:
        one.close()
    eventually(lambda: al.append(BIG).startswith("OK"), "it serves again")
    assert al.messages() == taken + 1
    ImapLine(served.port("imap"), AL).ok("SELECT INBOX")
    served.kill()


def test_without_memory_uploads_are_refused_and_others_are_served_when_there_is_some(
    serve: Serve, folder: Path
) -> None:
    served = serving(serve, folder)
    al, taken, pid = ImapLine(served.port("imap"), AL), 0, served.process.pid
    for more in (1 << 21, 1 << 19, 0):
        resource.prlimit(pid, resource.RLIMIT_AS, (address_space(pid) + more, resource.RLIM_INFINITY))
        for text in (SMALL, BIG, BIG * 4):
            with suppress(OSError):
                taken += al.append(text).startswith("OK")
    resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    eventually(lambda: ImapLine(served.port("imap"), AL).append(BIG).startswith("OK"), "it serves again")
    assert served.process.poll() is None
    assert ImapLine(served.port("imap"), AL).messages() == taken + 1
    served.kill()


def test_a_database_that_somebody_locks_is_waited_for(serve: Serve, folder: Path) -> None:
    served = serving(serve, folder)
    al = ImapLine(served.port("imap"), AL)
    assert al.append(SMALL).startswith("OK")
    (path,) = (folder / "data").glob("*.db")
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        al.socket.sendall(b"late APPEND INBOX {2+}\r\nhi\r\n")
        reader = ImapLine(served.port("imap"))
        assert reader.command("CAPABILITY")[0].startswith("OK")
        other.execute("ROLLBACK")
    line = al.read()
    assert line.startswith(("late OK", "late " + NO_ROOM)), line
    al.ok("NOOP")
    assert al.append(SMALL).startswith("OK")
    no_faults(served)
    served.end()
