"""Runs the static sampler with its Triton kernels beside the plain operations; run on a GPU or in the interpreter.

Prints one JSON object: for each model, whether all tokens were equal, and the largest difference of log-probs.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from dataclasses import replace
from typing import Any

if len(sys.argv) < 2:
    os.environ["TRITON_INTERPRET"] = "1"
warnings.simplefilter("ignore")

import torch  # noqa: E402
from decode_models import PROMPTS, VOCABULARY, make_model  # type: ignore[import-not-found]  # noqa: E402
from decode_ops import compare_ops, cuts, cuts_for_many  # type: ignore[import-not-found]  # noqa: E402

from veritune.trainer.config import MTPConfig, SamplingConfig  # noqa: E402
from veritune.trainer.policy.layers import Weights  # noqa: E402
from veritune.trainer.policy.models import make_tokenizer  # noqa: E402
from veritune.trainer.policy.mtp import attach_mtp  # noqa: E402
from veritune.trainer.rollout.decode import triton_ops, two_kernels, verify_kernels  # noqa: E402
from veritune.trainer.rollout.decode.ops import TorchOps  # noqa: E402
from veritune.trainer.rollout.decode.rows import Rows  # noqa: E402
from veritune.trainer.rollout.decode.sampler import StaticSampler  # noqa: E402
from veritune.trainer.rollout.decode.speculative import append_drawn, warped  # noqa: E402
from veritune.trainer.rollout.decode.speculative_rows import SpeculativeRows  # noqa: E402
from veritune.trainer.rollout.decode.triton_ops import TritonOps  # noqa: E402
from veritune.trainer.rollout.decode.verifying import draw_verified  # noqa: E402

triton_ops.CHUNK = triton_ops.HEAD_CHUNK = 16  # several chunks, of a small vocabulary too
CASES: dict[str, Any] = {
    "qwen2": ({"temperature": 0.7}, TritonOps(block=16, parts=1, plans=cuts)),
    "qwen3": ({"top_p": 0.8, "top_k": 20}, TritonOps(block=16, parts=2, plans=cuts_for_many, groups=2)),
    "latent": ({}, TritonOps(block=16, parts=1)),
}
if len(sys.argv) > 1:  # on a GPU; in the interpreter they would take half a minute
    CASES |= {f"{name}-drafts": CASES[name] for name in list(CASES)}


def latent() -> tuple[Any, Any]:
    """With more heads than one program has, and widths that are no powers of two."""
    from mtp_models import make_model as make_latent  # type: ignore[import-not-found]

    tokenizer = make_tokenizer(VOCABULARY)
    sizes = {"num_attention_heads": 17, "num_key_value_heads": 17, "kv_lora_rank": 24, "num_hidden_layers": 1}
    return make_latent("deepseek_v3", None, torch.float32, vocab_size=len(tokenizer), **sizes).eval(), tokenizer


def compare(name: str) -> dict[str, object]:
    options, ops = CASES[name]
    drafts = name.endswith("-drafts")
    model, tokenizer = latent() if name.startswith("latent") else make_model(name.removesuffix("-drafts"))
    if drafts:
        torch.manual_seed(0)
        attach_mtp(model, MTPConfig())
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    model.to(device)
    sampling = SamplingConfig(max_tokens=12 if drafts else 2, **options)
    found = []
    for each in (ops, TorchOps()):
        sampler = StaticSampler(model, tokenizer, [tokenizer.eos_token_id], ops=each, speculative=drafts)
        found.append(sampler.generate(PROMPTS, 1, sampling, torch.Generator(device).manual_seed(1)))
    pairs = list(zip(*found, strict=True))
    gaps = [abs(x - y) for a, b in pairs for x, y in zip(a.logprobs, b.logprobs, strict=False)]
    return {"equal": all(a.token_ids == b.token_ids for a, b in pairs), "gap": max(gaps)}


def verified(options: dict[str, Any]) -> dict[str, object]:
    """Drafts accepted and tokens drawn by the kernel, and by the law."""
    made, count, vocabulary = torch.Generator().manual_seed(0), 16, 40
    sampling, device = SamplingConfig(**options), sys.argv[1] if len(sys.argv) > 1 else "cpu"
    logits_NV = 2 * torch.randn(2 * count, vocabulary, generator=made)
    draft_BV = warped(logits_NV[:count] + 0.7 * torch.randn(count, vocabulary, generator=made), sampling)
    draft_B = torch.multinomial(draft_BV.softmax(-1), 1, generator=made)[:, 0]
    draft_B[0] = -1
    plain = Rows.empty(count, 3, torch.device("cpu")).tensors()
    tables = torch.rand(3, count, 3, dtype=torch.float64, generator=made)
    counters = [torch.zeros(count, dtype=torch.long) for _ in range(3)]
    rows = SpeculativeRows(*[*plain[:7], tables[0], tables[1], tables[2], draft_B, draft_BV, *counters])
    rows = SpeculativeRows(*(tensor.to(device) for tensor in rows.tensors()))
    rows.alive_B.fill_(True)
    found = [draw(logits_NV.to(device), rows, sampling) for draw in (draw_verified, verify_kernels.draw_verified)]
    equal = all(torch.equal(a, b) for a, b in list(zip(*found, strict=True))[:2])
    gap = max(float((a - b)[1:].abs().max()) for a, b in list(zip(*found, strict=True))[2:])
    return {"equal": equal and 0 < int(found[0][1].sum()) < count - 1, "gap": gap}


def two_tokens(parts: int) -> dict[str, object]:
    """A layer's attention over two tokens a row, and what a step appends to rows, by the kernels and by the law."""
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    model, _ = make_model("qwen3")
    weights = Weights(model.to(device), torch.float32)
    weights.prepare(40)
    layer, made, gaps = weights.layers[0], torch.Generator().manual_seed(0), []
    rows = Rows(*(tensor.to(device) for tensor in Rows.empty(3, 4, torch.device("cpu")).tensors()))
    rows.positions_B.copy_(torch.tensor([0, 15, 37]))
    rows.alive_B.fill_(True)
    caches = [torch.zeros(2, 3, weights.kv_heads, 40, weights.head_dim, device=device) for _ in range(2)]
    caches[1].copy_(caches[0].normal_())
    qkv_NX = torch.randn(6, len(layer.qkv), generator=made).to(device)
    kernels: Any = two_kernels
    (key, value), (key_too, value_too) = caches
    query = kernels.rotate_store_two(qkv_NX, key, value, rows, layer, weights)
    found = kernels.attend_two(query, key, value, rows, weights, parts=parts, block=16)
    both = [replace(rows, positions_B=rows.positions_B + slot) for slot in (0, 1)]
    law = TorchOps()
    slots = list(zip(qkv_NX.chunk(2), both, strict=True))
    queries = [law.rotate_store(x, key_too, value_too, r, layer, weights) for x, r in slots]
    wanted = [law.attend(q, key_too, value_too, r, 40, weights) for q, r in zip(queries, both, strict=True)]
    gaps += [float((found - torch.cat(wanted)).abs().max()), float((caches[0] - caches[1]).abs().max())]
    return {"equal": True, "gap": max(gaps)}


def appended() -> dict[str, object]:
    """Every way in which a step can end, by the kernel and by the law."""
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    ways = [(a, d, t, limit) for a in (0, 1) for d in (1, 5) for t in (1, 6) for limit in (1, 2, 9)]
    accepted_B, draft_B, token_B, limits_B = torch.tensor([*ways, (0, -1, 3, 9)]).T.to(device)
    count, sets = len(accepted_B), []
    logps_B, draft_logps_B = (torch.full((count,), value, device=device) for value in (-2.0, -3.0))
    drawn = (token_B.contiguous(), accepted_B.bool(), logps_B, draft_logps_B)
    for kernel in (True, False):
        plain = Rows.empty(count, 9, torch.device(device)).tensors()
        counters = [torch.zeros(count, dtype=torch.long, device=device) for _ in range(3)]
        tables = [torch.zeros(count, 9, dtype=torch.float64, device=device) for _ in range(2)]
        rows = SpeculativeRows(*[*plain, *tables, draft_B.clone(), torch.zeros(count, 7, device=device), *counters])
        rows.limits_B.copy_(limits_B)
        rows.alive_B[1:] = True
        eos_E = torch.tensor([1], device=device)
        step: Any = two_kernels.advance_two if kernel else append_drawn
        first, _, second = step(drawn, rows, eos_E)
        living = torch.arange(count, device=device) > 0
        sets.append([first[living], second, *rows.tensors()])
    return {"equal": all(torch.equal(a, b) for a, b in zip(*sets, strict=True)), "gap": 0.0}


if __name__ == "__main__":
    results = {name: compare(name) for name in CASES}
    results |= {f"verified {options}": verified(options) for options in ({"temperature": 0.6}, {"top_p": 0.7})}
    results["ops"] = compare_ops(sys.argv[1] if len(sys.argv) > 1 else "cpu")
    results |= {f"two tokens, {parts} parts": two_tokens(parts) for parts in (1, 2)}
    results["appended"] = appended()
    print(json.dumps(results))
