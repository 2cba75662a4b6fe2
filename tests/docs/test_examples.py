"""The examples work: configurations are sound, Python runs, command lines are understood."""

from __future__ import annotations

import asyncio
import imaplib
import re
import shlex
import ssl
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
import trustme
from docs_kit import DOCS, ROOT, Block, blocks, blocks_of

from postel.app import Postel, real_edges
from postel.cli.main import main
from postel.config import Findings, check_config, parse
from postel.hooks import HookFile, HookFiles, Hooks, Phase, Rcpt
from postel.hooks.facts import Client
from postel.mail import NO_PARAMETERS, ReversePath, parse_mailbox
from postel.testing.transcript import SERVER_PLAYERS, Player, SmtpRole, parse_transcript

README = ROOT / "README.md"
_HEREDOC = re.compile(r"cat >\S+\.toml <<'END'\n(.*?)^END$", re.DOTALL | re.MULTILINE)


def _configurations() -> list[Block]:
    """Every TOML block, and what a shell example writes into a TOML file."""
    written = [
        Block(block.page, block.line, "toml", text, False)
        for block in blocks("sh")
        for text in _HEREDOC.findall(block.text)
    ]
    return blocks("toml") + written


def _findings(text: str, folder: Path) -> Findings:
    """What the check says, certificates and hook files apart. A part of a file is completed first."""
    if "hostname" not in text:
        text = f'hostname = "mail.example.org"\n{text}'
    if "[[listen]]" not in text and "listen =" not in text:
        text += '\n[[listen]]\naddress = "127.0.0.1:25"\n'
    for name in re.findall(r'file = "([^"/]+)"', text):
        (folder / name).write_text("secret\n")
    environment = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "secret")
    findings = check_config(parse(text, file="postel.toml", directory=folder, environment=environment))
    mistakes = tuple(mistake for mistake in findings.mistakes if "there is no file" not in mistake.text)
    return Findings(mistakes, findings.warnings)


@pytest.mark.parametrize("block", _configurations(), ids=str)
def test_a_configuration_has_no_mistakes(block: Block, tmp_path: Path) -> None:
    assert _findings(block.text, tmp_path).mistakes == ()


def test_the_configurations_of_a_first_server_have_nothing_dangerous(tmp_path: Path) -> None:
    first = [b for b in _configurations() if b.page in (README, DOCS / "how-to" / "first-server.md")]
    assert len(first) >= 2
    for block in first:
        assert _findings(block.text, tmp_path).warnings == ()


def _python_blocks() -> list[Block]:
    """All but the hooks, which tests/hooks runs, and the signatures of the reference."""
    skipped = (DOCS / "reference", DOCS / "how-to" / "hooks.md")
    return [block for block in blocks("python") if not any(block.page.is_relative_to(s) for s in skipped)]


@pytest.mark.parametrize("block", _python_blocks(), ids=str)
def test_every_python_example_is_one_that_runs(block: Block) -> None:
    assert block.is_run, "mark it with <!-- run --> on the line above"


@pytest.mark.slow
@pytest.mark.parametrize("block", [block for block in _python_blocks() if block.is_run], ids=str)
def test_a_python_example_runs(block: Block) -> None:
    for name, found in vars(_module(block)).items():
        if name.startswith("test_"):
            found()


def _module(block: Block) -> ModuleType:
    module = ModuleType("example")
    exec(compile(block.text, str(block), "exec"), vars(module))
    return module


async def test_the_hook_of_the_readme_refuses_addresses_that_have_moved(tmp_path: Path) -> None:
    path = tmp_path / "hooks.py"
    path.write_text(next(block for block in blocks_of(README) if block.language == "python").text)
    hooks = Hooks(HookFiles([HookFile.load(path)]))

    def facts(address: str) -> Rcpt:
        client = Client(None, 0, "smtp")
        return Rcpt(client, "1", ReversePath.NULL, parse_mailbox(address), NO_PARAMETERS, 0)

    refused = await hooks.ask(Phase.RCPT, facts("old-ann@example.org"))
    assert refused.refusal is not None and refused.refusal.reply.code == 550
    assert (await hooks.ask(Phase.RCPT, facts("ann@example.org"))).verdict is None
    await hooks.close()


@pytest.mark.slow
@pytest.mark.real_time
@pytest.mark.parametrize(("protocol", "function"), [("imaps", "unread"), ("pop3s", "fetch")])
async def test_an_example_reads_mail(tmp_path: Path, protocol: str, function: str) -> None:
    page = blocks_of(DOCS / "how-to" / "reading-mail.md")
    block = next(b for b in page if b.language == "python" and f"def {function}(" in b.text)
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    text = (
        'hostname = "localhost"\ndata = "data"\n'
        f'listen = [{{ protocol = "{protocol}", address = "127.0.0.1:0" }}]\n'
        'tls = { certificate = "cert.pem", key = "key.pem" }\n'
        '[[domain]]\nname = "example.org"\n'
    )
    postel = await Postel.open(
        parse(text, file="test.toml", directory=tmp_path, environment={}), real_edges()
    )
    await postel.rooms.directory.add(parse_mailbox("ann@example.org"), "secret")
    await postel.start()
    try:
        port = postel.listeners.bound[0].listener.endpoint.port
        example = vars(_module(block))[function]
        if protocol == "imaps":
            await asyncio.to_thread(
                _upload, port, context, [b"Subject: 1\r\n\r\nx\r\n", b"Subject: 2\r\n\r\ny\r\n"]
            )
        read = await asyncio.to_thread(
            lambda: example("localhost", "ann@example.org", "secret", port=port, context=context)
        )
        assert [letter.splitlines()[0] for letter in read] == (
            [b"Subject: 1", b"Subject: 2"] if protocol == "imaps" else []
        )
    finally:
        await postel.stop()


def _upload(port: int, context: ssl.SSLContext, letters: list[bytes]) -> None:
    with imaplib.IMAP4_SSL("localhost", port, ssl_context=context) as session:
        session.login("ann@example.org", "secret")
        for letter in letters:
            session.append("INBOX", "", "", letter)


# Command lines.


def _command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every `postel …` in the shell examples, with its place."""
    for block in blocks("sh"):
        text = _HEREDOC.sub("", block.text).replace("\\\n", " ")
        for number, line in enumerate(text.splitlines()):
            for words in _simple_commands(line):
                if words and Path(words[0]).name == "postel":
                    yield f"{block}+{number}", words[1:]


def _simple_commands(line: str) -> Iterator[list[str]]:
    """Split a line at what joins commands; redirections end one, too."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set(";|&<>()"):
            yield words
            words = []
        else:
            words.append(word)


@pytest.mark.parametrize(("place", "words"), list(_command_lines()))
def test_a_command_line_is_understood(place: str, words: list[str]) -> None:
    command: click.Command = main
    context = click.Context(main, info_name="postel")
    values, rest, _ = main.make_parser(context).parse_args(words)
    while isinstance(command, click.Group):
        assert rest, f"{place}: which command?"
        below = command.get_command(context, rest[0])
        assert below is not None, f"{place}: there is no command {rest[0]}"
        command, context = below, click.Context(below, parent=context)
        values, rest, _ = command.make_parser(context).parse_args(rest[1:])
    assert not rest or command.allow_extra_args, f"{place}: {rest} is too much"
    for argument in command.params:
        if isinstance(argument, click.Argument) and argument.required:
            assert values.get(argument.name or "") is not None, f"{place}: {argument.name} is missing"


def test_examples_of_commands_are_found() -> None:
    assert len(list(_command_lines())) > 30


# Transcripts.


@pytest.mark.parametrize("player", SERVER_PLAYERS, ids=lambda player: player.name)
def test_the_transcripts_of_the_pages_play(player: Player) -> None:
    transcripts = [block for block in blocks("text") if block.text.startswith("title:")]
    assert transcripts
    for block in transcripts:
        player.play(parse_transcript(str(block), block.text), SmtpRole)
