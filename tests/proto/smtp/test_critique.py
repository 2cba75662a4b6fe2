"""Replies as anybody may send them: read however they are cut, and judged by their clauses."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.proto.smtp import (
    CONNECTED,
    CONTENT,
    HELLOS,
    RESPONSE,
    BadReply,
    Heard,
    HeardReader,
    Scene,
    critique,
    keyword_of,
)
from postel.testing.transcript import Mismatch, SmtpRole, Transcript, WholeLines, read_transcripts

TRANSCRIPTS = read_transcripts(Path(__file__).parents[2] / "transcripts" / "smtp")


def heard(*pieces: bytes) -> list[Heard]:
    reader, found = HeardReader(), []
    for piece in pieces:
        reader.receive(piece)
        while (reply := reader.next_reply()) is not None:
            found.append(reply)
    return found


def only(data: bytes) -> Heard:
    (reply,) = heard(data)
    return reply


OCTETS = st.lists(
    st.sampled_from(
        [b"250", b" ", b"-", b"\r\n", b"\n", b"\r", b"5.1.1 ", b"no", b"\xff", b"999", b"x" * 600]
    )
).map(b"".join)


@given(OCTETS, st.integers(0, 50), st.integers(0, 50))
def test_replies_are_the_same_however_they_are_cut(data: bytes, first: int, second: int) -> None:
    a, b = sorted((first, second))
    assert heard(data[:a], data[a:b], data[b:]) == heard(data)
    for reply in heard(data):
        assert all(text.isprintable() for text in reply.texts)
        for verb in ("EHLO", "MAIL", CONNECTED, CONTENT, "FOO"):
            critique(verb, reply, Scene(frozenset({"ENHANCEDSTATUSCODES"})))


def test_a_reply_without_an_end_is_given_up() -> None:
    reader = HeardReader()
    with pytest.raises(BadReply):
        for _ in range(200):
            reader.receive(b"250-" + b"x" * 500 + b"\r\n")
            assert reader.next_reply() is None


# What is wrong in a place, and what is not

WITH_STATUS = Scene(frozenset({"ENHANCEDSTATUSCODES"}))
IN_TLS = Scene(is_tls=True)
CASES: list[tuple[str, bytes, Scene, str]] = [
    ("MAIL", b"250 2.1.0 ok\r\n", WITH_STATUS, ""),
    ("MAIL", b"250 ok\r\n", WITH_STATUS, "2034 4"),
    ("MAIL", b"250 ok\r\n", Scene(), ""),
    ("DATA", b"354 go on\r\n", WITH_STATUS, ""),
    ("DATA", b"354 2.0.0 go on\r\n", WITH_STATUS, "2034 4"),
    ("DATA", b"250 2.0.0 fine\r\n", WITH_STATUS, "5321 4.3.2"),
    ("HELP", b"214-2.0.0 a\r\n214 5.0.0 b\r\n", WITH_STATUS, "2034 4"),
    ("RCPT", b"541 really not\r\n", Scene(), ""),
    ("RCPT", b"500 what?\r\n", Scene(), "5321 4.5.1"),
    ("VRFY", b"502 not here\r\n", Scene(), "5321 4.5.1"),
    ("EXPN", b"502 not here\r\n", Scene(), ""),
    ("RCPT", b"500 line too long\r\n", Scene(), ""),
    ("NOOP", b"421 4.3.2 mx.example.org bye\r\n", WITH_STATUS, ""),
    ("NOOP", b"421 4.3.2 (bye)\r\n", WITH_STATUS, "5321 4.2.3"),
    (CONNECTED, b"220 [192.0.2.1] ready\r\n", Scene(), ""),
    (CONNECTED, b"220\r\n", Scene(), "5321 4.2"),
    ("EHLO", b"250-mx.example.org\r\n250 SIZE 10 20\r\n", Scene(), "1870 3"),
    ("EHLO", b"250-mx.example.org\r\n250 STARTTLS\r\n", IN_TLS, "3207 4.2"),
    ("EHLO", b"250-mx.example.org\r\n250 AUTH PLAIN\r\n", Scene(), "4954 4"),
    ("EHLO", b"250-mx.example.org\r\n250 AUTH PLAIN\r\n", IN_TLS, ""),
    ("EHLO", b"250-mx.example.org\r\n250 AUTH PLAIN\r\n", Scene(is_local=True), ""),
    ("EHLO", b"250-mx.example.org\r\n250-AUTH CRAM-MD5\r\n250 AUTH=CRAM-MD5\r\n", Scene(), ""),
    ("EHLO", b"250-mx.example.org\r\n250 REQUIRETLS\r\n", Scene(), "8689 2"),
    ("EHLO", b"250-mx.example.org\r\n250 BINARYMIME\r\n", Scene(), "3030 3"),
    ("EHLO", b"250-mx.example.org\r\n250 TIME\r\n", Scene(), "5321 2.2.2"),
    ("EHLO", b"250-mx.example.org\r\n250 XTIME\r\n", Scene(), ""),
    ("EHLO", b"250-mx.example.org\r\n250 a_b\r\n", Scene(), "5321 4.1.1.1"),
    ("EHLO", b"250 mx.example.org\r\n", Scene(), ""),
    ("MAIL", b"150 hm\r\n", Scene(), "5321 4.2.1"),
    ("MAIL", b"260 hm\r\n", Scene(), "5321 4.2.1"),
    ("MAIL", b"250_hm\r\n", Scene(), "5321 4.2.1"),
    ("MAIL", b"250 \xc3\xa4\r\n", Scene(), "5321 4.2.1"),
    ("MAIL", b"250 a\rb\r\n", Scene(), "5321 2.3.8"),
    ("AUTH", b"334 " + b"x" * 2000 + b"\r\n", WITH_STATUS, ""),
]


@pytest.mark.parametrize(("verb", "data", "scene", "clause"), CASES)
def test_a_reply_is_judged_by_its_clause(verb: str, data: bytes, scene: Scene, clause: str) -> None:
    reply = only(data)
    found = {complaint.rfc for complaint in (*reply.complaints, *critique(verb, reply, scene))}
    assert (clause in found) if clause else not found, found


# Our own server


class Tap:
    """The server machine of a role, and every octet that it has said."""

    def __init__(self, talk: Any, said: list[bytes]) -> None:
        self._talk, self._said = talk, said

    def __getattr__(self, name: str) -> Any:
        return getattr(self._talk, name)

    def data_to_send(self) -> bytes:
        data: bytes = self._talk.data_to_send()
        self._said.append(data)
        return data


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)
def test_nothing_that_our_server_says_in_a_transcript_is_wrong(transcript: Transcript) -> None:
    """RFC 2034 4: every reply carries a status, but for the greeting and the answers to EHLO, HELO and LHLO."""
    said: list[bytes] = []

    def role(settings: Any) -> SmtpRole:
        made = SmtpRole(settings)
        made.talk = Tap(made.talk, said)  # type: ignore[assignment]
        return made

    with suppress(Mismatch):  # whether it plays as written is asked elsewhere
        WholeLines().play(transcript, role)
    for place, reply in enumerate(heard(b"".join(said))):
        if "utf" not in transcript.name:
            assert reply.complaints == ()
        if place == 0 or reply.code in (50, 334, 353, 354, 355) or _is_hello(reply):
            continue
        assert critique("any", reply, WITH_STATUS) == [], reply.lines


def _is_hello(reply: Heard) -> bool:
    """The answer to EHLO begins with our name; a refusal of it carries no status either."""
    return reply.texts[0].startswith("mx.example.org") or reply.lines[0] in _HELLO_REFUSALS


_HELLO_REFUSALS = {
    b"501 Say your domain or address literal",
    b"550 Not you",
    b"554 No",
}  # the last to XCLIENT, which is a greeting anew


def test_the_table_names_what_stands_in_place_of_verbs() -> None:
    assert {CONNECTED, CONTENT, RESPONSE}.isdisjoint(HELLOS)
    assert keyword_of("size 100 b") == ("SIZE", ["100", "b"])
