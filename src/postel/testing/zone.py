"""The DNS of a test, written as lines of a master file.

Gives       Zone.
Not here    Serving it over UDP and TCP (testing.dns_server).

    zone = Zone.parse('''
        free.org.        MX 10 pluto.free.org.
                         TXT "v=spf1 mx -all"
        pluto.free.org.  A 192.0.2.7
    ''')
    zone.trouble("broken.org")
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from postel.asks import DnsAnswer, DnsQuestion, DnsStatus, RecordType
from postel.dns import to_name, to_record
from postel.mail import BadSyntax

_CHAIN_LIMIT: Final = 8  # CNAMEs followed for one question


class Zone:
    """A `dns.Resolver` that answers from memory. It is the whole DNS: what it lacks does not exist.

    asked   how often each question was asked.
    """

    def __init__(self) -> None:
        self._records: dict[str, dict[str, list[dns.rdata.Rdata]]] = {}
        self._troubled: set[str] = set()
        self._signed: set[str] = set()
        self.asked: Counter[DnsQuestion] = Counter()

    @classmethod
    def parse(cls, text: str) -> Zone:
        """A zone of these lines. Raises BadSyntax."""
        zone = cls()
        zone.add(text)
        return zone

    def add(self, text: str) -> None:
        """Add records: `name [ttl] [IN] type data`, one a line; `;` starts a comment.

        Names are absolute, with or without their last dot. A line whose first word is a type belongs to
        the name of the line before. `*.name` answers for what does not exist below name. Raises BadSyntax.
        """
        owner = ""
        for line in text.splitlines():
            words = _without_comment(line).split(None, 1)
            if not words:
                continue
            if not _is_type(words[0]) or len(words) < 2:
                owner, rest = words[0].rstrip(".").lower(), words[1] if len(words) > 1 else ""
            else:
                rest = " ".join(words)
            self._add_record(owner, rest, line.strip())

    def _add_record(self, owner: str, rest: str, line: str) -> None:
        words = rest.split(None, 1)
        while len(words) == 2 and (words[0].isdigit() or words[0].upper() == "IN"):
            words = words[1].split(None, 1)
        if not owner or len(words) != 2 or not _is_type(words[0]):
            raise BadSyntax(f"a zone line is: name type data; this is: {line}")
        try:
            rdata = dns.rdata.from_text(dns.rdataclass.IN, words[0].upper(), words[1])
        except dns.exception.DNSException as fault:
            raise BadSyntax(f"{fault}, in: {line}") from None
        self._records.setdefault(owner, {}).setdefault(words[0].upper(), []).append(rdata)

    def remove(self, name: str, record_type: RecordType | None = None) -> None:
        """Forget the name's records, or those of one type."""
        if record_type is None:
            self._records.pop(_key(name), None)
        else:
            self._records.get(_key(name), {}).pop(record_type, None)

    def trouble(self, name: str) -> None:
        """From now on look-ups of this name end in SERVFAIL."""
        self._troubled.add(_key(name))

    def mend(self, name: str) -> None:
        """The name can be looked up again."""
        self._troubled.discard(_key(name))

    def sign(self, name: str) -> None:
        """From now on answers for this name and all below it are authentic (the AD bit)."""
        self._signed.add(_key(name))

    def count(self, name: str | None = None) -> int:
        """How many questions were asked, of this name or of all."""
        return sum(n for question, n in self.asked.items() if name is None or question.name == _key(name))

    async def ask(self, question: DnsQuestion) -> DnsAnswer:
        """Answer; see `dns.Resolver`."""
        self.asked[question] += 1
        return self.look_up(question)

    def look_up(self, question: DnsQuestion) -> DnsAnswer:
        """Answer without counting: the chain of CNAMEs followed."""
        name, is_authentic = question.name, True
        for _ in range(_CHAIN_LIMIT + 1):
            if name in self._troubled:
                return DnsAnswer(DnsStatus.TROUBLE, canonical=name, note=f"SERVFAIL for {name}")
            is_authentic = is_authentic and self._is_signed(name)
            found = self.rdatas(name, question.type)
            target = None if found else self._alias(name)
            if target is None:
                status = DnsStatus.FOUND if found else self.status_of(name)
                records = tuple(record for rdata in found if (record := to_record(rdata)) is not None)
                return DnsAnswer(status, records, name, is_authentic)
            name = target
        return DnsAnswer(DnsStatus.TROUBLE, canonical=name, note="too many CNAMEs")

    def rdatas(self, name: str, record_type: str) -> list[dns.rdata.Rdata]:
        """The records at exactly this name (or at the wildcard that stands for it)."""
        return self._at(name).get(record_type, [])

    def is_troubled(self, name: str) -> bool:
        """Whether looking this name up ends in SERVFAIL."""
        return name in self._troubled

    def status_of(self, name: str) -> DnsStatus:
        """NO_DATA if the name exists, NO_NAME if it does not."""
        # RFC 8020 2: a name exists when anything exists below it.
        suffix = "." + name
        is_there = self._at(name) or any(other.endswith(suffix) for other in self._records)
        return DnsStatus.NO_DATA if is_there else DnsStatus.NO_NAME

    def _at(self, name: str) -> dict[str, list[dns.rdata.Rdata]]:
        if name in self._records:
            return self._records[name]
        # RFC 4592 3.3.1: the wildcard below the closest name that exists.
        parent = name
        while "." in parent:
            parent = parent.partition(".")[2]
            if wild := self._records.get("*." + parent):
                return wild
            if parent in self._records:
                break
        return {}

    def _alias(self, name: str) -> str | None:
        cnames = self.rdatas(name, RecordType.CNAME)
        return to_name(cnames[0].target) if cnames else None  # type: ignore[attr-defined]

    def _is_signed(self, name: str) -> bool:
        return any(name == signed or name.endswith("." + signed) for signed in self._signed)


def _key(name: str) -> str:
    return name.rstrip(".").lower()


def _is_type(word: str) -> bool:
    try:
        return dns.rdatatype.from_text(word) != dns.rdatatype.NONE and "." not in word
    except dns.exception.DNSException:
        return False


def _without_comment(line: str) -> str:
    """The line up to a semicolon outside of quotes."""
    is_quoted = False
    for place, letter in enumerate(line):
        if letter == '"' and line[place - 1 : place] != "\\":
            is_quoted = not is_quoted
        elif letter == ";" and not is_quoted:
            return line[:place]
    return line
