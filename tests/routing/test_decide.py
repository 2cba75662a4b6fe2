"""routing.decide: what becomes of one recipient."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_facts import accounts, ask, decided, our_domain, table

from postel.asks import answer_with
from postel.mail import Mailbox, parse_mailbox, replies
from postel.routing import (
    AliasLimits,
    Discard,
    Expand,
    Refuse,
    ToHop,
    ToMailbox,
    ToMx,
    decide,
    lane,
)

DRAG = our_domain(
    "drag.net",
    {
        "sales": ["frito", "kitt@free.org"],
        "office": "sales",
        "frito": ["frito", "copy@free.org"],
        "a": "b",
        "b": ["a"],
        "half": ["b", "kitt", "gone"],
        "lost": ["gone", "away"],
    },
)
NICE = our_domain("nice.org", {"*": "joe"})
TABLE = table(
    DRAG, NICE, relay=("free.org",), routes={"*": "smtp:smart.example.net:587", ".ex.org": "discard"}
)


def route(address: str) -> object:
    return decided(TABLE, address).route


def names(route: object) -> tuple[list[str], list[str]]:
    assert isinstance(route, Expand)
    return [one.account for one in route.mailboxes], [str(member) for member in route.members]


def test_an_account_gets_its_mail_whatever_the_case() -> None:
    assert route("KITT@Drag.NET") == ToMailbox("kitt@drag.net")


def test_a_detail_goes_to_the_account_without_it() -> None:
    assert route("Kitt+Lists+x@drag.net") == ToMailbox("kitt@drag.net", "Lists+x")
    assert isinstance(route("+x@drag.net"), Refuse)
    assert isinstance(route("nobody+x@drag.net"), Refuse)


def test_an_account_whose_name_has_the_separator_comes_before_the_detail() -> None:
    assert decided(TABLE, "a+b@nice.org", "a+b@nice.org").route == ToMailbox("a+b@nice.org")


def test_the_separator_is_configured() -> None:
    assert decided(table(DRAG, detail_separator="-"), "kitt-x@drag.net").route == ToMailbox(
        "kitt@drag.net", "x"
    )
    assert isinstance(decided(table(DRAG, detail_separator=""), "kitt+x@drag.net").route, Refuse)


def test_an_unknown_address_is_refused() -> None:
    found = route("nobody@drag.net")
    assert isinstance(found, Refuse)
    assert found.reply == replies.MAILBOX_UNKNOWN


def test_an_alias_expands_to_accounts_and_to_others() -> None:
    assert names(route("Sales@drag.net")) == (["frito@drag.net"], ["kitt@free.org", "copy@free.org"])


def test_an_alias_of_an_alias_expands_to_the_end() -> None:
    assert sorted(names(route("office@drag.net"))[1]) == ["copy@free.org", "kitt@free.org"]


def test_an_alias_that_names_itself_keeps_a_copy() -> None:
    assert names(route("frito@drag.net")) == (["frito@drag.net"], ["copy@free.org"])


def test_an_alias_that_names_itself_without_an_account_leads_to_the_others_only() -> None:
    assert names(decided(TABLE, "frito@drag.net", "kitt@drag.net").route) == ([], ["copy@free.org"])


def test_a_detail_reaches_an_alias_too() -> None:
    assert names(route("sales+x@drag.net")) == names(route("sales@drag.net"))


def test_an_alias_with_one_account_is_that_account() -> None:
    assert route("anything@nice.org") == ToMailbox("joe@nice.org")


def test_a_catch_all_comes_after_the_accounts() -> None:
    assert decided(TABLE, "ann@nice.org", "ann@nice.org").route == ToMailbox("ann@nice.org")


def test_a_catch_all_to_an_account_that_is_gone_does_not_go_round() -> None:
    found = decided(TABLE, "x@nice.org", "other@drag.net").route
    assert isinstance(found, Refuse)
    assert found.reply == replies.ALIAS_LOOP


def test_a_local_part_of_a_lone_star_is_not_the_catch_all() -> None:
    routing = table(our_domain("x.org", {"*": "joe"}))
    assert decided(routing, "*@x.org", "*@x.org").route == ToMailbox("*@x.org")


def test_aliases_in_a_circle_are_refused() -> None:
    found = route("a@drag.net")
    assert isinstance(found, Refuse)
    assert found.reply == replies.ALIAS_LOOP


def test_a_member_that_is_gone_becomes_a_recipient_so_that_its_failure_is_told() -> None:
    assert names(route("half@drag.net")) == (["kitt@drag.net"], ["gone@drag.net"])
    assert isinstance(route("gone@drag.net"), Refuse)


def test_an_alias_with_nobody_left_is_refused() -> None:
    found = route("lost@drag.net")
    assert isinstance(found, Refuse)
    assert found.reply == replies.MAILBOX_UNKNOWN


def test_everybody_is_named_once() -> None:
    routing = table(
        our_domain("x.org", {"all": ["p", "q", "p"], "p": ["Kitt@free.org"], "q": ["kitt@FREE.org"]})
    )
    assert len(names(decided(routing, "all@x.org").route)[1]) == 1


def test_an_alias_with_too_many_members_is_refused() -> None:
    crowd = our_domain("x.org", {"all": [f"m{n}@free.org" for n in range(6)]})
    small = table(crowd, limits=AliasLimits(members=5))
    found = decided(small, "all@x.org").route
    assert isinstance(found, Refuse)
    assert found.reply == replies.TOO_MANY_MEMBERS
    assert isinstance(decided(table(crowd, limits=AliasLimits(members=6)), "all@x.org").route, Expand)


def test_a_chain_of_too_many_aliases_is_refused() -> None:
    chain = our_domain("x.org", {f"m{n}": f"m{n + 1}" for n in range(50)})
    found = decided(table(chain, limits=AliasLimits(addresses=20)), "m0@x.org").route
    assert isinstance(found, Refuse)
    assert found.reply == replies.TOO_MANY_MEMBERS


@pytest.mark.parametrize("local", ["postmaster", "Postmaster", "POSTMASTER", "Abuse"])
def test_postmaster_and_abuse_reach_the_first_account(local: str) -> None:
    assert route(f"{local}@drag.net") == ToMailbox("frito@drag.net")


def test_they_reach_the_first_account_of_their_own_domain_before_others() -> None:
    plain = table(our_domain("drag.net"), our_domain("nice.org"))
    assert decided(plain, "abuse@nice.org").route == ToMailbox("joe@nice.org")


def test_they_reach_the_configured_postmaster() -> None:
    routing = table(DRAG, NICE, postmaster=parse_mailbox("kitt@drag.net"), postmaster_source="x:7")
    found = decided(routing, "abuse@nice.org")
    assert found.route == ToMailbox("kitt@drag.net")
    assert "x:7" in [step.source for step in found.trail]


def test_an_alias_and_an_account_of_that_name_come_first() -> None:
    boss = parse_mailbox("kitt@drag.net")
    routing = table(our_domain("x.org", {"abuse": "joe@nice.org"}), NICE, postmaster=boss)
    assert decided(routing, "abuse@x.org").route == ToMailbox("joe@nice.org")
    assert decided(routing, "postmaster@x.org", "postmaster@x.org").route == ToMailbox("postmaster@x.org")


@pytest.mark.parametrize("setting", ["postmaster@drag.net", "abuse@drag.net", "gone@drag.net", "a@drag.net"])
def test_a_postmaster_setting_that_leads_nowhere_does_not_lose_the_mail(setting: str) -> None:
    routing = table(DRAG, postmaster=parse_mailbox(setting))
    for local in ("postmaster", "abuse"):
        assert decided(routing, f"{local}@drag.net").route == ToMailbox("frito@drag.net")


def test_without_any_account_the_mail_waits() -> None:
    found = answer_with(
        decide(table(our_domain("x.org")), parse_mailbox("postmaster@x.org")), accounts()
    ).route
    assert isinstance(found, Refuse)
    assert found.reply.is_transient


@pytest.mark.parametrize("address", ["postmaster@mail.drag.net", "abuse@[192.0.2.1]"])
def test_the_server_itself_has_a_postmaster(address: str) -> None:
    assert isinstance(route(address), ToMailbox)


def test_a_domain_of_others_goes_to_the_smarthost_or_its_own_route() -> None:
    assert route("x@other.org") == ToHop("smtp", "smart.example.net", 587)
    assert route("x@a.ex.org") == Discard()
    assert route("x@[198.51.100.1]") == ToHop("smtp", "smart.example.net", 587)


def test_a_relay_domain_goes_to_its_own_mx_hosts_not_to_the_smarthost() -> None:
    found = route("kitt@free.org")
    assert isinstance(found, ToMx)
    assert found.domain.ascii == "free.org"


def test_a_relay_domain_may_have_a_route_of_its_own() -> None:
    routing = table(relay=(".free.org",), routes={"x.free.org": "lmtp:unix:/x"})
    assert decided(routing, "kitt@x.free.org").route == ToHop("lmtp", "/x", 0)
    assert isinstance(decided(routing, "kitt@y.free.org").route, ToMx)


def test_without_a_route_the_mx_hosts_are_asked() -> None:
    assert isinstance(decided(table(), "x@other.org").route, ToMx)
    assert isinstance(decided(table(routes={"*": "mailbox"}), "x@other.org").route, ToMx)


@pytest.mark.parametrize("local", ["kitt%free.org", "free.org!kitt", '"kitt@free.org"', "%", "!"])
def test_a_further_address_in_the_local_part_is_just_an_unknown_one(local: str) -> None:
    found = route(f"{local}@drag.net")
    assert isinstance(found, Refuse)
    assert found.reply == replies.MAILBOX_UNKNOWN


AWAY = table(
    our_domain("x.org", {"sales": ["joe@nice.org", "ann"], "self": ["self", "joe@nice.org"]}),
    NICE,
    routes={"x.org": "lmtp:unix:/x", "closed.org": "error:550 5.7.1 closed", "gone.org": "discard"},
)


def test_a_domain_of_ours_with_a_fixed_route_keeps_its_aliases() -> None:
    assert decided(AWAY, "anybody@x.org").route == ToHop("lmtp", "/x", 0)
    assert names(decided(AWAY, "sales@x.org").route) == (["joe@nice.org"], ["ann@x.org"])
    assert names(decided(AWAY, "sales+y@x.org").route) == (["joe@nice.org"], ["ann@x.org"])


def test_an_alias_that_names_itself_there_has_no_account_to_keep_a_copy_in() -> None:
    assert decided(AWAY, "self@x.org").route == ToMailbox("joe@nice.org")


def test_a_route_may_refuse_or_discard_a_domain_of_ours() -> None:
    routing = table(our_domain("closed.org"), our_domain("gone.org"), our_domain("y.org", {"a": "b@gone.org"}), routes={
        "closed.org": "error:550 5.7.1 closed", "gone.org": "discard",
    })  # fmt: skip
    found = decided(routing, "x@closed.org").route
    assert isinstance(found, Refuse)
    assert str(found.reply) == "550 5.7.1 closed"
    assert decided(routing, "x@gone.org").route == Discard()
    assert decided(routing, "a@y.org").route == Discard()


def test_every_step_is_told_with_its_place() -> None:
    trail = decided(TABLE, "office@drag.net").trail
    assert [step.source for step in trail if step.source] == [
        "domain drag.net", "alias office", "domain drag.net", "alias sales", "domain drag.net", "alias frito",
    ]  # fmt: skip
    assert str(trail[0]) == "drag.net is a domain of ours  (domain drag.net)"


locals_ = st.sampled_from("abcdef*")
graphs = st.dictionaries(
    locals_,
    st.lists(
        st.sampled_from(["a", "b", "c", "d", "e", "f", "a@y.org", "b@y.org", "z@away.org"]),
        min_size=1,
        max_size=4,
    ),
    max_size=7,
)


@settings(max_examples=40)
@given(graphs, graphs, st.sets(st.sampled_from(["a@x.org", "b@x.org", "c@y.org", "d@y.org"])))
def test_every_graph_of_aliases_ends_in_leaves(
    x: dict[str, list[str]], y: dict[str, list[str]], existing: set[str]
) -> None:
    routing = table(our_domain("x.org", x), our_domain("y.org", y))
    there = tuple(sorted(existing)) or ("somebody@else.org",)
    for local in "abcdefz":
        found = decided(routing, f"{local}@x.org", *there).route
        if not isinstance(found, Expand):
            assert isinstance(found, ToMailbox | Refuse)
            continue
        assert all(mailbox.account in there for mailbox in found.mailboxes)
        # Members are never aliases: as recipients of their own they expand no further.
        for member in found.members:
            assert not isinstance(decided(routing, str(member), *there).route, Expand)
        assert len({member.folded for member in found.members}) == len(found.members)


@settings(max_examples=60)
@given(graphs, locals_)
def test_the_lane_fits_the_route(x: dict[str, list[str]], local: str) -> None:
    for routes in ({}, {"x.org": "lmtp:unix:/x"}, {"x.org": "discard"}, {"x.org": "error:550 5.7.1 no"}):
        routing = table(our_domain("x.org", x), routes=routes)
        mailbox = Mailbox(parse_mailbox(f"{local}@x.org").local_part, parse_mailbox("a@x.org").domain)
        found = ask(decide(routing, mailbox)).route
        match found:
            case ToHop():
                assert lane(routing, mailbox) in ("hop:lmtp:unix:/x", "local")
            case Expand() | ToMailbox() | Refuse():
                assert lane(routing, mailbox) == "local"
