"""The pages of SMTP, POP3 and replies, made of the tables that the machines work by.

Gives       smtp_page, pop3_page, replies_page, is_offered.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from generators.markdown import code, page, prose, table
from generators.source import class_node, comment_of, constants_of, modules, path_of
from generators.statuses import code_table, sequences_of, status_table
from postel.mail import Reply
from postel.proto import pop3, sasl, smtp
from postel.proto.pop3 import capabilities, texts
from postel.proto.pop3 import commands as pop3_commands
from postel.proto.pop3 import events as pop3_events
from postel.proto.smtp import client_options, client_table, commands, extensions, options, states


def smtp_page() -> str:
    """Commands, states, extensions, SASL mechanisms, and what the client expects."""
    return page(
        "What SMTP can say",
        "What the server machine takes and when, and what the client machine expects, as the program's own tables "
        "have it. [Replies](replies.md) lists every text that is answered, [limits](limits.md) every limit.",
        "## Commands of the server",
        "A command that the table does not allow in the present state is answered with 503 (or 554 to DATA "
        "without a recipient). *Before TLS* and *before login* say whether it may come while these are demanded "
        "and absent. What *ends a group* may only be the last of a pipelined group of commands (RFC 2920 3.1).",
        table(
            ("command", "states", "leads to", "before TLS", "before login", "ends a group", "clause"),
            [_command(row) for row in commands.COMMANDS],
        ),
        "## Answers to commands",
        "What the standards have for an answer to each (RFC 5321 4.3.2, and each extension's own). Any command may "
        "besides get 421, 500 or 501, and whatever else begins with 4 or 5 is a no too.",
        table(
            ("after", "which asks", "yes", "no", "clause"),
            [
                (code(verb), prose(row.means), *sequences_of(verb), f"RFC {row.rfc}")
                for verb, row in smtp.SEQUENCES.items()
            ],
        ),
        f"Known and not implemented, so 502: {_list(sorted(commands.NOT_IMPLEMENTED))}. Anything else is 500. "
        f"A session that begins with a word of another protocol is closed: "
        f"{_list(sorted(commands.FOREIGN_VERBS))}.",
        "## States and their patience",
        table(("state", "meaning", "seconds until 421"), _states()),
        "## Extensions offered",
        "What stands in the answer to EHLO, and what becomes of a message that used the extension when the next hop "
        "does not offer it.",
        table(
            ("keyword", "RFC", "offered", "parameters", "when the next hop lacks it"),
            [_extension(row) for row in extensions.EXTENSIONS if _when_offered(row)],
        ),
        "## SASL mechanisms",
        "The same for SMTP, IMAP and POP3, server and client, strongest first.",
        table(
            ("mechanism", "defined in", "needs TLS", "initial response"),
            [
                (code(m.name), m.rfc, _yes(m.needs_tls), _yes(m.takes_initial_response))
                for m in sasl.MECHANISMS
            ],
        ),
        "## Reply codes",
        "Every code that Postel sends, what it means, and the words that it is sent with; `...` stands for a fact.",
        code_table(),
        "## Enhanced status codes",
        "Every status that Postel sends or reports (RFC 2034, RFC 3463), as the registry of RFC 5248 has it. A status "
        "without a code goes with whatever the reply or the report says.",
        status_table(),
        "## What the client expects",
        "Replies that make sense, by their first digit, besides 4 and 5, which always do (RFC 5321 4.3.2), and how "
        "long the client waits for them.",
        table(("after", "first digit", "seconds"), _client_rows()),
    )


def _command(row: commands.Row) -> tuple[str, ...]:
    leads = "the same state" if row.then is None else row.then.value
    return (
        code(commands.SYNTAX[row.verb]),
        ", ".join(state.value for state in states.State if state in row.states),
        leads,
        _yes(row.before_tls),
        _yes(row.before_login),
        _yes(row.ends_group),
        f"RFC {row.rfc}",
    )


def _states() -> Iterator[tuple[str, str, str]]:
    """Each state with the comment beside it."""
    path = path_of(states)
    for node in class_node(states.State).body:
        comment = comment_of(path, node)
        name = getattr(node, "targets", [None])[0]
        if name is not None:
            state = states.State[name.id]
            yield state.value, prose(comment), f"{states.TIMEOUTS[state]:g}"


# As the application has it.
_WISHES: Final = smtp.WishOptions(
    deliver_by_least_s=60, hold_longest_s=86400, hold_until=86400.0, priority_profile="", no_soliciting=()
)


def is_offered(row: extensions.Extension) -> bool:
    """Whether any client is offered the extension."""
    return bool(_when_offered(row))


def _when_offered(row: extensions.Extension) -> str:
    """In words; "" for never."""
    service = smtp.ServerOptions(hostname="mx.example.org", has_tls=True, keeps_transactions=True)
    plain = options.Standing(service)
    inside = options.Standing(replace(service, mechanisms=("PLAIN",)), is_tls=True)
    is_in_plain, is_inside = row.offered(plain) is not None, row.offered(inside) is not None
    if is_in_plain and is_inside:
        return "always"
    if is_in_plain:
        return "until TLS is active"
    if is_inside:
        return "where a login is possible"
    wishing = options.Standing(replace(plain.options, wishes=_WISHES))
    if row.offered(wishing) is not None:
        return "on submission" if row.keyword == "FUTURERELEASE" else "always"
    if row.keyword == "BURL":
        return "on submission"
    trusted = replace(plain.options, commands=frozenset({row.keyword}))
    return "where it is switched on" if row.offered(options.Standing(trusted)) is not None else ""


def _extension(row: extensions.Extension) -> tuple[str, ...]:
    parameters = [f"MAIL {name}" for name in row.mail] + [f"RCPT {name}" for name in row.rcpt]
    return (
        code(row.keyword),
        row.rfc,
        _when_offered(row),
        ", ".join(map(code, parameters)),
        prose(row.next_hop_lacks_it),
    )


def _client_rows() -> Iterator[tuple[str, str, str]]:
    timeouts = client_options.ClientTimeouts()
    for said, row in client_table.ROWS.items():
        yield said.value, " or ".join(row.positive) or "none", f"{row.timeout(timeouts):g}"


def pop3_page() -> str:
    """Commands, capabilities, response codes, languages."""
    return page(
        "POP3",
        "What the server machine takes, as its own tables have it. The mechanisms of AUTH are those of "
        "[SMTP](smtp.md#sasl-mechanisms).",
        "## Commands",
        table(("command", "states", "arguments"), [_pop3_command(row) for row in pop3.COMMANDS.values()]),
        "## Capabilities",
        "What CAPA may announce (RFC 2449 5).",
        table(
            ("capability", "clause", "announced"),
            [(code(row.tag), row.clause, prose(_announced(row))) for row in capabilities.CAPABILITIES],
        ),
        "## Response codes",
        "Words in brackets after `-ERR`, for programs (RFC 2449 8).",
        table(("code", "meaning"), _codes()),
        "## Languages",
        f"LANG (RFC 6856 3) knows {_list(texts.LANGUAGES)}. What is said in English:",
        table(("text", "when"), [(code(text), name) for name, text in _english()]),
    )


def _pop3_command(row: pop3_commands.Row) -> tuple[str, str, str]:
    counted = str(row.least) if row.least == row.most else f"{row.least} to {row.most}"
    where = ", ".join(state.value for state in pop3_commands.State if state in row.states)
    return code(row.verb.value), where, counted


def _announced(row: capabilities.Capability) -> str:
    full = pop3.Pop3Options(
        hostname="pop.example.org",
        timestamp="<1@pop.example.org>",
        offers_stls=True,
        offers_plaintext=True,
        mechanisms=tuple(mechanism.name for mechanism in sasl.MECHANISMS),
        login_delay_s=60,
    )
    bare = pop3.Pop3Options(hostname="pop.example.org")
    states_ = list(pop3_commands.State)
    lines = {row.line(full, state) for state in states_}
    text = next(line for line in lines if line is not None)
    if None in lines:
        return f"`{text}` before the login"
    return f"`{text}`" if row.line(bare, states_[0]) is not None else f"`{text}` where it is possible"


def _codes() -> Iterator[tuple[str, str]]:
    path = path_of(pop3_events)
    for node in class_node(pop3_events.Code).body:
        name = getattr(node, "targets", [None])[0]
        if name is not None:
            yield code(pop3_events.Code[name.id].value), prose(comment_of(path, node))


def _english() -> Iterator[tuple[str, str]]:
    for name, text in texts.TEXTS["en"].items():
        yield name.name.lower().replace("_", " "), text


def replies_page() -> str:
    """Every reply that has a name, by room."""
    blocks = []
    for module in modules():
        found = list(constants_of(module, Reply))
        if found and not module.__name__.startswith("postel.testing"):
            summary = inspect.cleandoc(module.__doc__ or "").splitlines()[0]
            blocks += [f"## {code(module.__name__.removeprefix('postel.'))}", prose(summary)]
            rows = sorted(found, key=lambda constant: (constant.value.code, str(constant.value.status)))
            blocks.append(table(("code", "status", "text", "name", "clause"), map(_reply, rows)))
    return page(
        "Replies",
        "Every reply of ours that has a name: the code (RFC 5321 4.2), the enhanced status (RFC 3463) and the text "
        "that a peer reads. What the log reads beside it is another text, `because`. Replies with a fact in "
        "their text (a queue id, a size, a host name) are made where they are given, and hooks and routes give "
        "replies of their own.",
        *blocks,
    )


def _reply(constant: Any) -> tuple[str, str, str, str, str]:
    reply: Reply = constant.value
    status = str(reply.status) if reply.status else ""
    return str(reply.code), status, prose(reply.text), code(constant.name), constant.clause


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _list(names: Iterable[str]) -> str:
    return ", ".join(code(name) for name in names)
