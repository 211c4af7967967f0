"""Speculative decoding at an acceptance of 85 %, and decoding with a latent cache, on one GPU.

    PYTHONPATH=src python benchmarks/speculative_gpu.py [--small] [--part drafts] [--seconds 170]

The model of the first part is made so that its module is right as often as asked for: its layers add nothing to the
residual stream (their output matrices are 0, every product is still computed), so that the next token's distribution
depends on the last token alone; the module passes on the token it reads, with so much noise that Σ min(p, q) is what it
should be. Both samplers draw from the same model, in turns. ``--small``: tiny sizes on a CPU, to try the script.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from veritune.trainer.config import MTPConfig, SamplingConfig
from veritune.trainer.data.packing import make_batch
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.mtp import attach_mtp
from veritune.trainer.rollout.decode.sampler import StaticSampler

BEGUN = time.monotonic()
BATCHES = (8, 16, 32, 64, 128)
SPREAD = 4.5
"""Standard deviation of the logits: a perplexity of a few dozens."""


class Numbers:
    """As much of a tokenizer as the sampler asks for."""

    def decode(self, ids: Any, **options: Any) -> str:
        return ""


def say(text: str = "") -> None:
    print(text, flush=True)


def made(kind: str, device: torch.device, dtype: torch.dtype, fields: dict[str, Any]) -> Any:
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    torch.manual_seed(0)
    ids = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    config = CONFIG_MAPPING[kind](**ids, **fields)
    config._attn_implementation = "sdpa"
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            return AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").eval()
    finally:
        torch.set_default_dtype(before)


def timed(device: torch.device, work: Callable[[], Any]) -> tuple[float, Any]:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    begun = time.perf_counter()
    found = work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begun, found


def count(model: Any) -> float:
    return float(sum(p.numel() for p in model.parameters()) / 1e6)


# -- drafts ------------------------------------------------------------------------------------------------------------


@torch.no_grad()
def drafting_model(small: bool, device: torch.device, dtype: torch.dtype, wanted: float) -> tuple[Any, float]:
    """The model, and Σ min(p, q) as it was reached."""
    fields: dict[str, Any] = {
        "vocab_size": 32_768, "hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 28,
        "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "max_position_embeddings": 4096,
        "tie_word_embeddings": False,
    }  # fmt: skip
    if small:
        fields |= {
            "vocab_size": 256,
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "head_dim": 16,
        }
        fields |= {"num_attention_heads": 4, "num_key_value_heads": 2}
    model = made("qwen3", device, dtype, fields)
    with device:
        attach_mtp(model, MTPConfig(depth=1))
    module = model.mtp.to(device).layers[0]
    for layer in [*model.model.layers, module.block]:
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
    width = fields["hidden_size"]
    model.model.embed_tokens.weight.normal_()
    model.lm_head.weight.normal_(std=SPREAD / width**0.5)
    noise = torch.randn(width, width, device=device, dtype=dtype) / width**0.5
    tokens = torch.arange(0, fields["vocab_size"], max(1, fields["vocab_size"] // 512), device=device)
    before = tokens.roll(1)
    low, high, reached = 0.0, 4.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        module.eh_proj.weight.copy_(torch.cat([torch.eye(width, device=device, dtype=dtype), middle * noise], 1))
        embedded, states = (model.model.embed_tokens(t) for t in (tokens, before))
        states = model.model.norm(states)
        p = model.lm_head(model.model.norm(embedded)).float().softmax(-1)
        joined = module.eh_proj(torch.cat([module.enorm(embedded), module.hnorm(states)], -1))
        q = model.lm_head(module.norm(joined)).float().softmax(-1)
        reached = float(torch.minimum(p, q).sum(-1).mean())
        low, high = (middle, high) if reached > wanted else (low, middle)
    return model, reached


def speculative(small: bool, device: torch.device, dtype: torch.dtype) -> None:
    model, reached = drafting_model(small, device, dtype, 0.85)
    what = f"qwen3 of {count(model):.0f} M parameters with its module, {dtype}"
    say(f"\n== drafts: {what}; E[Σ min(p, q)] = {reached:.3f}")
    plain = StaticSampler(model, Numbers(), [], dtype)
    drafting = StaticSampler(model, Numbers(), [], dtype, speculative=True)
    vocabulary = model.config.vocab_size
    tokens, length = (12, 8) if small else (256, 128)
    say("rows  acceptance  tokens/forward   plain tok/s   drafts tok/s   ratio")
    for rows in (4, 8) if small else BATCHES:
        prompts = torch.randint(vocabulary, (rows, length), generator=torch.Generator().manual_seed(1)).tolist()
        sampling = SamplingConfig(max_tokens=tokens, batch=rows)
        best = {"plain": 1e9, "drafts": 1e9}
        rollouts: list[Rollout] = []
        for turn in range(3):
            for name, sampler in (("plain", plain), ("drafts", drafting)):
                made_of = torch.Generator(device).manual_seed(turn)
                seconds, found = timed(device, partial(sampler.generate, prompts, 1, sampling, made_of))
                if turn:  # the first call compiles and captures
                    best[name] = min(best[name], seconds)
                if name == "drafts":
                    rollouts = found
        drawn = rows * tokens
        accepted, drafted, forwards = (
            sum(getattr(r, n) for r in rollouts) for n in ("accepted", "drafted", "forwards")
        )
        say(
            f"{rows:4d}  {accepted / drafted:10.3f}  {drawn / forwards:14.3f}  {drawn / best['plain']:12.0f}  "
            f"{drawn / best['drafts']:13.0f}  {best['plain'] / best['drafts']:6.2f}"
        )
    check_equal(plain, drafting, vocabulary, device)
    check_distribution(model, drafting, device, rows=256 if small else 20_000)


def check_equal(plain: StaticSampler, drafting: StaticSampler, vocabulary: int, device: torch.device) -> None:
    """Greedy: the same tokens, but where rounding in this dtype decides."""
    prompts = torch.randint(vocabulary, (8, 16), generator=torch.Generator().manual_seed(2)).tolist()
    greedy = SamplingConfig(max_tokens=32, top_k=1)
    left, right = (s.generate(prompts, 1, greedy, torch.Generator(device)) for s in (plain, drafting))
    same = sum(a.token_ids == b.token_ids for a, b in zip(left, right, strict=True))
    say(f"greedy completions equal to those without drafts: {same} of 8")


@torch.no_grad()
def check_distribution(model: Any, drafting: StaticSampler, device: torch.device, rows: int) -> None:
    """The second token of many draws from one prompt (checked, or drawn in place of a draft), against the model's."""
    sampling = SamplingConfig(max_tokens=2, batch=min(rows, 2000))
    rollouts = drafting.generate([[3, 5, 7]], rows, sampling, torch.Generator(device).manual_seed(5))
    firsts = torch.tensor([r.token_ids[0] for r in rollouts], device=device)
    chances = model(input_ids=torch.tensor([[3, 5, 7]], device=device)).logits[0, -1].float().softmax(-1)
    counts = torch.bincount(firsts, minlength=len(chances)).float()
    common = chances * rows >= 5
    seen = torch.cat([counts[common], counts[~common].sum()[None]])
    expected = torch.cat([chances[common], chances[~common].sum()[None]]) * rows
    statistic, free = float(((seen - expected) ** 2 / expected).sum()), len(seen) - 1
    say(f"chi² of the first token over {rows} draws: {statistic:.0f} with {free} degrees of freedom")
    logps, _ = completion_logprobs(model, make_batch([[3, 5, 7]] * 64, [r.token_ids for r in rollouts[:64]], device))
    gap = (logps.float().cpu() - torch.tensor([r.logprobs for r in rollouts[:64]])).abs().max()
    say(f"largest difference of a log-prob from a whole forward's: {float(gap):.4f}")


# -- latent cache ------------------------------------------------------------------------------------------------------


def latent(small: bool, device: torch.device, dtype: torch.dtype) -> None:
    fields: dict[str, Any] = {
        "vocab_size": 32_768, "hidden_size": 1024, "intermediate_size": 2816, "moe_intermediate_size": 512,
        "num_hidden_layers": 12, "num_attention_heads": 16, "num_key_value_heads": 16, "n_routed_experts": 32,
        "n_shared_experts": 1, "num_experts_per_tok": 4, "n_group": 4, "topk_group": 2, "first_k_dense_replace": 1,
        "kv_lora_rank": 512, "q_lora_rank": 768, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128,
        "max_position_embeddings": 8192,
    }  # fmt: skip
    if small:
        fields |= {"vocab_size": 256, "hidden_size": 64, "intermediate_size": 96, "moe_intermediate_size": 32}
        fields |= {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4, "n_routed_experts": 8}
        fields |= {
            "kv_lora_rank": 32,
            "q_lora_rank": 48,
            "qk_rope_head_dim": 8,
            "qk_nope_head_dim": 16,
            "v_head_dim": 16,
        }
    model = made("deepseek_v3", device, dtype, fields)
    say(f"\n== latent cache: deepseek_v3 of {count(model):.0f} M parameters, {dtype}")
    sampler = StaticSampler(model, Numbers(), [], dtype)
    length, tokens, few = (8, 6, 4) if small else (512, 128, 24)
    say(f"{length} prompt tokens; a token step of ours over {tokens} tokens, of transformers' generate over {few}")
    say("rows  ours ms/step  transformers ms/step  ratio   ours MiB cache  transformers MiB  peak MiB ours/theirs")
    for rows in (2, 4) if small else (8, 32, 128):
        prompts = torch.randint(
            fields["vocab_size"], (rows, length), generator=torch.Generator().manual_seed(1)
        ).tolist()
        ours, ours_peak = ours_step(sampler, prompts, tokens, device)
        state = sampler.state
        kept = state.bytes / state.count / state.length * rows * (length + tokens) / 2**20 if state else float("nan")
        theirs, theirs_peak, their_cache = theirs_step(model, prompts, few, device)
        say(
            f"{rows:4d}  {ours * 1e3:12.3f}  {theirs * 1e3:20.3f}  {theirs / ours:5.1f}  {kept:15.1f}  "
            f"{their_cache / (length + few) * (length + tokens) / 2**20:16.1f}  {ours_peak:.0f}/{theirs_peak:.0f}"
        )
    rollouts = sampler.generate(prompts[:2], 2, SamplingConfig(max_tokens=few), torch.Generator(device).manual_seed(0))
    with torch.no_grad():
        batch = make_batch([r.prompt_ids for r in rollouts], [r.token_ids for r in rollouts], device)
        logps, _ = completion_logprobs(model, batch)
    gap = (logps.float().cpu() - torch.tensor([r.logprobs for r in rollouts])).abs()
    say(
        f"log-probs against a whole forward of transformers': mean difference {gap.mean():.5f}, largest {gap.max():.5f}"
    )


def peak(device: torch.device, start: bool = False) -> float:
    if device.type != "cuda":
        return float("nan")
    if start:
        torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.max_memory_allocated(device) / 2**20


def ours_step(sampler: StaticSampler, prompts: Any, tokens: int, device: torch.device) -> tuple[float, float]:
    """Seconds a token step: the difference of two lengths, without prefill and capture."""
    times = {}
    peak(device, start=True)
    for most in (tokens, tokens // 2):  # the longer first: its state holds the other too
        seconds = []
        for seed in range(3):
            generator = torch.Generator(device).manual_seed(seed)
            sampling = SamplingConfig(max_tokens=most, batch=len(prompts))
            took, _ = timed(device, partial(sampler.generate, prompts, 1, sampling, generator))
            seconds.append(took)
        times[most] = min(seconds[1:])
    return (times[tokens] - times[tokens // 2]) / (tokens - tokens // 2), peak(device)


def theirs_step(model: Any, prompts: Any, tokens: int, device: torch.device) -> tuple[float, float, float]:
    """Seconds a step of transformers' own generate with its own cache; its bytes at the end."""
    from transformers import DynamicCache

    ids = torch.tensor(prompts, device=device)
    times: dict[int, float] = {}
    held = 0
    cache: Any = None
    peak(device, start=True)
    for most in (tokens, tokens // 2):
        seconds = []
        for _ in range(2):
            cache = DynamicCache(config=model.config)
            options = {"max_new_tokens": most, "min_new_tokens": most, "do_sample": True, "top_k": 0, "pad_token_id": 0}
            given = {"attention_mask": torch.ones_like(ids), "past_key_values": cache, **options}
            took, _ = timed(device, partial(model.generate, ids, **given))
            seconds.append(took)
        times[most] = min(seconds)
        if most == tokens:
            held = sum(t.numel() * t.element_size() for layer in cache.layers for t in (layer.keys, layer.values))
    return (times[tokens] - times[tokens // 2]) / (tokens - tokens // 2), peak(device), float(held)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seconds", type=float, default=170.0)
    parser.add_argument("--part", choices=("drafts", "latent"), help="one alone")
    options = parser.parse_args()
    gpu = torch.cuda.is_available() and not options.small
    device, dtype = (torch.device("cuda", 0), torch.bfloat16) if gpu else (torch.device("cpu"), torch.float32)
    import transformers

    what = torch.cuda.get_device_name(0) if gpu else platform.processor() or platform.machine()
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, Python {platform.python_version()}"
    say(f"{what}; {versions}; {datetime.date.today()}")
    parts = {"drafts": speculative, "latent": latent}
    for part in parts.values() if options.part is None else [parts[options.part]]:
        if time.monotonic() - BEGUN > options.seconds:
            say(f"{part.__name__}: no time left")
            continue
        try:
            part(options.small, device, dtype)
            peak(device, start=True)
        except Exception:
            say(traceback.format_exc())
        say(f"({time.monotonic() - BEGUN:.0f} s)")


if __name__ == "__main__":
    main()
