"""How many files and sockets the process may have open.

Gives       allow_descriptors.

The usual soft limit, 1024, is there for programs that use select(2). We do not, so it is raised as far as the
hard limit lets us: else a server that may have 10,000 connections would stop accepting at a tenth of that.
"""

from __future__ import annotations

import os
import resource
from typing import Final

from postel.config import Config
from postel.observe import logger

log = logger("app")

SPARE: Final = 256  # the database, listeners, name servers, what libraries open
ENOUGH: Final = 1 << 20  # where the hard limit is none at all
_NO_LIMIT: Final = 1 << 62


def descriptors_wanted(config: Config) -> int:
    """One for each connection, two for each delivery: its connection, and the content that it reads."""
    return config.limits.connections + 2 * config.queue.deliveries + SPARE


def allow_descriptors(config: Config) -> None:
    """Raise the limit as far as we may, and warn where that is not enough for the configured limits."""
    wanted = descriptors_wanted(config)
    allowed = _raised(wanted)
    if allowed < wanted:
        log.trouble("descriptors_too_few", allowed=allowed, wanted=wanted, because=_because(config, allowed))


def _raised(wanted: int) -> int:
    """The limit in force, after all that could be done for it."""
    soft, hard = (_number(limit) for limit in resource.getrlimit(resource.RLIMIT_NOFILE))
    hards = (max(hard, wanted), hard) if os.geteuid() == 0 else (hard,)
    for ours in hards:
        goal = max(soft, min(ours, max(ENOUGH, wanted)))
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (_limit(goal), _limit(ours)))
        except (OSError, ValueError):  # the kernel, or a sandbox, has a limit of its own
            continue
        return goal
    return soft


def _number(limit: int) -> int:
    return _NO_LIMIT if limit == resource.RLIM_INFINITY else limit


def _limit(number: int) -> int:
    return resource.RLIM_INFINITY if number >= _NO_LIMIT else number


def _because(config: Config, allowed: int) -> str:
    return (
        f"limits.connections = {config.limits.connections} needs more open files than the {allowed} that this process "
        "may have; raise the hard limit (LimitNOFILE= under systemd, ulimit -Hn in a shell), or lower the setting"
    )
