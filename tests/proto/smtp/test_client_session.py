"""The session around the transactions: greeting, EHLO, TLS, login, and every way to end."""

from __future__ import annotations

import base64

import pytest
from client_talk import FULL, Bench, envelope

from postel.mail import LocalFault
from postel.proto import NEED_DATA, PAUSED, sasl
from postel.proto.smtp.client_events import (
    ContentWanted,
    Greeting,
    HelloDone,
    HelloRefused,
    LoginDone,
    QuitDone,
    SessionLost,
    TlsReady,
    TlsRefused,
    TransactionDone,
)


def lost(bench: Bench) -> SessionLost:
    event = bench.event()
    assert isinstance(event, SessionLost), event
    assert bench.client.over
    return event


def test_nothing_is_said_before_the_greeting() -> None:
    bench = Bench(greeted=False)
    assert bench.client.next_event() is NEED_DATA
    assert bench.said() == []
    bench.hear("220-welcome", "220 to pluto.free.org")
    event = bench.event()
    assert isinstance(event, Greeting)
    assert event.reply.text == "welcome\nto pluto.free.org"
    assert bench.client.next_event() is PAUSED


@pytest.mark.parametrize("greeting", ["554 5.7.1 go away", "521 no mail here", "450 busy"])
def test_a_server_that_turns_us_away_is_told_quit(greeting: str) -> None:
    bench = Bench(greeted=False)
    bench.hear(greeting)
    event = bench.event()
    assert isinstance(event, Greeting)
    assert not event.reply.is_positive
    with pytest.raises(LocalFault):
        bench.client.hello()
    bench.client.quit()
    assert bench.said() == ["QUIT"]
    bench.hear("221 bye")
    assert bench.event() == QuitDone()
    assert bench.client.over


def test_extensions_are_read_from_the_answer_to_ehlo() -> None:
    bench = Bench(offers=FULL)
    assert bench.client.offered.size_limit == 1_000_000
    assert bench.client.offered.mechanisms == ("PLAIN", "LOGIN")


@pytest.mark.parametrize("refusal", ["500 what?", "502 5.5.1 not implemented", "550 no"])
def test_helo_follows_where_ehlo_is_not_known(refusal: str) -> None:
    bench = Bench()
    bench.client.hello()
    assert bench.said() == ["EHLO mail.drag.net"]
    bench.hear(refusal)
    assert bench.event() is None
    assert bench.said() == ["HELO mail.drag.net"]
    bench.hear("250-pluto", "250 PIPELINING")
    event = bench.event()
    assert isinstance(event, HelloDone)
    assert not event.is_extended
    assert "PIPELINING" not in event.offered


@pytest.mark.parametrize("answers", [["450 not now"], ["500 what?", "550 no"]])
def test_a_refused_hello_leaves_only_quit(answers: list[str]) -> None:
    bench = Bench()
    bench.client.hello()
    for answer in answers:
        bench.hear(answer)
    assert isinstance(bench.event(), HelloRefused)
    with pytest.raises(LocalFault):
        bench.client.transact(envelope("kitt@free.org"))
    bench.client.quit()


def test_lmtp_says_lhlo_and_has_no_fallback() -> None:
    bench = Bench(lmtp=True)
    bench.client.hello()
    assert bench.said() == ["LHLO mail.drag.net"]
    bench.hear("500 what?")
    assert isinstance(bench.event(), HelloRefused)


# -- TLS ---------------------------------------------------------------------------------------------------


def test_after_tls_everything_is_asked_anew() -> None:
    bench = Bench(offers=FULL)
    bench.client.start_tls()
    assert bench.said() == ["STARTTLS"]
    bench.hear("220 ready")
    assert bench.event() == TlsReady()
    assert bench.client.next_event() is PAUSED
    bench.client.tls_started()
    assert not bench.client.offered.keywords  # RFC 3207 4.2
    bench.client.hello()
    assert bench.said() == ["EHLO mail.drag.net"]


def test_a_refused_starttls_leaves_the_session_as_it_is() -> None:
    bench = Bench(offers=FULL)
    bench.client.start_tls()
    bench.hear("454 4.7.0 no certificate")
    assert isinstance(bench.event(), TlsRefused)
    bench.client.transact(envelope("kitt@free.org"))
    assert bench.said()


@pytest.mark.parametrize("stray", ["250 OK", "", "garb"])
def test_plaintext_behind_the_220_is_a_fault(stray: str) -> None:
    bench = Bench(offers=FULL)
    bench.client.start_tls()
    bench.client.receive(b"220 ready\r\n" + stray.encode() + b"\r\n")
    assert "plaintext" in lost(bench).because


def test_plaintext_before_the_handshake_is_a_fault() -> None:
    bench = Bench(offers=FULL)
    bench.client.start_tls()
    bench.hear("220 ready")
    bench.event()
    bench.hear("250 OK")
    bench.client.tls_started()  # void: the shell has not heard yet
    assert "plaintext" in lost(bench).because


# -- login -------------------------------------------------------------------------------------------------


def exchange(name: str = "PLAIN", password: str = "sauron") -> sasl.ClientExchange:
    mechanism = sasl.find_mechanism(name)
    assert mechanism is not None
    return sasl.ClientExchange(mechanism, sasl.Credentials("frito", password))


def test_plain_goes_with_the_command() -> None:
    bench = Bench(offers=FULL)
    bench.client.login(exchange())
    assert bench.said() == ["AUTH PLAIN " + base64.b64encode(b"\0frito\0sauron").decode()]
    bench.hear("235 2.7.0 welcome")
    event = bench.event()
    assert isinstance(event, LoginDone)
    assert event.reply.is_positive


def test_login_answers_one_challenge_after_the_other() -> None:
    bench = Bench(offers=FULL)
    bench.client.login(exchange("LOGIN"))
    assert bench.said() == ["AUTH LOGIN"]
    bench.hear("334 VXNlcm5hbWU6")
    assert bench.said() == [base64.b64encode(b"frito").decode()]
    bench.hear("334 UGFzc3dvcmQ6")
    assert bench.said() == [base64.b64encode(b"sauron").decode()]
    bench.hear("535 5.7.8 no")
    event = bench.event()
    assert isinstance(event, LoginDone)
    assert event.reply.code == 535
    bench.client.login(exchange())  # RFC 4954 4: another attempt is allowed


def test_a_long_initial_response_waits_for_an_empty_challenge() -> None:
    bench = Bench(offers=FULL)
    bench.client.login(exchange(password="x" * 500))
    assert bench.said() == ["AUTH PLAIN"]  # RFC 4954 4
    bench.hear("334 ")
    assert base64.b64decode(bench.said()[0]) == b"\0frito\0" + b"x" * 500
    bench.hear("235 ok")
    assert isinstance(bench.event(), LoginDone)


@pytest.mark.parametrize("challenge", ["334 &&&", "334 and what else?", "334 AAAA"])
def test_a_challenge_that_makes_no_sense_cancels_the_login(challenge: str) -> None:
    bench = Bench(offers=FULL)
    bench.client.login(exchange())
    bench.said()
    bench.hear(challenge)
    assert bench.said() == ["*"]
    bench.hear("501 5.7.0 cancelled")
    event = bench.event()
    assert isinstance(event, LoginDone)
    assert not event.reply.is_positive


def test_a_yes_before_the_password_is_not_believed() -> None:
    bench = Bench(offers=FULL)
    bench.client.login(exchange("LOGIN"))
    bench.hear("235 2.7.0 welcome, whoever you are")
    assert "too early" in lost(bench).because


# -- endings -----------------------------------------------------------------------------------------------

ANSWERS = ["250 ok", "250 ok", "250 ok", "354 go"]


@pytest.mark.parametrize("heard", range(5))
def test_421_ends_the_session_at_any_point(heard: int) -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(envelope("a@free.org", "b@free.org"))
    bench.hear(*ANSWERS[:heard], "421 4.3.2 shutting down")
    event = bench.event()
    if heard == 4:
        assert event == ContentWanted()
        event = bench.event()
    assert isinstance(event, SessionLost)
    assert event.reply is not None
    assert [reply and reply.code for reply in event.recipient_replies] == [421, 421]


@pytest.mark.parametrize("heard", range(5))
def test_a_server_may_close_at_any_point(heard: int) -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(envelope("a@free.org", "b@free.org"))
    bench.hear(*ANSWERS[:heard])
    bench.client.receive(b"")
    event = bench.event()
    if heard == 4:
        assert event == ContentWanted()
        bench.client.content(b"x")  # void: the shell has not heard yet
        bench.client.end_content()
        event = bench.event()
    assert isinstance(event, SessionLost)
    assert event.recipient_replies == (None, None)
    assert event.is_begun is (heard > 0)
    assert "closed the connection" in event.because


def test_a_recipient_refused_before_the_loss_stays_refused() -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(envelope("a@free.org", "b@free.org"))
    bench.hear("250 ok", "550 5.1.1 no")
    bench.client.receive(b"")
    assert [reply and reply.code for reply in lost(bench).recipient_replies] == [550, None]


def test_a_loss_after_the_content_leaves_the_outcome_open() -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(envelope("a@free.org"))
    bench.hear("250 ok", "250 ok", "354 go")
    bench.event()
    bench.client.end_content()
    bench.client.timed_out()
    event = lost(bench)
    assert event.recipient_replies == (None,)
    assert event.because == "timed out after 600 s while we waited for the reply to the content"


def test_a_refusal_before_the_end_of_the_content_counts() -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(envelope("a@free.org"))
    bench.hear("250 ok", "250 ok", "354 go")
    bench.event()
    bench.client.content(b"x")
    bench.hear("552 5.3.4 too big")
    event = lost(bench)
    assert [reply and reply.code for reply in event.recipient_replies] == [552]


def test_an_answer_that_was_not_asked_for_ends_the_session() -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(envelope("a@free.org"))
    bench.hear("250 ok", "250 ok", "354 go", "250 accepted already?")
    assert bench.event() == ContentWanted()
    event = lost(bench)
    assert event.recipient_replies == (None,)


def test_an_answer_too_many_never_counts_for_the_next_command() -> None:
    bench = Bench(offers=())
    bench.client.transact(envelope("a@free.org"))
    bench.hear("550 no", "250 once more")
    assert isinstance(bench.event(), TransactionDone)
    bench.client.transact(envelope("b@free.org"))
    assert bench.said() == ["MAIL FROM:<frito@drag.net>"]  # that of the first
    assert "not asked" in lost(bench).because


@pytest.mark.parametrize(("heard", "answer"), [(0, "354 go"), (1, "354 go"), (3, "250 ok"), (0, "334 AAAA")])
def test_an_answer_that_makes_no_sense_ends_the_session(heard: int, answer: str) -> None:
    bench = Bench(offers=("PIPELINING",))
    bench.client.transact(envelope("a@free.org", "b@free.org"))
    bench.hear(*ANSWERS[:heard], answer)
    assert lost(bench).recipient_replies == (None, None)


def test_nonsense_ends_the_session() -> None:
    bench = Bench()
    bench.client.hello()
    bench.hear("HTTP/1.1 400 Bad Request")
    assert lost(bench).because == "a line that is no reply while we waited for the reply to EHLO"


def test_after_quit_a_closed_connection_is_no_loss() -> None:
    for ending in (b"", b"221 bye\r\n", b"421 bye\r\n", b"500 what?\r\n"):
        bench = Bench(offers=())
        bench.client.quit()
        bench.client.receive(ending)
        assert bench.event() == QuitDone()
        bench.client.receive(b"250 still here\r\n")
        with pytest.raises(LocalFault):
            bench.client.next_event()


def test_a_broken_stream_while_idle_is_said_so() -> None:
    bench = Bench(offers=())
    bench.client.connection_lost("connection reset")
    assert lost(bench).because == "connection reset while the session was ready"
    bench.client.connection_lost("again")
    assert bench.client.over


@pytest.mark.parametrize(
    ("heard", "seconds"),
    [([], 300), (["250 ok"], 300), (["250 ok", "250 ok"], 120), (["250 ok", "250 ok", "354 go"], 180)],
)
def test_each_state_has_its_own_timeout(heard: list[str], seconds: float) -> None:
    # RFC 5321 4.5.3.2
    bench = Bench(offers=("PIPELINING",))
    assert bench.client.timeout_s == 180
    bench.client.transact(envelope("a@free.org"))
    bench.hear(*heard)
    assert bench.client.timeout_s == seconds
