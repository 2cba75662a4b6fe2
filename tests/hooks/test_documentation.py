"""The examples of docs/how-to/hooks.md do what the page says, and its table is the table in the code."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from postel.hooks import (
    PHASES,
    AddHeader,
    Client,
    Content,
    Decision,
    Defer,
    Facts,
    Failed,
    HookFile,
    HookFiles,
    Hooks,
    Mail,
    Phase,
    Rcpt,
    Refuse,
)
from postel.mail import NO_PARAMETERS, Reply, ReversePath, parse_mailbox, parse_reverse_path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "hooks.md"
STRANGER = Client(ip_address("192.0.2.1"), 4711, "smtp", hello="client.example")
ANN = replace(STRANGER, service="submission", account=parse_mailbox("ann@example.org"))


def examples() -> dict[str, str]:
    """The Python block under each heading."""
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    found = {
        s.partition("\n")[0]: re.search(r"^```python\n(.*?)^```", s, re.MULTILINE | re.DOTALL)
        for s in sections
    }
    return {heading: block.group(1) for heading, block in found.items() if block}


class Example:
    """One example, loaded as a hook file."""

    def __init__(self, folder: Path, heading: str) -> None:
        path = folder / "hooks.py"
        path.write_text(examples()[heading])
        self.file = HookFile.load(path)
        self.hooks = Hooks(HookFiles([self.file]))

    @property
    def names(self) -> dict[str, Any]:
        functions = iter(self.file.functions.values())
        return next(functions).call.__globals__

    async def ask(self, phase: Phase, facts: Facts) -> Decision:
        return await self.hooks.ask(phase, facts)


def a_mail(reverse_path: str, client: Client = STRANGER) -> Mail:
    return Mail(client, "0abc", parse_reverse_path(reverse_path), NO_PARAMETERS)


def a_rcpt(client: Client, mailbox: str = "bob@example.org") -> Rcpt:
    path = parse_reverse_path("<x@example.com>")
    return Rcpt(client, "0abc", path, parse_mailbox(mailbox), NO_PARAMETERS, 0)


def a_content(*pieces: bytes, client: Client = STRANGER) -> Content:
    async def read() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    whole = b"".join(pieces)
    head = whole[: whole.index(b"\r\n\r\n") + 4]
    return Content(client, "0abc", ReversePath.NULL, (), head, len(whole), read)


def test_there_are_five_examples() -> None:
    assert len(examples()) == 5


def test_the_table_of_phases_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert rows == [(phase, row.facts.__name__) for phase, row in PHASES.items()]


async def test_senders_are_refused_by_their_domain(tmp_path: Path) -> None:
    example = Example(tmp_path, "Refuse senders by their domain")
    refused = await example.ask(Phase.MAIL, a_mail("<news@BULK.example>"))
    assert isinstance(refused.verdict, Refuse)
    assert "unwanted domain" in refused.verdict.because
    for fine in ("<>", "<ann@example.org>"):
        assert (await example.ask(Phase.MAIL, a_mail(fine))).verdict is None


async def test_strangers_knock_twice(tmp_path: Path) -> None:
    example = Example(tmp_path, "Let strangers knock twice")
    first = await example.ask(Phase.RCPT, a_rcpt(STRANGER))
    assert isinstance(first.verdict, Defer)
    assert isinstance((await example.ask(Phase.RCPT, a_rcpt(STRANGER))).verdict, Defer)
    assert (await example.ask(Phase.RCPT, a_rcpt(ANN))).verdict is None

    seen = example.names["seen"]
    seen.update({key: since - 61 for key, since in seen.items()})
    assert (await example.ask(Phase.RCPT, a_rcpt(STRANGER))).verdict is None

    seen.update({("old", str(n), ""): -1e9 for n in range(100_001)})
    await example.ask(Phase.RCPT, a_rcpt(STRANGER))
    assert len(seen) == 1


async def test_an_account_has_its_limit(tmp_path: Path) -> None:
    example = Example(tmp_path, "Limit how much one account may send")
    example.names["PER_HOUR"] = 3
    verdicts = [(await example.ask(Phase.RCPT, a_rcpt(ANN))).verdict for _ in range(4)]
    assert verdicts[:3] == [None] * 3
    assert isinstance(verdicts[3], Defer)
    assert (await example.ask(Phase.RCPT, a_rcpt(STRANGER))).verdict is None

    times = example.names["recent"]["ann@example.org"]
    times[0] -= 3601
    assert (await example.ask(Phase.RCPT, a_rcpt(ANN))).verdict is None


@pytest.mark.parametrize("cut", [1, 40, 60, 75, 80, 1000])
async def test_a_program_is_found_wherever_the_content_is_cut(tmp_path: Path, cut: int) -> None:
    example = Example(tmp_path, "Look into the content")
    text = b'Subject: hi\r\n\r\nContent-Disposition: attachment; filename="invoice.pdf.exe"\r\n\r\nMZ\r\n'
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
    decision = await example.ask(Phase.CONTENT, a_content(*pieces))
    assert isinstance(decision.verdict, Refuse)


async def test_shouting_is_marked(tmp_path: Path) -> None:
    example = Example(tmp_path, "Look into the content")
    decision = await example.ask(Phase.CONTENT, a_content(b"Subject: BUY NOW\r\n\r\nhello\r\n"))
    assert decision.added == (AddHeader("X-Shouting", "yes"),)
    assert (await example.ask(Phase.CONTENT, a_content(b"Subject: hi\r\n\r\nhello\r\n"))).added == ()


async def test_a_copy_is_kept_and_failures_are_written_down(tmp_path: Path) -> None:
    example = Example(tmp_path, "Keep a copy, and hear of failures")
    decision = await example.ask(Phase.CONTENT, a_content(b"Subject: hi\r\n\r\nhello\r\n", client=ANN))
    assert decision.changes[0].add == (parse_mailbox("archive@example.org"),)
    assert (await example.ask(Phase.CONTENT, a_content(b"Subject: hi\r\n\r\n"))).changes == ()

    journal = example.names["JOURNAL"] = tmp_path / "failures.jsonl"
    bob = parse_mailbox("bob@example.net")
    example.hooks.tell(
        Phase.FAILED, Failed("0abc", ReversePath.NULL, bob, None, Reply(550, None, "No such mailbox"))
    )
    await example.hooks.close()
    assert json.loads(journal.read_text()) == {
        "id": "0abc",
        "recipient": "bob@example.net",
        "reply": "550 No such mailbox",
    }
