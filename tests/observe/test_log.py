import io
import json
import logging
import threading
import time

import pytest

from postel.observe import LogFormat, logger, start_logging, stop_logging
from postel.observe.log import LINES_AT_ONCE, LINES_WAITING


def _written(form: LogFormat, **fields: object) -> str:
    out = io.StringIO()
    listener = start_logging(form, stream=out)
    logger("room").event("ready", **fields)
    stop_logging(listener)
    return out.getvalue()


def test_a_text_line_holds_the_event_and_its_fields() -> None:
    line = _written(LogFormat.TEXT, id="abc", size=3, ok=True, why=None)
    assert line.endswith("Z info event=ready room=room id=abc size=3 ok=yes\n")


def test_a_value_cannot_break_out_of_its_line() -> None:
    line = _written(LogFormat.TEXT, name="x event=fake\r\nevent=fake2")
    assert line.count("\n") == 1
    assert 'name="x event=fake\\r\\nevent=fake2"' in line


@pytest.mark.parametrize("form", LogFormat)
@pytest.mark.parametrize("odd", ["\x9b31m", "\x1b[31m", "a\u202eb", "\u2028x", "\x7f", "\ud800", "\x85x"])
def test_a_value_cannot_command_the_terminal(form: LogFormat, odd: str) -> None:
    line = _written(form, name=odd)
    assert line[:-1].isprintable()
    assert f"\\u{ord(odd[0] if odd[0] != 'a' else odd[1]):04x}" in line


def test_letters_of_any_script_are_shown_as_they_are() -> None:
    assert " name=käse@bücher.example" in _written(LogFormat.TEXT, name="käse@bücher.example")


@pytest.mark.slow
def test_lines_that_nobody_takes_are_lost_and_counted() -> None:
    out, is_open = io.StringIO(), threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            is_open.wait(10)
            return out.write(text)

    listener = start_logging(stream=Stuck())
    for number in range(LINES_WAITING + 1000):
        logger("room").event("ready", number=number)
    is_open.set()
    for _ in range(1000):
        if " number=0" in out.getvalue():
            break
        time.sleep(0.01)
    logger("room").event("ready", number="last")
    stop_logging(listener)
    written = out.getvalue()
    assert written.count("event=ready") <= LINES_WAITING + LINES_AT_ONCE + 1
    assert "event=log_lines_lost" in written
    assert "number=last" in written


def test_a_json_line_is_one_object() -> None:
    facts = json.loads(_written(LogFormat.JSON, name="ä\n", size=3))
    assert facts["event"] == "ready"
    assert facts["name"] == "ä\n"
    assert facts["size"] == 3
    assert facts["level"] == "info"


def test_a_fault_brings_its_traceback_into_one_line() -> None:
    out = io.StringIO()
    listener = start_logging(LogFormat.TEXT, stream=out)
    try:
        raise RuntimeError("because")
    except RuntimeError as error:
        logger("room").fault("ready", error)
    stop_logging(listener)
    assert out.getvalue().count("\n") == 1
    assert "RuntimeError: because" in out.getvalue()


def test_a_single_value_cannot_flood_the_log() -> None:
    assert len(_written(LogFormat.TEXT, name="x" * 100_000)) < 3000


def test_details_are_silent_unless_asked_for() -> None:
    out = io.StringIO()
    listener = start_logging(stream=out)
    logger("room").detail("ready")
    stop_logging(listener)
    assert out.getvalue() == ""


class _Id(int):
    def __str__(self) -> str:
        return f"id-{int(self)}"


def test_an_id_is_the_same_in_both_formats() -> None:
    assert "id=id-7" in _written(LogFormat.TEXT, id=_Id(7))
    assert json.loads(_written(LogFormat.JSON, id=_Id(7)))["id"] == "id-7"


def test_the_standard_librarys_formatters_can_read_an_event(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "postel")
    logger("room").event("ready", size=3)
    [record] = caplog.records
    places = (
        "%(filename)s %(pathname)s %(module)s %(funcName)s %(lineno)d %(thread)d %(threadName)s %(process)d"
    )
    assert logging.Formatter(f"{places} %(asctime)s %(message)s").format(record).endswith(" ready")
