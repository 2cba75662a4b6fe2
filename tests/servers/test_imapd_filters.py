"""Filters that name filters: bounded in depth and in number, however they are written."""

from imap_world import LETTER, Client, world


async def keep(client: Client, name: str, program: str) -> None:
    value = program.encode()
    await client.ok(
        b'SETMETADATA "" (/private/filters/values/%b {%d+}\r\n%b)' % (name.encode(), len(value), value)
    )


async def test_a_filter_may_name_another() -> None:
    async with world() as w:
        await w.put(LETTER, b"Subject: other\r\n\r\nx\r\n")
        client = await w.login()
        await keep(client, "hello", "NOT SUBJECT other")
        await keep(client, "both", "OR FILTER hello FILTER Hello")
        assert (await client.ok("SEARCH FILTER both")).lines == ["SEARCH 1"]
        assert (await client.ok("SEARCH NOT FILTER both")).lines == ["SEARCH 2"]


async def test_filters_that_double_each_other_are_refused_at_once() -> None:
    async with world() as w:
        await w.put(LETTER)
        client = await w.login()
        await keep(client, "f0", "NOT TEXT nothing")
        for number in range(1, 5):
            await keep(client, f"f{number}", " ".join([f"FILTER f{number - 1}"] * 60))
        assert (await client.ok("SEARCH FILTER f1")).lines == ["SEARCH 1"]
        for number in (2, 3, 4):
            reply = await client.cmd(f"SEARCH FILTER f{number}")
            assert reply.tagged == "NO [UNDEFINED-FILTER f0] The filter stands on too many others"


async def test_filters_that_name_each_other_are_refused() -> None:
    async with world() as w:
        client = await w.login()
        await keep(client, "one", "NOT FILTER two")
        await keep(client, "two", "FILTER one")
        assert (await client.cmd("SEARCH FILTER one")).tagged.startswith("NO [UNDEFINED-FILTER")


async def test_filters_as_deep_as_they_may_be_are_answered() -> None:
    async with world() as w:
        await w.put(LETTER)
        client = await w.login()
        await keep(client, "f0", "NOT " * 48 + "TEXT how")
        for number in range(1, 5):
            await keep(client, f"f{number}", "NOT " * 48 + f"FILTER f{number - 1}")
        assert (await client.ok("SEARCH " + "NOT " * 48 + "FILTER f4")).lines == ["SEARCH 1"]
        assert (
            await client.ok("ESEARCH IN (inboxes) RETURN (COUNT) " + "NOT " * 47 + "FILTER f4")
        ).lines == []
