"""Routes that log in with a certificate of ours (RFC 4422 appendix A)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import trustme
from relay_kit import LETTER, Sink, World

from postel.mail import Reply
from postel.routing import Login, ToHop
from postel.tls import CertificateFiles, ServerTls

KITT = "kitt@free.org"
SMART = "hop:smtp:smart.example:587"


class CertificateSink(Sink):
    """Lets in who has shown a certificate and names itself frito; else by password."""

    def _auth(self, response: bytes | None) -> Reply:
        if response == b"frito" and self.shown is not None:
            self.logins += 1
            return Reply.parse("235 2.7.0 welcome")
        return super()._auth(response)


async def smart(folder: Path, login: Login, mechanisms: tuple[str, ...]) -> tuple[World, Sink]:
    """A next hop that asks for certificates of the authority that has issued ours."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name, made in (
        ("server", authority.issue_cert("smart.example")),
        ("client", authority.issue_cert("frito@smart.example")),
    ):
        made.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        made.cert_chain_pems[0].write_to_path(str(folder / f"{name}.pem"))
    world = World("smart.example. A 192.0.2.25")
    world.hops[SMART] = ToHop("smtp", "smart.example", 587, login=login)
    own = CertificateFiles(folder / "server.pem", folder / "server.key")
    tls = ServerTls(own, authorities=folder / "ca.pem")
    sink = await world.sink("smart.example", port=587, tls=tls, mechanisms=mechanisms, password="secret")
    sink.__class__ = CertificateSink
    return world, sink


def login(folder: Path, password: str = "") -> Login:
    return Login("frito", password, certificate=str(folder / "client.pem"), key=str(folder / "client.key"))


async def test_the_certificate_logs_in(tmp_path: Path) -> None:
    world, sink = await smart(tmp_path, login(tmp_path), ("EXTERNAL", "PLAIN"))
    assert (await world.relay(world.job(KITT), lane=SMART)).relayed_to()
    assert sink.logins == 1
    assert sink.taken[0].content == LETTER


async def test_a_password_does_where_the_hop_takes_no_certificates(tmp_path: Path) -> None:
    world, sink = await smart(tmp_path, login(tmp_path, "secret"), ("PLAIN",))
    assert (await world.relay(world.job(KITT), lane=SMART)).relayed_to()
    assert sink.shown is not None
    assert sink.logins == 1


async def test_without_a_certificate_external_is_not_tried(tmp_path: Path) -> None:
    world, sink = await smart(tmp_path, Login("frito", "secret"), ("EXTERNAL", "PLAIN"))
    assert (await world.relay(world.job(KITT), lane=SMART)).relayed_to()
    assert sink.shown is None


async def test_a_file_that_cannot_be_read_holds_the_mail(tmp_path: Path) -> None:
    gone = replace(login(tmp_path), certificate=str(tmp_path / "gone.pem"))
    world, sink = await smart(tmp_path, gone, ("EXTERNAL",))
    work = await world.relay(world.job(KITT), lane=SMART)
    assert work.down is not None
    assert str(work.down[0].status) == "4.7.0"
    assert not sink.sessions
