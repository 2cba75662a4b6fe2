"""The page of events: the table of their meanings, and from the code their room, level and keys.

Gives       events_page, Use, uses.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from generators.markdown import code, page, prose, table
from generators.source import ROOT, room_of, text_of, tree_of
from postel.observe import EVENTS

LEVELS = {"event": "info", "detail": "debug", "trouble": "warning", "fault": "error"}

_SPEAKS = re.compile(rf"\blog\.({'|'.join(LEVELS)})\(|_log\.({'|'.join(LEVELS)})\(")

INTRODUCTION = """\
Each line of the log is one event: a time, a level, `event=` with one of the names below, `room=` with the part of
Postel that speaks, and further keys. The names are stable: alarms may hang on them. A key without a value is left
out of the text form. [Watching the log](../how-to/watching-the-log.md) says how to use them.

`id` is a message's queue id. It is in the reply to the client ("queued as …"), in our trace field, and in every
line about the message from there to its last delivery. `session` joins the lines of one session."""


@dataclass(frozen=True, slots=True)
class Use:
    """One place in the code that writes an event."""

    name: str
    room: str
    level: str
    keys: tuple[str, ...]


def events_page() -> str:
    """Events by room, in the order of the table."""
    by_room: dict[str, list[str]] = {}
    for name in EVENTS:
        by_room.setdefault(_rooms(name), []).append(name)
    blocks = [block for room, names in by_room.items() for block in _section(room, names)]
    return page("Events of the log", INTRODUCTION, *blocks)


def _rooms(name: str) -> str:
    return ", ".join(sorted({use.room for use in uses() if use.name == name}))


def _section(room: str, names: list[str]) -> Iterator[str]:
    yield f"## {room}"
    yield table(("event", "level", "meaning", "keys"), [_row(name) for name in names])


def _row(name: str) -> tuple[str, str, str, str]:
    found = [use for use in uses() if use.name == name]
    levels = ", ".join(dict.fromkeys(use.level for use in found))
    keys = dict.fromkeys(key for use in found for key in use.keys)
    return code(name), levels, prose(EVENTS[name]), " ".join(code(key) for key in keys)


@cache
def uses() -> tuple[Use, ...]:
    """Every place that writes an event."""
    speaking = (path for path in sorted(ROOT.rglob("*.py")) if _SPEAKS.search(text_of(path)))
    return tuple(use for path in speaking for use in _uses_in(path))


def _uses_in(path: Path) -> Iterator[Use]:
    tree = tree_of(path)
    room = _room_of(tree) or room_of(path)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        for node in ast.walk(function):
            if (call := _event_call(node)) is not None:
                name = call.args[0]
                assert isinstance(name, ast.Constant) and isinstance(call.func, ast.Attribute)
                level, keys = LEVELS[call.func.attr], tuple(_keys(call, function))
                is_shared = ast.unparse(call.func.value) == "self._log"
                for each in _rooms_of_classes() if is_shared else (room,):
                    yield Use(str(name.value), each, level, keys)


def _room_of(tree: ast.Module) -> str:
    """The room that the module's `log = logger("room")` names; "" without one."""
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "logger":
            return str(ast.literal_eval(value.args[0]))
    return ""


@cache
def _rooms_of_classes() -> tuple[str, ...]:
    """The rooms in whose name a class speaks for those that are made of it: what they say of `room`."""
    trees = (tree_of(path) for path in sorted(ROOT.rglob("*.py")))
    classes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    said = (node for one in classes for node in one.body if isinstance(node, ast.Assign))
    return tuple(ast.literal_eval(node.value) for node in said if ast.unparse(node.targets[0]) == "room")


def _event_call(node: ast.AST) -> ast.Call | None:
    is_one = (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LEVELS
        and ast.unparse(node.func.value) in ("log", "_log", "self._log")
    )
    return node if is_one and isinstance(node, ast.Call) and node.args else None


def _keys(call: ast.Call, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield keyword.arg
        elif isinstance(keyword.value, ast.Name):
            yield from _dict_keys(function, keyword.value.id)
        elif isinstance(keyword.value, ast.Call) and isinstance(keyword.value.func, ast.Attribute):
            yield from _returned_keys(keyword.value.func.attr)
    if call.func.attr == "fault":  # type: ignore[attr-defined]
        yield "traceback"


def _dict_keys(function: ast.AST, name: str) -> Iterator[str]:
    """The keys of the dict that a local name stands for."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            yield from _literal_keys(node.value)


def _literal_keys(value: ast.AST) -> Iterator[str]:
    if isinstance(value, ast.Dict):
        yield from (str(key.value) for key in value.keys if isinstance(key, ast.Constant))


@cache
def _returned_keys(name: str) -> tuple[str, ...]:
    """The keys of the dicts that methods of this name return."""
    keys: dict[str, None] = {}
    for path in sorted(ROOT.rglob("*.py")):
        if f"def {name}(" not in text_of(path):
            continue
        functions = (n for n in ast.walk(tree_of(path)) if isinstance(n, ast.FunctionDef) and n.name == name)
        for function in functions:
            returns = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value]
            keys.update((key, None) for value in returns for key in _literal_keys(value))
    return tuple(keys)
