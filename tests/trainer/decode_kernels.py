"""Runs the static sampler with its Triton kernels beside the plain operations; run on a GPU or in the interpreter.

Prints one JSON object: for each model, whether all tokens were equal, and the largest difference of log-probs.
"""

from __future__ import annotations

import json
import os
import sys
import warnings

if len(sys.argv) < 2:
    os.environ["TRITON_INTERPRET"] = "1"
warnings.simplefilter("ignore")

import torch  # noqa: E402
from decode_models import PROMPTS, make_model  # type: ignore[import-not-found]  # noqa: E402

from veritune.trainer.config import SamplingConfig  # noqa: E402
from veritune.trainer.rollout.decode import triton_ops  # noqa: E402
from veritune.trainer.rollout.decode.ops import TorchOps  # noqa: E402
from veritune.trainer.rollout.decode.sampler import StaticSampler  # noqa: E402
from veritune.trainer.rollout.decode.triton_ops import TritonOps  # noqa: E402

triton_ops.CHUNK = 16  # several chunks, of a small vocabulary too
CASES = {
    "qwen2": ({"temperature": 0.7}, TritonOps(block=16, parts=1)),
    "qwen3": ({"top_p": 0.8, "top_k": 20}, TritonOps(block=16, parts=2)),
}


def compare(name: str) -> dict[str, object]:
    options, ops = CASES[name]
    model, tokenizer = make_model(name)
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    model.to(device)
    sampling = SamplingConfig(max_tokens=2, **options)  # type: ignore[arg-type]
    found = []
    for each in (ops, TorchOps()):
        sampler = StaticSampler(model, tokenizer, [tokenizer.eos_token_id], ops=each)
        found.append(sampler.generate(PROMPTS, 1, sampling, torch.Generator(device).manual_seed(1)))
    pairs = list(zip(*found, strict=True))
    gaps = [abs(x - y) for a, b in pairs for x, y in zip(a.logprobs, b.logprobs, strict=False)]
    return {"equal": all(a.token_ids == b.token_ids for a, b in pairs), "gap": max(gaps)}


if __name__ == "__main__":
    print(json.dumps({name: compare(name) for name in CASES}))
