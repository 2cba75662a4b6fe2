"""Log lines that say one event each.

Gives       logger(room) -> EventLogger; start_logging, change_logging, stop_logging.
Form        text: `2026-01-01T00:00:00.000Z info event=message_accepted room=smtpd id=0abc... size=1234`
            JSON: one object a line, the same keys.
Not here    The list of event names: observe.events. How a line looks: observe.formats.

Writing is a thread's business, many lines at once: to wake the thread for each costs the loop more than the line,
since the two take turns at the interpreter. Whoever kills the process loses the lines of the last GATHER_S. Where
nobody takes what is written, so many lines wait and further ones are lost: a log that hangs must not take the server
along.
"""

from __future__ import annotations

import logging
import logging.handlers
import queue
import sys
import time
from contextlib import suppress
from typing import IO, Any, Final

from postel.observe.formats import JsonFormatter, LogFormat, TextFormatter

LINES_WAITING: Final = 10_000
LINES_AT_ONCE: Final = 200  # of one write
GATHER_S: Final = 0.02  # how long a line may wait for others


class EventRecord(logging.LogRecord):
    """An event, as the standard library's logging knows it.

    What that library would find out about the place of the call is always the same here: it is not looked up.
    """

    def __init__(
        self, name: str, level: int, event: str, room: str, fields: dict[str, Any], exc_info: Any
    ) -> None:
        created = time.time()
        self.__dict__ = {
            **_NO_PLACE,
            "name": name,
            "levelno": level,
            "levelname": _LEVELS[level],
            "created": created,
            "msecs": created % 1 * 1000,
            "msg": event,
            "event": event,
            "room": room,
            "fields": fields,
            "exc_info": exc_info,
        }


_LEVELS: Final = {
    level: logging.getLevelName(level)
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
}
# The library's own names; its formatters look for them in the record itself.
_NO_PLACE: Final = dict.fromkeys(
    ("args", "stack_info", "exc_text", "threadName", "processName", "taskName")
) | {
    "pathname": __file__,
    "filename": "log.py",
    "module": "log",
    "lineno": 0,
    "funcName": "_log",
    "thread": 0,
    "process": 0,
    "relativeCreated": 0,
}


_OURS: Final = logging.getLogger("postel")


class EventLogger:
    """One room's voice in the log."""

    __slots__ = ("_logger", "_room")

    def __init__(self, room: str) -> None:
        self._room = room
        self._logger = logging.getLogger(f"postel.{room}")

    def event(self, name: str, /, **fields: Any) -> None:
        """Something happened that an operator may want to know of."""
        self._log(logging.INFO, name, fields)

    def detail(self, name: str, /, **fields: Any) -> None:
        """Something that only matters while one looks for a fault: level debug."""
        self._log(logging.DEBUG, name, fields)

    def trouble(self, name: str, /, **fields: Any) -> None:
        """Something an operator should look at: level warning."""
        self._log(logging.WARNING, name, fields)

    def fault(self, name: str, error: BaseException | None = None, /, **fields: Any) -> None:
        """Something that is our own mistake: level error, with the traceback of `error`."""
        self._log(logging.ERROR, name, fields, error)

    def _log(self, level: int, name: str, fields: dict[str, Any], error: BaseException | None = None) -> None:
        if self._logger.isEnabledFor(level):
            traceback = (type(error), error, error.__traceback__) if error is not None else None
            record = EventRecord(self._logger.name, level, name, self._room, fields, traceback)
            only = _only_listener() if not self._logger.handlers else None
            if only is not None:
                only.enqueue(record)  # as handle() would in the end
            else:
                self._logger.handle(record)


def _only_listener() -> _Passing | None:
    """The one who takes what all rooms say, where nobody else listens."""
    ours = _OURS.handlers
    return ours[0] if len(ours) == 1 and type(ours[0]) is _Passing and not _OURS.propagate else None


def logger(room: str) -> EventLogger:
    """The event logger of a room."""
    return EventLogger(room)


def start_logging(
    form: LogFormat = LogFormat.TEXT, level: int = logging.INFO, stream: IO[str] | None = None
) -> logging.handlers.QueueListener:
    """Write the events of all rooms to `stream` (standard error) from a thread of its own.

    What libraries and hooks say by the standard library's logging becomes events too, from warnings on.
    """
    handler = _Gathering(stream or sys.stderr)
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    ours = logging.getLogger("postel")
    for old in list(ours.handlers):
        ours.removeHandler(old)
    ours.addHandler(_Passing(lines))
    ours.propagate = False
    logging.getLogger().addHandler(_FOREIGN)
    listener = _Writer(lines, handler)
    change_logging(listener, form, level)
    listener.start()
    return listener


def log_at_once(
    form: LogFormat = LogFormat.TEXT, level: int = logging.INFO, stream: IO[str] | None = None
) -> logging.handlers.QueueListener:
    """The same without a thread, for a process that forks: each line is written before the call returns."""
    handler = _AtOnce(stream or sys.stderr)
    ours = logging.getLogger("postel")
    ours.addHandler(handler)
    ours.propagate = False
    logging.getLogger().addHandler(_FOREIGN)
    listener = _Nobody(queue.SimpleQueue(), handler)
    change_logging(listener, form, level)
    return listener


def change_logging(listener: logging.handlers.QueueListener, form: LogFormat, level: int) -> None:
    """Write in this form, and from this level on, from now on."""
    for handler in listener.handlers:
        handler.setFormatter(JsonFormatter() if form is LogFormat.JSON else TextFormatter())
    logging.getLogger("postel").setLevel(level)


def stop_logging(listener: logging.handlers.QueueListener) -> None:
    """Write out what still waits, and go back to saying nothing."""
    logging.getLogger().removeHandler(_FOREIGN)
    ours = logging.getLogger("postel")
    for handler in list(ours.handlers):
        ours.removeHandler(handler)
    ours.propagate = True
    ours.setLevel(logging.NOTSET)
    listener.stop()


class _Foreign(logging.Handler):
    """Takes what is not ours into our log, so that it has our form and cannot break out of its line."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record that a library wrote."""
        log = logger(record.name)
        if record.levelno < logging.ERROR:
            log.trouble("library_message", message=record.getMessage())
        else:
            error = record.exc_info[1] if record.exc_info else None
            log.fault("library_message", error, message=record.getMessage())


_FOREIGN: Final = _Foreign(logging.WARNING)


class _Passing(logging.handlers.QueueHandler):
    """Hands records over as they are: our formatters run in the listener's thread."""

    def __init__(self, lines: queue.SimpleQueue[logging.LogRecord]) -> None:
        super().__init__(lines)
        self._waiting = lines
        self._lost = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        if self._waiting.qsize() >= LINES_WAITING:
            self._lost += 1
            return
        self._waiting.put_nowait(record)
        if self._lost:
            lost, self._lost = self._lost, 0
            logger("observe").trouble("log_lines_lost", lines=lost)


class _Writer(logging.handlers.QueueListener):
    """Sleeps until there are lines, and a little longer."""

    def __init__(self, lines: queue.SimpleQueue[logging.LogRecord], handler: logging.Handler) -> None:
        super().__init__(lines, handler)
        self._waiting = lines

    def dequeue(self, block: bool) -> logging.LogRecord:
        """The next record. Where none waits, what was gathered is written first."""
        if not self._waiting.empty():
            return self._waiting.get()
        self._flush()
        record = self._waiting.get(block)
        time.sleep(GATHER_S)
        return record

    def handle(self, record: logging.LogRecord) -> None:
        """One record. Nobody else writes, so that no lock is needed."""
        for handler in self.handlers:
            handler.emit(record)

    def stop(self) -> None:
        super().stop()
        self._flush()

    def _flush(self) -> None:
        for handler in self.handlers:
            handler.flush()


class _Nobody(logging.handlers.QueueListener):
    """Where no thread writes."""

    def stop(self) -> None:
        """Nothing waits."""


class _Gathering(logging.StreamHandler[IO[str]]):
    """Writes its lines when told to flush, or when there are many."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(self.format(record) + "\n")
        except Exception:  # a value that cannot be shown
            self.handleError(record)
        if len(self._lines) >= LINES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            with suppress(OSError, ValueError):  # there is nobody to tell it to
                self.stream.write("".join(lines))
                self.stream.flush()


class _AtOnce(_Gathering):
    """Writes each line."""

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        self.flush()
