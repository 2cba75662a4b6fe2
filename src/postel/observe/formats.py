"""How an event looks as a line: text or JSON.

Gives       LogFormat, TextFormatter, JsonFormatter.
Not here    Who writes the lines: observe.log.

A value never breaks out of its line, nor commands the terminal that shows it: text values with blanks, quotes or
unprintable characters are written as JSON strings, the latter escaped.
"""

from __future__ import annotations

import enum
import json
import logging
import re
import time
from functools import lru_cache
from typing import Any, Final

_PLAIN: Final = re.compile(r"[^\s\"'=\\\x00-\x1f\x7f]+")
_VALUE_LIMIT: Final = 2000  # characters of one value: nobody may flood the log with one field


class LogFormat(enum.StrEnum):
    """How a line is written."""

    TEXT = "text"
    JSON = "json"


class TextFormatter(logging.Formatter):
    """`key=value` pairs, quoted where needed."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        words = [_time_of(record), record.levelname.lower()]
        words += [f"{key}={_text(value)}" for key, value in _facts(record).items() if value is not None]
        return " ".join(words)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        facts: dict[str, object] = {"time": _time_of(record), "level": record.levelname.lower()}
        facts |= {key: _plain(value) for key, value in _facts(record).items() if value is not None}
        return _dumped(facts)


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    known = record.__dict__
    fields: dict[str, Any] | None = known.get("fields")
    facts = {
        "event": known.get("event", record.name),
        "room": known.get("room", record.name),
        **({"message": record.getMessage()} if fields is None else fields),
    }
    if record.exc_info and record.exc_info[1] is not None:
        facts["traceback"] = logging.Formatter().formatException(record.exc_info)
    return facts


def _time_of(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03d}Z"


@lru_cache(maxsize=8)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def _plain(value: object) -> object:
    """Numbers as numbers; all else, ids that are numbers underneath too, as the text format shows it."""
    return value if type(value) in (int, float, bool) else _shown(value)


def _shown(value: object) -> str:
    return str(value)[:_VALUE_LIMIT]


def _text(value: object) -> str:
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is bool:
        return "yes" if value else "no"
    text = _shown(value)
    return text if _PLAIN.fullmatch(text) and text.isprintable() else _dumped(text)


def _dumped(facts: object) -> str:
    """As JSON, readable where it can be shown: C1 controls and marks of direction are not harmless to show."""
    text = json.dumps(facts, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(facts).replace("\x7f", "\\u007f")
