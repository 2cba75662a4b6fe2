"""Every row of the goals runs, in a version that is as small as can be."""

import json
from pathlib import Path

import pytest
from bench.__main__ import main
from bench.options import Options
from bench.results import Results
from bench.rows import PLOTS, ROWS
from bench.rows.idle import idle
from bench.rows.idle_imap import KINDS, idle_imap
from bench.rows.large import large
from bench.rows.latency import latency
from bench.rows.queue_length import queue_length
from bench_peers import need

TINY = Options(
    peers=["postel"], rounds=1, seconds=0.1, sessions=(2,), held=20, large_mb=2, is_quick=True, new=(True,)
)
pytestmark = pytest.mark.slow


def only(results: Results, name: str = "postel") -> dict[str, float]:
    """The figures of the last case."""
    assert results.samples, results.remarks
    *_, samples = (contenders[name] for contenders in results.samples.values())
    return {key: values[0] for key, values in samples.items()}


def run(row: str, tmp_path: Path, *more: str) -> dict[str, dict[str, dict[str, list[float]]]]:
    tiny = ["--quick", "--peers", "postel", "--seconds", "0.1", "--sessions", "2", "--results", str(tmp_path)]
    assert main([row, *tiny, *more]) == 0
    (folder,) = tmp_path.iterdir()
    (told,) = json.loads((folder / "results.json").read_text())["rows"]
    return told["samples"]  # type: ignore[no-any-return]


def test_accepting_is_measured_and_written(tmp_path: Path) -> None:
    samples = run("accept", tmp_path, "--new")
    figures = samples["2 sessions, new"]["postel"]
    assert figures["rate"][0] > 0
    assert figures["cpu_us"][0] > 0
    assert figures["refused"] == [0]


def test_relaying_waits_for_the_sink(tmp_path: Path) -> None:
    assert run("relay", tmp_path)["2 sessions, reused"]["postel"]["rate"][0] > 0


def test_a_large_message_passes() -> None:
    assert only(large(TINY))["through_mb"] > 0


def test_idle_sessions_are_held_and_a_new_one_is_greeted() -> None:
    figures = only(idle(TINY))
    assert figures["held"] == 20
    assert 0 < figures["greet_ms"] <= figures["worst_ms"]


def test_idle_sessions_of_imap_are_held_of_each_kind() -> None:
    results = idle_imap(TINY)
    assert set(results.samples) == set(KINDS)
    for samples in results.samples.values():
        assert samples["postel"]["held"] == [20]


def test_one_message_alone_has_a_latency() -> None:
    figures = only(latency(TINY))
    assert 0 < figures["median_ms"] <= figures["p99_ms"]


def test_a_message_is_relayed_while_others_wait() -> None:
    assert only(queue_length(TINY))["rate"] > 0


def test_a_long_queue_is_filled_and_a_fresh_message_leaves(tmp_path: Path) -> None:
    samples = run("backlog", tmp_path, "--queued", "40", "--destinations", "3")
    assert samples["40 queued"]["postel"]["fresh_s"][0] < 60


@pytest.mark.peer
def test_postfix_is_measured_to_its_maildir(tmp_path: Path) -> None:
    need("postfix")
    samples = run("mailbox", tmp_path, "--peers", "postfix")["2 sessions, reused"]
    assert samples["postfix"]["rate"][0] > 0


def test_every_plot_is_of_a_row_that_there_is() -> None:
    assert set(PLOTS) <= set(ROWS)


def test_a_mailbox_is_read_over_imap(tmp_path: Path) -> None:
    samples = run("imap", tmp_path, "--letters", "20")
    assert samples["20: BODY[] of all"]["postel"]["again_ms"][0] > 0
    assert samples["20: EXPUNGE 40"]["postel"]["first_ms"][0] > 0
    assert samples["20: POP3: UIDL and RETR of all"]["postel"]["again_ms"][0] > 0
    assert samples["20: a letter comes, until EXISTS"]["postel"]["again_ms"][0] > 0


def test_what_another_session_waits_for_is_measured_beside_heavy_commands(tmp_path: Path) -> None:
    samples = run("imap-beside", tmp_path, "--letters", "40")
    for what in ("COPY of half", "EXPUNGE of half", "THREAD REFERENCES", "RENAME of a tree"):
        figures = samples[f"40: {what}"]["postel"]
        assert 0 < figures["noop_ms"][0] <= figures["worst_ms"][0]
        assert figures["took_ms"][0] > 0


def test_letters_are_delivered_by_lmtp(tmp_path: Path) -> None:
    samples = run("lmtp", tmp_path, "--letters", "20")
    figures = samples["10 sessions, 20 letters"]["postel"]
    assert figures["rate"][0] > 0
    assert figures["refused"] == [0]
