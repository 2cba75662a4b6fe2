"""What keeps a server from starting is said in one sentence with its remedy; the exit status is 1."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
from served import (
    DOMAIN,
    PATIENCE_S,
    POSTEL,
    SINK,
    Serve,
    as_an_ordinary_user,
    configuration,
    listener,
    nobody,
)

from postel.tls import self_signed


def refusal(folder: Path, text: str, *, command: tuple[str | Path, ...] = (POSTEL,)) -> str:
    """What the server says in place of starting. One sentence; nothing that only a programmer can read."""
    (folder / "postel.toml").write_text(text)
    done = subprocess.run(
        [*map(str, command), "--config", "postel.toml", "serve"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    said = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert len(said) == 1, done.stdout
    return said[0]


def line_of(text: str, piece: str) -> int:
    """The first line that holds it."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if piece in line)


def test_a_second_server_on_the_same_data_names_the_first(serve: Serve, folder: Path) -> None:
    first = serve(configuration("smtp")).ready()
    said = refusal(folder, configuration("smtp"))
    assert said == f"postel: process {first.process.pid} already serves {folder}/data; stop it first"
    first.end()
    second = serve(configuration("smtp")).ready()
    second.end()


def test_a_port_in_use_is_named_with_its_line(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = configuration("smtp", listeners=listener("pop3", f"127.0.0.1:{port}"))
        line = line_of(text, str(port))
        assert refusal(folder, text) == (
            f"postel.toml:{line}: cannot listen at 127.0.0.1:{port}: another program has this port; stop it, or "
            "choose another address"
        )


def test_after_a_start_that_failed_half_way_the_data_is_free(serve: Serve, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refusal(
            folder, configuration("smtp", listeners=listener("pop3", f"127.0.0.1:{taken.getsockname()[1]}"))
        )
    serve(configuration("smtp")).ready().end()


def test_an_address_that_no_interface_has_is_named(folder: Path) -> None:
    said = refusal(folder, configuration(listeners=listener("smtp", "192.0.2.1:2525")))
    assert (
        "cannot listen at 192.0.2.1:2525: no interface of this machine has this address; say 0.0.0.0" in said
    )


def test_a_unix_socket_without_its_directory_is_named(folder: Path) -> None:
    said = refusal(folder, configuration(listeners=listener("smtp", f"unix:{folder}/none/socket")))
    assert said.endswith(f"there is no directory {folder}/none; make it")


def test_a_data_directory_that_is_a_file_is_named_with_its_line(folder: Path) -> None:
    (folder / "data").write_text("")
    said = refusal(folder, configuration("smtp"))
    assert said == f"postel.toml:2: {folder}/data is not a directory; name one as data"


def test_a_data_directory_below_a_file_is_named(folder: Path) -> None:
    (folder / "file").write_text("")
    said = refusal(folder, configuration("smtp").replace('"data"', '"file/data"'))
    assert "is not a directory; name one as data" in said


def test_a_database_that_is_none_is_named(folder: Path) -> None:
    (folder / "data").mkdir(mode=0o700)
    (folder / "data" / "postel.db").write_bytes(b"something else entirely\n" * 1000)
    said = refusal(folder, configuration("smtp"))
    assert said.startswith("postel: ")
    assert "postel.db" in said


def test_a_certificate_that_is_none_is_named_with_its_line(folder: Path) -> None:
    (folder / "cert.pem").write_text("no certificate")
    (folder / "key.pem").write_text("no key")
    text = configuration("smtp", rules=DOMAIN + '\n[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n')
    said = refusal(folder, text)
    assert said.startswith(f"postel.toml:{line_of(text, 'cert.pem')}: {folder}/cert.pem holds no certificate")


def test_a_key_of_another_certificate_is_named(folder: Path) -> None:
    certificate, _ = self_signed("mail.example.org", folder / "one", 1.7e9)
    _, key = self_signed("mail.example.org", folder / "two", 1.7e9)
    text = configuration("smtp", rules=DOMAIN + f'\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')
    assert "is not the key of the certificate" in refusal(folder, text)


def test_a_certificate_that_is_not_there_is_named(folder: Path) -> None:
    text = configuration("smtp", rules=DOMAIN + '\n[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n')
    (folder / "key.pem").write_text("")
    assert f"there is no file {folder}/cert.pem" in refusal(folder, text)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("async def rcpt(facts:\n", "hooks.py:1:"),
        ("import nothing_of_that_name\nasync def rcpt(facts): ...\n", "hooks.py:1:"),
        ("async def recipient(facts): ...\n", "hooks.py:1:"),
    ],
)
def test_a_broken_hook_file_is_named_with_both_lines(folder: Path, code: str, why: str) -> None:
    (folder / "hooks.py").write_text(code)
    text = configuration("smtp", rules=DOMAIN + '\n[hooks]\nfiles = ["hooks.py"]\n')
    said = refusal(folder, text)
    assert said.startswith(f"postel.toml:{line_of(text, 'hooks.py')}: ")
    assert why in said


def test_a_name_server_by_name_is_no_address(folder: Path) -> None:
    text = configuration("smtp", rules=DOMAIN + '\n[dns]\nservers = ["resolver.example:53"]\n')
    said = refusal(folder, text)
    assert said.startswith(f"postel.toml:{line_of(text, 'resolver.example')}: dns.servers")


def test_a_user_that_does_not_exist_is_named(folder: Path) -> None:
    nobody()
    said = refusal(folder, configuration("smtp", top='user = "no-such-user"\n'))
    assert said == "postel: there is no user no-such-user; make it with: useradd --system no-such-user"
    assert not (folder / "data").exists()


def test_a_directory_with_other_things_in_it_is_not_given_away(folder: Path) -> None:
    user = nobody()
    (folder / "data").mkdir()
    (folder / "data" / "precious").write_text("")
    said = refusal(folder, configuration("smtp", top='user = "nobody"\n'))
    assert f"{folder}/data does not belong to nobody; name another directory as data" in said
    assert (folder / "data" / "precious").stat().st_uid == 0 != user.pw_uid


def test_an_ordinary_user_is_told_how_to_get_a_low_port(folder: Path) -> None:
    command = as_an_ordinary_user()
    folder.chmod(0o777)
    said = refusal(folder, configuration(listeners=listener("smtp", "127.0.0.1:25")), command=command)
    assert "cannot listen at 127.0.0.1:25: ports below 1024 need a right; start as root" in said


def test_an_ordinary_user_is_told_how_to_get_a_data_directory(folder: Path) -> None:
    command = as_an_ordinary_user()
    folder.chmod(0o555)
    said = refusal(folder, configuration("smtp"), command=command)
    assert f"cannot make {folder}/data; as root say: install -d -m 700 -o " in said


def test_an_ordinary_user_is_told_when_the_data_directory_is_not_his(folder: Path) -> None:
    command = as_an_ordinary_user()
    (folder / "data").mkdir(mode=0o555)
    said = refusal(folder, configuration("smtp"), command=command)
    assert f"cannot write to {folder}/data; as root say: chown -R " in said


def test_a_wrong_configuration_is_told_with_every_line(folder: Path) -> None:
    text = configuration("smtp", rules=SINK + "[queue]\nretry = []\nwran = 3\n")
    (folder / "postel.toml").write_text(text)
    done = subprocess.run(
        [POSTEL, "--config", "postel.toml", "serve"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert [line.split(" ")[0] for line in done.stderr.splitlines()] == [
        f"postel.toml:{line_of(text, 'retry')}:",
        f"postel.toml:{line_of(text, 'wran')}:",
    ]
