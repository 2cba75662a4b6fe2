"""What the standards of IMAP say that a server must do, clause by clause: what is said, and what must come of it."""

from __future__ import annotations

import re

import pytest
from imap_clause import Clause
from imap_clauses import CLAUSES
from imap_extension_clauses import EXTENSION_CLAUSES
from imap_world import LETTER, world


@pytest.mark.parametrize("clause", (*CLAUSES, *EXTENSION_CLAUSES), ids=lambda clause: clause.rule)
async def test_a_clause_is_kept(clause: Clause) -> None:
    async with world() as here:
        await here.put(LETTER, LETTER, LETTER)
        client = await here.login(mailbox=None)
        for command in clause.said[:-1]:
            await client.cmd(command)
        reply = await client.cmd(clause.said[-1])
        result, *lines = clause.comes
        assert re.match(result, reply.tagged), reply
        left = list(reply.lines)
        for pattern in lines:
            found = next((line for line in left if re.match(pattern, line)), None)
            assert found is not None, (pattern, reply)
            left.remove(found)
        if clause.never:
            assert not [line for line in reply.lines if re.search(clause.never, line)], reply
