"""Read a file of hooks, and say what is wrong with it before it is used.

Gives       HookFile.load(path), HookFunction, HookFileFault.
Not here    Asking the functions: hooks.hooks.

A hook file is a Python module with one async function for each phase it cares for:

    async def rcpt(facts: Rcpt) -> Verdict | None:
        ...

Everything that could silently never be asked is a mistake: a phase that is not async, takes another number
of arguments or another phase's facts, or has a name that is nearly a phase's.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import sys
import traceback
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from postel.hooks.phases import PHASES, Phase
from postel.hooks.plain import is_plain

FILE_LIMIT: Final = 1 << 20  # octets of one hook file

# Words people try, beside misspellings.
_MEANT: Final = {
    "helo": Phase.HELLO,
    "ehlo": Phase.HELLO,
    "login": Phase.AUTH,
    "authenticate": Phase.AUTH,
    "sender": Phase.MAIL,
    "mail_from": Phase.MAIL,
    "recipient": Phase.RCPT,
    "rcpt_to": Phase.RCPT,
    "data": Phase.CONTENT,
    "message": Phase.CONTENT,
    "body": Phase.CONTENT,
    "bounce": Phase.FAILED,
    "bounced": Phase.FAILED,
}
_SIMILAR: Final = 0.8

HookCall: typing.TypeAlias = Callable[[Any], Awaitable[Any]]


class HookFileFault(Exception):
    """A hook file cannot be used. `str()` gives file, line, what is wrong and what to do, in one line."""

    def __init__(self, path: Path, line: int, wrong: str, remedy: str) -> None:
        super().__init__(f"{path}:{line}: {wrong}; {remedy}")
        self.path = path
        self.line = line
        self.wrong = wrong
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class HookFunction:
    """One function to be asked at one phase.

    source      for the log: "policy.py:rcpt".
    is_trusted  Postel's own: asked directly, without a time limit; its faults are bugs.
    is_plain    it cannot wait, as its text shows, and need not run in the thread of hooks.
    """

    phase: Phase
    call: HookCall
    source: str
    is_trusted: bool = False
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class HookFile:
    """A hook file, checked."""

    path: Path
    functions: Mapping[Phase, HookFunction]

    @classmethod
    def load(cls, path: Path) -> HookFile:
        """Read, run and check a file. Raises HookFileFault."""
        tree, code = _parse(path)
        module = _run(path, code)
        named = {node.name: node for node in tree.body if isinstance(node, _FUNCTIONS)}
        functions = {}
        for name, node in named.items():
            if name in PHASES:
                found = _phase_function(path, node, getattr(module, name))
                functions[Phase(name)] = replace(found, is_plain=is_plain(tree, node, module))
            elif not name.startswith("_"):
                _check_not_nearly_a_phase(path, node)
        if not functions:
            names = ", ".join(PHASES)
            raise HookFileFault(path, 1, "the file has no hook", f"define an async function named {names}")
        return cls(path, functions)


_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function: typing.TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def _parse(path: Path) -> tuple[ast.Module, types.CodeType]:
    try:
        with path.open("rb") as file:
            text = file.read(FILE_LIMIT + 1)
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        raise HookFileFault(path, 1, why, "name a file that Postel may read") from None
    if len(text) > FILE_LIMIT:
        raise HookFileFault(
            path, 1, "the file has more than 1 MiB", "keep large tables in files of their own"
        )
    try:
        tree = ast.parse(text, filename=str(path))
        return tree, compile(tree, str(path), "exec")
    except SyntaxError as error:
        remedy = "mend the Python syntax (python -m py_compile shows the place)"
        raise HookFileFault(path, error.lineno or 1, f"syntax: {error.msg}", remedy) from None
    except ValueError:
        raise HookFileFault(path, 1, "the file holds NUL octets", "save it as UTF-8 text") from None


def _run(path: Path, code: types.CodeType) -> types.ModuleType:
    """Execute the module, under a name that two files of one stem do not share."""
    module = types.ModuleType(f"postel_hook_file:{path}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look there for the names in their annotations
    try:
        exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(frames) if frame.filename == str(path)), 1) or 1
        wrong = f"{type(error).__name__} while the file was read: {error}"
        raise HookFileFault(path, line, wrong, "mend the line, or install what it imports") from error
    return module


def _phase_function(path: Path, node: _Function, function: Any) -> HookFunction:
    name = node.name
    if inspect.isasyncgenfunction(function):
        raise HookFileFault(path, node.lineno, f"{name} yields", "return one verdict, or a tuple of them")
    if not inspect.iscoroutinefunction(function):
        raise HookFileFault(path, node.lineno, f"{name} is not async", f"write `async def {name}(facts)`")
    _check_signature(path, node, function)
    return HookFunction(Phase(name), function, f"{path.name}:{name}")


def _check_signature(path: Path, node: _Function, function: Any) -> None:
    wanted = PHASES[Phase(node.name)].facts
    remedy = f"write `async def {node.name}(facts: {wanted.__name__}) -> Verdict | None`"
    parameters = list(inspect.signature(function).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if not positional or any(p.default is p.empty and p.kind != p.VAR_KEYWORD for p in parameters[1:]):
        raise HookFileFault(path, node.lineno, f"{node.name} does not take exactly one argument", remedy)
    try:
        hint = typing.get_type_hints(function).get(positional[0].name, wanted)
    except NameError as error:
        raise HookFileFault(path, node.lineno, f"an annotation is unknown: {error}", remedy) from None
    if hint is not wanted and hint is not Any:
        told = getattr(hint, "__name__", str(hint))
        raise HookFileFault(path, node.lineno, f"{node.name} is told {wanted.__name__}, not {told}", remedy)


def _check_not_nearly_a_phase(path: Path, node: _Function) -> None:
    bare = node.name.lower().removeprefix("on_").removesuffix("_hook")
    close = difflib.get_close_matches(bare, PHASES, n=1, cutoff=_SIMILAR)
    meant = _MEANT.get(bare) or (close[0] if close else None)
    if meant:
        remedy = f"rename it {meant}, or begin its name with _ if it is no hook"
        raise HookFileFault(path, node.lineno, f"{node.name} is no phase and would never be asked", remedy)
