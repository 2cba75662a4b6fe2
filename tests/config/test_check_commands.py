"""What is said of [pull] and [commands] before anything runs."""

from pathlib import Path

import pytest

from postel.config import BadConfig, check_config, parse

BASE = """
hostname = "mx.example.net"
[[listen]]
protocol = "odmr"
address = "127.0.0.1:366"
[[domain]]
name = "example.net"
"""


def found(more: str) -> tuple[list[str], list[str]]:
    loaded = parse(BASE + more, file="postel.toml", directory=Path("/nowhere"), environment={})
    findings = check_config(loaded)
    return [item.text for item in findings.mistakes], [item.text for item in findings.warnings]


def test_a_keeper_with_everything_named_is_without_fault() -> None:
    more = """
    [relay]
    domains = ["office.example", ".office.example"]
    [route]
    "office.example" = "pull"
    ".office.example" = "pull"
    [pull]
    "office@example.net" = ["office.example", ".office.example"]
    [commands]
    verify = ["login", "192.0.2.0/24"]
    [commands.queues]
    nightly = ["office.example"]
    """
    assert found(more) == ([], [])


def test_mail_that_nobody_may_fetch_is_warned_about() -> None:
    mistakes, warnings = found('[route]\n"office.example" = "pull"\n')
    assert mistakes == []
    assert any("nobody may fetch" in text for text in warnings)
    assert any("strangers cannot send" in text for text in warnings)


@pytest.mark.parametrize(
    ("more", "because"),
    [
        ('[pull]\n"office" = ["office.example"]\n', '"office"'),
        ('[pull]\n"office@example.net" = []\n', "fetches nothing"),
        ('[commands.queues]\n"two words" = ["office.example"]\n', "without blanks"),
        ('[route]\n"office.example" = { to = "pull", user = "a", password = "b" }\n', "only a route to"),
    ],
)
def test_nonsense_is_a_mistake(more: str, because: str) -> None:
    mistakes, _ = found(more)
    assert any(because in text for text in mistakes), mistakes


@pytest.mark.parametrize(
    "more",
    [
        '[commands]\nverify = ["logged-in"]\n',
        '[commands]\netrn = ["192.0.2.1/8"]\n',
        '[pull]\n"a@b.example" = ["*"]\n',
    ],
)
def test_what_cannot_be_read_is_refused(more: str) -> None:
    with pytest.raises(BadConfig):
        found(more)


def test_what_one_process_must_do_is_not_for_several() -> None:
    turning = "[commands]\nturn = true\n"
    assert found(turning)[0] == []
    mistakes, _ = found_at_top("workers = 2\n", turning)
    assert "TURN wants the one process" in mistakes[0]


def test_more_workers_than_processors_are_warned_about() -> None:
    _, warnings = found_at_top("workers = 64\n", "")
    assert any("more workers than processors" in text for text in warnings)
    assert not any("more workers" in text for text in found("")[1])


def found_at_top(top: str, more: str) -> tuple[list[str], list[str]]:
    loaded = parse(top + BASE + more, file="postel.toml", directory=Path("/nowhere"), environment={})
    findings = check_config(loaded)
    return [item.text for item in findings.mistakes], [item.text for item in findings.warnings]
