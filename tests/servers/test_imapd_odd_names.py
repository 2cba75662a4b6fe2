"""Names that a stranger thinks of: INBOX in other letters, patterns without letters, URLs with line ends."""

import pytest
from imap_world import LETTER, world


@pytest.mark.parametrize("pattern", ["2024", "../*", "1%", "&AOk-", ".", "%1"])
async def test_a_pattern_without_letters_finds_its_names_and_no_others(pattern: str) -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        await client.ok('CREATE "2024"')
        found = [line.split('"/" ')[1] for line in (await client.ok(f'LIST "" "{pattern}"')).lines]
        assert found == (["2024"] if pattern == "2024" else [])


async def test_only_ascii_letters_spell_inbox() -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        await client.ok('CREATE "&ATE-nbox"')  # U+0131, the i without a dot: its capital is I
        await client.append(mailbox='"&ATE-nbox"')
        assert "MESSAGES 0" in (await client.ok("STATUS inbox (MESSAGES)")).lines[0]
        assert (await client.ok('LIST "" "&ATE-nbox"')).lines == ['LIST (\\HasNoChildren) "/" &ATE-nbox']


async def test_what_lies_below_inbox_is_found_in_any_form_of_inbox() -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        await client.ok("CREATE inbox/Plans")
        await client.append(mailbox="iNBOX/Plans")
        for name in ("inbox/Plans", "INBOX/Plans", "Inbox/Plans/"):
            assert "MESSAGES 1" in (await client.ok(f"STATUS {name} (MESSAGES)")).lines[0]
            await client.ok(f"SELECT {name}")
        assert (await client.cmd("STATUS inbox/plans (MESSAGES)")).tagged.startswith("NO")  # of INBOX alone
        await client.ok("SUBSCRIBE inbox/Plans")
        for command in ('LIST "" "inbox/*"', 'LIST "Inbox/" %', 'LSUB "" "inbox/%"'):
            (line,) = (await client.ok(command)).lines
            assert line.endswith('"/" INBOX/Plans')
        await client.ok("UNSUBSCRIBE INBOX/Plans")
        assert not (await client.ok('LSUB "" "inbox/%"')).lines
        await client.ok("RENAME Inbox/Plans inbox/Dreams")
        await client.ok("DELETE inbox/Dreams")


async def test_a_delete_that_fails_leaves_the_mailbox_selected() -> None:
    async with world() as w:
        await w.put(LETTER)
        client = await w.login()
        assert (await client.cmd("DELETE INBOX")).tagged.startswith("NO [CANNOT]")
        assert (await client.ok("FETCH 1 UID")).lines == ["1 FETCH (UID 1)"]


async def test_a_url_is_told_as_it_was_sent_and_breaks_no_line() -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        url = b"x\r\n* BYE\r\n* OK"
        reply = await client.cmd(b"URLFETCH {%d+}\r\n%b" % (len(url), url))
        assert reply.lines == ["URLFETCH {14}\r\nx\r\n* BYE\r\n* OK NIL"]
        assert reply.tagged.startswith("OK")


@pytest.mark.parametrize("name", [b'"a\tb"', b"{3+}\r\na\rb", b'"\x7f"'])
async def test_what_is_wrong_with_a_name_is_said(name: bytes) -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        assert (await client.cmd(b"CREATE " + name)).tagged == "BAD A mailbox name has no control characters"
        assert (await client.cmd('CREATE "&AGE-"')).tagged == "BAD Modified UTF-7 is written in one way only"
