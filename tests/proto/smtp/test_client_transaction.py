"""Mail transactions as the client plays them: groups, refusals, parameters."""

from __future__ import annotations

import pytest
from client_talk import FULL, Bench, envelope

from postel.mail import (
    NO_PARAMETERS,
    Envelope,
    LocalFault,
    Recipient,
    Reply,
    parse_forward_path,
    parse_reverse_path,
)
from postel.mail.replies import SMTPUTF8_NEEDED
from postel.proto import PAUSED
from postel.proto.smtp.client_events import ContentWanted, ResetDone, SessionLost, TransactionDone
from postel.proto.smtp.client_transaction import TOO_BIG_FOR_NEXT_HOP

LETTER = envelope("kitt@free.org", "nobody@free.org")


def codes(event: object) -> list[int]:
    assert isinstance(event, TransactionDone)
    return [reply.code for reply in event.recipient_replies]


def send(bench: Bench, *chunks: bytes) -> None:
    for chunk in chunks:
        bench.client.content(chunk)
    bench.client.end_content()


def test_a_group_is_said_at_once_where_pipelining_is_offered() -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(LETTER)
    assert bench.said() == [
        "MAIL FROM:<frito@drag.net>",
        "RCPT TO:<kitt@free.org>",
        "RCPT TO:<nobody@free.org>",
        "DATA",
    ]
    assert bench.event() is None
    bench.hear("250 2.1.0 ok", "250 2.1.5 ok", "550 5.1.1 No such mailbox here")
    assert bench.event() is None
    bench.hear("354 go ahead")
    assert bench.event() == ContentWanted()
    assert bench.client.next_event() is PAUSED
    send(bench, b"Subject: x\r\n", b"\r\n", b".dot\r\n")
    assert bench.said() == ["Subject: x", "", "..dot", "."]
    bench.hear("250 2.0.0 queued")
    event = bench.event()
    assert codes(event) == [250, 550]
    assert isinstance(event, TransactionDone)
    assert str(event.recipient_replies[1]) == "550 5.1.1 No such mailbox here"
    assert event.recipient_replies[0].text == "queued"


def test_without_pipelining_commands_go_one_by_one() -> None:
    bench = Bench(offers=())
    bench.client.transact(LETTER)
    for expected, answer in (
        ("MAIL FROM:<frito@drag.net>", "250 ok"),
        ("RCPT TO:<kitt@free.org>", "450 4.2.1 busy"),
        ("RCPT TO:<nobody@free.org>", "250 ok"),
        ("DATA", "354 go"),
    ):
        assert bench.said() == [expected]
        bench.hear(answer)
    assert bench.event() == ContentWanted()
    send(bench)
    assert bench.said() == ["."]
    bench.hear("250 ok")
    assert codes(bench.event()) == [450, 250]


def test_data_is_not_said_when_everybody_is_known_to_be_refused() -> None:
    bench = Bench(offers=())
    bench.client.transact(envelope("nobody@free.org"))
    bench.said()
    bench.hear("250 ok")
    bench.said()
    bench.hear("550 5.1.1 no")
    assert codes(bench.event()) == [550]
    assert bench.said() == []


def test_a_refused_mail_decides_for_everybody() -> None:
    bench = Bench(offers=())
    bench.client.transact(LETTER)
    bench.said()
    bench.hear("451 4.7.1 greylisted")
    assert codes(bench.event()) == [451, 451]
    assert bench.said() == []


def test_a_refused_mail_in_a_group_decides_for_everybody_whatever_follows() -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(LETTER)
    bench.hear("550 5.7.1 not you", "503 5.5.1 no MAIL", "250 2.1.5 what?", "503 5.5.1 no")
    event = bench.event()
    assert codes(event) == [550, 550]


def test_content_wanted_for_nobody_is_a_lone_dot() -> None:
    # RFC 2920 3.1
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(LETTER)
    bench.said()
    bench.hear("250 ok", "550 no", "550 no", "354 go ahead")
    assert bench.event() is None
    assert bench.said() == ["."]
    bench.hear("250 thank you for nothing")
    assert codes(bench.event()) == [550, 550]


def test_a_refused_data_decides_for_the_accepted() -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(LETTER)
    bench.hear("250 ok", "250 ok", "550 5.1.1 no", "451 4.3.0 not now")
    assert codes(bench.event()) == [451, 550]


def test_a_refused_content_decides_for_the_accepted() -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(LETTER)
    bench.hear("250 ok", "250 ok", "450 later", "354 go")
    bench.event()
    send(bench, b"junk\r\n")
    bench.hear("554 5.7.1 junk")
    assert codes(bench.event()) == [554, 450]


def test_several_transactions_share_a_session() -> None:
    bench = Bench(offers=("PIPELINING",))
    for _ in range(3):
        bench.client.transact(envelope("kitt@free.org"))
        assert bench.said()[0] == "MAIL FROM:<frito@drag.net>"  # RFC 5321 4.1.1.4: no RSET needed
        bench.hear("250 ok", "250 ok", "354 go")
        bench.event()
        send(bench, b"x\r\n")
        bench.said()
        bench.hear("250 ok")
        assert codes(bench.event()) == [250]


@pytest.mark.parametrize("offers", [("PIPELINING",), ()])
def test_a_failed_transaction_is_reset_before_the_next(offers: tuple[str, ...]) -> None:
    bench = Bench(offers=offers)
    bench.client.transact(envelope("nobody@free.org"))
    for answer in ("250 ok", "550 no") if not offers else ("250 ok", "550 no", "503 no"):
        bench.hear(answer)
    bench.event()
    bench.said()
    bench.client.transact(envelope("kitt@free.org"))
    assert bench.said()[0] == "RSET"
    bench.hear("250 ok")
    assert bench.event() is None
    if not offers:
        assert bench.said() == ["MAIL FROM:<frito@drag.net>"]


def test_a_refused_reset_loses_the_session_but_decides_nothing() -> None:
    bench = Bench(offers=())
    bench.client.transact(envelope("nobody@free.org"))
    bench.hear("550 no")
    bench.event()
    bench.client.transact(envelope("kitt@free.org"))
    bench.hear("500 what?")
    event = bench.event()
    assert isinstance(event, SessionLost)
    assert event.recipient_replies == (None,)


def test_reset_is_a_step_of_its_own_too() -> None:
    bench = Bench(offers=())
    bench.client.reset()
    assert bench.said() == ["RSET"]
    bench.hear("250 ok")
    assert bench.event() == ResetDone()


def test_a_large_group_is_a_window() -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(envelope(*(f"r{n}@free.org" for n in range(250))))
    assert len(bench.said()) == 100
    bench.hear("250 ok", *["250 ok"] * 60)
    assert len(bench.said()) == 61
    assert bench.event() is None
    bench.hear(*["250 ok"] * 190)
    assert bench.said()[-1] == "DATA"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("552 too many recipients", 452),
        ("552 5.5.3 too many", 452),
        ("552 5.2.2 mailbox full", 552),
        ("452 4.5.3 x", 452),
    ],
)
def test_552_for_a_recipient_may_mean_too_many(said: str, code: int) -> None:
    # RFC 5321 4.5.3.1.10
    bench = Bench(offers=())
    bench.client.transact(envelope("kitt@free.org"))
    bench.hear("250 ok", said)
    assert codes(bench.event()) == [code]


def test_parameters_go_out_only_where_they_are_understood() -> None:
    letter = envelope("kitt@free.org", BODY="8BITMIME", AUTH="<>", RET="FULL", SIZE="1")
    full = Bench(offers=FULL)
    full.client.transact(letter, size_bytes=4711)
    assert full.said()[0] == "MAIL FROM:<frito@drag.net> SIZE=4711 BODY=8BITMIME AUTH=<>"
    bare = Bench(offers=())
    bare.client.transact(letter, size_bytes=4711)
    assert bare.said() == ["MAIL FROM:<frito@drag.net>"]  # 8-bit content goes as it is


def test_a_null_reverse_path_and_postmaster_alone_are_said_so() -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(envelope("postmaster", of=""))
    assert bench.said() == ["MAIL FROM:<>", "RCPT TO:<postmaster>", "DATA"]


def test_a_message_over_the_offered_size_is_refused_unsaid() -> None:
    bench = Bench(offers=("SIZE 1000",))
    bench.client.transact(LETTER, size_bytes=1001)
    assert bench.event() == TransactionDone((TOO_BIG_FOR_NEXT_HOP,) * 2)
    assert bench.said() == []
    bench.client.transact(LETTER, size_bytes=1000)
    assert bench.said() == ["MAIL FROM:<frito@drag.net> SIZE=1000"]


def test_smtputf8_is_said_where_it_is_offered() -> None:
    bench = Bench(offers=("SMTPUTF8", "PIPELINING"))
    bench.client.transact(envelope("käthe@bücher.example", SMTPUTF8=None))
    assert bench.said()[:2] == ["MAIL FROM:<frito@drag.net> SMTPUTF8", "RCPT TO:<käthe@bücher.example>"]


@pytest.mark.parametrize("of", ["frito@drag.net", "frö@drag.net"])
def test_a_message_that_needs_smtputf8_is_refused_unsaid(of: str) -> None:
    bench = Bench(offers=("8BITMIME",))
    parameters = {"SMTPUTF8": None} if of.isascii() else {}
    bench.client.transact(envelope("kitt@free.org", of=of, **parameters))
    assert bench.event() == TransactionDone((SMTPUTF8_NEEDED,))
    assert bench.said() == []


def test_only_the_recipients_that_need_smtputf8_are_refused() -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(envelope("käthe@free.org", "kitt@bücher.example"))
    # RFC 6531 3.2: a domain has an A-label form
    assert bench.said() == ["MAIL FROM:<frito@drag.net>", "RCPT TO:<kitt@xn--bcher-kva.example>", "DATA"]
    bench.hear("250 ok", "250 ok", "354 go")
    bench.event()
    send(bench)
    bench.hear("250 ok")
    assert codes(bench.event()) == [550, 250]


def test_lmtp_answers_for_each_accepted_recipient() -> None:
    # RFC 2033 4.2
    bench = Bench(offers=("PIPELINING",), lmtp=True)
    bench.client.transact(envelope("a@free.org", "b@free.org", "c@free.org"))
    bench.hear("250 ok", "250 ok", "550 no", "250 ok", "354 go")
    bench.event()
    send(bench, b"x\r\n")
    bench.hear("250 a is served")
    assert bench.event() is None
    bench.hear("452 4.2.2 c is full")
    event = bench.event()
    assert codes(event) == [250, 550, 452]


def test_lmtp_remembers_who_was_served_when_the_session_breaks() -> None:
    bench = Bench(offers=("PIPELINING",), lmtp=True)
    bench.client.transact(envelope("a@free.org", "b@free.org"))
    bench.hear("250 ok", "250 ok", "250 ok", "354 go")
    bench.event()
    send(bench, b"x\r\n")
    bench.hear("250 a is served")
    bench.client.receive(b"")
    event = bench.event()
    assert isinstance(event, SessionLost)
    assert event.recipient_replies == (Reply(250, None, "a is served"), None)


def test_lmtp_that_wants_content_for_nobody_is_left() -> None:
    bench = Bench(offers=("PIPELINING",), lmtp=True)
    bench.client.transact(envelope("a@free.org"))
    bench.hear("250 ok", "550 no", "354 go")
    event = bench.event()
    assert isinstance(event, SessionLost)
    assert [reply and reply.code for reply in event.recipient_replies] == [550]


def test_rcpt_parameters_of_unknown_extensions_stay_home() -> None:
    recipient = Recipient(parse_forward_path("<kitt@free.org>"), {"XYZZY": "1"})
    bench = Bench(offers=("PIPELINING", "DSN"))
    bench.client.transact(Envelope(parse_reverse_path("<>"), (recipient,), NO_PARAMETERS))
    assert bench.said()[1] == "RCPT TO:<kitt@free.org>"


def test_content_out_of_turn_is_our_own_fault() -> None:
    bench = Bench(offers=())
    with pytest.raises(LocalFault):
        bench.client.content(b"x")
    with pytest.raises(LocalFault):
        bench.client.end_content()
    bench.client.transact(LETTER)
    with pytest.raises(LocalFault):
        bench.client.transact(LETTER)
