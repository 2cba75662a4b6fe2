"""Servers that end with their test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Serve, Served


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here starts a process."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of a server that other users can reach too, should it become one of them."""
    made = Path(tempfile.mkdtemp(prefix="postel-operation-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def serve(folder: Path) -> Iterator[Serve]:
    """Start a server in the folder: `serve(text, **how)`."""
    running: list[Served] = []

    def start(text: str | None = None, where: Path = folder, **how: Any) -> Served:
        running.append(Served(where, text, **how))
        return running[-1]

    yield start
    for served in running:
        served.kill()


@pytest.fixture(autouse=True)
def _no_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may himself be run by a service manager."""
    for name in ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "POSTEL_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    assert os.environ.get("NOTIFY_SOCKET") is None
