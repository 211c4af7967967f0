"""What a short program costs: plain subprocess, bubblewrap and ours; and the attack corpus as a table.

    python benchmarks/sandbox.py [--programs N] [--workers W] [--corpus FOLDER] [--json FILE]

CPU is that of this process and everything below it, from /proc: steadier than clock time on a busy machine. (bwrap does
not wait for its program, whose CPU time is therefore nobody's: no figure.) Every run's output is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from veritune.sandbox import Job, Outcome, Program, SandboxUnavailable
from veritune.sandbox.conformance.corpus import descendants
from veritune.sandbox.local import host
from veritune.sandbox.local.backend import LocalSandbox

SOURCE = "print(sum(map(int, input().split())))"
STDIN, EXPECTED = b"40 2\n", b"42\n"
_TICKS = os.sysconf("SC_CLK_TCK")

Batch = Callable[[int], None]


@dataclass
class Row:
    method: str
    programs: int
    cpu_ms: float | None
    p50_ms: float
    p99_ms: float
    per_second: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--corpus", type=Path, help="folder of hostile programs with a manifest.jsonl")
    parser.add_argument("--json", type=Path, help="write the rows there")
    options = parser.parse_args()
    print(f"Linux {platform.release()}, Python {platform.python_version()}, {os.cpu_count()} CPUs, ")
    print(f"{options.workers} workers, load {os.getloadavg()[0]:.1f}\n")
    rows = measure_all(options.programs, options.workers)
    show(rows)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    if options.corpus is not None:
        for tier in ("namespaces", "confined"):
            show_attacks(options.corpus, tier)


def measure_all(programs: int, workers: int) -> list[Row]:
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    rows = [
        measure("python (subprocess)", plain([python, "-c", SOURCE]), programs // 8, workers),
        measure("python -I -S (subprocess)", plain([python, "-I", "-S", "-c", SOURCE]), programs // 4, workers),
    ]
    if shutil.which("bwrap") is not None:
        rows.append(measure("bubblewrap + python -I -S", plain(bubblewrap(python)), programs // 4, workers))
    for label, options in (
        ("veritune, namespaces + Landlock", {"tier": "namespaces"}),
        ("veritune, namespaces", {"tier": "namespaces", "landlock": False}),
        ("veritune, confined", {"tier": "confined"}),
    ):
        with LocalSandbox(workers=workers, packages=(), **options) as sandbox:  # type: ignore[arg-type]
            try:
                rows.append(measure(label, ours(sandbox), programs, workers))
            except SandboxUnavailable as error:
                print(f"{label}: {str(error).splitlines()[0]}")
    return rows


def plain(command: list[str]) -> Batch:
    """Run a command for every program, as a judge without a sandbox would."""

    def run(_: int) -> None:
        done = subprocess.run(command, input=STDIN, capture_output=True, check=True, timeout=60)
        assert done.stdout == EXPECTED, done

    return run


def bubblewrap(python: str) -> list[str]:
    """The usual command line: every namespace, system folders read-only, a fresh /tmp."""
    words = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--proc", "/proc"]
    for path in host.read_only_paths(host.own_interpreter(), (), ()):
        words += ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind", path, path]
    return [*words, "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/tmp", python, "-I", "-S", "-c", SOURCE]


def ours(sandbox: LocalSandbox) -> Batch:
    program = Program("python", SOURCE)
    sandbox.run_batch([Job(program, STDIN)] * (4 * sandbox.workers))

    def run(_: int) -> None:
        outcome = sandbox.run(program, STDIN)
        assert isinstance(outcome, Outcome)
        assert outcome.stdout == EXPECTED, outcome

    return run


def measure(method: str, run: Batch, programs: int, workers: int) -> Row:
    """CPU and latency one after the other, throughput with ``workers`` at a time."""
    for i in range(3):
        run(i)
    laps = []
    before = tree_cpu()
    for i in range(programs):
        started = time.perf_counter()
        run(i)
        laps.append((time.perf_counter() - started) * 1000)
    cpu = None if method.startswith("bubblewrap") else (tree_cpu() - before) * 1000 / programs
    laps.sort()
    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, range(programs)))
    rate = programs / (time.perf_counter() - started)
    return Row(method, programs, cpu, laps[len(laps) // 2], laps[int(len(laps) * 0.99)], rate)


def tree_cpu() -> float:
    """CPU seconds of this process and all below it, ended children among them."""
    total = 0
    for pid in (os.getpid(), *descendants()):
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / _TICKS


def show(rows: list[Row]) -> None:
    best = next((row for row in rows if row.method.startswith("veritune")), None)
    print("| method | CPU ms a program | p50 ms | p99 ms | programs/s | CPU, ours = 1 | rate, ours = 1 |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        cpu = "–" if row.cpu_ms is None else f"{row.cpu_ms:.2f}"
        dearer = "–" if row.cpu_ms is None or best is None or best.cpu_ms is None else f"{row.cpu_ms / best.cpu_ms:.1f}"
        faster = "–" if best is None else f"{row.per_second / best.per_second:.2f}"
        print(
            f"| {row.method} | {cpu} | {row.p50_ms:.1f} | {row.p99_ms:.1f} | {row.per_second:.0f} "
            f"| {dearer} | {faster} |"
        )


def show_attacks(folder: Path, tier: str) -> None:
    command = [sys.executable, "-m", "veritune.sandbox.conformance", "--corpus", str(folder), "--tier", tier]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    first, *attacks = map(json.loads, done.stdout.splitlines())
    print(f"\n**{tier}**: {json.dumps(first.get('report', first))}\n")
    print("| program | kind | ended by | did not hold |\n|---|---|---|---|")
    for row in attacks:
        print(f"| {row['attack']} | {row['category']} | {row['ended']} | {', '.join(row['broken']) or '–'} |")


if __name__ == "__main__":
    main()
