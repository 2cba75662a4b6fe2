"""Whether a server's reply makes sense where it stands.

Implements  RFC 5321 4.3.2 (which code answers what), 4.2.3 (421, greetings and the answer to EHLO name the host),
            RFC 2034 4 (statuses), RFC 3463 2 (their class), and what extensions demand of whoever offers them.
Gives       Scene, critique, keyword_of.
Not here    The form of replies: heard.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from postel.mail import BadSyntax, meaning_of, parse_host
from postel.proto.smtp.extensions import EXTENSIONS
from postel.proto.smtp.heard import Complaint, Heard
from postel.proto.smtp.sequences import CONNECTED, SEQUENCES

HELLOS: Final = frozenset({"EHLO", "LHLO"})
_REQUIRED: Final = frozenset({"EHLO", "HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY"})
_WITHOUT_STATUS: Final = HELLOS | {"HELO", CONNECTED}
# Registered, and not in our table: they track messages, or carry what nobody asks for any more.
_OTHERS: Final = frozenset({"MTRK", "SUBMITTER", "CONPERM", "CONNEG", "RRVS", "VRFY"})
_KNOWN: Final = frozenset(row.keyword for row in EXTENSIONS) | _OTHERS
_KEYWORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_PLAINTEXT: Final = frozenset({"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"})


@dataclass(frozen=True, slots=True)
class Scene:
    """How the session stands.

    offered     the keywords of the last answer to EHLO or LHLO.
    is_local    whether the server is on this machine: then nobody can listen.
    """

    offered: frozenset[str] = frozenset()
    is_tls: bool = False
    is_lmtp: bool = False
    is_local: bool = False


def critique(verb: str, reply: Heard, scene: Scene) -> list[Complaint]:
    """Complaints about the answer to a verb, or to what `sequences` has in place of one; form not included."""
    if reply.code is None:
        return []
    found = [
        *_about_code(verb, reply, scene),
        *_about_names(verb, reply),
        *_about_statuses(verb, reply, scene),
    ]
    if verb in HELLOS and reply.is_positive:
        found += about_offers(reply.texts[1:], scene)
    return found


def keyword_of(line: str) -> tuple[str, list[str]]:
    """The keyword of a line of the answer to EHLO, in upper case, and its parameters."""
    word, *parameters = line.split() or [""]
    return word.upper(), parameters


def _about_code(verb: str, reply: Heard, scene: Scene) -> Iterator[Complaint]:
    row = SEQUENCES.get(verb)
    if row is not None and reply.is_positive and reply.code not in row.positive:
        wanted = " or ".join(map(str, sorted(row.success or row.intermediate)))
        yield Complaint(f"{reply.code} is no answer to {verb}; {wanted} is", "5321 4.3.2")
    if (
        verb in _REQUIRED
        and reply.code in (500, 502)
        and not scene.is_lmtp
        and "line" not in reply.texts[0].lower()
    ):
        # 502 to EHLO is permitted to old servers only.
        yield Complaint(f"{verb} is a command that every server must know", "5321 4.5.1")


def _about_names(verb: str, reply: Heard) -> Iterator[Complaint]:
    names_itself = reply.code == 220 if verb == CONNECTED else reply.code == 250 and verb in (*HELLOS, "HELO")
    if (names_itself or reply.code == 421) and not _is_host(reply.texts[0]):
        clause = "4.2.3" if reply.code == 421 else "4.1.1.1" if verb != CONNECTED else "4.2"
        yield Complaint("the text does not begin with the server's domain name or address", f"5321 {clause}")


def _is_host(text: str) -> bool:
    words = re.sub(r"^[245]\.\d+\.\d+ ", "", text).split()
    try:
        parse_host(words[0] if words else "")
    except BadSyntax:
        return False
    return True


def _about_statuses(verb: str, reply: Heard, scene: Scene) -> Iterator[Complaint]:
    assert reply.code is not None
    statuses = [status for status in reply.statuses if status is not None]
    if verb in _WITHOUT_STATUS or 300 <= reply.code < 400:
        if statuses and verb != CONNECTED and "ENHANCEDSTATUSCODES" in scene.offered:
            yield Complaint("an enhanced status where none belongs", "2034 4")
        return
    if not statuses:
        if "ENHANCEDSTATUSCODES" in scene.offered:
            yield Complaint("no enhanced status, though ENHANCEDSTATUSCODES is offered", "2034 4")
        return
    if len(set(reply.statuses)) > 1:
        yield Complaint("the lines of one reply have different statuses", "2034 4")
    status = statuses[0]
    if status.klass != reply.code // 100:
        yield Complaint(f"the status {status} contradicts the code {reply.code}", "2034 4")
    if meaning_of(status) is None:
        yield Complaint(f"the status {status} is not registered", "5248 2")


# Extensions.


def about_offers(lines: tuple[str, ...], scene: Scene) -> list[Complaint]:
    """Complaints about the keywords offered, one to a line."""
    offered = [keyword_of(line) for line in lines]
    names = Counter(keyword for keyword, _ in offered)
    found = [
        Complaint(f"{keyword} is offered {count} times", "5321 4.1.1.1")
        for keyword, count in names.items()
        if count > 1
    ]
    for keyword, parameters in offered:
        found += _about_keyword(keyword, parameters, scene)
    for keyword, needed, rfc in _COMPANIONS:
        if keyword in names and needed not in names:
            found.append(Complaint(f"{keyword} is offered without {needed}", rfc))
    return found


# Who offers the first offers the second.
_COMPANIONS: Final = (
    ("SMTPUTF8", "8BITMIME", "6531 3.1"),
    ("BINARYMIME", "CHUNKING", "3030 3"),
)


def _about_keyword(keyword: str, parameters: list[str], scene: Scene) -> Iterator[Complaint]:
    if not _KEYWORD.fullmatch(keyword):
        if not keyword.startswith("AUTH="):
            yield Complaint(f'"{keyword}" is no keyword', "5321 4.1.1.1")
        return
    if keyword not in _KNOWN and not keyword.startswith("X"):
        yield Complaint(
            f"{keyword} is in no registry known here: private keywords begin with X", "5321 2.2.2"
        )
    check = _CHECKS.get(keyword)
    if check is not None:
        yield from check(parameters, scene)


def _check_size(parameters: list[str], scene: Scene) -> Iterator[Complaint]:
    if len(parameters) > 1 or not all(word.isdigit() and len(word) <= 20 for word in parameters):
        yield Complaint("SIZE has one number, of up to 20 digits", "1870 3")


def _check_starttls(parameters: list[str], scene: Scene) -> Iterator[Complaint]:
    if scene.is_tls:
        yield Complaint("STARTTLS is offered though TLS is active", "3207 4.2")
    if parameters:
        yield Complaint("STARTTLS takes no parameters", "3207 2")


def _check_auth(parameters: list[str], scene: Scene) -> Iterator[Complaint]:
    shown = sorted(_PLAINTEXT.intersection(word.upper() for word in parameters))
    if shown and not scene.is_tls and not scene.is_local:
        yield Complaint(f"{' and '.join(shown)} would show the password to whoever listens", "4954 4")
    if not parameters:
        yield Complaint("AUTH without any mechanism", "4954 3")


def _check_requiretls(parameters: list[str], scene: Scene) -> Iterator[Complaint]:
    if not scene.is_tls:
        yield Complaint("REQUIRETLS is offered though TLS is not active", "8689 2")


def _check_no_parameters(parameters: list[str], scene: Scene) -> Iterator[Complaint]:
    if parameters:
        yield Complaint("a keyword has parameters that takes none", "5321 4.1.1.1")


_CHECKS: Final[dict[str, Callable[[list[str], Scene], Iterator[Complaint]]]] = {
    "SIZE": _check_size,
    "STARTTLS": _check_starttls,
    "AUTH": _check_auth,
    "REQUIRETLS": _check_requiretls,
    "PIPELINING": _check_no_parameters,
    "ENHANCEDSTATUSCODES": _check_no_parameters,
    "8BITMIME": _check_no_parameters,
    "CHUNKING": _check_no_parameters,
    "BINARYMIME": _check_no_parameters,
}
