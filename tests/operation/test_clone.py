"""`./run` and `./test` in a clone: the environment that they make, and what they say where they cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from served import nobody

ROOT = Path(__file__).parents[2]
INSTALL_S = 110.0  # from the network, on a slow machine


@pytest.fixture
def clone(folder: Path) -> Path:
    """What ./run needs of a clone, in a folder with a blank in its name."""
    made = folder / "a clone"
    made.mkdir()
    for name in ("run", "test", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, made)
    for name in ("tools", "src"):
        shutil.copytree(ROOT / name, made / name, ignore=shutil.ignore_patterns("__pycache__"))
    return made


def run(clone: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """`./run` from elsewhere: its status, and what it says."""
    done = subprocess.run(
        [clone / "run", *arguments],
        cwd=clone.parent,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    return done.returncode, done.stdout


def as_installed(clone: Path, place: Path | None = None) -> None:
    """An environment as the scripts leave it, with a `postel` that only says its name."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(clone / ".venv")
    pip = next((clone / ".venv" / "lib").glob("python*/site-packages")) / "pip"
    pip.mkdir()
    (pip / "__init__.py").touch()
    postel = clone / ".venv" / "bin" / "postel"
    postel.write_text('#!/bin/sh\necho "postel $*"\n')
    postel.chmod(0o755)
    mark = clone / ".venv" / "installed-plain"
    mark.write_text(f"{place or clone.resolve()}\n")


def forged(folder: Path, name: str, text: str) -> Path:
    """A folder of Python modules that stand in for others."""
    made = folder / "forged"
    made.mkdir(exist_ok=True)
    (made / f"{name}.py").write_text(text)
    return made


def path_without_python(folder: Path) -> str:
    """A PATH with what a shell script needs, and no Python."""
    made = folder / "bin"
    made.mkdir()
    for name in ("dirname", "cat"):
        (made / name).symlink_to(shutil.which(name) or name)
    return str(made)


def test_what_is_installed_is_used_at_once(clone: Path) -> None:
    as_installed(clone)
    assert run(clone) == (0, "postel try\n")
    assert run(clone, "queue", "list", "a b") == (0, "postel queue list a b\n")
    assert run(clone, PATH=path_without_python(clone.parent)) == (0, "postel try\n"), "no Python was started"


def test_without_a_python_it_says_what_to_install(clone: Path) -> None:
    status, said = run(clone, PATH=path_without_python(clone.parent))
    assert status == 2
    assert said.startswith("Postel needs Python 3.11 or later, and there is none in PATH; install it")
    assert said.count("\n") == 1


@pytest.mark.parametrize("python", ["/nowhere/python3", "/bin/false"])
def test_a_python_that_is_named_must_be_one(clone: Path, python: str) -> None:
    status, said = run(clone, PYTHON=python)
    assert (status, said) == (
        2,
        f"PYTHON={python} is no Python 3.11 or later; name another one, or leave PYTHON unset.\n",
    )


def test_a_python_without_ensurepip_names_debians_package(clone: Path) -> None:
    """Debian keeps it in a package of its own."""
    stub = forged(clone.parent, "ensurepip", "raise ImportError")
    status, said = run(clone, PYTHON=sys.executable, PYTHONPATH=str(stub))
    package = "python{}.{}-venv".format(*sys.version_info)
    assert status == 2
    assert said.endswith(
        f"install the package {package} first (on Debian and Ubuntu: apt install {package}).\n"
    )
    assert not (clone / ".venv").exists()


def test_a_clone_that_cannot_be_written_to_is_told(clone: Path) -> None:
    command: list[str | Path] = [clone / "run", "--version"]
    python = Path(sys.executable).resolve()
    if os.geteuid() == 0:
        nobody()
        python = Path("/usr/bin/python3")
        if not python.exists() or not shutil.which("setpriv"):
            pytest.skip("needs a Python for all users, and setpriv: Debian packages python3 and util-linux")
        command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
    clone.chmod(0o555)
    done = subprocess.run(
        command,
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(python)},
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    clone.chmod(0o755)
    assert done.returncode == 2
    assert done.stderr.endswith("permission denied; run this in a clone of your own.\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("damage", ["moved", "python gone", "pip gone", "interrupted"])
def test_a_damaged_environment_is_made_anew(clone: Path, damage: str) -> None:
    as_installed(clone, clone.parent / "elsewhere" if damage == "moved" else None)
    if damage == "python gone":
        for link in (clone / ".venv" / "bin").glob("python*"):
            link.unlink()
        (clone / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    elif damage == "pip gone":
        shutil.rmtree(next((clone / ".venv" / "lib").glob("python*/site-packages")) / "pip")
        os.utime(clone / "pyproject.toml")
    elif damage == "interrupted":
        shutil.rmtree(clone / ".venv" / "lib")
        (clone / ".venv" / "installed-plain").unlink()
    (clone / ".venv" / "old").touch()
    # Without a network, and with an environment that would fail to be filled, it gets as far as that.
    status, said = run(
        clone, PYTHON=sys.executable, PIP_NO_INDEX="1", PIP_FIND_LINKS="", PIP_CONFIG_FILE=os.devnull
    )
    assert status == 2
    assert "Making .venv with Python" in said
    assert said.endswith(
        "The installation did not succeed; pip says above why. It needs a network that reaches PyPI.\n"
    )
    assert not (clone / ".venv" / "old").exists()
    assert not list((clone / ".venv").glob("installed-*")), "so the next run tries again"


def test_two_at_once_make_one_installation_that_both_use(clone: Path) -> None:
    """With the real package index, the folder's blank, and another working directory."""
    starts = [
        subprocess.Popen(
            [clone / "run", "--version"], cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ended = [start.communicate(timeout=INSTALL_S) for start in starts]
    if any("reaches PyPI" in stderr for _, stderr in ended) and os.environ.get("CI") != "true":
        pytest.skip("there is no network that reaches PyPI")
    assert [start.returncode for start in starts] == [0, 0], ended
    assert {stdout for stdout, _ in ended} == {"postel, version 0.1.0\n"}
    assert sum("Installing Postel into .venv" in stderr for _, stderr in ended) == 1
    status, said = run(clone, "--version")
    assert (status, said) == (0, "postel, version 0.1.0\n")
