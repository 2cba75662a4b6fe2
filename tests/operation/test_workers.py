"""`workers = 2`: one server of several processes, each of which may die."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from served import (
    LOGIN,
    PATIENCE_S,
    POSTEL,
    SINK,
    Line,
    Serve,
    Served,
    add_account,
    begin_letter,
    configuration,
    eventually,
    letters,
    listener,
    nobody,
    notify_socket,
    send_letter,
    smtp,
)

pytestmark = pytest.mark.slow
TWO = "workers = 2\n"
LOCAL = '\n[[domain]]\nname = "example.org"\n' + LOGIN


def children(served: Served) -> set[int]:
    """The workers that live now."""
    text = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text()
    return set(map(int, text.split()))


def two(*protocols: str, rules: str = LOCAL, **more: str) -> str:
    """A configuration for two workers."""
    return configuration(*protocols, rules=rules, top=TWO + more.pop("top", ""), **more)


def kill_one(served: Served, number: int) -> None:
    """`kill -9` for one worker; its successor has taken its place when this returns."""
    before = children(served)
    since = len(served.lines)
    pid = worker(served, number)
    os.kill(pid, signal.SIGKILL)
    ended = served.wait_for("worker_ended", since=since, worker=number)
    assert "SIGKILL" in ended["because"]
    assert served.wait_for("worker_started", since=since, worker=number)["pid"] not in before


def worker(served: Served, number: int) -> int:
    """The process of one worker."""
    served.wait_for("worker_started", worker=number)
    told = [e["pid"] for e in served.events if e["event"] == "worker_started" and e["worker"] == number]
    return int(told[-1])


def test_a_server_of_two_workers_is_ready_once_and_ends_in_order(serve: Serve) -> None:
    served = serve(two("smtp", rules=SINK)).ready()
    assert len(children(served)) == 2
    ready = served.wait_for("ready")
    assert (ready["workers"], ready["listeners"]) == (2, 1)
    assert served.names().count("listening") == 1
    assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250")
    served.end()
    assert served.names().count("ready") == served.names().count("stopped") == 1
    assert served.names()[-1] == "stopped"


def test_one_worker_is_one_process(serve: Serve) -> None:
    served = serve(configuration("smtp", rules=SINK)).ready()
    assert children(served) == set()
    served.end()


def test_the_kernel_divides_connections_among_the_workers(serve: Serve) -> None:
    served = serve(two("smtp", rules=SINK)).ready()
    lines = [smtp(served.port("smtp")) for _ in range(60)]
    held = {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in children(served)}
    assert all(line.ask("NOOP").startswith("250") for line in lines)
    assert max(held.values()) - min(held.values()) < 50, "both have some"
    for line in lines:
        line.close()
    served.end()


@pytest.mark.parametrize("number", [0, 1])
def test_mail_that_a_killed_worker_had_accepted_is_delivered(serve: Serve, folder: Path, number: int) -> None:
    served = serve(two("smtp", "pop3")).ready()
    add_account(folder, "ann@example.org")
    for _ in range(8):
        assert send_letter(served.port("smtp"), "ann@example.org").startswith("250")
    kill_one(served, number)
    for _ in range(8):
        assert send_letter(served.port("smtp"), "ann@example.org").startswith("250")
    eventually(lambda: letters(served.port("pop3"), "ann@example.org") == 16, "16 letters")
    served.end()


def test_sessions_of_other_workers_go_on_when_one_is_killed(serve: Serve) -> None:
    served = serve(two("smtp", rules=SINK)).ready()
    lines = [smtp(served.port("smtp")) for _ in range(20)]
    kill_one(served, 1)
    answers = [_noop(line) for line in lines]
    assert 0 < answers.count("250") < 20
    assert set(answers) == {"250", ""}
    for line in lines:
        line.close()
    served.end()


def _noop(line: Line) -> str:
    try:
        return line.ask("NOOP")[:3]
    except OSError:
        return ""


def test_a_worker_that_is_told_to_end_ends_in_order_and_is_replaced(serve: Serve) -> None:
    served = serve(two("smtp", rules=SINK)).ready()
    pid = worker(served, 1)
    since = len(served.lines)
    os.kill(pid, signal.SIGTERM)
    assert "status 0" in served.wait_for("worker_ended", since=since)["because"]
    served.wait_for("worker_started", since=since)
    assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250")
    served.end()


def test_workers_end_when_their_supervisor_is_killed_and_a_new_server_takes_over(
    serve: Serve, folder: Path
) -> None:
    text = two("smtp", "pop3")
    served = serve(text).ready()
    add_account(folder, "ann@example.org")
    assert send_letter(served.port("smtp"), "ann@example.org").startswith("250")
    pids = children(served)
    os.kill(served.process.pid, signal.SIGKILL)
    again = serve(text).ready()
    assert not any(Path(f"/proc/{pid}").exists() and _is_ours(pid) for pid in pids)
    eventually(lambda: letters(again.port("pop3"), "ann@example.org") == 1, "one letter")
    again.end()


def _is_ours(pid: int) -> bool:
    """Whether the process still runs; a dead one that nobody has waited for does not."""
    return " Z " not in Path(f"/proc/{pid}/stat").read_text()


def test_a_reload_reaches_every_worker_and_drops_no_session(serve: Serve) -> None:
    text = two("smtp", rules=SINK)
    served = serve(text).ready()
    lines = [smtp(served.port("smtp")) for _ in range(20)]
    old = served.port("smtp")
    served.reload(text.replace('"sink.example"', '"other.example"') + listener("lmtp"))
    for line in lines:
        assert line.ask("NOOP").startswith("250")
        line.close()
    for _ in range(12):  # whoever answers, it is the new one
        assert send_letter(old, "ann@other.example").startswith("250")
        line = smtp(old)
        assert line.ask("MAIL FROM:<>").startswith("250")
        assert line.ask("RCPT TO:<ann@sink.example>").startswith("55")
        line.close()
    lmtp = [Line(served.port("lmtp")) for _ in range(12)]
    assert all(line.reply().startswith("220") for line in lmtp)
    served.end()


def test_after_a_reload_a_port_that_went_is_closed_and_a_new_worker_knows_the_rest(serve: Serve) -> None:
    text = two("smtp", rules=SINK)
    served = serve(text + listener("lmtp")).ready()
    gone = served.port("lmtp")
    served.reload(text.replace('"sink.example"', '"other.example"'))
    served.wait_for("listener_closed", protocol="lmtp")
    eventually(lambda: not _accepts(gone), "the port is closed")
    for number in (0, 1):
        kill_one(served, number)
    for _ in range(6):
        assert send_letter(served.port("smtp"), "ann@other.example").startswith("250")
    served.end()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_reload_that_fails_changes_nothing_in_any_worker(serve: Serve) -> None:
    text = two("smtp", rules=SINK)
    served = serve(text).ready()
    mistake = served.reload(text + '\n[hooks]\nfiles = ["absent.py"]\n', waits_for="reload_failed")
    assert "absent.py" in mistake["because"]
    assert served.names().count("reload_failed") == 1
    for _ in range(6):
        assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250")
    served.reload(text)
    served.end()


def test_a_letter_under_way_gets_its_250_when_the_server_ends(serve: Serve, folder: Path) -> None:
    text = two("smtp", "pop3")
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
    eventually(lambda: letters(again.port("pop3"), "ann@example.org") == 1, "one letter")
    again.end()


def test_a_server_that_cannot_start_says_why_and_leaves_nobody_behind(serve: Serve, folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "postel.db").write_text("this is no database, whatever its name may say" * 200)
    served = serve(two("smtp", rules=SINK))
    assert served.status() != 0
    assert "postel.db cannot be used" in "\n".join(served.lines)


def test_a_port_that_somebody_else_has_is_not_shared_with_him(serve: Serve) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        place = f"127.0.0.1:{other.getsockname()[1]}"
        served = serve(two(rules=SINK, listeners=listener("smtp", place)))
        assert served.status() != 0
        assert "another program has this port" in "\n".join(served.lines)


def test_a_unix_socket_is_shared_and_removed_in_the_end(serve: Serve, folder: Path) -> None:
    path = folder / "lmtp"
    served = serve(two(listeners=listener("lmtp", f"unix:{path}"))).ready()
    add_account(folder, "ann@example.org")
    for _ in range(6):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(path))
            assert client.recv(100).startswith(b"220")
    kill_one(served, 1)
    assert path.exists()
    served.end()
    assert not path.exists()


def test_the_manager_hears_of_one_server(serve: Serve, folder: Path) -> None:
    name = f"{folder}/notify"
    with notify_socket(name) as ear:
        served = serve(two("smtp", rules=SINK), environment={"NOTIFY_SOCKET": name}).ready()
        assert b"READY=1" in ear.recv(4096)
        served.reload()
        assert b"RELOADING=1" in ear.recv(4096)
        assert b"READY=1" in ear.recv(4096)
        served.end()
        assert b"STOPPING=1" in ear.recv(4096)


def test_root_is_given_up_by_the_supervisor_and_by_every_worker_also_a_later_one(serve: Serve) -> None:
    user = nobody()
    port = _free_low_port()
    text = two(rules=SINK, top=f'user = "{user.pw_name}"\n', listeners=listener("smtp", f"127.0.0.1:{port}"))
    served = serve(text).ready()
    kill_one(served, 1)
    for pid in (served.process.pid, *children(served)):
        status = Path(f"/proc/{pid}/status").read_text()
        assert re.search(r"^Uid:(.*)$", status, re.MULTILINE)[1].split() == [str(user.pw_uid)] * 4  # type: ignore[index]
    assert send_letter(port, "ann@sink.example").startswith("250")
    served.end()


def _free_low_port() -> int:
    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    pytest.fail("every port below 1024 is in use")


def test_a_second_server_is_told_who_has_the_data_directory(serve: Serve, folder: Path) -> None:
    served = serve(two("smtp", rules=SINK)).ready()
    command = [str(POSTEL), "--config", str(folder / "postel.toml"), "serve"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert second.returncode != 0
    assert f"process {served.process.pid} already serves" in second.stderr
    served.end()
