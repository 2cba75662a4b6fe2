"""What an operator sees: events with stable names, as text or JSON. Floor 2 and up."""

from postel.observe.events import EVENTS
from postel.observe.formats import LogFormat
from postel.observe.log import (
    EventLogger,
    change_logging,
    log_at_once,
    logger,
    start_logging,
    stop_logging,
)

__all__ = [
    "EVENTS",
    "EventLogger",
    "LogFormat",
    "change_logging",
    "log_at_once",
    "logger",
    "start_logging",
    "stop_logging",
]
