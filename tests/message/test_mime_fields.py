"""message.mime_fields, message.word_encoding and message.downgrading: fields with parameters, and fields in ASCII."""

from __future__ import annotations

import email
import email.policy
import email.utils
import time
from email.header import decode_header, make_header
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.message import (
    Field,
    HeaderBlock,
    NotDowngradable,
    WordEncoder,
    compose_field,
    decode_words,
    downgrade_field,
    fold_field,
    format_parameter,
    parse_disposition,
    parse_media_type,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)


@pytest.mark.parametrize(
    ("value", "name", "parameters"),
    [
        ("text/plain", "text/plain", {}),
        ("TEXT / Plain ; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        ('a/b; x="1;2"; y="q\\"q"', "a/b", {"x": "1;2", "y": 'q"q'}),
        ("a/b (comment; here=1); x=1 (and here)", "a/b", {"x": "1"}),
        ("a/b; x*0=one; x*1=two", "a/b", {"x": "onetwo"}),
        ("a/b; x*1=two; x*0=one", "a/b", {"x": "onetwo"}),
        ("a/b; x*=utf-8''%C3%BC", "a/b", {"x": "ü"}),
        ("a/b; x*0*=utf-8'de'%C3; x*1*=%BC; x*2=z", "a/b", {"x": "üz"}),
        ("a/b; x*=iso-8859-1''%FC; x=plain", "a/b", {"x": "ü"}),
        ("a/b; x=1; x=2", "a/b", {"x": "1"}),
        ("a/b; x*1=lost", "a/b", {}),
        ("a/b; ; =; x; y=", "a/b", {"y": ""}),
        ('a/b; name="=?utf-8?q?=C3=BC?="', "a/b", {"name": "ü"}),
        ("a/b; x*=nonsense''%C3%BC", "a/b", {"x": "ü"}),
    ],
)
def test_parameters_are_read(value: str, name: str, parameters: dict[str, str]) -> None:
    read = parse_media_type(value)
    assert (read.name, dict(read.parameters)) == (name, parameters)


def test_a_disposition_is_read() -> None:
    found = parse_disposition('ATTACHMENT; filename="a b.txt"')
    assert found is not None
    assert (found.kind, found.filename) == ("attachment", "a b.txt")
    assert parse_disposition("") is None


@given(TEXTS)
def test_what_is_written_as_a_parameter_is_read_back(value: str) -> None:
    words = ["a/b;", *format_parameter("x", value)]
    field = compose_field("Content-Type", words)
    assert field.isascii()
    assert parse_media_type(HeaderBlock.parse(field).get("Content-Type")).parameters["x"] == value
    theirs: Message = email.message_from_bytes(field + b"\r\n")
    got = theirs.get_param("x")
    assert email.utils.collapse_rfc2231_value(got) == value  # type: ignore[arg-type]


@given(TEXTS, st.sampled_from(["", "de", "zh-Hant"]))
def test_encoded_words_say_what_was_meant(text: str, language: str) -> None:
    encoded = WordEncoder(language=language).encode_where_needed(text)
    assert encoded.isascii()
    assert all(len(word) <= 75 for word in encoded.split() if word.startswith("=?"))
    if "=?" not in text and text == text.strip(" "):
        assert decode_words(encoded) == text
        if not language:
            assert str(make_header(decode_header(encoded))).split() == text.split()


@given(TEXTS)
def test_a_folded_field_unfolds_to_what_it_was(value: str) -> None:
    folded = fold_field("Subject", value)
    assert HeaderBlock.parse(folded).fields == (Field(folded, "Subject"),)
    assert HeaderBlock.parse(folded).fields[0].raw_value == value.encode().strip(b" \t\r\n")


def downgraded(raw: str) -> str:
    octets = downgrade_field(Field.of(raw.encode() + b"\r\n"))
    assert octets.isascii()
    return octets.decode().removesuffix("\r\n")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Subject: plain", "Subject: plain"),
        ("Subject: Grüße aus  Köln", "Subject: =?utf-8?b?R3LDvMOfZQ==?= aus  =?utf-8?b?S8O2bG4=?="),
        ("From: Jürgen <j@a.org>", "From: =?utf-8?q?J=C3=BCrgen?= <j@a.org>"),
        ('To: "Ü, Ü" <a@b.org>, c@d.org', "To: =?utf-8?b?w5wsIMOc?= <a@b.org>, c@d.org"),
        ("To: a@bücher.example (Büro)", "To: a@xn--bcher-kva.example (=?utf-8?b?QsO8cm8=?=)"),
        ("Cc: Grüppe: a@b.org, <c@ü.de>;", "Cc: =?utf-8?q?Gr=C3=BCppe?= : a@b.org, <c@xn--tda.de>;"),
        (
            "Received: from a by b for <jürgen@c.org>; Thu, 1 Jan 2026 00:00:00 +0000",
            "Received: from a by b ; Thu, 1 Jan 2026 00:00:00 +0000",
        ),
        (
            "Content-Disposition: attachment; filename=ü",
            "Content-Disposition: attachment; filename*=utf-8''%C3%BC",
        ),
        ("X-Own: größer", "X-Own: =?utf-8?b?Z3LDtsOfZXI=?="),
    ],
)
def test_a_field_is_said_in_ascii(raw: str, expected: str) -> None:
    assert downgraded(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "From: jürgen@example.org",
        "To: A <ü@example.org>",
        'To: "ü"@example.org',
        "Message-ID: <ü@example.org>",
        'To: "ü never closed',
        "To: a@ü..de",
        "no field, ü",
    ],
)
def test_what_ascii_cannot_say_is_not_said_otherwise(raw: str) -> None:
    with pytest.raises(NotDowngradable):
        downgraded(raw)


@given(st.sampled_from(["From", "Subject", "Received", "Content-Type", "To", "X"]), st.binary(max_size=60))
def test_any_field_is_ascii_afterwards_or_refused(name: str, octets: bytes) -> None:
    block = HeaderBlock.parse(name.encode() + b": " + octets + b"\r\n")
    for field in block.fields:
        try:
            octets = downgrade_field(field)
        except NotDowngradable:
            continue
        assert octets.isascii()
        assert len(HeaderBlock.parse(octets).fields) == 1


def test_a_field_costs_no_more_than_its_octets() -> None:
    begun = time.process_time()
    for value in ("ü " * 100_000, "(" * 200_000 + "ü", "ü<" * 50_000, '"' + "\\" * 200_000 + "ü"):
        for name in ("Subject", "From", "Content-Type", "Received"):
            try:
                downgraded(f"{name}: {value}")
            except NotDowngradable:
                continue
    assert time.process_time() - begun < 60
