"""What `postel check` says of TLS policies, routes and rules for strangers."""

from __future__ import annotations

from pathlib import Path

import pytest

from postel.config import BadConfig, check_config, parse

HEAD = (
    'hostname = "mail.example.org"\n[[listen]]\naddress = "127.0.0.1:0"\n[[domain]]\nname = "example.org"\n'
)


def mistakes(text: str) -> list[str]:
    loaded = parse(HEAD + text, file="postel.toml", directory=Path("/nowhere"), environment={})
    return [mistake.text for mistake in check_config(loaded).mistakes]


def warnings(text: str) -> list[str]:
    loaded = parse(HEAD + text, file="postel.toml", directory=Path("/nowhere"), environment={})
    return [mistake.text for mistake in check_config(loaded).warnings]


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ('[tls_policy."a.example"]\ntls = "must"\nnames = ["mx.a.example"]', 'only with tls = "verified"'),
        ('[tls_policy]\n"*.a.example" = "must"', "subdomains are written with a dot"),
        ('[route."a.example"]\nto = "smtps:h.example"\ntls = "none"', "where TLS comes first"),
        ('[route."a.example"]\nto = "smtp:h.example"\nnames = ["x.example"]', 'only with tls = "verified"'),
        (
            '[route."a.example"]\nto = "smtp:h.example"\ntls = "verified"\nnames = ["domain"]',
            "a route has no domain",
        ),
        (
            '[route]\n"a.example" = "smtp:h.example"\n"b.example" = { to = "smtp:h.example", tls = "must" }',
            "with another TLS policy",
        ),
        ('[route."a.example"]\nto = "discard"\nxforward = true', "only a route to"),
        ('[route."a.example"]\nto = "smtp:h.example"\nmechanism = "PLAIN"', "mechanism says how to log in"),
        ('[delivery]\nauthorities = "none.pem"', "there is no file"),
        ('[login]\nclient_authorities = "none.pem"', "there is no file"),
    ],
)
def test_what_contradicts_itself_is_a_mistake(text: str, because: str) -> None:
    found = mistakes(text)
    assert any(because in told for told in found), found


@pytest.mark.parametrize(
    "text",
    [
        '[tls_policy]\n"*" = "may"\n".a.example" = { tls = "verified", names = [".b.example", "domain"] }',
        '[route]\n"a.example" = "smtps:h.example:10465"\n"b.example" = "smtps:h.example:10465"',
        '[access]\nclients = ["accept 192.0.2.0/24", "refuse *"]\nreverse_paths = ["later x@y.example"]',
    ],
)
def test_what_makes_sense_is_none(text: str) -> None:
    assert mistakes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        '[tls_policy]\n"a.example" = "sometimes"',
        '[tls_policy."a.example"]\ntls = "verified"\nnames = ["not a name"]',
        '[access]\nclients = ["deny 192.0.2.0/24"]',
        '[[listen]]\naddress = "127.0.0.1:25"\nproxy = ["everybody"]',
        '[route]\n"a.example" = "smtpss:h.example"',
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadConfig):
        mistakes(text)


def test_who_forges_dns_is_a_warning() -> None:
    text = '[tls_policy]\n"a.example" = "verified"\n'
    assert any("forges" in told for told in warnings(text))
    assert not any("forges" in told for told in warnings(text + "[dns]\nvalidating = true"))
    named = '[tls_policy."a.example"]\ntls = "verified"\nnames = [".b.example"]'
    assert not any("forges" in told for told in warnings(named))


def test_rules_against_our_own_domains_are_a_warning() -> None:
    # RFC 2505 2.6.2
    assert any("is ours" in told for told in warnings('[access]\nreverse_paths = ["refuse example.org"]'))
    assert not any("is ours" in told for told in warnings('[access]\nreverse_paths = ["accept example.org"]'))
