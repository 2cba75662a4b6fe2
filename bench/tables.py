"""Results as a table: for a terminal, and in Markdown.

Gives       as_text, as_markdown.

Each quantity is shown as its median, with the least and the most of all runs where there were several, and how many
times as good as the rival (the best Postfix; Dovecot) of the same run it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.results import Quantity, Results


def as_text(results: Results) -> str:
    """Columns of equal width."""
    rows = [_heading(results), *_rows(results)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(_padded(row, widths)).rstrip() for row in rows]
    rule = "-" * max(map(len, lines))
    return "\n".join(
        [f"{results.title}    (goal: {results.goal})", rule, lines[0], rule, *lines[1:], *_below(results)]
    )


def as_markdown(results: Results) -> str:
    """A table of its own below a heading."""
    heading, *rows = [_heading(results), *_rows(results)]
    lines = [
        f"## {results.title}\n\nGoal: {results.goal}.\n",
        "| " + " | ".join(heading) + " |",
        "| " + " | ".join(["---", "---", *["---:"] * (len(heading) - 2)]) + " |",
        *["| " + " | ".join(row) + " |" for row in rows],
        *[f"\n{line}" for line in _below(results)],
    ]
    return "\n".join(lines) + "\n"


def _heading(results: Results) -> list[str]:
    return ["", "", *[word for one in results.quantities for word in _titles(results, one)]]


def _titles(results: Results, quantity: Quantity) -> list[str]:
    return (
        [quantity.title, f"times {results.rival.capitalize()}"]
        if _is_compared(results, quantity)
        else [quantity.title]
    )


def _is_compared(results: Results, quantity: Quantity) -> bool:
    return any(
        results.ratio(case, name, quantity) for case, names in results.samples.items() for name in names
    )


def _rows(results: Results) -> Iterator[list[str]]:
    for case, contenders in results.samples.items():
        for contender, samples in contenders.items():
            cells = [word for one in results.quantities for word in _cells(results, case, contender, one)]
            if any(samples.values()):
                yield [case, contender, *cells]


def _cells(results: Results, case: str, contender: str, quantity: Quantity) -> list[str]:
    values = results.samples[case][contender].get(quantity.key, [])
    median = results.median(case, contender, quantity.key)
    if median is None:
        return [""] * len(_titles(results, quantity))
    text = f"{median:,.{quantity.digits}f}"
    if len(values) > 1:
        text += f" ({min(values):,.{quantity.digits}f}-{max(values):,.{quantity.digits}f})"
    ratio = results.ratio(case, contender, quantity)
    return [text, *([f"{ratio:.1f}" if ratio else ""] if _is_compared(results, quantity) else [])]


def _padded(row: list[str], widths: list[int]) -> list[str]:
    pairs = list(zip(row, widths, strict=True))
    return [text.ljust(width) for text, width in pairs[:2]] + [text.rjust(width) for text, width in pairs[2:]]


def _below(results: Results) -> list[str]:
    return [f"note: {remark}" for remark in results.remarks]
