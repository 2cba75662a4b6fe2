"""Servers that last for a whole run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from example_org import Server, example_org


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = example_org(tmp_path_factory.mktemp("server"), itertools.count(1))
    with made.postel:
        made.postel.start()
        yield made


@pytest.fixture
def ann(server: Server) -> str:
    return server.person("ann")


@pytest.fixture
def bob(server: Server) -> str:
    return server.person("bob")
