"""Values come back from the tables as they went in."""

from hypothesis import given
from hypothesis import strategies as st

from postel.mail import NO_PARAMETERS, Reply, Status
from postel.queue import Origin, rows

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
STATUSES = st.none() | st.builds(Status, st.sampled_from([2, 4, 5]), st.integers(0, 999), st.integers(0, 999))


@given(st.integers(200, 599), STATUSES, TEXT)
def test_a_reply(code: int, status: Status | None, words: str) -> None:
    reply = Reply(code, status, words)
    assert rows.parse_reply(rows.format_reply(reply)) == reply


def test_no_reply() -> None:
    assert rows.parse_reply("") is None


def test_a_reply_of_any_length_takes_bounded_room() -> None:
    assert len(rows.format_reply(Reply(550, None, "x" * 100_000))) < 5000


@given(st.dictionaries(TEXT, st.none() | TEXT))
def test_parameters(parameters: dict[str, str | None]) -> None:
    assert rows.parse_parameters(rows.format_parameters(parameters)) == parameters


def test_no_parameters_take_no_room() -> None:
    assert rows.format_parameters(NO_PARAMETERS) == ""


@given(TEXT, st.none() | TEXT, st.none() | TEXT)
def test_an_origin(protocol: str, ip: str | None, name: str | None) -> None:
    origin = Origin(protocol=protocol, client_ip=ip, client_name=name)
    assert rows.parse_origin(rows.format_origin(origin)) == origin


@given(st.lists(st.floats(0, 1e7), max_size=120))
def test_tries_are_appended_and_the_latest_are_told(times: list[float]) -> None:
    text = "".join(rows.format_try(1000.0, 1000.0 + at) for at in times)
    assert rows.parse_tries(text) == tuple(round(at) for at in times)[-100:]


def test_a_clock_set_back_makes_no_negative_try() -> None:
    assert rows.parse_tries(rows.format_try(1000.0, 900.0)) == (0,)
