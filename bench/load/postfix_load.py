"""Postfix's own smtp-source and smtp-sink, which ours are compared with.

Gives       run_smtp_source, SmtpSink, missing.
Not here    Latencies, and the number of refusals: smtp-source ends at the first.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from pathlib import Path

from bench.contenders.contender import free_port, wait_until_it_listens
from bench.load.source import Load, Sent


def missing() -> str:
    """What keeps them from being run here; "" when nothing does."""
    here = all(shutil.which(name, path="/usr/sbin") for name in ("smtp-source", "smtp-sink"))
    return "" if here else "no smtp-source: tools/install-bench-peers.sh"


def run_smtp_source(load: Load) -> Sent:
    """Send `load.messages`; it knows no end but their number. Raises RuntimeError when one was refused."""
    words = ["-s", load.sessions, "-m", load.messages, "-l", load.size_bytes]
    words += ["-d"] if load.is_reused else []
    words += ["-f", "kitt@free.example", "-t", "ann@example.org", f"127.0.0.1:{load.port}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began_s = time.perf_counter()
    done = subprocess.run(["/usr/sbin/smtp-source", *map(str, words)], capture_output=True, check=False)
    took_s = time.perf_counter() - began_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"smtp-source: {done.stderr.decode(errors='replace')}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Sent(load.messages, 0, took_s, 0.0, 0.0, cpu_s, cpu_s / took_s)


class SmtpSink:
    """smtp-sink, which throws away what it gets; a context manager."""

    def __enter__(self) -> SmtpSink:
        self.port = free_port()
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            ["/usr/sbin/smtp-sink", *user, f"127.0.0.1:{self.port}", "1024"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until_it_listens(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def cpu_s(self) -> float:
        """Seconds of processor time so far: proc_pid_schedstat(5)."""
        return int(Path(f"/proc/{self._process.pid}/schedstat").read_text().split()[0]) / 1e9
