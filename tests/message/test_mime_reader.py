"""The MIME reader: offsets, structure, and what it makes of messages that nobody should write."""

from __future__ import annotations

import email
import email.message
import email.policy
import time
from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from postel.message import MimeIndex, MimeLimits, MimeReader, Part, read_mime

NESTED = (
    b"From: a@b.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n"
    b"This is a preamble.\r\n"
    b'--outer\r\nContent-Type: multipart/alternative;\r\n boundary="in ner"\r\n\r\n'
    b"--in ner\r\n\r\nplain\r\n--in ner  \r\nContent-Type: text/html\r\n\r\n<p>\r\n\r\n--in ner--\r\nafter\r\n"
    b"--outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: inside\r\n\r\nhello\r\nthere\r\n"
    b"--outer\r\nContent-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: BASE64\r\n"
    b"Content-Disposition: attachment; filename*=utf-8''%C3%BC.bin\r\n\r\nAAAA\r\n--outer--\r\nepilogue\r\n"
)


def body(content: bytes, part: Part | None) -> bytes:
    assert part is not None
    return content[part.body_start : part.end]


def in_pieces(content: bytes, size: int, limits: MimeLimits | None = None) -> MimeIndex:
    reader = MimeReader(limits)
    for start in range(0, len(content), size):
        reader.feed(content[start : start + size])
    return reader.finish()


def seen(index: MimeIndex) -> list[object]:
    """What two readings of a content must have in common."""
    return [
        (p.start, p.body_start, p.end, p.media_type.name, p.encoding, p.lines, len(p.children), p.fields,
         p.facts.size_bytes, p.facts.domain, p.facts.escapes, p.facts.lines, p.facts.is_utf8,
         p.preamble and (p.preamble.start, p.preamble.end, p.preamble.facts.domain),
         p.epilogue and (p.epilogue.start, p.epilogue.end, p.epilogue.facts.domain))
        for p in index.walk()
    ] + [index.is_whole]  # fmt: skip


def test_the_parts_of_a_message_lie_where_the_index_says() -> None:
    index = read_mime(NESTED)
    assert [part.media_type.name for part in index.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "message/rfc822", "text/plain",
        "application/octet-stream",
    ]  # fmt: skip
    assert body(NESTED, index.section(1, 1)) == b"plain"
    assert body(NESTED, index.section(1, 2)) == b"<p>\r\n"
    assert body(NESTED, index.section(2)) == b"Subject: inside\r\n\r\nhello\r\nthere"
    assert body(NESTED, index.section(2, 1)) == b"hello\r\nthere"
    assert body(NESTED, index.section(3)) == b"AAAA"
    assert index.section(4) is index.section(3, 1) is index.section(2, 2) is index.section(0) is None
    assert index.section() is index.root
    attachment = index.section(3)
    assert attachment is not None
    assert (attachment.encoding, attachment.filename) == ("base64", "ü.bin")


def test_preamble_and_epilogue_are_known() -> None:
    root = read_mime(NESTED).root
    assert root.preamble is not None
    assert NESTED[root.preamble.start : root.preamble.end] == b"This is a preamble.\r\n"
    assert root.epilogue is not None
    assert NESTED[root.epilogue.start : root.epilogue.end] == b"epilogue\r\n"


def test_line_ends_are_counted_as_imap_counts_them() -> None:
    index = read_mime(NESTED)
    message = index.section(2)
    assert message is not None
    assert message.lines == 3
    assert index.root.lines == NESTED.partition(b"\r\n\r\n")[2].count(b"\n")
    assert index.root.size_bytes == len(NESTED.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_pieces_of_any_size_give_the_same_index(size: int) -> None:
    assert seen(in_pieces(NESTED, size)) == seen(read_mime(NESTED))


def test_a_message_without_any_field_of_mime_is_plain_text() -> None:
    # RFC 2045 5.2
    part = read_mime(b"Subject: x\r\n\r\nhello\r\n").root
    assert (part.media_type.name, part.media_type.parameters["charset"]) == ("text/plain", "us-ascii")
    assert part.is_leaf


@pytest.mark.parametrize(
    "field", [b"Content-Type: text", b"Content-Type: ; charset=x", b"Content-Type:", b"Content-Type: a/b/c"]
)
def test_a_type_that_is_none_is_plain_text(field: bytes) -> None:
    assert read_mime(field + b"\r\n\r\nx").root.media_type.name == "text/plain"


@pytest.mark.parametrize(
    "parameter",
    [b"", b"; boundary=", b'; boundary=""', b"; boundary=never"],
    ids=["no boundary", "an empty one", "quotes around nothing", "one that never comes"],
)
def test_a_multipart_without_its_boundary_is_a_leaf(parameter: bytes) -> None:
    content = b"Content-Type: multipart/mixed" + parameter + b"\r\n\r\n--x\r\n\r\ntext\r\n--x--\r\n"
    root = read_mime(content).root
    assert root.is_leaf
    assert root.facts.size_bytes == root.size_bytes


def test_a_multipart_that_is_not_closed_ends_with_what_is_around_it() -> None:
    # RFC 2046 5.1.2
    content = (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\none\r\n--a\r\n\r\ntwo"
    )
    index = read_mime(content)
    assert body(content, index.section(1, 1)) == b"one"
    assert body(content, index.section(2)) == b"two"


def test_a_header_that_a_boundary_cuts_short_has_an_empty_body() -> None:
    head = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
    content = head + b"--a\r\nContent-Type: image/png\r\n--a\r\n\r\nx\r\n--a--"
    index = read_mime(content)
    assert [part.media_type.name for part in index.root.children] == ["image/png", "text/plain"]
    assert body(content, index.section(1)) == b""


def test_the_parts_of_a_digest_are_messages() -> None:
    # RFC 2046 5.1.5
    content = (
        b"Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nSubject: x\r\n\r\none\r\n--a--\r\n"
    )
    index = read_mime(content)
    assert body(content, index.section(1, 1)) == b"one"


def test_a_boundary_that_begins_as_the_one_around_it_does_not_end_that() -> None:
    content = (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n"
        b"--ab\r\n\r\none\r\n--ab--\r\n--a--\r\n"
    )
    assert body(content, read_mime(content).section(1, 1)) == b"one"


def test_a_boundary_that_ends_in_dashes_is_told_from_an_end() -> None:
    content = b"Content-Type: multipart/mixed; boundary=a--\r\n\r\n--a--\r\n\r\none\r\n--a--\r\n\r\ntwo\r\n--a----\r\n"
    index = read_mime(content)
    assert [body(content, part) for part in index.root.children] == [b"one", b"two"]


def test_a_message_that_is_encoded_is_not_looked_into() -> None:
    # RFC 6532 3.7 lets message/global be encoded.
    content = b"Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA==\r\n"
    assert read_mime(content).root.is_leaf


def test_a_message_may_end_where_the_one_in_it_would_begin() -> None:
    index = read_mime(b"Content-Type: message/rfc822")
    assert [(part.start, part.body_start, part.end) for part in index.walk()] == [(0, 28, 28), (28, 28, 28)]


def test_lines_may_end_in_a_bare_lf() -> None:
    content = NESTED.replace(b"\r\n", b"\n")
    index = read_mime(content)
    assert body(content, index.section(1, 2)) == b"<p>\n"
    assert len(list(index.walk())) == 7


def nest(depth: int) -> bytes:
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth)
    )
    return head + b"\r\ninnermost"


def test_beyond_the_limit_of_depth_nothing_is_looked_into() -> None:
    index = read_mime(nest(500), MimeLimits(depth=10))
    assert len(list(index.walk())) == 11
    assert not index.is_whole
    assert read_mime(nest(9), MimeLimits(depth=10)).is_whole


def test_beyond_the_limit_of_parts_the_last_part_takes_the_rest() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100
    index = read_mime(content, MimeLimits(parts=10))
    assert len(list(index.walk())) == 10
    assert not index.is_whole
    assert index.root.children[-1].end == len(content)


def test_a_header_beyond_its_limit_is_stepped_over() -> None:
    content = b"X: " + b"y" * 5000 + b"\r\nContent-Type: image/png\r\n\r\nbody"
    index = read_mime(content, MimeLimits(header_bytes=100))
    assert body(content, index.root) == b"body"
    assert not index.is_whole


def test_fields_beyond_their_limit_are_not_kept() -> None:
    part = b"--b\r\nContent-Description: " + b"y" * 500 + b"\r\n\r\nx\r\n"
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 100
    index = read_mime(content, MimeLimits(kept_bytes=2000))
    assert sum(len(field.raw) for part in index.walk() for field in part.fields) <= 2000
    assert not index.is_whole


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"\r\n--" * 250_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 200_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"\n" * 1_000_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 30_000,
        b"X" * 1_000_000,
        b"\r\n" + b"x" * 1_000_000,
        b"Content-Type: a/b" + b";a=b" * 250_000,
        b"Content-Type: a/b;a=" + b"(" * 250_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--" + b" " * 1_000_000,
    ],
)
def test_nasty_octets_cost_no_more_than_their_number(content: bytes) -> None:
    begun = time.process_time()
    in_pieces(content, 4096)
    assert time.process_time() - begun < 30  # a square of a million would be hours


# -- the oracle --------------------------------------------------------------------------------------------

# After a boundary comes an empty line, since a line that is no field ends a header for the standard library.
LINES = st.sampled_from(
    [b"", b"text", b"--", b"---", b"-- ", b"--a\r\n", b"--a--", b"--b\r\n", b"--b--", b"--a \r\n", b"x" * 80,
     b"\xc3\xbc", b"--a--x", b".", b"From x", b" --a", b"--A"]
)  # fmt: skip
TYPES = st.sampled_from(
    [b"text/plain", b"text/html; charset=utf-8", b"multipart/mixed; boundary=a", b'multipart/mixed; boundary="b"',
     b"multipart/alternative; boundary=a", b"message/rfc822\r\n\r\nSubject: inside", b"image/png",
     b"multipart/mixed", b"multipart/mixed; boundary=ab"]
)  # fmt: skip


@st.composite
def entities(draw: st.DrawFn) -> bytes:
    """Lines in which headers and boundaries come in any order."""
    blocks = [b"Content-Type: " + draw(TYPES) + b"\r\n\r\n"]
    for _ in range(draw(st.integers(0, 12))):
        if draw(st.booleans()):
            blocks.append(draw(st.sampled_from([b"--a\r\n", b"--b\r\n", b"--ab\r\n"])))
            blocks.append(b"Content-Type: " + draw(TYPES) + b"\r\n" + b"\r\n")
        blocks.append(b"\r\n".join(draw(st.lists(LINES, max_size=4))) + b"\r\n")
    return b"".join(blocks)


def leaves(message: email.message.Message) -> Iterator[tuple[str, bytes]]:
    for part in message.walk():
        if not part.is_multipart():
            payload = part.__dict__["_payload"]  # as it stands: get_payload() would decode it
            assert isinstance(payload, str)
            octets = payload.encode("ascii", "surrogateescape")
            # A multipart without parts is no multipart: what is made of its octets is everybody's own business.
            yield part.get_content_type(), b"" if part.get_content_maintype() == "multipart" else octets


@given(entities())
@settings(max_examples=300)
def test_the_standard_library_finds_the_same_leaves(content: bytes) -> None:
    index = read_mime(content)
    assume(not has_a_boundary_twice(index.root, frozenset()))
    assume(not any(is_closed_before_it_opens(content, part) for part in index.walk()))
    ours = [
        (part.media_type.name, b"" if part.media_type.type == "multipart" else body(content, part))
        for part in index.walk()
        if part.is_leaf
    ]
    theirs = list(leaves(email.message_from_bytes(content)))
    # Of a part that nothing closes it drops the last line ends; which is last is in doubt only there.
    assert [*ours[:-1], without_end(ours[-1])] == [*theirs[:-1], without_end(theirs[-1])]


def has_a_boundary_twice(part: Part, around: frozenset[str]) -> bool:
    """Whether a multipart is within one of the same boundary: then nobody can tell whose it is."""
    own = part.media_type.boundary
    return own in around or any(has_a_boundary_twice(c, around | {own} - {""}) for c in part.children)


def is_closed_before_it_opens(content: bytes, part: Part) -> bool:
    """We go on looking for its parts; the standard library does not."""
    preamble = content[part.preamble.start : part.preamble.end] if part.preamble else b""
    return f"--{part.media_type.boundary}--".encode() in preamble


def without_end(leaf: tuple[str, bytes]) -> tuple[str, bytes]:
    return leaf[0], leaf[1].rstrip(b"\r\n")


@given(st.one_of(entities(), st.binary(max_size=300)), st.integers(1, 40))
@settings(max_examples=300)
def test_any_split_of_any_content_gives_the_same_index(content: bytes, size: int) -> None:
    assert seen(in_pieces(content, size)) == seen(read_mime(content))


@given(st.one_of(entities(), st.binary(max_size=300)))
@settings(max_examples=300)
def test_parts_lie_within_what_they_are_part_of(content: bytes) -> None:
    index = read_mime(content)
    assert index.size_bytes == len(content)
    for part in index.walk():
        assert part.start <= part.body_start <= part.end
        at = part.body_start
        for child in part.children:
            assert at <= child.start
            at = child.end
        assert at <= part.end
        assert part.lines == content[part.body_start : part.end].count(b"\n")


def test_a_message_that_the_standard_library_wrote_is_read_back() -> None:
    letter = email.message.EmailMessage(policy=email.policy.SMTP)
    letter["Subject"] = "Grüße"
    letter.set_content("Grüße\n")
    letter.add_alternative("<p>Grüße</p>\n", subtype="html")
    letter.add_attachment(b"\0\1\2" * 100, maintype="image", subtype="png", filename="Bild für dich.png")
    content = bytes(letter)
    index = read_mime(content)
    assert [part.media_type.name for part in index.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "image/png",
    ]  # fmt: skip
    picture = index.section(2)
    assert picture is not None
    assert picture.filename == "Bild für dich.png"
