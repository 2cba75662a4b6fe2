"""Invariant: any text is a configuration (Loaded) or BadConfig; where check_config finds no mistake, check_whole can
judge it and every room's options can be made of it. Nothing else escapes, and no mistake is without words.

Run by itself: python fuzz/config_file.py [SEED [ROUNDS]]. Under atheris: python fuzz/config_file.py --atheris.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

from harness import run

from postel.app import check_whole, options
from postel.config import BadConfig, Loaded, check_config, parse

_GOOD: Final = """\
hostname = "mx.example.org"
data = "data"
postmaster = "ann@example.org"
detail_separator = "+"
[[listen]]
protocol = "smtp"
address = "127.0.0.1:25"
proxy = ["10.0.0.0/8", "unix"]
xclient = ["127.0.0.1"]
[[listen]]
protocol = "pop3"
address = "[::1]:110"
[[domain]]
name = "example.org"
aliases = { sales = ["ann", "kitt@free.example"], "*" = "ann" }
[relay]
networks = ["10.0.0.0/8"]
domains = ["backup.example", ".below.example"]
[route]
"*" = { to = "smtp:hop.example:25", user = "a", password = "b", tls = "must" }
"gone.example" = "error:550 5.7.1 gone"
"list.example" = "lmtp:unix:/run/list"
"tls.example" = { to = "smtps:hop.example:10465", tls = "verified", names = [".hop.example"], least = "TLSv1.3" }
[tls_policy]
"bank.example" = { tls = "verified", names = ["domain", ".bank.example"] }
"*" = "may"
[dns]
servers = ["127.0.0.1:53"]
[login]
plaintext = ["127.0.0.0/8"]
[access]
clients = ["accept mx.friend.example", "refuse 192.0.2.0/24", "later *"]
reverse_paths = ["refuse spam@spam.example", "later .spam.example"]
names = "need"
[queue]
retry = ["1m", "5m"]
warn = "4h"
expire = "5d"
[limits]
message_size = "50 MB"
recipients = 100
[hooks]
timeout = "1s"
[delivery]
source = ["127.0.0.1"]
[log]
level = "info"
"""
_VALUES: Final = (
    '""', '"\\u0000"', "9" * 5000, "-1", "0", "1e400", "nan", "-inf", "true", "[]", "{}", "[[]]", "[{}]",
    "1979-05-27T07:32:00Z", "07:32:00", '"${HOME}"', '"${NOBODY}"', '{ file = "\\u0000" }', '{ file = "/" }',
    '"0s"', '"' + "9" * 400 + 'd"', '"' + "9" * 400 + '"', '"1e5s"', '"0.0000001s"', '"\u0663s"', '"\u0663"',
    '"*"', '"."', '"[::1]:25"', '"[::1%x]:25"', '"unix:/x"', '"unix:"', '"127.0.0.1:99999"', '"127.0.0.1:-1"',
    '"smtp:"', '"smtp::25"', '"smtp:x:\u0663"', '"lmtp:unix:"', '"error:"', '"error:250 x"', '"error:999 x"',
    '"error:550 4.7.1 x"', '"mailbox"', '"discard"', '"0.0.0.0/0"', '"::1%x/128"', '"10.1.2.3/8"', '"a b"',
    '"a@b@c"', '"\\"x\\"@y.example"', '"\uff11.2.3.4"', '"' + "a" * 300 + '"', '"\\u202e"', '["a", "a"]', '[1, "a"]',
    "18446744073709551616", '{ to = "discard", tls = "must" }', '{ to = "error:550 no", user = "a", password = "b" }',
    '{ to = "smtp:x.example:25", user = "", password = "" }', '{ "" = "" }', '{ "a.b" = 1 }', '{ "`$[0].x" = "y" }',
)  # fmt: skip
_KEYS: Final = (
    "hostname", "data", "postmaster", "user", "listen", "domain", "relay", "route", "dns", "tls", "login", "queue",
    "limits", "hooks", "delivery", "log", "x", '""', '"a.b"', '"[0]"', '"`"', '"$.x"', '"\\u0000"', '"\u00e9"',
)  # fmt: skip
_DEEP: Final = ("x=" + "[" * 3000, "x=" + "{a=" * 900, "a." * 2000 + "b=1", "[" + "a." * 3000 + "b]")


def one_input(data: bytes) -> None:
    """Read, check and use one text."""
    try:
        loaded = parse(
            data.decode("utf-8", "replace"), file="f", directory=Path("/nowhere"), environment=_WORLD
        )
    except BadConfig as bad:
        assert bad.mistakes and all(mistake.text for mistake in bad.mistakes)
        return
    findings = check_config(loaded)
    assert all(mistake.text for mistake in findings.mistakes + findings.warnings)
    if not findings.mistakes:
        _use(loaded)


_WORLD: Final = {"HOME": "/\0home"}


def _use(loaded: Loaded) -> None:
    check_whole(loaded)
    options.queue_options(loaded)
    options.relay_options(loaded)
    options.mailbox_options(loaded)
    options.hook_options(loaded)
    options.admission_options(loaded)
    options.directory_options(loaded)
    for listen in loaded.config.listen:
        if listen.protocol in ("pop3", "pop3s"):
            options.pop3_options(loaded, listen)
        else:
            options.service_options(loaded, listen)


def some_input(chance: random.Random) -> bytes:
    """A good configuration with some lines changed."""
    lines = _GOOD.splitlines()
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        place = chance.randrange(len(lines))
        lines[place : place + 1] = _changed(lines[place], chance)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _changed(line: str, chance: random.Random) -> list[str]:
    match chance.randrange(7):
        case 0 | 1 | 2 if "=" in line:
            return [f"{line.partition('=')[0]}= {chance.choice(_VALUES)}"]
        case 3:
            return []
        case 4:
            return [line, f"{chance.choice(_KEYS)} = {chance.choice(_VALUES)}"]
        case 5:
            return [chance.choice(("[{}]", "[[{}]]")).format(chance.choice(_KEYS)), line]
        case 6 if chance.random() < 0.2:
            return [chance.choice(_DEEP)]
        case _:
            cut = chance.randrange(len(line) + 1)
            return [
                line[:cut] + chance.choice("[]{}=\".,'\\#\n\0\u00e9$`") + line[cut + chance.randrange(2) :]
            ]


if __name__ == "__main__":
    run(one_input, some_input, rounds=2000)
