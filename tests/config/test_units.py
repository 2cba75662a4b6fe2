import pytest

from postel.config import parse_duration, parse_size
from postel.mail import BadSyntax


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("5 d", 432000), ("0.5s", 0.5), ("1w", 604800)],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "octets"), [("50 MB", 50_000_000), ("128KiB", 131072), ("1000", 1000), ("1.5 kb", 1500)]
)
def test_sizes_are_read_as_people_write_them(text: str, octets: int) -> None:
    assert parse_size(text) == octets


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 minutes", "1h-30m", "5m " * 3 + "x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "MB", "50 XB", "-1", "1 MB 2"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_size(text)
