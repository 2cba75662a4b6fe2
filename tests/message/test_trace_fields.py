"""message.trace: Received and Return-Path."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import LocalPart, Mailbox, ReversePath, parse_domain, parse_forward_path, parse_reverse_path
from postel.message import (
    HeaderBlock,
    TraceFacts,
    compose_received,
    compose_return_path,
    parse_date,
    with_protocol,
)

FACTS = TraceFacts(
    hello_name="mx.example.net",
    client_ip=ip_address("192.0.2.1"),
    client_name="pluto.free.org",
    hostname="mail.drag.net",
    protocol="ESMTPS",
    queue_id="0abcd",
    received_at=1767225600,
    recipient=parse_forward_path("<kitt@free.org>"),
    tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
)


def value(facts: TraceFacts) -> str:
    """Unfolded, blanks made one."""
    return " ".join((HeaderBlock.parse(compose_received(facts)).get("Received") or "").split())


def test_it_says_from_by_with_id_for_and_when() -> None:
    assert value(FACTS) == (
        "from mx.example.net (pluto.free.org [192.0.2.1]) by mail.drag.net with ESMTPS "
        "(TLSv1.3 TLS_AES_256_GCM_SHA384) id 0abcd for <kitt@free.org>; Thu, 01 Jan 2026 00:00:00 +0000"
    )


def test_its_lines_are_short() -> None:
    assert all(len(line) <= 78 for line in compose_received(FACTS).split(b"\r\n"))


def test_without_a_name_from_dns_only_the_address_stands_in_the_comment() -> None:
    assert "from mx.example.net ([192.0.2.1]) by" in value(replace(FACTS, client_name=None))


def test_several_recipients_are_not_named() -> None:
    assert value(replace(FACTS, recipient=None)).endswith("id 0abcd; Thu, 01 Jan 2026 00:00:00 +0000")


def test_an_ipv6_client_is_named_as_an_address_literal() -> None:
    assert "([IPv6:2001:db8::1])" in value(
        replace(FACTS, client_ip=ip_address("2001:db8::1"), client_name=None)
    )


def test_a_hello_with_an_address_literal_stays_one() -> None:
    assert value(replace(FACTS, hello_name="[192.0.2.9]")).startswith("from [192.0.2.9] (pluto")


def test_a_hello_with_an_underscore_is_repeated() -> None:
    assert value(replace(FACTS, hello_name="my_pc")).startswith("from my_pc (pluto")


def test_a_hello_that_is_no_name_goes_into_a_comment() -> None:
    text = value(replace(FACTS, hello_name="evil)\r\nX-Evil: (yes"))
    assert text.startswith("from [192.0.2.1] (pluto.free.org [192.0.2.1]) (hello evil???X-Evil: ?yes) by")


def test_an_internationalised_hello_is_written_in_ascii() -> None:
    assert value(replace(FACTS, hello_name="bücher.example")).startswith("from xn--bcher-kva.example (")


def test_a_local_program_has_no_from_clause() -> None:
    facts = replace(FACTS, hello_name=None, client_ip=None, client_name=None, tls="", protocol="local")
    assert value(facts).startswith("by mail.drag.net with local id 0abcd")


def test_a_unix_socket_is_local() -> None:
    facts = replace(FACTS, client_ip=None, client_name=None)
    assert value(facts).startswith("from mx.example.net (local) by")
    assert value(replace(facts, hello_name="?")).startswith("from localhost (local) (hello ?) by")


def test_an_internationalised_recipient_is_named_only_with_smtputf8() -> None:
    recipient = parse_forward_path("<jürgen@free.org>")
    assert "for" not in value(replace(FACTS, recipient=recipient)).split()
    assert "for <jürgen@free.org>;" in value(replace(FACTS, recipient=recipient, asks_smtputf8=True))


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=50), st.text(min_size=1, max_size=50))
def test_nothing_a_stranger_says_breaks_out(hello: str, name: str, tls: str, local: str) -> None:
    recipient = parse_forward_path("<a@b.org>")
    recipient = replace(recipient, mailbox=Mailbox(LocalPart(local), parse_domain("b.org")))
    field = compose_received(
        replace(FACTS, hello_name=hello, client_name=name, tls=tls, recipient=recipient, asks_smtputf8=True)
    )
    block = HeaderBlock.parse(field)
    assert [one.name for one in block.fields] == ["Received"]
    assert field.endswith(b"Thu, 01 Jan 2026 00:00:00 +0000\r\n")
    assert field.count(b"\n") == field.count(b"\r\n") == field.count(b"\r")
    assert all(len(line) <= 998 for line in field.split(b"\r\n"))
    before_for = " ".join(block.fields[0].value.split()).partition(" for <")[0]
    assert before_for.count("(") == before_for.count(")")
    assert parse_date(block.fields[0].value.rpartition(";")[2]) == 1767225600


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"is_extended": False}, "SMTP"),
        ({}, "ESMTP"),
        ({"is_tls": True}, "ESMTPS"),
        ({"is_authenticated": True}, "ESMTPA"),
        ({"is_tls": True, "is_authenticated": True}, "ESMTPSA"),
        ({"is_lmtp": True}, "LMTP"),
        ({"is_lmtp": True, "is_tls": True, "is_authenticated": True}, "LMTPSA"),
        ({"asks_smtputf8": True}, "UTF8SMTP"),
        ({"asks_smtputf8": True, "is_tls": True, "is_authenticated": True}, "UTF8SMTPSA"),
        ({"asks_smtputf8": True, "is_lmtp": True, "is_tls": True}, "UTF8LMTPS"),
        ({"is_extended": False, "is_tls": True}, "SMTP"),
    ],
)
def test_the_registered_name_of_the_protocol(facts: dict[str, bool], name: str) -> None:
    assert with_protocol(**facts) == name


def test_the_return_path_is_the_reverse_path_in_brackets() -> None:
    assert compose_return_path(parse_reverse_path("<frito@drag.net>")) == b"Return-Path: <frito@drag.net>\r\n"
    assert compose_return_path(ReversePath.NULL) == b"Return-Path: <>\r\n"
