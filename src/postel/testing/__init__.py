"""A public kit for testing mail software: fake time, an internet in one process, a DNS zone as text.

Nothing of the running system imports this room.
"""

from postel.testing.clock import (
    EPOCH_AT,
    Deadlock,
    FakeClock,
    FakeClockLoop,
    InlineWorkers,
    LeftBehind,
    run_checked,
    simulate,
)
from postel.testing.dns_server import DnsServer
from postel.testing.machine import Machine
from postel.testing.mail_network import MailNetwork, Unsettled, a_message
from postel.testing.mail_server import Letter, Listing, MailServer, Waiting
from postel.testing.memory_stream import MemoryStream
from postel.testing.network import MemoryHost, MemoryListener, MemoryNetwork
from postel.testing.power import Ailment, Cut, PowerDisk
from postel.testing.script import Script, ScriptFault
from postel.testing.zone import Zone

__all__ = [
    "EPOCH_AT",
    "Ailment",
    "Cut",
    "Deadlock",
    "DnsServer",
    "FakeClock",
    "FakeClockLoop",
    "InlineWorkers",
    "LeftBehind",
    "Letter",
    "Listing",
    "Machine",
    "MailNetwork",
    "MailServer",
    "MemoryHost",
    "MemoryListener",
    "MemoryNetwork",
    "MemoryStream",
    "PowerDisk",
    "Script",
    "ScriptFault",
    "Unsettled",
    "Waiting",
    "Zone",
    "a_message",
    "run_checked",
    "simulate",
]
