"""The pages of what programs import: hooks and the test kit, made of docstrings and signatures.

Gives       hooks_page, testing_page.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import postel.hooks
import postel.testing
import postel.testing.journey
import postel.testing.transcript
from generators.markdown import code, page, prose, table
from generators.source import class_node, explain, function_node, is_property, signature_of
from postel.hooks import PHASES, Phase

VERDICTS = ("accept", "refuse", "defer", "discard", "add_header", "change_recipients")


def hooks_page() -> str:
    """Phases, facts, verdicts."""
    phases = [_phase(phase) for phase in Phase]
    classes: list[type[Any]] = [postel.hooks.Client, *(PHASES[phase].facts for phase in Phase)]
    facts = [block for cls in classes for block in _facts(cls)]
    return page(
        "Hooks",
        "[Decide about mail in Python](../how-to/hooks.md) explains hooks by examples. Here is everything that "
        "`postel.hooks` has for them.",
        "## Phases",
        "In the order in which a message meets them. A hook is an async function of the phase's name that takes the "
        "facts and returns nothing, one verdict, or a tuple of verdicts.",
        table(("phase", "facts", "verdicts"), phases),
        "## Verdicts",
        *(block for name in VERDICTS for block in _function(getattr(postel.hooks, name), 3)),
        "## Facts",
        *facts,
    )


def _phase(phase: Phase) -> tuple[str, str, str]:
    row = PHASES[phase]
    verdicts = [name for name in VERDICTS if _made_by(name) in {verdict.__name__ for verdict in row.verdicts}]
    return code(phase), code(row.facts.__name__), ", ".join(map(code, verdicts)) or "nothing"


def _made_by(function: str) -> str:
    return "".join(word.title() for word in function.split("_"))


def _facts(cls: type[Any]) -> Iterator[str]:
    told = explain(cls.__doc__)
    yield f"### {code(cls.__name__)}"
    yield prose(told.opening)
    types = {
        node.target.id: ast.unparse(node.annotation)
        for node in class_node(cls).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    rows = [
        (code(name), code(annotation), prose(told.names.get(name, ""))) for name, annotation in types.items()
    ]
    rows += [
        (code(node.name), code(ast.unparse(node.returns)) if node.returns else "", _opening_of(node))
        for node in class_node(cls).body
        if isinstance(node, ast.FunctionDef) and is_property(node)
    ]
    yield table(("fact", "type", "meaning"), rows)


def testing_page() -> str:
    """The public kit."""
    blocks: list[str] = []
    for title, module in (
        ("The kit", postel.testing),
        ("Transcripts", postel.testing.transcript),
    ):
        blocks += [f"## {title}: {code(module.__name__)}", _docstring(module)]
        for name in sorted(module.__all__, key=str.casefold):
            blocks += _described(name, getattr(module, name))
    blocks += [f"## The journey: {code(postel.testing.journey.__name__)}", _docstring(postel.testing.journey)]
    return page(
        "The test kit",
        "[Test your program](../how-to/test-your-program.md) explains the kit by examples. Here is everything in it. "
        "It stays compatible as the rest of the public interface does.",
        *blocks,
    )


def _described(name: str, thing: Any) -> Iterator[str]:
    if inspect.isclass(thing):
        yield from _class(thing)
    elif inspect.isfunction(thing):
        yield from _function(thing, 3)
    elif not inspect.ismodule(thing):
        yield f"### {code(name)}"
        yield f"Value: {code(_value(thing))}"


def _value(thing: Any) -> str:
    if isinstance(thing, Iterable) and not isinstance(thing, str):
        return ", ".join(str(getattr(one, "name", one)) for one in thing)
    return repr(thing)


def _class(cls: type[Any]) -> Iterator[str]:
    yield f"### {code(cls.__name__)}"
    yield _docstring(cls)
    node = class_node(cls)
    methods = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    rows = [
        (code(n.name if is_property(n) else signature_of(n, is_method=True)), _opening_of(n))
        for n in methods
        if ast.get_docstring(n) and not n.name.startswith("_")
    ]
    start = next((n for n in methods if n.name == "__init__"), None)
    if start is not None:
        shown = signature_of(start, is_method=True).replace("__init__", cls.__name__, 1)
        yield f"```python\n{shown.removesuffix(' -> None')}\n```"
    if rows:
        yield table(("member", "meaning"), rows)


def _function(function: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} {code(function.__name__)}"
    yield f"```python\n{signature_of(function_node(function))}\n```"
    yield _docstring(function)


def _docstring(thing: Any) -> str:
    """Prose as prose; what is indented below it as it stands."""
    blocks: list[str] = []
    for paragraph in inspect.cleandoc(thing.__doc__ or "").split("\n\n"):
        lines = paragraph.splitlines()
        is_code = all(line.startswith("  ") for line in lines)
        if is_code and blocks and blocks[-1].startswith("```"):
            blocks[-1] = blocks[-1].removesuffix("\n```") + f"\n\n{paragraph}\n```"
        elif is_code or any("   " in line.strip() for line in lines):
            blocks.append(f"```text\n{paragraph}\n```")
        else:
            blocks.append(prose(paragraph))
    return "\n\n".join(blocks)


def _opening_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    text = ast.get_docstring(node) or ""
    return prose(" ".join(text.split()))
