"""Letters of all kinds, most of them broken somewhere: the same ones for the same seed."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from typing import Final

WORDS: Final = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
    "incididunt",
]

# What every server makes the same of, and what each has its own idea of.
ADDRESSES: Final = (
    b"ann@example.net", b"Ann Example <ann@example.net>", b'"Example, Ann" <ann@example.net>', b"<ann@example.net>",
    b"ann@example.net (Ann Example)", b"=?utf-8?q?J=C3=BCrgen?= <j@example.org>", b"Undisclosed recipients:;",
    b"Friends: a@example.org, Bob <b@example.org>;, c@example.org", b"just-a-name", b"two words", b"ann@",
    b"<@relay.net:ann@example.net>", b"Ann <@a.net,@b.net:ann@example.net>", b'"quoted local"@example.net',
    b'"a\\"b" <q@example.net>', b"Ann (comment) Example <ann@example.net> (more)", b"ann@[192.0.2.1]",
    b"J\xc3\xbcrgen <j@example.org>", b"J\xfcrgen <j@example.org>", b"\xe6\x97\xa5\xe6\x9c\xac <x@example.jp>",
    b"Mr. Dot A. Name <mr@example.net>", b"'single' <s@example.net>", b'"" <empty@example.net>',
    b"x" * 300 + b"@example.net", b"Ann\r\n <ann@example.net>,\r\n\tBob <bob@example.net>", b"<>",
)  # fmt: skip
ODD_ADDRESSES: Final = (
    b"", b",", b",,a@b.org,,", b"@example.net", b"A:b@c.org;,D:;", b"ann@example.net bob@example.org",
    b"Ann <ann@example.net> trailing", b"Ann <ann@example.net", b"Ann ann@example.net>", b"ann . dots @ example . net",
    b'"never closed <x@example.net>', b"(never closed x@example.net", b"a@b@c.org", b"Ann: Example <a@b.org>",
    b"a@b.org; c@d.org",
)  # fmt: skip
SUBJECTS: Final = (
    b"hello", b"", b"Re: hello", b"  two   spaces ", b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", b"raw \xc3\xbc", b"raw \xfc",
    b'with "quotes" and \\backslash', b"folded\r\n subject", b"folded\r\n\twith a tab", b"tab\there",
    b"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", b"=?utf-8?b?broken", b"x" * 5000, b"{12}", b"(list) [of] %*",
)  # fmt: skip
DATES: Final = (
    b"Tue, 24 Nov 2026 03:04:39 +0100", b"24 Nov 2026 03:04 GMT", b"yesterday", b"",
    b"Tue, 24 Nov 2026\r\n 03:04:39 -0800 (PST)",
)  # fmt: skip
TYPES: Final = (
    b"text/plain", b"text/plain; charset=utf-8", b'text/plain; charset="iso-8859-1"; format=flowed', b"TEXT/HTML",
    b"text/html; charset=utf-8", b"application/octet-stream; name=x.bin", b"image/png", b"text/plain;",
    b"text/plain (comment); charset=utf-8 (again)", b'application/pdf; name="a \\"quoted\\" name.pdf"',
    b"application/pdf; name*=utf-8''%C3%BC.pdf", b"application/pdf;\r\n name*0=long-;\r\n name*1=name.pdf",
    b"application/pdf;\r\n name*0*=utf-8''%C3%BC;\r\n name*1=name.pdf", b"application/x; a=1; b=2",
    b"text / plain; charset = utf-8", b'image/png; name="=?utf-8?q?=C3=BC?=.png"', b"image/png; name=\xc3\xbc.png",
    b"message/external-body; access-type=x", b"message/partial; id=1", b"text/x-\xc3\xbc", b"multipart/mixed",
    b"multipart/mixed; boundary=never-comes",
)  # fmt: skip
ODD_TYPES: Final = (
    b"text", b"", b"/", b"text/", b"text/plain; charset", b"text/plain; charset=", b"text/plain; ; charset=utf-8",
    b"application/x; a=1; b=2; A=3", b"text/plain; charset=utf-8; charset=latin1",
    b'application/octet-stream; name=never"closed', b"model/x; y=" + b"z" * 500,
)  # fmt: skip
ENCODINGS: Final = (
    b"7bit",
    b"8bit",
    b"binary",
    b"base64",
    b"quoted-printable",
    b"BASE64",
    b"x-unknown",
    b"7 bit",
)
ODD_ENCODINGS: Final = (b"", b"base64;", b"base64 (comment)")
DISPOSITIONS: Final = (
    b"inline", b"attachment", b"attachment; filename=a.txt", b'ATTACHMENT; filename="a b.txt"; size=12',
    b"attachment; filename*=utf-8''%C3%BC.txt", b"attachment;\r\n filename*0=a;\r\n filename*1=b",
)  # fmt: skip
ODD_DISPOSITIONS: Final = (b"", b";", b"x y")
EXTRA: Final = (
    b"Content-ID: <id@x>\r\n", b"Content-Description: some words\r\n", b"Content-Language: en, de\r\n",
    b"Content-Language: en\r\n", b"Content-Location: http://example.org/x\r\n",

    b"Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n",
    b"Content-Description: raw \xc3\xbc\r\n", b"Content-Description:\r\n", b"Content-Language:\r\n",
    b"MIME-Version: 1.0\r\n",
    b"X-Odd : blank before the colon\r\n", b"no colon here\r\n", b"X-Long: " + b"y" * 3000 + b"\r\n",
    b"Content-Id:   <spaces@x>  \r\n", b"Received: from a by b;\r\n\tTue, 24 Nov 2026 03:04:39 +0000\r\n",
)  # fmt: skip

_SAID_TWICE: Final = (b"Content-Language: en\r\n", b"Content-Language:\r\n")


class Letters:
    """Makes letters by chance. Tame ones are broken only in ways that all servers mend in the same way."""

    def __init__(self, seed: int, *, is_tame: bool = False) -> None:
        self._is_tame = is_tame
        self._addresses = ADDRESSES if is_tame else ADDRESSES + ODD_ADDRESSES
        self._types = TYPES if is_tame else TYPES + ODD_TYPES
        self._encodings = ENCODINGS if is_tame else ENCODINGS + ODD_ENCODINGS
        self._dispositions = DISPOSITIONS if is_tame else DISPOSITIONS + ODD_DISPOSITIONS
        self._chance = random.Random(seed)
        self._extra = [field for field in EXTRA if not is_tame or field not in _SAID_TWICE]
        self._boundaries = 0

    def some(self, count: int) -> Iterator[bytes]:
        """So many."""
        for _ in range(count):
            yield self.letter()

    def letter(self) -> bytes:
        """A header and something below it. Every line ends in CRLF."""
        self._boundaries = 0
        return self._message(0)

    def _maybe(self, probability: float) -> bool:
        return self._chance.random() < probability

    def _message(self, depth: int) -> bytes:
        return self._fields() + self._entity(depth)

    def _fields(self) -> bytes:
        pick = self._chance.choice
        fields = []
        for name in (b"From", b"Sender", b"Reply-To", b"To", b"Cc", b"Bcc"):
            if self._maybe(0.9 if name == b"From" else 0.4):
                value = b", ".join(pick(self._addresses) for _ in range(pick((1, 1, 1, 2, 3))))
                fields.append(self._case(name) + b": " + value + b"\r\n")
        if self._maybe(0.9):
            fields.append(b"Subject: " + pick(SUBJECTS) + b"\r\n")
        if self._maybe(0.8):
            fields.append(b"Date: " + pick(DATES) + b"\r\n")
        if self._maybe(0.8):
            fields.append(
                b"Message-ID: " + pick((b"<a@b>", b"<x y@z>", b"none", b"  <a@b>  ", b"<a@b> (c)")) + b"\r\n"
            )
        if self._maybe(0.3):
            fields.append(
                b"In-Reply-To: " + pick((b"<a@b>", b"<a@b>\r\n <c@d>", b"your mail of today")) + b"\r\n"
            )
        fields += [field for field in self._extra if self._maybe(0.05)]
        self._chance.shuffle(fields)
        return b"".join(fields)

    def _case(self, name: bytes) -> bytes:
        return self._chance.choice((name, name, name, name.upper(), name.lower()))

    def _entity(self, depth: int) -> bytes:
        """The fields of the content, the empty line, and the body."""
        kinds: list[Callable[[int], bytes]] = [self._leaf, self._leaf]
        if depth < 4:
            kinds += [self._multipart, self._multipart, self._rfc822]
        return self._chance.choice(kinds)(depth)

    def _leaf(self, depth: int) -> bytes:
        pick = self._chance.choice
        out = [b"Content-Type: " + pick(self._types) + b"\r\n"] if self._is_tame or self._maybe(0.8) else []
        if self._maybe(0.5):
            out.append(b"Content-Transfer-Encoding: " + pick(self._encodings) + b"\r\n")
        if self._maybe(0.3):
            out.append(b"Content-Disposition: " + pick(self._dispositions) + b"\r\n")
        out += [field for field in self._extra if self._maybe(0.05)]
        return b"".join([*out, self._separator(), self._text()])

    def _separator(self) -> bytes:
        return b"" if not self._is_tame and self._maybe(0.03) else b"\r\n"

    def _text(self) -> bytes:
        pick = self._chance.choice
        lines = [
            " ".join(pick(WORDS) for _ in range(pick((0, 1, 5, 10)))).encode()
            for _ in range(pick((0, 1, 3, 9)))
        ]
        if self._maybe(0.1):
            lines.append("Grüße".encode(pick(("utf-8", "latin-1"))))
        if self._maybe(0.1):
            lines.append(base64.encodebytes(self._chance.randbytes(50)).strip().replace(b"\n", b"\r\n"))
        if self._maybe(0.1):
            lines.append(pick((b"--", b"--b", b"-- ", b"----", b"--b1--", b"From me", b".", b"x" * 2000)))
        return b"\r\n".join(lines) + (b"\r\n" if lines and self._maybe(0.8) else b"")

    def _rfc822(self, depth: int) -> bytes:
        head = b"Content-Type: message/rfc822\r\n"
        if self._maybe(0.2):
            head += b"Content-Transfer-Encoding: " + self._chance.choice(self._encodings) + b"\r\n"
        if self._maybe(0.3):
            head += b"Content-Disposition: " + self._chance.choice(self._dispositions) + b"\r\n"
        return head + b"\r\n" + self._message(depth + 1)

    def _multipart(self, depth: int) -> bytes:
        pick = self._chance.choice
        self._boundaries += 1
        forms = (b"b%d.", b"=_b%d.", b"b %d.") if self._is_tame else (b"b%d", b"b%d", b"b %d", b"=_b%d", b"b")
        boundary = pick(forms).replace(b"%d", b"%d" % self._boundaries)
        subtype = pick((b"mixed", b"alternative", b"digest", b"related", b"MIXED", b"report"))
        head = b'Content-Type: multipart/%b; boundary="%b"\r\n' % (subtype, boundary)
        head += b"".join(field for field in self._extra if self._maybe(0.03))
        out = [head, b"\r\n", self._text() if self._maybe(0.3) else b""]
        count = pick((0, 1, 2, 2, 3))
        for _ in range(count):
            out += [
                b"\r\n" if self._maybe(0.9) else b"",
                b"--" + boundary,
                pick((b"", b"", b"", b" ", b"\t ")),
                b"\r\n",
            ]
            out.append(self._entity(depth + 1))
        if self._maybe(0.85) and (count or not self._is_tame):
            out += [b"\r\n--", boundary, b"--", pick((b"\r\n", b" \r\n", b"\r\n" if self._is_tame else b""))]
        if self._maybe(0.2):
            out.append(b"\r\nepilogue\r\n" + self._text())
        return b"".join(out)
