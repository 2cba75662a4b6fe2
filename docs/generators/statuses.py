"""The blocks of reply codes and enhanced status codes: what each means, and when Postel says it.

Gives       code_table, status_table, Use, uses, sequences_of.

What is said is read off the source: every `Reply(code, ...)` and every `Status(class, subject, detail)` in it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from generators.markdown import code, prose, table
from generators.source import ROOT, room_of, tree_of
from postel.mail import Status, meaning_of
from postel.proto.smtp import CODES, SEQUENCES

# Rooms that read other people's codes, or say them on behalf of tests.
_NOT_OURS = ("testing", "cli", "dns")


@dataclass(frozen=True, slots=True)
class Use:
    """One place of the source that makes a reply or a status.

    code    None for a status alone.
    status  None where there is none, or where it is not written out.
    text    of the reply, as far as it is written out; "" otherwise.
    """

    code: int | None
    status: Status | None
    text: str
    room: str
    line: int


@cache
def uses() -> tuple[Use, ...]:
    """All of them, by file and line."""
    paths = (path for path in sorted(ROOT.rglob("*.py")) if path.relative_to(ROOT).parts[0] not in _NOT_OURS)
    return tuple(use for path in paths for use in _uses_in(tree_of(path), room_of(path)))


def _uses_in(tree: ast.Module, room: str) -> Iterator[Use]:
    inside: set[int] = set()
    for node in ast.walk(tree):
        if _name(node) == "Reply" and isinstance(node, ast.Call) and node.args:
            number = _constant(node.args[0])
            if isinstance(number, int):
                beside = node.args[1] if len(node.args) > 1 else None
                inside.add(id(beside))
                text = _text(node.args[2]) if len(node.args) > 2 else ""
                yield Use(number, _status(beside), text, room, node.lineno)
    for node in ast.walk(tree):
        if (status := _status(node)) is not None and id(node) not in inside:
            yield Use(None, status, "", room, node.lineno)  # type: ignore[attr-defined]


def _name(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _constant(node: ast.AST) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _status(node: ast.AST | None) -> Status | None:
    if node is None or _name(node) != "Status" or not isinstance(node, ast.Call):
        return None
    numbers = [number for arg in node.args if isinstance(number := _constant(arg), int)]
    return Status(*numbers) if len(numbers) == 3 else None


def _text(node: ast.AST) -> str:
    """What is written out; `...` stands for what is only known then."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "..." for part in node.values)
    value = _constant(node)
    return value if isinstance(value, str) else ""


def code_table() -> str:
    """Each code that we say."""
    said: dict[int, dict[str, None]] = {}
    for use in uses():
        if use.code is not None:
            said.setdefault(use.code, {}).update({use.text.splitlines()[0]: None} if use.text.strip() else {})
    said.setdefault(334, {})
    rows = ((str(number), *_about_code(number), _quoted(said[number])) for number in sorted(said))
    return table(("code", "meaning", "clause", "when Postel says it"), rows)


def _about_code(number: int) -> tuple[str, str]:
    meaning = CODES.get(number)
    return (prose(meaning.text), f"RFC {meaning.rfc}") if meaning else ("", "")


def _quoted(texts: dict[str, None]) -> str:
    return "; ".join(prose(text) for text in texts)


def status_table() -> str:
    """Each status that we say, with the codes that it comes with and the rooms that say it."""
    said: dict[Status, tuple[set[str], dict[str, None], set[str]]] = {}
    for use in uses():
        if use.status is not None:
            codes, texts, rooms = said.setdefault(use.status, (set(), {}, set()))
            codes |= {str(use.code)} if use.code is not None else set()
            texts |= {use.text.splitlines()[0]: None} if use.text.strip() else {}
            rooms.add(use.room)
    rows = []
    for status in sorted(said, key=lambda found: (found.klass, found.subject, found.detail)):
        codes, texts, rooms = said[status]
        meaning = meaning_of(status)
        about = (prose(meaning.text), f"RFC {meaning.rfc}") if meaning else ("", "")
        where = ", ".join(map(code, sorted(rooms)))
        rows.append((str(status), *about, ", ".join(sorted(codes)), _quoted(texts), where))
    return table(("status", "meaning", "registered by", "codes", "when Postel says it", "rooms"), rows)


def sequences_of(verb: str) -> tuple[str, str]:
    """What the standard has for an answer to the verb: yes, and no."""
    row = SEQUENCES[verb]
    return _numbers(row.positive), _numbers(row.error)


def _numbers(codes: frozenset[int]) -> str:
    return " ".join(map(str, sorted(codes)))
