"""TRL's GRPOTrainer on the job of ``trainer_gpu.py``, in a process of its own; lines of JSON say what is known.

    python benchmarks/trainer_gpu_trl.py {generate,batching,vllm} [--steps 2] [--small]

``generate`` samples with transformers' ``generate`` (dynamic cache), ``batching`` with transformers' continuous
batching, ``vllm`` with vLLM in the trainer's own process (colocated; graphs and compiler as by default). The last of
the steps of ``vllm`` is one without TRL's importance-sampling correction, which costs a forward pass a step; then vLLM
generates as much by itself, with neither log-probs nor text, to say how much of the time is the engine's. Each JSON
line holds more than the one before; the last is the whole.

vLLM where it is not installed and cannot be fetched: ``vllm_pack.py`` makes parts of its wheel and requirements, and on
the other machine a folder of these, which ``PYTHONPATH`` (``--vllm`` of trainer_gpu.py and gpu_rows.py) names for this
process alone. ``--check`` imports what the job will, on any machine, and says what is missing.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from trainer_gpu_job import job

from veritune.rewards.composition import compose
from veritune.trainer.config import rewards_section
from veritune.trainer.data.sources import make_sources
from veritune.trainer.policy.models import load_policy

WAYS = ("generate", "batching", "vllm")
HERE = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "GLOO_SOCKET_IFNAME": "lo",
    "NCCL_SOCKET_IFNAME": "lo",
}
"""Nothing outside the machine is asked for anything."""


def missing(way: str) -> str | None:
    """Why this machine cannot run it, if so."""
    for name in ("trl", "datasets", *(["vllm"] if way == "vllm" else [])):
        if find_spec(name) is None:
            return f"{name} is not installed"
    return "vLLM needs a GPU" if way == "vllm" and not torch.cuda.is_available() else None


def check(way: str) -> None:
    """Import what would be imported after the model is made, and have each of it name its version."""
    import trl
    from trl import GRPOConfig, GRPOTrainer  # noqa: F401

    found = [f"trl {trl.__version__}"]
    if way == "vllm":
        import vllm
        from trl.import_utils import is_vllm_available
        from vllm import LLM, SamplingParams  # noqa: F401

        found.append(f"vllm {vllm.__version__}, which trl {'takes' if is_vllm_available() else 'does not take'}")
    print(json.dumps({"skipped": f"only checked: {', '.join(found)}"}))


def settings(way: str, shape: dict[str, int], steps: int, folder: Path, batching: dict[str, Any]) -> dict[str, Any]:
    """Arguments of GRPOConfig. Nothing ends early in any of the three."""
    cuda, count = torch.cuda.is_available(), shape["prompts"] * shape["samples"]
    sampling: dict[str, dict[str, Any]] = {
        "generate": {"generation_kwargs": {"min_new_tokens": shape["tokens"]}},
        "batching": {
            "generation_kwargs": {"eos_token_id": -1},
            "use_transformers_continuous_batching": True,
            "transformers_continuous_batching_config": {"max_memory_percent": 0.1, **batching},
        },
        "vllm": {
            "generation_kwargs": {"ignore_eos": True},
            "use_vllm": True,
            "vllm_mode": "colocate",
            "vllm_gpu_memory_utilization": 0.1,
            "vllm_max_model_length": shape["prompt_tokens"] + shape["tokens"] + 64,
        },
    }
    return {
        "output_dir": str(folder / "trl"),
        "use_cpu": not cuda,
        "bf16": cuda,
        "per_device_train_batch_size": min(32, count),
        "gradient_accumulation_steps": max(1, count // 32),
        "num_generations": shape["samples"],
        "max_completion_length": shape["tokens"],
        "gradient_checkpointing": False,
        "learning_rate": 1e-6,
        "max_steps": 1 + steps + (way == "vllm"),
        "beta": 0.0,
        "loss_type": "dapo",
        "epsilon_high": 0.28,
        "logging_steps": 1,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        **sampling[way],
    }


def write_model(policy: Any, folder: Path) -> None:
    """A folder that vLLM can load; TRL copies the trained weights over before the first sample."""
    with torch.device(policy.device):
        model = type(policy.model)(policy.model.config).to(torch.bfloat16)
    model.save_pretrained(folder)
    policy.tokenizer.save_pretrained(folder)
    policy.model.name_or_path = str(folder)
    del model
    gc.collect()


def measure(options: argparse.Namespace, shape: dict[str, int], folder: Path) -> list[dict[str, Any]]:
    """A row for each way of taking the timed steps: seconds of a step and of its parts, memory, what was generated."""
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    way, steps = options.way, options.steps
    config = job(folder, shape, options.small)
    config.model.fused = False
    policy = load_policy(config, None)
    if way == "vllm":
        write_model(policy, folder / "model")
    spent: dict[str, float] = defaultdict(float)
    taken: list[dict[str, float]] = []

    class Watch(TrainerCallback):
        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            if way == "vllm" and len(taken) > steps:
                trainer.vllm_importance_sampling_correction = False
            spent.clear()
            self.begun = time.perf_counter()

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            synchronize()
            taken.append({"seconds": time.perf_counter() - self.begun, **spent})
            print(f"trl {way}, step {len(taken)}: {taken[-1]}", flush=True)
            if len(taken) == 1 and torch.cuda.is_available():
                torch.cuda.reset_peak_memory_stats()
            if len(taken) == 1 + steps:  # said now: what follows may be ended by a time limit
                show([summary(f"trl, {way}", taken[1:], peak(), {})])

    source, _, _ = make_sources(config.data, 0)
    begun = time.perf_counter()
    trainer = GRPOTrainer(
        model=policy.model,
        reward_funcs=compose(rewards_section(config)),
        args=GRPOConfig(**settings(way, shape, steps, folder, options.batching)),
        train_dataset=Dataset.from_list([{"prompt": str(source.row(i).prompt)} for i in range(64)]),
        processing_class=policy.tokenizer,
        callbacks=[Watch()],
    )
    print(f"trl {way}: made in {time.perf_counter() - begun:.1f} s", flush=True)
    for name, phase in {"_generate_single_turn": "rollout", "_calculate_rewards": "score"}.items():
        setattr(trainer, name, timed(getattr(trainer, name), phase, spent))
    if way == "vllm":
        watch_engine(trainer, spent)
    trainer.train()
    logs = [entry for entry in trainer.state.log_history if "completions/mean_length" in entry]
    found = {key: logs[min(steps, len(logs) - 1)].get(key) for key in KEPT}
    rows = [summary(f"trl, {way}", taken[1 : 1 + steps], peak(), found)]
    if way == "vllm":
        rows.append(summary("trl, vllm, uncorrected", taken[1 + steps :], peak(), {}))
        show(rows)
        rows[0]["found"] |= alone(trainer, shape)
    return rows


def peak() -> float:
    """GB that this process's tensors took at most since the first step; vLLM's are of this process."""
    return torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0


def show(rows: list[dict[str, Any]]) -> None:
    print(json.dumps({"rows": rows}), flush=True)


def watch_engine(trainer: Any, spent: dict[str, float]) -> None:
    """What the rollout is made of: weights copied, vLLM's steps, text and log-probs made of them."""
    ours, engine = trainer.vllm_generation, trainer.vllm_generation.llm.llm_engine
    ours.sync_weights = timed(ours.sync_weights, "weights", spent)
    engine.engine_core.get_output = timed(engine.engine_core.get_output, "engine", spent, wait=False)
    engine.output_processor.process_outputs = timed(engine.output_processor.process_outputs, "text", spent, wait=False)
    settled = engine.vllm_config.compilation_config
    print(
        f"trl vllm: graphs {settled.cudagraph_mode}, compilation {settled.mode}, backend {settled.backend}", flush=True
    )


def alone(trainer: Any, shape: dict[str, int]) -> dict[str, float]:
    """Seconds in which vLLM draws a step's tokens by itself: no log-probs, no text, no weights copied."""
    from vllm import SamplingParams

    prompts = [
        {"prompt_token_ids": [5 + i] * shape["prompt_tokens"]} for i in range(shape["prompts"] * shape["samples"])
    ]
    plain = SamplingParams(temperature=1.0, max_tokens=shape["tokens"], ignore_eos=True, detokenize=False)
    taken = []
    for _ in range(2):
        synchronize()
        begun = time.perf_counter()
        trainer.vllm_generation.llm.generate(prompts, sampling_params=plain, use_tqdm=False)
        taken.append(time.perf_counter() - begun)
    return {"vllm by itself": min(taken)}


KEPT = ("completions/mean_length", "sampling/sampling_logp_difference/mean", "grad_norm")


def timed(inner: Callable[..., Any], phase: str, spent: dict[str, float], wait: bool = True) -> Callable[..., Any]:
    """``inner``, its seconds added up; with ``wait``, those in which the GPU finishes too."""

    def run(*args: Any, **kwargs: Any) -> Any:
        if wait:
            synchronize()
        begun = time.perf_counter()
        try:
            return inner(*args, **kwargs)
        finally:
            if wait:
                synchronize()
            spent[phase] += time.perf_counter() - begun

    return run


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def summary(name: str, part: list[dict[str, float]], held: float, found: dict[str, Any]) -> dict[str, Any]:
    seconds = sum(step["seconds"] for step in part) / len(part)
    phases = {phase: sum(step.get(phase, 0.0) for step in part) / len(part) for phase in ("rollout", "score")}
    phases["update"] = seconds - sum(phases.values())
    fastest = min(step["seconds"] for step in part)
    mean = {phase: sum(step.get(phase, 0.0) for step in part) / len(part) for phase in ("weights", "engine", "text")}
    found = {**found, **{phase: round(value, 3) for phase, value in mean.items() if value}}
    return {"name": name, "seconds": seconds, "phases": phases, "peak": held, "fastest": fastest, "found": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--shape", type=json.loads, default=None)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--check", action="store_true", help="import what the way needs, and no more")
    parser.add_argument("--batching", type=json.loads, default={}, help="more of ContinuousBatchingConfig")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    for name, value in HERE.items():
        os.environ.setdefault(name, value)
    small = {"prompts": 2, "samples": 4, "tokens": 8, "prompt_tokens": 8}
    whole = {"prompts": 8, "samples": 16, "tokens": 512, "prompt_tokens": 64}
    shape = options.shape or (small if options.small else whole)
    reason = missing(options.way)
    if reason is not None:
        print(json.dumps({"skipped": reason}))
        return
    if options.check:
        check(options.way)
        return
    with tempfile.TemporaryDirectory() as name:
        show(measure(options, shape, Path(name)))


if __name__ == "__main__":
    main()
