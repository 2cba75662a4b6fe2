"""What FETCH says of an item does not depend on what is asked for beside it: each pair against each alone."""

import itertools

import pytest
from imap_world import LETTER, Client, world

ITEMS = (
    "UID",
    "FLAGS",
    "INTERNALDATE",
    "RFC822.SIZE",
    "ENVELOPE",
    "BODY",
    "BODYSTRUCTURE",
    "MODSEQ",
    "EMAILID",
    "THREADID",
    "SAVEDATE",
    "PREVIEW",
    "BODY.PEEK[]",
    "BODY.PEEK[]<3.20>",
    "BODY.PEEK[HEADER]",
    "BODY.PEEK[HEADER.FIELDS (Subject From)]",
    "BODY.PEEK[HEADER.FIELDS (X-Odd)]",
    "BODY.PEEK[HEADER.FIELDS.NOT (Subject)]",
    "BODY.PEEK[1.MIME]",
    "BINARY.PEEK[1]",
    "BINARY.SIZE[1]",
    "RFC822.HEADER",
)
PAIRS = list(itertools.permutations(ITEMS, 2))


async def told(client: Client, items: str) -> list[str]:
    """What stands between the parentheses, of each message."""
    lines = (await client.ok(f"FETCH 1:3 ({items})")).lines
    assert [line.partition(" ")[0] for line in lines] == ["1", "2", "3"]
    return [line.partition("(")[2][:-1] for line in lines]


@pytest.mark.parametrize("mode", ["", "UTF8=ACCEPT", "IMAP4rev2"])
async def test_each_pair_of_items_is_told_as_each_alone(mode: str) -> None:
    async with world() as w:
        await w.put(LETTER, b"X-Odd: 1\r\n" + LETTER, LETTER.replace(b"Ann <", b"<"))
        client = await w.login(mailbox=None)
        if mode:
            await client.ok(f"ENABLE {mode}")
        await client.ok("SELECT INBOX (CONDSTORE)")
        alone = {item: await told(client, item) for item in ITEMS}
        for one, other in PAIRS:
            expected = [f"{a} {b}" for a, b in zip(alone[one], alone[other], strict=True)]
            assert await told(client, f"{one} {other}") == expected, (one, other)
