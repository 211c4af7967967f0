"""A DeepSeek-V3 of 0.5 billion parameters, 0.1 active, on one GPU: its kernels against their references, a step of
training through grouped experts, transformers' own two and FP8, SFT then GRPO on the demo's world, and FP8 against
bfloat16 on text that is seen once.

    PYTHONPATH=src python benchmarks/deepseek_gpu.py [--part check gradients step grpo loss] [--seconds 240]

``--small`` tries everything with tiny sizes on a CPU. Every line is printed (``--out``: written too) as it is known; a
part that has no time left says so and leaves what it has. ``--seconds`` counts from the start of the process.
"""

from __future__ import annotations

import argparse
import gc
import logging
import math
import platform
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

BEGUN = time.monotonic()

import torch  # noqa: E402
import transformers  # noqa: E402
from fp8_loss import in_fp8, loss_of, make_arm, make_model, risen, rows_of_text, train_together  # noqa: E402

from veritune.kernels.fp8 import gemm, grouped, quantize, reference  # noqa: E402
from veritune.trainer.config import parse_config  # noqa: E402
from veritune.trainer.data.packing import make_batch  # noqa: E402
from veritune.trainer.data.tasks import get_task  # noqa: E402
from veritune.trainer.observe.console import Console  # noqa: E402
from veritune.trainer.policy import models  # noqa: E402
from veritune.trainer.policy.distributed import ALONE, start_world  # noqa: E402
from veritune.trainer.policy.experts.products import NAME, grouped_linear  # noqa: E402
from veritune.trainer.policy.experts.routing import expect_sequences, load_metrics  # noqa: E402
from veritune.trainer.policy.logprobs import completion_logprobs  # noqa: E402
from veritune.trainer.policy.models import load_policy  # noqa: E402
from veritune.trainer.policy.optimization import gradient_step  # noqa: E402
from veritune.trainer.run.best import Best  # noqa: E402
from veritune.trainer.run.run import start_run  # noqa: E402
from veritune.trainer.stages.table import parse_run  # noqa: E402

MOE = ("moe_max_violation", "moe_load_entropy", "moe_dead_share")
SHOWN = ("loss", "reward", "accuracy", "trained_share", "mismatch", *MOE, "tokens_per_second")
PARTS = ("check", "gradients", "step", "grpo", "loss")
LARGE = {
    "model_type": "deepseek_v3",
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "moe_intermediate_size": 256,
    "num_hidden_layers": 11,
    "first_k_dense_replace": 1,
    "n_routed_experts": 64,
    "num_experts_per_tok": 6,
    "n_shared_experts": 1,
    "n_group": 8,
    "topk_group": 4,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "q_lora_rank": 512,
    "kv_lora_rank": 224,
    "qk_rope_head_dim": 32,
    "qk_nope_head_dim": 64,
    "v_head_dim": 64,
    "max_position_embeddings": 1024,
}
TINY = {
    **LARGE,
    "hidden_size": 128,
    "intermediate_size": 128,
    "moe_intermediate_size": 128,
    "num_hidden_layers": 2,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "n_group": 2,
    "topk_group": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "q_lora_rank": 128,
    "kv_lora_rank": 96,
}


SMALLER = 5
"""Layers of the model that `loss` goes on with where 1,000 steps of all of them would not end in time."""
TRIED = 16
"""Steps of `loss` after which that is decided: the first ones compile and choose engines."""
RATE = 6e-4


class Until(Best):
    """Ends a stage at an accuracy, or a given time before the end."""

    def __init__(self, accuracy: float, left: Callable[[], float]) -> None:
        super().__init__(None, "accuracy")
        self.accuracy, self.left = accuracy, left

    def exhausted(self) -> bool:
        return self.value >= self.accuracy or self.left() <= 0

    def __str__(self) -> str:
        return f"ends at accuracy {self.value:.3f} (asked {self.accuracy:g}), {self.left():.0f} s left to it"


class Told:
    """Says a run's numbers as they come, those of every so many steps and of all evaluations."""

    def __init__(self, what: str, every: int, say: Callable[[str], None]) -> None:
        self.what, self.every, self.say = what, every, say

    def log(self, phase: str, step: int, metrics: Mapping[str, Any]) -> None:
        if phase == "warning" or (phase != "evaluation" and step % self.every):
            return
        shown = " ".join(f"{name} {metrics[name]:.4g}" for name in SHOWN if isinstance(metrics.get(name), float))
        seconds = {k: round(v, 2) for k, v in metrics.items() if k.startswith("seconds") and isinstance(v, float)}
        self.say(f"{self.what}: {phase} {step} {shown} {seconds}")

    def close(self) -> None:
        pass


def train_until(config: Any, accuracy: float, left: Callable[[], float], told: Told) -> Path:
    """`train`, with an end of its own and without checkpoints, whose gigabytes take longer than the steps."""
    how = config.distributed
    world = start_world(config.device, how.strategy, how.gather, how.pipeline)
    try:
        run = start_run(config, Console(quiet=True), world)
        run.best = Until(accuracy, left)
        run.observers = [*run.observers, told]
        setattr(run, "_save", run._check_weights)  # noqa: B010
        try:
            run.execute()
        finally:
            run.close()
        return run.path
    finally:
        world.close()


class Bench:
    def __init__(self, small: bool, seconds: float, steps: int, accuracy: float, out: Path | None) -> None:
        self.small, self.seconds, self.most, self.accuracy, self.out = small, seconds, steps, accuracy, out
        self.device = "cpu" if small else "cuda"
        self.build = TINY if small else LARGE

    def say(self, text: str) -> None:
        line = f"[{time.monotonic() - BEGUN:5.0f} s] {text}"
        print(line, flush=True)
        if self.out is not None:
            with self.out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def left(self) -> float:
        return self.seconds - (time.monotonic() - BEGUN)

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def policy(self) -> Any:
        torch.manual_seed(0)
        values = {
            "model": {"build": self.build, "moe": {"balance": "both"}},
            "data": {"task": "arithmetic"},
            "rewards": {"accuracy": {}},
            "device": self.device,
        }
        return load_policy(parse_config(values), get_task("arithmetic", {"terms": 3}))

    # -- parts -----------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Grouped products on this device against float64, and the FP8 kernels against their reference."""
        device, (experts, n, k) = self.device, (4, 256, 128) if self.small else (16, 512, 1024)
        rows = 600 if self.small else 6000
        ends = (torch.rand(experts).softmax(0) * rows).int().cumsum(0).int().to(device)
        ends[1] = ends[0]  # one without rows
        rows = int(ends[-1])
        x = torch.randn(rows, k, device=device, dtype=torch.bfloat16, requires_grad=True)
        w = torch.randn(experts, n, k, device=device, requires_grad=True)
        up = torch.randn(rows, n, device=device, dtype=torch.bfloat16)
        found = grouped_linear(x, w, ends, torch.bfloat16)
        grads = torch.autograd.grad(found, (x, w), up)
        spans = list(zip([0, *ends.tolist()], ends.tolist(), strict=False))
        xd, wd = x.detach().double(), w.detach().to(torch.bfloat16).double()
        exact = torch.cat([xd[a:b] @ m.t() for (a, b), m in zip(spans, wd, strict=True)])
        dx = torch.cat([up[a:b].double() @ m for (a, b), m in zip(spans, wd, strict=True)])
        dw = torch.stack([up[a:b].double().t() @ xd[a:b] for a, b in spans])
        errors = [self.off(a, b) for a, b in ((found, exact), (grads[0], dx), (grads[1], dw))]
        self.say("grouped bf16 against float64, forward dx dw: " + " ".join(f"{e:.1e}" for e in errors))
        groups = grouped.make_groups(ends, rows)
        for dtype in (torch.bfloat16, torch.float32):
            a = reference.quantize(groups.pad(x.detach()), (1, 128), False)
            b = reference.quantize(w.detach().flatten(0, 1), (128, 128), False)
            turned = reference.quantize(w.detach().transpose(0, 1).reshape(n, -1), (128, 128), False)
            pairs = []
            for matrix, side in ((b, False), (turned, True)):
                pairs.append(
                    (
                        grouped.rows_product(a, matrix, groups, n, k, dtype, turned=side),
                        grouped.rows_reference(a, matrix, groups, n, k, torch.float32, turned=side),
                    )
                )
            left = reference.quantize(torch.randn(n, groups.rows, device=device), (1, 128), False)
            right = reference.quantize(torch.randn(k, groups.rows, device=device), (1, 128), False)
            pairs.append(
                (
                    grouped.sums_product(left, right, groups, dtype),
                    grouped.sums_reference(left, right, groups, torch.float32),
                )
            )
            self.say(
                f"grouped FP8 kernels against reference, {dtype}: " + " ".join(f"{self.off(*p):.1e}" for p in pairs)
            )
        leaves = x.detach().clone().requires_grad_(), w.detach().clone().requires_grad_()
        out = groups.unpad(grouped.fp8_grouped_linear(groups.pad(leaves[0]), leaves[1], groups))
        grads = torch.autograd.grad(out, leaves, up)
        errors = [self.off(a, b) for a, b in ((out, exact), (grads[0], dx), (grads[1], dw))]
        self.say("grouped FP8 layer against float64, forward dx dw: " + " ".join(f"{e:.3f}" for e in errors))

    def gradients(self) -> None:
        """Loss and gradients of one pass of the whole model over text: FP8 by its kernels against FP8 by the reference
        on the same device, and against bfloat16, by kind of parameter."""
        rows, length, layers = (2, 32, 2) if self.small else (8, 512, 3)
        device = torch.device(self.device)
        base = make_model({**self.build, "num_hidden_layers": layers}, 0, device)
        text = rows_of_text(rows, length, 0)[0]
        found: dict[str, dict[str, torch.Tensor]] = {}
        losses: dict[str, float] = {}
        for arm in ("bfloat16", "fp8", "reference"):
            made = make_arm("fp8" if arm == "reference" else arm, base, RATE)
            with ExitStack() as stack:
                if arm == "reference":
                    stack.enter_context(mock.patch.object(gemm, "_fastest", return_value=reference.matmul))
                    stack.enter_context(mock.patch.object(grouped, "_on_triton", return_value=False))
                    stack.enter_context(mock.patch.object(quantize, "_on_triton", return_value=False))
                loss = loss_of(made, text, device)
                torch.autograd.backward(loss)
            losses[arm] = float(loss.detach())
            kinds: dict[str, list[torch.Tensor]] = {}
            for name, parameter in made.model.named_parameters():
                if parameter.grad is not None:
                    kind = name.removesuffix(".weight").rsplit(".", 1)[-1]
                    kinds.setdefault(kind, []).append(parameter.grad.flatten())
            found[arm] = {kind: torch.cat(parts) for kind, parts in kinds.items()}
            del made
        self.say("one pass, loss: " + ", ".join(f"{arm} {loss:.5f}" for arm, loss in losses.items()))
        for one, other in (("fp8", "reference"), ("fp8", "bfloat16"), ("reference", "bfloat16")):
            apart = ", ".join(f"{kind} {self.off(g, found[other][kind]):.1e}" for kind, g in found[one].items())
            self.say(f"gradients, {one} against {other}: {apart}")

    @staticmethod
    def off(found: torch.Tensor, exact: torch.Tensor) -> float:
        return float((found.double() - exact.double()).norm() / exact.double().norm())

    def one_step(self, policy: Any, optimizer: Any, rows: list[list[int]], device: Any) -> torch.Tensor:
        """One optimizer step as SFT makes it; the loss, not waited for."""
        batch = make_batch([r[:1] for r in rows], [r[1:] for r in rows], device)
        expect_sequences(policy.model, len(rows), ALONE)
        with policy.autocast():
            logps_RT, _ = completion_logprobs(policy.model, batch)
        loss = -logps_RT.sum() / float(batch.lengths_R.sum())
        torch.autograd.backward(loss)
        gradient_step(policy.model, optimizer, 1.0)
        return loss.detach()

    def step(self) -> None:
        """Tokens a second of a training step, by how the experts are run."""
        policy = self.policy()
        model = policy.model
        total = sum(p.numel() for p in model.parameters())
        routed = sum(p.numel() for n, p in model.named_parameters() if ".experts." in n)
        active = total - routed + routed * self.build["num_experts_per_tok"] // self.build["n_routed_experts"]
        self.say(f"{total / 1e6:.0f} million parameters, {active / 1e6:.0f} active")
        vocabulary = model.get_input_embeddings().num_embeddings
        count, length = (4, 32) if self.small else (32, 512)
        rows = torch.randint(vocabulary, (count, length)).tolist()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=self.device == "cuda")
        speeds: dict[str, float] = {}
        for arm in (NAME, "eager", "grouped_mm", "fp8 auto", "fp8 always"):
            if self.left() < 15:
                self.say(f"no time for {arm}")
                continue
            try:
                if arm.startswith("fp8"):
                    model.set_experts_implementation(NAME)
                    self.to_fp8(model, "always" if self.small else arm.removeprefix("fp8 "))
                else:
                    model.set_experts_implementation(arm)
                for _ in range(2):
                    self.one_step(policy, optimizer, rows, policy.device)
                if self.device == "cuda":
                    torch.cuda.reset_peak_memory_stats()
                self.wait()
                began, turns = time.perf_counter(), 0
                while turns < 8 and (turns < 2 or time.perf_counter() - began < 3):
                    loss = self.one_step(policy, optimizer, rows, policy.device)
                    turns += 1
                    self.wait()
                seconds = (time.perf_counter() - began) / turns
            except Exception as error:
                self.say(f"step, {arm}: {type(error).__name__}: {str(error)[:300]}")
                model.zero_grad()
                continue
            speeds[arm] = count * length / seconds
            memory = torch.cuda.max_memory_allocated() / 2**30 if self.device == "cuda" else 0.0
            self.say(
                f"step, {arm}: {seconds * 1000:.0f} ms, {speeds[arm]:.0f} tokens/s, "
                f"{speeds[arm] / speeds[NAME]:.2f} of ours, {memory:.1f} GiB, loss {float(loss):.4f}"
            )
        if "eager" in speeds:
            self.say(f"ours against transformers' eager experts: {speeds[NAME] / speeds['eager']:.2f} times")
        load_metrics(model)

    @staticmethod
    def to_fp8(model: Any, use: Any) -> None:
        from veritune.kernels.fp8.convert import convert_to_fp8
        from veritune.kernels.fp8.linear import FP8Linear, FP8Recipe
        from veritune.trainer.policy.experts.fp8 import experts_to_fp8

        recipe = FP8Recipe(use)
        convert_to_fp8(model, recipe=recipe)
        for module in model.modules():
            if isinstance(module, FP8Linear):
                module.recipe = recipe
        experts_to_fp8(model, recipe)

    def grpo(self) -> None:
        """SFT until half of the held-out problems are solved, then GRPO from what it left, by their configurations;
        then two steps of GRPO with eager experts."""
        sft, grpo, batch, every = (4, 4, 8, 2) if self.small else (150, 60, 256, 5)
        groups, prompts = (4, 8) if self.small else (16, 128)
        shared = {"data": {"task": "arithmetic", "params": {"terms": 3}}, "device": self.device}
        scored: dict[str, Any] = {"accuracy": {}, "format": {"weight": 0.1, "params": {"style": "think_answer_soft"}}}
        if self.small:  # which has solved nothing: rewards that differ
            scored["length"] = {}
        with tempfile.TemporaryDirectory() as folder:
            one = {
                **shared,
                "stage": "sft",
                "output": f"{folder}/sft",
                "model": {"build": self.build, "moe": {"balance": "both"}},
                "rewards": scored,
                "sft": {"steps": sft, "batch": batch, "lr": RATE, "warmup_steps": 20, "schedule": "linear"},
                "sampling": {"engine": "transformers", "max_tokens": 24},
                "evaluation": {"prompts": prompts, "every": every},
                "checkpoint": {"every": None},
            }
            told = Told("sft", 2 * every, self.say)
            path = train_until(parse_run(one), self.accuracy, lambda: self.left() - self.seconds / 2, told)
            two = {
                **shared,
                "stage": "grpo",
                "output": f"{folder}/grpo",
                "model": {"path": str(path / "model"), "moe": {"balance": "both"}},
                "rewards": scored,
                "grpo": {"steps": grpo, "prompts": groups, "samples": groups, "lr": 4e-5, "warmup_steps": 5},
                "sampling": {"engine": "transformers", "max_tokens": 24},
                "evaluation": {"prompts": prompts, "every": 4 * every},
                "checkpoint": {"every": None},
            }
            if self.no_time("grpo", 30):
                return
            told = Told("grpo", 1 if self.small else 3, self.say)
            train_until(parse_run(two), math.inf, lambda: self.left() - 15, told)
            if self.no_time("grpo with eager experts", 30):
                return
            ours = models.group_experts
            setattr(models, "group_experts", lambda model: bool(model.set_experts_implementation("eager") or True))  # noqa: B010
            try:
                three = {**two, "output": f"{folder}/eager", "grpo": {**two["grpo"], "steps": 2}}
                told = Told("grpo, eager experts", 1, self.say)
                train_until(parse_run(three), math.inf, lambda: self.left() - 10, told)
            finally:
                models.group_experts = ours

    def no_time(self, what: str, needed: float) -> bool:
        short = self.left() < (0 if self.small else needed)
        if short:
            self.say(f"no time for {what}")
        return short

    def loss(self) -> None:
        """FP8 against bfloat16 on text that is seen once, beside a control in bfloat16: 1,000 steps in turn, of fewer
        layers where those of all would not end in time."""
        rows, length, every, tried = (2, 32, 4, 3) if self.small else (8, 512, 100, TRIED)
        device, peak = torch.device(self.device), RATE / 2
        rate = risen(peak, 100)
        steps = rows_of_text(rows, length, 0)[: self.most]
        sizes = [self.build["num_hidden_layers"], 2 if self.small else SMALLER]
        for layers in sizes:
            if self.no_time(f"loss with {layers} layers", 40):
                return
            base = make_model({**self.build, "num_hidden_layers": layers}, 0, device)
            arms = [make_arm(name, base, peak) for name in ("bfloat16", "control", "fp8")]
            del base
            self.say(f"loss, {layers} layers: {in_fp8(arms[-1].model)}; {len(steps)} steps of {rows} x {length} bytes")
            train_together(arms, steps[:tried], rate, device, self.say, every=every, left=lambda: self.left() - 5)
            if len(arms[0].losses) < min(tried, len(steps)):
                return
            needed = 0.0
            for arm in arms:
                usual = sorted(arm.times[-6:])[len(arm.times[-6:]) // 2]
                needed += usual * (len(steps) - tried)
                self.say(f"{arm.name}: {usual * 1000:.0f} ms a step, {rows * length / usual:.0f} tokens/s")
            self.say(f"the rest of the steps would take {needed:.0f} s, {self.left():.0f} are left")
            if needed < self.left() - 10 or layers == sizes[-1]:
                train_together(arms, steps[tried:], rate, device, self.say, every=every, left=lambda: self.left() - 5)
                return
            del arms
            gc.collect()
            if device.type == "cuda":
                torch.cuda.empty_cache()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=240, help="of the whole process")
    parser.add_argument("--steps", type=int, help="most steps of loss, by default 1000, with --small 10")
    parser.add_argument("--accuracy", type=float, default=0.5, help="at which SFT ends, for GRPO to go on")
    parser.add_argument("--out", type=Path, help="a file that every line is written to")
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("veritune").setLevel(logging.INFO)
    logging.getLogger("veritune.kernels.fp8.convert").setLevel(logging.WARNING)
    steps = given.steps or (10 if given.small else 1000)
    bench = Bench(given.small, given.seconds, steps, given.accuracy, given.out)
    where = platform.machine() if given.small else torch.cuda.get_device_name()
    bench.say(
        f"{where}; torch {torch.__version__}, transformers {transformers.__version__}; {time.strftime('%Y-%m-%d')}"
    )
    parts: dict[str, Callable[[], None]] = {name: getattr(bench, name) for name in given.part}
    for name, part in parts.items():
        try:
            part()
        except Exception:  # one part's failure costs the others nothing
            bench.say(f"{name} failed\n{traceback.format_exc()[-2500:]}")
        gc.collect()
        if not given.small:
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
