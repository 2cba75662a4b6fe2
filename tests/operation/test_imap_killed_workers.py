"""Two processes at one account, killed amid APPENDs and MOVEs while commands of the operator run: no letter is lost."""

from __future__ import annotations

import mailbox
import subprocess
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from imap_line import ImapLine
from served import LOGIN, PATIENCE_S, POSTEL, Serve, Served, add_account, configuration, eventually
from test_workers import TWO, kill_one

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

RULES: Final = '\n[[domain]]\nname = "example.org"\n' + LOGIN
AL: Final = "al@example.org"
WRITERS: Final = 4
LETTERS: Final = 250  # of each
IMPORTED: Final = 100


class Worker(threading.Thread):
    """A client that comes back whenever its connection is cut."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self.cuts = 0
        self.fault: BaseException | None = None
        self.line: ImapLine | None = None

    def run(self) -> None:
        try:
            self.work()
        except BaseException as fault:
            self.fault = fault

    def work(self) -> None:
        raise NotImplementedError

    def command(self, text: str, *, select: str | None = None) -> str:
        """The result, "" when the connection was cut; then there is a new one."""
        try:
            if self.line is None:
                self.line = ImapLine(self._port, AL)
                if select is not None:
                    self.line.ok(f"SELECT {select}")
            if result := self.line.command(text)[0]:
                return result
        except (OSError, AssertionError):
            pass
        self.cuts += 1
        self.line = None
        return ""


class Writer(Worker):
    """Appends letters, each with a subject of its own; knows which were acknowledged."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(port)
        self.name = name
        self.taken: set[str] = set()

    def work(self) -> None:
        for number in range(LETTERS):
            subject = f"{self.name}-{number}"
            letter = (
                f"Subject: {subject}\r\nX-Name: {subject}.\r\n\r\n"
                + "x" * (200_000 if number % 50 == 7 else 50)
                + "\r\n"
            )
            while True:
                result = self.command(f"APPEND INBOX {{{len(letter)}+}}\r\n{letter}")
                if result:
                    assert result.startswith("OK"), result
                    self.taken.add(subject)
                if result or self.is_there(subject):
                    break

    def is_there(self, subject: str) -> bool:
        """Whether what was not acknowledged has come all the same: then it is not sent again."""
        for name in ("INBOX", "Sent", "INBOX"):  # it may be moved while we look
            while (found := self._search(name, subject)) is None:
                pass
            if found:
                return True
        return False

    def _search(self, name: str, subject: str) -> bool | None:
        self.command(f"EXAMINE {name}")
        if self.line is None:
            return None
        try:
            result, told = self.line.command(f"UID SEARCH HEADER X-Name {subject}.")
        except OSError:
            result = ""
        if not result:
            self.line = None
            return None
        return any(line.split()[2:] for line in told if line.startswith("* SEARCH"))


class Mover(Worker):
    """Moves whatever it sees from INBOX to Sent, until it is told to end."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.ending = threading.Event()

    def work(self) -> None:
        while not self.ending.is_set():
            self.command("NOOP", select="INBOX")
            self.command("UID MOVE 1:* Sent", select="INBOX")
        self.line = None
        while not self.command("UID MOVE 1:* Sent", select="INBOX").startswith("OK"):
            pass


def postel(folder: Path, *arguments: str | Path) -> None:
    command = [POSTEL, "--config", folder / "postel.toml", *arguments]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=PATIENCE_S * 2, check=False
    )
    assert done.returncode == 0, done.stderr


def uids_are_given_once(line: ImapLine, name: str) -> list[str]:
    """The subjects, all UIDs of which are different and below UIDNEXT."""
    found = line.subjects(name)
    uids = [uid for uid, _ in found]
    assert len(uids) == len(set(uids)) == line.messages(name)
    (told,) = line.ok(f"STATUS {name} (UIDNEXT)")
    assert max(uids, default=0) < int(told.rstrip(")").split()[-1])
    return [subject for _, subject in found]


class Operator(Worker):
    """What is done beside the server meanwhile."""

    def __init__(self, port: int, folder: Path, mails: Path) -> None:
        super().__init__(port)
        self._folder = folder
        self._mails = mails

    def work(self) -> None:
        for arguments in (
            ("import", AL, self._mails, "--mailbox", "Imported"),
            ("export", AL, self._folder / "out.mbox", "--mailbox", "Sent"),
            ("account", "undelete", AL, "--mailbox", "Trash"),
            ("import", AL, self._mails, "--mailbox", "INBOX"),
        ):
            postel(self._folder, *arguments)


def prepared(serve: Serve, folder: Path) -> tuple[Served, Path]:
    served = serve(configuration("imap", rules=RULES, top=TWO)).ready()
    add_account(folder, AL)
    line = ImapLine(served.port("imap"), AL)
    for number in range(20):
        assert line.append(f"Subject: back-{number}\r\n\r\n", "Trash").startswith("OK")
    line.ok("SELECT Trash")
    line.ok(r"STORE 1:* +FLAGS (\Deleted)")
    line.ok("EXPUNGE")
    path = folder / "in.mbox"
    box = mailbox.mbox(path)
    for number in range(IMPORTED):
        box.add(f"Subject: imported-{number}\n\nx\n")
    box.close()
    return served, path


def end(workers: Sequence[Worker]) -> None:
    for one in workers:
        one.join(PATIENCE_S * 3)
        assert not one.is_alive(), "it goes on and on"
        if one.fault is not None:
            raise one.fault


def test_no_letter_is_lost_or_doubled_and_no_uid_is_given_twice(serve: Serve, folder: Path) -> None:
    served, path = prepared(serve, folder)
    port = served.port("imap")
    writers, mover = [Writer(port, f"w{n}") for n in range(WRITERS)], Mover(port)
    for one in (*writers, mover):
        one.start()
    operator = Operator(port, folder, path)
    operator.start()
    for number, some in ((0, 200), (1, 400), (0, 600)):
        eventually(lambda some=some: sum(len(one.taken) for one in writers) >= some, "they are busy")
        kill_one(served, number)
    end([operator, *writers])
    mover.ending.set()
    end([mover])
    assert sum(one.cuts for one in (*writers, mover)) > 0, "somebody noticed"
    line = ImapLine(port, AL)
    subjects = Counter(subject for name in ("INBOX", "Sent") for subject in uids_are_given_once(line, name))
    assert {subject: count for subject, count in subjects.items() if count > 1} == {}
    written = {f"w{n}-{number}" for n in range(WRITERS) for number in range(LETTERS)}
    assert set(subjects) == written | {f"imported-{number}" for number in range(IMPORTED)}
    assert Counter(uids_are_given_once(line, "Trash")) == Counter(f"back-{number}" for number in range(20))
    assert len(uids_are_given_once(line, "Imported")) == IMPORTED
    faults = [text for text in served.lines if "Traceback" in text]
    assert not faults, faults[:3]
