"""Whether a contender is here: where it is missing its test is skipped; under CI it fails."""

import os

import pytest
from bench.contenders import CONTENDERS


def need(name: str) -> None:
    """This test needs that contender."""
    if why := CONTENDERS[name].missing():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{why}; nothing is skipped under CI")
        pytest.skip(why)
