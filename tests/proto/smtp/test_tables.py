"""The tables agree with each other and with the standard."""

from __future__ import annotations

import re

import pytest

from postel.mail import Reply
from postel.mail import replies as shared
from postel.proto.smtp import COMMANDS, EXTENSIONS, TIMEOUTS, ServerOptions, SmtpLimits, State, Verb, replies
from postel.proto.smtp.arguments import _READERS
from postel.proto.smtp.commands import FOREIGN_VERBS, NOT_IMPLEMENTED, OPTIONAL, SYNTAX, clause_of
from postel.proto.smtp.extensions import offers_to
from postel.proto.smtp.options import Standing

CATALOGUE = {name: value for name, value in vars(replies).items() if isinstance(value, Reply)}
NO_STATUS = {
    "HELLO",
    "START_DATA",
    "EHLO_NEEDS_NAME",
    "TALKED_EARLY",
    "EACH_FOLLOWS",
}  # RFC 2034 4: not these


def test_every_verb_has_rows_a_reader_and_a_syntax() -> None:
    assert {row.verb for row in COMMANDS} == set(Verb) == set(_READERS) == set(SYNTAX)
    assert all(SYNTAX[verb].split()[0] == verb for verb in Verb)
    assert all(re.match(r"\d{3,4} \d|none", clause_of(verb)) for verb in Verb)


def test_no_state_has_two_rows_for_a_verb() -> None:
    pairs = [(row.verb, state) for row in COMMANDS for state in row.states]
    assert len(pairs) == len(set(pairs))


def test_no_command_is_known_in_two_ways() -> None:
    assert not set(Verb) & NOT_IMPLEMENTED
    assert not set(Verb) & FOREIGN_VERBS
    assert not NOT_IMPLEMENTED & FOREIGN_VERBS


def test_quit_noop_help_vrfy_expn_and_rset_are_allowed_at_any_time() -> None:
    # RFC 5321 4.1.4
    any_time = {State.GREETED, State.READY, State.IN_MAIL, State.HAS_RCPT}
    for verb in (Verb.QUIT, Verb.NOOP, Verb.HELP, Verb.VRFY, Verb.EXPN, Verb.RSET):
        assert any_time <= {state for row in COMMANDS if row.verb is verb for state in row.states}


def test_only_rset_rcpt_and_what_begins_a_transaction_may_stand_inside_a_group() -> None:
    # RFC 2920 3.1
    inside = {row.verb for row in COMMANDS if not row.ends_group}
    begins = {Verb.MAIL, Verb.SEND, Verb.SOML, Verb.SAML}
    assert inside - begins == {Verb.RSET, Verb.RCPT, Verb.BDAT, Verb.BURL, Verb.XCLIENT, Verb.XFORWARD}


def test_every_state_has_its_timeout_of_five_minutes_at_least() -> None:
    # RFC 5321 4.5.3.2.7
    assert set(TIMEOUTS) == set(State)
    commands = set(State) - {State.OVER, State.STARTING_TLS}
    assert all(TIMEOUTS[state] >= 300 for state in commands)


def test_every_extension_has_one_row() -> None:
    keywords = [row.keyword for row in EXTENSIONS]
    assert len(keywords) == len(set(keywords))
    assert all(row.rfc and row.next_hop_lacks_it for row in EXTENSIONS)


def test_every_optional_command_is_offered_where_it_is_switched_on_and_nowhere_else() -> None:
    for verb in OPTIONAL:
        assert verb not in offers_to(Standing(ServerOptions(hostname="mx.example.org"))).keywords
        options = ServerOptions(hostname="mx.example.org", commands=frozenset({str(verb)}))
        assert offers_to(Standing(options)).keywords[str(verb)] == ("imap" if verb is Verb.BURL else "")


def test_no_parameter_belongs_to_two_extensions() -> None:
    for parameters in ([*row.mail] for row in EXTENSIONS), ([*row.rcpt] for row in EXTENSIONS):
        names = [name for row in parameters for name in row]
        assert len(names) == len(set(names))


def test_what_is_withheld_is_neither_offered_nor_open() -> None:
    options = ServerOptions(hostname="mx.example.org", withheld=frozenset({"SIZE", "8BITMIME"}))
    offers = offers_to(Standing(options))
    assert not {"SIZE", "8BITMIME", "SMTPUTF8"} & set(offers.keywords)  # RFC 6531 3.1: never without 8BITMIME
    assert not {"SIZE", "BODY", "SMTPUTF8"} & set(offers.mail)


def test_all_that_can_be_offered_is_offered() -> None:
    options = ServerOptions(hostname="mx.example.org", has_tls=True, mechanisms=("PLAIN",))
    assert offers_to(Standing(options)).lines() == [
        "PIPELINING",
        "SIZE 50000000",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        "STARTTLS",
        "AUTH PLAIN",
        "DSN",
        "CHUNKING",
        "BINARYMIME",
        "PRDR",
        "LIMITS RCPTMAX=1000",
        "HELP",
    ]
    assert "STARTTLS" not in offers_to(Standing(options, is_tls=True)).keywords


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_reply_has_the_status_of_its_code(name: str) -> None:
    reply = CATALOGUE[name]
    assert (reply.status is None) == (name in NO_STATUS)
    assert reply.status is None or reply.status.klass == reply.code // 100
    assert len(reply.format()) <= 512 and reply.text.isascii()


def test_no_name_means_two_replies() -> None:
    both = set(CATALOGUE) & {name for name, value in vars(shared).items() if isinstance(value, Reply)}
    assert all(CATALOGUE[name] is getattr(shared, name) for name in both)


@pytest.mark.parametrize("limit", ["command_line", "message_size", "recipients", "text_line"])
def test_a_limit_below_the_standard_is_refused(limit: str) -> None:
    with pytest.raises(ValueError, match=limit):
        SmtpLimits(**{limit: 10})
