"""DKIM signatures on mail that is relayed: they hold, or it is said that they do not (RFC 6376 5.3). dkimpy judges."""

from __future__ import annotations

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from relay_kit import World

from postel.mail.replies import CANNOT_BE_CONVERTED

pytestmark = pytest.mark.slow

KITT = "kitt@free.org"
HEAD = b"From: frito@drag.net\r\nTo: kitt@free.org\r\nSubject: hello\r\nMIME-Version: 1.0\r\n"
EIGHT = HEAD + (
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    + "Grüße, und bis bald\r\n".encode() * 20
)
SEVEN = HEAD + (
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    + b"Gr=C3=BC=C3=9Fe, und bis bald\r\n" * 20
)
LONG = HEAD + b"\r\n" + b"word " * 1000 + b"\r\n"
OLD = frozenset({"8BITMIME", "SMTPUTF8", "BINARYMIME", "CHUNKING"})


class Signer:
    """drag.net, which signs, and its key in DNS."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._record = b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1])

    def sign(self, letter: bytes) -> bytes:
        signature: bytes = dkim.sign(letter, b"x", b"drag.net", self._private, linesep=b"\r\n")
        return signature + letter

    def verifies(self, letter: bytes) -> bool:
        return bool(dkim.verify(letter, dnsfunc=lambda name, timeout=5: self._record))


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.mark.parametrize(
    ("letter", "body", "withheld"),
    [
        (EIGHT, "8BITMIME", frozenset[str]()),
        (SEVEN, "7BIT", frozenset[str]()),
        (SEVEN, "7BIT", OLD),
        (SEVEN, "8BITMIME", OLD),  # declared, but not true
        (LONG, "BINARYMIME", OLD),
    ],
    ids=["8-bit to all", "7-bit to all", "7-bit to an old host", "called 8-bit", "long lines to an old host"],
)
async def test_a_signature_holds_where_nothing_has_to_change(
    letter: bytes, body: str, withheld: frozenset[str], signer: Signer
) -> None:
    world = World()
    pluto = await world.sink("pluto.free.org", withheld=withheld)
    signed = signer.sign(letter)
    assert (await world.relay(world.job(KITT, content=(signed,), BODY=body))).relayed_to()
    assert signer.verifies(pluto.taken[0].content)


async def test_a_converted_message_says_whose_signature_it_breaks(signer: Signer) -> None:
    world = World()
    pluto = await world.sink("pluto.free.org", withheld=OLD)
    assert (await world.relay(world.job(KITT, content=(signer.sign(EIGHT),), BODY="8BITMIME"))).relayed_to()
    (taken,) = pluto.taken
    assert not signer.verifies(taken.content)
    said = taken.content.partition(b"DKIM-Signature:")[0].replace(b"\r\n\t", b" ")
    assert b"(this breaks the signature of drag.net)" in said


async def test_a_signature_is_kept_by_returning_the_message(signer: Signer) -> None:
    world = World(converts_signed=False)
    pluto = await world.sink("pluto.free.org", withheld=OLD)
    work = await world.relay(world.job(KITT, content=(signer.sign(EIGHT),), BODY="8BITMIME"))
    assert work.failed() == {KITT: str(CANNOT_BE_CONVERTED)}
    assert pluto.taken == []
