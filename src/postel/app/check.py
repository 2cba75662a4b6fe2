"""What a configuration amounts to, checked as the server would use it: relaying, certificates, hook files, data, user.

Gives       check_whole(loaded) -> Findings.
Promise     No configuration without a warning here makes an open relay (ARCHITECTURE.md, promise 3).
Not here    The keys of the configuration: config.check, which comes first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from postel.app import options
from postel.app.own_addresses import own_addresses
from postel.app.privileges import CannotBecome, check_user
from postel.app.table import routing_table
from postel.config import Findings, Loaded, Mistake
from postel.hooks import HookFile, HookFileFault
from postel.net import SystemClock, TcpNetwork
from postel.routing import dangers_of
from postel.tls import BadCertificate, CertificateFacts, certificate_facts

SOON_S: Final = 14 * 86400.0  # a certificate that ends within this wants attention


def check_whole(loaded: Loaded) -> Findings:
    """Open what the configuration names, and build the routing table."""
    found = list(_certificates(loaded, SystemClock().now()))
    mistakes = [text for is_mistake, text in found if is_mistake]
    warnings = [text for is_mistake, text in found if not is_mistake]
    return Findings((*_place(loaded), *mistakes, *_hooks(loaded)), (*_dangers(loaded), *warnings))


def _place(loaded: Loaded) -> Iterator[Mistake]:
    """Where the data is to be, and whose."""
    data = loaded.resolve(loaded.config.data)
    there = next(path for path in (data, *data.parents) if os.path.exists(path))
    if not there.is_dir():
        yield Mistake(loaded.file, loaded.line("data"), f"{there} is not a directory; name one as data")
    if loaded.config.user is not None and os.geteuid() == 0:  # nobody else becomes another user
        try:
            check_user(loaded.config.user)
        except CannotBecome as fault:
            yield Mistake(loaded.file, loaded.line("user"), str(fault))


def _dangers(loaded: Loaded) -> Iterator[Mistake]:
    of_interfaces = TcpNetwork().own_addresses()
    table = routing_table(loaded, own_addresses(loaded.config, of_interfaces))
    for step in dangers_of(table):
        _, _, line = step.source.rpartition(":")
        yield Mistake(loaded.file, int(line) if line.isdecimal() else 0, step.text)


def _certificates(loaded: Loaded, now_at: float) -> Iterator[tuple[bool, Mistake]]:
    """What is wrong with the certificates (True), and what is worth a warning (False)."""
    tls, own_name = loaded.config.tls, options.hostname(loaded).ascii
    yield from _certificate(loaded, ("tls",), "certificate", tls.certificate, tls.key, [own_name], now_at)
    for number, one in enumerate(loaded.config.certificate):
        path = ("certificate", number)
        yield from _certificate(loaded, path, "chain", one.chain, one.key, one.names, now_at)


def _certificate(
    loaded: Loaded,
    path: tuple[str | int, ...],
    word: str,
    certificate: str | None,
    key: str | None,
    names: list[str],
    now_at: float,
) -> Iterator[tuple[bool, Mistake]]:
    if certificate is None or key is None:
        return
    line = loaded.line(*path, word)
    try:
        facts = certificate_facts(loaded.resolve(certificate), loaded.resolve(key))
    except BadCertificate as bad:
        yield True, Mistake(loaded.file, line, str(bad))
        return
    if not facts.key_matches:
        text = "the key is not that of the certificate; the two files come from different orders"
        yield True, Mistake(loaded.file, loaded.line(*path, "key"), text)
        return
    for text in _doubts(facts, names, now_at):
        yield False, Mistake(loaded.file, line, text)


def _doubts(facts: CertificateFacts, names: list[str], now_at: float) -> Iterator[str]:
    for name in names:
        if not facts.covers(name):
            yield f"the certificate is for {', '.join(facts.names) or 'no name'}, not for {name}"
    if facts.not_after_at < now_at:
        yield "the certificate has expired; programs that check it will refuse to connect"
    elif facts.not_after_at < now_at + SOON_S:
        yield "the certificate expires within two weeks; renew it and send SIGHUP"


def _hooks(loaded: Loaded) -> Iterator[Mistake]:
    for number, name in enumerate(loaded.config.hooks.files):
        try:
            HookFile.load(loaded.resolve(name))
        except HookFileFault as fault:
            yield Mistake(loaded.file, loaded.line("hooks", "files", number), str(fault))
