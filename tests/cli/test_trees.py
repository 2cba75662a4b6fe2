"""`postel import --tree` and `postel export --tree`: folders in files become mailboxes, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_kit import Site

from postel.cli.maildir import MaildirWriter
from postel.cli.skipped import Skipped
from postel.cli.trees import find_folders, maildir_plus_plus
from postel.cli.work import CannotDo
from postel.store import INBOX, Flags, MailboxName

ANN = "frito@drag.net"
LETTER = b"Subject: hello\n\nHello!\n"
MBOX = b"From ann@example.net Mon Nov 23 10:00:00 2026\n" + LETTER + b"\n"


def _maildir(path: Path, flags: Flags = Flags.NONE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with MaildirWriter(path).message(1_000_000.0, flags) as file:
        file.write(LETTER)


def test_a_maildir_plus_plus_tree_is_found_with_its_names(tmp_path: Path) -> None:
    top = tmp_path / "Maildir"
    for folder in (top, top / ".Sent", top / ".Work.Plans", top / ".&APY-l"):
        _maildir(folder)
    assert [folder.name for folder in find_folders(top, Skipped())] == [INBOX, "Sent", "Work/Plans", "öl"]


def test_maildirs_within_directories_and_mbox_files_are_found(tmp_path: Path) -> None:
    _maildir(tmp_path / "Work" / "Plans")
    (tmp_path / "Inbox").write_bytes(MBOX)
    (tmp_path / "Inbox.msf").write_bytes(b"From nothing")
    (tmp_path / "Old.sbd").mkdir()
    (tmp_path / "Old.sbd" / "2025").write_bytes(MBOX)
    (tmp_path / "notes.txt").write_text("no mail")
    assert [folder.name for folder in find_folders(tmp_path, Skipped())] == [INBOX, "Old/2025", "Work/Plans"]


def test_a_directory_without_mail_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(CannotDo):
        find_folders(tmp_path, Skipped())


def test_a_level_with_a_dot_does_not_become_two(tmp_path: Path) -> None:
    path = maildir_plus_plus(tmp_path, MailboxName("v1.2/ö"))
    _maildir(tmp_path)
    _maildir(path)
    assert [folder.name for folder in find_folders(tmp_path, Skipped())] == [INBOX, "v1.2/ö"]


@pytest.mark.slow
def test_a_tree_that_was_exported_and_imported_is_the_same(site: Site, tmp_path: Path) -> None:
    top = tmp_path / "Maildir"
    _maildir(top, Flags.SEEN)
    _maildir(top / ".Work.Plans", Flags.FLAGGED)
    site.add_account(ANN)
    told = site.ok("import", ANN, str(top), "--tree")
    assert "Imported 2 messages into mailboxes" in told
    site.ok("export", ANN, str(tmp_path / "out"), "--tree")
    found = {folder.name for folder in find_folders(tmp_path / "out", Skipped())}
    assert {INBOX, "Work/Plans", "Sent"} <= found
    (letter,) = (tmp_path / "out" / ".Work.Plans" / "cur").iterdir()
    assert letter.read_bytes() == LETTER and letter.name.endswith(":2,F")
