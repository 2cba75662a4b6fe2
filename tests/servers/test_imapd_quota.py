"""What a client is told of quotas."""

from __future__ import annotations

from imap_world import LETTER, world

from postel.mail import parse_mailbox


async def test_an_account_without_limits_has_no_quota_root() -> None:
    async with world() as w:
        client = await w.login()
        # RFC 9208 7: a QUOTA response names one resource at least.
        assert (await client.ok("GETQUOTAROOT INBOX")).lines == ["QUOTAROOT INBOX"]
        assert (await client.cmd('GETQUOTA ""')).tagged.startswith("NO [NONEXISTENT]")


async def test_limits_and_usage_are_told_of_any_own_mailbox_also_one_yet_to_be_made() -> None:
    async with world() as w:
        kitt = parse_mailbox("kitt@example.org")
        await w.parts.directory.set_quota(kitt, 2048)
        await w.parts.directory.set_message_quota(kitt, 7)
        client = await w.login()
        await client.append(LETTER)
        told = 'QUOTA "" (STORAGE 1 2 MESSAGE 1 7)'
        assert (await client.ok("GETQUOTAROOT INBOX")).lines == ['QUOTAROOT INBOX ""', told]
        assert (await client.ok("GETQUOTAROOT Later")).lines == ['QUOTAROOT Later ""', told]
        assert (await client.ok('GETQUOTA ""')).lines == [told]
        assert (await client.cmd("GETQUOTA Frob")).tagged.startswith("NO [NONEXISTENT]")


async def test_whoever_shares_a_mailbox_is_not_told_its_owners_quota() -> None:
    async with world() as w:
        await w.parts.directory.set_quota(parse_mailbox("kitt@example.org"), 2048)
        kitt = await w.login()
        theirs = "Other Users/kitt@example.org/INBOX"
        ann = await w.login("ann@example.org")
        hidden = await ann.cmd(f'GETQUOTAROOT "{theirs}"')
        assert hidden.tagged.startswith("NO [NONEXISTENT]") and not hidden.lines
        await kitt.ok("SETACL INBOX ann@example.org lr")
        assert (await ann.ok(f'GETQUOTAROOT "{theirs}"')).lines == [f'QUOTAROOT "{theirs}"']
