"""What the source says beside what a running program knows: comments, signatures, names in order.

Gives       modules, tree_of, Constant, constants_of, comment_of, signature_of.
"""

from __future__ import annotations

import ast
import gc
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import postel

ROOT = Path(postel.__file__).parent

_COMMENT = re.compile(r"#\s*(.*)$")
_CLAUSE = re.compile(r"RFC \d+(?: [0-9A-Z][0-9A-Za-z.]*[0-9A-Za-z]|(?: [0-9A-Z])(?![0-9A-Za-z]))?")


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every module of the package, by name."""
    found = pkgutil.walk_packages([str(ROOT)], "postel.")
    names = sorted(info.name for info in found if not info.name.endswith("__main__"))
    return tuple(importlib.import_module(name) for name in names)


@cache
def text_of(path: Path) -> str:
    """The text of a source file."""
    return path.read_text("utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    """A source file, parsed."""
    return _parsed(text_of(path))


def _parsed(text: str) -> ast.Module:
    # In Python 3.11 a trace-back that is written while trees are made (by what is collected meanwhile) spoils them:
    # "AST constructor recursion depth mismatch".
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        gc.enable()


def path_of(module: ModuleType) -> Path:
    """Where a module's source is."""
    assert module.__file__ is not None
    return Path(module.__file__)


def room_of(path: Path) -> str:
    """`proto.smtp` for a file of that package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts[:-1])


@dataclass(frozen=True, slots=True)
class Constant:
    """A name that a module assigns, its value, and the comment beside it."""

    name: str
    value: Any
    comment: str

    @property
    def clause(self) -> str:
        """The clause that the comment cites."""
        match = _CLAUSE.search(self.comment)
        return match.group() if match else ""


def constants_of(module: ModuleType, kind: type[Any]) -> Iterator[Constant]:
    """What the module itself assigns at its top that is of this kind, in its order."""
    path = path_of(module)
    for node in tree_of(path).body:
        target = _target(node)
        if target is not None and isinstance(value := getattr(module, target, None), kind):
            yield Constant(target, value, comment_of(path, node))


def _target(node: ast.stmt) -> str | None:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def comment_of(path: Path, node: ast.AST) -> str:
    """The comments that stand behind a statement on its own lines."""
    lines = text_of(path).splitlines()[node.lineno - 1 : node.end_lineno]  # type: ignore[attr-defined]
    last = lines[-1][node.end_col_offset :] if lines else ""  # type: ignore[attr-defined]
    match = _COMMENT.search(last)
    return match.group(1).strip() if match else ""


def class_node(cls: type[Any]) -> ast.ClassDef:
    """The definition of a class."""
    path = path_of(importlib.import_module(cls.__module__))
    nodes = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef))
    return next(node for node in nodes if node.name == cls.__name__)


def function_node(function: Any) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """The definition of a function at the top of its module."""
    path = path_of(importlib.import_module(function.__module__))
    functions = (n for n in tree_of(path).body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return next(node for node in functions if node.name == function.__name__)


def signature_of(node: ast.FunctionDef | ast.AsyncFunctionDef, *, is_method: bool = False) -> str:
    """`async name(to, *, subject=...) -> Result` as it is written, without `self`."""
    arguments = _parsed(ast.unparse(node.args).join(("def f(", "): ..."))).body[0].args  # type: ignore[attr-defined]
    if is_method and arguments.args and not _is_static(node):
        del arguments.args[0]
    back = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    start = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    return f"{start}{node.name}({ast.unparse(arguments)}){back}"


def _is_static(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


def is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a method reads like a field."""
    return any(
        isinstance(d, ast.Name) and d.id in ("property", "cached_property") for d in node.decorator_list
    )


@dataclass(frozen=True, slots=True)
class Explained:
    """A docstring: what it says first, what it says of each name, and what comes after."""

    opening: str
    names: dict[str, str]
    closing: str


_NAMED = re.compile(r"^([a-z_][a-z0-9_]*(?:, [a-z_][a-z0-9_]*)*)  +(\S.*)$")


def explain(docstring: str | None) -> Explained:
    """Read a docstring of the house: prose, then `name   meaning` lines, then perhaps prose again."""
    text = inspect.cleandoc(docstring or "")
    opening: list[str] = []
    closing: list[str] = []
    names: dict[str, str] = {}
    current: list[str] = []
    for line in text.splitlines():
        match = _NAMED.match(line)
        if match:
            current = match.group(1).split(", ")
            names |= dict.fromkeys(current, match.group(2))
        elif current and line.startswith("  "):
            names |= {name: f"{names[name]} {line.strip()}" for name in current}
        else:
            current = []
            (closing if names else opening).append(line)
    return Explained("\n".join(opening).strip(), names, "\n".join(closing).strip())
