"""Every kind of server there is, by name."""

from __future__ import annotations

from typing import Final

from bench.contenders.aiosmtpd_server import AiosmtpdContender
from bench.contenders.contender import Contender
from bench.contenders.exim import EximContender
from bench.contenders.haraka import HarakaContender
from bench.contenders.opensmtpd import OpensmtpdContender
from bench.contenders.postel import PostelContender
from bench.contenders.postfix import PostfixContender

_ALL: Final[tuple[Contender, ...]] = (
    PostelContender(),
    PostfixContender("postfix", tuned=False),
    PostfixContender("postfix-tuned", tuned=True),
    EximContender(),
    OpensmtpdContender(),
    HarakaContender(),
    AiosmtpdContender("aiosmtpd", is_durable=True),
    AiosmtpdContender("aiosmtpd-nothing-kept", is_durable=False),
)
CONTENDERS: Final = {one.name: one for one in _ALL}
MEASURED_AGAINST: Final = "postfix"  # ratios are to the best of its settings: all names that begin so


def chosen(names: list[str]) -> list[Contender]:
    """Those of `names`, or all when none is named. Raises KeyError."""
    return [CONTENDERS[name] for name in names] or list(_ALL)
