"""What speed and size still have to show on a GPU, row by row, in unattended commands that cannot waste its time.

    PYTHONPATH=src python benchmarks/gpu_rows.py --old OLD --vllm PACK --seconds 560 --out FILE    # and the next time:
    PYTHONPATH=src python benchmarks/gpu_rows.py --old OLD --vllm PACK --seconds 560 --out FILE --continue

Every row is a process (group) of its own with a time limit of its own; they run in the order of their value. A row is
begun only while what is left of ``--seconds`` holds the seconds it is expected to take; FILE and FILE's state (the same
name with ``.json``) are written anew after each; a row that fails or runs out of time leaves its last lines there, with
whatever it had measured, and the others go on. ``--continue`` keeps the rows of the state that ended well and runs the
rest. ``--rows`` takes names or kinds (steps, decode, long, 7b, trl, demo, scaling, gate); ``--list`` says the plan and
its seconds. OLD: a tree of the code to compare with (``git archive 1a75e78 | tar -x -C OLD``), the halves of a pair run
one after the other. PACK: a folder with vLLM (vllm_pack.py). ``--small`` tries every row on a CPU, at a tiny size. The
names ``fails`` and ``hangs`` are rows too, which do just that.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import gpu_rows_table as tables

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OLD_COMMIT = "1a75e78"
SPARE = 6.0
"""Seconds that a row leaves for the table and the end."""


@dataclass(frozen=True)
class Row:
    name: str
    kind: str
    what: str
    command: tuple[str, ...]
    """A script of this folder and its options; {out} is a folder of the row's own."""
    small: tuple[str, ...]
    """The same where there is no GPU."""
    expected: float
    """Seconds on one H200 with 16 cores, imports and compilation with them."""
    limit: float
    lines: Callable[[str], tables.Found] = tables.text_lines
    old: bool = False
    """Runs the package of ``--old``."""
    needs_old: bool = False
    """Is given ``--old`` and runs both."""
    gpus: int = 1
    vllm: bool = False
    """Has the pack's folder on its path."""


def step(size: str, prompts: int, tokens: int, **more: Any) -> tuple[str, ...]:
    return ("gpu_step.py", json.dumps({"size": size, "prompts": prompts, "samples": 16, "tokens": tokens, **more}))


def tiny(size: str = "0.5b", **more: Any) -> tuple[str, ...]:
    case = {"size": size, "prompts": 1, "samples": 2, "tokens": 4, "steps": 1, **more}
    return ("gpu_step.py", json.dumps(case), "--small")


def pair(
    name: str, what: str, size: str, prompts: int, tokens: int, expected: tuple[float, float], **more: Any
) -> list[Row]:
    """Steps of the new code, then of the old."""
    dtype = {"dtype": more["dtype"]} if "dtype" in more else {}
    return [
        Row(
            f"step-{name}-{'old' if old else 'new'}",
            "steps",
            f"whole steps, {what}, {'old' if old else 'new'} code",
            step(size, prompts, tokens, **more),
            tiny(size, **dtype),
            seconds,
            2.5 * seconds,
            tables.step_lines,
            old=old,
        )
        for old, seconds in zip((False, True), expected, strict=True)
    ]


TRL = ("trainer_gpu_trl.py",)
SPEED = "0.5B:128x512,0.5B:128x4096"
ROWS: list[Row] = [
    *pair("512", "0.5B, 128 x 512", "0.5b", 8, 512, (35, 40)),
    *pair("4096", "0.5B, 128 x 4,096", "0.5b", 8, 4096, (60, 95), steps=2),
    *pair("1.5b", "1.5B, 64 x 2,048", "1.5b", 4, 2048, (50, 65)),
    *pair("7b", "7B in full, bfloat16 weights, 32 x 512", "7b", 2, 512, (60, 60), dtype="bfloat16"),
    Row(
        "tune", "decode", "which cut of attention and redraw makes a token step of 0.5B shortest, at 512 and at 4,096",
        ("decode_tune.py", "--jobs", SPEED, "--what", "attention,draw", "--groups", "1,2"),
        ("decode_tune.py", "--small"), 130, 220, tables.tune_lines,
    ),
    Row(
        "long", "long", "whole steps of 0.5B with 64 completions of 2,048 to 16,384 tokens: time, memory, exponents",
        step("0.5b", 4, 0, lengths=[2048, 4096, 8192, 16384], steps=1), tiny(lengths=[8, 16]), 150, 260,
        tables.step_lines,
    ),
    Row(
        "lora-7b", "7b", "whole steps of 7B with LoRA, 32 x 512, 3,072 tokens a pass, layers checkpointed",
        step("7b", 2, 512, dtype="bfloat16", lora=True, micro=3072, steps=2),
        tiny("7b", dtype="bfloat16", lora=True, micro=64), 65, 130, tables.step_lines,
    ),
    Row(
        "trl-vllm", "trl", "TRL with vLLM colocated, 0.5B, 128 x 512", (*TRL, "vllm", "--steps", "2"),
        (*TRL, "vllm", "--small", "--steps", "1"), 230, 330, tables.trl_lines, vllm=True,
    ),
    Row(
        "token-step", "decode", "a token step at 512 and 4,096 tokens, old and new, and where its time goes",
        ("decode_speed.py", "--jobs", SPEED, "--what", "steps,profile", "--old", "{old}", "--out", "{out}/speed.txt"),
        ("decode_speed.py", "--small", "--what", "steps,profile", "--old", "{old}", "--out", "{out}/speed.txt"),
        75, 150, tables.decode_lines, needs_old=True,
    ),
    Row(
        "demo-dtype", "demo", "the demo with weights in float32 and in bfloat16, three seeds each, side by side",
        ("trainer_gpu.py", "--sections", "dtypes", "--demo-seconds", "190", "--out", "{out}/demo.txt"),
        ("trainer_gpu.py", "--sections", "dtypes", "--small", "--demo-seeds", "0", "--out", "{out}/demo.txt",
         "--demo", "warmup.steps=2", "grpo.steps=1", "evaluation.prompts=4", "grpo.prompts=2", "grpo.samples=2"),
        120, 210, tables.demo_lines,
    ),
    Row(
        "trl-batching", "trl", "TRL with transformers' continuous batching as it comes, 0.5B, 128 x 512",
        (*TRL, "batching", "--steps", "1"), (*TRL, "batching", "--small", "--steps", "1"), 110, 180, tables.trl_lines,
    ),
    Row(
        "drafts", "decode", "drafts of a module against plain decoding, both with products of our own",
        ("speculative_gpu.py", "--part", "drafts"), ("speculative_gpu.py", "--part", "drafts", "--small"), 110, 200,
    ),
    Row(
        "scaling", "scaling", "one GPU against two, DDP and FSDP2, 0.5B, the same tokens a GPU",
        ("trainer_scaling.py", "--gpus", "1,2", "--timeout", "150", "--tokens", "8832", "--out", "{out}/scaling.txt"),
        ("trainer_scaling.py", "--small", "--gpus", "1,2", "--steps", "1", "--curve-steps", "1", "--timeout", "250",
         "--out", "{out}/scaling.txt"),
        240, 420, gpus=2,
    ),
    Row(
        "gate", "gate", "benchmarks/gpu_gate.py: every row of it",
        ("gpu_gate.py", "--seconds", "400", "--out", "{out}/gate.txt"),
        ("gpu_gate.py", "--without-gpu", "--seconds", "60", "--out", "{out}/gate.txt"), 290, 410,
    ),
]  # fmt: skip
"""In the order of their value."""
TRIES = [
    Row("fails", "try", "a row that raises", (), ("gpu_step.py", "{}", "--small"), 5, 60, tables.step_lines),
    Row("hangs", "try", "a row that does not end", (), ("-c", "import time; print('begun'); time.sleep(600)"), 2, 3),
]  # fmt: skip


class Meter:
    """The most memory in use on any GPU, of all processes together, asked of the driver each second."""

    def __init__(self) -> None:
        self.most: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        while not self._stop.is_set():
            try:
                found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
                self.most = max(self.most or 0.0, *(float(x) * 2**20 / 1e9 for x in found.split()))
            except (OSError, ValueError, subprocess.SubprocessError):
                return
            self._stop.wait(1.0)

    def stop(self) -> float | None:
        self._stop.set()
        self._thread.join()
        return self.most


class Driver:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.begun = time.monotonic()
        self.header = header(options.small)
        self.state = options.out.with_suffix(".json")
        self.done: dict[str, dict[str, Any]] = {}
        if options.go_on and self.state.is_file():
            self.done = json.loads(self.state.read_text(encoding="utf-8"))

    def left(self) -> float:
        return float(self.options.seconds - (time.monotonic() - self.begun) - SPARE)

    def why_not(self, row: Row, gpus: int) -> str:
        if row.gpus > max(gpus, 1) and not self.options.small:
            return f"{gpus} GPU"
        if (row.old or row.needs_old) and self.options.old is None:
            return f"no --old ({OLD_COMMIT})"
        if self.left() < min(row.expected, row.limit):
            return f"{max(self.left(), 0):.0f} s left"
        return ""

    def run(self, rows: Sequence[Row], gpus: int) -> int:
        for row in rows:
            if self.done.get(row.name, {}).get("result") == "ok":
                continue
            reason = self.why_not(row, gpus)
            found = {"result": "skipped", "lines": [reason], "seconds": None} if reason else self.one(row)
            now = datetime.datetime.now(datetime.timezone.utc)
            at = f"{now:%Y-%m-%d %H:%M} UTC, commit {self.options.commit or commit()}"
            self.done[row.name] = {"name": row.name, "what": row.what, "expected": row.expected, "at": at, **found}
            took = "" if reason else f" in {found['seconds']:.0f} s (expected {row.expected:.0f})"
            print(f"{row.name}: {found['result']}{took}", *found["lines"][-tables.TAIL :], sep="\n  ", flush=True)
            self.write()
        left = [row.name for row in rows if self.done[row.name]["result"] != "ok"]
        print(f"not done: {','.join(left) or 'nothing'}; {self.left():.0f} s left; {self.options.out}", flush=True)
        return int(any(self.done[row.name]["result"] in ("FAILED", "TIME") for row in rows))

    def one(self, row: Row) -> dict[str, Any]:
        """The row in a process group of its own, which is ended as a whole."""
        out = self.folder / row.name
        out.mkdir()
        tree = self.options.old if row.old else ROOT
        names = {"out": str(out), "old": str(self.options.old)}
        script, *arguments = row.small if self.options.small else row.command
        fill = [part.replace("{out}", names["out"]).replace("{old}", names["old"]) for part in arguments]
        command = [sys.executable, *([script] if script == "-c" else [str(HERE / script)]), *fill]
        if script == "gpu_step.py":
            command += ["--tree", str(tree)]
        paths = [str(tree / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        if row.vllm and self.options.vllm is not None:
            paths.insert(0, str(self.options.vllm))
        if row.old:  # what the new tree's path would shadow
            paths = [path for path in paths if Path(path).resolve() != (ROOT / "src").resolve()]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
        limit, log = max(1.0, min(row.limit, self.left())), out / "log.txt"
        begun, meter = time.monotonic(), Meter()
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                code: int | None = process.wait(limit)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                end(process)
        seconds, device = time.monotonic() - begun, meter.stop()
        text = log.read_text(encoding="utf-8", errors="replace")
        self.keep(row, text)
        try:
            lines, values = row.lines(text)
        except (KeyError, ValueError, IndexError, TypeError, ArithmeticError) as error:
            lines, values = [f"its output could not be read: {type(error).__name__}: {error}"], {}
        result = "TIME" if code is None else "ok" if code == 0 and lines and not failed(lines) else "FAILED"
        if lines and lines[0].startswith("skipped"):
            result = "skipped"
        if result in ("TIME", "FAILED"):
            why = f"ended after its {limit:.0f} s" if code is None else f"exit {code}"
            lines = [*lines, f"{why}; the last lines of its log:", *tables.spoken(text)[-tables.TAIL :]]
        return {"result": result, "seconds": seconds, "device_gb": device, "lines": lines, "values": values}

    def keep(self, row: Row, text: str) -> None:
        """The whole log beside the table, where asked for."""
        if self.options.logs is not None:
            self.options.logs.mkdir(parents=True, exist_ok=True)
            (self.options.logs / f"{row.name}.log").write_text(text, encoding="utf-8")

    def write(self) -> None:
        order = [row.name for row in (*ROWS, *TRIES)]
        rows = sorted(self.done.values(), key=lambda row: order.index(row["name"]) if row["name"] in order else 99)
        self.options.out.parent.mkdir(parents=True, exist_ok=True)
        self.state.write_text(json.dumps(self.done, indent=1), encoding="utf-8")
        self.options.out.write_text(tables.table(self.header, rows), encoding="utf-8")


def failed(lines: Sequence[str]) -> bool:
    """Whether a script that ends with 0 says in its table that it failed."""
    return any("Traceback (most recent call last)" in line for line in lines)


def end(process: subprocess.Popen[bytes]) -> None:
    """Whatever of the row's group is left: workers of a sampler too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def commit() -> str:
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine() -> tuple[str, int]:
    """The GPUs by name, and how many; without a CUDA context of our own."""
    by_torch = "import torch; [print(torch.cuda.get_device_name(i)) for i in range(torch.cuda.device_count())]"
    asked = (["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], [sys.executable, "-c", by_torch])
    for command in asked:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        names = done.stdout.split("\n")[:-1]
        return (f"{len(names)} x {names[0]}" if names else f"no GPU, {platform.machine()}"), len(names)
    return f"no GPU, {platform.machine()}", 0


def header(small: bool) -> list[str]:
    found = []
    for name in ("torch", "triton", "transformers", "trl", "peft"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return [
        *["TINY SIZES, to try the script: no figure below says anything"] * small,
        f"machine   {machine()[0]}, {os.cpu_count()} cores",
        f"versions  Python {platform.python_version()}, {', '.join(found)}",
        f"old       commit {OLD_COMMIT}",
        "Models of Qwen2.5's sizes with random weights, prompts of 64 tokens, no early ends. Each row ran alone, in a",
        "process of its own. GPU GB: the most in use on one GPU by everybody, asked of the driver each second.",
    ]


def chosen(names: str) -> list[Row]:
    """Rows by name or kind, in the order of their value. Raises SystemExit for a name that nothing has."""
    known = {row.name for row in ROWS} | {row.kind for row in ROWS} | {row.name for row in TRIES}
    wanted = [name for name in names.split(",") if name]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"--rows: no row or kind {unknown[0]!r}; known: {', '.join(sorted(known))}")
    every = [row for row in ROWS if not wanted or row.name in wanted or row.kind in wanted]
    return [*every, *(row for row in TRIES if row.name in wanted)]


def plan(rows: Sequence[Row]) -> str:
    lines = [f"{row.name:18}{row.expected:6.0f} s (at most {row.limit:.0f})  {row.what}" for row in rows]
    return "\n".join([*lines, f"{'in all':18}{sum(row.expected for row in rows):6.0f} s"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="", help="names or kinds; all where left out")
    parser.add_argument("--seconds", type=float, default=560.0, help="for everything, the last table with it")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "gpu_rows.txt")
    parser.add_argument("--logs", type=Path, help="a folder for the whole logs")
    parser.add_argument("--old", type=Path, help=f"a tree of commit {OLD_COMMIT}")
    parser.add_argument("--vllm", type=Path, help="a folder with vLLM and what it needs (vllm_pack.py)")
    parser.add_argument("--commit", default="", help="where what runs is no git checkout")
    parser.add_argument("--continue", dest="go_on", action="store_true", help="keep the rows that ended well")
    parser.add_argument("--list", action="store_true", help="say the plan and end")
    parser.add_argument("--small", action="store_true", help="every row at a tiny size on the CPU")
    options = parser.parse_args()
    rows = chosen(options.rows)
    if options.list:
        print(plan(rows))
        return
    gpus = machine()[1]
    if not gpus and not options.small:
        print("these rows need a GPU; --small tries them without one")
        return
    if options.old is not None and not (options.old / "src" / "veritune").is_dir():
        sys.exit(f"--old: {options.old} holds no src/veritune; expected a tree of commit {OLD_COMMIT}")
    for name in ("old", "vllm", "out", "logs"):
        path = getattr(options, name)
        setattr(options, name, path if path is None else path.resolve())
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(Driver(options, Path(folder)).run(rows, gpus))


if __name__ == "__main__":
    main()
