"""Started as root: what needs root is done first, then root is given up for good."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from served import (
    DOMAIN,
    LOGIN,
    PATIENCE_S,
    SINK,
    Line,
    Serve,
    add_account,
    configuration,
    letters,
    listener,
    nobody,
    send_letter,
)

from postel.app.privileges import CannotBecome, become_owner_of, make_over
from postel.tls import self_signed

AS_NOBODY = 'user = "nobody"\n'


@pytest.fixture
def user() -> pwd.struct_passwd:
    return nobody()


def low_port() -> int:
    """A port below 1024 that nobody has at 127.0.0.1."""
    for port in range(1023, 900, -1):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("all are taken")


def status_of(pid: int) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_low_ports_are_open_and_nothing_is_left_of_root(
    serve: Serve, folder: Path, user: pwd.struct_passwd
) -> None:
    port = low_port()
    low = listener("smtp", f"127.0.0.1:{port}")
    served = serve(configuration("pop3", top=AS_NOBODY, listeners=low)).ready()
    for thread in Path(f"/proc/{served.process.pid}/task").iterdir():
        status = status_of(int(thread.name))
        assert status["Uid"].split() == [str(user.pw_uid)] * 4
        assert status["Gid"].split() == [str(user.pw_gid)] * 4
        assert set(status["Groups"].split()) <= {str(user.pw_gid)}
        assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {0}
    add_account(folder, "ann@example.org")
    assert send_letter(port, "ann@example.org").startswith("250")
    served.wait_for("delivered")
    assert letters(served.port("pop3"), "ann@example.org") == 1
    served.end()


def test_the_data_belongs_to_the_user_and_to_nobody_else(
    serve: Serve, folder: Path, user: pwd.struct_passwd
) -> None:
    served = serve(configuration("smtp", top=AS_NOBODY)).ready()
    served.end()
    data = folder / "data"
    for path in (data, *data.rglob("*")):
        facts = path.stat()
        assert (facts.st_uid, facts.st_gid) == (user.pw_uid, user.pw_gid), path
        assert facts.st_mode & 0o077 == 0, path


def test_data_that_root_has_made_is_made_over(serve: Serve, folder: Path, user: pwd.struct_passwd) -> None:
    serve(configuration("smtp", top='user = "root"\n')).ready().end()
    add_account(folder, "ann@example.org")
    served = serve(configuration("smtp", "pop3", top=AS_NOBODY)).ready()
    assert send_letter(served.port("smtp"), "ann@example.org").startswith("250")
    served.wait_for("delivered")
    assert letters(served.port("pop3"), "ann@example.org") == 1
    served.end()


def test_configuration_and_key_may_be_for_roots_eyes_only(
    serve: Serve, folder: Path, user: pwd.struct_passwd
) -> None:
    certificate, key = self_signed("mail.example.org", folder / "tls", 1.7e9)
    (folder / "tls").chmod(0o700)
    names = f'\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n'
    text = configuration("smtp", "submissions", top=AS_NOBODY, rules=SINK + names)
    (folder / "postel.toml").touch(mode=0o600)
    served = serve(text).ready()
    assert "certificate_self_signed" not in served.names()

    told = served.reload(waits_for="reload_failed")
    assert told["because"] == "cannot be read; whoever runs postel must be allowed to"
    (folder / "postel.toml").chmod(0o644)
    served.reload(text.replace("[relay]", "[limits]\nrecipients = 200\n[relay]"))
    kept = served.wait_for("certificate_kept")
    assert kept["because"] == (
        f"{certificate} cannot be read: permission denied; let user nobody read it, or restart; "
        "until then the one in force stays"
    )
    assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250")

    other = text.replace(str(key), str(folder / "tls" / "other.key"))
    (folder / "tls" / "other.key").write_text("")
    told = served.reload(other, waits_for="reload_failed")
    assert told["line"] == other.splitlines().index(f'certificate = "{certificate}"') + 1
    served.end()


def test_a_new_low_port_at_a_reload_needs_a_restart(serve: Serve, user: pwd.struct_passwd) -> None:
    served = serve(configuration("smtp", top=AS_NOBODY, rules=SINK)).ready()
    low = listener("smtp", f"127.0.0.1:{low_port()}")
    served.reload(configuration("smtp", top=AS_NOBODY, rules=SINK, listeners=low))
    assert "ports below 1024 need a right" in served.wait_for("listen_failed")["because"]
    assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250")
    served.end()


def test_a_low_port_may_change_its_protocol_at_a_reload(serve: Serve, user: pwd.struct_passwd) -> None:
    port = low_port()
    served = serve(configuration(top=AS_NOBODY, listeners=listener("smtp", f"127.0.0.1:{port}"))).ready()
    served.reload(configuration(top=AS_NOBODY, listeners=listener("pop3", f"127.0.0.1:{port}")))
    assert Line(port).reply().startswith("+OK")
    served.end()


def test_without_a_user_root_is_warned(serve: Serve) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can run as root")
    try:
        pwd.getpwnam("postel")
    except KeyError:
        served = serve(configuration("smtp").replace('user = "root"\n', "")).ready()
        assert "useradd --system postel" in served.wait_for("running_as_root")["because"]
        served.end()
    else:
        pytest.skip("there is a user postel here, whom the server would become")


def test_commands_of_root_work_on_the_data_of_the_user(
    serve: Serve, folder: Path, user: pwd.struct_passwd
) -> None:
    served = serve(configuration("smtp", "pop3", top=AS_NOBODY)).ready()
    add_account(folder, "ann@example.org")
    served.end()
    again = serve(configuration("smtp", "pop3", top=AS_NOBODY)).ready()
    assert letters(again.port("pop3"), "ann@example.org") == 0
    again.end()
    assert {path.stat().st_uid for path in (folder / "data").rglob("*")} == {user.pw_uid}


# Making over, by itself


def owner(path: Path) -> int:
    return path.lstat().st_uid


def test_only_what_is_roots_is_made_over(tmp_path: Path, user: pwd.struct_passwd) -> None:
    data = tmp_path / "data"
    (data / "contents" / "ab").mkdir(parents=True)
    (data / "postel.db").touch()
    (data / "contents" / "ab" / "abcd").touch()
    foreign = data / "foreign"
    foreign.mkdir()
    (foreign / "file").touch()
    os.chown(foreign, 12345, 12345)
    (data / "link").symlink_to(tmp_path)
    make_over(data, "nobody")
    made_over = {path.name for path in (data, *data.rglob("*")) if owner(path) == user.pw_uid}
    assert made_over == {"data", "contents", "ab", "abcd", "postel.db", "link"}
    assert owner(foreign / "file") == 0, "who owns the directory may have put it there"
    assert owner(tmp_path) == 0


def test_what_others_can_write_to_is_not_made_over(tmp_path: Path, user: pwd.struct_passwd) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    with pytest.raises(CannotBecome, match="does not belong to nobody"):
        make_over(data, "nobody")
    assert owner(data) == 0


def test_the_data_of_a_third_user_is_not_made_over(tmp_path: Path, user: pwd.struct_passwd) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 12345, 12345)
    with pytest.raises(CannotBecome, match="chown -R nobody"):
        make_over(data, "nobody")


def test_root_is_given_up_for_good(folder: Path, user: pwd.struct_passwd) -> None:
    program = """
import os, sys
from postel.app.privileges import become
become("nobody")
for regain in (lambda: os.setuid(0), lambda: os.seteuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])):
    try:
        regain()
    except PermissionError:
        continue
    sys.exit("root again")
assert os.environ["HOME"] == os.path.expanduser("~nobody") and os.environ["USER"] == "nobody"
print(os.getgroups())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("[]", f"[{user.pw_gid}]")


def test_an_ordinary_user_becomes_nobody_else(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("for ordinary users")
    become_owner_of(tmp_path)
    assert os.geteuid() == os.stat(tmp_path).st_uid


def test_with_a_domain_of_its_own(serve: Serve, user: pwd.struct_passwd) -> None:
    """What is imported only when it is needed must not need root either: hashes, DNS, TLS, reports."""
    rules = DOMAIN + LOGIN + '\n[relay]\nnetworks = ["127.0.0.0/8"]\n[dns]\nservers = ["127.0.0.1:1"]\n'
    served = serve(configuration("smtp", "submission", top=AS_NOBODY, rules=rules)).ready()
    assert send_letter(served.port("smtp"), "kitt@far.example").startswith("250")
    served.wait_for("delayed")
    served.end()
