"""What is not needed is not imported: `postel --help` and the table of commands."""

import subprocess
import sys

import click
import pytest

from postel.cli.main import COMMANDS, main

_HELP = """
import sys
from postel.cli import main
main(sys.argv[1:], standalone_mode=False)
assert "postel.app" not in sys.modules, sorted(name for name in sys.modules if name.startswith("postel"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_needs_no_server(option: str) -> None:
    done = subprocess.run([sys.executable, "-c", _HELP, option], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name


def test_there_is_no_other_command() -> None:
    assert main.get_command(click.Context(main), "deliver") is None
