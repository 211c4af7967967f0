"""The loss of a DeepSeek-V3 trained in FP8 beside the same in bfloat16, on text seen once (this repository's own
bytes), and beside a control in bfloat16 whose initial weights differ by 1e-4 of themselves: less than bfloat16 rounds
by, so that what parts the control from the first is what any change of rounding does.

    python benchmarks/fp8_loss.py [--steps 1000] [--seeds 0 1] [--arms bfloat16 control fp8] [--out FILE] [--small]

On a CPU FP8 is the PyTorch reference: the numbers that the kernels give, from dequantised operands. The arms take turns
step by step on the same rows; a table is written after every hundredth step, so that a run which is cut leaves figures.
`deepseek_gpu.py --part loss` runs the same on a GPU.
"""

from __future__ import annotations

import argparse
import copy
import math
import platform
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers

from veritune.kernels.fp8.convert import convert_to_fp8
from veritune.kernels.fp8.linear import FP8Linear, FP8Recipe
from veritune.trainer.config import MoEConfig
from veritune.trainer.data.packing import make_batch
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.policy.experts.fp8 import RECIPE, experts_to_fp8
from veritune.trainer.policy.experts.products import group_experts
from veritune.trainer.policy.experts.routing import expect_sequences, follow_routers, load_metrics
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.optimization import gradient_step

ROOT = Path(__file__).resolve().parent.parent
ARMS = ("bfloat16", "control", "fp8", "fp8_pow2")
VOCABULARY = 256
CLIP = 1.0
BUILD: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "moe_intermediate_size": 128,
    "num_hidden_layers": 3,
    "first_k_dense_replace": 1,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "n_group": 2,
    "topk_group": 1,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    "q_lora_rank": 128,
    "kv_lora_rank": 128,
    "qk_rope_head_dim": 16,
    "qk_nope_head_dim": 16,
    "v_head_dim": 16,
    "max_position_embeddings": 1024,
}
"""Widths as in V3: all multiples of 128 but kv_a_proj_with_mqa's."""


@dataclass
class Arm:
    """A model in training, and its loss and gradient norm at every step."""

    name: str
    model: Any
    optimizer: torch.optim.Optimizer
    losses: list[torch.Tensor] = field(default_factory=list)
    norms: list[float | None] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def mean(self, begin: int, end: int) -> float:
        return float(torch.stack(self.losses[begin:end]).double().mean())

    @property
    def skipped(self) -> int:
        """Steps whose gradient was not finite, which changed nothing."""
        return sum(norm is None for norm in self.norms)


def make_model(build: dict[str, Any], seed: int, device: Any) -> Any:
    """A model of random weights; the arms are copies of it."""
    torch.manual_seed(seed)
    ids = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
    sizes = {name: value for name, value in build.items() if name != "model_type"}
    config = transformers.DeepseekV3Config(vocab_size=VOCABULARY, **ids, **sizes)
    return transformers.AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").to(device)


def make_arm(name: str, base: Any, lr: float) -> Arm:
    model = copy.deepcopy(base)
    group_experts(model)
    follow_routers(model, MoEConfig(balance="both"))
    if name == "control":
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1 + 1e-4 * torch.randn_like(parameter))
    if name.startswith("fp8"):
        recipe = FP8Recipe("always", pow2_scales=name == "fp8_pow2")
        convert_to_fp8(model, recipe=recipe)
        experts_to_fp8(model, recipe)
    model.train()
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    fused = matrices[0].is_cuda
    return Arm(name, model, torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), fused=fused))


def in_fp8(model: Any) -> str:
    """How much of the model runs in FP8."""
    inside = sum(m.weight.numel() for m in model.modules() if isinstance(m, FP8Linear))
    experts = [m for m in model.modules() if hasattr(m, RECIPE)]
    inside += sum(p.numel() for m in experts for p in m.parameters())
    total = sum(p.numel() for p in model.parameters())
    return f"{total / 1e6:.1f} million parameters, {inside / total:.0%} of them in FP8 products"


def rows_of_text(count: int, length: int, seed: int) -> list[list[list[int]]]:
    """Steps, each `count` rows of `length` bytes of this repository, each once, in an order by the seed."""
    files = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*/**/*.py")])
    data = b"\n\n".join(path.read_bytes() for path in files if ".venv" not in path.parts)
    order = torch.randperm(len(data) // length, generator=torch.Generator().manual_seed(seed)).tolist()
    rows = [list(data[b * length : (b + 1) * length]) for b in order]
    return [rows[i : i + count] for i in range(0, len(rows) - count + 1, count)]


def loss_of(arm: Arm, rows: list[list[int]], device: torch.device) -> torch.Tensor:
    """In bfloat16 but for what FP8 does."""
    batch = make_batch([r[:1] for r in rows], [r[1:] for r in rows], device)
    expect_sequences(arm.model, len(rows), ALONE)
    with torch.autocast(device.type, torch.bfloat16):
        logps_RT, _ = completion_logprobs(arm.model, batch)
    return -logps_RT.sum() / float(batch.lengths_R.sum())


def risen(peak: float, steps: int) -> Callable[[int], float]:
    """The rate of a step: it rises for so many and stays, so that a run which is cut has the curve of a whole one."""
    return lambda step: peak * min(1.0, (step + 1) / steps)


def take_step(arm: Arm, rows: list[list[int]], lr: float, device: torch.device) -> None:
    """One optimizer step as SFT makes it."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    began = clock()
    for group in arm.optimizer.param_groups:
        group["lr"] = lr
    loss = loss_of(arm, rows, device)
    torch.autograd.backward(loss)
    arm.norms.append(gradient_step(arm.model, arm.optimizer, CLIP))
    arm.losses.append(loss.detach())
    if device.type == "cuda":
        torch.cuda.synchronize()
    arm.times.append(clock() - began)


def train_together(
    arms: Sequence[Arm],
    steps: Iterable[list[list[int]]],
    rate: Callable[[int], float],
    device: torch.device,
    say: Callable[[str], None],
    *,
    every: int = 100,
    left: Callable[[], float] = lambda: math.inf,
) -> int:
    """The arms in turn on the same rows until these or the time end, which is looked at before every step; says a line
    for every window of steps. Returns how many steps each arm has made."""
    done = max(len(arm.losses) for arm in arms)
    for step, rows in enumerate(steps, done):
        if left() <= 0:
            say(f"time is up after {done} steps")
            break
        for arm in arms:
            take_step(arm, rows, rate(step), device)
        done = step + 1
        if done == min(10, every):
            say_first(arms, done, say)
        if done % every == 0:
            say(window(arms, done - every, done))
    if done % every:
        say(window(arms, done - done % every, done))
    if done:
        say("all: " + window(arms, 0, done))
        for arm in arms:
            said = ", ".join(f"{name} {value:.3g}" for name, value in load_metrics(arm.model).items())
            say(
                f"{arm.name}: {sum(arm.times):.0f} s in {done} steps, {arm.skipped} skipped; experts, all steps: {said}"
            )
    return done


def percent(arm: Arm, base: Arm, begin: int, end: int) -> float:
    return (arm.mean(begin, end) / base.mean(begin, end) - 1) * 100


def window(arms: Sequence[Arm], begin: int, end: int) -> str:
    base = arms[0]
    parts = [f"{arm.name} {arm.mean(begin, end):.5f}" for arm in arms]
    parts += [f"{arm.name} {percent(arm, base, begin, end):+.3f} %" for arm in arms[1:]]
    return f"steps {begin + 1:4d} to {end:4d}: " + "  ".join(parts)


def say_first(arms: Sequence[Arm], count: int, say: Callable[[str], None]) -> None:
    """The first steps one by one."""
    base = arms[0]
    for arm in arms:
        say(f"{arm.name}, loss of the first steps: " + " ".join(f"{arm.mean(i, i + 1):.3f}" for i in range(count)))
        norms = " ".join("skipped" if norm is None else f"{norm:.2f}" for norm in arm.norms[:count])
        say(f"{arm.name}, norm of their gradients: {norms}")
    for arm in arms[1:]:
        gaps = " ".join(f"{percent(arm, base, i, i + 1):+.2f}" for i in range(count))
        say(f"{arm.name} against {base.name} in the first steps, %: {gaps}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--rise", type=int, default=100, help="steps in which the rate rises")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["bfloat16", "control", "fp8"])
    parser.add_argument("--seconds", type=float, default=math.inf, help="of all seeds together")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--small", action="store_true", help="a few steps, to try it")
    given = parser.parse_args()
    torch.set_num_threads(1)
    begun = time.monotonic()
    steps, rows, length, every = (6, 2, 32, 4) if given.small else (given.steps, given.rows, given.length, 100)
    lines: list[str] = []

    def say(text: str) -> None:
        print(text, flush=True)
        lines.append(text)
        if given.out is not None:
            given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")

    device = torch.device("cpu")
    machine = f"{platform.machine()}, one thread; torch {torch.__version__}, transformers {transformers.__version__}"
    say(f"date      {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}")
    say(f"machine   {machine}")
    say(f"command   python benchmarks/fp8_loss.py {' '.join(sys.argv[1:])}")
    for seed in given.seeds:
        base = make_model(BUILD, seed, device)
        arms = [make_arm(name, base, given.lr) for name in given.arms]
        if seed == given.seeds[0]:
            say(f"model     {in_fp8(arms[-1].model)}; {BUILD}")
            say(f"text      {steps} steps of {rows} rows of {length} bytes; rate {given.lr:g} after {given.rise} steps")
        say(f"\nseed {seed}")
        train_together(
            arms, rows_of_text(rows, length, seed)[:steps], risen(given.lr, given.rise), device, say, every=every,
            left=lambda: given.seconds - (time.monotonic() - begun),
        )  # fmt: skip


if __name__ == "__main__":
    main()
