"""`postel queue`: what waits to be delivered, and what an operator does about it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import click

from postel.app import Bench
from postel.cli import queue_words, words
from postel.cli.context import Settings, as_json, fail, pass_settings, show
from postel.cli.queue_partial import partial_command
from postel.cli.queue_pull import pull_command
from postel.cli.work import CannotDo, run
from postel.contents import ContentMissing
from postel.mail import BadSyntax, parse_domain, parse_reverse_path
from postel.queue import Queue, QueueCounts, QueueEntry, QueueFilter, QueueId

C = TypeVar("C", bound=Callable[..., Any])

_HELD_BACK: Final = "held or scheduled mail: postel queue release"
LIST_LIMIT: Final = 1000  # messages shown unless told otherwise: a queue may hold millions
_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a command is about: one filter for each id, or one in all."""

    filters: tuple[QueueFilter, ...]
    is_everything: bool

    def scheduled(self, now: float) -> Chosen:
        """Of these the mail whose release is yet to come."""
        return replace(self, filters=tuple(replace(one, scheduled_at=now) for one in self.filters))


@click.group("queue")
def queue_command() -> None:
    """The queue: mail that is accepted and not delivered yet.

    \b
    postel queue list
    postel queue list --domain example.net
    postel queue show 0f2m8w1k5x7ya
    postel queue retry --domain example.net
    postel queue hold 0f2m8w1k5x7ya
    postel queue remove --from spammer@example.com
    postel queue pull mail.example.net --etrn

    Choose by id, --domain (of the recipients), --from (the reverse path, "" for reports) or --all; what is
    given together must all match. It works beside a running server, which notices at once.
    """


queue_command.add_command(pull_command)
queue_command.add_command(partial_command)


def choosing(command: C) -> C:
    """Give a command the ways to say which mail it is about."""
    everything: Callable[[C], C] = click.option(
        "--all", "everything", is_flag=True, help="All that is queued."
    )
    reverse_path: Callable[[C], C] = click.option(
        "--from", "reverse_path", metavar="ADDRESS", help="With this reverse path."
    )
    domain: Callable[[C], C] = click.option(
        "--domain", metavar="DOMAIN", help="For recipients at this domain."
    )
    ids: Callable[[C], C] = click.argument("ids", metavar="[ID]...", nargs=-1)
    return ids(domain(reverse_path(everything(command))))


@queue_command.command("list")
@choosing
@click.option("--scheduled", is_flag=True, help="Only mail that waits for its release.")
@click.option(
    "--limit", type=click.IntRange(1), default=LIST_LIMIT, show_default=True, help="Messages shown."
)
@as_json
@pass_settings
def list_command(settings: Settings, /, scheduled: bool, limit: int, as_json: bool, **choice: Any) -> None:
    """Show what is queued, the oldest first. Exit status 1 when nothing matches what was asked for.

    \b
    postel queue list
    postel queue list --from ann@example.org --json
    postel queue list --scheduled
    """
    chosen = _chosen(**choice, or_everything=True)

    async def work(bench: Bench) -> tuple[Sequence[QueueEntry], float, QueueCounts]:
        wanted = chosen.scheduled(bench.edges.clock.now()) if scheduled else chosen
        found = [entry async for entry in _entries(bench.queue, wanted, limit + 1)]
        return found, bench.edges.clock.now(), await bench.queue.counts()

    found, now, counts = run(settings, work)
    if as_json:
        show([queue_words.facts(entry, now) for entry in found[:limit]], True)
    elif found:
        show([queue_words.row(entry, now) for entry in found[:limit]], False)
        click.echo("\n" + queue_words.summary(counts))
    if len(found) > limit:
        click.echo(f"postel: only the oldest {limit} are shown; --limit shows more", err=True)
    if not found:
        is_everything = chosen.is_everything and not scheduled
        _nothing(replace(chosen, is_everything=is_everything), as_json)


@queue_command.command("show")
@click.argument("queue_id", metavar="ID")
@click.option("--content", is_flag=True, help="Print the message itself, as it is stored.")
@as_json
@pass_settings
def show_command(settings: Settings, queue_id: str, content: bool, as_json: bool) -> None:
    """Tell everything about one message.

    \b
    postel queue show 0f2m8w1k5x7ya
    postel queue show 0f2m8w1k5x7ya --content | less
    """
    wanted = _id(queue_id)

    async def work(bench: Bench) -> tuple[QueueEntry | None, float]:
        entry = await bench.queue.show(wanted)
        if entry is not None and content:
            await _print_content(bench, entry)
        return entry, bench.edges.clock.now()

    entry, now = run(settings, work)
    if entry is None:
        fail(f"{queue_id} is not in the queue (any more); see: postel queue list")
    if content:
        return
    if as_json:
        show([queue_words.facts(entry, now)], True)
        return
    for line in queue_words.page(entry, now):
        click.echo(line)


@queue_command.command("retry")
@choosing
@pass_settings
def retry_command(settings: Settings, /, **choice: Any) -> None:
    """Try delivery now, dead destinations included.

    \b
    postel queue retry 0f2m8w1k5x7ya
    postel queue retry --domain example.net
    """
    _change(settings, choice, "{} tried again now", lambda queue: queue.retry, _HELD_BACK)


@queue_command.command("hold")
@choosing
@pass_settings
def hold_command(settings: Settings, /, **choice: Any) -> None:
    """Keep mail until it is released: it is not tried, not warned about, and does not expire."""
    _change(settings, choice, "{} held", lambda queue: queue.hold)


@queue_command.command("release")
@choosing
@click.option("--early", is_flag=True, help="Release scheduled mail, too, before its time.")
@pass_settings
def release_command(settings: Settings, /, early: bool, **choice: Any) -> None:
    """Let held mail go on, at once. Mail that was submitted to be released later still waits for its time, unless
    --early is said.

    \b
    postel queue release 0f2m8w1k5x7ya
    postel queue release --early 0f2m8w1k5x7ya
    """

    def releasing(queue: Queue) -> Callable[[QueueFilter], Awaitable[int]]:
        return lambda one: queue.release(one, early=early)

    otherwise = "" if early else "mail that waits for its time: postel queue release --early"
    _change(settings, choice, "{} released", releasing, otherwise)


@queue_command.command("remove")
@choosing
@click.option("--report", is_flag=True, help="Tell the originators that their mail was not delivered.")
@pass_settings
def remove_command(settings: Settings, /, report: bool, **choice: Any) -> None:
    """Take mail out of the queue, for good.

    \b
    postel queue remove 0f2m8w1k5x7ya --report
    postel queue remove --from spammer@example.com
    """

    def removing(queue: Queue) -> Callable[[QueueFilter], Awaitable[int]]:
        return lambda one: queue.remove(one, report=report)

    done = "{} removed, originators are told" if report else "{} removed"
    _change(settings, choice, done, removing)


@queue_command.command("flush")
@pass_settings
def flush_command(settings: Settings) -> None:
    """Try everything that waits, now."""
    number = run(settings, lambda bench: bench.queue.flush())
    click.echo(f"{words.count(number, 'recipient')} tried again now")


def _change(
    settings: Settings,
    choice: dict[str, Any],
    done: str,
    change: Callable[[Queue], Callable[[QueueFilter], Awaitable[int]]],
    otherwise: str = "",
) -> None:
    """Apply a change to what is chosen, and say how much that was."""
    chosen = _chosen(**choice, or_everything=False)

    async def work(bench: Bench) -> int:
        do = change(bench.queue)
        return sum([await do(one) for one in chosen.filters])

    number = run(settings, work)
    if not number:
        fail("nothing in the queue that matches can be changed so" + (f" ({otherwise})" if otherwise else ""))
    click.echo(done.format(words.count(number, "recipient")))


def _chosen(
    ids: tuple[str, ...],
    domain: str | None,
    reverse_path: str | None,
    everything: bool,
    *,
    or_everything: bool,
) -> Chosen:
    """What the arguments choose. Ends the command where they say nothing, or nonsense."""
    is_narrow = bool(ids) or domain is not None or reverse_path is not None
    if everything and is_narrow:
        raise click.UsageError("--all goes with nothing else")
    if not (is_narrow or everything or or_everything):
        raise click.UsageError("say which mail: an ID, --domain, --from or --all")
    try:
        at = None if domain is None else parse_domain(domain)
        path = None if reverse_path is None else parse_reverse_path(f"<{reverse_path.strip('<>')}>")
    except BadSyntax as complaint:
        raise click.UsageError(str(complaint)) from None
    wanted: tuple[QueueId | None, ...] = tuple(map(_id, dict.fromkeys(ids))) or (None,)
    filters = tuple(QueueFilter(queue_id=queue_id, domain=at, reverse_path=path) for queue_id in wanted)
    return Chosen(filters, is_everything=not is_narrow)


def _id(text: str) -> QueueId:
    try:
        return QueueId.parse(text)
    except BadSyntax as complaint:
        raise click.UsageError(f"{text!r} is no queue id: {complaint}") from None


async def _entries(queue: Queue, chosen: Chosen, limit: int) -> AsyncIterator[QueueEntry]:
    """What matches, page by page, up to so many."""
    left = limit
    for one in chosen.filters:
        after: QueueId | None = None
        while left and (page := await queue.list(one, limit=min(_PAGE, left), after=after)):
            after = page[-1].message.queue_id
            left -= len(page)
            for entry in page:
                yield entry


async def _print_content(bench: Bench, entry: QueueEntry) -> None:
    out = sys.stdout.buffer
    try:
        reader = await bench.rooms.contents.reader(entry.message.content_id)
        async for chunk in reader.chunks():
            out.write(chunk)
    except ContentMissing:
        raise CannotDo(f"{entry.message.queue_id} has just been delivered") from None


def _nothing(chosen: Chosen, as_json: bool) -> None:
    if chosen.is_everything:
        if not as_json:
            click.echo("The queue is empty.")
        return
    click.echo("postel: nothing in the queue matches", err=True)
    sys.exit(1)
