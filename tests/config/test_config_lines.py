import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from postel.config.lines import KeyPath, key_lines

TEXT = '''\
a = 1
"b c" = "x # no comment = ["   # a comment
c.d = """
[not.a.header]
"""
e = [
  1,
  { f = 'g', h = [2,
     3] },
]

[i.j]
k = 2026-01-01
[[l]]
m = 1
[l.n]
o = 1
[[l]]
m = 2
'''


def test_every_key_has_its_line() -> None:
    lines = key_lines(TEXT)
    assert lines[("a",)] == 1
    assert lines[("b c",)] == 2
    assert lines[("c", "d")] == 3
    assert lines[("e", 1, "f")] == 8
    assert lines[("e", 1, "h", 1)] == 9
    assert lines[("i", "j", "k")] == 13
    assert lines[("l", 0, "n", "o")] == 17
    assert lines[("l", 1, "m")] == 19


def _paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path} | {found for key, item in below for found in _paths(item, (*path, key))}


def test_the_keys_found_are_those_that_toml_reads() -> None:
    known = _paths(tomllib.loads(TEXT))
    assert set(key_lines(TEXT)) <= known
    assert {path for path in known if path and path not in {("c",), ("i",), ("l",)}} <= set(key_lines(TEXT))


@given(st.text(alphabet="ab=.[]{}\"'#\n ,\\", max_size=60))
def test_any_text_ends(text: str) -> None:
    key_lines(text)
