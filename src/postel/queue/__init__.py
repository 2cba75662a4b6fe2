"""The durable queue: what we have said 250 for, until it is delivered or reported. Floor 2."""

from postel.queue.at_once import AtOnce, Deposit
from postel.queue.crew import ALONE, Crew
from postel.queue.following import Following
from postel.queue.ids import QueueId, QueueIds
from postel.queue.intake import LaneOf
from postel.queue.job import DeliveryAgent, Job, Jobs, NewMessage, Origin, QueuedRecipient
from postel.queue.lane import LaneTrouble
from postel.queue.operator import QueueCounts, QueueEntry, QueueFilter
from postel.queue.options import QueueOptions, RetrySchedule
from postel.queue.outcome import (
    Delayed,
    Delivered,
    Discarded,
    Effect,
    Expanded,
    Failed,
    NotNow,
    Outcome,
    Relayed,
)
from postel.queue.queue import Queue
from postel.queue.read import QueuedMessage, RecipientState
from postel.queue.recorder import Listener
from postel.queue.schema import MIGRATIONS, State, Watch
from postel.queue.settle import Change, Grown, Postponed, Settled

__all__ = [
    "ALONE",
    "MIGRATIONS",
    "AtOnce",
    "Change",
    "Crew",
    "Delayed",
    "Delivered",
    "DeliveryAgent",
    "Deposit",
    "Discarded",
    "Effect",
    "Expanded",
    "Failed",
    "Following",
    "Grown",
    "Job",
    "Jobs",
    "LaneOf",
    "LaneTrouble",
    "Listener",
    "NewMessage",
    "NotNow",
    "Origin",
    "Outcome",
    "Postponed",
    "Queue",
    "QueueCounts",
    "QueueEntry",
    "QueueFilter",
    "QueueId",
    "QueueIds",
    "QueueOptions",
    "QueuedMessage",
    "QueuedRecipient",
    "RecipientState",
    "Relayed",
    "RetrySchedule",
    "Settled",
    "State",
    "Watch",
]
