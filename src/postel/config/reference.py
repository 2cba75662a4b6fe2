"""The reference page of settings, made of the settings themselves.

Gives       all_settings(), settings_reference() -> Markdown.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from postel.config.settings import (
    AccessSettings,
    Certificate,
    CheckpointSettings,
    Commands,
    Config,
    Delivery,
    Dns,
    DomainSettings,
    HookSettings,
    Limits,
    Listen,
    Log,
    Login,
    Mailboxes,
    OAuth,
    Priority,
    QueueSettings,
    Relay,
    RouteSettings,
    Section,
    Tls,
    TlsPolicySettings,
)

# Heading in the file, class, in the order of the page.
TABLES: tuple[tuple[str, type[Section]], ...] = (
    ("", Config),
    ("[[listen]]", Listen),
    ("[[domain]]", DomainSettings),
    ("[relay]", Relay),
    ('[route."example.org"]', RouteSettings),
    ('[tls_policy."example.org"]', TlsPolicySettings),
    ("[commands]", Commands),
    ("[dns]", Dns),
    ("[tls]", Tls),
    ("[[certificate]]", Certificate),
    ("[login]", Login),
    ("[oauth]", OAuth),
    ("[access]", AccessSettings),
    ("[queue]", QueueSettings),
    ("[priority]", Priority),
    ("[mailboxes]", Mailboxes),
    ("[limits]", Limits),
    ("[checkpoint]", CheckpointSettings),
    ("[hooks]", HookSettings),
    ("[delivery]", Delivery),
    ("[log]", Log),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One key, as the reference shows it."""

    table: str
    name: str
    kind: str
    default: str
    meaning: str


def all_settings() -> Iterator[Setting]:
    """Every key of every table."""
    for heading, section in TABLES:
        hints = get_type_hints(section, include_extras=True)
        for name, default in zip(section.__struct_fields__, _defaults(section), strict=True):
            metas = list(_metas(hints[name]))
            meaning = next((meta.description for meta in metas if meta.description), "")
            if meaning:
                yield Setting(heading, name, _kind(hints[name]), _shown(default), meaning)


def settings_reference() -> str:
    """The page, in Markdown."""
    parts = ["# Settings", "", _INTRODUCTION]
    for heading, section in TABLES:
        parts += ["", f"## {f'`{heading}`' if heading else 'At the top of the file'}", ""]
        parts += [inspect.cleandoc(section.__doc__ or "")]
        for setting in all_settings():
            if setting.table == heading:
                parts += ["", f"### `{setting.name}`", "", f"{setting.kind}; default: {setting.default}", ""]
                parts += [setting.meaning]
    return "\n".join(parts) + "\n"


_INTRODUCTION = """\
One TOML file holds everything that decides how Postel behaves. Unknown keys are mistakes. `${NAME}` in any
text takes an environment variable, `{ file = "…" }` in place of a text takes the content of a file, for
secrets. Relative paths start at the file's own directory. `postel check` reads a file and says what is
wrong with it, line by line."""


def _defaults(section: type[Section]) -> list[Any]:
    values = section()
    return [getattr(values, name) for name in section.__struct_fields__]


def _metas(declared: Any) -> Iterator[msgspec.Meta]:
    if get_origin(declared) is Annotated:
        inner, *notes = get_args(declared)
        yield from (note for note in notes if isinstance(note, msgspec.Meta))
        yield from _metas(inner)


def _kind(declared: Any) -> str:
    for meta in _metas(declared):
        if meta.extra and "kind" in meta.extra:
            return str(meta.extra["kind"])
    while get_origin(declared) is Annotated:
        declared = get_args(declared)[0]
    origin, arguments = get_origin(declared), get_args(declared)
    if origin is Literal:
        return "one of " + ", ".join(f"`{value}`" for value in arguments)
    if origin in (list, tuple):
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return f"table of {_kind(arguments[1])}"
    if (origin is not None and type(None) in arguments) or origin is Union or len(arguments) > 1:
        return " or ".join(_kind(argument) for argument in arguments if argument is not type(None))
    return {str: "text", int: "number", bool: "true or false"}.get(declared, "table")


def _shown(default: Any) -> str:
    if default is None or default in ([], {}, ()):
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list | tuple):
        return "`[" + ", ".join(f'"{item}"' for item in default) + "]`"
    return f"`{default}`"
