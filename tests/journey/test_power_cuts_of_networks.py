"""The power of two whole servers fails after any step of their disk: every promise is kept.

Used are servers as they are, from the SMTP session to the mailbox that POP3 reads: several recipients, partial
delivery, retries, reports, aliases, large contents in files, interrupted transfers (RFC 1845), deletion, expiry,
restarts.

Some hundreds of cuts in an ordinary run. More of them: POSTEL_NETWORK_CUTS=20000 pytest THIS; a failure names the seed.
"""

from __future__ import annotations

import asyncio
import os
import random
from typing import Final

import pytest
from power_kit import PATIENT, SEED, Letter, Scenario, Site, Talk, check, some_steps, tell

CUTS: Final = int(os.environ.get("POSTEL_NETWORK_CUTS", "60"))  # of each scenario
A: Final = '[[domain]]\nname = "a.example"\n'
B: Final = '[[domain]]\nname = "b.example"\naliases = { both = ["bob@b.example", "bea@b.example"] }\n'
KEEPS: Final = '[checkpoint]\nspare = "0"\nresume = "1"\n'
LARGE: Final = 150_000  # lies in a file


async def a_journey(site: Site) -> None:
    """Several recipients, some here, some there, one that is nobody, an alias; the next hop is away for a while."""
    await site.send("one", "al@a.example", "bob@b.example", "nobody@b.example")
    await site.send("large", "both@b.example", "al@a.example", size=LARGE)
    site.b.unplug()
    await site.send("late", "bea@b.example", "al@a.example")
    await asyncio.sleep(90)
    site.b.plug_in()
    await site.net.settle()
    await site.a.restart()
    await site.send("after the restart", "bob@b.example", "nobody@b.example", "bea@b.example")
    await site.net.settle()


async def a_mailbox(site: Site) -> None:
    """Letters come in while a reader takes others out; large ones, too."""
    for number in range(3):
        await site.send(f"first {number}", "al@a.example", size=LARGE if number == 1 else 200)
    await site.read_and_delete(site.a, "al@a.example")
    for number in range(3):
        await site.send(f"then {number}", "al@a.example", "ann@a.example", size=LARGE if number == 2 else 900)
        await site.read_and_delete(site.a, "al@a.example", at_most=1)
    await site.net.settle()
    await site.a.restart()
    await site.read_and_delete(site.a, "al@a.example")


async def an_interrupted_transfer(site: Site) -> None:
    """The line between the servers breaks again and again; the transfer goes on where it stopped."""
    for octets in (9_000, 40_000, 70_000):
        site.net.internet.cut("mx.b.example", received=octets)
    await site.send("broken", "bob@b.example", "bea@b.example", size=100_000)
    await site.net.settle()
    site.net.internet.cut("mx.b.example", sent=700)  # the reply to the content does not come through
    await site.send("unheard", "bob@b.example", size=3_000)
    await site.net.settle()


async def a_refused_transfer(site: Site) -> None:
    """Content that is refused, in a transaction that could have been resumed; then the same client does it well."""
    talk = await Talk.dial(site.b, 25)
    hello = await talk.say("EHLO client.example")
    while "\r\n250 " not in hello:
        hello += await talk.hear("\r\n")
    assert "CHECKPOINT" in hello
    for number, (line, reply) in enumerate((("a bare\nline", "5"), ("fine", "2"), ("a bare\rone", "5"))):
        await talk.say(f"MAIL FROM:<x@c.example> TRANSID=<{number}@client.example>")
        await talk.say("RCPT TO:<bob@b.example>")
        assert (await talk.say("DATA")).startswith("354")
        letter = site.begun[f"refused {number}"] = Letter.of(f"refused {number}")
        text = letter.octets.decode() + (f"{line}\r\n" if reply == "5" else "")
        assert (await talk.say(text + ".")).startswith(reply)
        if reply == "2":
            site.promised.append((site.power.steps, letter.subject, ("bob@b.example",)))
    await talk.say("QUIT")
    await site.net.settle()


async def an_end(site: Site) -> None:
    """What cannot be delivered is warned about, and given up."""
    site.b.unplug()
    await site.send("in vain", "bob@b.example", "al@a.example")
    await asyncio.sleep(400)
    await site.send("in vain, large", "bea@b.example", size=LARGE)
    await asyncio.sleep(900)
    site.b.plug_in()
    await site.send("at last", "bea@b.example")
    await site.net.settle()


async def a_long_log(site: Site) -> None:
    """More than a thousand pages: the log is moved into the database while letters come in."""
    for number in range(30):
        await site.send(f"letter {number}", "al@a.example", size=110_000)
        if number % 4 == 3:
            await site.read_and_delete(site.a, "al@a.example", at_most=3)
    await site.net.settle()


IMPATIENT: Final = '[queue]\nretry = ["30s"]\nwarn = "120s"\nexpire = "600s"\n'
SCENARIOS: Final = {
    "a journey": Scenario(a_journey, {"mx.a.example": A + PATIENT, "mx.b.example": B}),
    "a mailbox": Scenario(a_mailbox, {"mx.a.example": A + PATIENT}),
    "an interrupted transfer": Scenario(
        an_interrupted_transfer, {"mx.a.example": A + PATIENT + KEEPS, "mx.b.example": B + KEEPS}
    ),
    "a refused transfer": Scenario(a_refused_transfer, {"mx.b.example": B + KEEPS}),
    "an end": Scenario(an_end, {"mx.a.example": A + IMPATIENT, "mx.b.example": B}),
    "a long log": Scenario(a_long_log, {"mx.a.example": A + PATIENT}),
}


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", SCENARIOS)
def test_whenever_the_power_of_all_fails_every_promise_is_kept(name: str) -> None:
    story = tell(SCENARIOS[name])
    assert story.site.promised
    rng = random.Random(f"{SEED} {name}")
    for left in range(CUTS, 0, -story.site.power.steps):
        check(story, some_steps(story, left, rng), rng.getrandbits(32))


@pytest.mark.slow
def test_the_power_fails_while_the_log_is_moved_into_the_database() -> None:
    """SQLite's checkpoint: the only writes to the database file itself."""
    story = tell(SCENARIOS["a long log"])
    moving = story.steps_of_database()
    rng = random.Random(f"{SEED} moving")
    assert len(moving) > 100
    check(story, sorted(rng.sample(moving, 25)), rng.getrandbits(32))
