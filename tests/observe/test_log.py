import io
import json

from postel.observe import LogFormat, logger, start_logging, stop_logging


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
