"""The textbook journey, in memory, on a fake clock."""

from postel.testing import MailNetwork, MailServer
from postel.testing.journey import FRITO, KITT, LETTER, ORIGIN, PLUTO, RELAY, RULES, ZONE, check_arrival


async def _three(net: MailNetwork) -> tuple[MailServer, MailServer, MailServer]:
    origin = await net.start(ORIGIN, RULES[ORIGIN], accounts=[FRITO])
    relay = await net.start(RELAY, RULES[RELAY])
    pluto = await net.start(PLUTO, RULES[PLUTO], accounts=[KITT])
    return origin, relay, pluto


async def test_the_letter_takes_the_way_round_and_arrives_whole_and_once() -> None:
    async with MailNetwork(ZONE) as net:
        origin, relay, pluto = await _three(net)
        pluto.unplug()
        await origin.submit(LETTER)
        await net.pass_time(minutes=20)
        assert not await origin.queue(), "the backup has taken it over"
        waiting = (await relay.queue()).only()
        assert waiting.attempts[:2] == ["0m", "1m"]
        pluto.plug_in()
        await net.settle()
        letters = await pluto.mailbox(KITT)
        assert check_arrival([letter.content for letter in letters]).faults == ()


async def test_without_trouble_the_best_host_gets_the_letter_at_once() -> None:
    async with MailNetwork(ZONE) as net:
        origin, relay, pluto = await _three(net)
        await origin.submit(LETTER)
        await net.settle()
        assert len((await pluto.mailbox(KITT)).only().trace) == 2
        assert not await relay.queue()


async def test_after_five_days_frito_is_told_and_nothing_is_left() -> None:
    async with MailNetwork(ZONE) as net:
        origin, relay, pluto = await _three(net)
        pluto.unplug()
        await origin.submit(LETTER)
        await net.pass_time(days=6)
        delayed, failed = await origin.mailbox(FRITO)
        assert "delayed" in delayed.subject.casefold() or "late" in delayed.subject.casefold()
        assert failed.message.get_content_type() == "multipart/report"
        assert not await relay.queue()
        pluto.plug_in()
        await net.settle()
        assert not await pluto.mailbox(KITT)


async def test_a_restart_of_the_relay_loses_nothing() -> None:
    async with MailNetwork(ZONE) as net:
        origin, relay, pluto = await _three(net)
        pluto.unplug()
        await origin.submit(LETTER)
        await net.pass_time(minutes=3)
        await relay.restart()
        pluto.plug_in()
        await net.settle()
        assert check_arrival([letter.content for letter in await pluto.mailbox(KITT)]).is_good
