from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.config import BadConfig, Loaded, check_config, load, parse

GOOD = """\
hostname = "mail.drag.net"
data = "var"

[[listen]]
protocol = "smtp"
address = "127.0.0.2:25"

[[domain]]
name = "drag.net"
aliases = { "sales" = ["frito@drag.net", "kitt@free.org"], "*" = "frito@drag.net" }

[relay]
networks = ["127.0.0.0/8"]
domains = ["free.org"]

[route]
"example.com" = "smtp:[127.0.0.9]:2525"
"*" = { to = "smtp:smarthost.example.net:587", user = "u", password = "p", tls = "verified" }
"""


def read(text: str, directory: Path = Path("/nowhere"), **environment: str) -> Loaded:
    return parse(text, file="postel.toml", directory=directory, environment=environment)


def mistakes(text: str, **environment: str) -> list[str]:
    try:
        loaded = read(text, **environment)
    except BadConfig as bad:
        return [str(mistake) for mistake in bad.mistakes]
    return [str(mistake) for mistake in check_config(loaded).mistakes]


def warnings(text: str) -> list[str]:
    return [str(warning) for warning in check_config(read(text)).warnings]


def test_a_good_file_has_no_mistakes() -> None:
    assert mistakes(GOOD) == []
    assert read(GOOD).config.domain[0].aliases["*"] == "frito@drag.net"


def test_a_key_is_found_at_its_line() -> None:
    loaded = read(GOOD)
    assert loaded.source("listen", 0, "address") == "postel.toml:6"
    assert loaded.source("domain", 0, "aliases", "*") == "postel.toml:10"
    assert loaded.source("relay", "domains", 0) == "postel.toml:14"
    assert loaded.source("queue", "warn") == "default"


def test_text_that_is_not_toml_names_the_line() -> None:
    assert mistakes("hostname = mail\n")[0].startswith("postel.toml:1: not TOML: ")


def test_every_mistake_is_said_at_once_with_its_line() -> None:
    found = mistakes(
        'hostnam = "x"\n'
        "[[listen]]\n"
        'protocol = "smpt"\n'
        'address = "nonsense"\n'
        "[limits]\n"
        'recipients = "many"\n'
        'message_size = "50 elephants"\n'
    )
    assert [text.split(": ")[0] for text in found] == [f"postel.toml:{line}" for line in (1, 3, 4, 6, 7)]
    assert 'did you mean "hostname"?' in found[0]
    assert "'smpt'" in found[1]
    assert 'say "smtp" or "submission"' in found[1]
    assert "50 MB" in found[4]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "hostname is missing"),
        (GOOD.replace('"verified"', '"sometimes"'), 'say "none" or "may" or "must" or "verified"'),
        ('hostname = "mail"', "hostname has no dot"),
        ('hostname = "a..b"', "labels of letters"),
        ('hostname = "a.b"\n', "there is no [[listen]]"),
        ('hostname = "a.b"\n[[listen]]\n', "address is missing"),
        (GOOD + '[[listen]]\naddress = "127.0.0.2:25"\n', "is taken by the [[listen]] of line 4"),
        (GOOD.replace('"free.org"', '"drag.net"'), "it can only be one of the two"),
        (GOOD.replace('"kitt@free.org"', '"kitt@@free.org"'), "a local part is"),
        (GOOD + '[[domain]]\nname = "DRAG.net"\n', "stands in line 8 already"),
        (GOOD + "[[domain]]\n", "name is missing"),
        (GOOD.replace('user = "u", ', ""), "user and password belong together"),
        (
            GOOD.replace('user = "u", ', 'user = "u", certificate = "c.pem", '),
            "certificate and key belong together",
        ),
        (GOOD + '[tls]\ncertificate = "none.pem"\n', "give both or neither"),
        (GOOD + '[queue]\nwarn = "6d"\n', "warn is not before expire"),
        (GOOD + '[queue]\nretry = ["0s"]\n', "without pause"),
        (GOOD + '[queue]\nretry = ["5m", "1m"]\n', "the waits get shorter"),
        (GOOD + "[queue]\nretry = []\n", "queue.retry"),
        (GOOD + '[hooks]\nfiles = ["no.py"]\n', "there is no file /nowhere/no.py"),
        (GOOD + "[limits]\nrecipients = 1\n", "limits.recipients: say a number of at least 100"),
        (GOOD + "[limits]\nrecipients = true\n", "limits.recipients: say a number"),
        (GOOD + "[login]\nmechanisms = []\n", "login.mechanisms: say a list: [...] with at least 1 in it"),
        (GOOD + "postmaster = 1\n", "route: say text in quotes or a table: { ... }"),
        ("domain = 'x.org'", "domain: say a list: [...]"),
        ("hostname = 5", "hostname: say text in quotes"),
        (
            'hostname = "a.b"\nhostname = "a.c"\n',
            "postel.toml:2: not TOML: cannot overwrite a value; the name is",
        ),
        (GOOD + "[relay]\n", "the table is there twice; join the two"),
        (GOOD + "[limits\n", "a table's name stands in brackets"),
        (GOOD.replace('"p"', "'${SECRET}'"), "the environment has no SECRET"),
        (GOOD.replace('"p"', "{ file = 'none' }"), "the file none cannot be read"),
        (GOOD.replace("smtp:[127.0.0.9]:2525", "uucp:x"), "route.example.com"),
    ],
)
def test_a_mistake_says_what_to_do(text: str, complaint: str) -> None:
    assert any(complaint in mistake for mistake in mistakes(text)), mistakes(text)


def test_a_bad_item_of_a_list_is_one_mistake() -> None:
    found = mistakes(GOOD + '[login]\nmechanisms = ["PLAINN"]\n')
    assert len(found) == 1 and "invalid enum value 'PLAINN'; say" in found[0]


def test_values_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    text = GOOD.replace('"p"', "{ file = 'secret' }").replace('"u"', '"${NAME}-x"')
    route = read(text, tmp_path, NAME="me").config.route["*"]
    assert not isinstance(route, str)
    assert (route.user, route.password) == ("me-x", "hush")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            GOOD.replace('"*" = "frito@drag.net"', '"*" = "x@elsewhere.example"'),
            "forwarded to x@elsewhere.example",
        ),
        (GOOD + '[login]\nplaintext = ["10.0.0.0/8"]\n', "cross the wire readable"),
        (GOOD.replace('"verified"', '"must"'), "the password goes out"),
        (GOOD + '[queue]\nexpire = "1d"\n', "before four days"),
        (GOOD + "[limits]\nimap_messages = 10\n", "RFC 9738 wants 1000 at the least"),
    ],
)
def test_what_is_dangerous_is_warned_of(text: str, complaint: str) -> None:
    assert any(complaint in warning for warning in warnings(text)), warnings(text)


def test_a_good_file_has_no_warnings() -> None:
    assert warnings(GOOD) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = " + "[" * 5000, "so deeply"),
        ("a." * 2000 + "b = 1", ""),
        ("x = " + "9" * 5000, "more digits"),
        ('data = { file = "\\u0000" }', "cannot be read"),
        ('data = "a\\u0000b"', "NUL"),
        ('[delivery]\nsource = ["here"]', "an address of this machine"),
        ('[limits]\nmessage_size = "' + "9" * 400 + '"', "1 PiB"),
        ('[queue]\nexpire = "' + "9" * 400 + 'd"', "ten years"),
        ('[route]\n"x.example" = { to = "discard", tls = "must" }', "only a route to"),
        ('[route]\n"x.example" = { to = "mailbox", user = "a", password = "b" }', "only a route to"),
    ],
)
def test_what_no_server_could_work_with_is_a_mistake_in_words(text: str, words: str) -> None:
    found = mistakes(f'hostname = "mx.example.org"\n{text}\n')
    assert any(words in mistake for mistake in found), found


@given(st.text(st.sampled_from("abx01=.\"'[]{},#\\\n \0é$`"), max_size=60))
def test_any_text_is_a_configuration_or_bad(text: str) -> None:
    assert all(mistakes(text)) and all(mistakes(GOOD + text))


def test_a_byte_order_mark_in_front_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "postel.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load(path, {}).config.hostname == "mail.drag.net"


def test_text_that_is_not_utf8_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "postel.toml"
    path.write_bytes(GOOD.encode() + b"# caf\xe9\n")
    with pytest.raises(BadConfig, match=f"postel.toml:{GOOD.count(chr(10)) + 1}: not UTF-8 text; save"):
        load(path, {})
