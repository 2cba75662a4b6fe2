import os
import shutil
import subprocess
import sys

import pytest
from cli_kit import Site

SHELLS = ("bash", "zsh", "fish")


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_the_completion_script_is_printed(shell: str) -> None:
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("click asks the installed bash for its version")
    environment = os.environ | {"_POSTEL_COMPLETE": f"{shell}_source"}
    command = [sys.executable, "-c", "from postel.cli import main; main(prog_name='postel')"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "_POSTEL_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        *("account", "account add", "account list", "account remove", "account password", "account secret"),
        *("queue", "queue list", "queue show", "queue retry", "queue hold", "queue release", "queue remove"),
        *("queue flush", "send", "import", "export", "backup", "restore", "explain", "serve", "check", "try"),
    ],
)
def test_every_command_teaches_itself(site: Site, command: str) -> None:
    told = site.ok(*command.split(), "--help")
    assert told.startswith("Usage: ")
    assert "TODO" not in told


def test_all_commands_are_listed(site: Site) -> None:
    told = site.ok("--help")
    assert all(f"\n  {name} " in told for name in ("account", "queue", "send", "import", "backup", "tour"))
