"""Who hears what, and when."""

from typing import Any

import pytest
from queue_kit import CONTENT, NEVER, NOT_NOW, OK, Down, World, hours, settle

from postel.mail import Reply
from postel.queue import Delayed, Discarded, Failed, Queue, Relayed

BACK = "mx:example.net"


async def reports(world: World) -> list[str]:
    return [content.decode() for content in world.delivered_to("ann@example.net")]


async def test_a_failure_is_reported_to_the_reverse_path() -> None:
    world = await World.open(hostname="mx.here.example")
    queue = await world.started()
    world.hosts["mx:example.org"] = Failed(NEVER, "mx.example.org", "secret reason")
    queue_id = await world.submit(queue, "bob@example.org", "carol@example.org")
    await settle()
    (report,) = await reports(world)
    assert "Reporting-MTA: dns; mx.here.example" in report
    assert report.count("Action: failed") == 2
    assert "Final-Recipient: rfc822;bob@example.org" in report
    assert "Status: 5.1.1" in report
    assert "Remote-MTA: dns; mx.example.org" in report
    assert "Diagnostic-Code: smtp; 550 5.1.1 no such mailbox" in report
    assert str(queue_id) in report
    assert CONTENT.decode() in report
    assert "secret reason" not in report
    assert "Original-" not in report
    assert await world.is_empty()


async def test_a_report_has_a_null_reverse_path_and_is_never_reported_on() -> None:
    world = await World.open()
    queue = await world.started()
    seen: list[Any] = []

    def refuse(job: Any) -> Failed:
        seen.append(job)
        return Failed(NEVER, "mx.example.net")

    world.hosts["mx:example.org"] = Failed(NEVER, "mx.example.org")
    world.hosts[BACK] = refuse
    await world.submit(queue, "bob@example.org")
    await hours(1)
    (job,) = seen
    assert job.reverse_path.is_null
    assert job.origin.protocol == "report"
    assert await world.is_empty()


async def test_nobody_is_told_about_a_message_with_a_null_reverse_path() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Failed(NEVER)
    await world.submit(queue, "bob@example.org", reverse_path="")
    await settle()
    assert world.inbox == []
    assert await world.is_empty()


async def test_a_delay_is_reported_once_and_then_the_end() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Delayed(NOT_NOW, "mx.example.org")
    await world.submit(queue, "bob@example.org")
    await hours(3.99)
    assert await reports(world) == []
    await hours(0.02)
    (late,) = await reports(world)
    assert "Action: delayed" in late
    assert "Status: 4.7.1" in late
    assert "Will-Retry-Until: Tue, 06 Jan 2026 00:00:00 +0000" in late
    assert "451 4.7.1 greylisted, try again" in late
    await hours(115.9)
    assert len(await reports(world)) == 1
    await hours(2)
    _, end = await reports(world)
    assert "Action: failed" in end
    assert "Status: 5.4.7" in end
    assert "greylisted, try again" in end
    assert await world.is_empty()


async def test_recipients_never_tried_because_their_lane_is_down_expire_with_its_last_reply() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    for n in range(30):
        await world.submit(queue, f"bob{n}@example.org")
    await hours(121)
    found = await reports(world)
    assert len(found) == 60
    assert all("connection refused" in report for report in found)
    assert await world.is_empty()
    assert (await queue.counts()).lanes_down == 0


@pytest.mark.parametrize(
    ("notify", "answer", "action"),
    [
        ("NEVER", Failed(NEVER), None),
        ("SUCCESS", Failed(NEVER), None),
        ("delay,failure", Failed(NEVER), "failed"),
        ("SUCCESS,FAILURE", Relayed("mx.example.org", OK), "relayed"),
        ("SUCCESS", Relayed("mx.example.org", OK, is_reporting=True), None),
        ("FAILURE", Relayed("mx.example.org", OK), None),
        ("SUCCESS,FAILURE,DELAY", Discarded(), None),
    ],
)
async def test_notify_is_obeyed(notify: str, answer: Any, action: str | None) -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = answer
    await world.submit(queue, "bob@example.org", rcpt={"NOTIFY": notify})
    await settle()
    found = await reports(world)
    assert len(found) == (action is not None)
    assert all(f"Action: {action}" in report for report in found)


async def test_no_delay_is_reported_to_those_who_did_not_ask() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Delayed(NOT_NOW, "mx.example.org")
    await world.submit(queue, "bob@example.org", rcpt={"NOTIFY": "FAILURE"})
    await hours(100)
    assert await reports(world) == []


async def test_envid_orcpt_and_ret_are_honoured() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Failed(NEVER)
    await world.submit(
        queue,
        "bob@example.org",
        parameters={"ENVID": "QQ+2B1", "RET": "HDRS"},
        rcpt={"ORCPT": "rfc822;kitt@free.org"},
    )
    await settle()
    (report,) = await reports(world)
    assert "Original-Envelope-Id: QQ+1" in report
    assert "Original-Recipient: rfc822;kitt@free.org" in report
    assert "text/rfc822-headers" in report
    assert "\r\nhello\r\n" not in report


async def test_large_content_is_not_returned() -> None:
    world = await World.open(return_limit_bytes=1000)
    queue = await world.started()
    world.hosts["mx:example.org"] = Failed(NEVER)
    await world.submit(queue, "bob@example.org", content=CONTENT + b"x" * 1000 + b"\r\n")
    await settle()
    (report,) = await reports(world)
    assert "text/rfc822-headers" in report
    assert "xxx" not in report


async def test_a_lost_content_does_not_stop_the_report() -> None:
    world = await World.open()
    queue = await world.started()

    async def lose(job: Any) -> None:
        world.contents.forget(job.content_id)
        await world.database.write(lambda tx: tx.execute("DELETE FROM content_alone"))

    class Loser:
        async def deliver(self, jobs: Any) -> None:
            while (job := await jobs.next()) is not None:
                if job.lane == BACK:
                    reader = await world.contents.reader(job.content_id)
                    world.inbox.append(("ann@example.net", await reader.head_of(10_000)))
                    await jobs.done(job, {0: Relayed("x", OK)})
                    continue
                await lose(job)
                await jobs.done(job, {0: Failed(NEVER)})

    world.agents = lambda lane: Loser()
    queue = world.queue()
    await queue.start()
    await world.submit(queue, "bob@example.org")
    await settle()
    assert len(await reports(world)) == 1


async def test_after_a_long_sleep_mail_is_tried_before_it_is_returned() -> None:
    world = await World.open()
    queue = world.queue()
    await world.submit(queue, "bob@example.org", "carol@example.com")
    world.hosts["mx:example.com"] = Delayed(NOT_NOW, "mx.example.com")
    await hours(200)
    await queue.start()
    await settle()
    assert world.delivered_to("bob@example.org")
    (report,) = await reports(world)
    assert "carol@example.com" in report
    assert "bob@example.org" not in report.partition("Your message")[0]


async def test_a_restart_does_not_warn_about_mail_that_flows_at_once() -> None:
    world = await World.open()
    queue = world.queue()
    await world.submit(queue, "bob@example.org")
    await hours(5)
    await queue.start()
    await hours(5)
    assert await reports(world) == []


async def test_the_host_that_turned_us_away_is_named() -> None:
    world = await World.open(expire_after_s=3600)

    class TurnedAway:
        async def deliver(self, jobs: Any) -> None:
            while (job := await jobs.next()) is not None:
                if jobs.lane != BACK:
                    await jobs.lane_down(
                        Reply(421, None, "too busy"), "421 in the greeting", "mx.example.org"
                    )
                    return
                reader = await world.contents.reader(job.content_id)
                world.inbox.append(("ann@example.net", await reader.head_of(10_000) + await whole(reader)))
                await jobs.done(job, {0: Relayed("x", OK)})

    async def whole(reader: Any) -> bytes:
        return b"".join([chunk async for chunk in reader.chunks()])

    world.agents = lambda lane: TurnedAway()
    queue = await world.started()
    for n in range(3):
        await world.submit(queue, f"u{n}@example.org")
    await hours(0.5)
    await queue.stop()
    await world.started()  # and it survives a restart
    await hours(1)
    found = await reports(world)
    assert len(found) == 3
    assert all("Remote-MTA: dns; mx.example.org" in report for report in found)
    assert all("Diagnostic-Code: smtp; 421 too busy" in report for report in found)


async def test_settings_may_change_while_mail_waits() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Delayed(NOT_NOW, "mx.example.org")
    await world.submit(queue, "bob@example.org")
    await hours(1.5)
    await shorten(queue, world)
    await settle()
    (report,) = await reports(world)
    assert "Action: failed" in report


async def shorten(queue: Queue, world: World) -> None:
    from queue_kit import lane_of

    from postel.queue import QueueOptions

    await queue.reload(QueueOptions(warn_after_s=600, expire_after_s=3600), lane_of)
