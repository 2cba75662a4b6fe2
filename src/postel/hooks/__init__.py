"""Policy in Python: typed async functions, asked at each phase of a message's life. Floor 2.

What a hook file needs is imported from here:

    from postel.hooks import Rcpt, Verdict, refuse

    async def rcpt(facts: Rcpt) -> Verdict | None:
        if facts.mailbox.local_part.folded == "nobody":
            return refuse("550 5.1.1 Nobody lives here")
"""

from postel.hooks.facts import Auth, Client, Connect, Content, Delivered, Failed, Hello, Mail, Queued, Rcpt
from postel.hooks.hook_file import HookFile, HookFileFault, HookFunction
from postel.hooks.hooks import HookFiles, HookOptions, Hooks
from postel.hooks.phases import NO_OPINION, PHASES, Decision, Facts, Phase
from postel.hooks.runner import LoopRunner, NoAnswer, Runner
from postel.hooks.thread_runner import ThreadOptions, ThreadRunner
from postel.hooks.verdicts import (
    Accept,
    AddHeader,
    ChangeRecipients,
    Defer,
    Discard,
    Refuse,
    Verdict,
    accept,
    add_header,
    change_recipients,
    defer,
    discard,
    refuse,
)

__all__ = [
    "NO_OPINION",
    "PHASES",
    "Accept",
    "AddHeader",
    "Auth",
    "ChangeRecipients",
    "Client",
    "Connect",
    "Content",
    "Decision",
    "Defer",
    "Delivered",
    "Discard",
    "Facts",
    "Failed",
    "Hello",
    "HookFile",
    "HookFileFault",
    "HookFiles",
    "HookFunction",
    "HookOptions",
    "Hooks",
    "LoopRunner",
    "Mail",
    "NoAnswer",
    "Phase",
    "Queued",
    "Rcpt",
    "Refuse",
    "Runner",
    "ThreadOptions",
    "ThreadRunner",
    "Verdict",
    "accept",
    "add_header",
    "change_recipients",
    "defer",
    "discard",
    "refuse",
]
