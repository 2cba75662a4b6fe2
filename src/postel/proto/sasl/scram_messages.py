"""The messages of SCRAM: attributes of one letter, apart by commas.

Implements  RFC 5802 5 (attributes) and 7 (grammar), RFC 5801 4 (the GS2 header).
Gives       the parsers, each raising BadSyntax, what they give, and quote_name, base64_text.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final

from postel.mail import BadSyntax
from postel.proto.sasl.prepare import prepare

NONCE_LIMIT: Final = 1024  # octets of both halves
SALT_LIMIT: Final = 1024  # octets
LEAST_ITERATIONS: Final = 4096  # RFC 5802 5.1, RFC 7677 4: fewer help who guesses
MOST_ITERATIONS: Final = 5_000_000  # a few seconds of ours: a server that asks for more means harm

_PRINTABLE: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]+")  # RFC 5802 7: printable, but no comma
_BINDING_NAME: Final = re.compile(r"p=[A-Za-z0-9.-]{1,64}")
_QUOTED: Final = re.compile(r"=(2C|3D)?")
_SIGNS: Final = {"2C": ",", "3D": "="}


@dataclass(frozen=True, slots=True)
class ClientFirst:
    """The client's first message.

    header             the GS2 header as it came; the final message repeats it.
    bare               the rest.
    binding_name       which channel binding it uses; None for none.
    is_binding_missed  whether it would have used one, had it been offered ("y").
    """

    header: bytes
    bare: bytes
    binding_name: str | None
    is_binding_missed: bool
    authzid: str
    authcid: str
    nonce: str


@dataclass(frozen=True, slots=True)
class ServerFirst:
    """The server's first message."""

    nonce: str
    salt: bytes
    iterations: int


@dataclass(frozen=True, slots=True)
class ClientFinal:
    """The client's last message. `binding` is its GS2 header again, and the channel binding after it."""

    without_proof: bytes
    binding: bytes
    nonce: str
    proof: bytes = field(repr=False)


def parse_client_first(message: bytes) -> ClientFirst:
    """RFC 5802 7, client-first-message."""
    parts = _text(message).split(",", 2)
    if len(parts) < 3:
        raise BadSyntax("a SCRAM message begins with its GS2 header")
    flag, acting_as, bare = parts
    if flag not in ("n", "y") and not _BINDING_NAME.fullmatch(flag):
        raise BadSyntax("a GS2 header begins with what is said of channel binding")
    if acting_as and not acting_as.startswith("a="):
        raise BadSyntax("a GS2 header names an authorization identity or none")
    name, nonce = _attributes(bare, "nr")
    return ClientFirst(
        header=f"{flag},{acting_as},".encode(),
        bare=bare.encode(),
        binding_name=flag[2:] if flag.startswith("p=") else None,
        is_binding_missed=flag == "y",
        authzid=parse_name(acting_as[2:]) if acting_as else "",
        authcid=parse_name(name),
        nonce=_nonce(nonce),
    )


def parse_server_first(message: bytes, own_nonce: str) -> ServerFirst:
    """RFC 5802 7, server-first-message: its nonce begins with ours and is longer (5.1)."""
    nonce, salt, iterations = _attributes(_text(message), "rsi")
    if not nonce.startswith(own_nonce) or len(nonce) == len(own_nonce):
        raise BadSyntax("the server's nonce goes on where ours ends")
    if not (iterations.isascii() and iterations.isdigit() and len(iterations) <= 7):
        raise BadSyntax("an iteration count is a number")
    if not LEAST_ITERATIONS <= int(iterations) <= MOST_ITERATIONS:
        raise BadSyntax(f"an iteration count is from {LEAST_ITERATIONS} to {MOST_ITERATIONS}")
    octets = _octets(salt)
    if not 0 < len(octets) <= SALT_LIMIT:
        raise BadSyntax(f"a salt has 1 to {SALT_LIMIT} octets")
    return ServerFirst(_nonce(nonce), octets, int(iterations))


def parse_client_final(message: bytes, proof_octets: int) -> ClientFinal:
    """RFC 5802 7, client-final-message. The proof comes last, and has the length of the hash."""
    without, found, proof = _text(message).rpartition(",p=")
    if not found:
        raise BadSyntax("the last message of SCRAM ends with a proof")
    binding, nonce = _attributes(without, "cr")
    octets = _octets(proof)
    if len(octets) != proof_octets:
        raise BadSyntax("a proof has the length of its hash")
    return ClientFinal(without.encode(), _octets(binding), _nonce(nonce), octets)


def parse_server_final(message: bytes) -> bytes:
    """RFC 5802 7, server-final-message: the signature. An error in its place is raised too."""
    text = _text(message)
    if text.startswith("e="):
        raise BadSyntax("the server ended SCRAM with an error")
    (signature,) = _attributes(text, "v")
    return _octets(signature)


def quote_name(name: str) -> str:
    """RFC 5802 5.1: a comma and an equals sign are written `=2C` and `=3D`."""
    return name.replace("=", "=3D").replace(",", "=2C")


def parse_name(text: str) -> str:
    """The reverse of `quote_name`, prepared. Raises BadSyntax."""
    if any(not found.group(1) for found in _QUOTED.finditer(text)):
        raise BadSyntax("in a name = is written =3D")
    return prepare(_QUOTED.sub(lambda found: _SIGNS[found.group(1)], text))


def base64_text(octets: bytes) -> str:
    """Octets within a message."""
    return base64.b64encode(octets).decode()


def _text(message: bytes) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError:
        raise BadSyntax("a SCRAM message is UTF-8") from None


def _attributes(text: str, letters: str) -> list[str]:
    """The values of the attributes that must come, in their order; optional extensions behind them are passed over.

    RFC 5802 5.1: `m=`, an extension that must be understood, is understood by nobody.
    """
    parts = text.split(",")
    if len(parts) < len(letters):
        raise BadSyntax("a SCRAM message lacks an attribute")
    if any(not part.startswith(f"{letter}=") for letter, part in zip(letters, parts, strict=False)):
        raise BadSyntax("the attributes of a SCRAM message have their order, and no others are mandatory")
    return [part[2:] for part in parts[: len(letters)]]


def _nonce(text: str) -> str:
    if len(text) > NONCE_LIMIT or not _PRINTABLE.fullmatch(text):
        raise BadSyntax("a nonce is printable ASCII without commas, and not endless")
    return text


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadSyntax("binary attributes are base64") from None
