"""One mailbox or one letter that cannot be taken stops no import: it is named at the end, and the status is 1."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from cli_kit import Site
from smtp_servers import Served, in_thread

from postel.app import Bench
from postel.cli.imap_import import import_account
from postel.cli.imap_source import parse_place
from postel.cli.importing import Importer, Incoming, Source, find_source
from postel.cli.maildir import MaildirWriter
from postel.cli.mbox import Quoting
from postel.cli.rights import Rights
from postel.cli.skipped import SHOWN, NotTaken, Skipped, UnreadableLetter
from postel.cli.work import CannotDo
from postel.store import INBOX, Flags, MailboxName, StoreOptions

pytestmark = pytest.mark.real_time

ANN = "frito@drag.net"
LETTER = b"Subject: hello\r\n\r\nHello!\r\n"
MBOX = b"From ann@example.net Mon Nov 23 10:00:00 2026\n" + LETTER.replace(b"\r\n", b"\n") + b"\n"
TOO_LONG = "x" * (StoreOptions().name_bytes + 1)


@pytest.fixture
def site(site: Site) -> Site:
    site.add_account(ANN)
    return site


def counts(site: Site) -> dict[str, int]:
    """Messages by mailbox, of those that have any."""

    async def work(bench: Bench) -> dict[str, int]:
        account = await bench.rooms.directory.find(ANN)
        assert account is not None
        boxes = await bench.rooms.store.mailboxes(account.id)
        return {box.name: box.message_count for box in boxes if box.message_count}

    return site.on_bench(work)


def maildir(path: Path, letters: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = MaildirWriter(path)
    for number in range(letters):
        with writer.message(1_000_000.0 + number, Flags.NONE) as file:
            file.write(LETTER)


# --- trees of files


def test_a_folder_whose_name_cannot_be_kept_stops_no_tree(site: Site, tmp_path: Path) -> None:
    top = tmp_path / "Maildir"
    for folder in (top, top / ".Other Users.bob", top / ".Sent"):
        maildir(folder)
    told = site.refused("import", ANN, str(top), "--tree")
    assert told.startswith("Not imported: ") and ".Other Users.bob: " in told and told.count("\n") == 1
    assert counts(site) == {"INBOX": 1, "Sent": 1}


def test_a_mbox_whose_name_cannot_be_kept_stops_no_tree(site: Site, tmp_path: Path) -> None:
    for name in ("Old\x01", "Older"):
        (tmp_path / name).write_bytes(MBOX)
    assert "no control characters" in site.refused("import", ANN, str(tmp_path), "--tree")
    assert counts(site) == {"Older": 1}


def test_a_folder_beyond_the_number_of_mailboxes_stops_no_tree(site: Site, tmp_path: Path) -> None:
    site.config.write_text(site.config.read_text() + "[mailboxes]\nper_account = 7\n")
    for name in ("A", "B", "C", "INBOX"):
        (tmp_path / name).write_bytes(MBOX)
    told = site.refused("import", ANN, str(tmp_path), "--tree")
    assert "at most 7" in told
    assert sum(counts(site).values()) + told.count("\n") == 4
    assert "at most 7" in site.refused("import", ANN, str(tmp_path / "A"), "--mailbox", "Last one")


def test_a_letter_that_went_away_stops_no_maildir(site: Site, tmp_path: Path) -> None:
    maildir(tmp_path / "Maildir", 3)
    second = sorted((tmp_path / "Maildir" / "new").iterdir())[1]

    async def work(bench: Bench) -> None:
        account = await bench.rooms.directory.find(ANN)
        assert account is not None
        skipped = Skipped()
        with ExitStack() as files:
            source = find_source(tmp_path / "Maildir", Quoting.MBOXRD, Rights(), files, skipped)
            second.unlink()
            assert await Importer(bench, account, INBOX, skipped).run(source) == 2
        assert skipped.number == 1

    site.on_bench(work)
    assert counts(site) == {"INBOX": 2}


def test_a_letter_that_cannot_be_read_to_its_end_is_left_out_alone(site: Site) -> None:
    lost = UnreadableLetter("cur/2", OSError(5, "Input/output error"))

    def broken(octets: int) -> Iterator[bytes]:
        yield b"x" * octets
        raise lost

    pieces = [iter([LETTER]), broken(10), iter([LETTER]), broken(1_000_000), iter([LETTER])]

    async def work(bench: Bench) -> None:
        account = await bench.rooms.directory.find(ANN)
        assert account is not None
        skipped = Skipped()
        source = Source((Incoming(one, 1.0, Flags.NONE, n) for n, one in enumerate(pieces)), 5)
        assert await Importer(bench, account, INBOX, skipped).run(source) == 3
        assert skipped.number == 2

    site.on_bench(work)
    assert counts(site) == {"INBOX": 3}


def test_a_mbox_that_cannot_be_read_any_further_keeps_what_came_before(site: Site) -> None:
    def messages() -> Iterator[Incoming]:
        yield Incoming(iter([LETTER]), 1.0, Flags.NONE, 1)
        raise NotTaken("the disk")

    async def work(bench: Bench) -> None:
        account = await bench.rooms.directory.find(ANN)
        assert account is not None
        with pytest.raises(NotTaken, match=r"the disk \(1 message before it imported\)"):
            await Importer(bench, account, INBOX, Skipped()).run(Source(messages(), 9))

    site.on_bench(work)
    assert counts(site) == {"INBOX": 1}


def test_a_full_account_is_said_to_be_full(site: Site, tmp_path: Path) -> None:
    site.ok("account", "quota", ANN, "--messages", "2")
    maildir(tmp_path / "Maildir", 5)
    assert "quota of the account is used up" in site.refused("import", ANN, str(tmp_path / "Maildir"))
    assert counts(site) == {"INBOX": 2}


def test_of_very_many_the_first_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = Skipped()
    skipped.end()
    for number in range(SHOWN + 5):
        skipped.add(f"letter {number}\n\x1b", ValueError("why"))
    with pytest.raises(SystemExit) as end:
        skipped.end()
    lines = capsys.readouterr().err.splitlines()
    assert end.value.code == 1 and len(lines) == SHOWN + 1 and lines[-1] == "and 5 more"
    assert lines[0] == "Not imported: letter 0??: why"


# --- another IMAP server

Answer = Callable[[str], bytes | None]


@contextmanager
def imap_server(
    boxes: dict[str, list[bytes | None]],
    listed: tuple[str, ...] = (),
    *,
    breaks_after: Sequence[int] = (),
    stops: bool = True,
) -> Iterator[Served]:
    """Mailboxes with their letters; None: one that it cannot give. What `listed` names cannot be selected.

    breaks_after   so many commands that ask for bodies; then the connection breaks.
    stops          whether it stops at the first letter that it cannot give, as some servers do; others give the rest.
    """
    served = Served()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        selected: list[bytes | None] = []
        writer.write(b"* OK hello\r\n")
        while line := (await reader.readline()).decode().rstrip():
            served.lines.append(line)
            tag, verb, rest = (*line.split(" ", 2), "")[:3]
            result = b"OK done"
            if verb == "CAPABILITY":
                writer.write(b"* CAPABILITY IMAP4rev1\r\n")
            elif verb == "LIST":
                for name in (*boxes, *listed):
                    writer.write(b'* LIST () "/" "%b"\r\n' % name.encode())
            elif verb == "EXAMINE":
                selected = boxes.get(rest.strip('"'), [])
                result = b"OK done" if rest.strip('"') in boxes else b"NO [SERVERBUG] it is broken"
                writer.write(b"* %d EXISTS\r\n* OK [UIDVALIDITY 1] so\r\n" % len(selected))
            elif verb == "UID":
                if any(sum("BODY" in said for said in served.lines) > most for most in breaks_after):
                    return
                result = _fetched(rest, selected, writer, stops)
            writer.write(tag.encode() + b" " + result + b"\r\n")
            if verb == "LOGOUT":
                return

    with in_thread(serve, served):
        yield served


def _fetched(rest: str, letters: list[bytes | None], writer: asyncio.StreamWriter, stops: bool) -> bytes:
    """UID FETCH."""
    wanted, result = set(), b"OK done"
    for one in re.findall(r"[\d:*]+", rest.split(" ")[1]):
        first, _, last = one.partition(":")
        end = len(letters) if last in ("*", "4294967295") else int(last or first)
        wanted |= set(range(int(first), end + 1))
    for uid in sorted(wanted):
        letter = letters[uid - 1] if uid <= len(letters) else b""
        if "BODY" not in rest:
            writer.write(b"* %d FETCH (UID %d)\r\n" % (uid, uid))
        elif letter is None:
            result = b"NO [SERVERBUG] cannot read it"
            if stops:
                break
        else:
            writer.write(
                b"* %d FETCH (UID %d FLAGS () BODY[] {%d}\r\n%b)\r\n" % (uid, uid, len(letter), letter)
            )
    return result


def taken(site: Site, served: Served, skipped: Skipped) -> int:
    async def work(bench: Bench) -> int:
        account = await bench.rooms.directory.find(ANN)
        assert account is not None
        place = parse_place(f"imap://ann@127.0.0.1:{served.port}")
        return await import_account(bench, account, place, "secret", skipped, verify=False)

    return site.on_bench(work)


def lines_of(skipped: Skipped, capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit):
        skipped.end()
    return capsys.readouterr().err.splitlines()


def test_a_mailbox_there_whose_name_cannot_be_kept_stops_no_other(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    skipped = Skipped()
    with imap_server({"INBOX": [LETTER], TOO_LONG: [LETTER], "Work": [LETTER, LETTER]}) as served:
        assert taken(site, served, skipped) == 3
    assert counts(site) == {"INBOX": 1, "Work": 2}
    (line,) = lines_of(skipped, capsys)
    assert line.startswith(f"Not imported: {TOO_LONG}: a mailbox name has at most")


def test_a_mailbox_that_cannot_be_opened_there_stops_no_other(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    skipped = Skipped()
    with imap_server({"INBOX": [LETTER], "Work": [LETTER]}, listed=("Broken",)) as served:
        assert taken(site, served, skipped) == 2
    assert counts(site) == {"INBOX": 1, "Work": 1}
    assert lines_of(skipped, capsys) == ["Not imported: Broken: EXAMINE failed: it is broken"]


@pytest.mark.parametrize("lost", [(0,), (5,), (9,), (2, 3, 7), (0, 9)])
def test_letters_that_cannot_be_had_stop_no_other_and_nothing_comes_twice(
    site: Site, capsys: pytest.CaptureFixture[str], lost: tuple[int, ...]
) -> None:
    letters = [None if number in lost else b"Subject: %d\r\n\r\n\r\n" % number for number in range(10)]
    skipped = Skipped()
    with imap_server({"INBOX": letters, "Work": [LETTER]}) as served:
        assert taken(site, served, skipped) == 11 - len(lost)
        letters.append(LETTER)
        assert taken(site, served, Skipped()) == 1
    assert counts(site) == {"INBOX": 11 - len(lost), "Work": 1}
    assert [line.split(":")[1] for line in lines_of(skipped, capsys)] == [
        f" INBOX, the letter with UID {number + 1}" for number in lost
    ]
    assert subjects(site) == [*(b"%d" % number for number in range(10) if number not in lost), b"hello"]


@pytest.mark.parametrize("stops", [True, False])
@pytest.mark.parametrize("fetches", [1, 2, 4, 7])
def test_what_was_refused_is_asked_for_again_also_after_an_end_in_between(
    site: Site, fetches: int, stops: bool
) -> None:
    whole = [b"Subject: %d\r\n\r\n\r\n" % number for number in range(10)]
    broken = [None if number in (1, 4, 5) else letter for number, letter in enumerate(whole)]
    breaks_after = [fetches]
    with imap_server({"INBOX": broken}, breaks_after=breaks_after, stops=stops) as served:
        with suppress(CannotDo):
            taken(site, served, Skipped())
        breaks_after.clear()
        skipped = Skipped()
        taken(site, served, skipped)
        assert (counts(site), skipped.number) == ({"INBOX": 7}, 3)
        broken[:] = whole
        assert [taken(site, served, Skipped()), taken(site, served, Skipped())] == [3, 0]
    assert subjects(site) == [b"%d" % number for number in range(10)]


def subjects(site: Site) -> list[bytes]:
    async def work(bench: Bench) -> list[bytes]:
        store = bench.rooms.store
        account = await bench.rooms.directory.find(ANN)
        assert account is not None
        box = await store.mailbox(account.id, MailboxName("INBOX"))
        assert box is not None
        return [
            (b"".join([piece async for piece in store.read(message)])).split(b"\r\n")[0].partition(b": ")[2]
            async for message in store.messages(box.id)
        ]

    return sorted(site.on_bench(work))
