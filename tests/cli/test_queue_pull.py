"""`postel queue pull` and `postel terminal`: what they refuse, what they print."""

import pytest
from cli_kit import Site

from postel.cli.terminal import screen
from postel.terminals import TerminalMessage

LOGIN = ("--user", "a@example.net", "--password-stdin")


@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (("mx.example.net", "--atrn"), "--atrn needs a login"),
        (("mx.example.net", "--turn"), "--turn needs a login"),
        (("mx.example.net", "--domain", "two words"), "a node is a domain"),
        (
            (
                "mx.example.net",
                "--turn",
                "--user",
                "a@example.net",
                "--password-stdin",
                "--domain",
                "a.example",
            ),
            "no domains",
        ),
        (
            ("mx.example.net", *LOGIN, "--domain", "a\r\nDATA"),
            "like example.org",
        ),
        (("mx_.ex ample", "--etrn"), "a route leads"),
    ],
)
def test_nonsense_is_wrong_usage(site: Site, arguments: tuple[str, ...], because: str) -> None:
    assert because in site.refused("queue", "pull", *arguments, status=2, stdin="secret\n")


def test_too_many_domains_do_not_fit_one_command(site: Site) -> None:
    domains = [word for number in range(60) for word in ("--domain", f"d{number}.example.org")]
    said = site.refused(
        "queue",
        "pull",
        "mx.example.net",
        "--user",
        "a@example.net",
        "--password-stdin",
        *domains,
        status=2,
        stdin="x\n",
    )
    assert "call it several times" in said


def test_a_host_that_does_not_answer_is_one_sentence(site: Site) -> None:
    site.add_account("frito@drag.net")
    assert "127.0.0.1" in site.refused("queue", "pull", "127.0.0.1", "--port", "1")


def test_a_terminal_is_for_an_account(site: Site) -> None:
    site.add_account("frito@drag.net")
    assert "no account" in site.refused("terminal", "nobody@drag.net")
    assert "address" in site.refused("terminal", "nobody", status=2)


def test_a_message_is_shown_with_who_and_what() -> None:
    head = b"From: Ann <ann@example.net>\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n"
    content = head + b"Content-Type: text/plain\r\n\r\nNow?\r\n"
    assert screen(TerminalMessage("ann@example.net", content)).splitlines() == [
        "--- message from <ann@example.net>",
        "From: Ann <ann@example.net>",
        "Subject: Café",
        "",
        "Now?",
        "---",
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: \x1b]0;owned\x07\r\n\r\n\x1b[2J\x9b31m\x08\x08evil\r\n",
        b"Content-Type: text/plain; charset=no-such-thing\r\n\r\n\xff\xfe\r\n",
        b"Content-Type: multipart/mixed\r\n\r\nno parts\r\n",
        b"Content-Type: image/png\r\n\r\n\x89PNG\r\n",
        b"From: " + b"<" * 5000 + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n",
        b"",
        b"\0" * 100,
    ],
)
def test_nothing_in_a_message_steers_the_terminal_or_breaks_the_command(content: bytes) -> None:
    shown = screen(TerminalMessage("\x1b[31meve@example.net", content))
    assert all(line.isprintable() for line in shown.splitlines())
    assert shown.endswith("---")
