"""No sequence of commands reaches a mail transaction without passing the table.

The oracle below is RFC 5321 4.1.4, RFC 3207 4 and RFC 4954 4 written a second time, from the other side: a few
flags instead of states.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postel.mail import Reply
from postel.proto import NEED_DATA, PAUSED
from postel.proto.smtp import (
    Auth,
    DataEnd,
    DataStart,
    Hello,
    Mail,
    Rcpt,
    Reset,
    ServerOptions,
    SmtpLimits,
    SmtpServer,
    StartTls,
    replies,
)

COMMANDS = {
    "EHLO": b"EHLO a.example\r\n",
    "HELO": b"HELO a.example\r\n",
    "STARTTLS": b"STARTTLS\r\n",
    "AUTH": b"AUTH PLAIN AAAA\r\n",
    "MAIL": b"MAIL FROM:<ann@example.net>\r\n",
    "RCPT": b"RCPT TO:<bob@example.org>\r\n",
    "DATA": b"DATA\r\n",
    "RSET": b"RSET\r\n",
    "NOOP": b"NOOP\r\n",
    "BAD": b"MAIL FROM:ann\r\n",
}
NO = Reply(550, None, "No")
LIMITS = SmtpLimits(faults=10_000, idle_commands=10_000, failed_logins=10_000)
scripts = st.lists(st.tuples(st.sampled_from(sorted(COMMANDS)), st.booleans()), max_size=40)


class Oracle:
    """What must hold before each event may be seen."""

    def __init__(self, *, needs_tls: bool, needs_login: bool) -> None:
        self.needs_tls, self.needs_login = needs_tls, needs_login
        self.tls = self.hello = self.login = self.mail = False
        self.recipients = 0

    def may_mail(self) -> bool:
        return self.hello and not self.mail and self.tls >= self.needs_tls and self.login >= self.needs_login

    def expects(self, command: str) -> type[Any] | None:
        """The event that this command must lead to now; None: it must be refused."""
        tls_ok = self.tls >= self.needs_tls
        allowed = {
            "EHLO": (True, Hello),
            "HELO": (tls_ok, Hello),
            "STARTTLS": (self.hello and not self.mail and not self.tls, StartTls),
            "AUTH": (tls_ok and self.hello and not self.mail and not self.login, Auth),
            "MAIL": (self.may_mail(), Mail),
            "RCPT": (self.mail, Rcpt),
            "DATA": (self.mail and self.recipients > 0, DataStart),
            "RSET": (tls_ok, Reset),
        }
        is_allowed, event = allowed.get(command, (False, None))
        return event if is_allowed else None

    def happened(self, command: str, *, is_yes: bool) -> None:
        if command == "RSET" or (is_yes and command in ("EHLO", "HELO", "DATA", "STARTTLS")):
            self.mail, self.recipients = False, 0
        if not is_yes:
            return
        match command:
            case "EHLO" | "HELO":
                self.hello = True
            case "STARTTLS":
                self.tls, self.hello, self.login = True, False, False
            case "AUTH":
                self.login = True
            case "MAIL":
                self.mail, self.recipients = True, 0
            case "RCPT":
                self.recipients += 1


@pytest.mark.slow
@settings(max_examples=200)
@given(scripts, st.booleans(), st.booleans())
def test_the_machine_lets_through_what_the_standard_lets_through(
    script: list[tuple[str, bool]], needs_tls: bool, needs_login: bool
) -> None:
    server = SmtpServer(
        ServerOptions(
            hostname="mx.example.org",
            limits=LIMITS,
            has_tls=True,
            needs_tls=needs_tls,
            mechanisms=("PLAIN",),
            needs_login=needs_login,
        )
    )
    oracle = Oracle(needs_tls=needs_tls, needs_login=needs_login)
    server.next_event()
    server.answer(None)
    for command, is_yes in script:
        server.data_to_send()
        server.receive(COMMANDS[command])
        expected = oracle.expects(command)
        events = step(server, is_yes=is_yes)
        assert [type(event) for event in events if type(event) in WATCHED][:1] == (
            [expected] if expected else []
        )
        if expected is not None:
            oracle.happened(command, is_yes=is_yes)
        assert server.is_tls == oracle.tls and server.is_logged_in == oracle.login


WATCHED = {Hello, StartTls, Auth, Mail, Rcpt, DataStart, Reset, DataEnd}


def step(server: SmtpServer, *, is_yes: bool) -> list[Any]:
    """Answer one command yes or no, and see what it leads to to its end."""
    seen = []
    while (event := server.next_event()) is not NEED_DATA and event is not PAUSED:
        seen.append(event)
        if not event.wants_answer:
            continue
        if not is_yes:
            server.answer(NO)
            continue
        server.answer(replies.LOGGED_IN if isinstance(event, Auth) else None)
        if isinstance(event, StartTls):
            server.tls_started()
        if isinstance(event, DataStart):
            server.receive(b"hello\r\n.\r\n")
    return seen
