"""SIGHUP: a new configuration and new certificates without ending a session; a broken one changes nothing."""

from __future__ import annotations

import signal
import socket
import ssl
from pathlib import Path

import pytest
from served import (
    DOMAIN,
    LOG,
    LOGIN,
    SINK,
    Line,
    Serve,
    add_account,
    begin_letter,
    configuration,
    eventually,
    letters,
    listener,
    pop3,
    send_letter,
    smtp,
)

from postel.tls import self_signed

ANOTHER = '\n[[domain]]\nname = "other.example"\naliases = { "all" = "ann@example.org" }\n'


def test_a_new_domain_and_alias_hold_for_new_sessions_and_old_ones_go_on(serve: Serve, folder: Path) -> None:
    served = serve(configuration("smtp", "pop3")).ready()
    add_account(folder, "ann@example.org")
    old = smtp(served.port("smtp"))
    reader = pop3(served.port("pop3"), "ann@example.org")
    begin_letter(old, "ann@example.org")
    served.reload(configuration("smtp", "pop3", rules=DOMAIN + ANOTHER + LOGIN))
    assert old.ask(".").startswith("250"), "a letter that had begun before"
    assert send_letter(served.port("smtp"), "all@other.example").startswith("250")
    assert reader.ask("NOOP").startswith("+OK")
    reader.ask("QUIT")
    served.wait_for("delivered", recipient="ann@example.org")
    served.wait_for("delivered", recipient="all@other.example")
    served.end()


def test_listeners_come_and_go_and_sessions_of_a_removed_one_go_on(serve: Serve) -> None:
    served = serve(configuration("smtp", "pop3", rules=SINK)).ready()
    pop3_port = served.port("pop3")
    reader = Line(pop3_port)
    assert reader.reply().startswith("+OK")
    elsewhere = listener("submission", "127.0.0.2:0")
    served.reload(configuration("smtp", rules=SINK, listeners=elsewhere))
    assert served.names()[-3:] == ["listener_closed", "listening", "reloaded"]
    assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250")
    assert Line(served.port("submission"), "127.0.0.2").reply().startswith("220")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", pop3_port))
    assert reader.ask("CAPA").startswith("+OK"), "it began before"
    served.signal(signal.SIGTERM)
    while reader.read() != ".":
        pass  # the rest of the answer
    assert reader.read() == "", "it ends with the server, between two commands"
    assert served.status() == 0


def test_a_port_that_changes_its_protocol_stays_open(serve: Serve) -> None:
    served = serve(configuration("pop3")).ready()
    port = served.port("pop3")
    old = Line(port)
    assert old.reply().startswith("+OK")
    served.reload(configuration(listeners=listener("smtp")))
    assert served.port("smtp") == port
    new = Line(port)
    assert new.reply().startswith("220")
    assert old.ask("CAPA").startswith("+OK")
    served.end()


def test_a_listener_that_cannot_be_opened_is_told_and_the_rest_holds(serve: Serve, folder: Path) -> None:
    served = serve(configuration("smtp")).ready()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = configuration("smtp", rules=SINK, listeners=listener("pop3", f"127.0.0.1:{port}"))
        served.reload(text)
        told = served.wait_for("listen_failed", because=port)
        assert told["line"] == text.splitlines().index(f'address = "127.0.0.1:{port}"') + 1
    assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250")
    served.reload()
    assert Line(served.port("pop3")).reply().startswith("+OK"), "the port was free the second time"
    served.end()


@pytest.mark.parametrize(
    ("rules", "line_of", "because"),
    [
        (DOMAIN + "[queue]\nexpire = 5\n", "expire", "queue.expire"),
        (DOMAIN + '[hooks]\nfiles = ["none.py"]\n', "none.py", "there is no file"),
        (DOMAIN + '[hooks]\nfiles = ["broken.py"]\n', "broken.py", "broken.py:1:"),
        (DOMAIN + '[tls]\ncertificate = "broken.py"\nkey = "broken.py"\n', "certificate =", "no certificate"),
        ("[[domain\n", "[[domain", "not TOML"),
    ],
)
def test_a_broken_configuration_keeps_the_old_one(
    serve: Serve, folder: Path, rules: str, line_of: str, because: str
) -> None:
    (folder / "broken.py").write_text("async def rcpt(\n")
    served = serve(configuration("smtp", rules=SINK)).ready()
    old = smtp(served.port("smtp"))
    text = configuration("smtp", rules=rules)
    told = served.reload(text, waits_for="reload_failed")
    assert because in told["because"]
    assert told["file"] == str(folder / "postel.toml")
    assert line_of in text.splitlines()[told["line"] - 1]
    assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250")
    assert old.ask("NOOP").startswith("250")
    assert "reloaded" not in served.names()
    served.end()


def test_several_mistakes_are_several_events(serve: Serve) -> None:
    served = serve(configuration("smtp")).ready()
    served.reload(configuration("smtp", rules="[queue]\nexpire = 5\nwarn = 5\n"), waits_for="reload_failed")
    served.reload(configuration("smtp"))
    told = [event["because"] for event in served.events if event["event"] == "reload_failed"]
    assert len(told) == 2
    served.end()


def shown(port: int) -> bytes | None:
    """The certificate that a TLS port shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain) as stream:
        return stream.getpeercert(binary_form=True)


def test_a_replaced_certificate_is_shown_from_then_on(serve: Serve, folder: Path) -> None:
    certificate, key = self_signed("mail.example.org", folder / "tls", 1.7e9)
    names = f'\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n'
    served = serve(configuration("submissions", rules=DOMAIN + names)).ready()
    first = shown(served.port("submissions"))
    certificate.unlink()
    key.unlink()
    self_signed("mail.example.org", folder / "tls", 1.7e9)
    assert shown(served.port("submissions")) == first
    served.reload()
    assert shown(served.port("submissions")) not in (None, first)
    key.write_text("torn")
    assert "no private key" in served.reload(waits_for="reload_failed")["because"]
    assert shown(served.port("submissions")) is not None
    served.end()


def test_limits_hooks_and_the_form_of_the_log_are_new_too(serve: Serve, folder: Path) -> None:
    hooks = folder / "hooks.py"
    hooks.write_text("async def helo_nobody(facts): ...\nasync def hello(facts): ...\n")
    rules = SINK + '[hooks]\nfiles = ["hooks.py"]\n'
    served = serve(configuration("smtp", rules=rules)).ready()
    assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250")
    hooks.write_text(
        "from postel.hooks import refuse\nasync def rcpt(facts):\n    return refuse('550 5.7.1 not today')\n"
    )
    new = rules + '[limits]\nconnections_per_address = 2\nmessage_size = "70 KB"\n'
    served.wait_for("session_closed")  # else it counts among the two
    served.reload(configuration("smtp", rules=new, log=LOG.replace('"json"', '"json"\nlevel = "debug"')))
    line = smtp(served.port("smtp"))
    line.ask("MAIL FROM:<ann@example.net>")
    assert line.ask("RCPT TO:<ann@sink.example>") == "550 5.7.1 not today"
    line.ask("RSET")
    assert line.ask("MAIL FROM:<ann@example.net> SIZE=100000").startswith("552")
    second = smtp(served.port("smtp"))
    assert Line(served.port("smtp")).reply().startswith("421 4.7.0")
    line.close()
    second.close()
    served.config.write_text(configuration("smtp", rules=SINK, log='\n[log]\nformat = "text"\n'))
    since = len(served.lines)
    served.signal(signal.SIGHUP)
    eventually(lambda: any(" event=reloaded " in said for said in served.lines[since:]), "the log is text")
    served.end()


def test_mail_that_waits_takes_its_new_way(serve: Serve, folder: Path) -> None:
    way = '\n[relay]\ndomains = ["far.example"]\n[route]\n"far.example" = '
    served = serve(configuration("smtp", rules=DOMAIN + way + '"smtp:[127.0.0.1]:1"\n')).ready()
    assert send_letter(served.port("smtp"), "kitt@far.example").startswith("250")
    served.wait_for("delayed")
    served.reload(configuration("smtp", rules=DOMAIN + way + '"discard"\n'))
    served.wait_for("discarded")
    served.end()


def test_what_needs_a_restart_is_named(serve: Serve) -> None:
    served = serve(configuration("smtp")).ready()
    served.reload(configuration("smtp").replace('"data"', '"elsewhere"'))
    assert served.wait_for("restart_needed")["setting"] == "data"
    served.end()


def test_many_signals_at_once_make_no_muddle(serve: Serve) -> None:
    served = serve(configuration("smtp", "pop3", rules=SINK)).ready()
    for number in range(20):
        served.config.write_text(configuration("smtp", *["pop3", "submission"][number % 2 :], rules=SINK))
        served.signal(signal.SIGHUP)
    served.reload(configuration("smtp", "submission", rules=SINK))
    served.reload()
    assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250")
    assert Line(served.port("submission")).reply().startswith("220")
    served.signal(signal.SIGHUP)
    served.end()


def test_the_data_of_the_old_and_the_new_configuration_is_one(serve: Serve, folder: Path) -> None:
    served = serve(configuration("smtp", "pop3")).ready()
    served.reload()
    add_account(folder, "ann@example.org")
    assert send_letter(served.port("smtp"), "ann@example.org").startswith("250")
    served.wait_for("delivered")
    served.reload()
    assert letters(served.port("pop3"), "ann@example.org") == 1
    served.end()
