"""Tells the hooks what became of mail: phases `delivered` and `failed`.

Gives       Telling.
"""

from __future__ import annotations

from collections.abc import Sequence

from postel.hooks import Delivered, Failed, HookFiles, HookOptions, Hooks, Phase, Runner
from postel.message import Action
from postel.queue import Change, Job, Settled


class Telling:
    """A queue listener."""

    def __init__(self, files: HookFiles, options: HookOptions, runner: Runner) -> None:
        self._runner = runner
        self.reload(files, options)

    def reload(self, files: HookFiles, options: HookOptions) -> None:
        """Tell these from now on."""
        self._hooks = Hooks(files, options=options, runner=self._runner)

    async def close(self) -> None:
        """Give functions that were told something their time to end."""
        await self._hooks.close()

    def settled(self, job: Job, changes: Sequence[Change]) -> None:
        """What became of the recipients of a job; called after it is durable."""
        hooks = self._hooks
        if not (hooks.wants(Phase.DELIVERED) or hooks.wants(Phase.FAILED)):
            return
        for change in changes:
            if isinstance(change, Settled):
                self._tell(hooks, job, change)

    @staticmethod
    def _tell(hooks: Hooks, job: Job, change: Settled) -> None:
        queue_id, mailbox = str(job.queue_id), change.recipient.mailbox
        if change.action in (Action.DELIVERED, Action.RELAYED):
            reply = change.reply if change.remote else None
            hooks.tell(Phase.DELIVERED, Delivered(queue_id, mailbox, change.remote, reply))
        elif change.action is Action.FAILED:
            hooks.tell(Phase.FAILED, Failed(queue_id, job.reverse_path, mailbox, change.remote, change.reply))
