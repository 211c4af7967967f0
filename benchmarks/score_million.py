"""A million rows through ``veritune score``: memory stays flat, and killed five times it comes to the same file.

    python -m benchmarks score_million --rows 1000000

Short completions of five shapes with golds, right and wrong, are scored with ``accuracy`` and ``format``: once in one
go with its memory watched, and once killed (``kill -9``) at five random rows and given again. The two files must be the
same byte for byte, the two summaries too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT]

MIB = 1 << 20
FLAT_MIB = 50


def write_rows(path: Path, count: int, seed: int) -> None:
    """JSONL with a prompt, a completion and a gold; a fifth of the answers is wrong."""
    chance = random.Random(seed)
    shapes = (
        "The answer is {}.",
        "So we get \\boxed{{{}}}.",
        "<think>\nadd them\n</think>\n<answer>\n{}\n</answer>",
        "{}",
        "We add both.\n\n#### {}",
    )
    with path.open("w", encoding="utf-8") as stream:
        for i in range(count):
            a, b = chance.randrange(10_000), chance.randrange(1, 100)
            gold = f"{a}" if i % 3 else f"\\frac{{{a}}}{{{b}}}"
            answer = gold if chance.random() < 0.8 else f"{a + 1}"
            row = {"prompt": f"{i // 4}: {a} of {b}?", "completion": shapes[i % 5].format(answer), "gold": gold}
            stream.write(json.dumps(row) + "\n")


def resident_mib(pid: int) -> tuple[float, float]:
    """Of the process, and of it with all its children."""
    own, total = 0.0, 0.0
    for process in [pid, *_children(pid)]:
        try:
            fields = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()
        except OSError:
            continue
        size = int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / MIB
        total += size
        own = size if process == pid else own
    return own, total


def _children(pid: int) -> list[int]:
    found, ahead = [], [pid]
    while ahead:
        parent = ahead.pop()
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
            children = [int(c) for task in tasks for c in (task / "children").read_text(encoding="ascii").split()]
        except OSError:
            continue
        found += children
        ahead += children
    return found


def command(rows: Path, out: Path) -> list[str]:
    script = "from veritune.cli import main; main()"
    rewards = ["-r", "accuracy", "-r", "format", "--json", "-q", "-o", str(out)]
    return [sys.executable, "-c", script, "score", str(rows), *rewards]


def watched(arguments: list[str], done: Path) -> tuple[str, list[tuple[float, float, float]], float]:
    """Standard output, (seconds, MiB, MiB with children) and CPU seconds of a run that is left alone."""
    begun, before = time.monotonic(), os.times()
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    seen = []
    while process.poll() is None:
        seen.append((time.monotonic() - begun, *resident_mib(process.pid)))
        time.sleep(0.5)
    assert process.stdout is not None
    said, after = process.stdout.read(), os.times()
    if process.returncode or not done.exists():
        sys.exit(f"the run ended with {process.returncode}")
    return said, seen, after.children_user + after.children_system - before.children_user - before.children_system


def killed(arguments: list[str], out: Path, size: int, kills: int, seed: int) -> tuple[str, list[str]]:
    """Standard output of the last of ``kills`` + 1 runs, and where the others ended."""
    chance = random.Random(seed)
    places = sorted(chance.uniform(0.02, 0.98) for _ in range(kills))
    ends = []
    for place in places:
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and _written(out) < place * size:
            time.sleep(0.02)
        if process.poll() is not None:
            sys.exit("a run ended before it was killed")
        process.kill()
        process.wait()
        if out.exists():
            sys.exit("a part of the file stands under its name")
        ends.append(f"{_written(out) / size:.1%}")
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    return done.stdout, ends


def _written(out: Path) -> int:
    """Bytes of the unfinished file."""
    return max((p.stat().st_size for p in out.parent.glob(f".{out.name}.*.partial")), default=0)


def _hash(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(MIB):
            found.update(chunk)
    return found.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=17)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="score-million-") as place:
        folder = Path(place)
        rows, whole, out = folder / "rows.jsonl", folder / "whole.jsonl", folder / "out.jsonl"
        write_rows(rows, given.rows, given.seed)
        said, seen, cpu = watched(command(rows, whole), whole)
        last, ends = killed(command(rows, out), out, whole.stat().st_size, given.kills, given.seed)
        alike = _hash(whole) == _hash(out) and json.loads(said) == json.loads(last)
        left = [p.name for p in folder.iterdir() if p.name.startswith(".")]
        size = rows.stat().st_size / MIB
    settled = [s for s in seen if s[0] >= 0.1 * seen[-1][0]]
    spread = [max(s[i] for s in settled) - min(s[i] for s in settled) for i in (1, 2)]
    found = json.loads(said)
    print(f"python -m benchmarks score_million --rows {given.rows} --kills {given.kills} --seed {given.seed}")
    machine = f"{platform.system()} {platform.machine()}, CPython {platform.python_version()}"
    print(f"{date.today():%d %B %Y}; {machine}, one of 2 CPUs, shared with other jobs (load {os.getloadavg()[1]:.0f})")
    print(f"{found['rows']:,} rows, {size:.0f} MiB of JSONL; CPU {cpu:.0f} s, {1e6 * cpu / found['rows']:.0f} µs a row")
    for name, column in found["rewards"].items():
        figures = f"{column['mean']:.4f} ± {column['se']:.2g}, decided {column['decided']:,}, {column['causes']}"
        print(f"  {name:10} mean {figures}")
    print("resident memory, from a tenth of the run on:")
    for name, i in (("the process", 1), ("with its checking workers", 2)):
        values = [s[i] for s in settled]
        print(f"  {name:26} {min(values):.0f} to {max(values):.0f} MiB, at the end {values[-2]:.0f}")
    print(f"killed at {', '.join(ends)} of the output, gone on with each time")
    print(f"the same file, byte for byte, and the same summary: {alike}; left behind: {left or 'nothing'}")
    if not alike or left or spread[0] > 2 * FLAT_MIB:
        sys.exit(1)


if __name__ == "__main__":
    main()
