"""What a CI without GPUs cannot do, on any CUDA machine, in under nine minutes: `make gpu`.

    PYTHONPATH=src python benchmarks/gpu_gate.py [--out FILE] [--commit HASH] [--seconds 520]

The tests marked gpu; the demo by its command line on auto, cuda and cuda:0 in bfloat16, and in FP8; LoRA, DPO, PPO and
distillation on its model; a checkpoint and a resume; two GPUs (DDP, FSDP2, cuda:1) where there are two. Ends with a
table, the commit, and a digest of kernels/ and trainer/: a test says where these are no longer what ran here. Exit
status 1 where a row failed. Needs torch, triton, transformers, peft, accelerate, pyarrow, pytest and the library's own
dependencies, no install.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("kernels", "trainer")
DEMO = str(ROOT / "examples" / "arithmetic.yaml")
TESTS = {
    "kernels": ("tests/kernels/test_against_float64.py", "tests/kernels/test_ops.py"),
    "FP8": ("tests/kernels/test_fp8.py",),
    "trainer": (
        "tests/trainer/test_block_kernels.py",
        "tests/trainer/test_decode.py",
        "tests/trainer/test_decode_kernels.py",
        "tests/trainer/test_head_kernels.py",
    ),
}
"""The files with tests marked gpu, in parts that run side by side."""
EXPERTS = {
    "model_type": "deepseek_v3",
    "hidden_size": 128,
    "intermediate_size": 256,
    "moe_intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "kv_lora_rank": 64,
    "q_lora_rank": 64,
    "qk_rope_head_dim": 16,
    "qk_nope_head_dim": 32,
    "v_head_dim": 32,
    "max_position_embeddings": 128,
}
"""A small DeepSeek-V3."""
GOOD = 0.88
"""Held-out accuracy that a whole demo must reach; in float32 on a CPU it is 0.90 or more."""
SHORT = ("warmup.steps=100", "grpo.steps=10", "evaluation.prompts=64", "evaluation.every=0")


def digest(folder: str, root: Path = ROOT) -> str:
    """Of the Python files of a folder: their names and contents."""
    found = hashlib.sha256()
    for path in sorted((root / folder).rglob("*.py")):
        found.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


class Job:
    """A command with its log, running; its end is noticed when it comes, not when it is asked for."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, limit: float) -> None:
        self.name, self.process, self.log, self.limit = name, process, log, limit
        self.begun, self.seconds = time.monotonic(), 0.0
        self.code: int | str = "timeout"
        self._waiter = threading.Thread(target=self._wait)
        self._waiter.start()

    def wait(self) -> int | str:
        """Its exit status, or ``"timeout"``."""
        self._waiter.join()
        return self.code

    def _wait(self) -> None:
        try:
            self.code = self.process.wait(self.limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.seconds = time.monotonic() - self.begun


class Gate:
    """The rows of the table, written as they come."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.end = time.monotonic() + options.seconds
        self.rows: list[tuple[str, str, str, str]] = []
        self.failures: list[str] = []

    def start(self, name: str, command: Sequence[str], limit: float) -> Job:
        log = self.folder / f"{name.replace('/', '-').replace(' ', '-')}.log"
        path = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {"OMP_NUM_THREADS": "2", **os.environ, "PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"}
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
        return Job(name, process, log, min(limit, max(5.0, self.end - time.monotonic())))

    def train(self, name: str, *settings: str, limit: float = 300.0, processes: int = 1, config: str = DEMO) -> Job:
        """``veritune train``, by default on the demo's config."""
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        command = [sys.executable, *(launcher if processes > 1 else []), "-m", "veritune", "train", config]
        return self.start(name, [*command, f"output={self.output(name)}", *settings], limit)

    def output(self, name: str) -> Path:
        return self.folder / "runs" / name.replace(" ", "-").replace(":", "-")

    def row(self, job: Job, good: bool, detail: str) -> None:
        code = job.wait()
        passed = good and code == 0
        detail = detail if code == 0 else f"exit {code}; {detail}"
        self.say(job.name, "ok" if passed else "FAILED", f"{job.seconds:.0f}", detail)
        if not passed:
            tail = job.log.read_text(errors="replace")[-2500:]
            self.failures.append(f"--- {job.name} ---\n{tail}")
            print(self.failures[-1], flush=True)

    def say(self, name: str, result: str, seconds: str, detail: str) -> None:
        self.rows.append((name, result, seconds, detail))
        print(f"{name:24} {result:8} {seconds:>6} s  {detail}", flush=True)
        self.write()

    def write(self) -> None:
        table = [f"{'what':24} {'result':8} {'s':>6}  detail"]
        table += [f"{name:24} {result:8} {seconds:>6}  {detail}" for name, result, seconds, detail in self.rows]
        failed = sum(result == "FAILED" for _, result, _, _ in self.rows)
        verdict = "every row ok" if not failed else f"{failed} rows FAILED"
        text = "\n".join([header(self.options.commit), *table, "", verdict, *self.failures]) + "\n"
        self.options.out.parent.mkdir(parents=True, exist_ok=True)
        self.options.out.write_text(text, encoding="utf-8")

    # -- what is done ----------------------------------------------------------------------------------------------

    def evaluations(self, name: str) -> list[dict[str, float]]:
        path = self.output(name) / "metrics.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
        return [line for line in lines if line["phase"] == "evaluation"]

    def demo_row(self, job: Job, least: float) -> None:
        """The held-out accuracy before and after."""
        code = job.wait()
        found = self.evaluations(job.name) if code == 0 else []
        if not found:
            self.row(job, False, "no evaluation")
            return
        before, after = found[0]["accuracy"], found[-1]["accuracy"]
        self.row(job, after >= least, f"held-out accuracy {before:.3f} -> {after:.3f} (at least {least:.2f})")

    def tests(self) -> list[Job]:
        """Without the repository's own pytest settings, some of which need plug-ins."""
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-c", os.devnull, f"--rootdir={ROOT}"]
        command += ["--import-mode=importlib", "-p", "no:cacheprovider", "-W", "ignore"]
        return [self.start(f"pytest -m gpu, {part}", [*command, *files], 420) for part, files in TESTS.items()]

    def architectures(self, where: str) -> list[Job]:
        """Short runs of models with parts of their own: drafts by a module of multi-token prediction, and experts with
        a latent cache. They need not learn much: what they do must be finite and end."""
        build = f"model.build={json.dumps(EXPERTS)}"
        drafts = ["model.mtp.depth=1", "sampling.speculative=true"]
        settings = [*SHORT, f"device={where}"]
        return [
            self.train("MTP and drafts", *settings, *drafts),
            self.train("experts, latent cache", *settings, build, "model.moe.balance=both"),
            self.train("experts, MTP and drafts", *settings, build, "model.moe.balance=bias", *drafts),
        ]

    def architectures_row(self, job: Job) -> None:
        job.wait()
        path = self.output(job.name) / "metrics.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
        last = next((line for line in reversed(lines) if line["phase"] == "grpo"), {})
        wanted = ["mismatch", *(["draft_acceptance", "mtp_loss"] if "drafts" in job.name else [])]
        wanted += ["moe_max_violation"] if "experts" in job.name else []
        found = {name: last.get(name, math.nan) for name in wanted}
        good = all(math.isfinite(value) for value in found.values()) and found["mismatch"] < 0.05
        self.row(job, good, ", ".join(f"{name} {value:.4f}" for name, value in found.items()))

    def tests_row(self, job: Job) -> None:
        job.wait()
        lines = [line for line in job.log.read_text(errors="replace").splitlines() if line.strip()]
        last = lines[-1] if lines else "no output"
        self.row(job, " passed" in last and "failed" not in last, last.strip("= "))

    def resume(self) -> None:
        """A short run; its last checkpoint is taken away, and it goes on from the one before."""
        name, settings = "checkpoint and resume", [*SHORT, "device=cuda", "checkpoint.every=5", "checkpoint.keep=9"]
        job = self.train(name, *settings, limit=150)
        code = job.wait()
        folder = self.output(name)
        if code != 0 or not (folder / "checkpoints" / "grpo-000010").is_dir():
            self.row(job, False, "the first run did not end")
            return
        shutil.copytree(folder / "model", folder / "first")
        shutil.rmtree(folder / "checkpoints" / "grpo-000010")
        job = self.train(name, *settings, "resume=true", limit=150)
        code = job.wait()
        if code != 0:
            self.row(job, False, "the resumed run did not end")
            return
        from safetensors.torch import load_file

        one, two = (load_file(str(folder / part / "model.safetensors")) for part in ("first", "model"))
        furthest = max(float((one[n].float() - two[n].float()).abs().max()) for n in one)
        went_on = "going on after grpo step 5" in job.log.read_text(errors="replace")
        equal = "the same weights to the bit" if furthest == 0 else f"weights within {furthest:.1e}"
        self.row(job, went_on and furthest < 5e-3, f"from step 5 to 10: {equal}")

    def stages(self, run: Path, where: str) -> None:
        """DPO, PPO and distillation from the demo's model and completions, side by side."""
        rows = self.folder / "rows.jsonl"
        count = right_answers(run, rows)
        update = {"lr": 1e-4, "betas": [0.9, 0.98], "micro_batch_tokens": 16384}
        pairs = {"completions": str(run / "completions"), "min_gap": 0.3}
        student = {"build": {**demo_values()["model"]["build"], "hidden_size": 64, "num_hidden_layers": 1}}
        learn = {**update, "lr": 3e-3, "train": str(rows), "batch": 32, "steps": 60}
        jsd = {"on_policy": 0.25, "objective": {"divergence": "jsd", "ce_weight": 0.1}}
        what: dict[str, dict[str, Any]] = {
            "dpo": {"stage": "dpo", "dpo": {**update, "pairs": pairs, "steps": 20, "lr": 1e-5}},
            "ppo": {"stage": "ppo", "ppo": {**update, "steps": 10, "prompts": 64, "updates": 2}},
            "distill": {"stage": "distill", "model": student, "teacher": {}, "distill": {**learn, **jsd}},
            "distill, teacher on cpu": {"stage": "distill", "model": student, "teacher": {"device": "cpu"},
                                        "distill": {**learn, "steps": 20}},
            "distill, top 8": {"stage": "distill", "model": student, "teacher": {"top_k": 8}, "distill": learn},
        }  # fmt: skip
        jobs = []
        for name, sections in what.items():
            values = {"model": {"path": str(run / "model")}, **demo_values("data", "rewards", "sampling"), **sections}
            if "teacher" in values:
                values["teacher"] = {"path": str(run / "model"), **values["teacher"]}
            values |= {"device": where, "evaluation": {"prompts": 64}}
            path = self.folder / f"{name}.json".replace(" ", "-")
            path.write_text(json.dumps(values), encoding="utf-8")  # which is YAML too
            jobs.append((self.train(f"stage {name}", config=str(path), limit=150), values["stage"]))
        for job, stage in jobs:
            self.stage_row(job, stage, f"{count} rows" if stage == "distill" else "")

    def stage_row(self, job: Job, stage: str, detail: str) -> None:
        """It ends, its numbers are finite, and where a teacher is followed the divergence falls."""
        code = job.wait()
        path = self.output(job.name) / "metrics.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
        steps = [line for line in lines if line["phase"] == stage]
        if code != 0 or not steps:
            self.row(job, False, "no steps")
            return
        good = all(line["loss"] is not None for line in steps)
        found = {
            key: (steps[0][key], steps[-1][key]) for key in ("divergence", "margin", "value_loss") if key in steps[0]
        }
        if "divergence" in found:
            good = good and found["divergence"][1] < 0.8 * found["divergence"][0]
        numbers = [f"{key} {a:.4f} -> {b:.4f}" for key, (a, b) in found.items()]
        accuracy = [line["accuracy"] for line in lines if line["phase"] == "evaluation"]
        numbers += [f"accuracy {accuracy[0]:.3f} -> {accuracy[-1]:.3f}", f"{steps[-1]['peak_memory_mib']:.0f} MiB"]
        self.row(job, good, ", ".join([*numbers, *filter(None, [detail])]))

    def two_gpus(self, count: int) -> None:
        if count < 2:
            for name in ("two GPUs, ddp", "two GPUs, fsdp2", "device cuda:1"):
                self.say(name, "skipped", "-", f"{count} GPU")
            return
        for strategy in ("ddp", "fsdp2"):
            name = f"two GPUs, {strategy}"
            job = self.train(name, *SHORT, f"distributed.strategy={strategy}", "device=cuda", limit=150, processes=2)
            self.demo_row(job, 0.0)
        self.demo_row(self.train("device cuda:1", *SHORT, "device=cuda:1", limit=120), 0.0)

    def run(self) -> int:
        import torch

        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not count and not self.options.without_gpu:
            print("this machine has no CUDA device")
            return 2
        devices = {"demo auto": "auto", "demo cuda": "cuda", "demo cuda:0": "cuda:0"}
        if self.options.without_gpu:  # to try the script itself
            devices = {"demo auto": "cpu"}
        tests = self.tests()
        more = SHORT if self.options.without_gpu else ()
        jobs = [self.train(name, f"device={device}", *more) for name, device in devices.items()]
        fp8 = None if self.options.without_gpu else self.train("demo FP8", "device=cuda", "model.fp8=always")
        where = "cpu" if self.options.without_gpu else "cuda"
        short = self.architectures(where)
        resuming = threading.Thread(target=self.resume)
        if fp8 is not None:
            resuming.start()
        for job in jobs:
            self.demo_row(job, 0.0 if more else GOOD)
        base = self.output("demo auto") / "model"
        lora = ["model.build=null", f"model.path={base}", "model.lora.rank=8", "warmup=null", "grpo.steps=15"]
        adapter = self.train("LoRA on its model", *lora, f"device={where}")
        self.stages(self.output("demo auto"), where)
        self.demo_row(adapter, 0.0 if more else GOOD - 0.03)
        for job in short:
            self.architectures_row(job)
        if fp8 is not None:
            self.demo_row(fp8, GOOD - 0.03)
            resuming.join()
        self.two_gpus(count)
        for job in tests:
            self.tests_row(job)
        print(f"\n{self.options.out.read_text(encoding='utf-8')}")
        return int(any(result == "FAILED" for _, result, _, _ in self.rows))


def demo_values(*sections: str) -> dict[str, Any]:
    """Sections of the demo's config, by default all."""
    import yaml

    values: dict[str, Any] = yaml.safe_load(Path(DEMO).read_text(encoding="utf-8"))
    return {name: values[name] for name in sections or values}


def right_answers(run: Path, out: Path) -> int:
    """A run's right answers as rows to learn from; how many."""
    import pyarrow.parquet as parquet

    rows = [
        row for file in sorted((run / "completions").glob("step-*")) for row in parquet.read_table(file).to_pylist()
    ]
    right = [{key: row[key] for key in ("prompt", "completion")} for row in rows if row["reward/accuracy"] == 1.0]
    out.write_text("".join(json.dumps(row) + "\n" for row in right), encoding="utf-8")
    return len(right)


def header(commit: str) -> str:
    """Date, machine, versions, and what ran."""
    import torch

    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] or ["no GPU"]
    found = []
    for name in ("torch", "triton", "transformers", "peft", "accelerate"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    now = datetime.datetime.now(datetime.timezone.utc)
    digests = ", ".join(f"{folder} {digest(folder)}" for folder in FOLDERS)
    return (
        f"date      {now:%Y-%m-%d %H:%M} UTC\n"
        f"machine   {len(names)} x {names[0]}, {os.cpu_count()} cores\n"
        f"versions  Python {platform.python_version()}, {', '.join(found)}\n"
        f"command   python benchmarks/gpu_gate.py\n"
        f"commit    {commit or git_commit()}\n"
        f"digests   {digests}\n"
    )


def git_commit() -> str:
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "gpu_gate.txt")
    parser.add_argument("--commit", default="", help="where the copy that runs is no git checkout")
    parser.add_argument("--seconds", type=float, default=520.0, help="for everything; what is not done by then failed")
    parser.add_argument("--without-gpu", action="store_true", help="short and on the CPU, to try this script")
    options = parser.parse_args()
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(Gate(options, Path(folder)).run())


if __name__ == "__main__":
    main()
