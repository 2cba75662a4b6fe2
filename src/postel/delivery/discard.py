"""Throw away what a route says to throw away: the agent of the lane `discard`.

Gives       DiscardAgent.
"""

from __future__ import annotations

from postel.queue import Discarded, Jobs


class DiscardAgent:
    """A queue.DeliveryAgent."""

    async def deliver(self, jobs: Jobs) -> None:
        """Record that everything due was thrown away; the queue's log says so."""
        while (job := await jobs.next()) is not None:
            await jobs.done(job, {r.id: Discarded("the route is discard") for r in job.recipients})
