"""Make a message fit for a next hop that takes less than it needs: planned from its index, done while it streams.

Implements  RFC 6152 3 (8-bit to 7-bit: no information lost, valid MIME), RFC 3030 3 (binary likewise), RFC 5321
            4.5.3.1.6 (lines of 998 octets), RFC 6531 3.2 (header sections in ASCII), RFC 2045 6.4 (no encoding on
            multiparts and messages: what is in them is converted), RFC 6532 3.7 (message/global), RFC 1847 2.1 (what
            is signed stays).
Gives       Carriage, Conversion, plan_conversion, keeps_for_conversion, CannotConvert.
Not here    When it is done: delivery. Header fields in ASCII: downgrading. The octets: encoders, edits.

Two passes: a MimeReader with `keeps_for_conversion` reads the content, and the plan is made from its index; then the
content streams through `Conversion.editor()`. What fits already goes through octet for octet.

    text parts              quoted-printable; base64 where that is shorter
    other leaves            base64; base64 with over-long lines is only wrapped
    multipart, message      their parts are converted, and their own Content-Transfer-Encoding says what is true now
    message/global          its header becomes ASCII and its type message/rfc822; base64 where that cannot be
    multipart/signed        the signed part is never touched: if it does not fit, the message cannot be converted
    other message/ types    never encoded (RFC 2045 6.4): the same
    preamble, epilogue      left out when they do not fit (RFC 2046 5.1.1: they are to be ignored)

DKIM (RFC 6376 5.3) signs the body as it is on the wire, so any conversion breaks its signatures. The plan names
them, or refuses where `may_break_signatures` is false. Lines that are only too long are left in such a message: nearly
all servers take them, and none has to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from postel.message.body_facts import LINE_LIMIT, BodyFacts, OctetDomain
from postel.message.decoders import QuotedPrintableDecoder, Transform
from postel.message.downgrading import NotDowngradable, downgrade_field
from postel.message.edits import Chain, Drop, Edit, Editor, HeaderEdit, LastLine
from postel.message.encoders import Base64Encoder, Base64Wrapper, QuotedPrintableEncoder
from postel.message.fields import clean_comment, clean_word, compose_field
from postel.message.header import Field
from postel.message.mime_fields import parse_parameterized
from postel.message.mime_index import MimeIndex, Part, Stretch
from postel.message.mime_reader import IDENTITIES, describes_content
from postel.message.word_encoding import fold_field

SHORT_TEXT: Final = 256  # octets

_SIGNATURES: Final = frozenset({"dkim-signature", "arc-seal"})
# RFC 6532 3.7, RFC 6533 4 and 6: of all message types only these may be encoded.
_ENCODABLE_MESSAGES: Final = frozenset(
    {"global", "global-delivery-status", "global-headers", "global-disposition-notification"}
)


@dataclass(frozen=True, slots=True)
class Carriage:
    """What a hop can carry.

    domain          the octets of content: 8bit with 8BITMIME, binary with BINARYMIME and CHUNKING.
    takes_utf8      whether header fields may hold UTF-8: SMTPUTF8.
    takes_long_lines    whether lines may have any length.
    """

    domain: OctetDomain
    takes_utf8: bool = False
    takes_long_lines: bool = False


class CannotConvert(Exception):
    """The message cannot be made to fit. The text says why, for the log and the report.

    is_about_utf8   it is the header that cannot be said in ASCII (status 5.6.7), else the content (5.6.3).
    """

    def __init__(self, because: str, *, is_about_utf8: bool = False) -> None:
        super().__init__(because)
        self.is_about_utf8 = is_about_utf8


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A plan.

    edits               none: the content fits as it is.
    needed              what the content needed before.
    domain              what its octets are afterwards.
    signing_domains     whose signatures do not verify any more; empty when none is broken.
    """

    edits: tuple[Edit, ...]
    needed: OctetDomain
    domain: OctetDomain
    signing_domains: tuple[str, ...] = ()

    def editor(self) -> Editor:
        """To stream the content through, once."""
        return Editor(self.edits)


def keeps_for_conversion(field: Field) -> bool:
    """The fields that a plan is made from: MIME's, signatures, and those that may have to change."""
    return (
        describes_content(field)
        or field.name.lower() in _SIGNATURES
        or not field.raw.isascii()
        or _is_over_long(field)
    )


def plan_conversion(
    index: MimeIndex,
    to: Carriage,
    *,
    is_internationalised: bool = False,
    may_break_signatures: bool = True,
    hostname: str = "",
    queue_id: str = "",
) -> Conversion:
    """The plan by which a content fits. Raises CannotConvert.

    index                   made with `keeps_for_conversion`.
    is_internationalised    the message came with SMTPUTF8; UTF-8 in the header of any other is a mistake that every
                            8-bit hop passes on.
    hostname, queue_id      who converts which message: a converted one says so on top. "" says nothing.
    """
    planner = _Planner(index, to, is_internationalised=is_internationalised)
    planner.plan()
    conversion = planner.conversion()
    if conversion.signing_domains and not may_break_signatures:
        raise CannotConvert("its signature would not verify any more")
    if hostname and conversion.edits:
        planner.note(_trace(conversion, hostname, queue_id))
        return planner.conversion()
    return conversion


@dataclass(slots=True)
class _HeaderPlan:
    """What is to change in one header."""

    replaced: dict[bytes, bytes] = field(default_factory=dict)
    encoding: str | None = None
    appended: bytes = b""

    @property
    def is_needed(self) -> bool:
        return bool(self.replaced or self.encoding or self.appended)


class _Planner:
    def __init__(self, index: MimeIndex, to: Carriage, *, is_internationalised: bool) -> None:
        self._index = index
        self._to = to
        signatures = [field for field in index.root.fields if field.name.lower() in _SIGNATURES]
        self._signing_domains = tuple(dict.fromkeys(_signing_domain(field) for field in signatures))
        self._leaves_long_lines = to.takes_long_lines or bool(signatures)
        self._wants_ascii_header = not to.takes_utf8 and (
            is_internationalised or to.domain is OctetDomain.SEVEN_BIT
        )
        self._folds_long_lines = to.domain < OctetDomain.BINARY and not self._leaves_long_lines
        self._edits: list[Edit] = []
        self._needed = OctetDomain.SEVEN_BIT

    def plan(self) -> None:
        """Fill in the edits."""
        root = self._index.root
        self._part(root, is_signed=False, is_message=True)
        if not self._index.is_whole:
            raise CannotConvert("it has more parts, or a larger header, than we look at")
        if self._index.is_loose and self._to.domain < OctetDomain.BINARY:
            # RFC 5321 2.3.8: never alone on the wire. Where a header's line ends is not for us to guess.
            raise CannotConvert("a CR or LF stands alone, or a NUL is, in a header or a boundary")

    def conversion(self) -> Conversion:
        """What was planned."""
        is_changed = bool(self._edits)
        return Conversion(
            edits=tuple(self._edits),
            needed=self._needed,
            domain=min(self._needed, self._to.domain) if is_changed else self._needed,
            signing_domains=self._signing_domains if is_changed else (),
        )

    def note(self, fields: bytes) -> None:
        """Fields to put on top: in the header's edit if there is one."""
        root = self._index.root
        edit = HeaderEdit()
        if self._edits[0].end <= root.body_start:
            made = self._edits.pop(0).make()
            assert isinstance(made, HeaderEdit)
            edit = made
        make = partial(HeaderEdit, fields, edit.replaced, edit.encoding, edit.appended)
        self._edits.insert(0, Edit(root.start, root.body_start, make))

    # -- parts ---------------------------------------------------------------------------------------------

    def _part(self, part: Part, *, is_signed: bool, is_message: bool = False) -> None:
        """One part: its header goes before the edits within it, but is known only after them."""
        place, header = len(self._edits), _HeaderPlan()
        self._fields(part, header)
        if part.is_leaf:
            self._leaf(part, header)
        elif part.is_message:
            self._inner_message(part, header, is_signed=is_signed)
        else:
            self._multipart(part, is_signed=is_signed)
        is_changed = len(self._edits) > place
        if is_changed and not part.is_leaf and header.encoding is None:
            self._relabel(part, header)
        if is_changed and is_message and part.get("MIME-Version") is None:
            header.appended = b"MIME-Version: 1.0\r\n" + header.appended  # RFC 2045 4: it is MIME from now on
        if header.is_needed:
            self._edits.insert(place, Edit(part.start, part.body_start, _header_edit(header)))
        if is_signed and len(self._edits) > place:
            raise CannotConvert("what would have to change is signed")

    def _fields(self, part: Part, header: _HeaderPlan) -> None:
        """Fields in ASCII, and over-long ones folded, where the hop wants it."""
        for one in part.fields:
            if self._wants_ascii_header and not one.raw.isascii():
                header.replaced[one.raw] = _in_ascii(one)
            elif self._folds_long_lines and _is_over_long(one) and (folded := _folded(one)):
                header.replaced[one.raw] = folded

    def _multipart(self, part: Part, *, is_signed: bool) -> None:
        self._stretch(part.preamble)
        for number, child in enumerate(part.children):
            # RFC 1847 2.1: the first part is what the second one signs.
            is_frozen = is_signed or (part.media_type.subtype == "signed" and number == 0)
            self._part(child, is_signed=is_frozen)
        self._stretch(part.epilogue)

    def _stretch(self, stretch: Stretch | None) -> None:
        if (
            stretch is not None
            and stretch.end > stretch.start
            and self._needs(stretch.facts) > self._to.domain
        ):
            self._edits.append(Edit(stretch.start, stretch.end, Drop))

    def _inner_message(self, part: Part, header: _HeaderPlan, *, is_signed: bool) -> None:
        place, replaced = len(self._edits), dict(header.replaced)
        is_global = part.media_type.subtype == "global"
        try:
            self._part(part.children[0], is_signed=is_signed, is_message=True)
        except CannotConvert as trouble:
            if not (is_global and trouble.is_about_utf8) or is_signed:
                raise
            # RFC 6532 3.7: it may be encoded as a whole.
            del self._edits[place:]
            header.replaced = replaced
            header.encoding = "base64"
            self._edits.append(self._body_edit(part, Base64Encoder))
            return
        if is_global and self._wants_ascii_header:
            header.replaced |= _renamed(part)

    def _leaf(self, part: Part, header: _HeaderPlan) -> None:
        needs = self._needs(part.facts)
        self._needed = max(self._needed, needs)
        if needs <= self._to.domain:
            return
        encoding, make = self._encoder(part)
        if encoding != part.encoding:
            header.encoding = encoding
        self._edits.append(self._body_edit(part, make))
        if part.get("Content-Type") is None and part.facts.is_8bit and part.media_type.type == "text":
            # A default of us-ascii would be a lie; unknown-8bit says what there is to say.
            charset = "utf-8" if part.facts.is_utf8 else "unknown-8bit"
            header.appended += f"Content-Type: text/plain; charset={charset}\r\n".encode()

    def _encoder(self, part: Part) -> tuple[str, Callable[[], Transform]]:
        """How a leaf that does not fit is encoded."""
        kind = part.media_type
        if kind.type == "multipart" or (kind.type == "message" and kind.subtype not in _ENCODABLE_MESSAGES):
            raise CannotConvert(f"a part of type {kind.type} must not be encoded")
        if part.encoding == "base64":
            return "base64", Base64Wrapper
        if part.encoding == "quoted-printable":
            return "quoted-printable", _Requoter
        if part.encoding not in IDENTITIES:
            raise CannotConvert("a part is in an encoding that we do not know")
        if kind.type == "text" and not _is_shorter_in_base64(part.facts):
            return "quoted-printable", QuotedPrintableEncoder
        return "base64", Base64Encoder

    def _body_edit(self, part: Part, make: Callable[[], Transform]) -> Edit:
        if part.end < self._index.size_bytes:
            return Edit(part.body_start, part.end, make)
        return Edit(part.body_start, part.end, partial(_last, make))

    def _relabel(self, part: Part, header: _HeaderPlan) -> None:
        """RFC 2045 6.4: what a multipart or message says of the parts within."""
        if part.encoding in ("8bit", "binary") and part.encoding != self._to.domain.encoding:
            header.encoding = self._to.domain.encoding

    def _needs(self, facts: BodyFacts) -> OctetDomain:
        return facts.domain_but_for_length if self._leaves_long_lines else facts.domain


def _trace(conversion: Conversion, hostname: str, queue_id: str) -> bytes:
    """The field that has long said so in the field; no standard names one."""
    words = ["from", conversion.needed.encoding, "to", conversion.domain.encoding]
    if conversion.needed is conversion.domain:
        words = ["header", "to", "ASCII"]
    words += ["by", clean_word(hostname), "id", clean_word(queue_id)]
    if conversion.signing_domains:
        names = ", ".join(clean_comment(name) or "somebody" for name in conversion.signing_domains)
        words.append(f"(this breaks the signature of {names})")
    return compose_field("X-MIME-Autoconverted", " ".join(words).split())


class _Requoter(Chain):
    """Quoted-printable that holds what it must not: undone, and done right."""

    def __init__(self) -> None:
        super().__init__(QuotedPrintableDecoder(), QuotedPrintableEncoder())


def _last(make: Callable[[], Transform]) -> Transform:
    """For the body with which the content ends."""
    if make is QuotedPrintableEncoder:
        return LastLine(QuotedPrintableEncoder(ends_content=True))
    return LastLine(make())


def _header_edit(header: _HeaderPlan) -> partial[HeaderEdit]:
    encoding = f"Content-Transfer-Encoding: {header.encoding}\r\n".encode() if header.encoding else None
    return partial(HeaderEdit, b"", header.replaced, encoding, header.appended)


def _is_shorter_in_base64(facts: BodyFacts) -> bool:
    """Three octets an escape, against four for three. A short text stays readable: it costs little."""
    return facts.size_bytes > SHORT_TEXT and 2 * facts.escapes > facts.size_bytes // 3


def _in_ascii(one: Field) -> bytes:
    try:
        return downgrade_field(one)
    except NotDowngradable as trouble:
        raise CannotConvert(str(trouble), is_about_utf8=True) from None


def _renamed(part: Part) -> Mapping[bytes, bytes]:
    """message/global, now that its header is ASCII."""
    named = next((one for one in part.fields if one.name.lower() == "content-type"), None)
    return {named.raw: b"Content-Type: message/rfc822\r\n"} if named else {}


def _is_over_long(one: Field) -> bool:
    return len(one.raw) > LINE_LIMIT and any(
        len(line) > LINE_LIMIT + 2 for line in one.raw.splitlines(keepends=True)
    )


def _folded(one: Field) -> bytes | None:
    """The field in lines that are not over-long; None where its blanks do not allow that."""
    if one.is_malformed or not one.raw.isascii():
        return None
    folded = Field(fold_field(one.name, one.raw_value.decode("ascii")), one.name)
    return None if _is_over_long(folded) else folded.raw


def _signing_domain(one: Field) -> str:
    """The `d` tag; "" where it cannot be told."""
    return parse_parameterized(f"x; {one.value[:4096]}")[1].get("d", "")[:255]
