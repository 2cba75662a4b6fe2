"""The page of limits: every field of every options class, its value, its meaning, and the setting that changes it.

Gives       limits_page.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from generators.markdown import code, page, prose, table
from generators.source import class_node, comment_of, explain, modules, path_of
from postel.app import options
from postel.config import Loaded, parse

KIND = re.compile(r"(Options|Limits|Timeouts|Schedule)$")

# A value for each setting that ends up in some options class, unlike its default.
CHANGED: Mapping[str, str] = {
    "login.mechanisms": '["PLAIN"]',
    "login.client_authorities": '"ca.pem"',
    "login.attempts": "3",
    "login.apop": "true",
    "login.pop3_delay": '"7s"',
    "login.own_from": "false",
    "login.hide_client": "true",
    "login.plaintext": '["192.0.2.0/24"]',
    "queue.retry": '["7m"]',
    "queue.warn": '"7h"',
    "queue.expire": '"17d"',
    "queue.concurrency": "7",
    "queue.deliveries": "77",
    "queue.in_memory": "777",
    "queue.deliver_by": '"7s"',
    "queue.future_release": '"7d"',
    "queue.future_messages": "7",
    "mailboxes.undelete": '"7d"',
    "mailboxes.per_account": "777",
    "limits.message_size": '"7 MB"',
    "limits.reserve": '"7 MB"',
    "limits.full_mailbox": '"return"',
    "limits.recipients": "777",
    "limits.connections": "777",
    "limits.connections_per_address": "7",
    "limits.faults": "7",
    "limits.hops": "777",
    "limits.login_time": '"7s"',
    "limits.imap_messages": "777",
    "limits.imap_answers": '"7 MB"',
    "limits.messages_per_hour": "7",
    "limits.greeting_delay": '"7s"',
    "checkpoint.keep": '"7s"',
    "checkpoint.transactions": "7",
    "checkpoint.per_client": "7",
    "checkpoint.size": '"7 MB"',
    "checkpoint.spare": '"7 MB"',
    "checkpoint.resume": '"7 MB"',
    "hooks.timeout": '"7s"',
    "delivery.port": "2525",
    "delivery.source": '["192.0.2.7"]',
    "delivery.connect_timeout": '"7s"',
    "delivery.authorities": '"ca.pem"',
    "delivery.convert_signed": "false",
}

INTRODUCTION = """\
Every reader, list and wait in Postel has a limit with a name, and each is a field of one of the options classes
below. The value is the one that a server started by `postel serve` uses. Where a [setting](settings.md) changes it,
the setting is named; the others are for programs that use the rooms as a library. `_s` in a name means seconds,
`_bytes` octets."""


def limits_page() -> str:
    """Options classes by room."""
    blocks: list[str] = []
    for module in modules():
        classes = [found for found in vars(module).values() if _is_ours(found, module.__name__)]
        for cls in classes:
            blocks += _section(cls)
    return page("Limits and options", INTRODUCTION, *blocks)


def _is_ours(found: object, module: str) -> bool:
    return (
        isinstance(found, type)
        and is_dataclass(found)
        and found.__module__ == module
        and KIND.search(found.__name__) is not None
        and not found.__name__.startswith("_")
        and not module.startswith(("postel.cli", "postel.testing"))
    )


def _section(cls: type[Any]) -> Iterator[str]:
    told = explain(cls.__doc__)
    room = cls.__module__.removeprefix("postel.").rpartition(".")[0]
    yield f"## {code(f'{room}.{cls.__name__}')}"
    yield prose(told.opening)
    beside = _comments(cls)
    rows = []
    for field in fields(cls):
        if _is_plain(value := _value(cls, field.name)):
            said = (told.names.get(field.name, "").removesuffix("."), beside.get(field.name, ""))
            meaning = "; ".join(filter(None, said))
            settings = " ".join(code(name) for name in _settings_of(cls, field.name))
            rows.append((code(field.name), _shown(value), settings, prose(meaning)))
    yield table(("field", "value", "setting", "meaning"), rows)
    yield prose(told.closing)


def _comments(cls: type[Any]) -> dict[str, str]:
    """The comments beside the fields; bare clause numbers are those of the RFC in the class's docstring."""
    path = path_of(next(module for module in modules() if module.__name__ == cls.__module__))
    found = {}
    for node in class_node(cls).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            comment = comment_of(path, node)
            found[node.target.id] = "" if comment.startswith("fmt:") else comment
    return found


def _value(cls: type[Any], name: str) -> Any:
    """What the server uses, else the default."""
    for instance in _served():
        if type(instance) is cls:
            return getattr(instance, name)
    field = next(field for field in fields(cls) if field.name == name)
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else MISSING


def _is_plain(value: Any) -> bool:
    """Whether it is shown here: not a nested options class, which has a section of its own."""
    return not (is_dataclass(value) and KIND.search(type(value).__name__))


def _shown(value: Any) -> str:
    if value is MISSING:
        return "must be given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return code(value.value)
    if isinstance(value, int | float):
        return f"{value:,.10g}".replace(",", " ")
    if isinstance(value, Mapping):
        return ", ".join(f"{_key(key)}: {_shown(item)}" for key, item in value.items()) or "none"
    if isinstance(value, tuple | frozenset | list):
        return ", ".join(_shown(item) for item in value) or "none"
    return "none" if value in (None, "") else code(value)


def _key(key: object) -> str:
    return str(key.value if isinstance(key, Enum) else key)


# Which setting changes what: found out by changing each.


def _made(loaded: Loaded) -> Iterator[Any]:
    """All options that the server makes of a configuration, nested ones too."""
    for make in (
        options.admission_options,
        options.directory_options,
        options.queue_options,
        options.relay_options,
        options.mailbox_options,
        options.store_options,
        options.hook_options,
    ):
        yield from _nested(make(loaded))
    for listen in loaded.config.listen:
        make_service = options.pop3_options if listen.protocol.startswith("pop3") else options.service_options
        yield from _nested(make_service(loaded, listen))


def _nested(made: Any) -> Iterator[Any]:
    yield made
    for field in fields(made):
        value = getattr(made, field.name)
        if is_dataclass(value) and KIND.search(type(value).__name__):
            yield from _nested(value)


@cache
def _served() -> tuple[Any, ...]:
    return tuple(_made(_loaded("")))


@cache
def _changed(setting: str) -> tuple[Any, ...]:
    table_name, _, key = setting.partition(".")
    return tuple(_made(_loaded(f"[{table_name}]\n{key} = {CHANGED[setting]}\n")))


def _loaded(text: str) -> Loaded:
    head = 'hostname = "mail.example.org"\nlisten = [{ protocol = "smtp" }, { protocol = "pop3" }]\n'
    return parse(head + text, file="example.toml", directory=Path("/nowhere"), environment={})


def _settings_of(cls: type[Any], name: str) -> Iterator[str]:
    for setting in CHANGED:
        pairs = zip(_served(), _changed(setting), strict=True)
        if any(
            type(before) is cls and getattr(before, name) != getattr(after, name) for before, after in pairs
        ):
            yield setting
