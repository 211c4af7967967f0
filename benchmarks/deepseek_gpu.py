"""A DeepSeek-V3 of 0.5 billion parameters, 0.1 active, on one GPU: its kernels against their references, a step of
training through grouped experts, transformers' own two and FP8, SFT then GRPO on the demo's world, and FP8 against
bfloat16 on text that is seen once.

    PYTHONPATH=src python benchmarks/deepseek_gpu.py [--seconds 140] [--small] [--parts check steps stages text]

``--small`` tries everything with tiny sizes on a CPU. Every line is printed as it is known.
"""

from __future__ import annotations

import argparse
import logging
import platform
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEGUN = time.monotonic()

import torch  # noqa: E402
import transformers  # noqa: E402

from veritune.kernels.fp8 import grouped, reference  # noqa: E402
from veritune.trainer.config import parse_config  # noqa: E402
from veritune.trainer.data.packing import make_batch  # noqa: E402
from veritune.trainer.data.tasks import get_task  # noqa: E402
from veritune.trainer.observe.metrics import read_metrics  # noqa: E402
from veritune.trainer.policy import models  # noqa: E402
from veritune.trainer.policy.distributed import ALONE  # noqa: E402
from veritune.trainer.policy.experts.products import NAME, grouped_linear  # noqa: E402
from veritune.trainer.policy.experts.routing import expect_sequences, load_metrics  # noqa: E402
from veritune.trainer.policy.logprobs import completion_logprobs  # noqa: E402
from veritune.trainer.policy.models import load_policy  # noqa: E402
from veritune.trainer.policy.optimization import gradient_step  # noqa: E402
from veritune.trainer.run import train  # noqa: E402
from veritune.trainer.stages.table import parse_run  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
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


class Bench:
    def __init__(self, small: bool, seconds: float, steps: int) -> None:
        self.small, self.seconds, self.most = small, seconds, steps
        self.device = "cpu" if small else "cuda"
        self.build = TINY if small else LARGE

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - BEGUN:5.0f} s] {text}", flush=True)

    def left(self) -> float:
        return self.seconds - (time.monotonic() - BEGUN)

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def policy(self, vocabulary: int | None = None) -> Any:
        torch.manual_seed(0)
        values = {
            "model": {"build": self.build, "moe": {"balance": "both"}},
            "data": {"task": "arithmetic"},
            "rewards": {"accuracy": {}},
            "device": self.device,
        }
        made = load_policy(parse_config(values), get_task("arithmetic", {"terms": 3}))
        if vocabulary is not None:
            made.model.resize_token_embeddings(vocabulary, mean_resizing=False)
        return made

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

    @staticmethod
    def off(found: torch.Tensor, exact: torch.Tensor) -> float:
        return float((found.double() - exact.double()).norm() / exact.double().norm())

    def step(self, policy: Any, optimizer: Any, rows: list[list[int]], device: Any) -> torch.Tensor:
        """One optimizer step as SFT makes it; the loss, not waited for."""
        batch = make_batch([r[:1] for r in rows], [r[1:] for r in rows], device)
        expect_sequences(policy.model, len(rows), ALONE)
        with policy.autocast():
            logps_RT, _ = completion_logprobs(policy.model, batch)
        loss = -logps_RT.sum() / float(batch.lengths_R.sum())
        torch.autograd.backward(loss)
        gradient_step(policy.model, optimizer, 1.0)
        return loss.detach()

    def steps(self) -> None:
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
                    self.step(policy, optimizer, rows, policy.device)
                if self.device == "cuda":
                    torch.cuda.reset_peak_memory_stats()
                self.wait()
                began, turns = time.perf_counter(), 0
                while turns < 8 and (turns < 2 or time.perf_counter() - began < 3):
                    loss = self.step(policy, optimizer, rows, policy.device)
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

    def stages(self) -> None:
        """SFT, then GRPO from what it left, by their configurations; then the same steps of GRPO with eager experts."""
        sft, grpo, batch = (3, 2, 8) if self.small else (150, 12, 256)
        groups = 4 if self.small else 16
        shared = {"data": {"task": "arithmetic", "params": {"terms": 3}}, "device": self.device}
        with tempfile.TemporaryDirectory() as folder:
            one = {
                **shared,
                "stage": "sft",
                "output": f"{folder}/sft",
                "model": {"build": self.build, "moe": {"balance": "both"}},
                "sft": {"steps": sft, "batch": batch, "lr": 6e-4, "warmup_steps": 20, "schedule": "linear"},
                "evaluation": {"prompts": 32},
                "checkpoint": {"every": None},
            }
            path = train(parse_run(one), quiet=True)
            self.curve("sft", read_metrics(path / "metrics.jsonl"), 20)
            two = {
                **shared,
                "stage": "grpo",
                "output": f"{folder}/grpo",
                "model": {"path": str(path / "model"), "moe": {"balance": "both"}},
                "rewards": {"accuracy": {}, "format": {"weight": 0.1, "params": {"style": "think_answer_soft"}}},
                "grpo": {
                    "steps": grpo,
                    "prompts": groups,
                    "samples": groups,
                    "lr": 2e-5,
                },
                "sampling": {"max_tokens": 24},
                "evaluation": {"prompts": 32, "every": None},
                "checkpoint": {"every": None},
            }
            if self.left() < 30:
                self.say("no time for grpo")
                return
            path = train(parse_run(two), quiet=True)
            self.curve("grpo", read_metrics(path / "metrics.jsonl"), 2)
            if self.left() < 30:
                self.say("no time for grpo with eager experts")
                return
            ours = models.group_experts
            models.group_experts = lambda model: bool(model.set_experts_implementation("eager") or True)
            try:
                three = {**two, "output": f"{folder}/eager", "grpo": {**two["grpo"], "steps": 2}}
                path = train(parse_run(three), quiet=True)
                self.curve("grpo, eager experts", read_metrics(path / "metrics.jsonl"), 1)
            finally:
                models.group_experts = ours

    def curve(self, what: str, lines: list[dict[str, Any]], every: int) -> None:
        names = ("loss", "reward", "accuracy", "mismatch", "moe_max_violation", "moe_dead_share", "tokens_per_second")
        for line in lines:
            if line["phase"] == "warning" or (line["phase"] != "evaluation" and line["step"] % every):
                continue
            shown = " ".join(f"{name} {line[name]:.4g}" for name in names if line.get(name) is not None)
            seconds = {k: round(v, 2) for k, v in line.items() if k.startswith("seconds") and isinstance(v, float)}
            self.say(f"{what}: {line['phase']} {line['step']} {shown} {seconds}")

    def text(self) -> None:
        """The loss on text that is seen once, bfloat16 against FP8: the bytes of this repository."""
        files = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*/**/*.py")])
        data = b"\n\n".join(path.read_bytes() for path in files if ".venv" not in path.parts)
        count, length = (4, 64) if self.small else (16, 512)
        order = torch.randperm(len(data) // length, generator=torch.Generator().manual_seed(0)).tolist()
        steps = min(len(order) // count, self.most)
        curves: dict[str, list[torch.Tensor]] = {}
        budget = 0.0
        for arm in ("bfloat16", "fp8"):
            policy = self.policy(vocabulary=256)
            if arm == "fp8":
                self.to_fp8(policy.model, "always")
            optimizer = torch.optim.AdamW(
                policy.model.parameters(), lr=6e-4, betas=(0.9, 0.95), fused=self.device == "cuda"
            )
            self.wait()
            if arm == "bfloat16":  # half of what is left, without what making a model takes
                budget = self.left() / 2 - 12
            began, curve = time.perf_counter(), []
            for step in range(steps):
                for group in optimizer.param_groups:
                    group["lr"] = 6e-4 * min(1.0, (step + 1) / 40)
                blocks = order[step * count : (step + 1) * count]
                rows = [list(data[b * length : (b + 1) * length]) for b in blocks]
                curve.append(self.step(policy, optimizer, rows, policy.device))
                full = time.perf_counter() - began > budget
                if step % 10 == 9 and (full if arm == "bfloat16" else step + 1 >= len(curves["bfloat16"])):
                    break
            self.wait()
            seconds = time.perf_counter() - began
            curves[arm] = curve
            self.say(
                f"text, {arm}: {len(curve)} steps in {seconds:.1f} s, "
                f"{len(curve) * count * length / seconds:.0f} tokens/s, {load_metrics(policy.model)}"
            )
            del policy, optimizer
        common = min(map(len, curves.values()))
        for end in sorted({max(1, common // 4), max(1, common // 2), common}):
            window = slice(max(0, end - max(1, end // 5)), end)
            means = {arm: float(torch.stack(curve[window]).mean()) for arm, curve in curves.items()}
            apart = means["fp8"] / means["bfloat16"] - 1
            self.say(f"text, steps {window.start} to {end}: {means}, FP8 {apart * 100:+.2f} %")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=140)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--steps", type=int, help="most steps on text, by default 1000, with --small 3")
    parser.add_argument("--parts", nargs="+", default=["check", "steps", "stages", "text"])
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("veritune").setLevel(logging.INFO)
    logging.getLogger("veritune.kernels.fp8.convert").setLevel(logging.WARNING)
    bench = Bench(given.small, given.seconds, given.steps or (3 if given.small else 1000))
    where = platform.machine() if given.small else torch.cuda.get_device_name()
    bench.say(
        f"{where}; torch {torch.__version__}, transformers {transformers.__version__}; {time.strftime('%Y-%m-%d')}"
    )
    parts: dict[str, Callable[[], None]] = {name: getattr(bench, name) for name in given.parts}
    for name, part in parts.items():
        try:
            part()
        except Exception:  # one part's failure costs the others nothing
            bench.say(f"{name} failed\n{traceback.format_exc()[-2500:]}")
        if not given.small:
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
