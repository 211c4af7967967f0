"""How even the load of 64 experts is on skewed data, and what it costs: no balancing, the classic auxiliary loss, the
sequence-wise loss, the bias, and the bias with the sequence-wise loss (DeepSeek-V3's own).

    python benchmarks/moe_balance.py [--steps 2000] [--out benchmarks/results/moe_balance.txt] [--small]

A small DeepSeek-V3 (2 layers, 64 experts, 6 a token) reads text of 32 topics, one topic a sequence, whose shares fall
like 1/rank: a Markov chain each over a vocabulary of 256, so that experts can specialise. The model goes through
veritune's own passes, loss and steps. Held-out loss is measured on topics of equal shares and on the skewed ones.
MaxVio of a step is (max load / mean load − 1), a mean over layers; that of the held-out set (all tokens at once) is the
papers' global one.
"""

from __future__ import annotations

import argparse
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from veritune.trainer.config import MoEConfig
from veritune.trainer.data.packing import make_batch
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.policy.experts.load import load_numbers
from veritune.trainer.policy.experts.products import group_experts
from veritune.trainer.policy.experts.routing import expect_sequences, follow_routers
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.optimization import gradient_step

VOCABULARY, TOPICS, LENGTH = 256, 32, 32
ARMS: dict[str, dict[str, Any]] = {
    "none": {"balance": "none"},
    "auxiliary loss 0.01": {"balance": "loss", "sequence_loss": 0.0, "aux_loss": 0.01},
    "auxiliary loss 0.1": {"balance": "loss", "sequence_loss": 0.0, "aux_loss": 0.1},
    "sequence loss 0.01": {"balance": "loss", "sequence_loss": 0.01},
    "bias 0.001": {"balance": "bias", "bias_rate": 0.001},
    "bias 0.001 + sequence loss 0.0001": {"balance": "both", "bias_rate": 0.001, "sequence_loss": 0.0001},
}


@dataclass
class Text:
    """Topics as Markov chains: every token has four likely successors, other ones in each topic."""

    generator: torch.Generator

    def __post_init__(self) -> None:
        fixed = torch.Generator().manual_seed(1)
        self.next_TVK = torch.randint(VOCABULARY, (TOPICS, VOCABULARY, 4), generator=fixed)
        self.skewed_T = 1.0 / torch.arange(1, TOPICS + 1)
        self.chances_K = torch.tensor([0.55, 0.25, 0.15, 0.05])

    def sequences(self, count: int, even: bool = False) -> list[list[int]]:
        shares_T = torch.ones(TOPICS) if even else self.skewed_T
        topics_B = torch.multinomial(shares_T, count, True, generator=self.generator)
        tokens_B = torch.randint(VOCABULARY, (count,), generator=self.generator)
        columns = [tokens_B]
        for _ in range(LENGTH):
            choice_B = torch.multinomial(self.chances_K, count, True, generator=self.generator)
            tokens_B = self.next_TVK[topics_B, tokens_B, choice_B]
            columns.append(tokens_B)
        return torch.stack(columns, 1).tolist()


def make_model(seed: int, hidden: int) -> Any:
    torch.manual_seed(seed)
    config = transformers.DeepseekV3Config(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        moe_intermediate_size=hidden // 2,
        num_hidden_layers=2,
        first_k_dense_replace=0,
        n_routed_experts=64,
        num_experts_per_tok=6,
        n_shared_experts=1,
        n_group=1,
        topk_group=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        q_lora_rank=None,
        kv_lora_rank=hidden // 2,
        qk_rope_head_dim=8,
        qk_nope_head_dim=8,
        v_head_dim=16,
        max_position_embeddings=64,
        pad_token_id=None,
        bos_token_id=None,
        eos_token_id=None,
        num_nextn_predict_layers=0,
    )
    return transformers.AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")


def run(name: str, steps: int, batch: int, hidden: int, seed: int, lr: float) -> dict[str, float]:
    model = make_model(seed, hidden)
    group_experts(model)
    routing = follow_routers(model, MoEConfig(**ARMS[name]))
    assert routing is not None
    text = Text(torch.Generator().manual_seed(seed))
    held = Text(torch.Generator().manual_seed(10_000))
    tests = {"held_out": held.sequences(512), "held_out_even": held.sequences(512, even=True)}
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.95), weight_decay=0.0)
    violations: list[float] = []
    last: dict[str, float] = {}
    scores: list[torch.Tensor] = []
    routing.routers[0].register_forward_hook(lambda module, args, output: scores.append(output[0].detach().sigmoid()))
    began = time.process_time()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, (step + 1) / 50) * max(0.1, 1 - step / steps)
        rows = text.sequences(batch)
        expect_sequences(model, batch, ALONE)
        logps_RT, _ = completion_logprobs(model, make_batch([r[:1] for r in rows], [r[1:] for r in rows], "cpu"))
        loss = -logps_RT.sum() / (batch * LENGTH)
        torch.autograd.backward(loss)
        gradient_step(model, optimizer, 1.0)
        last = {"loss": float(loss), **routing.read_metrics()}
        violations.append(last["moe_max_violation"])
        if (step + 1) % max(1, steps // 10) == 0:
            recent = sum(violations[-(steps // 10) :]) / (steps // 10)
            spread = f"scores {float(scores[-1].mean()):.4f} ± {float(scores[-1].std(1).mean()):.4f}"
            print(f"  {name}: step {step + 1} loss {last['loss']:.4f} MaxVio {recent:.3f} {spread}", flush=True)
        scores.clear()
    tail = violations[-steps // 10 :]
    found = {"MaxVio, last tenth": sum(tail) / len(tail), "MaxVio, all steps": sum(violations) / len(violations)}
    found |= {"entropy": last["moe_load_entropy"], "dead": last["moe_dead_share"], "drift": last["moe_bias_drift"]}
    for key, rows in tests.items():
        expect_sequences(model, len(rows), ALONE)
        total = 0.0
        for begin in range(0, len(rows), 128):
            part = rows[begin : begin + 128]
            # with gradients on, so that the load is counted; nothing is trained
            logps_RT, _ = completion_logprobs(model, make_batch([r[:1] for r in part], [r[1:] for r in part], "cpu"))
            total -= float(logps_RT.detach().sum())
        found[f"{key} loss"] = total / (len(rows) * LENGTH)
        found[f"{key} MaxVio"] = load_numbers(routing.loads_ME)["moe_max_violation"]
    found["CPU s"] = time.process_time() - began
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--arms", nargs="+", default=list(ARMS))
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    steps = 20 if given.small else given.steps
    lines = [
        f"{platform.processor() or platform.machine()}, one thread; torch {torch.__version__}, transformers "
        f"{transformers.__version__}; {time.strftime('%Y-%m-%d')}",
        f"{steps} steps of {given.batch} sequences of {LENGTH} tokens, hidden {given.hidden}, 2 layers, "
        f"64 experts, 6 a token, lr {given.lr:g}",
    ]
    print("\n".join(lines), flush=True)
    for seed in given.seeds:
        for name in given.arms:
            found = run(name, steps, given.batch, given.hidden, seed, given.lr)
            line = f"seed {seed}  {name:34s} " + "  ".join(f"{k} {v:.4f}" for k, v in found.items())
            lines.append(line)
            print(line, flush=True)
            if given.out is not None:
                given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
