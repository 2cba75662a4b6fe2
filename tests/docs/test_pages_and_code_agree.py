"""The reference says what the program is, and nothing else."""

from __future__ import annotations

import re

import click
import docs_kit
import generate
import pytest
from docs_kit import DOCS, headings, section
from generators.commands import commands_page
from generators.limits import CHANGED
from generators.source import modules

from postel import testing as kit
from postel.cli.main import COMMANDS, main
from postel.config.reference import Setting, all_settings
from postel.observe import EVENTS
from postel.testing import transcript

SETTINGS = list(all_settings())
REFERENCE = DOCS / "reference"


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    page = REFERENCE / name
    assert page.read_text("utf-8") == generate.PAGES[name](), "run: python docs/generate.py"


def test_every_setting_has_a_heading_and_every_heading_a_setting() -> None:
    third_level = re.findall(r"^### `(.*)`$", (REFERENCE / "settings.md").read_text("utf-8"), re.MULTILINE)
    assert third_level == [setting.name for setting in SETTINGS]


def _dotted(setting: Setting) -> str:
    table = re.sub(r'[\[\]]|\."example.org"', "", setting.table)
    return f"{table}.{setting.name}" if table else setting.name


@pytest.mark.parametrize("setting", SETTINGS, ids=_dotted)
def test_every_default_is_defended(setting: Setting) -> None:
    page = DOCS / "topics" / "defaults-and-why.md"
    text = section(page, f"`{_dotted(setting)}`")
    assert text.strip(), "a paragraph for it is missing"
    shown = "None" if setting.default == "none" else setting.default
    assert text.lstrip().startswith(shown), "the paragraph begins with the default"


def test_no_default_is_defended_that_does_not_exist() -> None:
    defended = [h.strip("`") for h in headings(DOCS / "topics" / "defaults-and-why.md") if h.startswith("`")]
    assert defended == [_dotted(setting) for setting in SETTINGS]


def _commands(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    found = [(path, command)]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found += _commands(below, f"{path} {name}")
    return found


def test_every_command_and_every_option_is_described() -> None:
    page = commands_page()
    for path, command in _commands(main, "postel"):
        if command.hidden:
            continue
        assert f" `{path}`\n" in page
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.help, f"{path} {option.opts}: an option says what it is for"
                assert option.opts[0] in page.partition(f" `{path}`\n")[2]


def test_every_command_teaches_by_example() -> None:
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None and command.help
        assert re.search(rf"\bpostel\b.*\b{name}\b", command.help), f"{name}: no example"


def test_every_event_is_described() -> None:
    text = (REFERENCE / "events.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(EVENTS)


def test_every_event_that_a_page_mentions_exists() -> None:
    for page in docs_kit.pages():
        for name in re.findall(r"event=([a-z_]+)", page.read_text("utf-8")):
            assert name in EVENTS, f"{page}: {name}"


def test_the_page_of_limits_tries_every_setting_that_could_be_one() -> None:
    tables = ("login.", "queue.", "mailboxes.", "limits.", "checkpoint.", "hooks.", "delivery.")
    could_be = {name for setting in SETTINGS if (name := _dotted(setting)).startswith(tables)}
    assert could_be - {"hooks.files", "delivery.allow_loopback"} == set(CHANGED)


def test_everything_in_the_kit_is_described() -> None:
    described = {heading.strip("`") for heading in headings(REFERENCE / "testing.md")}
    assert set(kit.__all__) | set(transcript.__all__) <= described


def test_every_module_opens_as_a_manual_page() -> None:
    assert [module.__name__ for module in modules() if not (module.__doc__ or "").strip()] == []
