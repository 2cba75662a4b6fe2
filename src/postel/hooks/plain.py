"""Tell functions that cannot wait from all others, by their text.

Gives       is_plain.
Not here    Where functions run: hooks.hooks, hooks.runner.

Foreign functions run in a thread of their own, since nobody knows whether they block. Of some it is known: those that
only compare what they are told with constants, and answer. They are asked where the caller is, which spares two
hand-overs between threads. Here is what such a function may consist of; with anything else in it, it is not plain.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Iterable
from typing import Any, Final

from postel.hooks import verdicts

_SAYS: Final = (verdicts.accept, verdicts.refuse, verdicts.defer, verdicts.discard, verdicts.add_header)
_CONSTANTS: Final = (str, bytes, int, float, bool, types.NoneType)
_COLLECTIONS: Final = (frozenset, tuple)
_LATER: Final = frozenset({"header"})  # facts that have to be computed, which may take a while


def is_plain(
    tree: ast.Module, function: ast.AsyncFunctionDef | ast.FunctionDef, module: types.ModuleType
) -> bool:
    """Whether the function of this module can neither wait nor take long, whatever it is told."""
    rebinds = any(isinstance(node, ast.Global) for node in ast.walk(tree))
    if rebinds or function.decorator_list or len(function.args.args) != 1:
        return False
    return _Reader(function.args.args[0].arg, module.__dict__).takes_all(function.body)


class _Reader:
    """Reads one function. facts: the name of its argument; known: the names of its module."""

    def __init__(self, facts: str, known: dict[str, Any]) -> None:
        self._facts = facts
        self._known = known

    def takes_all(self, nodes: Iterable[ast.AST]) -> bool:
        """Whether all of these are plain."""
        return all(map(self._takes, nodes))

    def _takes(self, node: ast.AST | None) -> bool:
        match node:
            case None | ast.Pass() | ast.Constant():
                return True
            case ast.Expr(value) | ast.Return(value) | ast.UnaryOp(ast.Not(), value):
                return self._takes(value)
            case ast.If(test, body, rest):
                return self._takes(test) and self.takes_all(body) and self.takes_all(rest)
            case ast.IfExp(test, body, rest):
                return self.takes_all((test, body, rest))
            case ast.BoolOp(_, values) | ast.Tuple(values):
                return self.takes_all(values)
            case ast.Compare(left, _, others):
                return self._takes(left) and self.takes_all(others)
            case ast.Attribute(value, name):
                return name not in _LATER and self._is_fact(value)
            case ast.Name(name):
                return name == self._facts or _is_constant(self._known.get(name, ...))
            case ast.Call(ast.Name(name), arguments, keywords):
                is_answer = any(self._known.get(name) is say for say in _SAYS)
                return is_answer and self.takes_all([*arguments, *(one.value for one in keywords)])
        return False

    def _is_fact(self, node: ast.AST) -> bool:
        """Whether this is the argument, or a fact of it."""
        match node:
            case ast.Name(name):
                return name == self._facts
            case ast.Attribute(value, name):
                return name not in _LATER and self._is_fact(value)
        return False


def _is_constant(value: object) -> bool:
    """Whether comparing with this costs little and cannot change."""
    if type(value) in _COLLECTIONS and isinstance(value, (frozenset, tuple)):
        return all(type(one) in _CONSTANTS for one in value)
    return type(value) in _CONSTANTS
