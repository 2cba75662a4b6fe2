from cli_kit import LETTER, Site


def test_a_backup_is_made_and_restored(site: Site) -> None:
    site.add_account("frito@drag.net")
    queue_id = str(site.queue("kitt@free.org", content=LETTER + b"x" * 300_000))
    told = site.ok("backup", str(site.folder / "copy"))
    assert told.endswith("the database and 1 content file.\n")
    site.ok("queue", "remove", "--all")
    (site.folder / "data").rename(site.folder / "data.old")
    assert "1 content file" in site.ok("restore", str(site.folder / "copy"))
    content = site.run("queue", "show", queue_id, "--content").stdout_bytes
    assert content == LETTER + b"x" * 300_000
    assert [row["address"] for row in site.json("account", "list")] == ["frito@drag.net"]


def test_what_cannot_be_is_said(site: Site) -> None:
    assert "there is no data directory" in site.refused("backup", str(site.folder / "copy"))
    (site.folder / "data").mkdir()
    assert "there is nothing in" in site.refused("backup", str(site.folder / "copy"))
    assert "it is no backup" in site.refused("restore", str(site.folder / "copy"))
    site.add_account("frito@drag.net")
    site.ok("backup", str(site.folder / "copy"))
    assert "is not empty" in site.refused("backup", str(site.folder / "copy"))
    assert "is not empty" in site.refused("restore", str(site.folder / "copy"))
