import json

import pytest
from cli_kit import LETTER, Site

from postel.app import Bench
from postel.database import Transaction
from postel.queue import QueueId


def entries(site: Site, *arguments: str) -> list[str]:
    return [row["id"] for row in site.json("queue", "list", *arguments)]


def test_an_empty_queue_is_said_to_be_empty(site: Site) -> None:
    site.add_account("frito@drag.net")
    assert site.ok("queue", "list") == "The queue is empty.\n"
    assert site.json("queue", "list") == []
    assert site.ok("queue", "flush") == "0 recipients tried again now\n"


def test_the_list_tells_who_where_and_why(site: Site) -> None:
    queue_id = site.queue("kitt@free.org", "bob@example.net")
    table = site.ok("queue", "list")
    for word in (str(queue_id), "<ann@free.org>", "kitt@free.org and 1 more", "waiting", "now"):
        assert word in table
    assert table.rstrip().endswith("1 message; 2 recipients waiting; 2 destinations")
    (row,) = site.json("queue", "list")
    assert row["reverse_path"] == "ann@free.org"
    assert [one["address"] for one in row["recipients"]] == ["kitt@free.org", "bob@example.net"]
    assert row["recipients"][0]["state"] == "waiting"


def test_mail_is_chosen_by_id_domain_and_reverse_path(site: Site) -> None:
    first = str(site.queue("kitt@free.org"))
    second = str(site.queue("bob@example.net", reverse_path="frito@drag.net"))
    report = str(site.queue("bob@example.net", reverse_path=""))
    assert entries(site) == entries(site, "--all") == [first, second, report]
    assert entries(site, first) == [first]
    assert entries(site, report, first) == [report, first]
    assert entries(site, "--domain", "EXAMPLE.net") == [second, report]
    assert entries(site, "--from", "frito@drag.net") == [second]
    assert entries(site, "--from", "") == entries(site, "--from", "<>") == [report]
    assert entries(site, "--domain", "example.net", "--from", "frito@drag.net") == [second]
    assert "nothing" in site.refused("queue", "list", "--domain", "nowhere.example")


def test_a_long_queue_is_cut_with_a_word(site: Site) -> None:
    ids = [str(site.queue("kitt@free.org")) for _ in range(3)]
    result = site.run("queue", "list", "--limit", "2", "--json")
    assert [row["id"] for row in json.loads(result.stdout)] == ids[:2]
    assert "only the oldest 2" in result.stderr


def test_one_message_is_shown_with_all_that_is_known(site: Site) -> None:
    queue_id = str(site.queue("kitt@free.org"))
    page = site.ok("queue", "show", queue_id)
    for word in ("ann@free.org", "ESMTP from 192.0.2.1 (mx.free.org)", "kitt@free.org", "mx:free.org"):
        assert word in page
    (facts,) = site.json("queue", "show", queue_id)
    assert facts["origin"]["client_ip"] == "192.0.2.1"
    assert site.run("queue", "show", queue_id, "--content").stdout_bytes == LETTER


def test_what_is_not_there_or_no_id_is_said(site: Site) -> None:
    queue_id = str(site.queue("kitt@free.org"))
    other = str(QueueId(int(QueueId.parse(queue_id)) - 1))
    for command in ("show", "retry", "hold", "release", "remove"):
        site.refused("queue", command, other)
        site.refused("queue", command, "nonsense", status=2)
    site.refused("queue", "list", "nonsense", status=2)


@pytest.mark.parametrize("command", ["retry", "hold", "release", "remove"])
def test_a_change_must_say_what_it_is_about(site: Site, command: str) -> None:
    site.queue("kitt@free.org")
    assert "say which mail" in site.refused("queue", command, status=2)
    site.refused("queue", command, "--all", "--domain", "free.org", status=2)
    site.refused("queue", command, "--domain", "-", status=2)
    site.refused("queue", command, "--from", "nonsense", status=2)


def test_held_mail_waits_until_it_is_released(site: Site) -> None:
    queue_id = str(site.queue("kitt@free.org"))
    assert site.ok("queue", "hold", queue_id) == "1 recipient held\n"
    assert "held" in site.ok("queue", "list")
    assert "release" in site.refused("queue", "retry", queue_id)
    site.refused("queue", "hold", queue_id)
    (row,) = site.json("queue", "list")
    assert (row["recipients"][0]["state"], row["recipients"][0]["next_try_at"]) == ("held", None)
    assert site.ok("queue", "release", "--domain", "free.org") == "1 recipient released\n"
    assert site.json("queue", "list")[0]["recipients"][0]["state"] == "waiting"


def test_part_of_a_message_can_be_held(site: Site) -> None:
    site.queue("kitt@free.org", "bob@example.net")
    site.ok("queue", "hold", "--domain", "example.net")
    assert "1 of 2 held" in site.ok("queue", "list")


def test_retry_and_flush_count_recipients(site: Site) -> None:
    site.queue("kitt@free.org", "bob@example.net")
    assert site.ok("queue", "retry", "--from", "ann@free.org") == "2 recipients tried again now\n"
    assert site.ok("queue", "flush") == "2 recipients tried again now\n"


def test_removed_mail_is_gone_without_a_word(site: Site) -> None:
    queue_id = str(site.queue("kitt@free.org"))
    site.queue("bob@example.net")
    assert site.ok("queue", "remove", queue_id) == "1 recipient removed\n"
    assert site.ok("queue", "remove", "--all") == "1 recipient removed\n"
    assert entries(site) == []


def test_a_removal_can_be_reported(site: Site) -> None:
    site.queue("kitt@free.org", reverse_path="frito@drag.net")
    site.ok("queue", "remove", "--all", "--report")
    (report,) = site.json("queue", "list")
    assert report["reverse_path"] == ""
    assert report["recipients"][0]["address"] == "frito@drag.net"
    assert report["recipients"][0]["destination"] == "local"
    content = site.ok("queue", "show", report["id"], "--content")
    assert "Action: failed" in content
    assert "kitt@free.org" in content


def test_what_strangers_said_does_not_steer_the_terminal(site: Site) -> None:
    queue_id = site.queue("kitt@free.org")

    async def work(bench: Bench) -> None:
        async def write(tx: Transaction) -> None:
            sql = "UPDATE queue_recipient SET reply = ?, remote = ?, because = ''"
            await tx.execute(sql, ("451 4.0.0 \x1b[31mred [bold]x[/bold]", "mx\x1b.free.org"))

        await bench.rooms.database.write(write)

    site.on_bench(work)
    for output in (site.ok("queue", "list"), site.ok("queue", "show", str(queue_id))):
        assert "\x1b" not in output
        assert "[bold]x[/bold]" in output


def test_scheduled_mail_is_seen_released_early_and_cancelled(site: Site) -> None:
    first = str(site.queue("kitt@free.org", parameters={"HOLDFOR": "86400", "MT-PRIORITY": "3"}))
    second = str(site.queue("bob@example.net", parameters={"HOLDFOR": "172800"}))
    now = str(site.queue("kitt@free.org"))
    assert entries(site, "--scheduled") == [first, second]
    table = site.ok("queue", "list", "--scheduled")
    assert "released at 20" in table
    assert "2 messages scheduled" in site.ok("queue", "list")
    page = site.ok("queue", "show", first)
    assert "  released   20" in page
    assert "asked for  HOLDFOR=86400 MT-PRIORITY=3" in page
    (facts,) = site.json("queue", "show", first)
    assert facts["release_at"] is not None
    assert facts["priority"] == 3
    assert "scheduled" in site.refused("queue", "retry", first)
    assert "--early" in site.refused("queue", "release", first)
    assert site.ok("queue", "release", "--early", first) == "1 recipient released\n"
    assert entries(site, "--scheduled") == [second]
    assert site.ok("queue", "remove", second) == "1 recipient removed\n"
    assert entries(site) == [first, now]
    assert "nothing" in site.refused("queue", "list", "--scheduled")
