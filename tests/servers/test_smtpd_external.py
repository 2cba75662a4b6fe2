"""EXTERNAL: logins by a TLS client certificate (RFC 4422 appendix A)."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from smtp_world import SUBMISSIONS, World, world

from postel.net import ConnectionLost, Stream
from postel.tls import CertificateFiles, ClientTls, HandshakeFailed, ServerTls, self_signed, start_client

WRONG = "535 5.7.8 Authentication credentials invalid\r\n"


class People:
    """An authority that issues certificates to people, and a server that asks for them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(str(folder / "people.pem"))
        shown = CertificateFiles(*self_signed("mx.example.org", folder, 1.6e9))
        self.server = ServerTls(shown, authorities=folder / "people.pem")

    def client(self, *names: str, common: str | None = None, of: trustme.CA | None = None) -> ClientTls:
        made = (of or self.authority).issue_cert(*names, common_name=common)
        path = self._folder / "own.pem"
        made.private_key_and_cert_chain_pem.write_to_path(str(path))
        return ClientTls(verify=False, own=CertificateFiles(path, path))


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


async def say(stream: Stream, line: str) -> str:
    """The whole reply to a line; "" for the greeting."""
    if line:
        await stream.write(line.encode() + b"\r\n")
    text = b""
    while text.rpartition(b"\r\n")[0].rpartition(b"\r\n")[2][3:4] != b" ":
        text += await stream.read(30)
    return text.decode()


async def begin(w: World, tls: ClientTls) -> tuple[Stream, str]:
    """A session after EHLO, and what that was answered."""
    stream = await start_client(await w.dial(), tls, server_name=None, timeout_s=10)
    await say(stream, "")
    return stream, await say(stream, "EHLO client.example.net")


async def log_in(w: World, tls: ClientTls, authzid: str = "") -> str:
    stream, _ = await begin(w, tls)
    return await say(stream, "AUTH EXTERNAL " + (base64.b64encode(authzid.encode()).decode() or "="))


async def test_the_address_in_a_certificate_logs_in_with_or_without_saying_so(people: People) -> None:
    async with world(SUBMISSIONS, tls=people.server) as w:
        ann = people.client("Ann@example.org")
        _, offered = await begin(w, ann)
        assert "AUTH EXTERNAL SCRAM-SHA-256-PLUS" in offered
        for authzid in ("", "ann@example.org"):
            assert (await log_in(w, ann, authzid)).startswith("235 2.7.0")
        assert {fields["mechanism"] for fields in w.log["login_ok"]} == {"EXTERNAL"}
        assert {str(fields["account"]) for fields in w.log["login_ok"]} == {"ann@example.org"}


async def test_the_server_begins_where_there_is_no_initial_response(people: People) -> None:
    async with world(SUBMISSIONS, tls=people.server) as w:
        stream, _ = await begin(w, people.client("ann@example.org"))
        assert await say(stream, "AUTH EXTERNAL") == "334 \r\n"
        assert (await say(stream, "YW5uQGV4YW1wbGUub3Jn")).startswith("235")


async def test_without_a_certificate_it_is_not_offered_and_other_logins_are(people: People) -> None:
    async with world(SUBMISSIONS, tls=people.server) as w:
        stream, offered = await begin(w, ClientTls(verify=False))
        assert "EXTERNAL" not in offered and "PLAIN" in offered
        assert (await say(stream, "AUTH EXTERNAL =")).startswith("504 5.5.4")


async def test_it_can_be_switched_off(people: People) -> None:
    async with world(replace(SUBMISSIONS, mechanisms=("PLAIN",)), tls=people.server) as w:
        assert "EXTERNAL" not in (await begin(w, people.client("ann@example.org")))[1]


async def test_nobody_acts_as_somebody_else(people: People) -> None:
    async with world(SUBMISSIONS, tls=people.server) as w:
        assert await log_in(w, people.client("ann@example.org"), "bob@example.org") == WRONG
        assert "somebody else" in str(w.log.only("login_failed")["because"])


async def test_who_has_several_addresses_says_which(people: People) -> None:
    async with world(SUBMISSIONS, tls=people.server) as w:
        both = people.client("ann@example.org", "bob@example.org")
        assert (await log_in(w, both, "bob@example.org")).startswith("235")
        assert (await log_in(w, both)).startswith("235")
        assert [str(one["account"]) for one in w.log["login_ok"]] == ["bob@example.org", "ann@example.org"]


async def test_the_common_name_counts_where_there_is_no_address_in_the_san(people: People) -> None:
    async with world(SUBMISSIONS, tls=people.server) as w:
        assert (await log_in(w, people.client(common="bob@example.org"))).startswith("235")
        both = people.client("ann@example.org", common="bob@example.org")
        assert await log_in(w, both, "bob@example.org") == WRONG


@pytest.mark.parametrize("name", ["nobody@example.org", "client.example.net"])
async def test_a_certificate_for_nobody_here_is_refused(name: str, people: People) -> None:
    async with world(SUBMISSIONS, tls=people.server) as w:
        assert await log_in(w, people.client(name)) == WRONG


async def test_a_response_that_is_no_text_is_malformed(people: People) -> None:
    async with world(SUBMISSIONS, tls=people.server) as w:
        stream, _ = await begin(w, people.client("ann@example.org"))
        assert (await say(stream, "AUTH EXTERNAL /w==")).startswith("501 5.5.2")


async def test_a_certificate_of_another_authority_gets_no_session(people: People) -> None:
    async with world(SUBMISSIONS, tls=people.server) as w:
        with pytest.raises((ConnectionLost, HandshakeFailed)):
            await begin(w, people.client("ann@example.org", of=trustme.CA()))


async def test_a_resumed_session_is_still_that_of_the_certificate(people: People) -> None:
    async with world(SUBMISSIONS, tls=people.server) as w:
        ann = people.client("ann@example.org")
        stream, _ = await begin(w, ann)
        await stream.close()
        again, offered = await begin(w, ann)
        assert getattr(again, "is_resumed", False) and "EXTERNAL" in offered
        assert (await say(again, "AUTH EXTERNAL =")).startswith("235")
