import pytest

from postel.cli.sendmail_options import BadUsage, Mode, parse_sendmail


def test_the_way_php_and_cron_call_it() -> None:
    options = parse_sendmail(["-t", "-i", "-fann@example.org"])
    assert options.from_header
    assert not options.dot_ends
    assert options.reverse_path == "ann@example.org"
    assert parse_sendmail(["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"]).recipients == ["root"]


def test_values_may_be_glued_on_or_follow() -> None:
    assert parse_sendmail(["-f", "a@b.c", "-F", "Ann B", "x@y.z"]).full_name == "Ann B"
    assert parse_sendmail(["-f", "", "x@y.z"]).reverse_path == ""


def test_flags_may_be_joined() -> None:
    options = parse_sendmail(["-tiv"])
    assert (options.from_header, options.dot_ends, options.is_verbose) == (True, False, True)


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("-bs", Mode.SMTP),
        ("-bp", Mode.LIST_QUEUE),
        ("-q", Mode.FLUSH_QUEUE),
        ("-q15m", Mode.FLUSH_QUEUE),
        ("-bi", Mode.REBUILD_ALIASES),
    ],
)
def test_modes_of_other_programs_names(word: str, mode: Mode) -> None:
    assert parse_sendmail([word]).mode is mode


def test_after_two_hyphens_all_is_recipients() -> None:
    # An address that begins with a hyphen must never become an option.
    assert parse_sendmail(["-i", "--", "-bs@example.org"]).recipients == ["-bs@example.org"]


@pytest.mark.parametrize("words", [["-bd"], ["-z"], ["-f"], ["-tz"], ["-b"]])
def test_nonsense_is_refused(words: list[str]) -> None:
    with pytest.raises(BadUsage):
        parse_sendmail(words)


def test_dsn_wishes_are_taken() -> None:
    options = parse_sendmail(["-N", "failure,delay", "-R", "hdrs", "-V", "id1", "a@b.c"])
    assert (options.notify, options.ret, options.envelope_id) == ("failure,delay", "hdrs", "id1")
