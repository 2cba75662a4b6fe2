"""Asking hooks: order, amendments, and everything that a hook can do wrong."""

import asyncio
import logging
import textwrap
from ipaddress import ip_address
from pathlib import Path

import pytest

from postel.hooks import (
    NO_OPINION,
    AddHeader,
    ChangeRecipients,
    Client,
    Connect,
    Decision,
    Defer,
    Delivered,
    Discard,
    HookFiles,
    HookFunction,
    HookOptions,
    Hooks,
    Phase,
    Rcpt,
    Refuse,
    Verdict,
    refuse,
)
from postel.mail import NO_PARAMETERS, ReversePath, parse_mailbox
from postel.mail.replies import POLICY_TROUBLE, RELAY_DENIED

CLIENT = Client(ip_address("192.0.2.1"), 4711, "smtp")
ANN = parse_mailbox("ann@example.org")
FACTS = Rcpt(CLIENT, "0abc", ReversePath.NULL, ANN, NO_PARAMETERS, 0)


def files(folder: Path, *texts: str) -> HookFiles:
    paths = []
    for n, text in enumerate(texts):
        path = folder / f"policy{n}.py"
        path.write_text("import asyncio\nfrom postel.hooks import *\n" + textwrap.dedent(text))
        paths.append(path)
    return HookFiles.load(paths)


async def ask(folder: Path, *texts: str) -> Decision:
    return await Hooks(files(folder, *texts)).ask(Phase.RCPT, FACTS)


async def test_without_hooks_nothing_is_asked() -> None:
    hooks = Hooks()
    assert not hooks.wants(Phase.RCPT)
    assert await hooks.ask(Phase.RCPT, FACTS) is NO_OPINION


async def test_a_hook_without_an_opinion_changes_nothing(tmp_path: Path) -> None:
    assert await ask(tmp_path, "async def rcpt(facts): ...") is NO_OPINION


async def test_the_first_decisive_verdict_wins(tmp_path: Path) -> None:
    decision = await ask(
        tmp_path,
        "async def rcpt(facts): return None",
        "async def rcpt(facts): return refuse('550 5.7.1 second', 'because')",
        "async def rcpt(facts): return refuse('550 5.7.1 third')",
    )
    assert decision.refusal == refuse("550 5.7.1 second", "because")
    assert decision.source == "policy1.py:rcpt"


async def test_accept_ends_the_asking_without_a_verdict(tmp_path: Path) -> None:
    decision = await ask(
        tmp_path, "async def rcpt(facts): return accept()", "async def rcpt(facts): return refuse()"
    )
    assert decision.verdict is None


async def test_amendments_add_up_until_a_decision(tmp_path: Path) -> None:
    decision = await ask(
        tmp_path,
        "async def rcpt(facts): return add_header('X-A', '1')",
        "async def rcpt(facts): return add_header('X-B', '2'), change_recipients(add=['b@example.org'])",
        "async def rcpt(facts): return add_header('X-C', '3'), discard('enough')",
        "async def rcpt(facts): return add_header('X-D', '4')",
    )
    assert decision.added == (AddHeader("X-A", "1"), AddHeader("X-B", "2"), AddHeader("X-C", "3"))
    assert decision.changes == (ChangeRecipients(add=(parse_mailbox("b@example.org"),)),)
    assert decision.discarded == Discard("enough")


async def test_our_own_policy_is_asked_first_and_no_hook_overrules_it(tmp_path: Path) -> None:
    async def relay_control(facts: Rcpt) -> Verdict | None:
        return Refuse(RELAY_DENIED, "not ours")

    own = HookFunction(Phase.RCPT, relay_control, "postel:relay_control", is_trusted=True)
    hooks = Hooks(files(tmp_path, "async def rcpt(facts): return accept()"), [own])
    decision = await hooks.ask(Phase.RCPT, FACTS)
    assert decision == Decision(Refuse(RELAY_DENIED, "not ours"), source="postel:relay_control")


async def test_what_our_own_policy_raises_is_not_hidden() -> None:
    async def broken(facts: Rcpt) -> None:
        raise RuntimeError("a bug")

    hooks = Hooks(None, [HookFunction(Phase.RCPT, broken, "postel:broken", is_trusted=True)])
    with pytest.raises(RuntimeError):
        await hooks.ask(Phase.RCPT, FACTS)


@pytest.mark.parametrize(
    ("body", "logged"),
    [
        ("raise ValueError('secret')", "it raised"),
        ("raise SystemExit(3)", "it raised"),
        ("return refuse('451 4.7.1 wrong kind')", "it raised"),
        ("return True", "rcpt cannot answer bool: True"),
        ("return 'refuse'", "rcpt cannot answer str: refuse"),
        ("return add_header('X-A', '1'), None", "rcpt cannot answer NoneType"),
        ("return Refuse(defer().reply)", "a refusal is 5yz, not 451"),
        ("return Defer(refuse().reply)", "a deferral is 4yz, not 550"),
        ("return Refuse('550 no')", "its reply is none"),
        ("from postel.mail import Reply; return Refuse(Reply(200, None, 'yes'))", "its reply is none"),
        (
            "from postel.mail import Reply, Status; return Defer(Reply(450, Status(5, 0, 0), 'x'))",
            "its reply is none",
        ),
        ("from postel.mail import Reply; return Refuse(Reply(550, None, None))", "its reply is none"),
        ("return AddHeader('X', 'a\\r\\nEvil: b')", "one line without control characters"),
        ("return AddHeader('X: y', 'a')", "a field name is"),
        ("return AddHeader(1, None)", "a field name is"),
        ("return AddHeader('X', 'a' * 10_000)", "at most 8192"),
        ("return ChangeRecipients(add=('x@free.example',))", "recipients are addresses"),
        ("return ChangeRecipients(add=5)", "it raised"),
        (
            "from postel.mail import LocalPart, Mailbox, parse_domain; "
            "return ChangeRecipients(add=(Mailbox(LocalPart('a\\r\\nDATA'), parse_domain('b.example')),))",
            "recipients are addresses",
        ),
        ("return type('T', (), {'__str__': lambda self: 1 / 0})()", "it raised"),
        ("return tuple(add_header('X', '1') for _ in range(101))", "more than 100 amendments"),
        ("await asyncio.sleep(11)", "no answer within 10 s"),
        ("asyncio.current_task().cancel(); await asyncio.sleep(0)", "it cancelled itself"),
    ],
)
async def test_a_hook_that_goes_wrong_defers_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, body: str, logged: str
) -> None:
    with caplog.at_level(logging.INFO, "postel.hooks"):
        decision = await ask(tmp_path, f"async def rcpt(facts): {body}")
    assert isinstance(decision.verdict, Defer)
    assert decision.verdict.reply == POLICY_TROUBLE
    assert "secret" not in decision.verdict.because
    [record] = caplog.records
    assert record.event == "hook_failed"  # type: ignore[attr-defined]
    assert record.fields["hook"] == "policy0.py:rcpt"  # type: ignore[attr-defined]
    assert logged in record.fields["because"]  # type: ignore[attr-defined]


async def test_a_hook_that_swallows_its_cancellation_does_not_hang_the_session(tmp_path: Path) -> None:
    text = """
        async def rcpt(facts):
            for _ in range(3):
                try:
                    await asyncio.sleep(60)
                except BaseException:
                    pass
        """
    before_s = asyncio.get_running_loop().time()
    decision = await ask(tmp_path, text)
    assert decision.refusal
    assert asyncio.get_running_loop().time() - before_s == pytest.approx(10)


async def test_a_session_that_is_cancelled_cancels_its_hook(tmp_path: Path) -> None:
    text = """
        ended = []
        async def rcpt(facts):
            try:
                await asyncio.sleep(5)
            finally:
                ended.append(1)
        """
    loaded = files(tmp_path, text)
    task = asyncio.create_task(Hooks(loaded).ask(Phase.RCPT, FACTS))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert loaded.functions[Phase.RCPT][0].call.__globals__["ended"] == [1]


async def test_connect_cannot_discard(tmp_path: Path) -> None:
    hooks = Hooks(files(tmp_path, "async def connect(facts): return discard()"))
    decision = await hooks.ask(Phase.CONNECT, Connect(CLIENT))
    assert decision.refusal


async def test_a_reload_is_seen_by_all_who_share_the_files(tmp_path: Path) -> None:
    shared = files(tmp_path, "async def rcpt(facts): return refuse()")
    first, second = Hooks(shared), Hooks(shared)
    (tmp_path / "policy0.py").write_text("async def mail(facts): ...")
    shared.reload()
    assert not first.wants(Phase.RCPT)
    assert second.wants(Phase.MAIL)


async def test_telling_does_not_wait_and_closing_does(tmp_path: Path) -> None:
    text = """
        told = []
        async def delivered(facts):
            await asyncio.sleep(5)
            told.append(str(facts.recipient))
        """
    loaded = files(tmp_path, text)
    hooks = Hooks(loaded)
    hooks.tell(Phase.DELIVERED, Delivered("0abc", ANN, None, None))
    told = loaded.functions[Phase.DELIVERED][0].call.__globals__["told"]
    assert told == []
    await hooks.close()
    assert told == ["ann@example.org"]
    await hooks.close()


async def test_no_more_than_the_limit_are_told_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = Hooks(
        files(tmp_path, "async def delivered(facts): await asyncio.sleep(5)"),
        options=HookOptions(told_limit=2),
    )
    with caplog.at_level(logging.INFO, "postel.hooks"):
        for _ in range(3):
            hooks.tell(Phase.DELIVERED, Delivered("0abc", ANN, None, None))
    assert [record.event for record in caplog.records] == ["hook_skipped"]  # type: ignore[attr-defined]
    await hooks.close()


async def test_a_verdict_where_nothing_can_be_changed_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = Hooks(files(tmp_path, "async def delivered(facts): return refuse()"))
    with caplog.at_level(logging.INFO, "postel.hooks"):
        hooks.tell(Phase.DELIVERED, Delivered("0abc", ANN, None, None))
        await hooks.close()
    assert [record.event for record in caplog.records] == ["hook_failed"]  # type: ignore[attr-defined]
