"""Faults planted one by one in a 60-step run through the command line: how each ends, and whether anything is lost.

    python -m benchmarks.trainer_faults [--only NAME …] [--jobs N] [--commit HASH] [--out FILE]

Each fault strikes at step 30 of a small run. Checked: the exit status that docs/training.md promises, at most one
screen of text (40 lines), a state of at least step 29 where the run ends early, and that ``resume=true`` then finishes
the run; where the run goes on, that it does 60 steps. Exit status 1 where a row fails.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import yaml

STEPS, AT = 60, 30
SCREEN = 40
REWARD = '''
import os, signal, sys, time, threading, warnings
from pathlib import Path
from veritune import reward

HERE = Path(__file__).parent
FAULT = (HERE / "fault").read_text() if (HERE / "fault").exists() else ""
CALLS = 0

def strike():
    """Once, in the call of step 30."""
    global CALLS
    CALLS += 1
    return CALLS == 31 and not (HERE / "done").exists() and bool((HERE / "done").write_text("1") or True)

@reward
def mine(completions, completion_ids):
    found = [float(sum(ids) % 2) for ids in completion_ids]
    if not strike():
        return found
    if FAULT == "raises": raise LookupError("a bug of mine")
    if FAULT == "exits": sys.exit(0)
    if FAULT == "interrupt": raise KeyboardInterrupt
    if FAULT == "base":
        class Strange(BaseException): pass
        raise Strange("strange")
    if FAULT == "nan": return [float("nan")] * len(found)
    if FAULT == "short": return found[:-1]
    if FAULT == "text": return ["good"] * len(found)
    if FAULT == "none": return [None] * len(found)
    if FAULT == "memory": raise MemoryError
    if FAULT == "recursion":
        def down(n): return down(n + 1)
        down(0)
    if FAULT == "hangs": time.sleep(1000)
    if FAULT == "chdir": os.chdir("/")
    if FAULT == "prints": print("x" * 79 + "\\n" * 1, end="")
    if FAULT == "warns": warnings.warn("strange", UserWarning)
    if FAULT == "stdout": sys.stdout.close()
    if FAULT == "threads": threading.Thread(target=lambda: 1 / 0, daemon=True).start()
    if FAULT == "changes": completions.clear(); completion_ids.clear()
    if FAULT == "removed":
        import shutil; shutil.rmtree(HERE / "run" / "completions", ignore_errors=True)
    if FAULT == "signal-reward": signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGKILL", "SIGQUIT"):
        if FAULT == name: os.kill(os.getpid(), getattr(signal, name))
    if FAULT == "twice":
        os.kill(os.getpid(), signal.SIGINT); os.kill(os.getpid(), signal.SIGINT)
    return found
'''
EPISODE = """
from pathlib import Path
HERE = Path(__file__).parent
CALLS = 0

def play(*, fault="", columns=None):
    global CALLS
    CALLS += 1
    number = CALLS
    yield
    if number == 30 * 8 and not (HERE / "done").exists():
        (HERE / "done").write_text("1")
        if fault == "raises": raise LookupError("a bug of mine")
        if fault == "exits": raise SystemExit(0)
"""
MODEL = {
    "model_type": "qwen3", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 128, "tie_word_embeddings": True,
}  # fmt: skip


@dataclass
class Fault:
    """``status``: promised exit status. ``ends``: whether it ends the run early. ``says``: words the text must hold."""

    name: str
    status: int
    ends: bool = True
    says: tuple[str, ...] = ()
    config: dict[str, object] = field(default_factory=dict)
    before: Callable[[Path], None] | None = None
    limit: int | None = None
    """Of file sizes (``ulimit -f``), in blocks of 1,024 bytes."""
    runs: bool = True
    """Whether there is a run at all (else it is refused before)."""
    saves: bool = True
    cut: bool = False
    """Its output goes to a reader that leaves."""


def _rows(folder: Path, spoil: Callable[[int, dict[str, object]], object]) -> None:
    lines = []
    for i in range(600):
        row: dict[str, object] = {"prompt": f"{i % 7}+{i % 5}+{i % 3}=", "gold": str(i % 7 + i % 5 + i % 3)}
        found = spoil(i, row)
        lines.append(found if isinstance(found, str) else json.dumps(found))
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _bad(kind: str) -> Callable[[Path], None]:
    def spoil(i: int, row: dict[str, object]) -> object:
        if i != 500:
            return row
        return {
            "number": {**row, "prompt": 7},
            "role": {**row, "prompt": [{"role": "usr", "content": "1+1="}]},
            "json": '{"prompt": "1+1=", ',
            "gold": {"prompt": row["prompt"]},
            "long": {**row, "prompt": "1+" * 200 + "1="},
        }[kind]

    return lambda folder: _rows(folder, spoil)


FILE = {"data": {"task": None, "train": "rows.jsonl"}, "model": {"tokenizer": "TOKENIZER"}}
FAULTS = [
    Fault("raises", 1, says=("mine.py", "a bug of mine", "failed_sample.json")),
    Fault("exits", 1, says=("mine.py", "SystemExit")),
    Fault("interrupt", 130),
    Fault("base", 1, says=("mine.py",)),
    Fault("nan", 1, says=("mine",)),
    Fault("short", 1, says=("mine",)),
    Fault("text", 1, says=("mine",)),
    Fault("memory", 1, says=("mine.py", "MemoryError")),
    Fault("recursion", 1, says=("mine.py",)),
    Fault("none", 0, ends=False),
    Fault("changes", 0, ends=False),
    Fault("chdir", 0, ends=False),
    Fault("warns", 0, ends=False),
    Fault("threads", 0, ends=False),
    Fault("removed", 0, ends=False),
    Fault("hangs", 1, says=("mine.py",), config={"scoring": {"timeout": 3}}),
    Fault("SIGTERM", 143, says=("resume=true",)),
    Fault("SIGINT", 130, says=("resume=true",)),
    Fault("SIGHUP", 129, says=("resume=true",)),
    Fault("SIGUSR1", 138, says=("resume=true",)),
    Fault("twice", 130, says=("state",)),
    Fault("SIGKILL", -signal.SIGKILL, config={"checkpoint": {"every": 29}}),
    Fault(
        "disk",
        1,
        says=("the disk takes no more", "no checkpoint"),
        config={"checkpoint": {"every": 5}},
        limit=180,
        saves=False,
    ),
    Fault("reader", 0, ends=False, cut=True),
    Fault("rate", 1, says=("lr",), config={"grpo": {"lr": 1e30, "clip_norm": None}}, saves=False),
    Fault("row-number", 2, runs=False, says=("row",), before=_bad("number"), config=FILE),
    Fault("row-role", 2, runs=False, says=("row", "usr"), before=_bad("role"), config=FILE),
    Fault("row-json", 2, runs=False, says=("501",), before=_bad("json"), config=FILE),
    Fault("row-gold", 0, ends=False, before=_bad("gold"), config=FILE),
    Fault("row-long", 2, runs=False, says=("row 501", "max_prompt_tokens"), before=_bad("long"), config=FILE),
    Fault("config", 2, runs=False, says=("stepz", "steps"), config={"grpo": {"stepz": 3}}),
    Fault("episode-raises", 1, says=("world.py", "a bug of mine"), config={"rollout": {"params": {"fault": "raises"}}}),
    Fault("episode-exits", 1, says=("world.py",), config={"rollout": {"params": {"fault": "exits"}}}),
]


def build(fault: Fault, folder: Path) -> Path:
    """The config of a run with this fault."""
    (folder / "mine.py").write_text(REWARD, encoding="utf-8")
    (folder / "world.py").write_text(EPISODE, encoding="utf-8")
    (folder / "fault").write_text(fault.name, encoding="utf-8")
    values: dict[str, dict[str, object]] = {
        "model": {"build": MODEL},
        "data": {"task": "arithmetic", "params": {"terms": 3}},
        "rewards": {"mine": {"use": "mine.py:mine"}},
        "grpo": {"steps": STEPS, "prompts": 2, "samples": 4, "lr": 1e-3},
        "sampling": {"max_tokens": 8},
        "evaluation": {"prompts": 2, "metric": "mine"},
        "checkpoint": {"every": 0},
        "scoring": {"overlap": False},
    }
    for section, changes in fault.config.items():
        assert isinstance(changes, dict)
        values[section] = {**values.get(section, {}), **changes}
    if fault.name.startswith("episode"):
        values["rollout"]["use"] = "world.py:play"
    if fault.config is FILE:
        values["model"]["tokenizer"] = str(_tokenizer(folder))
        values["data"] = {"train": "rows.jsonl"}
        values["evaluation"] = {"prompts": 2, "metric": "mine"}
    if fault.before is not None:
        fault.before(folder)
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump({"output": "run", "device": "cpu", **values}), encoding="utf-8")
    return path


def _tokenizer(folder: Path) -> Path:
    from veritune.trainer.data.tasks import get_task
    from veritune.trainer.policy.models import make_tokenizer

    target = folder / "tokenizer"
    make_tokenizer(get_task("arithmetic", {"terms": 3}).vocabulary()).save_pretrained(target)
    return target


def train(folder: Path, fault: Fault | None, *more: str) -> tuple[int, str]:
    """Exit status and everything said."""
    limit = f"ulimit -f {fault.limit}; " if fault is not None and fault.limit is not None else ""
    cut = " 2>&1 | head -n 1; exit ${PIPESTATUS[0]}" if fault is not None and fault.cut else ""
    command = f"{limit}{sys.executable} -m veritune train run.yaml {' '.join(more)}{cut}"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-c", command if cut else f"exec {command}" if not limit else command],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def steps_done(folder: Path) -> int:
    """Of the newest checkpoint."""
    found = sorted((folder / "run" / "checkpoints").glob("grpo-*"))
    return int(found[-1].name.rpartition("-")[2]) if found else -1


def check(fault: Fault) -> tuple[list[str], str]:
    """What is wrong (nothing, if all is as documented), and a line of what was seen."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(fault, folder)
        status, text = train(folder, fault)
        lines = [line for line in text.splitlines() if line.strip()]
        wrong = []
        wanted = fault.status if fault.status >= 0 or fault.limit is None else 128 - fault.status
        if status != wanted:
            wrong.append(f"exit status {status}, promised {wanted}")
        if len(lines) > SCREEN:
            wrong.append(f"{len(lines)} lines of text")
        wrong += [f"does not say {word!r}" for word in fault.says if word not in text]
        if "Traceback" in text and fault.name != "threads":
            wrong.append("a traceback")
        at = steps_done(folder)
        seen = f"status {status}, {len(lines)} lines, state of step {at if at >= 0 else '–'}"
        if not fault.runs:
            if (folder / "run").exists():
                wrong.append("a folder though nothing ran")
        elif fault.ends:
            if fault.saves and at < AT - 1:
                wrong.append(f"the newest state is of step {at}")
            again, after = train(folder, None, "resume=true", "grpo.lr=0.001") if fault.saves else (0, "")
            if again != 0 or (fault.saves and steps_done(folder) != STEPS):
                wrong.append(f"resuming: status {again}, step {steps_done(folder)}: {after[-300:]}")
            seen += ", resumed to the end" if fault.saves and again == 0 else ""
        elif at != STEPS:
            wrong.append(f"{at} steps of {STEPS}")
        if wrong:
            wrong.append("    " + "\n    ".join(lines[-12:]))
        return wrong, seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, one thread each")
    parser.add_argument("--commit", default="", help="what is tried, for the head of the table")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    faults = [f for f in FAULTS if not options.only or f.name in options.only]
    import transformers

    _ = transformers.PreTrainedTokenizerFast  # imported here once: several threads would meet it half imported
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    commit = f" · commit {options.commit}" if options.commit else ""
    out = [f"planted faults in a {STEPS}-step run, at step {AT} · {machine} · {time.strftime('%Y-%m-%d')}{commit}", ""]
    print(out[0], flush=True)
    bad = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for fault, (wrong, seen) in zip(faults, pool.map(check, faults), strict=True):
            bad += bool(wrong)
            line = f"{fault.name:16} {'ok ' if not wrong else 'BAD'} {'ends' if fault.ends else 'goes on':8} {seen}"
            out += [line, *(f"    {each}" for each in wrong)]
            print("\n".join([line, *(f"    {each}" for each in wrong)]), flush=True)
    out += ["", f"{len(faults) - bad} of {len(faults)} as documented"]
    print(out[-1])
    if options.out is not None:
        options.out.write_text("\n".join(out) + "\n", encoding="utf-8")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
