"""Converting messages for hops that take less: the standard library must see the same message before and after."""

from __future__ import annotations

import base64
import email
import email.message
import email.policy
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postel.message import (
    BodyFacts,
    CannotConvert,
    Carriage,
    Conversion,
    MimeReader,
    OctetDomain,
    keeps_for_conversion,
    plan_conversion,
    read_mime,
)

SEVEN = Carriage(OctetDomain.SEVEN_BIT)
EIGHT = Carriage(OctetDomain.EIGHT_BIT)
FULL = Carriage(OctetDomain.BINARY, takes_utf8=True)
HEAD = b"From: frito@drag.net\r\nSubject: hello\r\nMIME-Version: 1.0\r\n"
BY: dict[str, Any] = {"hostname": "mail.drag.net", "queue_id": "0abc"}
TEXT = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"


def plan(content: bytes, to: Carriage = SEVEN, **how: bool | str) -> Conversion:
    return plan_conversion(read_mime(content, keeps=keeps_for_conversion), to, **how)  # type: ignore[arg-type]


def convert(content: bytes, to: Carriage = SEVEN, *, size: int = 0, **how: bool | str) -> bytes:
    editor = plan(content, to, **how).editor()
    size = size or len(content) or 1
    out = [editor.feed(content[start : start + size]) for start in range(0, len(content), size)]
    return b"".join([*out, editor.finish()])


def domain_of(content: bytes) -> OctetDomain:
    facts = BodyFacts()
    facts.feed(content)
    return facts.domain


def told(content: bytes) -> list[tuple[str, object]]:
    """What the standard library makes of each part: its type, and its decoded octets."""
    message = email.message_from_bytes(content)
    return [(part.get_content_type(), part.get_payload(decode=True)) for part in message.walk()]


def multipart(*parts: bytes, kind: bytes = b"mixed", head: bytes = HEAD) -> bytes:
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts)
    return head + b"Content-Type: multipart/" + kind + b"; boundary=x\r\n\r\n" + body + b"--x--\r\n"


def test_eight_bit_text_becomes_quoted_printable() -> None:
    content = HEAD + TEXT + "\r\nEs grüßt\r\ndich = hier \r\n".encode()
    converted = convert(content)
    assert converted == HEAD + (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        b"\r\nEs gr=C3=BC=C3=9Ft\r\ndich =3D hier=20\r\n"
    )
    assert told(converted) == told(content)


def test_text_of_mostly_other_letters_becomes_base64() -> None:
    content = HEAD + TEXT + b"\r\n" + "Привет мир\r\n".encode() * 20
    converted = convert(content)
    assert b"Transfer-Encoding: base64\r\n" in converted
    assert told(converted) == told(content)


def test_what_is_no_text_becomes_base64() -> None:
    content = (
        HEAD + b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n" + bytes(range(256)) * 3
    )
    converted = convert(content, EIGHT)
    assert told(converted) == told(content)
    assert domain_of(converted) is OctetDomain.SEVEN_BIT


def test_what_fits_goes_through_octet_for_octet() -> None:
    eight = HEAD + TEXT + "\r\nGrüße\r\n".encode()
    for content, to in ((HEAD + b"\r\nplain\r\n", SEVEN), (eight, EIGHT), (eight + b"\0\r", FULL)):
        assert not plan(content, to).edits
        assert convert(content, to) == content


def test_only_the_parts_that_do_not_fit_are_touched() -> None:
    picture = b"Content-Type:  image/gif ;name=x\r\nContent-Transfer-Encoding:   BASE64\r\n\r\nR0lG\r\nODlh"
    content = multipart(TEXT + "\r\nGrüße".encode(), picture, b"\r\nplain = text  ")
    converted = convert(content)
    assert picture in converted
    assert b"\r\nplain = text  \r\n--x--" in converted
    assert told(converted) == told(content)


def test_a_multipart_says_what_is_true_of_its_parts_now() -> None:
    # RFC 2045 6.4
    content = multipart(TEXT + "\r\nGrüße".encode(), head=HEAD + b"Content-Transfer-Encoding: 8bit\r\n")
    assert b"\r\nContent-Transfer-Encoding: 7bit\r\nContent-Type: multipart" in convert(content)


def test_a_message_in_the_message_is_converted_inside() -> None:
    # RFC 2045 6.4: it must not be encoded itself.
    inner = HEAD + TEXT + "\r\nGrüße\r\n".encode()
    content = multipart(b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + inner)
    converted = convert(content)
    assert b"message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n" in converted
    assert b"Gr=C3=BC=C3=9Fe" in converted
    assert told(converted) == told(content)


def test_a_message_that_is_no_mime_becomes_mime() -> None:
    content = b"Subject: x\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    converted = convert(content)
    assert converted.startswith(
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    assert b"charset=unknown-8bit" in convert(b"Subject: x\r\n\r\nGr\xfc\xdfe\r\n")


def test_over_long_lines_are_cut_by_the_encoding() -> None:
    content = HEAD + b"Content-Type: text/html\r\n\r\n" + b"<p>x</p> " * 500 + b"\r\n"
    converted = convert(content, EIGHT)
    assert max(map(len, converted.split(b"\r\n"))) <= 76
    assert told(converted) == told(content)


def test_base64_with_long_lines_is_only_wrapped() -> None:
    content = (
        HEAD
        + b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + b"QUJD" * 1000
        + b"\r\n"
    )
    converted = convert(content, EIGHT)
    assert converted.startswith(content[: content.index(b"\r\n\r\n")])
    assert max(map(len, converted.split(b"\r\n"))) <= 76
    assert told(converted) == told(content)


def test_over_long_header_fields_are_folded() -> None:
    content = b"X-Long: " + b"word " * 400 + b"\r\n" + HEAD + b"\r\nx\r\n"
    converted = convert(content, EIGHT)
    assert max(map(len, converted.split(b"\r\n"))) <= 76
    assert email.message_from_bytes(converted)["X-Long"].replace("\r\n", "").split() == ["word"] * 400


def test_binary_text_keeps_its_line_ends_exactly() -> None:
    # RFC 3030 3: what is no CRLF is no line end.
    content = (
        HEAD
        + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\none\ntwo\rthree\r\nfour\0 "
    )
    for to in (SEVEN, EIGHT):
        converted = convert(content, to)
        assert domain_of(converted) is OctetDomain.SEVEN_BIT
        assert read_back(converted) == b"one\ntwo\rthree\r\nfour\0 "


def read_back(content: bytes) -> object:
    return email.message_from_bytes(content).get_payload(decode=True)


def test_a_preamble_that_does_not_fit_is_left_out() -> None:
    # RFC 2046 5.1.1
    content = (
        multipart(b"\r\nplain").replace(b"\r\n\r\n--x", b"\r\n\r\nUmlaut: \xfc\r\n--x") + b"\xfc after\r\n"
    )
    converted = convert(content)
    assert domain_of(converted) is OctetDomain.SEVEN_BIT
    assert told(converted)[1:] == told(content)[1:]


@pytest.mark.parametrize(
    ("content", "because"),
    [
        (
            multipart(
                TEXT + b"\r\n\xfc", b"Content-Type: application/pgp-signature\r\n\r\nx", kind=b"signed"
            ),
            "signed",
        ),
        (HEAD + b"Content-Type: message/partial; id=1; number=1\r\n\r\n\xfc\r\n", "must not be encoded"),
        (HEAD + b"Content-Type: message/external-body\r\n\r\n\xfc\r\n", "must not be encoded"),
        (HEAD + b"Content-Type: multipart/mixed\r\n\r\n\xfc\r\n", "must not be encoded"),
        (HEAD + b"Content-Transfer-Encoding: x-own\r\n\r\n\xfc\r\n", "encoding that we do not know"),
    ],
)
def test_what_cannot_be_converted_says_so(content: bytes, because: str) -> None:
    with pytest.raises(CannotConvert, match=because):
        plan(content)
    assert convert(content, EIGHT) == content


def test_beside_what_is_signed_parts_are_converted() -> None:
    signed = (
        b"Content-Type: multipart/signed; boundary=y\r\n\r\n--y\r\nContent-Type: text/plain\r\n\r\nsigned \r\n--y\r\n"
        b"Content-Type: application/pgp-signature\r\n\r\nxxx\r\n--y--\r\n"
    )
    converted = convert(multipart(signed, TEXT + "\r\nfür die Liste".encode()))
    assert signed in converted
    assert domain_of(converted) is OctetDomain.SEVEN_BIT


def test_a_signature_that_breaks_is_named_or_kept() -> None:
    signed = b"DKIM-Signature: v=1; a=rsa-sha256; d=drag.net; s=x; bh=x; b=x\r\n"
    content = signed + HEAD + TEXT + "\r\nGrüße\r\n".encode()
    assert plan(content).signing_domains == ("drag.net",)
    assert plan(content, EIGHT).signing_domains == ()
    with pytest.raises(CannotConvert, match="signature"):
        plan(content, may_break_signatures=False)


def test_lines_that_are_only_long_break_no_signature() -> None:
    signed = b"DKIM-Signature: v=1; d=drag.net; b=x\r\n"
    content = signed + HEAD + b"\r\n" + b"x" * 2000 + b"\r\n"
    assert convert(content, EIGHT) == content


def test_a_converted_message_says_so_on_top() -> None:
    eight = TEXT + "\r\nGrüße\r\n".encode()
    note = b"X-MIME-Autoconverted: from 8bit to 7bit by mail.drag.net id 0abc\r\n"
    assert convert(HEAD + eight, **BY).startswith(note + b"From")
    assert convert(HEAD + b"\r\nx\r\n", **BY) == HEAD + b"\r\nx\r\n"
    in_part = convert(multipart(eight), **BY)
    assert in_part.startswith(note + b"From")
    assert in_part.count(b"X-MIME") == 1
    signed = convert(b"DKIM-Signature: d=a.org; b=x\r\n" + HEAD + eight, **BY)
    assert b"(this breaks the signature of a.org)" in signed.partition(b"From")[0].replace(b"\r\n\t", b" ")


# -- UTF-8 in the header -----------------------------------------------------------------------------------


def test_utf8_in_the_header_becomes_ascii_where_that_loses_nothing() -> None:
    content = (
        'From: "Jürgen" <j@bücher.example>\r\nSubject: Grüße aus Köln\r\nMIME-Version: 1.0\r\n'
        'Content-Type: text/plain; charset=utf-8; name="Büro.txt"\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n'
    ).encode()
    converted = convert(content, EIGHT, is_internationalised=True)
    head, _, body = converted.partition(b"\r\n\r\n")
    assert head.isascii()
    assert body == "Grüße\r\n".encode()
    message = email.message_from_bytes(converted, policy=email.policy.default)
    assert message["Subject"] == "Grüße aus Köln"
    assert message["From"].addresses[0].display_name == "Jürgen"
    assert message["From"].addresses[0].addr_spec == "j@xn--bcher-kva.example"
    assert message.get_filename() == "Büro.txt"


def test_an_address_that_ascii_cannot_say_stops_the_conversion() -> None:
    content = "From: jürgen@example.org\r\n\r\nx\r\n".encode()
    with pytest.raises(CannotConvert) as trouble:
        plan(content, EIGHT, is_internationalised=True)
    assert trouble.value.is_about_utf8


def test_a_message_global_becomes_a_message_rfc822() -> None:
    inner = "Subject: Grüße\r\n\r\nx".encode()
    content = multipart(b"Content-Type: message/global\r\n\r\n" + inner)
    converted = convert(content, EIGHT, is_internationalised=True)
    assert b"Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?" in converted
    assert converted.isascii()


def test_a_message_global_that_ascii_cannot_say_is_encoded_whole() -> None:
    # RFC 6532 3.7
    inner = "From: jürgen@example.org\r\n\r\nx".encode()
    content = multipart(b"Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + inner)
    converted = convert(content, EIGHT, is_internationalised=True)
    assert b"Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n" in converted
    part = read_mime(converted).section(1)
    assert part is not None
    assert base64.b64decode(converted[part.body_start : part.end]) == inner


def test_a_header_in_an_unknown_character_set_says_so_to_a_seven_bit_hop() -> None:
    content = b"Subject: Gr\xfc\xdfe\r\n\r\nx\r\n"
    assert convert(content, EIGHT) == content
    assert convert(content) == b"Subject: =?unknown-8bit?b?R3L832U=?=\r\n\r\nx\r\n"


# -- properties --------------------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from("abc äß€Ж=.\t\r\n-"), max_size=200)


LETTERS = st.tuples(
    st.sampled_from(["plain", "Grüße"]),
    TEXTS,
    st.sampled_from(["8bit", "quoted-printable", "base64"]),
    st.none() | TEXTS,
    st.none() | st.binary(max_size=300),
    st.none() | TEXTS,
)
POLICY = email.policy.SMTP.clone(cte_type="8bit")


def letter(
    subject: str, text: str, encoding: str, html: str | None, picture: bytes | None, inside: str | None
) -> bytes:
    """A letter as a good program writes it, but in 8 bits."""
    message = email.message.EmailMessage(policy=POLICY)
    message["Subject"] = subject
    message.set_content(text, cte=encoding)
    if html is not None:
        message.add_alternative(html, subtype="html", cte="8bit")
    if picture is not None:
        message.add_attachment(picture, maintype="image", subtype="png", filename="Büro.png")
    if inside is not None:
        inner = email.message.EmailMessage(policy=POLICY)
        inner["Subject"] = "inside"
        inner.set_content(inside, cte="8bit")
        message.add_attachment(inner)
    return message.as_bytes()


@given(LETTERS, st.integers(1, 100))
@settings(max_examples=200)
def test_the_standard_library_sees_the_same_message_before_and_after(
    recipe: tuple[str, str, str, str | None, bytes | None, str | None], size: int
) -> None:
    content = letter(*recipe)
    converted = convert(content, size=size)
    assert domain_of(converted) is OctetDomain.SEVEN_BIT
    assert told(converted) == told(content)
    assert convert(converted) == converted


@given(st.binary(max_size=600), st.sampled_from(["text/plain", "image/png"]), st.integers(1, 700))
@settings(max_examples=300)
def test_any_octets_come_out_as_they_went_in(octets: bytes, kind: str, size: int) -> None:
    head = HEAD + f"Content-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\n\r\n".encode()
    converted = convert(head + octets, EIGHT, size=size)
    assert domain_of(converted) <= OctetDomain.EIGHT_BIT
    fits = domain_of(octets) <= OctetDomain.EIGHT_BIT
    assert read_back(converted) == octets if not fits else converted == head + octets


@given(st.binary(max_size=400), st.sampled_from([SEVEN, EIGHT]), st.booleans())
@settings(max_examples=300)
def test_whatever_is_given_fits_or_cannot_be_converted(octets: bytes, to: Carriage, is_utf8: bool) -> None:
    try:
        converted = convert(HEAD + octets, to, is_internationalised=is_utf8)
    except CannotConvert:
        return
    facts = BodyFacts()
    facts.feed(converted.partition(b"\r\n\r\n")[2])
    assert facts.domain <= to.domain


def test_large_contents_stream_in_linear_time() -> None:
    dice = random.Random(1)
    body = b"".join(b"--x\r\n" + TEXT + b"\r\n\xc3\xbc" * dice.randrange(1, 9) + b"\r\n" for _ in range(9000))
    content = multipart(TEXT + b"\r\n\xfc").replace(b"--x\r\n", body, 1)
    begun = time.process_time()
    reader = MimeReader(keeps=keeps_for_conversion)
    for start in range(0, len(content), 65536):
        reader.feed(content[start : start + 65536])
    editor = plan_conversion(reader.finish(), SEVEN).editor()
    out = sum(len(editor.feed(content[start : start + 65536])) for start in range(0, len(content), 65536))
    assert out > len(content)
    assert time.process_time() - begun < 30


@pytest.mark.parametrize(
    "content",
    [
        HEAD + b"X: a\nb\r\n\r\nx",
        HEAD + b"X: a\rb\r\n\r\nx",
        HEAD + b"X: a\0b\r\n\r\nx",
        multipart(b"\r\nx").replace(b"\r\n--x--", b"\n--x--"),
        HEAD + b"\nbody after a bare LF",
    ],
)
def test_where_a_line_of_a_header_ends_is_not_guessed(content: bytes) -> None:
    # RFC 5321 2.3.8: what came by BINARYMIME must not put a CR or LF alone on the wire of DATA.
    with pytest.raises(CannotConvert, match="alone"):
        plan(content, EIGHT)
    assert convert(content, FULL) == content
