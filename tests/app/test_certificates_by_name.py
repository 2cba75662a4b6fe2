"""Several certificates in one configuration: which is shown to whom, and what `postel check` says of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from postel.app.certificate import read_certificate
from postel.app.check import check_whole
from postel.config import BadConfig, Loaded, check_config, parse
from postel.net import Endpoint, Stream
from postel.testing import MemoryNetwork
from postel.tls import ClientTls, start_client, start_server

HEAD = """\
hostname = "mail.example.org"
[[listen]]
address = "127.0.0.1:0"
[[domain]]
name = "example.org"
[tls]
certificate = "org.pem"
key = "org.pem"
"""
MORE = """\
[[certificate]]
chain = "net.pem"
key = "net.pem"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(made / "ca.pem"))
    for name, names in {"org": ["mail.example.org"], "net": ["mail.example.net", "*.wild.example"]}.items():
        ca.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(made / f"{name}.pem"))
    return made


def loaded(folder: Path, text: str) -> Loaded:
    return parse(HEAD + text, file="postel.toml", directory=folder, environment={})


async def shown(configuration: Loaded, folder: Path, name: str, wanted: str) -> None:
    """Connect under a name; raises HandshakeFailed unless the certificate is for `wanted`."""
    tls = read_certificate(configuration)
    assert tls is not None
    internet = MemoryNetwork()
    server, client = internet.host("server", "192.0.2.1"), internet.host("client", "192.0.2.2")

    async def serve(stream: Stream) -> None:
        assert tls is not None
        secure = await start_server(stream, tls, timeout_s=5)
        await secure.read()

    await server.listen(Endpoint("192.0.2.1", 465), serve)
    stream = await client.dial(Endpoint("192.0.2.1", 465), timeout_s=5)
    trusting = ClientTls(verify=True, ca_file=folder / "ca.pem")
    secure = await start_client(stream, trusting, server_name=name, timeout_s=5)
    assert secure.tls is not None and secure.tls.peer_certificate is not None
    assert wanted.encode() in secure.tls.peer_certificate
    await secure.close()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("mail.example.org", "mail.example.org"),
        ("mail.example.net", "mail.example.net"),
        ("MAIL.example.net", "mail.example.net"),
        ("any.wild.example", "mail.example.net"),
    ],
)
async def test_the_certificate_with_the_name_that_was_asked_for_is_shown(
    name: str, wanted: str, folder: Path
) -> None:
    # RFC 6066 3, RFC 8314 4.4
    await shown(loaded(folder, MORE), folder, name, wanted)


async def test_names_may_be_given_and_then_only_those_count(folder: Path) -> None:
    configuration = loaded(folder, MORE + 'names = ["*.wild.example"]')
    await shown(configuration, folder, "a.wild.example", "mail.example.net")
    await shown(loaded(folder, ""), folder, "mail.example.org", "mail.example.org")


def test_a_name_that_the_certificate_does_not_have_is_a_warning(folder: Path) -> None:
    found = check_whole(loaded(folder, MORE + 'names = ["other.example"]'))
    assert not found.mistakes
    assert ["not for other.example" in str(warning) for warning in found.warnings].count(True) == 1


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ('[[certificate]]\nchain = "net.pem"', "key is missing"),
        ('[[certificate]]\nchain = "none.pem"\nkey = "net.pem"', "there is no file"),
    ],
)
def test_a_certificate_without_its_files_is_a_mistake(text: str, because: str, folder: Path) -> None:
    [mistake] = check_config(loaded(folder, text)).mistakes
    assert because in mistake.text


def test_more_certificates_need_a_first_one(folder: Path) -> None:
    text = HEAD.partition("[tls]")[0] + MORE
    found = check_config(parse(text, file="postel.toml", directory=folder, environment={}))
    assert any("[tls] has no certificate" in mistake.text for mistake in found.mistakes)


def test_a_key_of_another_certificate_is_told_with_its_line(folder: Path) -> None:
    configuration = loaded(folder, '[[certificate]]\nchain = "net.pem"\nkey = "org.pem"')
    with pytest.raises(BadConfig) as bad:
        read_certificate(configuration)
    assert bad.value.mistakes[0].line == 10
    assert check_whole(configuration).mistakes
