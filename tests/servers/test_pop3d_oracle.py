"""Other people's clients against the service, over real sockets: poplib, and curl where there is one."""

from __future__ import annotations

import asyncio
import itertools
import poplib
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from smtp_world import CHEAP, PASSWORD, certificate

from postel import contents, directory, store
from postel.contents import Contents
from postel.database import SqliteDatabase
from postel.directory import Directory
from postel.mail import parse_domain, parse_mailbox
from postel.net import Endpoint, SystemClock, TcpNetwork, ThreadWorkers
from postel.servers import Admission, AdmissionOptions, Pop3Parts, Pop3Service, Pop3ServiceOptions
from postel.store import MaildropLocks, Store, import_message

pytestmark = [pytest.mark.slow, pytest.mark.real_time]

NAME = "kitt@example.org"
LINES = [b"Subject: hello", b"", b".", b"..dots", b"", b"the end"]
MESSAGE = b"\r\n".join(LINES) + b"\r\n"


@asynccontextmanager
async def service(folder: Path, *, implicit: bool = False, apop: bool = False) -> AsyncIterator[int]:
    """A service on a free port of loopback, with three messages for kitt; the port."""
    database = await SqliteDatabase.open(folder)
    for room in (contents, directory, store):
        await database.migrate(room.MIGRATIONS)
    workers, clock = ThreadWorkers(2), SystemClock()
    kept = Contents(folder, database, workers)
    people = Directory(database, workers, clock, CHEAP)
    kitt = await people.add(parse_mailbox(NAME), PASSWORD)
    await people.set_shared_secret(kitt.mailbox, "tanstaaf")
    box, locks = Store(database, kept, clock, workers), MaildropLocks(database, clock)
    for size in (0, 0, 1_000_000):

        async def chunks(size: int = size) -> AsyncIterator[bytes]:
            yield MESSAGE
            for start in range(0, size, 100):
                yield b"." + b"x" * 97 + b"\r\n" if start else b"x\r\n"

        await import_message(box, database, kept, kitt.id, chunks(), internal_date_at=0.0)
    ids = itertools.count()
    parts = Pop3Parts(
        clock=clock,
        database=database,
        directory=people,
        store=box,
        locks=locks,
        admission=Admission(AdmissionOptions()),
        new_session_id=lambda: str(next(ids)),
    )
    options = Pop3ServiceOptions(
        hostname=parse_domain("pop.example.org"),
        is_tls_implicit=implicit,
        offers_apop=apop,
        plaintext_login=(ip_network("127.0.0.0/8"),),
    )
    pop3d = Pop3Service(options, parts, certificate())
    listener = await TcpNetwork().listen(Endpoint("127.0.0.1", 0), pop3d.handle)
    try:
        yield listener.endpoint.port
    finally:
        await listener.close()
        await pop3d.stop(1.0)
        await locks.close()
        people.close()
        box.changes.close()
        await kept.close()
        await database.close()
        workers.close()


async def in_thread(session: Callable[[], None]) -> None:
    await asyncio.wait_for(asyncio.to_thread(session), 60)


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def test_poplib_reads_deletes_and_comes_back(tmp_path: Path) -> None:
    def first(port: int) -> None:
        client = poplib.POP3("127.0.0.1", port, timeout=60)
        assert client.capa()["PIPELINING"] == []
        client.user(NAME)
        client.pass_(PASSWORD)
        count, octets = client.stat()
        assert count == 3
        assert octets > 1_000_000
        assert client.retr(1)[1:] == (LINES, len(MESSAGE))
        assert client.top(2, 1)[1] == LINES[:3]
        assert client.uidl(2).split()[1] == b"2"
        assert [line.split()[0] for line in client.list()[1]] == [b"1", b"2", b"3"]
        large = client.retr(3)
        assert large[2] == int(client.list(3).split()[2])
        client.noop()
        client.dele(1)
        client.rset()
        client.dele(2)
        client.quit()

    def second(port: int) -> None:
        client = poplib.POP3("127.0.0.1", port, timeout=60)
        client.user(NAME)
        client.pass_(PASSWORD)
        assert client.stat()[0] == 2
        client.dele(1)
        client.close()

    def third(port: int) -> None:
        client = poplib.POP3("127.0.0.1", port, timeout=60)
        client.utf8()
        client.user(NAME)
        client.pass_(PASSWORD)
        assert client.stat()[0] == 2
        client.quit()

    async with service(tmp_path) as port:
        for session in (first, second, third):
            await in_thread(lambda session=session: session(port))  # type: ignore[misc]


async def test_poplib_with_stls_and_pop3s(tmp_path: Path) -> None:
    def stls(port: int) -> None:
        client = poplib.POP3("127.0.0.1", port, timeout=60)
        client.stls(trusting())
        client.user(NAME)
        client.pass_(PASSWORD)
        assert client.retr(1)[1] == LINES
        client.quit()

    def pop3s(port: int) -> None:
        client = poplib.POP3_SSL("127.0.0.1", port, timeout=60, context=trusting())
        client.user(NAME)
        client.pass_(PASSWORD)
        assert len(client.retr(3)[1]) > 10_000
        client.quit()

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with service(tmp_path / "a") as port:
        await in_thread(lambda: stls(port))
    async with service(tmp_path / "b", implicit=True) as port:
        await in_thread(lambda: pop3s(port))


async def test_poplib_with_apop(tmp_path: Path) -> None:
    def session(port: int) -> None:
        client = poplib.POP3("127.0.0.1", port, timeout=60)
        client.apop(NAME, "tanstaaf")
        assert client.stat()[0] == 3
        client.quit()

    async with service(tmp_path, apop=True) as port:
        await in_thread(lambda: session(port))


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
async def test_curl_lists_and_reads(tmp_path: Path) -> None:
    async def curl(*arguments: str) -> bytes:
        login = ("--silent", "--show-error", "--max-time", "20", "--user", f"{NAME}:{PASSWORD}")
        process = await asyncio.create_subprocess_exec(
            "curl", *login, *arguments, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output

    async with service(tmp_path) as port:
        url = f"pop3://127.0.0.1:{port}/"
        assert (await curl(url)).count(b"\r\n") == 3
        assert await curl(url + "1") == MESSAGE
        assert len(await curl("--ssl-reqd", "--insecure", url + "3")) > 900_000
        await curl(url + "1", "--request", "DELE", "--head")  # curl's way to say: and no content follows
        assert (await curl(url)).count(b"\r\n") == 2


async def run(folder: Path, *command: str) -> None:
    """Run a program that reads its files in `folder`; it must succeed."""
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C", "USER": "kitt"}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()


def settings(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o600)


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("mpop") is None, reason="no mpop")
async def test_mpop_fetches_all_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with service(tmp_path / "data") as port:
        settings(
            tmp_path,
            "mpoprc",
            f"""
            account default
            host 127.0.0.1
            port {port}
            user {NAME}
            password {PASSWORD}
            auth plain
            tls on
            tls_starttls on
            tls_certcheck off
            pipelining on
            uidls_file {tmp_path}/uidls
            delivery mbox {tmp_path}/mbox
            """,
        )
        await run(tmp_path, "mpop", f"--file={tmp_path}/mpoprc")
        assert (tmp_path / "mbox").read_bytes().count(b"Subject: hello") == 3
        await run(tmp_path, "mpop", f"--file={tmp_path}/mpoprc")
        assert (tmp_path / "mbox").read_bytes().count(b"Subject: hello") == 3


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("fetchmail") is None, reason="no fetchmail")
async def test_fetchmail_fetches_all_and_keeps_what_it_is_told_to_keep(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with service(tmp_path / "data") as port:
        for keep, count in (("keep", 3), ("fetchall nokeep", 6)):
            settings(
                tmp_path,
                "fetchmailrc",
                f"""
                poll 127.0.0.1 protocol pop3 port {port} uidl
                user "{NAME}" password "{PASSWORD}" sslproto ""
                mda "cat >> {tmp_path}/box" {keep}
                """,
            )
            await run(
                tmp_path, "fetchmail", "-f", f"{tmp_path}/fetchmailrc", "--nodetach", "--nosyslog",
                "--pidfile", f"{tmp_path}/pid", "--idfile", f"{tmp_path}/ids",
            )  # fmt: skip
            assert (tmp_path / "box").read_bytes().count(b"Subject: hello") == count


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("getmail") is None, reason="no getmail")
async def test_getmail_fetches_all_once(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with service(tmp_path / "data", implicit=True) as port:
        settings(
            tmp_path,
            "getmailrc",
            f"""[retriever]
type = SimplePOP3SSLRetriever
server = 127.0.0.1
port = {port}
username = {NAME}
password = {PASSWORD}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >> {tmp_path}/mbox")
allow_root_commands = true
[options]
delete = false
read_all = false
""",
        )
        for _ in range(2):
            await run(tmp_path, "getmail", f"--getmaildir={tmp_path}", f"--rcfile={tmp_path}/getmailrc")
        assert (tmp_path / "mbox").read_bytes().count(b"Subject: hello") == 3
