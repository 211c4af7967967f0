"""The recipe of R1 on a CPU for several seeds and instruction sets, against what it promises.

    PYTHONPATH=src python benchmarks/recipe.py [--seeds 0 1 2] [--sets native avx2] [--jobs N] [--threads 1]
        [--work FOLDER] [--seconds S] [--out benchmarks/results/recipe.txt] [KEY=VALUE …]

Every run is a process of its own, as a user would start it: ``veritune train examples/r1.yaml seed=N``; ``--jobs`` of
them side by side (by default as many as there are cores, by ``--threads``). Ended by ``--seconds``, or by a signal, it
goes on where it was when called again with the same ``--work``. The instruction sets are chosen by environment
variables, and give different runs from the same seed. Prints and writes a table with machine, versions and date; ends
with status 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "examples" / "r1.yaml"
SETS: dict[str, dict[str, str]] = {
    "native": {},
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    },
    "sse": {
        "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    },
}  # fmt: skip
"""What each instruction set needs in the environment; ``native`` is the best that the machine has."""
COLUMNS = {
    "accuracy": "accuracy", "reward/language": "English", "thinks": "thinks", "length": "tokens",
    "reward/told": "told", "reward/polite": "polite",
}  # fmt: skip
CAPABILITY = "import torch; print(torch.backends.cpu.get_cpu_capability())"
LIMIT_S = 900.0
"""CPU seconds that the whole recipe may take: 15 minutes on two quiet cores, of which it uses one."""


@dataclass
class Run:
    """One seed with one instruction set, in a folder of its own."""

    seed: int
    instructions: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    status: int | None = None
    begun: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.instructions}, seed {self.seed}"

    @property
    def records(self) -> list[dict[str, Any]]:
        path = self.folder / "timeline.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []

    @property
    def spent(self) -> dict[str, float]:
        """CPU and clock seconds over all calls."""
        path = self.folder.with_suffix(".spent.json")
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"cpu": 0.0, "clock": 0.0}

    def start(self, threads: int, overrides: Sequence[str]) -> None:
        path = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, **SETS[self.instructions], "PYTHONPATH": path, "OMP_NUM_THREADS": str(threads)}
        command = [sys.executable, "-m", "veritune", "train", str(RECIPE), f"seed={self.seed}", f"threads={threads}"]
        command += [f"output={self.folder}", *overrides]
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.begun = time.monotonic()
        with self.folder.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def ended(self) -> bool:
        """Whether it is over; then its status and what it has spent are kept."""
        assert self.process is not None
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if not pid:
            return False
        self.status = os.waitstatus_to_exitcode(status)
        self.process.returncode = self.status
        before = self.spent
        spent = {
            "cpu": before["cpu"] + usage.ru_utime + usage.ru_stime,
            "clock": before["clock"] + time.monotonic() - self.begun,
        }
        self.folder.with_suffix(".spent.json").write_text(json.dumps(spent), encoding="utf-8")
        return True

    def after(self, stage: str, name: str = "accuracy") -> float:
        """A number of a stage's last evaluation; NaN where there is none."""
        found = next((r for r in self.records if r["name"] == stage and r["done"]), {})
        return float(found.get("after", {}).get(name, math.nan))


def run_all(runs: Sequence[Run], jobs: int, threads: int, seconds: float, overrides: Sequence[str]) -> None:
    """All of them, so many side by side, until they are done or time is over: then each saves its state and ends."""
    waiting, going, end = list(runs), list[Run](), time.monotonic() + seconds

    def asked(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, asked)
    try:
        while waiting or going:
            if time.monotonic() > end:
                break
            while waiting and len(going) < jobs:
                going.append(run := waiting.pop(0))
                run.start(threads, overrides)
            for run in [run for run in going if run.ended()]:
                going.remove(run)
                print(f"{run.name}: exit status {run.status}, {run.spent['cpu']:.0f} CPU seconds", flush=True)
            time.sleep(0.5)
    except KeyboardInterrupt:
        print("ended by a signal: what is done is kept", flush=True)
    finally:
        for run in going:
            assert run.process is not None
            run.process.terminate()
        while going:
            going = [run for run in going if not run.ended()]
            time.sleep(0.1)


def table(runs: Sequence[Run]) -> list[str]:
    """A block a number: the stages, a column a run."""
    lines: list[str] = []
    names = list(dict.fromkeys(record["name"] for run in runs for record in run.records))
    heads = [f"{run.instructions} {run.seed}" for run in runs]
    for column, title in COLUMNS.items():
        rows = [(name, [run.after(name, column) for run in runs]) for name in names]
        rows = [(name, values) for name, values in rows if not all(map(math.isnan, values))]
        if not rows:
            continue
        lines += [f"{title:18}" + "".join(f"{head:>10}" for head in heads)]
        for name, values in rows:
            lines.append(f"  {name:16}" + "".join(" " * 9 + "–" if v != v else f"{v:10.3f}" for v in values))
        lines.append("")
    seconds = [f"{run.spent[kind]:10.0f}" for kind in ("cpu", "clock") for run in runs]
    for kind, cells in (("CPU seconds", seconds[: len(runs)]), ("seconds", seconds[len(runs) :])):
        lines.append(f"{kind:18}" + "".join(cells))
    return lines


def promises(run: Run) -> Iterable[tuple[str, bool, str]]:
    """What the recipe is to show: words, whether it holds, numbers."""
    reasoning, sft = run.after("reasoning_rl"), run.after("sft")
    english = run.after("reasoning_rl", "reward/language")
    word, kl = run.after("student_sft"), run.after("student_kl")
    mixed, base = run.after("all_rl"), "sft"
    told = run.after(base, "reward/told"), run.after("all_rl", "reward/told")
    polite = run.after(base, "reward/polite"), run.after("all_rl", "reward/polite")
    yield "accuracy after reasoning RL at least 0.90", reasoning >= 0.90, f"{reasoning:.3f}"
    yield "not lower after selection and SFT", sft >= reasoning, f"{reasoning:.3f} → {sft:.3f}"
    yield "share in English at least 0.97", english >= 0.97, f"{english:.3f}"
    yield "student by KL at least as good as by SFT", kl >= word, f"{word:.3f}, {kl:.3f}"
    yield "accuracy after RL for all scenarios at least 0.90", mixed >= 0.90, f"{mixed:.3f}"
    yield "small talk: more told by it", told[1] > told[0], f"{told[0]:.3f} → {told[1]:.3f}"
    yield "small talk: more polite by it", polite[1] > polite[0], f"{polite[0]:.3f} → {polite[1]:.3f}"
    yield f"at most {LIMIT_S:.0f} CPU seconds", 0 < run.spent["cpu"] <= LIMIT_S, f"{run.spent['cpu']:.0f}"


def verdicts(runs: Sequence[Run]) -> tuple[list[str], bool]:
    """A line a promise; whether all are kept, by every run."""
    lines, kept = [], True
    for found in zip(*(promises(run) for run in runs), strict=True):
        held = all(holds for _, holds, _ in found)
        kept = kept and held
        numbers = "; ".join(("" if holds else "NOT ") + text for _, holds, text in found)
        lines.append(f"{'kept  ' if held else 'BROKEN'}  {found[0][0]}: {numbers}")
    cost = [run.after("any_language") - run.after("reasoning_rl") for run in runs]
    share = [run.after("any_language", "reward/language") for run in runs]
    if not all(map(math.isnan, cost)):
        lines.append(
            f"\nwhat the reward for the language costs: {mean(cost):+.3f} accuracy in the mean over runs ("
            + ", ".join(f"{c:+.3f}" for c in cost)
            + f"); without it {mean(share):.3f} of the thoughts are in English"
        )
    return lines, kept


def header(options: argparse.Namespace, capabilities: Mapping[str, str]) -> list[str]:
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    commit = f", commit {options.commit}" if options.commit else ""
    return [
        f"date      {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC{commit}",
        f"machine   {platform.machine()}, {cores} cores, load average {load:.1f} at the end; {options.jobs} runs",
        f"          side by side, {options.threads} thread(s) each",
        f"versions  Python {platform.python_version()}, {versions}",
        "kernels   " + "; ".join(f"{name}: {found}" for name, found in capabilities.items()),
        f"command   veritune train examples/r1.yaml seed=N {' '.join(options.overrides)}".rstrip(),
        "held out  1,024 prompts, one completion each at temperature 1; where a stage has both kinds, 0.15 to 0.3 of",
        "          them small talk. 95 % intervals of an accuracy: about ± 0.015 at 0.94, ± 0.03 at 0.5",
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="+", choices=list(SETS), help="by default native and the one below it")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("runs/recipe_seeds"))
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--commit", default="")
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_intermixed_args()
    best = capability("native")
    sets = options.sets or ["native", "avx2" if "AVX512" in best else "sse"]
    options.jobs = options.jobs or max(1, len(os.sched_getaffinity(0)) // options.threads)
    work = options.work.resolve()
    runs = [Run(seed, name, work / f"{name}-{seed}") for name in sets for seed in options.seeds]
    run_all(runs, options.jobs, options.threads, options.seconds, options.overrides)
    judged, kept = verdicts(runs)
    lines = [*header(options, {name: capability(name) for name in sets}), *table(runs), "", *judged]
    failed = [
        f"{run.name}: {'not done' if run.status is None else f'exit status {run.status}'}" for run in runs if run.status
    ]
    text = "\n".join([*lines, *failed]) + "\n"
    print(text)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
    raise SystemExit(0 if kept and not failed else 1)


def capability(name: str) -> str:
    """What torch's kernels use with that instruction set."""
    environment = {**os.environ, **SETS[name]}
    return subprocess.run(
        [sys.executable, "-c", CAPABILITY], env=environment, capture_output=True, text=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
