"""The numbering of a session, beside a client that obeys what it is told."""

from __future__ import annotations

from array import array
from bisect import insort
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from postel.proto.imap import MailboxView, Updates


@dataclass(frozen=True)
class Change:
    modseq: int
    uids: array[int]
    gone: tuple[int, ...] | None = ()
    changed: tuple[int, ...] = ()


def uids(*numbers: int) -> array[int]:
    return array("I", numbers)


def a_view(*numbers: int) -> MailboxView:
    return MailboxView(Change(1, uids(*numbers)))


def test_numbers_are_places_among_the_uids() -> None:
    view = a_view(3, 5, 9)
    assert (view.exists, view.last_uid) == (3, 9)
    assert [view.uid(seq) for seq in (0, 1, 2, 3, 4)] == [None, 3, 5, 9, None]
    assert [view.seq(uid) for uid in (3, 4, 9, 10)] == [1, None, 3, None]


def test_expunges_are_told_highest_first_and_before_all_else() -> None:
    view = a_view(3, 5, 9)
    view.advance(Change(2, uids(5, 10), gone=(3, 9), changed=(5, 10)))
    assert view.news == 4
    told = view.sync(may_expunge=True)
    assert told == Updates(((3, 9), (1, 3)), 2, uids(10), ((1, 5),))
    assert view.news == 0
    assert view.uids == uids(5, 10)


def test_a_withheld_expunge_keeps_its_number_while_new_mail_is_told() -> None:
    view = a_view(3, 5, 9)
    view.advance(Change(2, uids(5, 9, 10), gone=(3,), changed=(9,)))
    assert view.sync(may_expunge=False) == Updates((), 4, uids(10), ((3, 9),))
    assert view.uids == uids(3, 5, 9, 10)
    assert view.is_gone(3)
    assert view.has_news
    assert view.sync(may_expunge=True) == Updates(((1, 3),))
    assert view.uids == uids(5, 9, 10)
    assert not view.has_news


def test_what_came_and_went_between_two_looks_is_never_told() -> None:
    view = a_view(3)
    view.advance(Change(2, uids(3, 4, 5)))
    view.advance(Change(3, uids(3, 5), gone=(4,)))
    assert view.sync(may_expunge=True) == Updates((), 2, uids(5))
    assert view.sync(may_expunge=True) == Updates()


def test_an_emptied_mailbox_does_not_tell_old_mail_as_new() -> None:
    view = a_view(3, 4)
    view.advance(Change(2, uids(), gone=(3, 4)))
    assert view.sync(may_expunge=True).expunged == ((2, 4), (1, 3))
    view.advance(Change(3, uids(7)))
    assert view.sync(may_expunge=True) == Updates((), 1, uids(7))


def test_where_nobody_knows_what_went_the_view_compares() -> None:
    view = a_view(1, 2, 3, 4)
    view.advance(Change(9, uids(2, 4, 8), gone=None))
    assert view.sync(may_expunge=True) == Updates(((3, 3), (1, 1)), 3, uids(8))


def test_one_s_own_silent_store_is_not_echoed() -> None:
    view = a_view(1, 2)
    view.advance(Change(2, uids(1, 2), changed=(1, 2)))
    view.hush([1])
    assert view.sync(may_expunge=False).changed == ((2, 2),)


def test_many_changes_are_told_some_at_a_time_and_each_once() -> None:
    view = a_view(*range(1, 11))
    view.advance(Change(2, view.uids, changed=range(1, 11)))
    assert view.sync(may_expunge=True, most=4).changed == ((1, 1), (2, 2), (3, 3), (4, 4))
    view.hush([6])
    view.advance(Change(3, view.uids, changed=(1,)))
    assert view.sync(may_expunge=True, most=4).changed == ((1, 1), (5, 5), (7, 7), (8, 8))
    assert view.has_changes
    assert view.sync(may_expunge=True, most=4).changed == ((9, 9), (10, 10))
    assert not view.has_news


def test_a_view_in_step_shares_the_array_of_the_snapshot() -> None:
    now = uids(1, 2, 3)
    view = MailboxView(Change(1, now))
    assert view.uids is now
    later = uids(1, 3, 4)
    view.advance(Change(2, later, gone=(2,)))
    view.sync(may_expunge=True)
    assert view.uids is later


def test_sets_become_spans_of_places() -> None:
    view = a_view(2, 4, 6, 8, 10)
    assert view.seq_spans([(2, 1), (2, 3), (9, 5), (7, 8)]) == [range(3), range(4, 5)]
    assert view.uid_spans([(4, 6), (9, 9), (100, 10)]) == [range(1, 3), range(4, 5)]
    assert view.uid_spans([(1, 4294967295)]) == [range(5)]
    assert view.seq_spans([]) == []
    assert view.pick([range(1, 3), range(4, 5)]) == uids(4, 6, 10)


def test_the_saved_result_forgets_what_the_client_knows_to_be_gone() -> None:
    view = a_view(1, 2, 3)
    view.save([3, 1])
    view.advance(Change(2, uids(1, 2), gone=(3,)))
    assert view.saved == uids(1, 3)
    view.sync(may_expunge=True)
    assert view.saved == uids(1)


@dataclass
class Client:
    """Believes what it is told, and knows nothing else (RFC 9051 7.5.1)."""

    numbers: list[int | None]
    flags: dict[int, int] = field(default_factory=dict)

    def hear(self, updates: Updates, view: MailboxView, versions: dict[int, int]) -> None:
        for seq, uid in updates.expunged:
            assert self.numbers.pop(seq - 1) in (uid, None)
        if updates.exists is not None:
            assert updates.exists > len(self.numbers)
            self.numbers += [None] * (updates.exists - len(self.numbers))
        for seq, uid in updates.changed:
            assert self.numbers[seq - 1] in (uid, None)
            self.flags[uid] = versions[uid]

    def ask_for_uids(self, view: MailboxView, versions: dict[int, int]) -> None:
        """FETCH 1:* (UID FLAGS), which is answered for all that is still there."""
        for place, uid in enumerate(view.uids):
            if self.numbers[place] is None and not view.is_gone(uid):
                self.flags[uid] = versions[uid]
            self.numbers[place] = uid


@dataclass
class Server:
    """The mailbox as it is, with what happened since a view was last advanced."""

    versions: dict[int, int]
    next_uid: int = 1
    modseq: int = 1
    gone: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)

    def change(self, *, compares: bool) -> Change:
        now, gone, changed = uids(*self.versions), tuple(self.gone), tuple(self.changed)
        self.gone, self.changed = [], []
        changed = tuple(uid for uid in changed if uid in self.versions)
        return Change(self.modseq, now, None if compares else gone, changed)

    def do(self, step: str, at: int) -> None:
        self.modseq += 1
        there: list[int] = []
        for uid in self.versions:
            insort(there, uid)
        if step == "arrive":
            self.versions[self.next_uid] = self.modseq
            self.changed.append(self.next_uid)
            self.next_uid += 1
        elif there and step == "expunge":
            uid = there[at % len(there)]
            del self.versions[uid]
            self.gone.append(uid)
        elif there and step == "flag":
            uid = there[at % len(there)]
            self.versions[uid] = self.modseq
            self.changed.append(uid)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["arrive", "expunge", "flag", "advance", "compare", "tell", "tell some", "tell all", "fetch"]
        ),
        st.integers(0, 20),
    ),
    max_size=60,
)


@given(st.integers(0, 8), STEPS)
def test_after_any_history_client_and_server_number_alike(
    at_first: int, steps: list[tuple[str, int]]
) -> None:
    server = Server({})
    for _ in range(at_first):
        server.do("arrive", 0)
    view = MailboxView(server.change(compares=True))
    client = Client([None] * view.exists)
    for step, at in [*steps, ("advance", 0), ("tell all", 0), ("fetch", 0)]:
        if step in ("advance", "compare"):
            view.advance(server.change(compares=step == "compare"))
        elif step in ("tell", "tell all"):
            client.hear(view.sync(may_expunge=step == "tell all"), view, {**server.versions, **_dead(view)})
        elif step == "tell some":
            told = view.sync(may_expunge=bool(at % 2), most=1 + at % 3)
            client.hear(told, view, {**server.versions, **_dead(view)})
        elif step == "fetch":
            client.ask_for_uids(view, {**_dead(view), **server.versions})
        else:
            server.do(step, at)
        assert len(client.numbers) == view.exists
    assert client.numbers == sorted(server.versions)
    assert view.uids == uids(*server.versions)
    assert not view.has_news


def _dead(view: MailboxView) -> dict[int, int]:
    return dict.fromkeys(view.uids, 0)


@given(st.sets(st.integers(1, 30)), st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=6))
def test_spans_pick_what_a_set_would(there: set[int], ranges: list[tuple[int, int]]) -> None:
    view = a_view(*sorted(there))
    wanted = {n for pair in ranges for n in range(min(pair), max(pair) + 1)}
    assert list(view.pick(view.uid_spans(ranges))) == sorted(there & wanted)
    by_number = [uid for seq, uid in enumerate(sorted(there), 1) if seq in wanted]
    assert list(view.pick(view.seq_spans(ranges))) == by_number
