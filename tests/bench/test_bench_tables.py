"""What the measurements write: medians and ratios in a table, samples as JSON, a plot."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

from bench.contenders.postel import PostelContender
from bench.plots import Plot, as_svg
from bench.results import CPU, LOAD, RATE, Results
from bench.rows.variants import told_apart
from bench.tables import as_markdown, as_text
from bench.writing import write

PLOT = Plot("accept", "Accepted", "sessions", "messages/s", RATE.key)


def results() -> Results:
    one = Results("accept", "Accepting", "6 times", (RATE, CPU, LOAD))
    for sessions, ours in ((10, 3000.0), (50, 6000.0)):
        case = f"{sessions} sessions"
        one.x[case] = sessions
        for rate in (ours - 500, ours, ours + 9000):
            one.add(case, "postel", {"rate": rate, "cpu_us": 250, "load": 0.5})
        one.add(case, "postfix", {"rate": 500, "cpu_us": 2000, "load": 0.1})
        one.add(case, "postfix-tuned", {"rate": 1000, "cpu_us": 4000, "load": 0.1})
    return one


def test_a_ratio_is_to_the_best_postfix_and_says_how_many_times_as_good() -> None:
    one = results()
    assert one.ratio("50 sessions", "postel", RATE) == 6
    assert one.ratio("50 sessions", "postel", CPU) == 8
    assert one.ratio("50 sessions", "postfix", RATE) is None
    assert one.ratio("50 sessions", "nobody", RATE) is None


def test_a_table_shows_the_median_with_the_least_and_the_most() -> None:
    text = as_text(results())
    assert "6,000 (5,500-15,000)" in text
    assert "goal: 6 times" in text
    assert "| 50 sessions | postel | 6,000 (5,500-15,000) | 6.0 |" in as_markdown(results())


def test_a_column_of_ratios_needs_a_postfix() -> None:
    alone = Results("hook", "A hook", "none", (RATE,))
    alone.add("case", "postel", {"rate": 5})
    assert "times Postfix" not in as_text(alone)
    assert "times Postfix" in as_text(results())


def test_a_load_that_was_the_limit_is_remarked_once() -> None:
    one = results()
    for _ in range(2):
        one.add("10 sessions", "postel", {"rate": 1, "load": 0.97})
    assert as_text(one).count("the load was saturated") == 1


def test_a_plot_has_a_line_for_each_contender_and_is_well_formed() -> None:
    picture = as_svg(PLOT, results())
    root = ET.fromstring(picture)
    assert root.tag.endswith("svg")
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert {"postel", "postfix", "postfix-tuned", "10", "50", "Accepted"} <= set(texts)


def test_two_settings_of_postel_are_told_apart_in_words() -> None:
    one = Results("workers", "Workers", "1.6 times", (RATE, CPU))
    pair = [PostelContender("1 worker"), PostelContender("2 workers", workers=2)]
    one.add("relay", "1 worker", {"rate": 1000, "cpu_us": 200})
    one.add("relay", "2 workers", {"rate": 1700, "cpu_us": 220})
    (line,) = told_apart(one, pair).remarks
    assert (
        line == "relay: 2 workers does 1.70 times the messages/s of 1 worker, at 1.10 times its CPU for each"
    )


def test_a_plot_of_nothing_is_none() -> None:
    assert as_svg(PLOT, Results("accept", "", "", ())) == ""


def test_everything_is_written_into_a_folder(tmp_path: Path) -> None:
    write(tmp_path, [results()], "python -m bench accept")
    told = json.loads((tmp_path / "results.json").read_text())
    assert told["rows"][0]["samples"]["10 sessions"]["postfix"]["rate"] == [500]
    assert "python -m bench accept" in (tmp_path / "table.txt").read_text()
    assert (tmp_path / "table.md").read_text().startswith("# Measured")
    assert (tmp_path / "accept-reused.svg").exists() is False  # no case of that name
