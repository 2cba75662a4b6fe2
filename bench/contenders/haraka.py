"""Haraka as npm installs it: plugins that admit all, and its own outbound queue, which syncs each message."""

from __future__ import annotations

import shutil
from typing import Final

from bench.contenders.contender import HOSTNAME, REPOSITORY, Foreground, Purpose, Setting, free_port

_HARAKA: Final = REPOSITORY / ".peers/haraka/node_modules/Haraka/bin/haraka"
# A name under which no plugin of its own is known.
_PLUGIN_NAME: Final = "for_bench"
_CONNECTION: Final = (
    "[max]\nline_length=512\ndata_line_length=992\n[message]\nclose=bye\n[uuid]\nbanner_chars=6\n"
)
_PLUGIN: Final = """\
exports.register = function () {
    this.register_hook('rcpt', 'admit')
    this.register_hook('get_mx', 'sink')
}
exports.admit = function (next, connection) {
    connection.relaying = true
    next(OK)
}
exports.sink = function (next) {
    next(OK, [{ priority: 0, exchange: '127.0.0.1', port: %d }])
}
"""


class HarakaContender:
    """One process, as installed.

    It has no mailboxes. Where mail is thrown away its outbound delivery is disabled, so that it is charged with less
    than the others.
    """

    name = "haraka"
    purposes = frozenset({Purpose.DISCARD, Purpose.RELAY})
    has_dead_domain = False
    most_sessions = 10_000

    def missing(self) -> str:
        if shutil.which("node") is None or not _HARAKA.exists():
            return "no Haraka: tools/install-bench-peers.sh"
        return ""

    def start(self, setting: Setting) -> Foreground:
        port, folder = free_port(), setting.folder
        files = {
            "config/plugins": f"{_PLUGIN_NAME}\n",
            "config/smtp.ini": f"listen=127.0.0.1:{port}\n",
            "config/connection.ini": _CONNECTION,
            "config/me": f"{HOSTNAME}\n",
            "config/log.ini": "[main]\nlevel=error\n",
            "config/databytes": f"{setting.size_bytes}\n",
            "config/outbound.ini": "enable_tls=false\n"
            + ("disabled=true\n" if setting.purpose is Purpose.DISCARD else ""),
            f"plugins/{_PLUGIN_NAME}.js": _PLUGIN % setting.sink_port,
        }
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        command = [shutil.which("node") or "node", str(_HARAKA), "-c", str(folder)]
        return Foreground(command, port, setting)
