"""What an operator sees of interrupted transfers."""

from __future__ import annotations

from cli_kit import Site

from postel.app import Bench
from postel.checkpoints import CheckpointOptions, Checkpoints, Key, Said
from postel.mail import NO_PARAMETERS, Recipient, parse_forward_path, parse_reverse_path
from postel.proto.smtp import SmtpLimits


async def interrupt(bench: Bench) -> None:
    rooms = bench.rooms
    kept = Checkpoints(rooms.database, rooms.contents, bench.edges.clock, CheckpointOptions(spare_octets=0))
    claim = await kept.claim(Key("address 192.0.2.1", "mx.example.net", "<1@example.net>"), lambda: None)
    said = Said(parse_reverse_path("<ann@example.net>"), NO_PARAMETERS, is_tls=False)
    draft = await claim.begin(said, [Recipient(parse_forward_path("<bob@example.org>"))], 7, SmtpLimits())
    assert draft is not None
    await draft.write(b"Subject: x\r\n")
    assert await claim.suspend() == 12
    claim.release()
    await kept.close()


def test_interrupted_transfers_are_shown_and_forgotten(site: Site) -> None:
    site.queue("kitt@free.org")
    assert site.ok("queue", "partial") == "nothing was interrupted\n"
    site.on_bench(interrupt)
    (facts,) = site.json("queue", "partial")
    assert facts == {
        "number": 1,
        "state": "interrupted",
        "octets": 12,
        "client": "address 192.0.2.1",
        "transid": "<1@example.net>",
        "reverse_path": "<ann@example.net>",
        "recipients": 1,
    }
    assert "192.0.2.1" in site.ok("queue", "partial")
    assert "no number 9" in site.refused("queue", "partial", "--forget", "9")
    assert site.ok("queue", "partial", "--forget", "1") == "1 is forgotten\n"
    assert site.ok("queue", "partial") == "nothing was interrupted\n"
