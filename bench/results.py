"""What was measured: samples by case, contender and quantity; medians, and ratios to Postfix.

Gives       Results, Quantity, and the quantities that most rows have.
Not here    How they are shown (bench.tables, bench.plots).
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from bench.contenders import MEASURED_AGAINST

DISTURBED: Final = (
    0.3  # of a processor, used by other programs: messages/s are too low, and not all by as much
)
SATURATED: Final = 0.9  # a load process that uses so much of a processor may be what is measured


@dataclass(frozen=True, slots=True)
class Quantity:
    """One column. better: whether more or less of it is, "" where there is no saying."""

    key: str
    title: str
    digits: int = 0
    better: Literal["more", "less", ""] = ""


RATE: Final = Quantity("rate", "messages/s", 0, "more")
CPU: Final = Quantity("cpu_us", "CPU µs each", 0, "less")
LOAD: Final = Quantity("load", "load", 2)  # the share of a processor that its busiest process used
OTHERS: Final = Quantity("others", "others", 2)  # processors that programs of other people used meanwhile

Samples = dict[str, list[float]]


@dataclass(slots=True)
class Results:
    """One row of the goals: `samples` by case, then contender, then quantity. `x` is where a case stands in a plot.

    rival   ratios are to the best of those whose names begin so.
    """

    name: str
    title: str
    goal: str
    quantities: Sequence[Quantity]
    samples: dict[str, dict[str, Samples]] = field(default_factory=dict)
    x: dict[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    rival: str = MEASURED_AGAINST

    def add(self, case: str, contender: str, figures: Mapping[str, float]) -> None:
        """One run's figures; the load's share above SATURATED is remarked."""
        samples = self.samples.setdefault(case, {}).setdefault(contender, {})
        for key, value in figures.items():
            samples.setdefault(key, []).append(value)
        if figures.get(LOAD.key, 0) >= SATURATED:
            self.remark(f"{case}, {contender}: the load was saturated; the server may be faster")
        if figures.get(OTHERS.key, 0) >= DISTURBED and os.sched_getscheduler(0) == os.SCHED_OTHER:
            self.remark("disturbed: other programs used the processors (`others`); see --first")

    def remark(self, text: str) -> None:
        """Say it once below the table."""
        if text not in self.remarks:
            self.remarks.append(text)

    def median(self, case: str, contender: str, key: str) -> float | None:
        """None where it was not measured."""
        values = self.samples.get(case, {}).get(contender, {}).get(key)
        return statistics.median(values) if values else None

    def ratio(self, case: str, contender: str, quantity: Quantity) -> float | None:
        """How many times as good as the best of the rival; None where there is nothing to compare, and for it."""
        mine = self.median(case, contender, quantity.key)
        rivals = [
            value
            for name in self.samples.get(case, {})
            if name.startswith(self.rival) and (value := self.median(case, name, quantity.key)) is not None
        ]
        if not (mine and rivals and quantity.better) or contender.startswith(self.rival):
            return None
        return mine / max(rivals) if quantity.better == "more" else min(rivals) / mine

    def as_json(self) -> dict[str, Any]:
        """All samples, for programs."""
        return {
            "row": self.name,
            "title": self.title,
            "goal": self.goal,
            "samples": self.samples,
            "remarks": self.remarks,
        }
