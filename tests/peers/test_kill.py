"""The server, or one of its workers, is killed at random instants while it accepts, delivers, relays and is read from.

What the clients were promised must hold: a 250 means that the letter arrives (in a mailbox of ours once, at the next
hop at least once), a +OK to the QUIT of POP3 means that what was deleted is gone. Nothing arrives that was not sent.
"""

from __future__ import annotations

import os
import poplib
import random
import signal
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from peer_programs import PATIENCE_S, eventually
from postel_process import PASSWORD, PostelProcess
from smtp_sink import Sink, smtp_sink

pytestmark = [
    pytest.mark.peer,
    pytest.mark.slow,
    pytest.mark.timeout(0 if "POSTEL_KILLS" in os.environ else 300),
]

ROUNDS: Final = int(os.environ.get("POSTEL_KILLS", "8"))  # of killing the whole tree
SENDERS: Final = 4
LIFE_S: Final = (0.1, 1.5)  # until a worker is killed, and at last the server
STARTING_S: Final = (0.3, 1.0)  # when it is killed before it is ready, as in some rounds
STOPPING_S: Final = (0.0, 0.1)  # when it is killed while it stops in order, as in some others
LOCAL: Final = "box@example.org"
ABROAD: Final = "box@example.net"
SIZES: Final = (200, 5_000, 60_000, 200_000)  # the last is kept in a file, not in the database

CONFIG = """
hostname = "mail.example.org"
workers = {workers}

[[domain]]
name = "example.org"

[route]
"example.net" = "smtp:[127.0.0.1]:{port}"

[relay]
networks = ["127.0.0.0/8"]

[login]
plaintext = ["127.0.0.0/8"]

[queue]
retry = ["1s"]
"""


@dataclass(slots=True)
class Promises:
    """What the clients know. A name is that of a letter, and says all that is in it."""

    recipients: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of all that were ever begun
    accepted: list[str] = field(default_factory=list)  # 250 was heard
    fetched: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)  # +OK to QUIT was heard


def compose(name: str) -> bytes:
    """The letter of this name, always the same."""
    size = int(name.rpartition("-")[2])
    line = f"{name} .. {'x' * 60}\r\n"
    return f"From: a@example.com\r\nSubject: {name}\r\n\r\n{line * (size // len(line) + 1)}.\r\n{name}\r\n".encode()


def name_of(letter: bytes) -> str:
    """Whose letter this is; it must be whole."""
    name = letter.partition(b"\r\nSubject: ")[2].partition(b"\r\n")[0].decode()
    assert letter.endswith(compose(name)), f"{name} is torn"
    return name


class Chaos:
    """Clients that know of no trouble: they connect again and go on."""

    def __init__(self, promises: Promises, rng: random.Random) -> None:
        self.promises = promises
        self.smtp_port = self.pop3_port = 0  # 0: the server is down
        self._rng = rng
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._send_all, args=(number, random.Random(rng.random())))
            for number in range(SENDERS)
        ]
        self._threads.append(threading.Thread(target=self._read_all))

    @contextmanager
    def going_on(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in self._threads:
                thread.join(PATIENCE_S)

    def _send_all(self, sender: int, rng: random.Random) -> None:
        count = 0
        while not self._is_over.is_set():
            if (port := self.smtp_port) == 0:
                time.sleep(0.01)
                continue
            try:
                with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_S) as client:
                    for _ in range(rng.randrange(1, 20)):
                        count += 1
                        self._send_one(client, f"{sender}-{count}-{rng.choice(SIZES)}", rng)
            except (OSError, smtplib.SMTPException):
                continue

    def _send_one(self, client: smtplib.SMTP, name: str, rng: random.Random) -> None:
        recipients = rng.choice([(LOCAL,), (ABROAD,), (LOCAL, ABROAD)])
        self.promises.recipients[name] = recipients
        if client.sendmail("a@example.com", recipients, compose(name)) == {}:
            self.promises.accepted.append(name)

    def _read_all(self) -> None:
        while not self._is_over.is_set():
            if (port := self.pop3_port) == 0:
                time.sleep(0.01)
                continue
            try:
                self._read_some(poplib.POP3("127.0.0.1", port, timeout=PATIENCE_S))
            except (OSError, EOFError, poplib.error_proto):
                continue

    def _read_some(self, client: poplib.POP3) -> None:
        try:
            client.user(LOCAL)
            client.pass_(PASSWORD)
            deleted = []
            for number in range(1, min(client.stat()[0], 5) + 1):
                letter = b"".join(line + b"\r\n" for line in client.retr(number)[1])
                client.dele(number)
                deleted.append(name_of(letter))
            self.promises.fetched.update(deleted)
            client.quit()
            self.promises.deleted.update(deleted)
        finally:
            client.close()


@pytest.mark.parametrize("workers", [1, 3])
def test_every_promise_holds_however_often_the_server_is_killed(tmp_path: Path, workers: int) -> None:
    seed = int(os.environ.get("POSTEL_SEED") or random.SystemRandom().getrandbits(32))
    print(f"POSTEL_SEED={seed}")
    rng = random.Random(seed)
    promises = Promises()
    with smtp_sink() as sink:
        config = CONFIG.format(port=sink.port, workers=workers)
        with PostelProcess(tmp_path, config, protocols=("smtp", "pop3", "submission")) as postel:
            postel.add_account(LOCAL)
            kill_again_and_again(postel, Chaos(promises, rng), rng)

            postel.start()
            eventually(lambda: postel.queue() == [], "the queue is empty")
            kept = Counter(map(name_of, postel.letters(LOCAL)))
    check_mailbox(promises, kept)
    check_sink(promises, sink)
    check_files(tmp_path / "data", kept.keys() | promises.fetched)


def kill_again_and_again(postel: PostelProcess, chaos: Chaos, rng: random.Random) -> None:
    with chaos.going_on():
        for number in range(ROUNDS):
            if number % 4 == 3:
                postel.launch()
                time.sleep(rng.uniform(*STARTING_S))
                postel.kill()
            postel.start()
            chaos.smtp_port, chaos.pop3_port = postel.port("smtp"), postel.port("pop3")
            for _ in range(rng.randrange(1, 4)):
                time.sleep(rng.uniform(*LIFE_S))  # not to wait for anything: to let chance choose the instant
                kill_a_worker(postel.process.pid, rng)
            if number % 4 == 1:
                postel.process.signal(signal.SIGTERM)
                time.sleep(rng.uniform(*STOPPING_S))
            chaos.smtp_port = chaos.pop3_port = 0
            postel.kill()


def kill_a_worker(supervisor: int, rng: random.Random) -> None:
    """One of several; the others go on, and another one takes its place."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    if children:
        with suppress(ProcessLookupError):
            os.kill(int(rng.choice(children)), signal.SIGKILL)


def check_mailbox(promises: Promises, kept: Counter[str]) -> None:
    accepted = {name for name in promises.accepted if LOCAL in promises.recipients[name]}
    arrived = kept.keys() | promises.fetched
    assert len(accepted) > ROUNDS, "the test has tested something"
    assert accepted - arrived == set(), "lost"
    assert {name for name in arrived if LOCAL not in promises.recipients.get(name, ())} == set(), "never sent"
    assert {name: count for name, count in kept.items() if count > 1} == {}, "delivered twice"
    assert promises.deleted & kept.keys() == set(), "back from the dead"


def check_sink(promises: Promises, sink: Sink) -> None:
    accepted = {name for name in promises.accepted if ABROAD in promises.recipients[name]}
    arrived = Counter(name_of(content) for _, content in sink.taken)
    assert {recipient for recipient, _ in sink.taken} == {ABROAD}
    assert len(accepted) > ROUNDS, "the test has tested something"
    assert accepted - arrived.keys() == set(), "lost"
    assert {name for name in arrived if ABROAD not in promises.recipients.get(name, ())} == set(), (
        "never sent"
    )
    print(
        f"{len(promises.accepted)} accepted; relayed more than once: {sum(n > 1 for n in arrived.values())}"
    )


def check_files(data: Path, arrived: Collection[str]) -> None:
    """What was deleted can be had back for a time; beyond that no letter leaves a file behind."""
    large = sum(1 for name in arrived if int(name.rpartition("-")[2]) == SIZES[-1])
    files = [path for path in (data / "contents").rglob("*") if path.is_file()]
    assert len(files) == large, files
