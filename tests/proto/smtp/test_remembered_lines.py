"""Lines that are known already mean what they mean when they are read for the first time."""

from hypothesis import given
from hypothesis import strategies as st

from postel.proto.smtp import ServerOptions, command_line
from postel.proto.smtp.commands import Row
from postel.proto.smtp.events import Event
from postel.proto.smtp.extensions import Offers, offers_to
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.options import Standing
from postel.proto.smtp.states import State

OPTIONS = ServerOptions(hostname="mx.example.org")
STANDINGS = (
    Standing(OPTIONS),
    Standing(OPTIONS, is_tls=True),
    Standing(ServerOptions(hostname="mx.example.org", needs_login=True, mechanisms=("PLAIN",))),
    Standing(ServerOptions(hostname="mx.example.org", is_lmtp=True, withheld=frozenset({"SMTPUTF8", "DSN"}))),
)
VERBS = [
    "MAIL FROM:",
    "RCPT TO:",
    "DATA",
    "mail from: ",
    "Rcpt To:",
    "RSET",
    "AUTH PLAIN ",
    "EHLO ",
    "BDAT ",
    "NOPE",
]
PATHS = [
    "<ann@example.org>",
    "<>",
    "<postmaster>",
    "<bøb@example.org>",
    "<@a.example:ann@example.org>",
    "ann",
    "",
]
REST = [
    "",
    " SIZE=5",
    " SIZE=99999999999",
    " BODY=8BITMIME",
    " SMTPUTF8",
    " NOTIFY=NEVER",
    " SIZE=1 SIZE=1",
    " X=",
    "  ",
]


def lines() -> st.SearchStrategy[bytes]:
    said = st.builds(
        "{}{}{}\r\n".format, st.sampled_from(VERBS), st.sampled_from(PATHS), st.sampled_from(REST)
    )
    return st.one_of(said.map(str.encode), st.binary(max_size=40).map(lambda octets: octets + b"\r\n"))


def outcome(line: bytes, state: State, offers: Offers) -> tuple[Row, Event] | tuple[object, ...]:
    try:
        return command_line.read_command(line, state, offers)
    except CommandRefused as refused:
        return refused.reply, refused.breach, refused.is_fatal, refused.verb


@given(
    line=lines(),
    standing=st.sampled_from(STANDINGS),
    first=st.sampled_from(State),
    then=st.sampled_from(State),
)
def test_a_line_that_is_known_is_read_as_a_new_one(
    line: bytes, standing: Standing, first: State, then: State
) -> None:
    offers = offers_to(standing)
    command_line.forget()
    new = outcome(line, then, offers)
    command_line.forget()
    for known_to in STANDINGS:
        outcome(line, first, offers_to(known_to))
    assert outcome(line, then, offers) == new
    assert outcome(line, then, offers) == new


def test_what_is_remembered_has_a_bound_and_holds_no_login() -> None:
    command_line.forget()
    offers = offers_to(STANDINGS[2])
    for number in range(command_line.REMEMBERED + 10):
        outcome(b"RCPT TO:<a%d@example.org>\r\n" % number, State.IN_MAIL, offers_to(STANDINGS[0]))
        assert command_line.remembered() <= command_line.REMEMBERED
    command_line.forget()
    outcome(b"AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBjb3JyZWN0IGhvcnNl\r\n", State.READY, offers)
    assert command_line.remembered() == 0
