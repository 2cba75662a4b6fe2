"""Who may import whom (ARCHITECTURE.md, "Who may import whom")."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from generators.source import tree_of

SOURCE = Path(__file__).parents[2] / "src" / "postel"

FLOORS = {
    "mail": 0, "asks": 0, "message": 0,
    "proto": 1, "routing": 1,
    "net": 2, "tls": 2, "dns": 2, "database": 2, "contents": 2, "checkpoints": 2, "directory": 2,
    "store": 2, "fulltext": 2, "queue": 2, "hooks": 2, "observe": 2, "terminals": 2,
    "servers": 3, "delivery": 3,
    "config": 4, "app": 4, "cli": 4, "testing": 4,
}  # fmt: skip

# Rooms of one floor leave each other alone, but for these.
NEIGHBOURS = {
    "message": {"mail"},
    "asks": {"mail"},
    "checkpoints": {"net", "database", "contents", "observe"},
    "contents": {"net", "database", "observe"},
    "database": {"observe"},
    "directory": {"net", "database"},
    "dns": {"net"},
    # It indexes what the store keeps, and is no part of it: it can be thrown away.
    "fulltext": {"net", "database", "contents", "store", "observe"},
    "hooks": {"observe"},
    "queue": {"net", "database", "contents", "observe"},
    "store": {"net", "database", "contents", "observe"},
    "terminals": {"net", "database"},
    "tls": {"net"},
    "app": {"config"},
    "testing": {"app", "config"},
    "cli": {"app", "config", "testing"},
}

PURE = [room for room, floor in FLOORS.items() if floor <= 1]
IMPURE_MODULES = {
    "asyncio", "socket", "ssl", "time", "os", "pathlib", "logging", "sqlite3", "apsw", "threading", "selectors",
    "secrets", "subprocess", "tempfile", "io", "uvloop",
}  # fmt: skip


def files(room: str) -> Iterator[Path]:
    yield from sorted((SOURCE / room).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno}: import by the full name"
            yield node.module, node.lineno


def test_every_room_stands_on_a_floor() -> None:
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert rooms <= set(FLOORS)


@pytest.mark.parametrize("room", FLOORS)
def test_a_room_imports_from_lower_floors_and_named_neighbours_only(room: str) -> None:
    for path in files(room):
        for module, line in imports(path):
            parts = module.split(".")
            if parts[0] != "postel" or len(parts) == 1 or parts[1] == room:
                continue
            fine = FLOORS[parts[1]] < FLOORS[room] or parts[1] in NEIGHBOURS.get(room, set())
            assert fine, f"{path.relative_to(SOURCE)}:{line}: {room} must not import {parts[1]}"


@pytest.mark.parametrize("room", NEIGHBOURS)
def test_no_neighbour_is_named_that_a_room_does_not_need(room: str) -> None:
    needed = {
        module.split(".")[1] for path in files(room) for module, _ in imports(path) if "postel." in module
    }
    assert NEIGHBOURS[room] <= needed


@pytest.mark.parametrize("room", FLOORS)
def test_outsiders_import_a_room_not_its_files(room: str) -> None:
    for path in files(room):
        for module, line in imports(path):
            parts = module.split(".")
            if parts[0] != "postel" or len(parts) <= 2 or parts[1] == room:
                continue
            # proto is a street of rooms, and mail.replies is a catalogue to be read as a whole.
            fine = (parts[1] == "proto" and len(parts) == 3) or parts[1:] == ["mail", "replies"]
            fine = fine or (parts[1] == "proto" and parts[-1] == "replies")
            assert fine, (
                f"{path.relative_to(SOURCE)}:{line}: import from postel.{parts[1]}, not from {module}"
            )


@pytest.mark.parametrize("room", PURE)
def test_the_lower_floors_know_no_clock_no_disk_and_no_await(room: str) -> None:
    for path in files(room):
        for module, line in imports(path):
            assert module.split(".")[0] not in IMPURE_MODULES, f"{path}:{line}: {module} in a pure room"
        for node in ast.walk(tree_of(path)):
            assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), f"{path}: async in a pure room"


def test_the_standard_librarys_sqlite_never_opens_our_file() -> None:
    for path in SOURCE.rglob("*.py"):
        assert all(module != "sqlite3" for module, _ in imports(path)), path


def test_no_two_test_files_share_a_name() -> None:
    """Tests are found by their file's name, so that a test may import the kit beside it."""
    names = [path.name for path in Path(__file__).parents[1].rglob("*.py") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))
