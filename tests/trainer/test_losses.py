"""Every objective against a reference written out token by token, and against trl's loss on the same tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from veritune.trainer.objective.algorithms import ALGORITHMS, Objective
from veritune.trainer.objective.losses import (
    LossBatch,
    entropy_threshold,
    importance_weights,
    kl_estimate,
    policy_loss,
    row_weights,
)

LENGTHS = [5, 2, 7, 1, 4, 7]
WIDTH, MAX_TOKENS = 7, 9


@pytest.fixture
def tensors() -> dict[str, Tensor]:
    """Log-probs of a policy that has moved far enough for every clip to bind somewhere."""
    torch.manual_seed(1)
    rows = len(LENGTHS)
    mask = (torch.arange(WIDTH) < torch.tensor(LENGTHS)[:, None]).float()
    logps = -torch.rand(rows, WIDTH, dtype=torch.float64) * 3
    return {
        "logps": logps.requires_grad_(),
        "old": (logps.detach() + 0.4 * torch.randn(rows, WIDTH, dtype=torch.float64)),
        "sampler": (logps.detach() + 0.5 * torch.randn(rows, WIDTH, dtype=torch.float64)),
        "reference": (logps.detach() + 0.3 * torch.randn(rows, WIDTH, dtype=torch.float64)),
        "entropy": torch.rand(rows, WIDTH, dtype=torch.float64),
        "advantages": torch.tensor([1.2, -0.7, 0.3, -1.5, 0.9, -0.2], dtype=torch.float64),
        "mask": mask.double(),
    }


def _ours(t: dict[str, Tensor], objective: Objective, **extra: Any) -> Tensor:
    weights = row_weights(objective, torch.tensor(LENGTHS), MAX_TOKENS).double()
    batch = LossBatch(
        logps_BT=t["logps"],
        advantages_B=t["advantages"],
        mask_BT=t["mask"],
        weights_B=weights,
        old_BT=t["old"],
        sampler_BT=t["sampler"],
        reference_BT=t["reference"] if objective.beta else None,
        entropy_BT=t["entropy"],
        **extra,
    )
    return policy_loss(batch, objective).loss


def _surrogate(o: Objective, ratio: Tensor, advantage: float, logp: Tensor) -> Tensor:
    if o.surrogate == "cispo":
        return -min(float(ratio.detach()), o.epsilon_high) * advantage * logp
    if o.surrogate == "sapo":
        tau = o.sapo_temperatures[0] if advantage > 0 else o.sapo_temperatures[1]
        return -(4 / tau) * torch.sigmoid(tau * (ratio - 1)) * advantage
    if o.surrogate == "reinforce":
        return -ratio * advantage
    clipped = torch.clamp(ratio, 1 - o.epsilon_low, 1 + o.epsilon_high)
    plain = ratio if o.delta is None else torch.clamp(ratio, max=o.delta)
    gain = torch.minimum(plain * advantage, clipped * advantage)
    if o.dual_clip is not None and advantage < 0:
        gain = torch.maximum(gain, torch.tensor(o.dual_clip * advantage))
    return -gain


def _dense(t: dict[str, Tensor], o: Objective) -> Tensor:
    """The definitions of the papers, one token at a time."""
    total = torch.zeros((), dtype=torch.float64)
    for i, length in enumerate(LENGTHS):
        log_ratio = t["logps"][i, :length] - t["old"][i, :length]
        advantage = float(t["advantages"][i])
        row = torch.zeros((), dtype=torch.float64)
        for k in range(length):
            ratio = log_ratio.mean().exp() if o.ratio == "sequence" else log_ratio[k].exp()
            loss = _surrogate(o, ratio, advantage, t["logps"][i, k])
            if o.beta:
                d = t["reference"][i, k] - t["logps"][i, k]
                kl = {"k1": -d, "k2": d**2 / 2, "k3": d.exp() - d - 1}[o.kl]
                if o.kl_ratio and o.kl != "k2":
                    kl = kl * log_ratio[k].exp()
                loss = loss + o.beta * kl
            row = row + loss
        share = {
            "sequence": 1 / (length * len(LENGTHS)),
            "token": 1 / sum(LENGTHS),
            "micro_batch": 1 / sum(LENGTHS),
            "constant": 1 / (len(LENGTHS) * MAX_TOKENS),
            "sum": 1 / len(LENGTHS),
        }
        total = total + row * share[o.aggregate]
    return total


VARIANTS: dict[str, dict[str, Any]] = {
    **ALGORITHMS,
    "two_sided": {"delta": 1.3},
    "dual_clip": {"dual_clip": 1.1},
    "k1": {"beta": 0.3, "kl": "k1"},
    "k2": {"beta": 0.3, "kl": "k2"},
    "k3": {"beta": 0.3, "kl": "k3"},
    "k3_plain": {"beta": 0.3, "kl": "k3", "kl_ratio": False},
    "gspo_wide": {**ALGORITHMS["gspo"], "epsilon_low": 0.1, "epsilon_high": 0.1},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_loss_and_gradient_match_the_dense_reference(name: str, tensors: dict[str, Tensor]) -> None:
    objective = Objective(**VARIANTS[name])
    ours, dense = _ours(tensors, objective), _dense(tensors, objective)
    torch.testing.assert_close(ours, dense)
    (gradient,) = torch.autograd.grad(ours, tensors["logps"])
    (expected,) = torch.autograd.grad(dense, tensors["logps"])
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("name", VARIANTS)
def test_padding_beyond_a_rows_length_never_matters(name: str, tensors: dict[str, Tensor]) -> None:
    objective = Objective(**VARIANTS[name])
    before = _ours(tensors, objective)
    outside = tensors["mask"] == 0
    for key in ("old", "sampler", "reference", "entropy"):
        tensors[key] = torch.where(outside, torch.full_like(tensors[key], -3.3), tensors[key])
    torch.testing.assert_close(_ours(tensors, objective), before)


@pytest.mark.parametrize("name", [n for n in ALGORITHMS if n not in ("gspo", "luspo")])
def test_on_policy_every_objective_has_the_policy_gradient(name: str, tensors: dict[str, Tensor]) -> None:
    """At ratio 1 nothing is clipped: d loss / d log π_t = −w_i A_i."""
    objective = Objective(**ALGORITHMS[name])
    tensors["old"] = tensors["logps"].detach()
    (gradient,) = torch.autograd.grad(_ours(tensors, objective), tensors["logps"])
    weights = row_weights(objective, torch.tensor(LENGTHS), MAX_TOKENS).double()
    torch.testing.assert_close(gradient, -weights[:, None] * tensors["advantages"][:, None] * tensors["mask"])


def test_entropy_bonus_and_top_entropy_mask(tensors: dict[str, Tensor]) -> None:
    base = _ours(tensors, Objective())
    weights = row_weights(Objective(), torch.tensor(LENGTHS), MAX_TOKENS).double()
    bonus = (weights[:, None] * tensors["entropy"] * tensors["mask"]).sum()
    torch.testing.assert_close(_ours(tensors, Objective(entropy_bonus=0.1)), base - 0.1 * bonus)
    kept = torch.zeros(len(LENGTHS), WIDTH, dtype=torch.float64)
    assert _ours(tensors, Objective(top_entropy=0.2), keep_BT=kept) == 0
    assert entropy_threshold(torch.arange(1.0, 11.0), 0.2) == 9.0  # two of ten tokens


def test_importance_weights() -> None:
    log_w = torch.tensor([[math.log(4.0), math.log(0.25), math.log(1.5)]])
    mask = torch.ones(1, 3)

    def weights(kind: str) -> list[float]:
        objective = Objective(importance=kind, importance_cap=2.0)  # type: ignore[arg-type]
        return [round(v, 5) for v in importance_weights(log_w, mask, objective)[0].tolist()]

    assert weights("truncate") == [2.0, 0.25, 1.5]
    assert weights("mask") == [0.0, 0.25, 1.5]
    assert weights("icepop") == [0.0, 0.0, 1.5]
    assert weights("sequence_mask") == [1.5, 1.5, 1.5]


def test_off_policy_mask_drops_only_negative_rows_that_drifted(tensors: dict[str, Tensor]) -> None:
    tensors["old"] = tensors["sampler"] = tensors["logps"].detach() + 1.0
    objective = Objective(off_policy_mask=0.5, surrogate="reinforce")
    (gradient,) = torch.autograd.grad(_ours(tensors, objective), tensors["logps"])
    dropped = gradient.abs().sum(1) == 0
    assert dropped.tolist() == [a < 0 for a in tensors["advantages"].tolist()]


def test_kl_estimates_average_to_the_kl() -> None:
    """k1 and k3 are unbiased: their exact expectation under π is KL(π‖π_ref)."""
    torch.manual_seed(0)
    p, q = torch.randn(12).softmax(0), torch.randn(12).softmax(0)
    truth = (p * (p / q).log()).sum()
    for kind in ("k1", "k3"):
        assert (p * kl_estimate(p.log(), q.log(), kind)).sum() == pytest.approx(float(truth), abs=1e-6)


def test_kl_with_ratio_has_the_gradient_of_the_kl() -> None:
    """In a loss, on-policy, k1 alone has no gradient at all; times the ratio it is the KL's."""
    torch.manual_seed(0)
    logits, q = torch.randn(12, dtype=torch.float64, requires_grad=True), torch.randn(12).double().softmax(0)
    logp = logits.log_softmax(0)
    truth = torch.autograd.grad((logp.exp() * (logp - q.log())).sum(), logits, retain_graph=True)[0]
    for kind, with_ratio in (("k1", True), ("k3", True), ("k2", False)):
        ratio = (logp - logp.detach()).exp() if with_ratio else torch.ones(12)
        loss = (logp.detach().exp() * ratio * kl_estimate(logp, q.log(), kind)).sum()
        found = torch.autograd.grad(loss, logits, retain_graph=True)[0]
        torch.testing.assert_close(found, truth)
    bare = torch.autograd.grad((logp.detach().exp() * kl_estimate(logp, q.log(), "k1")).sum(), logits)[0]
    assert bare.abs().max() < 1e-12


@pytest.fixture(scope="module")
def trl_loss(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Tensor]:
    """trl's own loss function on given log-probs."""
    pytest.importorskip("trl", reason="compares with trl's loss")
    from datasets import Dataset
    from transformers import Qwen3Config, Qwen3ForCausalLM
    from trl import GRPOConfig, GRPOTrainer

    from veritune.trainer.policy.models import make_tokenizer

    tokenizer = make_tokenizer(list("ab"))
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    model = Qwen3ForCausalLM(Qwen3Config(vocab_size=8, head_dim=16, num_key_value_heads=1, **sizes))
    folder: Path = tmp_path_factory.mktemp("trl")

    def call(t: dict[str, Tensor], loss_type: str, beta: float = 0.0, **options: Any) -> Tensor:
        config = GRPOConfig(
            output_dir=str(folder),
            use_cpu=True,
            bf16=False,
            report_to="none",
            per_device_train_batch_size=6,
            num_generations=6,
            max_completion_length=MAX_TOKENS,
            loss_type=loss_type,
            **options,
        )
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=[lambda completions, **_: [0.0] * len(completions)],
            args=config,
            train_dataset=Dataset.from_list([{"prompt": "a"}] * 6),
            processing_class=tokenizer,
        )
        trainer.beta = beta  # set after: trl would load a reference model by name, and its log-probs are given here
        trainer.model.train()
        trainer.current_gradient_accumulation_steps = 1
        trainer._get_per_token_logps_and_entropies = lambda *a, **k: (t["logps"], t["entropy"], None)
        ids = torch.ones(6, WIDTH, dtype=torch.long)
        inputs = {
            "prompt_ids": ids[:, :2],
            "prompt_mask": ids[:, :2],
            "completion_ids": ids,
            "completion_mask": t["mask"].long(),
            "advantages": t["advantages"],
            "old_per_token_logps": t["old"],
            "ref_per_token_logps": t["reference"],
            "num_items_in_batch": t["mask"].sum(),
        }
        loss: Tensor = trainer._compute_loss(trainer.model, inputs)
        return loss

    return call


TRL_CASES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("grpo", {}, "grpo", {}),
    ("dr_grpo", {}, "dr_grpo", {}),
    ("dapo", {}, "dapo", {"epsilon_high": 0.28}),
    ("bnpo", {}, "bnpo", {}),
    ("grpo", {"delta": 1.3}, "grpo", {"delta": 1.3}),
    ("cispo", {}, "cispo", {"epsilon_high": 5.0}),
    ("sapo", {}, "sapo", {}),
    (
        "gspo",
        {},
        "grpo",
        {"importance_sampling_level": "sequence", "epsilon": 3e-4, "epsilon_high": 4e-4},
    ),
    ("grpo", {"beta": 0.3}, "grpo", {"beta": 0.3}),
]


@pytest.mark.parametrize(("name", "ours", "loss_type", "theirs"), TRL_CASES)
def test_loss_equals_trls_on_the_same_tensors(
    name: str,
    ours: dict[str, Any],
    loss_type: str,
    theirs: dict[str, Any],
    tensors: dict[str, Tensor],
    trl_loss: Callable[..., Tensor],
) -> None:
    objective = Objective(**{**ALGORITHMS[name], **ours})
    expected = trl_loss(tensors, loss_type, **theirs)
    torch.testing.assert_close(_ours(tensors, objective), expected.double(), rtol=1e-6, atol=1e-8)
    (gradient,) = torch.autograd.grad(_ours(tensors, objective), tensors["logps"])
    (other,) = torch.autograd.grad(expected, tensors["logps"])
    torch.testing.assert_close(gradient, other, rtol=1e-6, atol=1e-8)
