"""The AUTHORIZATION state: greeting, USER and PASS, APOP, AUTH, STLS."""

import pytest
from pop3_shell import connect, log_in

from postel.mail import LocalFault
from postel.proto import PAUSED, pop3


def test_the_greeting_names_us_and_carries_the_timestamp_that_apop_needs() -> None:
    shell = connect(options={"timestamp": "<1896.6971@pop.free.org>"})
    assert shell.sent == b"+OK pop.free.org POP3 server ready <1896.6971@pop.free.org>\r\n"


def test_without_a_shared_secret_the_greeting_has_no_angle_bracket() -> None:
    assert b"<" not in connect().sent


def test_a_connection_may_be_turned_away_with_a_code() -> None:
    shell = connect(answers={pop3.Connected: pop3.TOO_MANY_SESSIONS})
    assert shell.sent == b"-ERR [SYS/TEMP] Too many sessions, try again later\r\n"
    assert shell.machine.over
    assert shell.machine.ended_because == "turned away"


def test_user_and_pass_log_in() -> None:
    shell = connect(b"one\r\n")
    assert shell.say(b"USER kitt\r\n") == b"+OK Now the password\r\n"
    assert shell.say(b"PASS sesame\r\n") == b"+OK Maildrop locked and ready: 1 messages (5 octets)\r\n"
    assert shell.events[-1] == pop3.Login("kitt", "sesame")
    assert shell.machine.is_logged_in


def test_keywords_are_read_in_any_case() -> None:
    shell = connect()
    shell.say(b"user kitt\r\npAsS sesame\r\n")
    assert shell.machine.is_logged_in


def test_spaces_are_part_of_the_password() -> None:
    shell = connect()
    shell.say(b"USER kitt\r\nPASS  open  sesame \r\n")
    assert shell.events[-1] == pop3.Login("kitt", " open  sesame ")


def test_names_and_passwords_may_be_utf8() -> None:
    shell = connect()
    shell.say("USER käthe@free.org\r\nPASS paßwort\r\n".encode())
    assert shell.events[-1] == pop3.Login("käthe@free.org", "paßwort")


def test_what_is_not_utf8_is_refused() -> None:
    shell = connect()
    assert shell.say(b"USER k\xe4the\r\n") == b"-ERR Arguments do not fit the command\r\n"


@pytest.mark.parametrize("between", [b"CAPA", b"NOOP", b"NONSENSE", b"LANG en", b"USER", b"x" * 300])
def test_pass_comes_immediately_after_user_or_not_at_all(between: bytes) -> None:
    shell = connect()
    shell.say(b"USER kitt\r\n")
    shell.say(between + b"\r\n")
    assert shell.say(b"PASS sesame\r\n") == b"-ERR Not in this state of the session\r\n"
    assert pop3.Login("kitt", "sesame") not in shell.events


def test_pass_without_user_is_refused() -> None:
    assert connect().say(b"PASS sesame\r\n").startswith(b"-ERR ")


def test_a_wrong_password_has_the_code_auth_and_the_name_is_forgotten() -> None:
    shell = connect()
    assert shell.say(b"USER kitt\r\nPASS wrong\r\n").endswith(b"-ERR [AUTH] Name or password is wrong\r\n")
    assert shell.say(b"PASS sesame\r\n").startswith(b"-ERR Not in this state")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (pop3.MAILDROP_IN_USE, b"[IN-USE]"),
        (pop3.LOGIN_TOO_SOON, b"[LOGIN-DELAY]"),
        (pop3.TRY_LATER, b"[SYS/TEMP]"),
        (pop3.BROKEN, b"[SYS/PERM]"),
    ],
)
def test_a_login_fails_with_the_code_that_says_why(answer: pop3.Refused, code: bytes) -> None:
    shell = connect(answers={pop3.Login: answer})
    assert shell.say(b"USER kitt\r\nPASS sesame\r\n").splitlines()[1].startswith(b"-ERR " + code)
    assert not shell.machine.is_logged_in


def test_a_guesser_is_disconnected_after_some_failures() -> None:
    shell = connect(options={"limits": pop3.Pop3Limits(failed_logins_before_close=3)})
    shell.say(b"USER kitt\r\nPASS a\r\n" * 5)
    assert shell.machine.over
    assert shell.machine.ended_because == "failed logins"
    assert shell.kinds().count("Login") == 3


def test_a_maildrop_in_use_is_no_failure_of_the_password() -> None:
    limits = pop3.Pop3Limits(failed_logins_before_close=1)
    shell = connect(answers={pop3.Login: pop3.MAILDROP_IN_USE}, options={"limits": limits})
    shell.say(b"USER kitt\r\nPASS sesame\r\n")
    assert not shell.machine.over


def test_without_tls_no_password_is_asked_for() -> None:
    shell = connect(options={"offers_plaintext": False, "mechanisms": (), "offers_stls": True})
    assert shell.say(b"USER kitt\r\n") == b"-ERR Start TLS first: no login in plaintext\r\n"
    assert shell.say(b"AUTH PLAIN\r\n") == b"-ERR Start TLS first: no login in plaintext\r\n"
    assert b"\r\nUSER\r\n" not in shell.say(b"CAPA\r\n")


def test_user_may_be_switched_off_altogether() -> None:
    shell = connect(options={"offers_plaintext": False})
    assert shell.say(b"USER kitt\r\n") == b"-ERR Mechanism not available\r\n"


# --- APOP --------------------------------------------------------------------------------------------------


def test_apop_is_refused_where_the_greeting_did_not_offer_it() -> None:
    shell = connect()
    assert (
        shell.say(b"APOP kitt c4c9334bac560ecc979e58001b3e22fb\r\n") == b"-ERR APOP is not available here\r\n"
    )


def test_apop_logs_in() -> None:
    shell = connect(options={"timestamp": "<1@h>"})
    shell.answers[pop3.Apop] = shell.logged_in()
    assert shell.say(b"APOP kitt c4c9334bac560ecc979e58001b3e22fb\r\n").startswith(b"+OK ")
    assert shell.events[-1] == pop3.Apop("kitt", "c4c9334bac560ecc979e58001b3e22fb")


# --- AUTH --------------------------------------------------------------------------------------------------

PLAIN = b"AGtpdHQAc2VzYW1l"  # \0kitt\0sesame


def test_auth_takes_an_initial_response() -> None:
    shell = connect()
    assert shell.say(b"AUTH plain " + PLAIN + b"\r\n").startswith(b"+OK Maildrop")
    assert shell.events[-1] == pop3.Auth("PLAIN", b"\0kitt\0sesame")


def test_auth_without_one_gets_an_empty_challenge_that_ends_in_a_space() -> None:
    shell = connect()
    assert shell.say(b"AUTH PLAIN\r\n") == b"+ \r\n"
    assert shell.say(PLAIN + b"\r\n").startswith(b"+OK ")


def test_an_equals_sign_is_an_empty_initial_response() -> None:
    shell = connect()
    shell.say(b"AUTH PLAIN =\r\n")
    assert shell.events[-1] == pop3.Auth("PLAIN", b"")


def test_an_empty_response_is_a_response() -> None:
    shell = connect()
    shell.say(b"AUTH PLAIN\r\n\r\n")
    assert shell.events[-1] == pop3.AuthResponse(b"")


def test_a_star_cancels() -> None:
    shell = connect()
    shell.say(b"AUTH PLAIN\r\n")
    assert shell.say(b"*\r\n") == b"-ERR Login cancelled\r\n"
    assert shell.events[-1] == pop3.AuthCancelled()
    assert shell.say(b"NOOP\r\n") == b"-ERR Not in this state of the session\r\n"


@pytest.mark.parametrize("bad", [b"=AAA", b"AAA=BBB", b"A", b"AB CD", b"\xff\xff\xff\xff", b"AAAA\r"])
def test_what_is_not_strict_base64_ends_the_exchange(bad: bytes) -> None:
    shell = connect()
    shell.say(b"AUTH PLAIN\r\n")
    assert shell.say(bad + b"\r\n") == b"-ERR Not BASE64\r\n"
    assert shell.kinds()[-2:] == ["AuthCancelled", "Misbehaved"]


@pytest.mark.parametrize("bad", [b"=AAA", b"A=="])
def test_an_initial_response_is_strict_base64_too(bad: bytes) -> None:
    shell = connect()
    assert shell.say(b"AUTH PLAIN " + bad + b"\r\n") == b"-ERR Not BASE64\r\n"
    assert shell.kinds() == ["Connected", "Misbehaved"]


def test_an_unknown_mechanism_is_refused() -> None:
    assert connect().say(b"AUTH GSSAPI\r\n") == b"-ERR Mechanism not available\r\n"


def test_responses_may_be_longer_than_commands_up_to_their_own_limit() -> None:
    shell = connect()
    shell.say(b"AUTH PLAIN\r\n")
    assert shell.say(b"A" * 12284 + b"\r\n") == b"-ERR [AUTH] Name or password is wrong\r\n"
    shell.say(b"AUTH PLAIN\r\n")
    assert shell.say(b"A" * 12288 + b"\r\n") == b"-ERR Line too long\r\n"
    assert shell.say(b"CAPA\r\n").startswith(b"+OK ")


def test_a_challenge_is_never_cut() -> None:
    shell = connect(answers={pop3.Auth: pop3.Challenge(b"x" * 3000)})
    assert shell.say(b"AUTH PLAIN\r\n") == b"+ " + b"eHh4" * 1000 + b"\r\n"


def test_after_a_login_there_is_no_further_login() -> None:
    shell = log_in()
    for command in (b"AUTH PLAIN", b"USER kitt", b"PASS sesame", b"APOP kitt x", b"STLS", b"UTF8"):
        assert shell.say(command + b"\r\n") == b"-ERR Not in this state of the session\r\n"


# --- STLS --------------------------------------------------------------------------------------------------

TLS_OFFERED = {"offers_stls": True, "offers_plaintext": False, "mechanisms": ()}
UNDER_TLS = pop3.Pop3Options(hostname="pop.free.org", offers_plaintext=True, mechanisms=("PLAIN",))


def test_stls_pauses_the_machine_until_tls_is_there() -> None:
    shell = connect(options=TLS_OFFERED)
    assert shell.say(b"STLS\r\n") == b"+OK Begin TLS negotiation now\r\n"
    assert shell.machine.next_event() is PAUSED
    shell.machine.tls_started(UNDER_TLS)
    lines = shell.say(b"CAPA\r\n").splitlines()
    assert b"USER" in lines
    assert b"SASL PLAIN" in lines
    assert b"STLS" not in lines


def test_the_name_given_before_tls_is_forgotten() -> None:
    shell = connect(options={"offers_stls": True})
    shell.say(b"USER kitt\r\n")
    shell.say(b"STLS\r\n")
    shell.machine.tls_started(UNDER_TLS)
    assert shell.say(b"PASS sesame\r\n").startswith(b"-ERR ")


def test_plaintext_after_stls_ends_the_session() -> None:
    shell = connect(options=TLS_OFFERED)
    assert shell.say(b"STLS\r\nUSER kitt\r\n") == b"-ERR Plaintext after STLS\r\n"
    assert shell.machine.over
    assert shell.kinds() == ["Connected", "Misbehaved"]


def test_plaintext_that_arrives_while_tls_starts_is_never_run() -> None:
    shell = connect(options=TLS_OFFERED)
    shell.say(b"STLS\r\n")
    shell.machine.receive(b"USER injected\r\n")
    shell.machine.tls_started(UNDER_TLS)
    assert shell.say(b"PASS sesame\r\n") == b"-ERR Not in this state of the session\r\n"


def test_stls_may_be_refused_by_the_shell() -> None:
    shell = connect(options=TLS_OFFERED, answers={pop3.StartTls: pop3.TRY_LATER})
    assert shell.say(b"STLS\r\n").startswith(b"-ERR [SYS/TEMP]")
    assert shell.say(b"CAPA\r\n").startswith(b"+OK ")


def test_stls_is_refused_where_it_is_not_offered_and_after_utf8() -> None:
    assert connect().say(b"STLS\r\n") == b"-ERR TLS is not available here\r\n"
    shell = connect(options=TLS_OFFERED)
    assert shell.say(b"UTF8\r\nSTLS\r\n").endswith(b"-ERR Too late for STLS after UTF8\r\n")


def test_tls_that_nobody_asked_for_is_our_own_fault() -> None:
    with pytest.raises(LocalFault):
        connect().machine.tls_started(UNDER_TLS)


# --- the end -----------------------------------------------------------------------------------------------


def test_quit_before_the_login_updates_nothing() -> None:
    shell = connect()
    assert shell.say(b"QUIT\r\n") == b"+OK Goodbye\r\n"
    assert shell.machine.over
    assert shell.kinds() == ["Connected"]


def test_nonsense_is_answered_a_few_times_only() -> None:
    shell = connect(options={"limits": pop3.Pop3Limits(faults_before_close=3)})
    sent = shell.say(b"GET / HTTP/1.1\r\nHost: x\r\nAccept: y\r\nUSER kitt\r\n").splitlines()
    assert sent == [b"-ERR Unknown command", b"-ERR Unknown command", b"-ERR Too many errors, goodbye"]
    assert shell.machine.over
    assert shell.kinds() == ["Connected", "Misbehaved", "Misbehaved", "Misbehaved"]


def test_commands_before_the_login_are_counted_and_those_after_it_are_not() -> None:
    shell = log_in(b"one\r\n")
    assert shell.say(b"NOOP\r\n" * 200).count(b"+OK") == 200
    stranger = connect()
    assert stranger.say(b"LANG en\r\n" * 200).count(b"+OK") == 100
    assert stranger.machine.ended_because == "too many commands before the login"


def test_an_endless_line_is_swallowed_in_constant_memory() -> None:
    shell = connect()
    for _ in range(100):
        assert shell.say(b"x" * 65536) == b""
    assert shell.say(b"\r\nQUIT\r\n") == b"-ERR Line too long\r\n+OK Goodbye\r\n"


def test_a_silent_peer_is_dropped_without_a_word() -> None:
    shell = log_in(b"one\r\n")
    shell.say(b"DELE 1\r\n")
    assert shell.machine.timeout_s >= 600
    shell.machine.timed_out()
    assert shell.run() == b""
    assert shell.machine.over
    assert "Update" not in shell.kinds()


def test_the_timer_may_not_be_shorter_than_ten_minutes() -> None:
    with pytest.raises(ValueError, match="600"):
        pop3.Pop3Limits(inactivity_s=599)


def test_the_line_may_not_be_shorter_than_255_octets() -> None:
    with pytest.raises(ValueError, match="255"):
        pop3.Pop3Limits(command_line=254)


def test_an_answer_that_does_not_fit_is_our_own_fault() -> None:
    machine = pop3.Pop3Server(pop3.Pop3Options(hostname="h"))
    with pytest.raises(LocalFault):
        machine.answer(pop3.Ok())
    assert machine.next_event() == pop3.Connected()
    assert machine.next_event() is PAUSED
    with pytest.raises(LocalFault):
        machine.answer(pop3.LoggedIn(()))
    for misuse in (lambda: machine.content(b"x"), machine.end_content):
        with pytest.raises(LocalFault):
            misuse()
