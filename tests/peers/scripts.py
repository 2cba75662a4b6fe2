"""Scripts of tests/peers/scripts, each for a library of another language, run against the shared server."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from example_org import Server
from peer_programs import REPOSITORY, missing, program, run
from postel_process import PASSWORD

_FOLDER: Final = Path(__file__).parent / "scripts"
_MODULES: Final = REPOSITORY / ".peers/node/node_modules"
_JARS: Final = Path("/usr/share/java")
_ROUNDCUBE: Final = REPOSITORY / ".peers/roundcube"


def said_by(
    script: str, server: Server, protocol: str, user: str, folder: Path | None = None
) -> dict[str, str]:
    """What a script found: its lines are `key: value`, and values of one key are joined.

    It is told the port of `protocol`, whom to believe, and the account; and works in `folder`.
    """
    port = str(server.postel.port(protocol))
    said = run(
        *_command(script, server), port, server.authority, user, PASSWORD,
        folder=folder, environment=_environment(server, port, user),
    )  # fmt: skip
    found: dict[str, list[str]] = {}
    for line in said.splitlines():
        key, colon, value = line.partition(": ")
        if colon:
            found.setdefault(key, []).append(value)
    return {key: " ".join(values) for key, values in found.items()}


def _command(script: str, server: Server) -> Sequence[str | Path]:
    path = _FOLDER / script
    match path.suffix:
        case ".pl":
            return program("perl"), path
        case ".rb":
            return program("ruby"), path
        case ".php":
            return program("php", "php-cli"), path
        case ".el":
            return program("emacs", "emacs-nox"), "--batch", "--quick", "--load", path
        case ".tcl":
            return program("tclsh", "tcl"), path
        case ".lua":
            return program("imapfilter"), "-t", server.authority, "-c", path
        case ".java":
            return program("java", "openjdk-17-jdk-headless"), "-cp", _jars(), path
        case ".js":
            return _node(), path
        case _:
            return sys.executable, path


def _jars() -> str:
    found = [_JARS / "jakarta-mail.jar", _JARS / "jakarta-activation.jar"]
    if not all(jar.exists() for jar in found):
        missing("no Jakarta Mail: Debian package libjakarta-mail-java, or tools/install-peers.sh")
    return ":".join(map(str, found))


def _node() -> str:
    if not _MODULES.is_dir():
        missing("no .peers/node: tools/install-peers.sh")
    return program("node", "nodejs")


def _environment(server: Server, port: str, user: str) -> dict[str, str]:
    """For those that take no arguments, or believe nobody else."""
    authority = str(server.authority)
    return {
        "NODE_PATH": str(_MODULES), "NODE_EXTRA_CA_CERTS": authority, "SSL_CERT_FILE": authority,
        "HOME": str(server.postel.folder), "PORT": port, "ACCOUNT": user, "PASSWORD": PASSWORD,
        "ROUNDCUBE": str(_ROUNDCUBE),
    }  # fmt: skip
