"""The table [oauth] and the `token` of routes: what is checked, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from postel.app import options
from postel.app.table import routing_table
from postel.config import Loaded, check_config, parse
from postel.routing import Login, ToHop
from postel.servers import TOKEN_MECHANISMS

HEAD = (
    'hostname = "mail.example.org"\n[[listen]]\naddress = "127.0.0.1:0"\n[[domain]]\nname = "example.org"\n'
)
WHO = '[oauth]\nissuer = "https://login.example.org"\naudience = "mail"\n'


def loaded(text: str, folder: Path = Path("/nowhere")) -> Loaded:
    return parse(HEAD + text, file="postel.toml", directory=folder, environment={})


def mistakes(text: str) -> list[str]:
    return [mistake.text for mistake in check_config(loaded(text)).mistakes]


@pytest.mark.parametrize(
    "text",
    [
        "",
        f'{WHO}keys = "https://login.example.org/keys"',
        f'{WHO}keys = "http://127.0.0.1:8080/keys"',
        '[oauth]\nintrospection = "https://login.example.org/introspect"\nclient = "postel"\nsecret = "s"',
        '[oauth]\nintrospection = "http://[::1]:8080/introspect"',
        '[route."a.example"]\nto = "smtp:h.example"\nuser = "u"\ntoken = "token"',
    ],
)
def test_what_belongs_together_is_fine(text: str) -> None:
    assert mistakes(text) == []


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ('[oauth]\nissuer = "x"', "keys is missing"),
        ('[oauth]\naudience = "x"\nkeys = "https://a.example/"', "issuer is missing"),
        ('[oauth]\nissuer = "x"\nkeys = "https://a.example/"', "audience is missing"),
        (f'{WHO}keys = "http://a.example/"', "https"),
        (f'{WHO}keys = "ftp://a.example/"', "https"),
        (f'{WHO}keys = "https://"', "https"),
        (f'{WHO}keys = "https://a.example:port/"', "https"),
        (f'{WHO}keys = "https://a.example/a b"', "https"),
        (f'{WHO}keys = "missing.json"', "there is no file /nowhere/missing.json"),
        (f'{WHO}keys = "https://a.example/"\nintrospection = "https://a.example/"', "two ways"),
        ('[oauth]\nintrospection = "http://a.example/"', "https"),
        ('[oauth]\nintrospection = "a.example"', "https"),
        ('[oauth]\nintrospection = "https://a.example/"\nclient = "c"', "belong together"),
        (f'{WHO}keys = "https://a.example/"\nclient = "c"\nsecret = "s"', "introspection only"),
        ('[route."a.example"]\nto = "smtp:h.example"\nuser = "u"\npassword = "p"\ntoken = "t"', "two ways"),
        ('[route."a.example"]\nto = "smtp:h.example"\ntoken = "t"', "belong together"),
        ('[route."a.example"]\nto = "smtp:h.example"\nuser = "u"', "belong together"),
        ('[route."a.example"]\nto = "discard"\nuser = "u"\ntoken = "t"', "only a route"),
    ],
)
def test_what_does_not_is_said_once(text: str, because: str) -> None:
    [said] = mistakes(text)
    assert because in said


def test_a_missing_extra_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postel.config.check_oauth.find_spec", lambda name: None)
    [said] = mistakes(f'{WHO}keys = "https://a.example/"')
    assert 'pip install "postel[oauth]"' in said
    assert mistakes('[oauth]\nintrospection = "https://a.example/"') == []


def test_a_token_that_others_may_read_is_warned_of() -> None:
    route = '[route."a.example"]\nto = "smtp:h.example"\nuser = "u"\ntoken = "t"\ntls = "must"'
    [said] = [warning.text for warning in check_config(loaded(route)).warnings]
    assert said.startswith('the token goes out with tls = "must"')


def test_mechanisms_are_offered_only_where_tokens_are_believed(tmp_path: Path) -> None:
    plain = loaded("")
    assert options.token_options(plain) is None
    assert not set(TOKEN_MECHANISMS) & set(options.service_options(plain, plain.config.listen[0]).mechanisms)
    told = loaded(f'{WHO}keys = "keys.json"', tmp_path)
    assert set(TOKEN_MECHANISMS) <= set(options.service_options(told, told.config.listen[0]).mechanisms)
    assert set(TOKEN_MECHANISMS) <= set(options.pop3_options(told, told.config.listen[0]).mechanisms)
    made = options.token_options(told)
    assert made is not None
    assert made.keys == tmp_path / "keys.json"
    assert (made.issuer, made.audience, made.claim) == ("https://login.example.org", "mail", "email")


def test_a_route_names_the_file_of_its_token(tmp_path: Path) -> None:
    route = '[route."a.example"]\nto = "smtp:h.example"\nuser = "u"\ntoken = "token"'
    [row] = routing_table(loaded(route, tmp_path), frozenset()).routes
    assert isinstance(row.target, ToHop)
    assert row.target.login == Login("u", token_file=str(tmp_path / "token"))
