"""Under a service manager: readiness over NOTIFY_SOCKET, sockets over LISTEN_FDS, the unit files."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from served import (
    PATIENCE_S,
    POSTEL,
    SINK,
    Line,
    Serve,
    configuration,
    listener,
    nobody,
    notify_socket,
    send_letter,
)

from postel.app import systemd
from postel.config import parse

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[socket.socket, str]]:
    """What systemd listens at, and its name."""
    name = f"{folder}/notify" if request.param == "path" else f"@postel-test-{secrets.token_hex(8)}"
    with notify_socket(name) as ear:
        yield ear, name


def heard(ear: socket.socket) -> dict[str, str]:
    """The next notification."""
    return dict(line.split("=", 1) for line in ear.recv(4096).decode().splitlines())


def test_the_manager_hears_of_start_reload_and_end(serve: Serve, manager: tuple[socket.socket, str]) -> None:
    ear, name = manager
    served = serve(configuration("smtp", rules=SINK), environment={"NOTIFY_SOCKET": name})
    assert heard(ear)["READY"] == "1"
    assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250"), "ready is ready"

    before = time.monotonic_ns() // 1000
    served.reload()
    reloading = heard(ear)
    assert reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert heard(ear)["READY"] == "1"

    served.reload("hostname = 3", waits_for="reload_failed")
    assert heard(ear)["RELOADING"] == "1"
    told = heard(ear)
    assert told["READY"] == "1"
    assert "old configuration" in told["STATUS"]

    served.signal(signal.SIGTERM)
    assert heard(ear)["STOPPING"] == "1"
    assert served.status() == 0


def test_a_manager_who_has_gone_away_holds_nobody_up(serve: Serve, folder: Path) -> None:
    served = serve(configuration("smtp"), environment={"NOTIFY_SOCKET": f"{folder}/nowhere"}).ready()
    served.end()


@pytest.mark.parametrize("address", ["", "nonsense", "vsock:2:1"])
def test_an_address_of_another_kind_is_left_alone(address: str) -> None:
    assert not systemd.notify("READY=1", {"NOTIFY_SOCKET": address})


# Socket activation

_ACTIVATE = """
import fcntl, os, sys
numbers, program = sys.argv[1].split(","), sys.argv[2:]
aside = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 100) for number in numbers]
for place, number in enumerate(aside, 3):
    os.dup2(number, place)
last = 3 + len(numbers)
os.closerange(last, 200)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(numbers))}
os.execv(program[0], program)
"""


def activated(sockets: Sequence[int]) -> tuple[Sequence[str | Path], Mapping[str, object]]:
    """How a service manager would start the server with these descriptors, from 3 on."""
    numbers = ",".join(map(str, sockets))
    return (sys.executable, "-c", _ACTIVATE, numbers, POSTEL), {"pass_fds": tuple(sockets)}


def listening(address: tuple[str, int] | str = ("127.0.0.1", 0)) -> socket.socket:
    """A socket as systemd opens it."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    made = socket.socket(family)
    made.bind(address)
    made.listen()
    return made


def where(made: socket.socket) -> str:
    """Its address, as the configuration writes it."""
    name = made.getsockname()
    return f"unix:{name}" if isinstance(name, str) else f"{name[0]}:{name[1]}"


def test_sockets_are_matched_by_their_address(serve: Serve, folder: Path) -> None:
    with ExitStack() as stack:
        smtp, pop3, local, odd = (
            stack.enter_context(made)
            for made in (listening(), listening(), listening(f"{folder}/socket"), listening())
        )
        text = configuration(
            "submission",
            rules=SINK,
            listeners=listener("pop3", where(pop3))
            + listener("smtp", where(smtp))
            + listener("smtp", where(local)),
        )
        command, how = activated([made.fileno() for made in (local, smtp, odd, pop3)])
        served = serve(text, command=command, **how).ready()
        unused = [event for event in served.events if event["event"] == "socket_unused"]
        assert [event["listener"] for event in unused] == [where(odd)]
        port, refused = smtp.getsockname()[1], odd.getsockname()
        assert Line(pop3.getsockname()[1]).reply().startswith("+OK")
        for made in (smtp, pop3, local, odd):
            made.close()  # the server's own descriptors are left
        assert send_letter(port, "ann@sink.example").startswith("250")
        assert Line(served.port("submission")).reply().startswith("220")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{folder}/socket")
            assert client.recv(3) == b"220"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(refused)
        served.end()
        assert Path(f"{folder}/socket").exists(), "whoever made the file removes it"


def test_what_accepts_no_streams_is_told_and_closed(serve: Serve) -> None:
    with (
        listening() as smtp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket() as idle,
    ):
        datagrams.bind(("127.0.0.1", 0))
        pipe_out, pipe_in = os.pipe()
        command, how = activated([datagrams.fileno(), pipe_out, idle.fileno(), smtp.fileno()])
        served = serve(configuration(listeners=listener("smtp", where(smtp))), command=command, **how).ready()
        os.close(pipe_out)
        os.close(pipe_in)
        told = [event for event in served.events if event["event"] == "socket_unused"]
        assert [event["descriptor"] for event in told] == [3, 4, 5]
        assert Line(smtp.getsockname()[1]).reply().startswith("220")
        served.end()


def test_an_ordinary_user_gets_a_low_port_from_the_manager(serve: Serve, folder: Path) -> None:
    """The manager is root, the server is not."""
    user = nobody()
    made = None
    for port in range(1023, 900, -1):
        try:
            made = listening(("127.0.0.1", port))
            break
        except OSError:
            continue
    assert made is not None
    with made:
        command, how = activated([made.fileno()])
        text = configuration(top='user = "nobody"\n', rules=SINK, listeners=listener("smtp", where(made)))
        served = serve(text, command=command, **how).ready()
        assert send_letter(made.getsockname()[1], "ann@sink.example").startswith("250")
        assert f"Uid:\t{user.pw_uid}" in Path(f"/proc/{served.process.pid}/status").read_text()
        served.end()


def test_sockets_meant_for_another_process_are_not_taken(serve: Serve) -> None:
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "3"}
    served = serve(configuration("smtp"), environment=environment).ready()
    assert "socket_unused" not in served.names()
    served.end()


# The unit files


def unit(name: str) -> dict[str, list[str]]:
    """The settings of a unit file."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_gives_what_the_server_needs() -> None:
    service = unit("postel.service")
    assert service["Type"] == ["notify"]
    assert [line.split()[-1] for line in service["ExecReload"]] == ["check", "$MAINPID"]
    assert service["AmbientCapabilities"] == service["CapabilityBoundingSet"] == ["CAP_NET_BIND_SERVICE"]
    assert service["StateDirectory"] == ["postel"], "the default of data is /var/lib/postel"
    assert int(service["LimitNOFILE"][0]) > 10_000
    assert service["SystemCallErrorNumber"] == ["EPERM"]


def test_every_port_of_the_socket_unit_can_stand_in_a_configuration() -> None:
    tables = "".join(
        f'[[listen]]\nprotocol = "smtp"\naddress = "{address}"\n'
        for address in unit("postel.socket")["ListenStream"]
    )
    parse(f'hostname = "a.example"\n{tables}', file="-", directory=Path(), environment={})


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze: Debian package systemd"
)
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for name in ("postel.service", "postel.socket"):
        text = (DEPLOY / name).read_text()
        # The installation is not here, and so neither is its program.
        (tmp_path / name).write_text(text.replace("/opt/postel/bin/postel", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "postel.service", tmp_path / "postel.socket"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    complaints = [line for line in done.stderr.splitlines() if "postel" in line]
    assert not complaints, done.stderr
