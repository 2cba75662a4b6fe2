"""The TRANSACTION and UPDATE states."""

import pytest
from pop3_shell import connect, log_in

from postel.proto import pop3

ONE = b"Subject: one\r\n\r\nfirst\r\n.second\r\nthird\r\n"
TWO = b"Subject: two\r\n\r\n"


def test_stat_counts_messages_and_octets() -> None:
    assert log_in(ONE, TWO).say(b"STAT\r\n") == b"+OK 2 %d\r\n" % len(ONE + TWO)


def test_list_and_uidl_show_all_or_one() -> None:
    shell = log_in(ONE, TWO)
    listed = shell.say(b"LIST\r\n").split(b"\r\n")
    assert listed[0].startswith(b"+OK ")
    assert listed[1:] == [b"1 %d" % len(ONE), b"2 %d" % len(TWO), b".", b""]
    assert shell.say(b"UIDL\r\n").split(b"\r\n")[1:] == [b"1 7-1", b"2 7-2", b".", b""]
    assert shell.say(b"LIST 2\r\n") == b"+OK 2 %d\r\n" % len(TWO)
    assert shell.say(b"UIDL 2\r\n") == b"+OK 2 7-2\r\n"


def test_an_empty_maildrop_lists_nothing_but_the_dot() -> None:
    assert log_in().say(b"LIST\r\nUIDL\r\n").split(b"\r\n")[1::2] == [b".", b"."]


def test_retr_sends_the_message_byte_stuffed() -> None:
    sent = log_in(ONE).say(b"RETR 1\r\n")
    head, _, content = sent.partition(b"\r\n")
    assert head == b"+OK %d octets" % len(ONE)
    assert content == ONE.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def test_a_message_without_a_last_line_end_gets_one() -> None:
    assert log_in(b"no end").say(b"RETR 1\r\n").endswith(b"\r\nno end\r\n.\r\n")


@pytest.mark.parametrize(
    ("lines", "content"),
    [
        (0, b"Subject: one\r\n\r\n"),
        (1, b"Subject: one\r\n\r\nfirst\r\n"),
        (2, b"Subject: one\r\n\r\nfirst\r\n..second\r\n"),
        (99, ONE.replace(b"\r\n.", b"\r\n..")),
    ],
)
def test_top_sends_the_header_and_some_lines(lines: int, content: bytes) -> None:
    sent = log_in(ONE).say(b"TOP 1 %d\r\n" % lines)
    assert sent == b"+OK Top of message follows\r\n" + content + b".\r\n"


def test_top_stops_asking_for_content_when_it_has_its_lines() -> None:
    shell = log_in(b"A: b\r\n\r\n" + b"line\r\n" * 10_000)
    shell.answers[pop3.Retrieve] = pop3.Ok()
    shell.machine.receive(b"TOP 1 1\r\n")
    shell.machine.next_event()
    shell.machine.answer(pop3.Ok())
    shell.machine.content(b"A: b\r\n\r\nline\r\n")
    assert not shell.machine.wants_content
    shell.machine.end_content()


@pytest.mark.parametrize(
    "command", [b"RETR 3", b"LIST 3", b"UIDL 3", b"DELE 3", b"TOP 3 0", b"RETR 0", b"LIST 0"]
)
def test_a_number_out_of_range_is_no_such_message(command: bytes) -> None:
    assert log_in(ONE, TWO).say(command + b"\r\n") == b"-ERR No such message\r\n"


@pytest.mark.parametrize(
    "command",
    [b"RETR", b"RETR x", b"RETR -1", b"RETR 1 2", b"TOP 1", b"TOP 1 x", b"TOP 1 -1", b"DELE", b"STAT 1", b"LIST 1 2",
     b"NOOP 1", b"RSET 1", b"QUIT 1", b"RETR  1", b"UIDL 99999999999", b"RETR \xc2\xb2", b"TOP 1 \xd9\xa1"],
)  # fmt: skip
def test_arguments_that_do_not_fit_are_refused(command: bytes) -> None:
    assert log_in(ONE).say(command + b"\r\n") == b"-ERR Arguments do not fit the command\r\n"


def test_blanks_at_the_end_of_a_line_are_forgiven() -> None:
    assert log_in(ONE).say(b"STAT \r\nLIST 1  \r\n") == b"+OK 1 %d\r\n+OK 1 %d\r\n" % (len(ONE), len(ONE))


def test_a_bare_line_feed_ends_a_command_too() -> None:
    assert log_in(ONE).say(b"NOOP\nNOOP\n") == b"+OK Done\r\n+OK Done\r\n"


def test_a_deleted_message_is_gone_from_every_command() -> None:
    shell = log_in(ONE, TWO)
    assert shell.say(b"DELE 1\r\n") == b"+OK Message deleted\r\n"
    assert shell.say(b"STAT\r\n") == b"+OK 1 %d\r\n" % len(TWO)
    assert shell.say(b"LIST\r\n").split(b"\r\n")[1:3] == [b"2 %d" % len(TWO), b"."]
    for command in (b"RETR 1", b"TOP 1 0", b"LIST 1", b"UIDL 1", b"DELE 1"):
        assert shell.say(command + b"\r\n") == b"-ERR Message is deleted already\r\n"


def test_rset_brings_back_what_was_deleted() -> None:
    shell = log_in(ONE, TWO)
    shell.say(b"DELE 1\r\nDELE 2\r\n")
    assert shell.say(b"RSET\r\n") == b"+OK 2 messages (%d octets)\r\n" % len(ONE + TWO)
    shell.say(b"QUIT\r\n")
    assert shell.events[-1] == pop3.Update(())


def test_quit_removes_what_was_deleted() -> None:
    shell = log_in(ONE, TWO)
    assert shell.say(b"DELE 2\r\nQUIT\r\n") == b"+OK Message deleted\r\n+OK Goodbye\r\n"
    assert shell.events[-1] == pop3.Update((2,))
    assert shell.machine.over
    assert shell.machine.ended_because == "quit"


def test_quit_says_so_when_removing_failed() -> None:
    shell = log_in(ONE, answers={pop3.Update: pop3.NOT_REMOVED})
    assert shell.say(b"DELE 1\r\nQUIT\r\n").endswith(b"-ERR [SYS/TEMP] Deleted messages were not removed\r\n")
    assert shell.machine.over


def test_a_dropped_connection_removes_nothing() -> None:
    shell = log_in(ONE)
    shell.say(b"DELE 1\r\nQUI")
    shell.say(b"")
    assert shell.machine.over
    assert shell.machine.ended_because == "connection closed"
    assert "Update" not in shell.kinds()


def test_commands_that_came_before_the_close_are_done() -> None:
    shell = log_in(ONE)
    shell.machine.receive(b"DELE 1\r\nQUIT\r\n")
    shell.say(b"")
    assert shell.events[-1] == pop3.Update((1,))


def test_a_shutdown_removes_nothing() -> None:
    shell = log_in(ONE)
    shell.say(b"DELE 1\r\n")
    shell.machine.shut_down()
    assert shell.say(b"QUIT\r\n") == b""
    assert shell.machine.over


def test_a_pipelined_group_is_answered_in_order_in_one_piece() -> None:
    shell = log_in(ONE, TWO)
    sent = shell.say(b"STAT\r\nRETR 2\r\nDELE 1\r\nNOOP\r\nQUIT\r\n")
    assert sent == (
        b"+OK 2 %d\r\n+OK %d octets\r\n%b.\r\n+OK Message deleted\r\n+OK Done\r\n+OK Goodbye\r\n"
        % (len(ONE + TWO), len(TWO), TWO)
    )


def test_content_that_breaks_off_never_looks_whole() -> None:
    shell = log_in(ONE)
    shell.machine.receive(b"RETR 1\r\nNOOP\r\n")
    shell.machine.next_event()
    shell.machine.answer(pop3.Ok())
    shell.machine.content(b"Subject: one\r\n")
    shell.machine.abandon()
    assert shell.machine.over
    assert shell.machine.data_to_send().endswith(b"octets\r\nSubject: one\r\n")


def test_content_that_cannot_be_read_is_an_error() -> None:
    shell = log_in(ONE, answers={pop3.Retrieve: pop3.TRY_LATER})
    assert shell.say(b"RETR 1\r\nNOOP\r\n").startswith(b"-ERR [SYS/TEMP]")


def test_a_flood_of_listings_is_never_held_in_memory() -> None:
    shell = log_in(*[b"x\r\n"] * 5000)
    machine = shell.machine
    machine.receive(b"UIDL\r\n" * 100)
    most = sent = 0
    while isinstance(machine.next_event(), pop3.Flush | pop3.Answered):
        due = len(machine.data_to_send())
        most, sent = max(most, due), sent + due
    assert sent > 4_000_000
    assert most < 100_000


# --- capabilities, languages, UTF-8 ------------------------------------------------------------------------


def test_capa_before_the_login() -> None:
    shell = connect(options={"offers_stls": True, "login_delay_s": 30})
    assert shell.say(b"CAPA\r\n").split(b"\r\n")[1:] == [
        b"TOP", b"UIDL", b"USER", b"SASL PLAIN", b"STLS", b"PIPELINING", b"RESP-CODES", b"AUTH-RESP-CODE",
        b"EXPIRE NEVER", b"LOGIN-DELAY 30", b"UTF8 USER", b"LANG", b"IMPLEMENTATION Postel", b".", b"",
    ]  # fmt: skip


def test_whatever_is_announced_before_the_login_is_announced_after_it_but_for_stls() -> None:
    shell = connect(options={"offers_stls": True, "expire_days": 30})
    before = shell.say(b"CAPA\r\n").split(b"\r\n")
    assert b"EXPIRE 30" in before
    shell.say(b"USER kitt\r\nPASS sesame\r\n")
    assert shell.say(b"CAPA\r\n").split(b"\r\n") == [line for line in before if line != b"STLS"]


def test_every_command_with_a_capability_of_its_name_is_in_the_table() -> None:
    tags = {capability.tag for capability in pop3.CAPABILITIES}
    assert {"TOP", "UIDL", "USER", "STLS", "UTF8", "LANG"} <= tags & set(pop3.COMMANDS)


def test_languages_are_listed_and_chosen() -> None:
    shell = connect()
    listing = shell.say(b"LANG\r\n").split(b"\r\n")
    assert listing[1:] == [b"en English", b"de Deutsch", b".", b""]
    assert shell.say(b"LANG de-AT\r\n") == b"+OK de Sprache gewechselt\r\n"
    assert shell.say(b"BLAH\r\n") == b"-ERR Unbekanntes Kommando\r\n"
    assert shell.say(b"LANG tlh\r\n") == b"-ERR Sprache nicht verf\xc3\xbcgbar\r\n"
    assert shell.say(b"LANG *\r\n") == b"+OK en Language changed\r\n"


def test_the_language_stays_after_the_login() -> None:
    shell = connect(b"x\r\n")
    shell.say(b"LANG de\r\nUSER kitt\r\nPASS sesame\r\n")
    assert shell.say(b"DELE 1\r\n") == b"+OK Nachricht gel\xc3\xb6scht\r\n"


def test_a_message_that_needs_utf8_goes_out_in_utf8_mode_only() -> None:
    utf8 = "Subject: Grüße\r\n\r\n".encode()
    refused = log_in(utf8, needs_utf8=frozenset({1}))
    for command in (b"RETR 1\r\n", b"TOP 1 0\r\n"):
        assert refused.say(command).startswith(b"-ERR [UTF8] ")
    assert refused.say(b"LIST 1\r\nUIDL 1\r\nDELE 1\r\n").count(b"+OK") == 3
    shell = connect(utf8, needs_utf8=frozenset({1}))
    assert shell.say(b"UTF8\r\n") == b"+OK UTF-8 from now on\r\n"
    shell.say(b"USER kitt\r\nPASS sesame\r\n")
    assert utf8 in shell.say(b"RETR 1\r\n")


def test_every_command_that_the_machine_answers_itself_shows_that_the_peer_is_awake() -> None:
    machine = log_in(ONE).machine
    machine.receive(b"NOOP\r\nSTAT\r\nnonsense\r\n")
    seen = [machine.next_event() for _ in range(3)]
    assert seen[:2] == [pop3.Answered(pop3.Verb.NOOP), pop3.Answered(pop3.Verb.STAT)]
    assert isinstance(seen[2], pop3.Misbehaved)
