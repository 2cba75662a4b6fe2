"""Aliases: their members take their place in the same message."""

from collections.abc import Mapping

from queue_kit import NEVER, OK, World, settle

from postel.database import Transaction
from postel.mail import parse_mailbox
from postel.queue import Delivered, Expanded, Failed, Job, Outcome, Relayed


def aliases(**table: str) -> object:
    """A local lane that knows these aliases; everybody else has a mailbox."""

    def answer(job: Job) -> Mapping[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        for r in job.recipients:
            members = table.get(r.mailbox.local_part.folded)
            if members is None:
                outcomes[str(r.mailbox)] = Delivered()
            else:
                outcomes[str(r.mailbox)] = Expanded(tuple(parse_mailbox(m) for m in members.split()))
        return outcomes

    return answer


async def expand(world: World, *to: str, **facts: object) -> list[str]:
    queue = await world.started()
    await world.submit(queue, *to, **facts)
    await settle()
    assert await world.is_empty()
    return sorted(whom for whom, _ in world.inbox)


async def test_members_are_delivered_wherever_they_are() -> None:
    world = await World.open()
    world.hosts["local"] = aliases(sales="ann@here.example bob@example.org")  # type: ignore[assignment]
    assert await expand(world, "sales@here.example") == ["ann@here.example", "bob@example.org"]


async def test_nobody_gets_the_message_twice() -> None:
    world = await World.open()
    world.hosts["local"] = aliases(  # type: ignore[assignment]
        sales="ann@here.example bob@example.org BOB@example.org", all="sales@here.example Ann@Here.Example"
    )
    found = await expand(
        world, "ann@here.example", "bob@example.org", "sales@here.example", "all@here.example"
    )
    # Others may mean two mailboxes by bob and BOB; our own domains do not.
    assert found == ["BOB@example.org", "ann@here.example", "bob@example.org"]


async def test_an_alias_that_leads_back_to_itself_is_a_failure_not_a_hole() -> None:
    world = await World.open()
    world.hosts["local"] = aliases(a="b@here.example", b="a@here.example")  # type: ignore[assignment]
    assert await expand(world, "a@here.example") == ["ann@example.net"]
    assert b"5.4.6" in world.inbox[0][1]


async def test_an_alias_of_itself_and_another_reaches_the_other() -> None:
    world = await World.open()
    world.hosts["local"] = aliases(a="a@here.example bob@example.org")  # type: ignore[assignment]
    assert await expand(world, "a@here.example") == ["bob@example.org"]


async def test_an_alias_that_keeps_a_copy_may_be_led_back_to() -> None:
    world = await World.open()
    kept: list[str] = []

    def answer(job: Job) -> Outcome:
        mailbox = job.recipients[0].mailbox

        async def keep(tx: Transaction) -> None:
            kept.append(str(mailbox))

        if str(mailbox) == "a@here.example":
            return Expanded((parse_mailbox("b@here.example"),), keep)
        return Expanded((parse_mailbox("a@here.example"),))

    world.hosts["local"] = answer
    assert await expand(world, "a@here.example") == []
    assert kept == ["a@here.example"]


async def test_a_copy_that_cannot_be_kept_delays_the_expansion() -> None:
    world = await World.open()

    async def refuse(tx: Transaction) -> None:
        raise RuntimeError("over quota")

    world.hosts["local"] = Expanded((parse_mailbox("bob@example.org"),), refuse)
    queue = await world.started()
    await world.submit(queue, "a@here.example")
    await settle()
    assert world.inbox == []
    assert (await queue.counts()).waiting == 1


async def test_a_chain_that_is_too_long_is_a_loop() -> None:
    world = await World.open(depth_limit=5)
    world.hosts["local"] = aliases(**{f"a{n}": f"a{n + 1}@here.example" for n in range(100)})  # type: ignore[assignment]
    assert await expand(world, "a0@here.example") == ["ann@example.net"]
    assert len([a for a in world.attempts if a.lane == "local"]) == 6


async def test_a_message_grows_to_a_limit() -> None:
    world = await World.open(member_limit=10)
    world.hosts["local"] = aliases(  # type: ignore[assignment]
        big=" ".join(f"u{n}@here.example" for n in range(11)),
        six=" ".join(f"v{n}@here.example" for n in range(6)),
        more=" ".join(f"w{n}@here.example" for n in range(6)),
    )
    found = await expand(world, "six@here.example", "big@here.example")
    assert found == ["ann@example.net", *(f"v{n}@here.example" for n in range(6))]
    assert b"5.2.4" in world.delivered_to("ann@example.net")[0]
    world.inbox.clear()
    found = await expand(world, "six@here.example", "more@here.example")
    assert found == ["ann@example.net", *(f"v{n}@here.example" for n in range(6))]


async def test_an_alias_without_members_is_nobody() -> None:
    world = await World.open()
    world.hosts["local"] = aliases(none="")  # type: ignore[assignment]
    assert await expand(world, "none@here.example") == []


async def test_failures_of_members_are_reported_with_what_the_originator_asked() -> None:
    world = await World.open()
    world.hosts["local"] = aliases(sales="bob@example.org")  # type: ignore[assignment]
    world.hosts["mx:example.org"] = Failed(NEVER, "mx.example.org")
    rcpt = {"NOTIFY": "FAILURE", "ORCPT": "rfc822;sales@here.example"}
    assert await expand(world, "sales@here.example", rcpt=rcpt) == ["ann@example.net"]
    report = world.inbox[0][1]
    assert b"Original-Recipient: rfc822;sales@here.example" in report
    assert b"Final-Recipient: rfc822;bob@example.org" in report


async def test_success_of_an_alias_with_many_members_is_its_expansion() -> None:
    world = await World.open()
    seen: list[Job] = []

    def take(job: Job) -> Outcome:
        seen.append(job)
        return Relayed("mx.example.org", OK)

    world.hosts["local"] = aliases(sales="ann@here.example bob@example.org")  # type: ignore[assignment]
    world.hosts["mx:example.org"] = take
    await expand(world, "sales@here.example", rcpt={"NOTIFY": "SUCCESS"})
    (report,) = world.delivered_to("ann@example.net")
    assert b"Action: expanded" in report
    (job,) = seen
    assert job.recipients[0].parameters["NOTIFY"] == "NEVER"
    assert (str(job.recipients[0].original), job.recipients[0].depth) == ("sales@here.example", 1)
