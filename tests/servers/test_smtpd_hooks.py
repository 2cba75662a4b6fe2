"""Hooks at work in real sessions: each verdict at each phase, and hooks that fail."""

from dataclasses import replace
from pathlib import Path

import pytest
from smtp_world import HELLO, SMTP, World, world

from postel.hooks import Phase

MAIL = "C MAIL FROM:<kitt@free.example>\n"
RCPT = "C RCPT TO:<ann@example.org>\n"
BODY = "C DATA\nS 354 ...\nC Subject: hello\nC\nC Hello Ann\nC .\n"
TAKEN = "S 250 2.0.0 queued as $id\n"


def a_mail(*, mail: str = "S 250 ...\n", rcpt: str = "S 250 ...\n", end: str = TAKEN) -> str:
    return HELLO + MAIL + mail + RCPT + rcpt + BODY + end


async def is_empty(w: World) -> bool:
    return not await w.queued() and await w.count("content") == 0


async def test_connect_may_turn_away(tmp_path: Path) -> None:
    hook = 'async def connect(facts: Connect): return refuse("554 5.7.1 Not you", "a bad network")'
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play("S 554 Not you\nC EHLO x\nS 503 5.5.1 ...\nC QUIT\nS 221 ...\nclose server")
        assert w.log.only("mail_refused")["because"] == "a bad network"


async def test_connect_may_defer(tmp_path: Path) -> None:
    hook = 'async def connect(facts: Connect): return defer("451 4.7.1 Later")'
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play("S 421 ... Later\nclose server")


async def test_hello_may_refuse(tmp_path: Path) -> None:
    hook = 'async def hello(facts: Hello): return refuse("550 5.7.1 No") if facts.client.hello == "spam" else None'
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play("S 220 ...\nC EHLO spam\nS 550 ...No\n" + HELLO.partition("Postel")[2].strip())


async def test_mail_may_refuse(tmp_path: Path) -> None:
    hook = 'async def mail(facts: Mail): return refuse("550 5.7.1 No") if not facts.reverse_path.is_null else None'
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play(HELLO + MAIL + "S 550 5.7.1 No\nC MAIL FROM:<>\nS 250 ...")


async def test_rcpt_may_refuse_and_is_not_asked_about_those_already_refused(tmp_path: Path) -> None:
    hook = """
asked = []
async def rcpt(facts: Rcpt):
    asked.append(str(facts.mailbox))
    return refuse("550 5.7.1 Not bob") if asked[-1] == "bob@example.org" else None
"""
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play(
            HELLO + MAIL + "S 250 ...\nC RCPT TO:<bob@example.org>\nS 550 5.7.1 Not bob\n"
            "C RCPT TO:<nobody@example.org>\nS 550 5.1.1 ...\nC RCPT TO:<ann@example.org>\nS 250 ..."
        )
        [function] = w.parts.hooks.functions[Phase.RCPT]
        assert function.call.__globals__["asked"] == ["bob@example.org", "ann@example.org"]


async def test_no_hook_opens_a_relay(tmp_path: Path) -> None:
    hook = "async def rcpt(facts: Rcpt): return accept()"
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play(HELLO + MAIL + "S 250 ...\nC RCPT TO:<kitt@free.example>\nS 550 5.7.1 ...")


async def test_content_may_refuse(tmp_path: Path) -> None:
    hook = """
async def content(facts: Content):
    whole = b"".join([piece async for piece in facts.read()])
    assert whole == b"Subject: hello\\r\\n\\r\\nHello Ann\\r\\n", whole
    assert len(whole) == facts.size_bytes
    if facts.header.get("Subject") == "hello":
        return refuse("554 5.7.1 Not hello again", because="hello")
"""
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play(a_mail(end="S 554 5.7.1 Not hello again\n"))
        assert await is_empty(w)
        assert w.log.only("mail_refused")["phase"] == "content"


async def test_a_large_content_can_be_read_by_a_hook(tmp_path: Path) -> None:
    hook = """
async def content(facts: Content):
    sizes = [len(piece) async for piece in facts.read()]
    if sum(sizes) != facts.size_bytes or max(sizes) > 262144:
        return refuse("554 5.7.1 short")
"""
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play(a_mail().replace("C Hello Ann", "C| {0123456789abcdef0123456789abcdef\\r\\n*30000}"))


async def test_fields_are_added_from_every_phase(tmp_path: Path) -> None:
    hook = """
async def connect(facts: Connect): return add_header("X-Connect", "1")
async def hello(facts: Hello): return add_header("X-Hello", "2")
async def mail(facts: Mail): return add_header("X-Mail", "3")
async def rcpt(facts: Rcpt): return add_header("X-Rcpt", "4")
async def content(facts: Content): return add_header("X-Content", "5"), add_header("X-Id", facts.queue_id)
"""
    async with world(hooks=hook, folder=tmp_path) as w:
        bound = await w.play(
            a_mail() + MAIL + "S 250 ...\n" + RCPT + "S 250 ...\n" + BODY + TAKEN.replace("$id", "...")
        )
        for number in (0, 1):
            text = (await w.content(number)).decode()
            assert [line[0] for line in map(str.split, text.splitlines()) if line and line[0].startswith("X-")] == [
                "X-Connect:", "X-Hello:", "X-Mail:", "X-Rcpt:", "X-Content:", "X-Id:",
            ]  # fmt: skip
        assert f"X-Id: {bound['id']}\r\nSubject: hello" in (await w.content()).decode()


async def test_recipients_are_changed_at_the_content(tmp_path: Path) -> None:
    hook = """
async def content(facts: Content):
    return change_recipients(add=["archive@free.example", "bob@example.org"], remove=["ANN@example.org"])
"""
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play(a_mail())
        [entry] = await w.queued()
        names = [str(state.recipient.mailbox) for state in entry.message.recipients]
        assert names == ["archive@free.example", "bob@example.org"]


async def test_a_message_without_a_recipient_left_is_discarded(tmp_path: Path) -> None:
    hook = "async def content(facts: Content): return change_recipients(remove=facts.recipients)"
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play(a_mail())
        assert await is_empty(w)
        assert w.log.only("message_discarded")["because"] == "no recipient is left"


@pytest.mark.parametrize("phase", ["mail", "rcpt", "content"])
async def test_discarding_says_yes_and_keeps_nothing(tmp_path: Path, phase: str) -> None:
    hook = f"async def {phase}(facts): return discard('a spammer')"
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play(a_mail())
        assert await is_empty(w)
        assert "a spammer" in str([fields for name, fields in w.log.seen if "discarded" in name])


async def test_a_discarded_recipient_does_not_take_the_others_along(tmp_path: Path) -> None:
    hook = "async def rcpt(facts): return discard() if facts.mailbox.local_part.folded == 'bob' else None"
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play(a_mail().replace(RCPT, "C RCPT TO:<bob@example.org>\nS 250 ...\n" + RCPT))
        [entry] = await w.queued()
        assert [str(state.recipient.mailbox) for state in entry.message.recipients] == ["ann@example.org"]


@pytest.mark.parametrize("body", ["raise ValueError('secret')", "await asyncio.sleep(3600)", "return 42"])
@pytest.mark.parametrize(
    ("phase", "text"),
    [
        ("connect", "S 421 ...\nclose server"),
        ("hello", "S 220 ...\nC EHLO x\nS 451 ...\n"),
        ("mail", HELLO + MAIL + "S 451 4.7.1 ..."),
        ("rcpt", HELLO + MAIL + "S 250 ...\n" + RCPT + "S 451 4.7.1 ..."),
        ("content", a_mail(end="S 451 4.7.1 ...")),
    ],
)
async def test_a_hook_that_goes_wrong_defers(tmp_path: Path, phase: str, text: str, body: str) -> None:
    async with world(hooks=f"async def {phase}(facts): {body}", folder=tmp_path) as w:
        await w.play(text)
        assert await is_empty(w)


async def test_hooks_are_told_what_was_queued(tmp_path: Path) -> None:
    hook = """
told = []
async def queued(facts: Queued): told.append((facts.queue_id, [str(m) for m in facts.recipients], facts.size_bytes))
"""
    async with world(hooks=hook, folder=tmp_path) as w:
        bound = await w.play(a_mail())
        await w.service.stop(1)
        [function] = w.parts.hooks.functions[Phase.QUEUED]
        told = function.call.__globals__["told"]
        assert told == [(bound["id"], ["ann@example.org"], len(await w.content()))]


async def test_a_reloaded_service_asks_by_the_new_options_from_the_next_session_on() -> None:
    async with world() as w:
        stream = await w.dial()
        assert (await stream.read(10)).startswith(b"220 mx.example.org")
        w.service.reload(replace(SMTP, unknown_close=1), w.parts, None)
        await stream.write(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@example.org>\r\n")
        assert b"550 5.1.1" in await stream.read(10)
        await w.play(HELLO + MAIL + "S 250 ...\nC RCPT TO:<nobody@example.org>\nS 421 ...\nclose server")
        await stream.close()
