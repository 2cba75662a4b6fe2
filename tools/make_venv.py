"""Make .venv, or bring it up to date: `python tools/make_venv.py HERE EXTRAS`. Called by ./run and ./test.

The environment is good when the file installed-EXTRAS in it names HERE and is newer than pyproject.toml. That
file is written last, so whatever interrupts an installation, the next run takes it up again. A clone that was
moved or copied, and an environment whose Python is gone or another than PYTHON names, begin anew. Of several that
run at once, one works and the others wait.

It runs on any Python from 3.11 on, before anything is installed.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path


def say(*lines: str) -> None:
    """To the person who waits."""
    print(*lines, sep="\n", file=sys.stderr, flush=True)


def main(here: Path, extras: str) -> int:
    """The exit status."""
    venv = here / ".venv"
    mark = venv / f"installed-{extras or 'plain'}"
    take(os.open(here, os.O_RDONLY))
    try:
        usable = is_usable(here, venv)
        if usable and is_up_to_date(here, mark):
            return 0
        if not usable:
            create(venv)
        install(here, venv, extras)
        mark.write_text(f"{here}\n", "utf-8")
    except CannotMake as error:
        say(str(error))
        return 2
    except OSError as error:
        say(
            f"{error.filename or here}: {(error.strerror or str(error)).lower()}; run this in a clone of your own."
        )
        return 2
    return 0


class CannotMake(Exception):
    """There can be no environment; the text says why and what to do."""


def take(directory: int) -> None:
    """Wait until nobody else works on this environment. The lock goes with the process."""
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Waiting for another installation into .venv …")
        fcntl.flock(directory, fcntl.LOCK_EX)
    except OSError:
        pass  # a file system without locks


def is_up_to_date(here: Path, mark: Path) -> bool:
    """Whether what was installed last is what pyproject.toml wants."""
    try:
        return mark.stat().st_mtime >= (here / "pyproject.toml").stat().st_mtime
    except FileNotFoundError:
        return False


def is_usable(here: Path, venv: Path) -> bool:
    """Whether the environment is one of ours, here, with a Python that runs and a pip in it."""
    python = venv / "bin" / "python"
    marks = [mark.read_text("utf-8").strip() for mark in venv.glob("installed-*")]
    if any(place != str(here) for place in marks):
        say("This clone has been moved or copied; .venv is made anew.")
        return False
    if not python.exists():
        return False
    program = "import sys, importlib.util as u; print(*sys.version_info[:2], u.find_spec('pip') is not None)"
    told = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False).stdout.split()
    if told[2:] != ["True"]:
        return False
    if os.environ.get("PYTHON") and told[:2] != [str(number) for number in sys.version_info[:2]]:
        say(f"PYTHON names another Python than that of .venv ({'.'.join(told[:2])}); it is made anew.")
        return False
    return True


def create(venv: Path) -> None:
    """An empty environment. Raises CannotMake, OSError."""
    try:
        import ensurepip  # noqa: F401
        import venv as making
    except ImportError:
        package = "python{}.{}-venv".format(*sys.version_info)
        raise CannotMake(
            f"This Python ({sys.executable}) cannot make virtual environments: install the package {package} first "
            f"(on Debian and Ubuntu: apt install {package})."
        ) from None
    say(f"Making .venv with Python {sys.version.split()[0]} …")
    try:
        making.EnvBuilder(clear=True, symlinks=True, with_pip=True).create(venv)
    except subprocess.CalledProcessError as error:
        said = (error.output or b"").decode("utf-8", "replace")
        raise CannotMake(f"{said}\npip cannot be put into .venv; it is said above why.") from None


def install(here: Path, venv: Path, extras: str) -> None:
    """Postel, from this clone, with what it needs. Raises CannotMake."""
    say("Installing Postel into .venv …")
    what = f"{here}[{extras}]" if extras else str(here)
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    done = subprocess.run(
        [venv / "bin" / "python", "-m", "pip", "install", *quiet, "--editable", what], check=False
    )
    if done.returncode:
        raise CannotMake(
            "The installation did not succeed; pip says above why. It needs a network that reaches PyPI."
        )


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2]))
    except KeyboardInterrupt:
        say("Interrupted; the next run takes it up again.")
        sys.exit(130)
