"""One loss of the trainer with its kernels and with plain PyTorch; run on a GPU or in Triton's interpreter.

Prints one JSON object: for each objective, how far loss and gradients are from a float32 run without any kernel, with
the kernels on ("kernels") and off ("plain"). The interpreter computes in float32, the GPU under bfloat16's autocast.

On a GPU it is the root mean square over several draws: under gspo's narrow clip one or two sequences carry the whole
gradient, and of a single draw the rounding error of either way may be half as large again as the other's.
"""

from __future__ import annotations

import copy
import json
import math
import os
import sys
import warnings

if len(sys.argv) < 2:
    os.environ |= {"TRITON_INTERPRET": "1", "VERITUNE_KERNELS": "triton"}
warnings.simplefilter("ignore")

from typing import Any  # noqa: E402

import torch  # noqa: E402
from decode_models import make_model  # type: ignore[import-not-found]  # noqa: E402

from veritune.kernels.linear import engine  # noqa: E402
from veritune.trainer.data.packing import make_batch  # noqa: E402
from veritune.trainer.objective.algorithms import ALGORITHMS, Objective  # noqa: E402
from veritune.trainer.objective.losses import LossBatch, policy_loss, row_weights  # noqa: E402
from veritune.trainer.policy.fused import fuse_layers  # noqa: E402
from veritune.trainer.policy.logprobs import HEADS, completion_logprobs  # noqa: E402

CASES = {
    "grpo": {**ALGORITHMS["grpo"], "beta": 0.1},
    "gspo": ALGORITHMS["gspo"],
    "dapo": {**ALGORITHMS["dapo"], "entropy_bonus": 0.01},
}
PROMPTS = [[5, 6, 7], [8], [4, 5, 6, 7, 8, 9]]
COMPLETIONS = [[9, 10, 1, 3], [11, 12, 13, 14, 0, 2], [1]]


def run(
    model: Any, objective: Objective, head: str, device: str, autocast: bool, base: torch.Tensor, seed: int
) -> tuple[float, torch.Tensor]:
    """The loss, and every parameter's gradient in one row."""
    model.zero_grad(set_to_none=True)
    tokens = make_batch(PROMPTS, COMPLETIONS, device)
    mask = tokens.mask_RT.float()
    with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
        logps, entropy = completion_logprobs(model, tokens, 0.9, "gradient", HEADS[head])
    noise = torch.Generator().manual_seed(seed)
    old, reference = (base + 0.3 * torch.randn(base.shape, generator=noise) for _ in range(2))
    batch = LossBatch(
        logps_BT=logps,
        advantages_B=torch.tensor([1.2, -0.7, 0.4], device=device),
        mask_BT=mask,
        weights_B=row_weights(objective, mask.sum(1), 8),
        old_BT=old.to(device),
        reference_BT=reference.to(device),
        entropy_BT=entropy,
    )
    loss = policy_loss(batch, objective).loss
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach()), torch.cat([p.grad.detach().double().flatten().cpu() for p in model.parameters()])


def draw(objective: Objective, device: str, seed: int) -> dict[str, float]:
    """The errors of one model, one batch and one old policy."""
    autocast = device != "cpu"
    model, _ = make_model("qwen2")
    with torch.no_grad():
        noise = torch.Generator().manual_seed(seed)
        for parameter in model.parameters() if seed else ():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=noise))
        base, _ = completion_logprobs(model, make_batch(PROMPTS, COMPLETIONS, "cpu"), 0.9, head=HEADS["reference"])
    model.to(device)
    fused = copy.deepcopy(model)
    fuse_layers(fused)
    loss, gradient = run(model, objective, "reference", device, False, base, seed)
    if float(gradient.norm()) == 0:
        return {}  # everything is clipped
    launched = engine.row_stats
    calls: list[int] = []
    engine.row_stats = lambda *a, **k: calls.append(1) or launched(*a, **k)  # type: ignore[func-returns-value]
    found = {"kernels": run(fused, objective, "auto" if autocast else "fused", device, autocast, base, seed)}
    engine.row_stats = launched
    found["plain"] = run(model, objective, "reference", device, autocast, base, seed)
    errors: dict[str, float] = {"launched": float(len(calls))}
    for which, (value, row) in found.items():
        errors[f"{which} loss"] = abs(value - loss)
        errors[f"{which} gradient"] = float((row - gradient).norm() / gradient.norm())
    return errors


def compare(name: str, device: str) -> dict[str, float]:
    """The errors over all draws."""
    objective = Objective(**CASES[name])
    found = [errors for seed in range(1 if device == "cpu" else 24) if (errors := draw(objective, device, seed))]
    return {key: math.sqrt(sum(errors[key] ** 2 for errors in found) / len(found)) for key in found[0]}


if __name__ == "__main__":
    where = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    print(json.dumps({name: compare(name, where) for name in CASES}))
