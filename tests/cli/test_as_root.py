"""Root works as the owner of the data directory: nothing in it may become root's."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import CONFIG, Site

from postel.cli.work import CannotDo, take_data

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else"),
]

NOBODY = 65534
MBOX = b"From a@b Thu Jan  1 00:00:00 2026\n" + b"Subject: large\n\n" + b"a line of text\n" * 20_000


def postel(site: Site, *arguments: str, stdin: bytes = b"") -> bytes:
    command = [sys.executable, "-m", "postel", "--config", str(site.config), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def owners(directory: Path) -> set[int]:
    return {path.lstat().st_uid for path in (directory, *directory.rglob("*"))}


@pytest.fixture
def site() -> Iterator[Site]:
    # Not in pytest's own folder, which others may not even pass through.
    with tempfile.TemporaryDirectory(prefix="postel-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "data").mkdir()
        os.chown(folder / "data", NOBODY, NOBODY)
        yield Site.make(folder, CONFIG)


def test_all_that_commands_write_belongs_to_the_owner(site: Site) -> None:
    private = site.folder / "private"
    private.mkdir(mode=0o700)
    (private / "mbox").write_bytes(MBOX)
    postel(site, "account", "add", "frito@drag.net", "--generate")
    postel(site, "import", "frito@drag.net", str(private / "mbox"))
    postel(site, "send", "-f", "frito@drag.net", "kitt@free.org", stdin=b"\n" + b"x" * 300_000)
    assert owners(site.folder / "data") == {NOBODY}
    postel(site, "export", "frito@drag.net", str(private / "out"))
    assert (private / "out").read_bytes().endswith(MBOX.partition(b"\n")[2] + b"\n")
    postel(site, "backup", str(private / "copy"))
    assert owners(site.folder / "data") == {NOBODY}
    (site.folder / "data").rename(site.folder / "old")
    (site.folder / "data").mkdir()
    os.chown(site.folder / "data", NOBODY, NOBODY)
    postel(site, "restore", str(private / "copy"))
    assert owners(site.folder / "data") == {NOBODY}
    assert b"frito@drag.net" in postel(site, "account", "list")


def test_who_may_not_see_the_data_directory_is_told_so(site: Site) -> None:
    (site.folder / "data").chmod(0o700)
    (site.folder / "inner").mkdir(mode=0o700)
    for place in ("data", "inner/data"):
        site.config.write_text(CONFIG.replace('data = "data"', f'data = "{place}"'))
        loaded = site.loaded
        os.seteuid(NOBODY - 1)
        try:
            with pytest.raises(CannotDo, match="run this as that user, or as root"):
                take_data(loaded, makes_data=False)
        finally:
            os.seteuid(0)
