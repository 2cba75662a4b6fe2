"""What the shell may and must do with the server machine; transcripts cannot say these things."""

from __future__ import annotations

from typing import Any

import pytest

from postel.mail import LocalFault, Reply, Status
from postel.proto import NEED_DATA, PAUSED
from postel.proto.smtp import (
    Auth,
    Breach,
    Closed,
    Connected,
    DataAborted,
    DataEnd,
    DataStart,
    Ending,
    GroupRule,
    Hello,
    Mail,
    Misbehaved,
    Rcpt,
    ServerOptions,
    SmtpLimits,
    SmtpServer,
    StartTls,
    State,
    Vrfy,
    replies,
)

OPTIONS = ServerOptions(hostname="mx.example.org")
GROUP = b"EHLO a.example\r\nMAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"


def run(server: SmtpServer, data: bytes = b"") -> list[Any]:
    """Feed and answer all events with their defaults."""
    if data:
        server.receive(data)
    seen = []
    while (event := server.next_event()) is not NEED_DATA and event is not PAUSED:
        seen.append(event)
        server.answer(None)
    return seen


def greeted(options: ServerOptions = OPTIONS, **standing: bool) -> SmtpServer:
    server = SmtpServer(options, **standing)
    run(server)
    server.data_to_send()
    return server


def codes(server: SmtpServer) -> list[str]:
    return [line[:3] for line in server.data_to_send().decode().splitlines() if line[3:4] != "-"]


def test_a_slow_shell_gets_one_event_at_a_time_and_the_replies_keep_their_order() -> None:
    server = greeted()
    server.receive(b"HELO a.example\r\nNOOP\r\nMAIL FROM:<>\r\nFOO\r\nRCPT TO:<bob@example.org>\r\nRSET\r\n")
    assert isinstance(server.next_event(), Hello)
    assert server.next_event() is PAUSED
    assert server.data_to_send() == b""
    server.answer(replies.HELLO)
    server.next_event()  # Noop
    assert isinstance(server.next_event(), Mail)
    assert server.next_event() is PAUSED
    assert codes(server) == ["250", "250"]
    server.answer(replies.REVERSE_PATH_OK)
    assert isinstance(server.next_event(), Misbehaved)
    assert isinstance(server.next_event(), Rcpt)
    assert server.next_event() is PAUSED
    server.answer(Reply(451, Status(4, 3, 0), "Later"))
    run(server)
    assert codes(server) == ["250", "500", "451", "250"]


def test_octets_that_come_while_an_answer_is_owed_wait() -> None:
    server = greeted()
    server.receive(b"VRFY x\r\n")
    assert isinstance(server.next_event(), Vrfy)
    for octet in b"NOOP\r\n":
        server.receive(bytes([octet]))
        assert server.next_event() is PAUSED
    server.answer(None)
    run(server)
    assert codes(server) == ["252", "250"]


def test_an_answer_nobody_asked_for_is_our_own_fault() -> None:
    server = greeted()
    with pytest.raises(LocalFault):
        server.answer(replies.REVERSE_PATH_OK)
    server.answer(None)
    assert server.data_to_send() == b""


@pytest.mark.parametrize("reply", [replies.START_DATA, Reply(235, None, ""), Reply(220, None, "")])
def test_a_code_that_cannot_answer_the_command_is_our_own_fault(reply: Reply) -> None:
    server = greeted()
    server.receive(b"HELO a.example\r\nMAIL FROM:<>\r\n")
    server.next_event()
    server.answer(None)
    server.next_event()
    with pytest.raises(LocalFault):
        server.answer(reply)
    server.answer(None)  # the answer is still owed
    assert server.state is State.IN_MAIL


def test_data_is_answered_354_or_no() -> None:
    server = greeted()
    server.receive(GROUP)
    while not isinstance(server.next_event(), DataStart):
        server.answer(None)
    with pytest.raises(LocalFault):
        server.answer(Reply(250, None, "Fine"))


def test_a_login_has_no_default_answer() -> None:
    server = greeted(ServerOptions(hostname="mx.example.org", mechanisms=("PLAIN",)))
    server.receive(b"EHLO a.example\r\nAUTH PLAIN\r\n")
    server.next_event()
    server.answer(None)
    assert isinstance(server.next_event(), Auth)
    with pytest.raises(LocalFault):
        server.answer(None)
    server.challenge(b"")
    assert codes(server)[-1] == "334"
    with pytest.raises(LocalFault):
        server.challenge(b"")


def test_who_talks_before_the_greeting_is_told_to_wait_and_leaves() -> None:
    server = SmtpServer(OPTIONS)
    assert isinstance(server.next_event(), Connected)
    assert not server.has_talked_early
    server.receive(b"EHLO spam.example\r\nMAIL FROM:<>\r\n")
    assert server.next_event() is PAUSED
    assert server.has_talked_early
    server.answer(None)
    assert server.data_to_send() == b"554 Wait for the greeting before you talk\r\n"
    breach, closed = server.next_event(), server.next_event()
    assert isinstance(breach, Misbehaved) and breach.breach is Breach.EARLY_TALK
    assert breach.excerpt.startswith(b"EHLO spam")
    assert closed == Closed(Ending.FAULT)
    assert server.over


def test_the_shell_may_let_early_talkers_in() -> None:
    server = SmtpServer(OPTIONS)
    server.next_event()
    server.receive(b"HELO hasty.example\r\n")
    server.answer(replies.greeting("mx.example.org", "Postel"))
    assert [type(event) for event in run(server)] == [Misbehaved, Hello]
    assert codes(server) == ["220", "250"]


def test_content_sent_ahead_of_354_ends_the_session() -> None:
    server = greeted()
    seen = run(server, GROUP + b"Subject: smuggled\r\n\r\n.\r\n")
    assert not any(isinstance(event, DataStart | DataEnd) for event in seen)
    assert seen[-1] == Closed(Ending.FAULT)
    assert codes(server) == ["250", "250", "250", "503"]
    assert server.over


def test_content_sent_ahead_is_taken_where_the_group_rule_allows_it() -> None:
    server = greeted(ServerOptions(hostname="mx.example.org", group_rule=GroupRule.NONE))
    seen = run(server, GROUP + b"hello\r\n.\r\nQUIT\r\n")
    assert DataEnd(size_bytes=7) in seen
    assert codes(server) == ["250", "250", "250", "354", "250", "221"]


def test_under_the_strict_group_rule_ehlo_waits_too() -> None:
    server = greeted(ServerOptions(hostname="mx.example.org", group_rule=GroupRule.ALL))
    assert run(server, GROUP)[-1] == Closed(Ending.FAULT)
    assert codes(server) == ["503"]


def test_auth_with_an_initial_response_may_stand_inside_a_group() -> None:
    # RFC 4954 4
    strict = ServerOptions(hostname="mx.example.org", group_rule=GroupRule.ALL, mechanisms=("PLAIN",))
    server = greeted(strict)
    run(server, b"EHLO a.example\r\n")
    server.receive(b"AUTH PLAIN AAAA\r\nMAIL FROM:<>\r\n")
    assert isinstance(server.next_event(), Auth)
    server.answer(replies.LOGGED_IN)
    assert isinstance(server.next_event(), Mail)


def test_talk_after_quit_is_noted_and_not_obeyed() -> None:
    server = greeted()
    seen = run(server, b"QUIT\r\nMAIL FROM:<>\r\n")
    assert [type(event).__name__ for event in seen] == ["Misbehaved", "Quit", "Closed"]
    server.receive(b"NOOP\r\n")
    assert server.next_event() is NEED_DATA
    assert codes(server) == ["221"]


def test_plaintext_in_the_segment_of_starttls_is_a_fault() -> None:
    server = greeted(ServerOptions(hostname="mx.example.org", has_tls=True))
    seen = run(server, b"EHLO a.example\r\nSTARTTLS\r\nRSET\r\n")
    assert not any(isinstance(event, StartTls) for event in seen)
    assert seen[-1] == Closed(Ending.FAULT)
    assert codes(server) == ["250", "503"]


def test_plaintext_that_comes_during_the_handshake_never_becomes_a_command() -> None:
    server = greeted(ServerOptions(hostname="mx.example.org", has_tls=True))
    run(server, b"EHLO a.example\r\nSTARTTLS\r\n")
    assert server.wants_tls
    assert server.next_event() is PAUSED
    server.receive(b"MAIL FROM:<eve@example.net>\r\n")
    server.tls_started()
    seen = run(server)
    assert [type(event) for event in seen] == [Misbehaved, Closed]
    assert not server.is_tls


def test_tls_starts_only_where_it_was_agreed() -> None:
    with pytest.raises(LocalFault):
        greeted().tls_started()


def test_a_client_that_leaves_during_the_handshake_is_gone() -> None:
    server = greeted(ServerOptions(hostname="mx.example.org", has_tls=True))
    run(server, b"EHLO a.example\r\nSTARTTLS\r\n")
    server.receive(b"")
    assert run(server) == [Closed(Ending.PEER_CLOSED)]


def test_options_may_change_within_a_session() -> None:
    server = greeted(ServerOptions(hostname="mx.example.org", has_tls=True))
    run(server, b"EHLO a.example\r\nSTARTTLS\r\n")
    server.options = ServerOptions(hostname="mx.example.org", has_tls=True, mechanisms=("PLAIN",))
    server.tls_started()
    server.data_to_send()
    run(server, b"EHLO a.example\r\n")
    said = server.data_to_send()
    assert b"AUTH PLAIN" in said and b"STARTTLS" not in said
    assert server.is_tls and server.is_extended and not server.is_logged_in


def test_the_shell_ends_a_session_at_once() -> None:
    server = greeted()
    run(server, GROUP)
    server.data_to_send()
    server.shut_down()
    assert run(server) == [DataAborted("refused"), Closed(Ending.REFUSED)]
    assert server.data_to_send() == b"421 4.3.2 mx.example.org Shutting down; try again later\r\n"
    server.shut_down()
    server.timed_out()
    assert server.over and server.data_to_send() == b""


def test_the_shell_ends_a_session_though_it_owes_an_answer() -> None:
    server = greeted()
    server.receive(b"VRFY x\r\n")
    server.next_event()
    server.shut_down()
    assert run(server) == [Closed(Ending.REFUSED)]


def test_each_state_says_how_long_it_waits() -> None:
    server = greeted(ServerOptions(hostname="mx.example.org", has_tls=True))
    assert server.timeout_s == 300
    run(server, b"EHLO a.example\r\nSTARTTLS\r\n")
    assert server.timeout_s == 60


def test_recipients_beyond_the_limit_are_refused_for_now_and_the_rest_goes() -> None:
    # RFC 5321 4.5.3.1.10
    server = greeted(ServerOptions(hostname="mx.example.org", limits=SmtpLimits(recipients=100)))
    rcpt = b"".join(b"RCPT TO:<r%d@example.org>\r\n" % n for n in range(130))
    seen = run(server, b"HELO a.example\r\nMAIL FROM:<>\r\n" + rcpt + b"DATA\r\n")
    assert sum(isinstance(event, Rcpt) for event in seen) == 100
    assert codes(server)[2:] == ["250"] * 100 + ["452"] * 30 + ["354"]
    assert not server.over


def test_a_greeting_from_the_shell_stands_before_the_extensions() -> None:
    server = greeted()
    server.receive(b"EHLO a.example\r\n")
    server.next_event()
    server.answer(Reply(250, Status(2, 0, 0), "welcome back"))
    assert server.data_to_send().startswith(b"250-mx.example.org welcome back\r\n250-PIPELINING\r\n")


def test_the_size_that_mail_declares_is_a_number() -> None:
    server = greeted()
    mail = run(server, b"EHLO a.example\r\nMAIL FROM:<> SIZE=1000\r\n")[-1]
    assert mail.size_bytes == 1000
    assert Mail(mail.reverse_path).size_bytes is None


def test_memory_stays_bounded_whatever_comes() -> None:
    server = greeted(ServerOptions(hostname="mx.example.org", limits=SmtpLimits(endless_line=1 << 30)))
    for _ in range(50):
        run(server, b"x" * 65_536)
        assert server.waiting_bytes <= 12_288
    run(server, b"\r\nNOOP\r\n")
    assert codes(server) == ["500", "250"]


def test_a_login_and_its_response_never_show_in_a_log() -> None:
    assert "secret" not in repr(Auth("PLAIN", b"\0ann\0secret"))
