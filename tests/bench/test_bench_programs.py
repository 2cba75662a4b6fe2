"""The parts that run beside a measured server: the load, the sinks, the accounts."""

import subprocess
import sys
from pathlib import Path

import dns.message
import dns.rdatatype
import pytest
from bench.contenders import CONTENDERS
from bench.contenders.accounting import accounted, machine_busy_s
from bench.contenders.postfix_files import lay_out
from bench.load.name_server import ADDRESSES, answer
from bench.load.sink import Sink
from bench.load.source import Load, run_load
from bench_peers import need

SPIN = "import time\nwhile time.process_time() < 0.2: pass"


@pytest.mark.slow
def test_the_sink_counts_what_the_source_sends() -> None:
    with Sink(processes=2) as sink:
        sent = run_load(Load(sink.port, sessions=4, messages=40), processes=2)
        assert (sent.accepted, sent.refused, sink.count()) == (40, 0, 40)
        again = run_load(Load(sink.port, sessions=3, messages=10, is_reused=False))
        assert (again.accepted, again.refused, sink.count()) == (10, 0, 50)
        assert 0 < again.median_s <= again.p99_s <= again.took_s
        assert sink.cpu_s() > 0


@pytest.mark.slow
def test_a_load_ends_with_its_time_and_what_is_refused_is_counted() -> None:
    with Sink() as sink:
        assert (
            run_load(Load(sink.port, sessions=2, messages=10**9, seconds=0.1, is_pipelined=True)).accepted > 0
        )
    assert run_load(Load(sink.port, sessions=2, messages=5)).refused == 5  # nobody is there any more


@pytest.mark.slow
def test_an_account_is_charged_for_a_child() -> None:
    with accounted() as account:
        before, whole_s = account.cpu(), machine_busy_s()
        command = [sys.executable, "-c", f"import sys\n{SPIN}\nprint(flush=True)\nsys.stdin.read()"]
        child = subprocess.Popen(
            account.joined(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        account.watch(child.pid)
        assert child.stdout is not None
        child.stdout.readline()
        assert (account.cpu() - before).total_s >= 0.15
        assert machine_busy_s() > whole_s
        assert account.memory() > 1_000_000
        child.communicate()


@pytest.mark.parametrize("kind", ADDRESSES)
def test_the_name_server_knows_a_host_of_each_kind(kind: str) -> None:
    def ask(name: str, wanted: str) -> dns.message.Message:
        reply = answer(dns.message.make_query(name, wanted).to_wire())
        assert reply is not None
        return dns.message.from_wire(reply)

    (found,) = ask(f"d17.{kind}.", "A").answer
    assert found[0].address == ADDRESSES[kind]
    assert ask(f"d17.{kind}.", "MX").answer == []
    assert ask("elsewhere.", "A").answer == []
    assert answer(b"no question") is None


def test_every_contender_says_what_it_can_and_what_keeps_it_away() -> None:
    for name, one in CONTENDERS.items():
        assert one.name == name
        assert one.purposes
        assert one.most_sessions >= 90
        assert isinstance(one.missing(), str)


@pytest.mark.peer
def test_a_setting_of_postfix_is_there_once_and_the_last_word_counts(tmp_path: Path) -> None:
    need("postfix")
    lay_out(
        tmp_path / "it",
        "mx.example.org",
        "127.0.0.1:2525",
        "inet_protocols = all\nrelay_domains = a.example\n",
    )
    lines = (tmp_path / "it/etc/main.cf").read_text().splitlines()
    assert [line for line in lines if line.startswith("inet_protocols")] == ["inet_protocols = all"]
    assert "127.0.0.1:2525 inet" in (tmp_path / "it/etc/master.cf").read_text()
