"""Every kind of server there is, by name."""

from __future__ import annotations

from typing import Final

from bench.contenders.aiosmtpd_server import AiosmtpdContender
from bench.contenders.contender import Contender
from bench.contenders.postel import PostelContender
from bench.contenders.postfix import PostfixContender

_ALL: Final[tuple[Contender, ...]] = (
    PostelContender(),
    PostfixContender("postfix", tuned=False),
    PostfixContender("postfix-tuned", tuned=True),
    AiosmtpdContender("aiosmtpd", is_durable=True),
    AiosmtpdContender("aiosmtpd-nothing-kept", is_durable=False),
)
CONTENDERS: Final = {one.name: one for one in _ALL}


def installed(names: list[str]) -> list[Contender]:
    """Those of `names` that can be started here; all that can, when none is named. Raises KeyError."""
    wanted = [CONTENDERS[name] for name in names] or list(_ALL)
    return [one for one in wanted if one.is_installed()]
