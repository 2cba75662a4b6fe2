"""Functions that cannot wait are asked where the caller is; all others are not."""

import ast
import threading
import types
from ipaddress import ip_address
from pathlib import Path

import pytest

from postel.hooks import Client, Connect, HookFiles, Hooks, Phase, ThreadRunner
from postel.hooks.hook_file import HookFile
from postel.hooks.plain import is_plain

START = """
import time
from postel.hooks import accept, add_header, defer, refuse
BAD = frozenset({"192.0.2.9"})
NAMES = {"a": 1}
LIMIT = 5
class Odd:
    def __eq__(self, other):
        time.sleep(9)
ODD = Odd()
"""
PLAIN = [
    "return None",
    "pass",
    '"What it is for."\n    return accept("why")',
    'if facts.client.service == "smtp" and not facts.client.tls:\n        return refuse("550 5.7.1 No", because="x")',
    "return defer() if facts.client.hello in BAD else None",
    'return add_header("X-Seen", "yes"), accept()',
    "if facts.client.port > LIMIT:\n        return None\n    return refuse()",
]
NOT_PLAIN = [
    "time.sleep(1)",
    "await thing()",
    "while True: pass",
    "for one in facts.client: pass",
    "return [one for one in facts.client]",
    "return facts.client.hello.lower()",
    "return facts.header",
    "return facts.client == ODD",
    "return facts.client.hello in NAMES",
    "return unknown",
    "x = 10 ** 10 ** 10",
    "return 'a' * 10 ** 9",
    "return accept(time.sleep(9))",
    "return f'{ODD}'",
    "return (lambda: 1)()",
    "return open",
    "import socket",
    "with facts: pass",
    "try:\n        pass\n    finally:\n        pass",
]


def judge(body: str, start: str = START) -> bool:
    text = f"{start}\nasync def connect(facts):\n    {body}\n"
    tree = ast.parse(text)
    module = types.ModuleType("judged")
    exec(compile(tree, "judged", "exec"), module.__dict__)
    node = tree.body[-1]
    assert isinstance(node, ast.AsyncFunctionDef)
    return is_plain(tree, node, module)


@pytest.mark.parametrize("body", PLAIN)
def test_what_only_compares_and_answers_is_plain(body: str) -> None:
    assert judge(body)


@pytest.mark.parametrize("body", NOT_PLAIN)
def test_what_calls_loops_or_computes_is_not(body: str) -> None:
    assert not judge(body)


def test_a_module_that_rebinds_its_names_has_no_plain_functions() -> None:
    assert not judge(
        "return facts.client == LIMIT", f"{START}\ndef change():\n    global LIMIT\n    LIMIT = ODD\n"
    )


def test_a_decorated_function_is_not_plain(tmp_path: Path) -> None:
    path = tmp_path / "policy.py"
    path.write_text("def same(f): return f\n@same\nasync def connect(facts): return None\n")
    assert not HookFile.load(path).functions[Phase.CONNECT].is_plain


@pytest.mark.real_time
async def test_a_plain_function_is_asked_without_a_thread(tmp_path: Path) -> None:
    path = tmp_path / "policy.py"
    path.write_text(
        "from postel.hooks import refuse\n"
        'async def connect(facts):\n    return refuse("550 5.7.1 No") if facts.client.service == "smtp" else None\n'
    )
    runner = ThreadRunner()
    hooks = Hooks(HookFiles.load([path]), runner=runner)
    before = threading.active_count()
    decision = await hooks.ask(Phase.CONNECT, Connect(Client(ip_address("192.0.2.1"), 4711, "smtp")))
    assert decision.refusal is not None and decision.refusal.reply.code == 550
    assert threading.active_count() == before
    await runner.close()
