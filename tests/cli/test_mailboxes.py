import mailbox
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import Site

from postel.app import Bench
from postel.cli.importing import Importer, Incoming, Source
from postel.cli.maildir import format_flags, list_maildir, parse_flags
from postel.cli.skipped import Skipped
from postel.cli.work import CannotDo
from postel.store import INBOX, Flags, MailboxName

ANN = "frito@drag.net"
FIRST = b"Subject: 1\r\nStatus: RO\r\nX-Status: AF\r\n\r\none\r\nFrom here\r\n"
SECOND = b"Return-Path: <kitt@free.org>\r\nSubject: 2\r\n\r\ntwo\r\n\r\n"
MBOX = (
    b"From ann@free.org Thu Jan  1 00:00:00 2026\n"
    + FIRST.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ")
    + b"\nFrom bob@free.org Thu Jan  1 00:00:01 2026\n"
    + SECOND.replace(b"\r\n", b"\n")
    + b"\n"
)


@pytest.fixture
def site(site: Site) -> Site:
    site.add_account(ANN)
    return site


def stored(site: Site, name: str = "INBOX") -> list[tuple[bytes, float, Flags]]:
    async def work(bench: Bench) -> list[tuple[bytes, float, Flags]]:
        store = bench.rooms.store
        account = await bench.rooms.directory.find(ANN)
        assert account is not None
        box = await store.mailbox(account.id, MailboxName(name))
        assert box is not None
        return [
            (
                b"".join([piece async for piece in store.read(message)]),
                message.internal_date_at,
                message.flags,
            )
            async for message in store.messages(box.id)
        ]

    return site.on_bench(work)


EXPECTED = [
    (FIRST, 1767225600.0, Flags.SEEN | Flags.ANSWERED | Flags.FLAGGED),
    (SECOND, 1767225601.0, Flags.NONE),
]


def test_a_mbox_comes_in_with_dates_and_flags(site: Site) -> None:
    (site.folder / "mbox").write_bytes(MBOX)
    told = site.ok("import", ANN, str(site.folder / "mbox"))
    assert told == f"Imported 2 messages into INBOX of {ANN}.\n"
    assert stored(site) == EXPECTED


def test_a_mbox_comes_in_by_standard_input(site: Site) -> None:
    site.ok("import", ANN, "-", "--mailbox", "Old mail", stdin=MBOX)
    assert stored(site, "Old mail") == EXPECTED


def test_a_maildir_comes_in_with_dates_and_flags(site: Site) -> None:
    box = site.folder / "Maildir"
    for name in ("cur", "new", "tmp"):
        (box / name).mkdir(parents=True)
    (box / "cur" / "10.b.x:2,FRS").write_bytes(FIRST.replace(b"\r\n", b"\n"))
    (box / "new" / "11.a.x").write_bytes(SECOND)
    (box / "tmp" / "12.c.x").write_bytes(b"not yet here")
    (box / "new" / ".hidden").write_bytes(b"nor this")
    (box / "new" / "9.link").symlink_to("/etc/passwd")
    os.utime(box / "cur" / "10.b.x:2,FRS", (1767225600, 1767225600))
    os.utime(box / "new" / "11.a.x", (1767225601, 1767225601))
    site.ok("import", ANN, str(box))
    assert stored(site) == EXPECTED


def test_large_and_small_messages_keep_their_order(site: Site) -> None:
    messages = [b"Subject: %d\n\n" % n + (b"x" * 70 + b"\n") * (4000 if n % 3 == 0 else 1) for n in range(10)]
    separator = b"From a@b Thu Jan  1 00:00:00 2026\n"
    (site.folder / "mbox").write_bytes(b"".join(separator + message + b"\n" for message in messages))
    site.ok("import", ANN, str(site.folder / "mbox"))
    assert [content.replace(b"\r\n", b"\n") for content, _, _ in stored(site)] == messages


def test_what_grows_large_by_its_line_ends_keeps_its_order(site: Site) -> None:
    messages = [b"Subject: %d\n\n" % n + b"xxx\n" * (30_000 if n == 1 else 1) for n in range(8)]
    separator = b"From a@b Thu Jan  1 00:00:00 2026\n"
    (site.folder / "mbox").write_bytes(b"".join(separator + message + b"\n" for message in messages))
    site.ok("import", ANN, str(site.folder / "mbox"))
    assert [content.replace(b"\r\n", b"\n") for content, _, _ in stored(site)] == messages


def test_what_came_in_goes_out_as_it_was(site: Site) -> None:
    (site.folder / "mbox").write_bytes(MBOX)
    site.ok("import", ANN, str(site.folder / "mbox"))
    assert "Exported 2 messages" in site.ok("export", ANN, str(site.folder / "out"))
    exported = (site.folder / "out").read_bytes()
    assert exported.startswith(b"From MAILER-DAEMON Thu Jan  1 00:00:00 2026\nSubject: 1\n")
    assert b"\nFrom kitt@free.org Thu Jan  1 00:00:01 2026\nReturn-Path" in exported
    assert (site.folder / "out").stat().st_mode & 0o777 == 0o600
    assert not (site.folder / "out.partial").exists()
    site.ok("import", ANN, str(site.folder / "out"), "--mailbox", "Again")
    assert stored(site, "Again") == EXPECTED


def test_a_maildir_goes_out_with_its_flags(site: Site) -> None:
    site.ok("import", ANN, "-", stdin=MBOX)
    site.ok("export", ANN, str(site.folder / "out"), "--format", "maildir")
    box = mailbox.Maildir(site.folder / "out", create=False)
    assert sorted(message["Subject"] for message in box) == ["1", "2"]
    box.close()
    site.ok("import", ANN, str(site.folder / "out"), "--mailbox", "Again")
    assert stored(site, "Again") == EXPECTED
    for message in list_maildir(site.folder / "out"):
        assert message.path.read_bytes().replace(b"\n", b"\r\n") in (FIRST, SECOND)


def test_nothing_is_written_over(site: Site) -> None:
    (site.folder / "out").write_text("precious")
    assert "is there already" in site.refused("export", ANN, str(site.folder / "out"))
    assert (site.folder / "out").read_text() == "precious"


def test_what_cannot_be_is_said(site: Site, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("no mbox\n")
    assert "no Maildir" in site.refused("import", ANN, str(tmp_path / "folder"))
    assert "begins with" in site.refused("import", ANN, str(tmp_path / "text"))
    assert "No such file" in site.refused("import", ANN, str(tmp_path / "nothing"))
    assert "postel account add" in site.refused("import", "kitt@drag.net", "-", stdin=MBOX)
    assert "is no address" in site.refused("import", "kitt", "-", stdin=MBOX)
    assert "has no mailbox" in site.refused("export", ANN, str(tmp_path / "x"), "--mailbox", "Work")
    assert "no Maildir" in site.refused("import", ANN, str(tmp_path / "folder"), "--mailbox", "Sent")
    site.refused("import", ANN, "-", "--mailbox", " ", status=2)
    site.refused("import", ANN, "-", "--mailbox", "Work//Old", status=2)
    assert "No such file" in site.refused("export", ANN, "/nowhere/at/all")


def test_only_files_are_messages(site: Site) -> None:
    box = site.folder / "Maildir"
    for name in ("cur", "new", "new/folder"):
        (box / name).mkdir(parents=True)
    os.mkfifo(box / "new" / "2.x")
    (box / "new" / "1.x").write_bytes(FIRST)
    assert "Imported 1 message " in site.ok("import", ANN, str(box))


def test_an_import_that_breaks_off_says_how_far_it_came(site: Site) -> None:
    def messages() -> Iterator[Incoming]:
        for number in range(3):
            yield Incoming(iter([FIRST]), 1.0, Flags.NONE, number)
        raise OSError(5, "Input/output error", "the disk")

    async def work(bench: Bench) -> None:
        account = await bench.rooms.directory.find(ANN)
        assert account is not None
        with pytest.raises(CannotDo, match=r"the disk: Input/output error \(3 messages before it imported\)"):
            await Importer(bench, account, INBOX, Skipped()).run(Source(messages(), 9))

    site.on_bench(work)
    assert len(stored(site)) == 3


@pytest.mark.parametrize("name", ["inbox", "InBox"])
def test_the_name_of_the_inbox_has_no_case(site: Site, name: str) -> None:
    site.ok("import", ANN, "-", "--mailbox", name, stdin=MBOX)
    assert len(stored(site)) == 2


def test_flags_of_maildir_names() -> None:
    assert parse_flags("1.x:2,DFRSTP") == (
        Flags.DRAFT | Flags.FLAGGED | Flags.ANSWERED | Flags.SEEN | Flags.DELETED
    )
    assert parse_flags("1.x") == parse_flags("1.x:1,FRS") == Flags.NONE
    assert format_flags(Flags.SEEN | Flags.DRAFT) == ":2,DS"


def test_a_mbox_goes_to_standard_output(site: Site) -> None:
    site.ok("import", ANN, "-", stdin=MBOX)
    site.ok("export", ANN, str(site.folder / "out"))
    piped = site.run("export", ANN, "-")
    assert piped.stdout_bytes == (site.folder / "out").read_bytes()
    assert piped.stderr == "Exported 2 messages to standard output.\n"
    assert "only a mbox" in site.refused("export", ANN, "-", "--format", "maildir", status=2)
    assert "only a mbox" in site.refused("export", ANN, "-", "--tree", status=2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", ANN, "imap://ann@127.0.0.1", "--mailbox", "Sent"),
        ("import", ANN, "imap://ann@127.0.0.1", "--tree"),
        ("import", ANN, "imap://ann@127.0.0.1", "--quoting", "none"),
        ("import", ANN, "mbox", "--insecure"),
        ("import", ANN, "mbox", "--password-stdin"),
        ("import", ANN, "mbox", "--tree", "--mailbox", "Sent"),
        ("export", ANN, "out", "--tree", "--mailbox", "Sent"),
        ("export", ANN, "out", "--tree", "--format", "mbox"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(site: Site, arguments: tuple[str, ...]) -> None:
    told = site.refused(*arguments, status=2)
    assert f"{arguments[-2] if arguments[-1][:2] != '--' else arguments[-1]}" in told
