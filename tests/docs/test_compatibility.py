"""COMPATIBILITY.md answers as the tables of the program do."""

from __future__ import annotations

from typing import get_args

import pytest
from docs_kit import ROOT, section
from generators.protocols import is_offered

from postel.config.settings import MechanismName
from postel.proto import imap, pop3, sasl
from postel.proto.pop3.capabilities import CAPABILITIES
from postel.proto.smtp.commands import COMMANDS, NOT_IMPLEMENTED
from postel.proto.smtp.extensions import EXTENSIONS
from postel.servers import TOKEN_MECHANISMS
from postel.servers.imapd.capabilities import CAPABILITIES as IMAP_CAPABILITIES

PAGE = ROOT / "COMPATIBILITY.md"


def _answers(heading: str) -> dict[str, str]:
    """Feature and answer of each line of a section."""
    rows = [line.split("|") for line in section(PAGE, heading).splitlines() if line.startswith("| `")]
    return {row[1].strip().replace("`", ""): row[3].strip() for row in rows}


def test_every_line_is_answered() -> None:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    features = [line.split(" | ") for line in lines if not line.startswith(("| feature", "| ---"))]
    assert len(features) > 150
    assert {len(cells) for cells in features} == {4}
    assert {cells[2] for cells in features} == {"yes", "no", "partly"}


def test_every_smtp_command_has_its_line() -> None:
    answers = _answers("SMTP commands, as a server")
    done = {str(row.verb) for row in COMMANDS}
    assert done == {name for name, answer in answers.items() if answer != "no"}
    assert {name for name, answer in answers.items() if answer == "no"} <= NOT_IMPLEMENTED


@pytest.mark.parametrize("row", EXTENSIONS, ids=lambda row: row.keyword)
def test_every_smtp_extension_has_its_line(row) -> None:  # type: ignore[no-untyped-def]
    answer = _answers("SMTP extensions, as a server")[row.keyword]
    assert (answer != "no") == is_offered(row)


def test_no_smtp_extension_is_made_up() -> None:
    assert set(_answers("SMTP extensions, as a server")) == {row.keyword for row in EXTENSIONS}


def test_every_pop3_command_and_capability_has_its_line() -> None:
    answers = _answers("POP3")
    capabilities = {f"{row.tag} capability" for row in CAPABILITIES}
    assert set(answers) == set(pop3.COMMANDS) | capabilities


def test_every_imap_command_has_its_line() -> None:
    answers = _answers("IMAP")
    options = imap.ImapOptions(hostname="imap.example.org", capabilities=IMAP_CAPABILITIES)
    known = {name for name, row in imap.COMMANDS.items() if imap.is_known(row, options)}
    commands = {name: answer for name, answer in answers.items() if not name.endswith(" capability")}
    assert set(commands) == set(imap.COMMANDS)
    assert {name for name, answer in commands.items() if answer != "no"} == known


def test_every_imap_capability_has_its_line() -> None:
    answers = _answers("IMAP")
    own = {"IMAP4rev1", "LITERAL+", "SASL-IR", "ENABLE", "STARTTLS", "LOGINDISABLED", "AUTH="}
    lines = {
        name.removesuffix(" capability"): answer
        for name, answer in answers.items()
        if name.endswith(" capability")
    }
    assert {name for name, answer in lines.items() if answer == "yes"} == own | set(IMAP_CAPABILITIES)


def test_every_sasl_mechanism_has_its_line() -> None:
    answers = _answers("SASL and logins")
    answered = {m.name: answers[m.name] for m in sasl.MECHANISMS}
    offered = {*get_args(MechanismName), *TOKEN_MECHANISMS}
    assert {name for name, answer in answered.items() if answer == "yes"} == offered
