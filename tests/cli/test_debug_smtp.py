"""`postel debug smtp`: what it says of good servers and of bad ones, and that it never sends unless told."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from smtp_servers import CLOSE, Served, machine, scripted

from postel.cli import main
from postel.cli.debug.happenings import ContentSaid, Said
from postel.cli.debug.record import Record
from postel.cli.debug.screen import Screen
from postel.proto.smtp import ServerOptions
from postel.testing.transcript import SmtpRole, WholeLines, parse_transcript

GREETING = b"220 mx.example.org ESMTP\r\n"
GOOD = {
    "EHLO": b"250-mx.example.org\r\n250-SIZE 1000\r\n250 8BITMIME\r\n",
    "LHLO": b"250 mx.example.org\r\n",
    "MAIL": b"250 ok\r\n",
    "RCPT": b"250 ok\r\n",
    "DATA": b"354 go on\r\n",
    ".": b"250 taken\r\n",
    "RSET": b"250 ok\r\n",
    "NOOP": b"250 ok\r\n",
    "QUIT": b"221 mx.example.org bye\r\n",
}
LETTER = ("--from", "ann@example.net", "--to", "bob@example.org")


def debug(server: Served | int, *arguments: str, stdin: str = "", status: int = 0) -> str:
    port = server if isinstance(server, int) else server.port
    result: Result = CliRunner().invoke(main, ["debug", "smtp", f"127.0.0.1:{port}", *arguments], input=stdin)
    assert result.exit_code == status, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.output


def complaints(said: str) -> list[str]:
    return [line.strip()[2:] for line in said.splitlines() if line.startswith("            ! ")]


# What it says and what it does not


def test_a_plain_run_says_hello_and_goodbye_and_explains_both() -> None:
    with scripted(GREETING, GOOD) as server:
        said = debug(server)
    assert server.lines == ["EHLO [127.0.0.1]", "QUIT"]
    assert "S 220 mx.example.org ESMTP" in said
    assert "(RFC 5321 4.1.1.1)" in said
    assert "the largest message it takes, in octets  (RFC 1870)" in said
    assert complaints(said) == []
    assert "\x1b" not in said, "colours are for terminals"


def test_nothing_is_sent_without_a_body() -> None:
    with scripted(GREETING, GOOD) as server:
        said = debug(server, *LETTER)
    assert server.lines[1:] == ["MAIL FROM:<ann@example.net>", "RCPT TO:<bob@example.org>", "RSET", "QUIT"]
    assert "nothing is sent" in said


def test_a_body_is_sent_with_a_header_and_its_dots_stuffed() -> None:
    with scripted(GREETING, GOOD) as server:
        debug(server, *LETTER, "--body", "Grüße\n.\nend", "--helo", "me.example", "--rcpt", "NOTIFY=NEVER")
    assert server.lines[0] == "EHLO me.example"
    assert server.lines[1].startswith("MAIL FROM:<ann@example.net> SIZE=")
    assert server.lines[1].endswith(" BODY=8BITMIME")
    assert server.lines[2] == "RCPT TO:<bob@example.org> NOTIFY=NEVER"
    assert server.lines[4:6] == ["From: <ann@example.net>", "To: <bob@example.org>"]
    assert server.lines[-4:] == ["Grüße".encode().decode("latin-1"), "..", "end", "QUIT"]


@pytest.mark.parametrize("how", ["file", "stdin"])
def test_a_whole_message_is_sent_as_it_is(how: str, tmp_path: Path) -> None:
    text = "Subject: x\n\nhello\n"
    (tmp_path / "letter").write_text(text)
    body, stdin = (f"@{tmp_path}/letter", "") if how == "file" else ("-", text)
    with scripted(GREETING, GOOD) as server:
        debug(server, *LETTER, "--body", body, stdin=stdin)
    assert server.lines[4:] == ["Subject: x", "", "hello", "QUIT"]


def test_nothing_is_sent_when_every_recipient_is_refused() -> None:
    with scripted(GREETING, {**GOOD, "RCPT": b"550 no\r\n"}) as server:
        said = debug(server, *LETTER, "--body", "hello", status=1)
    assert "DATA" not in server.lines
    assert "there is nobody to send it to" in said


def test_lmtp_is_answered_for_each_recipient() -> None:
    with scripted(GREETING, {**GOOD, ".": b"250 one\r\n452 4.2.2 two\r\n"}) as server:
        said = debug(server, "--lmtp", *LETTER, "--to", "carol@example.org", "--body", "hello", status=1)
    assert server.lines[0] == "LHLO [127.0.0.1]"
    assert "S 250 one" in said
    assert "4.2.2: not now: Mailbox full  (RFC 3463)" in said


def test_helo_is_said_where_ehlo_is_unknown() -> None:
    with scripted(GREETING, {"HELO": b"250 mx.example.org\r\n", "QUIT": GOOD["QUIT"]}) as server:
        said = debug(server, status=0)
    assert server.lines == ["EHLO [127.0.0.1]", "HELO [127.0.0.1]", "QUIT"]
    assert complaints(said) == ["EHLO is a command that every server must know (RFC 5321 4.5.1)"]


def test_a_server_that_turns_us_away_hears_quit() -> None:
    with scripted(b"554 no service here\r\n", GOOD) as server:
        debug(server, status=1)
    assert server.lines == ["QUIT"]


def test_tls_that_must_be_and_is_not_offered_ends_the_session() -> None:
    with scripted(GREETING, GOOD) as server:
        said = debug(server, "--tls", "must", *LETTER, "--body", "hello", status=1)
    assert server.lines == ["EHLO [127.0.0.1]", "QUIT"]
    assert "STARTTLS is not offered: so nothing is sent" in said


def test_more_lines_can_be_said() -> None:
    with scripted(GREETING, {**GOOD, "FOO": b"500 what?\r\n"}) as server:
        debug(server, "--say", "NOOP", "--say", "FOO bar", status=1)
    assert server.lines == ["EHLO [127.0.0.1]", "NOOP", "FOO bar", "QUIT"]


def test_nobody_there_is_said_in_a_sentence(unused_port: int) -> None:
    assert "nobody answers there" in debug(unused_port, status=1)


@pytest.fixture
def unused_port() -> int:
    with scripted(GREETING, GOOD) as server:
        return server.port


@pytest.mark.parametrize("place", ["", ":25", "host:port", "host:0", "host:99999"])
def test_a_place_that_is_none_is_wrong_usage(place: str) -> None:
    result = CliRunner().invoke(main, ["debug", "smtp", place])
    assert result.exit_code == 2
    assert "is no HOST[:PORT]" in result.output


def test_a_recipient_without_a_reverse_path_is_wrong_usage() -> None:
    assert "a transaction needs --from" in debug(1, "--to", "bob@example.org", status=2)


def test_programs_get_json() -> None:
    with scripted(GREETING, GOOD) as server:
        steps = json.loads(debug(server, "--json"))
    assert [step["what"] for step in steps] == ["server", "client", "server", "client", "server", "closed"]
    assert steps[2]["lines"][1] == "250-SIZE 1000"
    assert steps[2]["took_s"] >= 0


# Faults of servers


FAULTS = {
    "a bare LF": ({}, b"220 mx.example.org ESMTP\n", "a line that ends in a bare LF (RFC 5321 2.3.8)"),
    "a wrong code": ({"MAIL": b"220 ok\r\n"}, GREETING, "220 is no answer to MAIL; 250 is (RFC 5321 4.3.2)"),
    "a contradiction": (
        {"MAIL": b"250 5.1.1 ok\r\n"},
        GREETING,
        "the status 5.1.1 contradicts the code 250 (RFC 2034 4)",
    ),
    "an unknown status": (
        {"MAIL": b"250 2.9.9 ok\r\n"},
        GREETING,
        "the status 2.9.9 is not registered (RFC 5248 2)",
    ),
    "too long a line": (
        {"MAIL": b"250 " + b"x" * 600 + b"\r\n"},
        GREETING,
        "a line of 606 octets; 512 is the limit (RFC 5321 4.5.3.1.5)",
    ),
    "a code that changes": (
        {"MAIL": b"250-ok\r\n550 ok\r\n"},
        GREETING,
        "a reply that changes its code midway (RFC 5321 4.2.1)",
    ),
    "an early close": ({"MAIL": CLOSE}, GREETING, "closed without a reply to MAIL (RFC 5321 3.8)"),
    "no code": (
        {"MAIL": b"fine\r\n"},
        GREETING,
        "a line that is no reply: it begins with no code, or with one and no blank (RFC 5321 4.2.1)",
    ),
    "a keyword twice": (
        {"EHLO": b"250-mx.example.org\r\n250-DSN\r\n250 DSN\r\n"},
        GREETING,
        "DSN is offered 2 times (RFC 5321 4.1.1.1)",
    ),
    "a keyword alone": (
        {"EHLO": b"250-mx.example.org\r\n250 SMTPUTF8\r\n"},
        GREETING,
        "SMTPUTF8 is offered without 8BITMIME (RFC 6531 3.1)",
    ),
    "words to nobody": (
        {"EHLO": GOOD["EHLO"] + b"250 and more\r\n"},
        GREETING,
        "a reply to nothing that was said (RFC 5321 4.2)",
    ),
    "an endless reply": (
        {"MAIL": b"250-" + b"x" * 500 + b"\r\n" + (b"250-" + b"x" * 500 + b"\r\n") * 200},
        GREETING,
        "a reply of more than 65536 octets (RFC 5321 4.5.3.1.5)",
    ),
    "no name": (
        {},
        b"220 *** there\r\n",
        "the text does not begin with the server's domain name or address (RFC 5321 4.2)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_server_is_named_with_its_clause(fault: str) -> None:
    replies, greeting, complaint = FAULTS[fault]
    with scripted(greeting, {**GOOD, **replies}) as server:
        result = CliRunner().invoke(main, ["debug", "smtp", f"127.0.0.1:{server.port}", *LETTER])
    assert complaint in complaints(result.output), result.output
    assert "Traceback" not in result.output


def test_what_a_server_says_cannot_steer_the_terminal() -> None:
    with scripted(b"220 mx.example.org \x1b[2J\x07\r\n", GOOD) as server:
        said = debug(server)
    assert "\x1b" not in said
    assert "\x07" not in said


def test_a_silent_server_is_left() -> None:
    with scripted(GREETING, {**GOOD, "MAIL": b"250-wait\r\n"}) as server:
        said = debug(server, *LETTER, "--timeout", "0.3", status=1)
    assert "no reply to MAIL within 0.3 s (RFC 5321 4.5.3.2)" in complaints(said)


# By hand


def test_what_is_typed_is_said() -> None:
    typed = "ehlo me\nMAIL FROM:<a@b.example>\nRCPT TO:<c@d.example>\nDATA\nhello\n..\n.\n\n/help\nQUIT\n"
    with scripted(GREETING, GOOD) as server:
        said = debug(server, "-i", stdin=typed)
    assert server.lines == [
        "ehlo me", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA", "hello", "..", "QUIT",
    ]  # fmt: skip
    assert "/login USER" in said


def test_the_end_of_the_input_hangs_up() -> None:
    with scripted(GREETING, GOOD) as server:
        said = debug(server, "-i", stdin="NOOP\n")
    assert "closed by the client" in said


# Our own machine: good in every word, and the record plays


OPTIONS = ServerOptions(hostname="mx.example.org", mechanisms=("PLAIN", "LOGIN"))


def test_our_own_machine_does_nothing_wrong() -> None:
    with machine(OPTIONS) as server:
        said = debug(
            server, *LETTER, "--body", "hello", "--say", "VRFY bob", "--say", "EXPN x", "--say", "HELP",
            "--login", "ann", "--password-stdin", stdin="sesame\n",
        )  # fmt: skip
    assert complaints(said) == []


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_no_secret_is_shown_or_recorded(mechanism: str, tmp_path: Path) -> None:
    with machine(OPTIONS) as server:
        said = debug(
            server, "--login", "ann", "--password-stdin", "--mechanism", mechanism,
            "--record", str(tmp_path / "record"), stdin="open sesame\n",
        )  # fmt: skip
        typed = base64.b64encode(b"\0ann\0open sesame").decode()
        said += debug(
            server, "-i", "--record", str(tmp_path / "typed"), stdin=f"EHLO x\nAUTH PLAIN {typed}\nQUIT\n"
        )
    for text in (said, (tmp_path / "record").read_text(), (tmp_path / "typed").read_text()):
        for secret in (b"open sesame", b"\0ann\0open sesame"):
            assert secret.decode() not in text
            assert base64.b64encode(secret).decode() not in text


def test_a_record_is_a_transcript_that_plays(tmp_path: Path) -> None:
    path = tmp_path / "record.txt"
    with machine(ServerOptions(hostname="mx.example.org")) as server:
        debug(
            server,
            *LETTER,
            "--body",
            "Grüße  # no comment\n.\n {x*3}\n",
            "--record",
            str(path),
            "--say",
            "HELP",
        )
    transcript = parse_transcript("record", path.read_text())
    WholeLines().play(transcript, SmtpRole)
    assert "C .." in path.read_text()


def test_a_record_of_odd_octets_says_them_exactly() -> None:
    record = Record("odd")
    record(Said("NOOP x", "NOOP  #x ", "", ""))
    record(ContentSaid(b"a\x00\xff {y*3} \\\r\nlast  # thing", True))
    steps = parse_transcript("odd", record.text).steps
    assert [step.data for step in steps] == [b"NOOP  #x \r\n", b"a\x00\xff {y*3} \\\r\nlast  # thing"]  # type: ignore[union-attr]


def test_colours_are_for_terminals_that_want_them(capsys: pytest.CaptureFixture[str]) -> None:
    for has_colours in (True, False):
        Screen(has_colours=has_colours)(Said("NOOP", "NOOP", "are you there?", "5321 4.1.1.9"))
        assert ("\x1b[" in capsys.readouterr().out) is has_colours
