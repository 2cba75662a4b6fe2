"""Loading hook files: what is taken, and how mistakes are named."""

import textwrap
from pathlib import Path

import pytest

from postel.hooks import HookFile, HookFileFault, HookFiles, Phase

HEAD = "from postel.hooks import Connect, Rcpt, Verdict, refuse\n"


def load(folder: Path, text: str, name: str = "policy.py") -> HookFile:
    path = folder / name
    path.write_text(HEAD + textwrap.dedent(text))
    return HookFile.load(path)


def fault_of(folder: Path, text: str) -> HookFileFault:
    with pytest.raises(HookFileFault) as caught:
        load(folder, text)
    return caught.value


def test_a_file_gives_one_function_for_each_phase_it_defines(tmp_path: Path) -> None:
    file = load(
        tmp_path,
        """
        async def connect(facts: Connect) -> Verdict | None:
            return None

        async def rcpt(facts: Rcpt) -> Verdict | None:
            return refuse()
        """,
    )
    assert set(file.functions) == {Phase.CONNECT, Phase.RCPT}
    assert file.functions[Phase.RCPT].source == "policy.py:rcpt"


def test_annotations_may_be_left_out_or_be_text(tmp_path: Path) -> None:
    file = load(tmp_path, 'async def rcpt(facts): ...\n\nasync def connect(facts: "Connect"): ...\n')
    assert len(file.functions) == 2


def test_further_arguments_with_defaults_are_fine(tmp_path: Path) -> None:
    assert load(tmp_path, "async def rcpt(facts, *, table={}): ...\n").functions


def test_a_decorated_function_is_taken(tmp_path: Path) -> None:
    text = """
        import functools

        def logged(function):
            @functools.wraps(function)
            async def call(facts):
                return await function(facts)
            return call

        @logged
        async def rcpt(facts: Rcpt) -> Verdict | None:
            return None
        """
    assert load(tmp_path, text).functions


def test_dataclasses_with_postponed_annotations_work(tmp_path: Path) -> None:
    path = tmp_path / "p.py"
    path.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Table:\n    size: int\n\nasync def rcpt(facts): return Table(1) and None\n"
    )
    assert HookFile.load(path).functions


@pytest.mark.parametrize(
    ("text", "line", "wrong", "remedy"),
    [
        ("async def rcpt(facts:\n", 2, "syntax: ", "mend the Python syntax"),
        ("return 1\n", 2, "syntax: 'return' outside function", "mend"),
        ("def rcpt(facts: Rcpt):\n    return None\n", 2, "rcpt is not async", "`async def rcpt(facts)`"),
        ("async def rcpt(facts):\n    yield 1\n", 2, "rcpt yields", "return one verdict"),
        ("async def rcpt():\n    return None\n", 2, "exactly one argument", "(facts: Rcpt)"),
        ("async def rcpt(a, b):\n    return None\n", 2, "exactly one argument", "(facts: Rcpt)"),
        ("async def rcpt(*, facts):\n    return None\n", 2, "exactly one argument", "(facts: Rcpt)"),
        ("\nasync def rcpt(facts: Connect):\n    return None\n", 3, "told Rcpt, not Connect", "facts: Rcpt"),
        ("async def rcpt(facts: 'Nothing'):\n    return None\n", 2, "annotation is unknown", "facts: Rcpt"),
        ("async def recpt(facts):\n    return None\n", 2, "recpt is no phase", "rename it rcpt"),
        ("async def on_connect(facts):\n    return None\n", 2, "no phase", "rename it connect"),
        ("async def ehlo(facts):\n    return None\n", 2, "no phase", "rename it hello"),
        ("async def data(facts):\n    return None\n", 2, "no phase", "rename it content"),
        ("def deliverd(facts):\n    return None\n", 2, "no phase", "begin its name with _"),
        ("x = 1\n", 1, "the file has no hook", "define an async function named connect, hello"),
        ("x = 1\n\n1 / 0\n", 4, "ZeroDivisionError while the file was read", "mend the line"),
        ("import nothing_of_that_name\n", 2, "ModuleNotFoundError", "install what it imports"),
        ("import sys\nsys.exit(3)\n", 3, "SystemExit", "mend the line"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_remedy(
    tmp_path: Path, text: str, line: int, wrong: str, remedy: str
) -> None:
    fault = fault_of(tmp_path, text)
    assert fault.line == line
    assert wrong in fault.wrong
    assert remedy in fault.remedy
    assert str(fault).startswith(f"{tmp_path / 'policy.py'}:{line}: ")
    assert "\n" not in str(fault)


def test_a_helper_with_an_underscore_may_be_called_as_it_likes(tmp_path: Path) -> None:
    assert load(
        tmp_path, "def _recpt(x): ...\n\ndef lookup(x): ...\n\nasync def rcpt(facts): ...\n"
    ).functions


def test_a_file_that_is_missing_binary_or_huge_is_named(tmp_path: Path) -> None:
    with pytest.raises(HookFileFault, match="no such file"):
        HookFile.load(tmp_path / "absent.py")
    (tmp_path / "nul.py").write_bytes(b"x = 1\0\n")
    with pytest.raises(HookFileFault, match=r"nul\.py:1: "):
        HookFile.load(tmp_path / "nul.py")
    (tmp_path / "huge.py").write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(HookFileFault, match="more than 1 MiB"):
        HookFile.load(tmp_path / "huge.py")


def test_reload_takes_the_new_text_and_a_bad_one_leaves_the_old_in_force(tmp_path: Path) -> None:
    load(tmp_path, "async def rcpt(facts): ...\n")
    files = HookFiles.load([tmp_path / "policy.py"])
    assert files.functions[Phase.RCPT] and not files.functions[Phase.MAIL]

    (tmp_path / "policy.py").write_text("async def mail(facts): ...\n")
    files.reload()
    assert files.functions[Phase.MAIL] and not files.functions[Phase.RCPT]

    (tmp_path / "policy.py").write_text("async def mail(:\n")
    with pytest.raises(HookFileFault):
        files.reload()
    assert files.functions[Phase.MAIL]
    files.reload([])
    assert not any(files.functions.values())
