"""Ask the hooks of a phase, and bring what they say down to one decision.

Gives       Hooks, HookFiles, HookOptions.
Not here    Reading hook files: hooks.hook_file. Where their functions run: hooks.runner.
            Acting on a decision: the servers.

Postel's own policy is asked first, in the same way and at the same phases, then the files in the order
of the configuration. The first decisive verdict wins; amendments are collected until then. A hook that
raises, takes too long or answers nonsense makes the decision Defer: mail is late then, never lost, and the
reason with its traceback stands in the log and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from postel.hooks.hook_file import HookFile, HookFunction
from postel.hooks.phases import NO_OPINION, PHASES, Decision, Facts, Phase
from postel.hooks.runner import LoopRunner, NoAnswer, Runner
from postel.hooks.verdicts import Accept, AddHeader, ChangeRecipients, Decisive, Defer, what_is_wrong
from postel.mail.replies import POLICY_TROUBLE
from postel.observe import logger

log = logger("hooks")

_FunctionsByPhase = Mapping[Phase, tuple[HookFunction, ...]]
_AMENDMENTS_LIMIT: Final = 100  # header fields and envelope changes that one phase may collect


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOptions:
    """Limits of hooks.

    timeout_s   how long one function may take before its mail is deferred.
    told_limit  how many functions may be busy at once with phases that only tell (queued, delivered, failed);
                what comes beyond that is not told, and logged.
    """

    timeout_s: float = 10.0
    told_limit: int = 1000


class HookFiles:
    """The configured hook files as they were last read."""

    __slots__ = ("functions", "paths")

    def __init__(self, files: Iterable[HookFile] = ()) -> None:
        files = tuple(files)
        self.paths: tuple[Path, ...] = tuple(file.path for file in files)
        self.functions: _FunctionsByPhase = _by_phase(
            function for file in files for function in file.functions.values()
        )

    @classmethod
    def load(cls, paths: Sequence[Path]) -> HookFiles:
        """Read all files. Raises HookFileFault for the first that cannot be used."""
        return cls(HookFile.load(path) for path in paths)

    def reload(self, paths: Sequence[Path] | None = None) -> None:
        """Read the files anew (or other ones). Raises HookFileFault, and then the old ones stay in force."""
        fresh = HookFiles.load(self.paths if paths is None else paths)
        self.paths, self.functions = fresh.paths, fresh.functions


class Hooks:
    """All that is asked at each phase: Postel's own functions, then those of the hook files.

    built_in   Postel's own, run where they are asked.
    runner     runs the functions of the files. Several Hooks may share it, and the files.
    """

    def __init__(
        self,
        files: HookFiles | None = None,
        built_in: Iterable[HookFunction] = (),
        options: HookOptions | None = None,
        runner: Runner | None = None,
    ) -> None:
        self._files = files or HookFiles()
        self._own = _by_phase(built_in)
        self._options = options or HookOptions()
        self._runner = runner or LoopRunner()
        self._told: set[asyncio.Task[None]] = set()

    def wants(self, phase: Phase) -> bool:
        """Whether anybody would be asked at all, so that facts need not be put together for nobody."""
        return bool(self._own[phase] or self._files.functions[phase])

    async def ask(self, phase: Phase, facts: Facts) -> Decision:
        """The decision of all functions of a phase. Raises only what Postel's own functions raise."""
        gathered: _Gathered | None = None
        for function in self._functions(phase):
            if function.is_trusted:
                answer = await function.call(facts)
            elif function.is_plain:
                answer = _answer_at_once(function, facts)
            else:
                answer = await self._ask_foreign(function, facts)
            if answer is not None:
                gathered = gathered or _Gathered()
                if gathered.take(function, answer):
                    break
        return gathered.decision() if gathered else NO_OPINION

    def _functions(self, phase: Phase) -> tuple[HookFunction, ...]:
        own, others = self._own[phase], self._files.functions[phase]
        return own + others if others else own

    def tell(self, phase: Phase, facts: Facts) -> None:
        """Let the functions of a phase know, without waiting for them; what they return is not looked at."""
        for function in self._files.functions[phase]:
            if len(self._told) >= self._options.told_limit:
                log.trouble("hook_skipped", hook=function.source, because="too many are busy")
                continue
            task = asyncio.create_task(self._tell_one(function, facts))
            self._told.add(task)
            task.add_done_callback(self._told.discard)

    async def close(self) -> None:
        """Give functions that were told something their time to end."""
        if self._told:
            await asyncio.wait(self._told, timeout=self._options.timeout_s)

    async def _tell_one(self, function: HookFunction, facts: Facts) -> None:
        await self._ask_foreign(function, facts)

    async def _ask_foreign(self, function: HookFunction, facts: Facts) -> Any:
        """The answer of a function from a hook file, or Defer when it could not give one."""
        try:
            return await self._runner.run(partial(_guarded, function), facts, self._options.timeout_s)
        except NoAnswer as none:
            log.trouble("hook_failed", hook=function.source, because=str(none))
            return _trouble(function)


def _answer_at_once(function: HookFunction, facts: Facts) -> Any:
    """The answer of a function that cannot wait."""
    asked = _guarded(function, facts)
    try:
        asked.send(None)
    except StopIteration as answered:
        return answered.value
    asked.close()
    return _trouble(function)


async def _guarded(function: HookFunction, facts: Facts) -> Any:
    """Run a foreign function so that nothing it raises gets further than the log."""
    try:
        answer = await function.call(facts)
        wrong = _what_is_wrong(function, answer)
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:
        log.fault("hook_failed", error, hook=function.source, because="it raised")
        return _trouble(function)
    if wrong:
        log.trouble("hook_failed", hook=function.source, because=wrong)
        return _trouble(function)
    return answer


def _trouble(function: HookFunction) -> Defer:
    return Defer(POLICY_TROUBLE, because=f"hook {function.source} failed")


def _what_is_wrong(function: HookFunction, answer: Any) -> str:
    """Why an answer is no answer; "" when it is one."""
    if answer is None:
        return ""
    allowed = PHASES[function.phase].verdicts
    for verdict in answer if isinstance(answer, tuple) else (answer,):
        if type(verdict) not in allowed:
            return f"{function.phase} cannot answer {_shown(verdict)}"
        if wrong := what_is_wrong(verdict):
            return wrong
    return ""


def _shown(verdict: object) -> str:
    return f"{type(verdict).__name__}: {str(verdict)[:100]}"


class _Gathered:
    """The verdicts of one phase so far."""

    __slots__ = ("_added", "_changes", "_source", "_verdict")

    def __init__(self) -> None:
        self._verdict: Decisive | None = None
        self._added: list[AddHeader] = []
        self._changes: list[ChangeRecipients] = []
        self._source = ""

    def take(self, function: HookFunction, answer: Any) -> bool:
        """Note a function's answer; whether it was decisive."""
        for verdict in answer if isinstance(answer, tuple) else (answer,):
            if isinstance(verdict, AddHeader):
                self._added.append(verdict)
            elif isinstance(verdict, ChangeRecipients):
                self._changes.append(verdict)
            elif self._verdict is None:
                self._verdict, self._source = verdict, function.source
        if len(self._added) + len(self._changes) > _AMENDMENTS_LIMIT:
            log.trouble("hook_failed", hook=function.source, because="more than 100 amendments")
            self._verdict, self._source = _trouble(function), function.source
        return self._verdict is not None

    def decision(self) -> Decision:
        verdict = None if isinstance(self._verdict, Accept) else self._verdict
        return Decision(verdict, tuple(self._added), tuple(self._changes), self._source)


def _by_phase(functions: Iterable[HookFunction]) -> _FunctionsByPhase:
    """A table with a tuple for every phase, empty where nobody asks to be asked."""
    table: dict[Phase, list[HookFunction]] = {phase: [] for phase in Phase}
    for function in functions:
        table[function.phase].append(function)
    return {phase: tuple(listed) for phase, listed in table.items()}
