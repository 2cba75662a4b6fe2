"""Every event that the code can write stands in the table, and the table lists nothing else."""

import ast

from generators.source import ROOT, tree_of

from postel.observe import EVENTS

VOICES = {"event", "detail", "trouble", "fault"}


def _events_in_the_code() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(tree_of(path)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in VOICES
                and "log" in ast.unparse(node.func.value).lower()
                and node.args
            ):
                name = node.args[0]
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno}: an event's name is written out"
                found[str(name.value)] = f"{path}:{node.lineno}"
    return found


def test_every_event_is_in_the_table() -> None:
    missing = {name: where for name, where in _events_in_the_code().items() if name not in EVENTS}
    assert not missing


def test_the_table_lists_only_events_that_exist() -> None:
    assert set(EVENTS) <= set(_events_in_the_code())
