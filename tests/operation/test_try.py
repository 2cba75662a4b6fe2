"""`postel try` as a process: it says what it is, it can be used, it ends with its terminal."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import PATIENCE_S, POSTEL, as_an_ordinary_user, eventually, letters

CAN_BE_SAID_BY = re.compile(r"^  (\w+@postel\.test) +(\w+)$|^  (\w+) +127\.0\.0\.1:(\d+) ", re.MULTILINE)


class Trial:
    """A `postel try` that runs."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [POSTEL, "try", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said = ""
        watchdog = threading.Timer(PATIENCE_S, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C stops it" in line:
                break
        watchdog.cancel()
        found = CAN_BE_SAID_BY.findall(self.said)
        self.passwords = {address: password for address, password, _, _ in found if address}
        self.ports = {protocol: int(port) for _, _, protocol, port in found if protocol}

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Its status, and its last words."""
        self.process.send_signal(number)
        last, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, last


@pytest.fixture
def trial(folder: Path) -> Iterator[Trial]:
    made = Trial(folder)
    yield made
    made.process.kill()
    made.process.communicate()


def test_what_it_prints_is_all_that_is_needed(trial: Trial) -> None:
    ann, bob = trial.passwords
    with smtplib.SMTP("127.0.0.1", trial.ports["submission"], timeout=PATIENCE_S) as client:
        client.starttls()
        client.login(ann, trial.passwords[ann])
        client.sendmail(ann, bob, f"From: {ann}\r\nTo: {bob}\r\nSubject: hello\r\n\r\nHello, Bob!\r\n")
    eventually(lambda: letters(trial.ports["pop3"], bob, trial.passwords[bob]) == 1, "Bob has his letter")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_with_a_word_by_any_signal_also_when_its_terminal_goes(
    trial: Trial, number: signal.Signals
) -> None:
    status, last = trial.end(number)
    assert status == 0
    assert "Stopped. What was sent is kept in postel-try" in last


def test_the_next_time_it_goes_on_with_the_same(folder: Path, trial: Trial) -> None:
    trial.end(signal.SIGTERM)
    again = Trial(folder)
    assert again.passwords == trial.passwords
    assert again.end(signal.SIGTERM)[0] == 0


def test_a_second_one_in_the_same_folder_is_refused_and_spoils_nothing(folder: Path, trial: Trial) -> None:
    before = (folder / "postel-try" / "postel.toml").read_text()
    done = subprocess.run([POSTEL, "try"], cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert done.stderr == (
        f"postel: process {trial.process.pid} already runs in postel-try; stop it, or name another place with "
        "--folder\n"
    )
    assert (folder / "postel-try" / "postel.toml").read_text() == before
    other = Trial(folder, "--folder", "other place")
    assert not set(other.ports.values()) & set(trial.ports.values())
    assert other.end(signal.SIGTERM)[0] == 0


def test_a_folder_that_cannot_be_made_is_told(folder: Path) -> None:
    (folder / "file").write_text("")
    done = subprocess.run(
        [POSTEL, "try", "--folder", "file/x"], cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 1
    assert "cannot write to file/x (Not a directory); name another place with --folder" in done.stderr


def test_an_ordinary_user_who_may_not_write_here_is_told(folder: Path) -> None:
    folder.chmod(0o755)
    if os.geteuid() != 0:
        folder.chmod(0o555)
    done = subprocess.run(
        [*map(str, as_an_ordinary_user()), "try"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 1
    assert "cannot write to postel-try (Permission denied)" in done.stderr
