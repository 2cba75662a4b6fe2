"""What a configuration amounts to, checked as the server would use it: relaying, certificates, hook files.

Gives       check_whole(loaded) -> Findings.
Promise     No configuration without a warning here makes an open relay (ARCHITECTURE.md, promise 3).
Not here    The keys of the configuration: config.check, which comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from postel.app import options
from postel.app.own_addresses import own_addresses
from postel.app.table import routing_table
from postel.config import Findings, Loaded, Mistake
from postel.hooks import HookFile, HookFileFault
from postel.net import SystemClock, TcpNetwork
from postel.routing import dangers_of
from postel.tls import BadCertificate, certificate_facts

SOON_S: Final = 14 * 86400.0  # a certificate that ends within this wants attention


def check_whole(loaded: Loaded) -> Findings:
    """Open what the configuration names, and build the routing table."""
    tls_mistakes, tls_warnings = _certificate(loaded, SystemClock().now())
    return Findings((*tls_mistakes, *_hooks(loaded)), (*_dangers(loaded), *tls_warnings))


def _dangers(loaded: Loaded) -> Iterator[Mistake]:
    of_interfaces = TcpNetwork().own_addresses()
    table = routing_table(loaded, own_addresses(loaded.config, of_interfaces))
    for step in dangers_of(table):
        _, _, line = step.source.rpartition(":")
        yield Mistake(loaded.file, int(line) if line.isdecimal() else 0, step.text)


def _certificate(loaded: Loaded, now_at: float) -> tuple[tuple[Mistake, ...], tuple[Mistake, ...]]:
    tls = loaded.config.tls
    if tls.certificate is None or tls.key is None:
        return (), ()
    line = loaded.line("tls", "certificate")
    try:
        facts = certificate_facts(loaded.resolve(tls.certificate), loaded.resolve(tls.key))
    except BadCertificate as bad:
        return (Mistake(loaded.file, line, str(bad)),), ()
    if not facts.key_matches:
        text = "the key is not that of the certificate; the two files come from different orders"
        return (Mistake(loaded.file, loaded.line("tls", "key"), text),), ()
    warnings = []
    name = options.hostname(loaded).ascii
    if not facts.covers(name):
        warnings.append(f"the certificate is for {', '.join(facts.names) or 'no name'}, not for {name}")
    if facts.not_after_at < now_at:
        warnings.append("the certificate has expired; programs that check it will refuse to connect")
    elif facts.not_after_at < now_at + SOON_S:
        warnings.append("the certificate expires within two weeks; renew it and send SIGHUP")
    return (), tuple(Mistake(loaded.file, line, text) for text in warnings)


def _hooks(loaded: Loaded) -> Iterator[Mistake]:
    for number, name in enumerate(loaded.config.hooks.files):
        try:
            HookFile.load(loaded.resolve(name))
        except HookFileFault as fault:
            yield Mistake(loaded.file, loaded.line("hooks", "files", number), str(fault))
