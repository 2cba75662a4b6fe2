"""Ready when every listener accepts; ended by a signal in order, or at once by a second."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest
from served import (
    PATIENCE_S,
    POSTEL,
    SINK,
    Line,
    Serve,
    add_account,
    begin_letter,
    configuration,
    letters,
    pop3,
    send_letter,
    smtp,
)

ALL = ("smtp", "submission", "submissions", "pop3", "pop3s")


def test_ready_is_said_when_every_listener_accepts(serve: Serve) -> None:
    served = serve(configuration(*ALL)).ready()
    assert served.names()[-1] == "ready"
    assert served.events[-1]["listeners"] == 5
    for protocol in ALL:
        socket.create_connection(("127.0.0.1", served.port(protocol)), timeout=PATIENCE_S).close()
    served.end()
    ends = [
        name for name in served.names() if name in ("stopping", "stopped")
    ]  # sessions may end between them
    assert ends == ["stopping", "stopped"]
    assert served.names()[-1] == "stopped"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_idle_sessions_with_421_and_the_server_with_0(
    serve: Serve, number: signal.Signals
) -> None:
    served = serve(configuration("smtp", "pop3")).ready()
    idle, greeted = smtp(served.port("smtp")), Line(served.port("pop3"))
    assert greeted.reply().startswith("+OK")
    served.signal(number)
    assert idle.reply().startswith("421 4.3.2")
    assert idle.read() == ""
    assert greeted.read() == ""
    assert served.status() == 0


def test_a_letter_whose_content_is_under_way_gets_its_250_and_is_durable(serve: Serve, folder: Path) -> None:
    text = configuration("smtp", "pop3")
    served = serve(text).ready()
    add_account(folder, "ann@example.org")
    line = smtp(served.port("smtp"))
    begin_letter(line, "ann@example.org")
    line.send("Subject: last", "", "on the way")
    served.signal(signal.SIGTERM)
    served.wait_for("stopping")
    assert line.ask(".").startswith("250")
    assert line.reply().startswith("421 4.3.2")
    assert served.status() == 0
    again = serve(text).ready()
    if letters(again.port("pop3"), "ann@example.org") == 0:  # it may have been delivered by the first
        again.wait_for("delivered")
    assert letters(again.port("pop3"), "ann@example.org") == 1
    again.end()


def test_a_client_that_connects_while_the_server_ends_is_turned_away(serve: Serve) -> None:
    served = serve(configuration("smtp", rules=SINK)).ready()
    port = served.port("smtp")
    line = smtp(port)
    begin_letter(line, "ann@sink.example")
    served.signal(signal.SIGTERM)
    served.wait_for("stopping")
    with pytest.raises(OSError):
        Line(port).read()
        raise ConnectionError  # accepted by the kernel alone, and reset
    line.send(".")
    assert served.status() == 0


def test_a_pop3_session_ends_between_commands_and_removes_nothing(serve: Serve, folder: Path) -> None:
    text = configuration("smtp", "pop3")
    served = serve(text).ready()
    add_account(folder, "ann@example.org")
    assert send_letter(served.port("smtp"), "ann@example.org").startswith("250")
    served.wait_for("delivered")
    line = pop3(served.port("pop3"), "ann@example.org")
    assert line.ask("DELE 1").startswith("+OK")
    served.signal(signal.SIGTERM)
    assert line.read() == ""
    assert served.status() == 0
    again = serve(text).ready()
    assert letters(again.port("pop3"), "ann@example.org") == 1
    again.end()


def test_a_client_that_only_connects_to_a_tls_port_holds_nobody_up(serve: Serve) -> None:
    served = serve(configuration("submissions", "pop3s")).ready()
    silent = [socket.create_connection(("127.0.0.1", served.port(name))) for name in ("submissions", "pop3s")]
    served.end()
    for connection in silent:
        connection.close()


def test_a_second_signal_ends_it_at_once(serve: Serve) -> None:
    served = serve(configuration("smtp", rules=SINK)).ready()
    line = smtp(served.port("smtp"))
    begin_letter(line, "ann@sink.example")
    served.signal(signal.SIGTERM)
    served.wait_for("stopping")
    served.signal(signal.SIGTERM)
    assert served.status() == 1
    assert "stopped" not in served.names()


def test_a_signal_while_it_starts_ends_it_in_order_or_before_it_has_begun(serve: Serve) -> None:
    served = serve(configuration("smtp"))
    served.wait_for("certificate_self_signed")
    served.signal(signal.SIGTERM)
    assert served.status() == 0
    assert "Traceback" not in "\n".join(served.lines)


def test_mail_for_a_dead_next_hop_is_still_queued_after_the_end(serve: Serve, folder: Path) -> None:
    rules = '\n[relay]\ndomains = ["far.example"]\n[route]\n"far.example" = "smtp:[127.0.0.1]:1"\n'
    served = serve(configuration("smtp", rules=rules)).ready()
    assert send_letter(served.port("smtp"), "kitt@far.example").startswith("250")
    served.end()
    listed = subprocess.run(
        [POSTEL, "--config", folder / "postel.toml", "queue", "list", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "kitt@far.example" in listed.stdout


def test_the_files_are_for_the_server_alone(serve: Serve, folder: Path) -> None:
    os.umask(0o022)
    served = serve(configuration("smtp", "pop3")).ready()
    add_account(folder, "ann@example.org")
    line = smtp(served.port("smtp"))
    begin_letter(line, "ann@example.org")
    line.send("Subject: large", "", *("x" * 990 for _ in range(300)))
    assert line.ask(".").startswith("250")
    served.wait_for("delivered")
    data = folder / "data"
    modes = {path.relative_to(folder): path.stat().st_mode & 0o777 for path in (data, *data.rglob("*"))}
    assert modes[Path("data")] == 0o700
    assert modes[Path("data/postel.db")] == modes[Path("data/tls/self-signed.key")] == 0o600
    assert any(path.match("data/contents/*/*") for path in modes)
    assert {mode & 0o077 for mode in modes.values()} == {0}, modes
    served.end()


def test_a_data_directory_that_is_open_to_others_is_warned_of(serve: Serve, folder: Path) -> None:
    (folder / "data").mkdir(mode=0o755)
    (folder / "data").chmod(0o755)
    served = serve(configuration("smtp")).ready()
    assert "chmod 700" in served.wait_for("data_directory_open")["because"]
    served.end()


def test_the_database_is_whole_after_the_end(serve: Serve, folder: Path) -> None:
    served = serve(configuration("smtp")).ready()
    served.end()
    assert not (folder / "data" / "postel.db-wal").exists()
    database = sqlite3.connect(f"file:{folder}/data/postel.db?mode=ro", uri=True)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()


def test_a_hook_that_hangs_holds_the_end_up_for_its_own_time_only(serve: Serve, folder: Path) -> None:
    (folder / "hooks.py").write_text("import time\nasync def rcpt(facts):\n    time.sleep(10_000)\n")
    served = serve(
        configuration("smtp", rules=SINK + '[hooks]\nfiles = ["hooks.py"]\ntimeout = "1s"\n')
    ).ready()
    line = smtp(served.port("smtp"))
    assert line.ask("MAIL FROM:<ann@example.net>").startswith("250")
    line.send("RCPT TO:<ann@sink.example>")
    served.signal(signal.SIGTERM)
    assert line.reply().startswith("451")
    assert line.reply().startswith("421 4.3.2")
    assert served.status() == 0
