"""What a listener for LMTP may be."""

from pathlib import Path

import pytest

from postel.config import check_config, parse

HEAD = 'hostname = "mail.example.org"\n'


def mistakes(text: str) -> list[str]:
    loaded = parse(HEAD + text, file="here.toml", directory=Path("/"), environment={})
    return [mistake.text for mistake in check_config(loaded).mistakes]


@pytest.mark.parametrize("address", ["127.0.0.1:25", "[::1]:25"])
def test_lmtp_is_never_spoken_on_port_25(address: str) -> None:
    [mistake] = mistakes(f'[[listen]]\nprotocol = "lmtp"\naddress = "{address}"\n')
    assert "port 25" in mistake


@pytest.mark.parametrize("address", ["127.0.0.1:24", "unix:/run/postel/lmtp", "127.0.0.1:2525"])
def test_lmtp_has_any_other_port_or_a_unix_socket(address: str) -> None:
    assert not mistakes(f'[[listen]]\nprotocol = "lmtp"\naddress = "{address}"\nclients = ["192.0.2.0/24"]\n')
