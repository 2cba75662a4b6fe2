"""Content-Type fields of the usual form are read by one expression: as the careful reader reads them."""

from __future__ import annotations

import pytest

from postel.message import parse_media_type
from postel.message.structure.description import describe_type

USUAL = (
    "text/plain",
    "text/plain; charset=utf-8",
    "text/plain; charset=utf-8; format=flowed; delsp=yes",
    'multipart/report; report-type=delivery-status; boundary="=_c2df3139c15311a8"',
    'multipart/signed; micalg="pgp-sha256"; protocol="application/pgp-signature"; boundary="a b"',
    'application/pdf; name="a.pdf";',
    'text/html;charset="";x=y',
)


@pytest.mark.parametrize("value", USUAL)
def test_several_parameters_are_all_read(value: str) -> None:
    found = describe_type(f" {value}\r\n".encode(), parse_media_type(None))
    assert found.media == parse_media_type(value)
    wanted = parse_media_type(value).parameters
    assert {name.decode(): text.decode() for name, text in found.parameters} == dict(wanted)
